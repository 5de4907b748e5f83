// Clock: virtual time. It stands still until somebody moves it, and it moves from one due timer to the next, so that what a timer
// sets off has come to rest before the next one fires.
//   A process has its own face of the clock: when the process is lost, its timers are.

import type { Clock } from '../../src/world.ts'

interface Timer {
  readonly dueMs: number
  readonly order: number
  readonly owner: object
  readonly fire: () => void
}

export class VirtualClock {
  nowMs = 1_767_225_600_000
  #timers = new Map<number, Timer>()
  #order = 0

  /** The clock of one process. */
  faceOf(owner: object): Clock {
    return {
      setTimeout: (fire, delayMs) => {
        this.#order += 1
        this.#timers.set(this.#order, { dueMs: this.nowMs + Math.max(0, delayMs), order: this.#order, owner, fire })
        return this.#order
      },
      clearTimeout: (id) => void this.#timers.delete(id as number), // Ids are the numbers given out above.
    }
  }

  forget(owner: object): void {
    for (const [id, timer] of this.#timers) if (timer.owner === owner) this.#timers.delete(id)
  }

  /** Fires everything due at the next due moment up to `untilMs`; false when there is none, and then it is `untilMs`. */
  step(untilMs: number): boolean {
    let dueMs = Number.POSITIVE_INFINITY
    for (const timer of this.#timers.values()) dueMs = Math.min(dueMs, timer.dueMs)
    if (dueMs > untilMs) {
      this.nowMs = untilMs
      return false
    }
    this.nowMs = dueMs
    const due = [...this.#timers].filter(([, timer]) => timer.dueMs === dueMs).sort(([a], [b]) => a - b)
    for (const [id, timer] of due) if (this.#timers.delete(id)) timer.fire()
    return true
  }
}
