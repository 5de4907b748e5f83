// Call: one request, as its handler sees it.

import { Refusal } from './answers.ts'
import type { Streams } from './events.ts'
import { LIST_ROWS, LIST_ROWS_MAX } from './limits.ts'
import type { GatewayPort } from './port.ts'

/** One request, with what its handler may use. */
export interface Call {
  readonly request: Request
  readonly gateway: GatewayPort
  readonly streams: Streams
  /** A part of the path, decoded; empty when the path has no such part. */
  readonly part: (name: string) => string
  /** One value of the query; null when it is not given. */
  readonly query: (name: string) => string | null
  /** Closes the connection without an answer. */
  readonly cut: () => void
}

/** How many rows the client wants (`?limit=`). */
export function rows({ query }: Call): number {
  const given = query('limit')
  if (given === null) return LIST_ROWS
  const limit = Number(given)
  if (/^\d+$/.test(given) && limit >= 1 && limit <= LIST_ROWS_MAX) return limit
  throw new Refusal(400, 'bad_value', `"limit" must be a number from 1 to ${LIST_ROWS_MAX}.`)
}
