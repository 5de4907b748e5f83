// Points: every named place at which a crash run kills the process, and what a life must do so that it comes there.
// Where each of them is in the program stands in doors.ts; a point that no life can reach fails the suite.

/** What a life does only when it is asked to, or seldom. */
export type Need = 'a new store' | 'a drain' | 'a refused send' | 'a blocked send' | '/undo'

export interface PointFacts {
  readonly needs?: Need
  /** How many passages of it a life surely has; it dies at one of them. */
  readonly passages: number
}

const OFTEN = { passages: 6 }
const ONCE = { passages: 1 }

export const POINTS = {
  // The start.
  'within a migration': { passages: 1, needs: 'a new store' },
  'after open': ONCE,
  'after unfinished': { passages: 3 },
  'after owed': { passages: 3 },
  'before live': { passages: 3 },
  // The store's one line: a transaction for all that was asked for in one moment.
  'between two writes': { passages: 200 },
  'before flush': { passages: 40 },
  'after flush': { passages: 40 },
  // Each operation: asked for, and nothing of it is on disk; on disk, and nobody knows it.
  'before accept': OFTEN,
  'after accept': OFTEN,
  'before begin': OFTEN,
  'after begin': OFTEN,
  'before commit': OFTEN,
  'after commit': OFTEN,
  'before step': OFTEN,
  'after step': OFTEN,
  'before undo': { passages: 1, needs: '/undo' },
  'after undo': { passages: 1, needs: '/undo' },
  'before release': { passages: 1, needs: 'a drain' },
  'after release': { passages: 1, needs: 'a drain' },
  'before attempt': OFTEN,
  'after attempt': OFTEN,
  'before unattempt': { passages: 1, needs: 'a refused send' },
  'after unattempt': { passages: 1, needs: 'a refused send' },
  'before journal': OFTEN,
  'after journal': OFTEN,
  'before receipt': OFTEN,
  'after receipt': OFTEN,
  'before undeliverable': { passages: 1, needs: 'a blocked send' },
  'after undeliverable': { passages: 1, needs: 'a blocked send' },
  // The platform, the model and the tools.
  'after receive': OFTEN,
  'before confirm': { passages: 3 },
  'after confirm': { passages: 3 },
  'before think': OFTEN,
  'within an answer': OFTEN,
  'after think': OFTEN,
  'before tool': OFTEN,
  'after tool': OFTEN,
  'before send': OFTEN,
  'after send': OFTEN,
} as const satisfies Readonly<Record<string, PointFacts>>

export type Point = keyof typeof POINTS

export const POINT_NAMES = Object.keys(POINTS) as readonly Point[] // The keys of a record that nobody adds to.

export function factsOf(point: Point): PointFacts {
  return POINTS[point]
}
