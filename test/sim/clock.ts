// Clock: virtual time. It stands still until somebody moves it, and it moves from one due timer to the next, so that what a timer
// sets off has come to rest before the next one fires.
//   A process has its own face of the clock: when the process is lost, its timers are.
//   Thousands of sessions have a timer each: setting, ending and finding the next one costs the logarithm of how many there are.

import type { Clock } from '../../src/world.ts'

interface Timer {
  readonly dueMs: number
  readonly order: number
  readonly owner: object
  readonly fire: () => void
}

export class VirtualClock {
  nowMs = 1_767_225_600_000
  /** By order; one that was ended is not here any more, and still in the heap. */
  readonly #timers = new Map<number, Timer>()
  readonly #heap: Timer[] = []
  #order = 0

  /** The clock of one process. */
  faceOf(owner: object): Clock {
    return {
      setTimeout: (fire, delayMs) => {
        this.#order += 1
        const timer = { dueMs: this.nowMs + Math.max(0, delayMs), order: this.#order, owner, fire }
        this.#timers.set(this.#order, timer)
        push(this.#heap, timer)
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
    const dueMs = this.#next()?.dueMs ?? Number.POSITIVE_INFINITY
    if (dueMs > untilMs) {
      this.nowMs = untilMs
      return false
    }
    this.nowMs = dueMs
    const last = this.#order
    for (let timer = this.#next(); timer?.dueMs === dueMs && timer.order <= last; timer = this.#next()) {
      pop(this.#heap)
      this.#timers.delete(timer.order)
      timer.fire()
    }
    return true
  }

  #next(): Timer | undefined {
    while (this.#heap[0] !== undefined && !this.#timers.has(this.#heap[0].order)) pop(this.#heap)
    return this.#heap[0]
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}

function push(heap: Timer[], timer: Timer): void {
  heap.push(timer)
  for (let at = heap.length - 1; at > 0; ) {
    const parent = (at - 1) >> 1
    if (!isBefore(heap[at]!, heap[parent]!)) return
    swap(heap, at, parent)
    at = parent
  }
}

function pop(heap: Timer[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  heap[0] = last
  for (let at = 0; ; ) {
    const left = 2 * at + 1
    const right = left + 1
    let first = at
    if (left < heap.length && isBefore(heap[left]!, heap[first]!)) first = left
    if (right < heap.length && isBefore(heap[right]!, heap[first]!)) first = right
    if (first === at) return
    swap(heap, at, first)
    at = first
  }
}

function swap(heap: Timer[], a: number, b: number): void {
  const timer = heap[a]!
  heap[a] = heap[b]!
  heap[b] = timer
}
