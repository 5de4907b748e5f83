// Telegram connection: from "who am I" to the last poll.
//   C2. It settles only when nothing of it runs: no poll, no typing, no registration of commands.
// It counts as live once the first poll was answered: a token that somebody else polls is refused there and not before.

import { COMMANDS } from '../../machines/commands.ts'
import { failureOf } from '../../machines/failure.ts'
import { CONNECT_MS_MAX } from '../../machines/limits.ts'
import type { AdapterParts, Door, Identity } from './adapter.ts'
import type { BotApi, PollRequest } from './telegram-api.ts'
import { certain } from './telegram-failure.ts'
import { readInbound, readPress, type Self } from './telegram-inbound.ts'
import { createParts } from './telegram-parts.ts'
import { pollUpdates, type UpdateSource } from './telegram-poll.ts'
import type { TelegramProgress } from './telegram-progress.ts'

export interface Connection {
  readonly parts: AdapterParts
  readonly api: BotApi
  readonly progress: TelegramProgress
  readonly door: Door
}

/** Telegram answers a poll at its timeout; one that is this much late has stalled. */
const POLL_GRACE_MS = 15_000

/** The last poll of a connection may not hold up a drain. */
const CONFIRM_MS_MAX = 2_000

/** A client does not show its waiting circle for longer. */
const PRESS_MS_MAX = 5_000

export async function connect(connection: Connection, signal: AbortSignal): Promise<void> {
  const { parts, api, progress, door } = connection
  const ended = new AbortController()
  let registering: Promise<void> = Promise.resolve()
  const presses = pressesOf(connection, ended.signal)
  try {
    const connectedBy = parts.world.nowMs() + CONNECT_MS_MAX
    const limit = () => ({ signal, withinMs: connectedBy - parts.world.nowMs() })
    const self = await api.getMe(limit())
    // A webhook that somebody set would keep every poll from working.
    await api.deleteWebhook(limit())
    const answered = () => {
      door.live(identityOf(self))
      progress.resume()
      registering = registerCommands(connection, ended.signal)
    }
    await pollUpdates({ ...updatesOf(connection, { self, connectedBy, presses }), answered }, parts.log, signal)
  } catch (error) {
    // What was not confirmed is offered again.
    if (!signal.aborted) throw certain(error)
  } finally {
    ended.abort()
    await Promise.all([registering, presses.settled(), progress.pause()])
  }
}

export function identityOf(self: Self): Identity {
  return { id: String(self.id), name: `@${self.username}` }
}

interface Taking {
  readonly self: Self
  readonly connectedBy: number
  readonly presses: Presses
}

function updatesOf(connection: Connection, { self, connectedBy, presses }: Taking): Omit<UpdateSource, 'answered'> {
  const { api, door } = connection
  const { log, world } = connection.parts
  const withParts = createParts()
  return {
    async take(request: PollRequest, signal: AbortSignal) {
      const { timeoutSeconds } = request
      const withinMs = timeoutSeconds > 0 ? timeoutSeconds * 1_000 + POLL_GRACE_MS : connectedBy - world.nowMs()
      return await api.getUpdates(request, { signal, withinMs })
    },
    async confirm(offset: number) {
      const limit = { signal: new AbortController().signal, withinMs: CONFIRM_MS_MAX }
      try {
        await api.getUpdates({ offset, limit: 1, timeoutSeconds: 0 }, limit)
      } catch (error) {
        log.info({ reason: failureOf(error).message }, 'the last updates stay unconfirmed; they will be offered again')
      }
    },
    async receive(update: unknown) {
      const press = readOrSkip(connection, () => readPress(update, self, connection.parts.definition.id))
      const message =
        press?.message ?? readOrSkip(connection, () => readInbound(update, self, connection.parts.definition.id))
      if (message !== null) await Promise.all(withParts(message, world.nowMs()).map((part) => door.receive(part)))
      if (press !== null) presses.answer(press.id)
    },
  }
}

/** An update that nobody can read is skipped: offered again, it would be as unreadable as now, for ever. */
function readOrSkip<T>({ parts }: Connection, read: () => T | null): T | null {
  try {
    return read()
  } catch (error) {
    parts.log.warn({ reason: error instanceof Error ? error.message : 'unknown' }, 'an unreadable update was skipped')
    return null
  }
}

interface Presses {
  /** Best effort, and no poll waits for it: without it a client shows its waiting circle for a while. */
  answer(press: string): void
  settled(): Promise<unknown>
}

function pressesOf({ api, parts }: Connection, signal: AbortSignal): Presses {
  const answering = new Set<Promise<void>>()
  return {
    answer(press) {
      const answer = api
        .answerPress(press, { signal, withinMs: PRESS_MS_MAX })
        .catch((error: unknown) => {
          parts.log.debug({ reason: failureOf(error).message }, 'Telegram did not take the answer to a button')
        })
        .finally(() => answering.delete(answer))
      answering.add(answer)
    },
    settled: () => Promise.all(answering),
  }
}

/** The menu of commands in people's clients; the bot works without it. */
async function registerCommands({ parts, api }: Connection, signal: AbortSignal): Promise<void> {
  try {
    await api.setCommands(COMMANDS, { signal, withinMs: CONNECT_MS_MAX })
  } catch (error) {
    if (signal.aborted) return
    parts.log.warn({ reason: failureOf(error).message }, 'Telegram did not take the list of commands')
  }
}
