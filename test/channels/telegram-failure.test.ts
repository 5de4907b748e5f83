// Refusals and broken connections → failures, without a server: the words and the cases that a server seldom gives.

import { describe, expect, test } from 'vitest'
import {
  isAboutMarkup,
  isAboutMethod,
  RefusalError,
  type Refusal,
  refusalFailure,
} from '../../src/channels/telegram-failure.ts'
import type { BotApi, TextMessage } from '../../src/channels/telegram-api.ts'
import type { Place } from '../../src/channels/telegram-inbound.ts'
import { sendPart } from '../../src/channels/telegram-send.ts'

const refusal = (code: number, description: string, more: Partial<Refusal> = {}): Refusal => ({
  code,
  description,
  retryAfterSeconds: null,
  migratedTo: null,
  ...more,
})

const failure = (code: number, description: string) => refusalFailure(refusal(code, description), 'telegram_cfo')

describe('refusals', () => {
  test('the remedy names the channel and where a token comes from', () => {
    expect(failure(401, 'Unauthorized')).toEqual({
      kind: 'permanent',
      reason: 'unauthorized',
      message: 'the token of telegram_cfo was refused by Telegram',
      remedy: 'Take a new token from @BotFather and set it for telegram_cfo; then reconnect the channel',
    })
  })

  test('409 tells a second poller from a webhook', () => {
    expect(failure(409, 'Conflict: terminated by other getUpdates request').message).toContain('polls')
    expect(failure(409, "Conflict: can't use getUpdates method while webhook is active").message).toContain('webhook')
  })

  test('429 without a time has none', () => {
    expect('retryAfterMs' in failure(429, 'Too Many Requests')).toBe(false)
  })

  test.each([
    [3, 3_000],
    [0.0015, 2],
    [1e12, 86_400_000],
    [-5, undefined],
    ['soon', undefined],
  ])('429 with retry_after %j is waited for as long as makes sense: %s ms', (seconds, expected) => {
    const asked = { retryAfterSeconds: seconds as number } // What a server says is not always what it should be.
    expect(refusalFailure(refusal(429, 'Too Many Requests', asked), 'telegram_cfo').retryAfterMs).toBe(expected)
  })

  test('a very long description is cut', () => {
    expect(failure(400, 'x'.repeat(9_000)).message.length).toBeLessThan(300)
  })

  test.each([
    ["Bad Request: can't parse entities: Can't find end tag", true],
    ['Bad Request: message text is empty', true],
    ['Bad Request: chat not found', false],
    ['Bad Request: message thread not found', false],
    ['Bad Request: TOPIC_DELETED', false],
    ['Bad Request: have no rights to send a message', false],
  ])('%j is worth a try without markup: %s', (description, expected) => {
    expect(isAboutMarkup(refusal(400, description))).toBe(expected)
  })

  test.each([
    [404, 'Not Found', true],
    [400, 'Bad Request: drafts are not supported', true],
    [400, 'Bad Request: chat not found', false],
    [403, 'Forbidden: bot was blocked by the user', false],
    [429, 'Too Many Requests', false],
  ])('%d %j says that nobody is streamed to: %s', (code, description, expected) => {
    expect(isAboutMethod(refusal(code, description))).toBe(expected)
  })
})

test('a group that became a supergroup: the reply goes there in the same call, as no reply to anything', async () => {
  const asked: [Place, TextMessage][] = []
  const upgraded = refusal(400, 'Bad Request: group chat was upgraded to a supergroup chat', { migratedTo: -1009 })
  const sendMessage: BotApi['sendMessage'] = async (place, message) => {
    asked.push([place, message])
    if (place.chat === -5) throw new RefusalError(upgraded, 'telegram_cfo')
    return 31
  }
  const unused = () => Promise.reject(new Error('not asked for'))
  const api: BotApi = {
    ...{ getMe: unused, deleteWebhook: unused, setCommands: unused, getUpdates: unused },
    ...{ getFile: unused, download: unused },
    ...{ answerPress: unused, sendTyping: unused, sendDraft: unused, sendMessage },
  }
  const outgoing = { outboxId: 1, conversation: '-5', text: 'hello', replyTo: '12', uncertain: false }
  const limit = { signal: new AbortController().signal, withinMs: 1_000 }
  expect(await sendPart(api, { outgoing, part: 0 }, limit)).toEqual({ receipt: '31', last: true })
  expect(asked).toEqual([
    [
      { chat: -5, topic: null },
      { text: 'hello', format: 'html', replyTo: 12, buttons: [] },
    ],
    [
      { chat: -1009, topic: null },
      { text: 'hello', format: 'html', replyTo: null, buttons: [] },
    ],
  ])
})
