// Telegram deadline: one signal that aborts when its owner says so or when its time is up, and knows which it was.

import type { Clock } from '../world.ts'

export interface Deadline {
  readonly signal: AbortSignal
  /** True when the time was up before anybody else aborted. */
  passed(): boolean
  /** Must be called once the work is over: frees the timer and the listener. */
  end(): void
}

export function startDeadline(clock: Clock, afterMs: number, outer: AbortSignal): Deadline {
  const controller = new AbortController()
  let passed = false
  const abort = () => controller.abort()
  const timer = clock.setTimeout(
    () => {
      passed = !outer.aborted
      controller.abort()
    },
    Math.max(0, afterMs),
  )
  outer.addEventListener('abort', abort)
  if (outer.aborted) abort()
  return {
    signal: controller.signal,
    passed: () => passed,
    end() {
      clock.clearTimeout(timer)
      outer.removeEventListener('abort', abort)
    },
  }
}
