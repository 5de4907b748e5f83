// Shape: what of a value may leave the process. A list of what is shown: whatever it does not name is hidden, so that a new
// field, a new event or an unforeseen value shows its place and never its content. Pure.
//   A3. A secret's value leaves through no inspector: no shape shows what holds one.
//   I4. What is shown of a value is bounded in texts, lists and records.

import { FailureError } from '../../machines/failure.ts'
import { COMMANDS } from '../../machines/commands.ts'
import { ENTRIES_SHOWN, ITEMS_SHOWN, TEXT_UNITS_SHOWN, WORD_UNITS_SHOWN } from './limits.ts'

export type Shape =
  /** An id, a state, a number: shown as it is. */
  | 'word'
  /** What people or agents said, or what an outsider chose: `[text]`, unless the operator asked for texts. */
  | 'text'
  /** The name of a command; one that is not ours is what somebody typed. */
  | 'command'
  /** Anything that was thrown: its name, and a FailureError's reason; never its message. */
  | 'error'
  /** The keys of a record: agents and channels by their ids. */
  | 'names'
  | 'hidden'
  | { readonly each: Shape }
  /** A record whose keys are addresses or ids. */
  | { readonly keyed: Shape }
  | { readonly parts: Readonly<Record<string, Shape>> }

export interface Showing {
  /** Message texts, names and instructions too. */
  readonly texts: boolean
}

const HIDDEN = '[hidden]'
/** In the place of what no shape names: either a shape is behind its message, or something is where nothing belongs. */
export const UNLISTED = '[unlisted]'
const TEXT = '[text]'

export function shown(value: unknown, shape: Shape, showing: Showing): unknown {
  if (value === undefined || value === null) return value
  if (typeof shape === 'object') return shownParts(value, shape, showing)
  switch (shape) {
    case 'word':
      return word(value)
    case 'text':
      return text(value, showing)
    case 'command':
      return typeof value === 'string' && Object.hasOwn(COMMANDS, value) ? value : text(value, showing)
    case 'error':
      return errorShown(value)
    case 'names':
      return isRecord(value) ? latest(Object.keys(value), word) : UNLISTED
    case 'hidden':
      return HIDDEN
  }
}

function shownParts(value: unknown, shape: Exclude<Shape, string>, showing: Showing): unknown {
  if ('each' in shape) {
    return Array.isArray(value) ? latest(value, (item) => shown(item, shape.each, showing)) : UNLISTED
  }
  if (!isRecord(value)) return UNLISTED
  if ('parts' in shape) return partsShown(value, shape.parts, showing)
  const entries = Object.entries(value)
  const kept = Object.fromEntries(
    entries.slice(-ENTRIES_SHOWN).map(([key, part]) => [key, shown(part, shape.keyed, showing)]),
  )
  const left = entries.length - ENTRIES_SHOWN
  return left > 0 ? { '…': `${left} more`, ...kept } : kept
}

/** What is not listed is not even named: of an unforeseen value the keys may be as private as the rest. */
function partsShown(value: object, parts: Readonly<Record<string, Shape>>, showing: Showing): unknown {
  const all: Record<string, unknown> = {}
  for (const [key, part] of Object.entries(value)) {
    const shape = Object.hasOwn(parts, key) ? parts[key] : undefined
    if (shape !== undefined) all[key] = shown(part, shape, showing)
    else all['…'] = UNLISTED
  }
  return all
}

function word(value: unknown): unknown {
  if (typeof value === 'string') return shortened(value, WORD_UNITS_SHOWN)
  return typeof value === 'number' || typeof value === 'boolean' ? value : UNLISTED
}

function text(value: unknown, { texts }: Showing): unknown {
  if (typeof value !== 'string') return UNLISTED
  if (value === '') return ''
  return texts ? shortened(value, TEXT_UNITS_SHOWN) : TEXT
}

function errorShown(error: unknown): unknown {
  if (error instanceof FailureError) return { name: 'FailureError', reason: error.failure.reason }
  // A name is what a library chose, as a rule its class; anything that does not look like one is not shown.
  const name = error instanceof Error && /^[A-Za-z]{1,40}Error$/.test(error.name) ? error.name : 'Error'
  return { name }
}

function shortened(value: string, units: number): string {
  return value.length <= units ? value : `${value.slice(0, units)}…`
}

/** The last items of a list: what happened last is what a reader looks for. */
function latest(list: readonly unknown[], show: (item: unknown) => unknown): unknown[] {
  const left = list.length - ITEMS_SHOWN
  const kept = list.slice(-ITEMS_SHOWN).map(show)
  return left > 0 ? [`… ${left} earlier`, ...kept] : kept
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
