// Telegram support: what the adapter's tests need around it: parts, a world whose time the test moves, and a log that is kept.

import { afterEach, beforeEach } from 'vitest'
import type { ChannelDefinition } from '../../machines/definitions.ts'
import { type Failure, FailureError } from '../../machines/failure.ts'
import type { Inbound } from '../../machines/messages.ts'
import type { Adapter, AdapterParts, Door, Identity, Reception } from '../../src/channels/adapter.ts'
import { createTelegramAdapter } from '../../src/channels/telegram.ts'
import type { Log, LogFields } from '../../src/log.ts'
import { realWorld, type World } from '../../src/world.ts'
import { type BotApiServer, type BotHandle, startBotApi } from '../support/bot-api/server.ts'

export const TOKEN = '4711:AAH-secret-of-this-bot'

export interface TestParts {
  readonly parts: AdapterParts
  /** Every line that was logged, as JSON. */
  readonly lines: string[]
}

export interface PartsOptions {
  readonly apiRoot: string
  readonly id?: string
  /** The secret's value at each use. */
  readonly token?: () => string
  readonly world?: World
}

export function telegramParts(options: PartsOptions): TestParts {
  const { apiRoot, id = 'telegram_cfo', token = () => TOKEN, world = realWorld({}) } = options
  const definition: ChannelDefinition = {
    id,
    platform: 'telegram',
    routes: { default: 'cfo', dm: null, group: null },
    allowedUsers: [],
    unknownUserPolicy: 'allow',
    groupPolicy: 'mention_only',
    sessionScope: 'per_chat',
    busyMode: 'queue',
    queueLimit: 32,
    partialAnswers: 'keep',
    reset: null,
    token: { secret: `channels.${id}.token` },
    apiRoot,
    module: null,
    settings: {},
    lacking: [],
    missing: [],
  }
  const lines: string[] = []
  const unused = () => Promise.reject(new Error('Telegram keeps its own conversations'))
  return {
    parts: {
      definition,
      secret: (reference) => {
        if (reference.secret !== `channels.${id}.token`) throw new Error(`not the token: ${reference.secret}`)
        return token()
      },
      journal: { append: unused, after: unused },
      uploads: { read: unused },
      world,
      log: keptLog(lines, {}),
    },
    lines,
  }
}

function keptLog(lines: string[], bound: LogFields): Log {
  const line = (level: string) => (fields: LogFields, message: string) => {
    lines.push(JSON.stringify({ level, ...bound, ...fields, message }))
  }
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (fields) => keptLog(lines, { ...bound, ...fields }),
  }
}

// --- a server, a bot and an adapter's run -----------------------------------------------------------------------------

export interface TelegramOfTest {
  api: BotApiServer
  bot: BotHandle
}

/** A new server with one bot before each test of the file; read its fields within the test. */
export function useTelegram(): TelegramOfTest {
  const of: Partial<TelegramOfTest> = {}
  beforeEach(async () => {
    of.api = await startBotApi()
    of.bot = of.api.addBot({ token: TOKEN, username: 'cfo_bot', canReadAllGroupMessages: true })
  })
  afterEach(() => of.api?.close())
  // Filled before each test.
  return of as TelegramOfTest
}

export interface Running {
  readonly adapter: Adapter
  readonly lines: readonly string[]
  readonly ended: Promise<void>
  stop(): Promise<void>
}

export function startAdapter(door: TestDoor, options: PartsOptions): Running {
  const { parts, lines } = telegramParts(options)
  const adapter = createTelegramAdapter(parts)
  const controller = new AbortController()
  const ended = adapter.run(door, controller.signal)
  ended.catch(() => {})
  return {
    adapter,
    lines,
    ended,
    stop: () => {
      controller.abort()
      return ended
    },
  }
}

/** A long poll is open; the first poll of a connection does not wait. */
export function isHeld(bot: BotHandle): boolean {
  return bot.activePolls === 1 && bot.calls.some((call) => call.payload.timeout === 30 && call.endedAt === null)
}

export function methodsOf(bot: BotHandle): string[] {
  return bot.calls.map((call) => call.method)
}

// --- a door that remembers ------------------------------------------------------------------------------------------

export interface TestDoor extends Door {
  readonly identities: Identity[]
  readonly received: Inbound[]
  /** Resolves when so many messages were received. */
  count(messages: number): Promise<void>
  readonly isLive: Promise<void>
}

/** `receive`: what becomes of a message; default: accepted. */
export function openDoor(receive: (message: Inbound) => Promise<Reception> = accepted): TestDoor {
  const identities: Identity[] = []
  const received: Inbound[] = []
  const waiting: { readonly messages: number; readonly resolve: () => void }[] = []
  const live = Promise.withResolvers<void>()
  return {
    identities,
    received,
    isLive: live.promise,
    live(identity) {
      identities.push(identity)
      live.resolve()
    },
    async receive(message) {
      received.push(message)
      for (const { messages, resolve } of waiting) if (received.length >= messages) resolve()
      return await receive(message)
    },
    count(messages) {
      const { promise, resolve } = Promise.withResolvers<void>()
      if (received.length >= messages) resolve()
      else waiting.push({ messages, resolve })
      return promise
    },
  }
}

async function accepted(): Promise<Reception> {
  return { accepted: true, duplicate: false, seq: 1 }
}

/** The failure that a promise rejects with; throws when it resolves or rejects with something else. */
export async function failureFrom(promise: Promise<unknown>): Promise<Failure> {
  const error = await promise.then(
    () => new Error('expected a failure, but the promise resolved'),
    (reason: unknown) => reason,
  )
  if (error instanceof FailureError) return error.failure
  throw error
}

// --- time that a test moves -----------------------------------------------------------------------------------------

export interface MovedWorld extends World {
  /** Fires what is due by then, in order, and lets promises settle in between. */
  advance(milliseconds: number): Promise<void>
  /** Timers that wait. */
  readonly timers: number
}

export function movedWorld(): MovedWorld {
  let now = 1_000_000
  let lastId = 0
  const timers = new Map<number, { readonly atMs: number; readonly fire: () => void }>()
  const due = (untilMs: number) => [...timers].filter(([, timer]) => timer.atMs <= untilMs).sort(byTime)[0]
  return {
    ...realWorld({}),
    nowMs: () => now,
    clock: {
      setTimeout(fire, delayMs) {
        lastId += 1
        timers.set(lastId, { atMs: now + delayMs, fire })
        return lastId
      },
      clearTimeout(id) {
        if (typeof id === 'number') timers.delete(id)
      },
    },
    get timers() {
      return timers.size
    },
    async advance(milliseconds) {
      const untilMs = now + milliseconds
      for (let next = due(untilMs); next !== undefined; next = due(untilMs)) {
        timers.delete(next[0])
        now = Math.max(now, next[1].atMs)
        next[1].fire()
        await settled()
      }
      now = untilMs
      await settled()
    },
  }
}

function byTime(a: [number, { atMs: number }], b: [number, { atMs: number }]): number {
  return a[1].atMs - b[1].atMs || a[0] - b[0]
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}
