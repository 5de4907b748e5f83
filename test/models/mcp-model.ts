// What can be seen of an MCP server's actor: whether a client lives, which calls are with it, what each who asked was told, and what
// it waits for. Written from the promises (X1, X2, X3, restart intensity); it knows nothing of the chart.
// The world asks twice at once at most, or as a crowd, exchanges the server once, and lets it fail until it is left alone.

import { reducerModel } from '../support/paths.ts'

export const MCP_EVENTS = [
  { type: 'list' },
  { type: 'listThrows' },
  { type: 'call' },
  { type: 'crowd' },
  { type: 'drop' },
  { type: 'ready' },
  { type: 'answer' },
  { type: 'dies' },
  { type: 'ends' },
  { type: 'time' },
  { type: 'redefine' },
  { type: 'unneed' },
] as const

export type McpEvent = (typeof MCP_EVENTS)[number]

/** What somebody was told. `unknown`: it was with the server. */
export type Fate = 'listed' | 'told' | 'unknown' | 'not done' | 'changed' | 'full'

interface Asking {
  readonly what: 'list' | 'call'
  readonly isWithIt: boolean
}

export interface Seen extends Record<string, unknown> {
  readonly at: 'idle' | 'starting' | 'ready' | 'closing' | 'backingOff' | 'failed'
  /** Nobody has told them. */
  readonly open: readonly Asking[]
  /** As many as there is room for. */
  readonly crowd: 'waits' | 'with it' | null
  readonly failures: number
  /** What the server has was said once, of this definition. */
  readonly known: boolean
  /** It has been ready for long. */
  readonly stable: boolean
  readonly definitions: number
  /** Why it is being closed. */
  readonly why: 'slow' | 'changed' | null
  /** What the last event led to: fates, a crowd's only once. */
  readonly said: readonly Fate[]
}

const BEGINNING: Seen = {
  at: 'idle',
  open: [],
  crowd: null,
  failures: 0,
  known: false,
  stable: false,
  definitions: 0,
  why: null,
  said: [],
}

export const mcpModel = reducerModel(BEGINNING, (before: Seen, event: McpEvent): Seen => {
  const seen = { ...before, said: [] }
  switch (event.type) {
    case 'list':
    case 'call':
      return asked(seen, event.type)
    case 'listThrows':
      return seen.at === 'idle' ? failed(waiting(seen, 'list')) : seen
    case 'crowd':
      return crowded(seen)
    case 'drop':
      return dropped(seen)
    case 'ready':
      return seen.at === 'starting' ? served(seen) : seen
    case 'answer': {
      const first = seen.open.findIndex(({ isWithIt }) => isWithIt)
      return first < 0 ? seen : { ...seen, open: seen.open.toSpliced(first, 1), said: ['told'] }
    }
    case 'dies':
      if (seen.at === 'closing') return ended(seen)
      return seen.at === 'starting' || seen.at === 'ready' ? failed(seen) : seen
    case 'ends':
      return ended(seen)
    case 'time':
      return later(seen)
    case 'redefine':
    case 'unneed':
      return changed(seen, event.type)
  }
})

function asked(seen: Seen, what: 'list' | 'call'): Seen {
  const known = what === 'list' && seen.known
  switch (seen.at) {
    case 'idle':
      return { ...waiting(seen, what), at: 'starting' }
    case 'starting':
      // Who begins now does not wait for one that failed before.
      if (what === 'call' || seen.failures === 0) return waiting(seen, what)
      return { ...seen, said: [known ? 'listed' : 'not done'] }
    case 'ready':
      if (what === 'list') return { ...seen, said: ['listed'] }
      return { ...seen, open: [...seen.open, { what, isWithIt: true }] }
    case 'closing':
      return waiting(seen, what)
    default:
      return { ...seen, said: [known ? 'listed' : 'not done'] }
  }
}

function waiting(seen: Seen, what: 'list' | 'call'): Seen {
  return { ...seen, open: [...seen.open, { what, isWithIt: false }] }
}

/** One more than there is room for. */
function crowded(seen: Seen): Seen {
  if (seen.at === 'backingOff' || seen.at === 'failed') return seen
  return { ...seen, crowd: seen.at === 'ready' ? 'with it' : 'waits', said: ['full'] }
}

/** The oldest that can be. */
function dropped(seen: Seen): Seen {
  const isWithIt = seen.at === 'ready'
  const first = seen.open.findIndex((one) => one.isWithIt === isWithIt)
  return first < 0 ? seen : { ...seen, open: seen.open.toSpliced(first, 1) }
}

function served(seen: Seen): Seen {
  return {
    ...seen,
    at: 'ready',
    known: true,
    stable: false,
    open: seen.open.filter(({ what }) => what === 'call').map((one) => ({ ...one, isWithIt: true })),
    crowd: seen.crowd === null ? null : 'with it',
    said: seen.open.filter(({ what }) => what === 'list').map(() => 'listed'),
  }
}

/** Everybody is told; what was with the server may have happened. */
function failed(seen: Seen): Seen {
  const fateOf = ({ what, isWithIt }: Asking): Fate =>
    isWithIt ? 'unknown' : what === 'list' && seen.known ? 'listed' : 'not done'
  const crowd = seen.crowd === null ? [] : [fateOf({ what: 'call', isWithIt: seen.crowd === 'with it' })]
  const failures = seen.failures + 1
  return {
    ...seen,
    at: failures > 10 ? 'failed' : 'backingOff',
    failures,
    why: null,
    open: [],
    crowd: null,
    said: [...seen.open.map(fateOf), ...crowd],
  }
}

/** Another definition, or none: whoever asked the old one is told. */
function changed(seen: Seen, how: 'redefine' | 'unneed'): Seen {
  const runs = seen.at === 'starting' || seen.at === 'ready' || seen.at === 'closing'
  const newer = how === 'redefine' ? { definitions: seen.definitions + 1, known: false, failures: 0 } : {}
  if (!runs)
    return how === 'unneed' && seen.at === 'idle' ? seen : { ...seen, ...newer, at: 'idle', failures: 0, why: null }
  const told = [...seen.open, ...(seen.crowd === null ? [] : ['crowd'])].map(() => 'changed' as const)
  return { ...seen, ...newer, at: 'closing', why: 'changed', open: [], crowd: null, said: told }
}

function ended(seen: Seen): Seen {
  if (seen.why !== 'changed') return failed(seen)
  const isAsked = seen.open.length > 0 || seen.crowd !== null
  return { ...seen, at: isAsked ? 'starting' : 'idle', failures: 0, why: null }
}

function later(seen: Seen): Seen {
  switch (seen.at) {
    case 'starting':
      return { ...seen, at: 'closing', why: 'slow' }
    case 'ready':
      return { ...seen, failures: 0, stable: true }
    case 'backingOff':
      return { ...seen, at: 'starting' }
    case 'failed':
      return { ...seen, at: 'idle', failures: 0 }
    default:
      return seen
  }
}

type Possible = (state: { readonly context: Seen }, event: McpEvent) => boolean

/** Two who ask, one failure, one exchange. */
export const asking: Possible = ({ context }, { type }) => {
  const { at, open, failures, definitions } = context
  if (type === 'crowd') return false
  if (type === 'list' || type === 'call') return open.length < 2
  if (type === 'listThrows') return at === 'idle'
  if (type === 'ends') return at === 'closing'
  if (type === 'dies') return failures === 0 || at === 'closing'
  if (type === 'time') return at !== 'starting' || failures === 0
  return type !== 'redefine' || definitions === 0
}

/** A crowd asks once. */
export const crowding: Possible = ({ context }, { type }) => {
  const { at, crowd, open, failures, definitions } = context
  switch (type) {
    case 'crowd':
      return crowd === null && open.length === 0 && at !== 'idle' && failures === 0
    case 'call':
      return at === 'idle'
    case 'drop':
      return at === 'starting' && open.length > 0
    case 'redefine':
      return definitions === 0
    case 'dies':
    case 'time':
      return failures === 0 || at === 'closing'
    case 'ends':
      return at === 'closing'
    default:
      return type === 'ready'
  }
}

/** It fails and fails. */
export const failing: Possible = ({ context }, { type }) => {
  const { at, failures, definitions } = context
  if (type === 'list') return at === 'idle' || at === 'failed'
  if (type === 'dies') return true
  if (type === 'time') return at === 'backingOff' || at === 'failed'
  return (
    (type === 'redefine' || type === 'unneed' || type === 'call') &&
    at === 'failed' &&
    failures > 10 &&
    definitions === 0
  )
}
