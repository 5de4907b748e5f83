// Passages: what the process under test does when it comes by a named point: it counts, and at the one passage that it was
// given it kills itself. Runs in that process; speaks to the run through its environment and its standard error.

import { writeSync } from 'node:fs'
import type { Point } from './points.ts'

/** `POINT#N`: at the N-th passage of POINT the process ends as by `kill -9`. */
export const CRASH_AT = 'TROUPE_TEST_CRASH_AT'

/** Set: the first passage of each point is said. */
export const SAY_PASSAGES = 'TROUPE_TEST_SAY_PASSAGES'

const passages = new Map<Point, number>()
const [target, passage] = (process.env[CRASH_AT] ?? '').split('#')

const saysPassages = process.env[SAY_PASSAGES] !== undefined

export function pass(point: Point): void {
  const count = (passages.get(point) ?? 0) + 1
  passages.set(point, count)
  if (saysPassages && count === 1) say(`came by ${point}`)
  if (point !== target || count !== Number(passage)) return
  say(`crash point ${point}`)
  process.kill(process.pid, 'SIGKILL')
}

/** Where the process said that it kills itself; null: it has not. */
export function crashPointIn(errors: string): string | null {
  return /^crash point (.+)$/m.exec(errors)?.[1] ?? null
}

/** What it said: see SAY_PASSAGES. */
export function cameBy(errors: string, point: Point): boolean {
  return errors.includes(`came by ${point}\n`)
}

/** Written when it returns: a process that is killed flushes nothing. */
function say(line: string): void {
  writeSync(2, `${line}\n`)
}
