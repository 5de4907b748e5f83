// Telegram poll: the long-polling loop. One poll at a time, in one place.
// Not grammY's own loop: that one moves its offset past every update it tried, also past one that could not be kept.
//   An update is confirmed (by asking for a later one) only after everything up to it was received; when one could not be
//   kept, the loop ends without confirming and Telegram offers the updates again.
//   C2. The loop settles only when its last request is closed.

import { type Failure, FailureError, failureOf } from '../../machines/failure.ts'
import type { Log } from '../log.ts'
import type { PollRequest } from './telegram-api.ts'

export interface UpdateSource {
  /** getUpdates; rejects with a FailureError, after its connection was closed. */
  take(request: PollRequest, signal: AbortSignal): Promise<readonly unknown[]>
  /** Asks for the next update only, so that those before `offset` are confirmed; bounded in time. */
  confirm(offset: number): Promise<void>
  /** Rejects when the update could not be kept. An update that nobody can read is skipped there. */
  receive(update: unknown): Promise<void>
  /** The first poll was answered. */
  answered(): void
}

/** How long Telegram holds a poll that has nothing to say. */
const POLL_SECONDS = 30

/** As many as Telegram gives at once. */
const BATCH_UPDATES = 100

export async function pollUpdates(source: UpdateSource, log: Log, signal: AbortSignal): Promise<void> {
  let offset: number | undefined
  let confirmed: number | undefined
  for (let first = true; !signal.aborted; first = false) {
    // The first one does not wait: it shows whether polling works at all, for example whether nobody else polls.
    const request = { offset, limit: BATCH_UPDATES, timeoutSeconds: first ? 0 : POLL_SECONDS }
    const answer = await takeOrEnd(source, request, signal)
    if (answer === 'ended unsent') break
    confirmed = offset
    // What arrives with the abort is not taken any more; it was not confirmed either.
    if (answer === 'ended' || signal.aborted) break
    if (first) source.answered()
    const ids = answer.map(updateIdOf).filter((id) => id !== null)
    if (ids.length < answer.length) log.warn({ updates: answer.length }, 'an update without a number was skipped')
    if (answer.length > 0 && ids.length === 0) throw unreadable()
    await receiveAll(source, answer)
    if (ids.length > 0) offset = Math.max(...ids) + 1
  }
  if (offset !== undefined && offset !== confirmed) await source.confirm(offset)
}

/** `ended`: by our own signal; Telegram has most likely read the poll's offset, unless it was never sent. */
async function takeOrEnd(
  source: UpdateSource,
  request: PollRequest,
  signal: AbortSignal,
): Promise<readonly unknown[] | 'ended' | 'ended unsent'> {
  try {
    return await source.take(request, signal)
  } catch (error) {
    if (!signal.aborted) throw error
    return failureOf(error).uncertain === true ? 'ended' : 'ended unsent'
  }
}

/** In order but not one after the other, so that one write to the disk can keep them all. */
async function receiveAll(source: UpdateSource, updates: readonly unknown[]): Promise<void> {
  const results = await Promise.allSettled(updates.map((update) => source.receive(update)))
  const lost = results.find((result) => result.status === 'rejected')
  if (lost !== undefined) throw new FailureError(notKept(lost.reason))
}

function notKept(thrown: unknown): Failure {
  if (thrown instanceof FailureError) return thrown.failure
  return {
    kind: 'retryable',
    reason: 'storage',
    message: 'a message could not be kept; Telegram keeps it and offers it again',
  }
}

function updateIdOf(update: unknown): number | null {
  if (typeof update !== 'object' || update === null || !('update_id' in update)) return null
  return Number.isSafeInteger(update.update_id) ? Number(update.update_id) : null
}

function unreadable(): FailureError {
  return new FailureError({
    kind: 'retryable',
    reason: 'unavailable',
    message: 'Telegram answered a poll with something that is not a list of updates',
  })
}
