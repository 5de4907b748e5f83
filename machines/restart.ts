// Restart: how long to wait before the next try, and when to stop trying. Pure.
// One law for connections, sessions, deliveries and commits: the wait doubles from BACKOFF_MS_MIN to BACKOFF_MS_MAX, and the
// other side's own hint is obeyed when it is longer.

import {
  BACKOFF_MS_MAX,
  BACKOFF_MS_MIN,
  MESSAGE_TRIES_IN_COMPANY_MAX,
  MESSAGE_TRIES_MAX,
  SESSION_RESTARTS_MAX,
} from './limits.ts'

/** Milliseconds to wait after `failures` (1, 2, …) in a row; `hintMs` is what the other side asked for. */
export function backoffMs(failures: number, hintMs = 0): number {
  const growing = BACKOFF_MS_MIN * 2 ** Math.min(failures - 1, 16)
  return Math.max(hintMs, Math.min(growing, BACKOFF_MS_MAX))
}

/** Restart intensity: what a supervisor does after `failures` (1, 2, …) of a child without a rest in between. */
export function nextRestart(failures: number): { readonly restartAfterMs: number } | 'giveUp' {
  return failures > SESSION_RESTARTS_MAX ? 'giveUp' : { restartAfterMs: backoffMs(failures) }
}

/**
 * Whether a message is to blame for the ends of its `tries` activations: it was at work in enough of them, and in more than
 * whatever else is unfinished (`company`: the most tries among messages of other sessions).
 */
export function isToBlame(tries: number, company: number): boolean {
  if (tries < MESSAGE_TRIES_MAX) return false
  return tries >= MESSAGE_TRIES_IN_COMPANY_MAX || tries - company >= 2
}
