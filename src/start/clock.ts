// Clock: whether this machine's clock can be right. Everything that is kept has a time; budgets, resets and certificates hang on it.
//   A clock that was never set is waited for, as a port that is taken: it is set once the network is there. A store that is newer than
//   the clock may have been written by a clock that was wrong: that is said, and stops nothing.

import { FailureError } from '../../machines/failure.ts'
import { lastWrittenMs } from '../store/files.ts'

/** No Troupe has run before. */
const EARLIEST_MS = Date.UTC(2020, 0, 1)

/** Machines that share a disk differ by minutes, never by a day. */
const AHEAD_MS_MAX = 24 * 60 * 60_000

/** Throws a FailureError when the clock was never set. */
export function requireClock(nowMs: number): void {
  if (nowMs >= EARLIEST_MS) return
  throw new FailureError({
    kind: 'retryable',
    reason: 'missing',
    message: `The clock of this machine says ${textOf(nowMs)}.`,
    remedy: 'Set it (timedatectl set-ntp true), and start again.',
    phase: 'requires',
  })
}

/** What a person should know of the clock and the store; null: nothing. */
export function clockWarning(data: string, nowMs: number): string | null {
  const writtenMs = lastWrittenMs(data)
  if (writtenMs === null || writtenMs - nowMs <= AHEAD_MS_MAX) return null
  const times = `The store in ${data} was written at ${textOf(writtenMs)}, and the clock of this machine says ${textOf(nowMs)}.`
  return `${times} Set the clock right if it is wrong; if it was wrong then, nothing is to be done.`
}

function textOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}
