// The Telegram adapter against a strict Bot API server: typing and drafts beside the final text, and the token's secrecy.

import { beforeEach, afterEach, describe, expect, test } from 'vitest'
import type { Progress } from '../../machines/messages.ts'
import type { Adapter, Outgoing } from '../../src/channels/adapter.ts'
import { createTelegramAdapter } from '../../src/channels/telegram.ts'
import { type BotApiServer, type BotHandle, type Person, startBotApi } from '../support/bot-api/server.ts'
import { openDoor, type PartsOptions, TOKEN, telegramParts } from './telegram-support.ts'

let api: BotApiServer
let bot: BotHandle
let anna: Person
let adapter: Adapter
let lines: readonly string[]

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
  const made = telegramParts({ apiRoot: api.url, ...options })
  adapter = createTelegramAdapter(made.parts)
  lines = made.lines
}

const never = new AbortController().signal

function outgoing(text: string, more: Partial<Outgoing> = {}): Outgoing {
  return { outboxId: 1, conversation: String(anna.id), text, replyTo: null, uncertain: false, ...more }
}

const send = (text: string, more: Partial<Outgoing> = {}) => adapter.send(outgoing(text, more), 0, never)
const texts = () =>
  bot
    .shown(anna.id)
    .filter((message) => message.from.isBot)
    .map((message) => message.text)

describe('A3 the token stands nowhere', () => {
  test.each([
    { kind: 'cut' },
    { kind: 'html', code: 502 },
    { kind: 'garbage' },
    { kind: 'error', code: 500, description: `Internal error at /bot${TOKEN}/sendMessage` },
    { kind: 'error', code: 401, description: 'Unauthorized' },
  ] as const)('%j', async (fault) => {
    bot.faults.always('sendMessage', fault)
    const error = await send('x').catch((thrown: unknown) => thrown)
    expect(everythingIn(error)).not.toContain(TOKEN)
    expect(everythingIn(error)).toContain('Telegram')
  })

  test.each(['not a url', 'ftp://127.0.0.1', 'http://127.0.0.1:1'])('with the api_root %j', async (apiRoot) => {
    build({ apiRoot })
    const error = await send('x').catch((thrown: unknown) => thrown)
    expect(everythingIn(error)).not.toContain(TOKEN)
    expect(lines.join('\n')).not.toContain(TOKEN)
  })
})

describe('S52 streaming', () => {
  const state = (value: 'running' | 'idle'): Progress => ({ kind: 'state', session: 's', state: value })
  const delta = (text: string): Progress => ({ kind: 'delta', session: 's', turn: 't', text })

  test('typing and the draft are there while the run goes on; then the text once', async () => {
    const running = await connected()
    adapter.show(String(anna.id), state('running'))
    adapter.show(String(anna.id), delta('The sum '))
    adapter.show(String(anna.id), delta('is 42'))
    const draft = await bot.waitFor((of) => of.draft(anna.id))
    expect(draft.text).toBe('The sum is 42')
    expect(bot.calls.some((call) => call.method === 'sendChatAction' && call.payload.action === 'typing')).toBe(true)
    adapter.show(String(anna.id), state('idle'))
    await send('The sum is **42**')
    expect(texts()).toEqual(['The sum is 42'])
    await running.stop()
  })

  test.each([
    { kind: 'error', code: 404, description: 'Not Found' },
    { kind: 'error', code: 400, description: 'Bad Request: no drafts here' },
    { kind: 'cut' },
    { kind: 'hang' },
  ] as const)('all drafts and all typing fail (%j): the text once, at once', async (fault) => {
    for (const method of ['sendMessageDraft', 'sendChatAction']) bot.faults.always(method, fault)
    const running = await connected()
    adapter.show(String(anna.id), state('running'))
    adapter.show(String(anna.id), delta('The sum '))
    await bot.waitFor((of) => of.calls.some((call) => call.method === 'sendMessageDraft'))
    adapter.show(String(anna.id), delta('is 42'))
    adapter.show(String(anna.id), state('idle'))
    await send('The sum is 42')
    expect(texts()).toEqual(['The sum is 42'])
    await running.stop()
  })

  test('show does nothing harmful without a connection or with a foreign conversation', () => {
    for (const conversation of [String(anna.id), 'nowhere', '']) {
      adapter.show(conversation, state('running'))
      adapter.show(conversation, delta('x'))
      adapter.show(conversation, state('idle'))
    }
    expect(bot.calls).toEqual([])
  })

  async function connected(): Promise<{ stop(): Promise<void> }> {
    const controller = new AbortController()
    const door = openDoor()
    const ended = adapter.run(door, controller.signal)
    await door.isLive
    return {
      stop: () => {
        controller.abort()
        return ended
      },
    }
  }
})

/** The error with its stack, its causes and whatever hangs on it. */
function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error)
  const own = Object.getOwnPropertyNames(error).map((key) => Reflect.get(error, key))
  return own.map((value) => (value instanceof Error ? everythingIn(value) : (JSON.stringify(value) ?? ''))).join('\n')
}
