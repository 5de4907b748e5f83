// Clocks: what an in-process measurement reads: processor time, pieces of the event loop, bytes of the heap.

import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface Swept {
  /** From its beginning to its end. */
  readonly ms: number
  /** Its longest piece: so long the process did nothing else. */
  readonly blockedMs: number
}

/** A shorter turn of the event loop has nothing of a sweep in it. */
const WORK_MS_MIN = 0.1

/** What a sweep leaves to promises is done after so many turns. */
const TURNS_AFTER = 20

/**
 * Watches the event loop from `begin` until a sweep, which is made in pieces, is over. By the clock: processor time comes in ticks.
 * Its end is asked for and not seen by how quiet the loop is: on a busy machine it never is.
 */
export async function observeTurns(begin: () => void, isOver: () => boolean): Promise<Swept> {
  const startedAt = performance.now()
  begin()
  let turnedAt = performance.now()
  let endedAt = turnedAt
  let blockedMs = turnedAt - startedAt
  for (let after = 0; after < TURNS_AFTER; after = isOver() ? after + 1 : 0) {
    await turn()
    const now = performance.now()
    const took = now - turnedAt
    turnedAt = now
    if (took < WORK_MS_MIN) continue
    blockedMs = Math.max(blockedMs, took)
    endedAt = now
  }
  return { ms: endedAt - startedAt, blockedMs }
}

export interface Turn {
  readonly ms: number
  /** Of this thread: other work on the machine is not in it. */
  readonly processorMs: number
}

/** The longest turns of the event loop until something is over, by the one measure and by the other: so long nobody else had one. */
export async function longestTurn(until: Promise<unknown>): Promise<Turn> {
  let isOver = false
  const over = (): void => void (isOver = true)
  until.then(over, over)
  let longest: Turn = { ms: 0, processorMs: 0 }
  let [turnedAt, usedMs] = [performance.now(), processorMs()]
  while (!isOver) {
    await turn()
    const [now, usedNowMs] = [performance.now(), processorMs()]
    longest = {
      ms: Math.max(longest.ms, now - turnedAt),
      processorMs: Math.max(longest.processorMs, usedNowMs - usedMs),
    }
    turnedAt = now
    usedMs = usedNowMs
  }
  return longest
}

/** Processor time of this thread: other work on the machine is not in it. It comes in ticks of some milliseconds. */
export function processorMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

/** Bytes of the heap in use, after everything that can go has gone. */
export async function heapBytes(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect !== 'function') throw new Error('This Node cannot collect garbage on demand.')
  // A finalizer of the first collection may let something go that only the next one finds.
  for (let again = 0; again < 3; again += 1) {
    collect()
    await turn()
  }
  return process.memoryUsage().heapUsed
}
