// Problems: what is wrong with a file, as data with a place, and the one line that a person reads.
//   A problem's message is a plain sentence without a secret's value (A3); it names the nearest valid word when there is one.

import type { Phase } from '../../machines/phases.ts'

/** One thing that is wrong, at its place in the file. */
export interface Problem {
  /** As the user gave it. */
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  /** Counted from 1, in UTF-16 units. */
  readonly column: number
  /** For example `channels.ops.allowed_users[1]`; `(file)` when it is about the file as a whole. */
  readonly path: string
  /** With the suggestion, when there is one. */
  readonly message: string
  /** In which phase of a start it is found. */
  readonly phase: Phase
}

/** More than anybody mends at once; a file of noise must not flood a terminal. */
export const PROBLEMS_MAX = 200

/** `FILE:LINE:COL PATH: message (did you mean "x"?)`, one line whatever the file contains. */
export function formatProblem(problem: Problem): string {
  const line = `${problem.file}:${problem.line}:${problem.column} ${problem.path}: ${problem.message}`
  return line.replace(/\p{Cc}+/gu, ' ')
}

/** ` (did you mean "x"?)`, or nothing when no known word is near. */
export function suggestion(word: string, known: Iterable<string>): string {
  const near = nearest(word, known)
  return near === null ? '' : ` (did you mean "${near}"?)`
}

/** The known word that a person most probably meant; null when none is near. */
export function nearest(word: string, known: Iterable<string>): string | null {
  const typed = bare(word)
  let best: { word: string; distance: number } | null = null
  for (const candidate of known) {
    const distance = distanceTo(typed, bare(candidate))
    if (distance !== null && (best === null || distance < best.distance)) best = { word: candidate, distance }
  }
  return best?.word ?? null
}

/** `a`, `a or b`, `a, b or c`. */
export function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? ''
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`
}

// --- helpers ------------------------------------------------------------------------------------------------------

/** No known word is longer; a longer one is compared by its beginning, so that the cost has a bound. */
const WORD_UNITS_MAX = 64

/** How words are compared: `allowedUsers` and `allowed-users` are one word. */
function bare(word: string): string {
  return word
    .slice(0, WORD_UNITS_MAX)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
}

function distanceTo(typed: string, candidate: string): number | null {
  const longer = Math.max(typed.length, candidate.length)
  const distance = edits(typed, candidate)
  if (distance <= Math.max(1, Math.floor(longer * 0.4))) return distance
  // `bot_token` for `token`, `policy` for `group_policy`.
  const shorter = Math.min(typed.length, candidate.length)
  const within = shorter >= 3 && (typed.includes(candidate) || candidate.includes(typed))
  return within ? longer : null
}

/** Insertions, deletions, replacements and swaps of neighbours between two words. */
function edits(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      const cells = [at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + (same ? 0 : 1)]
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (row > 1 && column > 1 && swapped) cells.push(at(beforeLast, column - 2) + 1)
      current.push(Math.min(...cells))
    }
    beforeLast = last
    last = current
  }
  return at(last, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
