// Lifetime: how long one request to a provider stays open. It ends when its caller cancels, when nothing is heard for too
// long, or when its owner closes it; whichever comes first closes the request.
//   After any end no timer and no listener is left.

import type { FailureError } from '../../machines/failure.ts'
import type { Clock } from '../world.ts'
import { cancelled, silent } from './model-failure.ts'

export interface Lifetime {
  /** For the request: aborts at the end, whatever the reason. */
  readonly signal: AbortSignal
  /** Rejects with the failure when the request was cancelled or too long silent, once `signal` has aborted; never resolves. */
  readonly ended: Promise<never>
  /** The next sign of life is due within `dueMs` from now; replaces what was due before. */
  expect(dueMs: number): void
  close(): void
}

export function openLifetime(clock: Clock, outer: AbortSignal): Lifetime {
  const closing = new AbortController()
  const { promise: ended, reject } = Promise.withResolvers<never>()
  // Whoever races against it hears of it; a request that is over does not, and is not unhandled for that.
  ended.catch(() => {})
  let timer: { readonly id: unknown } | null = null

  const disarm = (): void => {
    if (timer !== null) clock.clearTimeout(timer.id)
    timer = null
  }
  const close = (): void => {
    disarm()
    outer.removeEventListener('abort', cancel)
    closing.abort()
  }
  const end = (error: FailureError): void => {
    close()
    reject(error)
  }
  const cancel = (): void => end(cancelled())

  if (outer.aborted) cancel()
  else outer.addEventListener('abort', cancel, { once: true })

  return {
    signal: closing.signal,
    ended,
    expect(dueMs) {
      disarm()
      if (!closing.signal.aborted) timer = { id: clock.setTimeout(() => end(silent(dueMs)), dueMs) }
    },
    close,
  }
}
