// Call: one request, as its handler sees it.

import type { World } from '../world.ts'
import { Refusal } from './answers.ts'
import type { Streams } from './events.ts'
import { IDENTIFIER_UNITS_MAX, LIST_ROWS, LIST_ROWS_MAX, OFFSET_MAX } from './limits.ts'
import type { GatewayPort } from './port.ts'

/** One request, with what its handler may use. */
export interface Call {
  readonly request: Request
  readonly gateway: GatewayPort
  readonly streams: Streams
  readonly world: World
  /** A part of the path, decoded; empty when the path has no such part. */
  readonly part: (name: string) => string
  /** One value of the query; null when it is not given. */
  readonly query: (name: string) => string | null
  /** Closes the connection without an answer. */
  readonly cut: () => void
}

/** How many rows the client wants (`?limit=`). */
export function rows(call: Call): number {
  return number(call, 'limit', { usual: LIST_ROWS, min: 1, max: LIST_ROWS_MAX })
}

/** How many rows come before the first one that the client wants (`?offset=`). */
export function offset(call: Call): number {
  return number(call, 'offset', { usual: 0, min: 0, max: OFFSET_MAX })
}

function number(
  { query }: Call,
  name: string,
  { usual, min, max }: { usual: number; min: number; max: number },
): number {
  const given = query(name)
  if (given === null) return usual
  const value = Number(given)
  if (/^\d+$/.test(given) && value >= min && value <= max) return value
  throw new Refusal(400, 'bad_value', `"${name}" must be a number from ${min} to ${max}.`)
}

/** What is looked for (`?search=`); empty: everything. */
export function searchText({ query }: Call): string {
  const given = query('search') ?? ''
  if (given.length <= IDENTIFIER_UNITS_MAX) return given
  throw new Refusal(
    400,
    'too_long',
    `"search" has ${given.length} characters; at most ${IDENTIFIER_UNITS_MAX} are taken.`,
  )
}
