// The Telegram adapter's sends against a strict Bot API server: what people see, what the receipt says, and what a failure means.

import { beforeEach, afterEach, describe, expect, test, vi } from 'vitest'
import type { Adapter, Outgoing } from '../../src/channels/adapter.ts'
import { createTelegramAdapter } from '../../src/channels/telegram.ts'
import { renderedText, renderMarkdown } from '../../src/channels/telegram-markup.ts'
import { EMPTY_TEXT, splitMarkdown } from '../../src/channels/telegram-split.ts'
import { type BotApiServer, type BotHandle, type Fault, type Person, startBotApi } from '../support/bot-api/server.ts'
import { failureFrom, movedWorld, type PartsOptions, TOKEN, telegramParts } from './telegram-support.ts'

let api: BotApiServer
let bot: BotHandle
let anna: Person
let adapter: Adapter

beforeEach(async () => {
  api = await startBotApi()
  bot = api.addBot({ token: TOKEN, username: 'cfo_bot' })
  anna = api.person()
  anna.says(bot, 'hello')
  build()
})

afterEach(async () => {
  await api.close()
})

function build(options: Partial<PartsOptions> = {}): void {
  adapter = createTelegramAdapter(telegramParts({ apiRoot: api.url, ...options }).parts)
}

const never = new AbortController().signal

function outgoing(text: string, more: Partial<Outgoing> = {}): Outgoing {
  return { outboxId: 1, conversation: String(anna.id), text, replyTo: null, uncertain: false, ...more }
}

const send = (text: string, more: Partial<Outgoing> = {}) => adapter.send(outgoing(text, more), 0, never)
const sends = () => bot.calls.filter((call) => call.method === 'sendMessage')
const texts = () =>
  bot
    .shown(anna.id)
    .filter((message) => message.from.isBot)
    .map((message) => message.text)

describe('a reply', () => {
  test('is shown with its markup; the receipt is the message id', async () => {
    const receipt = await send('**Total:** `42`')
    const shown = bot.shown(anna.id).at(-1)
    expect(receipt).toEqual({ receipt: String(shown?.messageId), last: true })
    expect(shown?.text).toBe('Total: 42')
    expect(shown?.entities.map((entity) => entity.type)).toEqual(['bold', 'code'])
    expect(sends()[0]?.payload).toMatchObject({ link_preview_options: { is_disabled: true } })
  })

  test('answers the message that it names, and goes out without that when it is gone', async () => {
    const { messageId } = anna.says(bot, 'question')
    await send('answer', { replyTo: String(messageId) })
    expect(bot.shown(anna.id).at(-1)?.replyTo).toBe(messageId)
    await send('late answer', { replyTo: '99999' })
    expect(texts()).toEqual(['answer', 'late answer'])
  })

  test.each([
    'Bad Request: message to be replied not found',
    'Bad Request: reply message not found',
    'Bad Request: MESSAGE_ID_INVALID',
  ])('goes out without what it answers when the server refuses that: %s', async (description) => {
    const { messageId } = anna.says(bot, 'question')
    bot.faults.next('sendMessage', { kind: 'error', code: 400, description })
    await send('**the** answer', { replyTo: String(messageId) })
    expect(texts()).toEqual(['the answer'])
    expect(sends().map(({ payload }) => 'reply_parameters' in payload)).toEqual([true, false])
  })

  test('S39: offers its choices as buttons under the last part; one that is too long for Telegram has none', async () => {
    const choices = [
      { label: 'Approve', text: '/approve 7-1' },
      { label: 'Deny', text: '/deny 7-1' },
      { label: 'Long', text: `/approve ${'x'.repeat(64)}` },
    ]
    const long = 'word '.repeat(1_000)
    await adapter.send(outgoing(long, { choices }), 0, never)
    expect(bot.shown(anna.id).at(-1)?.buttons).toEqual([])
    await adapter.send(outgoing(long, { choices }), 1, never)
    expect(bot.shown(anna.id).at(-1)?.buttons).toEqual([
      [
        { text: 'Approve', data: '/approve 7-1' },
        { text: 'Deny', data: '/deny 7-1' },
      ],
    ])
  })

  test('leaves nothing on the connection that the next one uses', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue()
    for (let index = 0; index < 12; index += 1) await send(`answer ${index}`)
    expect(warned.mock.calls).toEqual([])
    warned.mockRestore()
  })

  test('goes into its topic', async () => {
    const forum = api.group({ forum: true, members: [anna], bots: [bot] })
    anna.says(forum, 'hello')
    const topic = forum.topic('Budget')
    await send('here', { conversation: `${forum.id}:${topic}` })
    expect(forum.shown(topic).map((message) => message.text)).toContain('here')
    expect(forum.shown(topic).at(-1)?.topicId).toBe(topic)
  })

  test('with nothing to see in it is a visible one', async () => {
    await send(' \n ')
    expect(texts()).toEqual([EMPTY_TEXT])
  })

  test('to something that is no conversation, and a part that does not exist, are refused for good', async () => {
    expect(await failureFrom(send('x', { conversation: '@anna' }))).toMatchObject({
      kind: 'permanent',
      reason: 'notFound',
    })
    expect(await failureFrom(adapter.send(outgoing('x'), 1, never))).toMatchObject({
      kind: 'permanent',
      reason: 'refused',
    })
    expect(sends()).toEqual([])
  })
})

describe('S50 a long reply', () => {
  test('arrives in parts, in order, each with its receipt; only the first is a reply', async () => {
    const text = `${'A sentence of the report. '.repeat(150)}\n\n\`\`\`sql\n${'select 1 -- one\n'.repeat(400)}\`\`\`\n\n**The end.**`
    const count = splitMarkdown(text).length
    expect(count).toBeGreaterThan(2)
    const { messageId } = anna.says(bot, 'report')
    const lasts: boolean[] = []
    for (let part = 0; part < count; part += 1) {
      lasts.push((await adapter.send(outgoing(text, { replyTo: String(messageId) }), part, never)).last)
    }
    expect(lasts).toEqual([...Array(count - 1).fill(false), true])
    expect(texts()).toEqual(splitMarkdown(text).map((part) => renderedText(renderMarkdown(part)).trim()))
    const shown = bot.shown(anna.id).filter((message) => message.from.isBot)
    expect(shown.map((message) => message.replyTo)).toEqual([messageId, ...Array(count - 1).fill(undefined)])
    expect(shown[1]?.entities).toContainEqual(expect.objectContaining({ type: 'pre', language: 'sql' }))
  })

  test('broken markdown arrives as it is', async () => {
    const text = '**half *open `code [link](http:// <b> & </i>\n```'
    await send(text)
    for (const word of text.match(/\w+/g) ?? []) expect(texts()[0]).toContain(word)
    expect(sends()).toHaveLength(1)
  })
})

describe('S48 what a refusal means', () => {
  test('"can\'t parse entities": the same text without markup, in the same call', async () => {
    const description = 'Bad Request: can\'t parse entities: Unsupported start tag "x" at byte offset 0'
    bot.faults.next('sendMessage', { kind: 'error', code: 400, description })
    expect((await send('**kept** text')).last).toBe(true)
    expect(texts()).toEqual(['**kept** text'])
    expect(sends().map((call) => call.payload.parse_mode)).toEqual(['HTML', undefined])
  })

  const table: readonly (readonly [Fault, object, calls: number])[] = [
    [
      { kind: 'error', code: 429, description: 'Too Many Requests: retry after 3', retryAfter: 3 },
      { kind: 'retryable', reason: 'rateLimited', retryAfterMs: 3_000 },
      1,
    ],
    [
      { kind: 'error', code: 500, description: 'Internal Server Error' },
      { kind: 'retryable', reason: 'unavailable' },
      1,
    ],
    [
      { kind: 'error', code: 403, description: 'Forbidden: bot was blocked by the user' },
      { kind: 'permanent', reason: 'forbidden' },
      1,
    ],
    [
      { kind: 'error', code: 400, description: 'Bad Request: chat not found' },
      { kind: 'permanent', reason: 'notFound' },
      1,
    ],
    [
      { kind: 'error', code: 400, description: 'Bad Request: not enough rights to send text messages to the chat' },
      { kind: 'permanent', reason: 'forbidden' },
      1,
    ],
    [{ kind: 'error', code: 400, description: 'Bad Request: no' }, { kind: 'permanent', reason: 'refused' }, 2],
    [{ kind: 'error', code: 401, description: 'Unauthorized' }, { kind: 'permanent', reason: 'unauthorized' }, 1],
  ]
  test.each(table)('%j', async (fault, expected, calls) => {
    bot.faults.always('sendMessage', fault)
    const failure = await failureFrom(send('x'))
    expect(failure).toMatchObject(expected)
    expect(failure.uncertain).toBeUndefined()
    expect(sends()).toHaveLength(calls)
  })

  test('a person who blocked the bot, and a token that was revoked', async () => {
    anna.blocks(bot)
    expect(await failureFrom(send('x'))).toMatchObject({ kind: 'permanent', reason: 'forbidden' })
    bot.revoke()
    expect(await failureFrom(send('x'))).toMatchObject({ kind: 'permanent', reason: 'unauthorized' })
  })

  test('another chat is not held up by a 429', async () => {
    const bo = api.person()
    bo.says(bot, 'hello')
    bot.faults.always('sendMessage', {
      kind: 'error',
      code: 429,
      description: 'Too Many Requests',
      retryAfter: 60,
      chatId: anna.id,
    })
    expect(await failureFrom(send('x'))).toMatchObject({ retryAfterMs: 60_000 })
    await send('y', { conversation: String(bo.id) })
    expect(bot.shown(bo.id).at(-1)?.text).toBe('y')
  })
})

describe('S49 was it taken?', () => {
  test('cut before Telegram acted: the adapter can not know', async () => {
    bot.faults.next('sendMessage', { kind: 'cut' })
    expect(await failureFrom(send('x'))).toMatchObject({ kind: 'retryable', reason: 'unavailable', uncertain: true })
  })

  test('cut after Telegram acted: the same, although the message is there', async () => {
    bot.faults.next('sendMessage', { kind: 'cutAfter' })
    expect(await failureFrom(send('x'))).toMatchObject({ kind: 'retryable', uncertain: true })
    expect(texts()).toEqual(['x'])
  })

  test.each([
    [{ kind: 'garbage' }, true],
    [{ kind: 'html', code: 504 }, true],
    [{ kind: 'html', code: 502 }, true],
    [{ kind: 'html', code: 503 }, undefined],
    [{ kind: 'html', code: 403 }, undefined],
  ] as const)('an answer of somebody between: %j, uncertain: %s', async (fault, uncertain) => {
    bot.faults.next('sendMessage', fault)
    const failure = await failureFrom(send('x'))
    expect(failure).toMatchObject({ kind: 'retryable', reason: 'unavailable' })
    expect(failure.uncertain).toBe(uncertain)
  })

  test.each([{ kind: 'cut' }, { kind: 'garbage' }, { kind: 'html', code: 502 }] as const)(
    'the one repetition is not spent while Telegram is away: %j',
    async (fault) => {
      bot.faults.next('getMe', fault)
      const failure = await failureFrom(send('x', { uncertain: true }))
      expect(failure).toMatchObject({ kind: 'retryable', reason: 'unavailable' })
      expect(failure.uncertain).toBeUndefined()
      expect(sends()).toEqual([])
      await send('x', { uncertain: true })
      expect(texts()).toEqual(['x'])
    },
  )

  test('S51 ended by its caller while Telegram is silent: closed at once, uncertain', async () => {
    bot.faults.next('sendMessage', { kind: 'hang' })
    const controller = new AbortController()
    const failure = failureFrom(adapter.send(outgoing('x'), 0, controller.signal))
    await bot.waitFor(() => sends().length === 1)
    controller.abort()
    expect(await failure).toMatchObject({ kind: 'retryable', uncertain: true })
    await bot.waitFor(() => sends()[0]?.aborted === true)
  })

  test('S51 a send that never returns ends at its own deadline', async () => {
    const world = movedWorld()
    build({ world })
    bot.faults.next('sendMessage', { kind: 'hang' })
    const failure = failureFrom(send('x'))
    await bot.waitFor(() => sends().length === 1)
    await world.advance(60_000)
    expect(await failure).toMatchObject({ kind: 'retryable', reason: 'timeout', uncertain: true })
    expect(world.timers).toBe(0)
  })

  test('nobody listens, or who listens speaks no TLS: certainly not', async () => {
    const plain = await startBotApi()
    await api.close()
    for (const apiRoot of [api.url, plain.url.replace('http:', 'https:')]) {
      build({ apiRoot })
      const failure = await failureFrom(send('x'))
      expect(failure).toMatchObject({ kind: 'retryable', reason: 'unavailable' })
      expect(failure.uncertain).toBeUndefined()
    }
    await plain.close()
  })

  test('ended before it began: certainly not', async () => {
    const failure = await failureFrom(adapter.send(outgoing('x'), 0, AbortSignal.abort()))
    expect(failure.uncertain).toBeUndefined()
    expect(sends()).toEqual([])
  })
})
