// What can be seen of a run: what the model is asked and may use, which tools are at work, what waits for the disk, what the session is
// told, which deadline runs, and how it ends. Written from scenarios 39, 40 and 42 and the limits of a definition.
// The model answers twice at most, the second time without tools; the world has one tool that anybody may use, and one that people are
// asked about, of which it may be asked two uses at once.

import { reducerModel } from '../support/paths.ts'

export type RunEvent =
  | { readonly type: 'asks'; readonly what: Tools }
  | { readonly type: 'answers' }
  | { readonly type: 'fails' }
  | { readonly type: 'breaks' }
  | { readonly type: 'disk' }
  | { readonly type: 'diskFails' }
  | { readonly type: 'diskBreaks' }
  | { readonly type: 'toolEnds' }
  | { readonly type: 'toolFails' }
  | { readonly type: 'decides'; readonly approved: boolean }
  | { readonly type: 'steers'; readonly with: 'nothing' | 'something' }
  | { readonly type: 'time' }
  | { readonly type: 'drain' }

/** `look` is for anybody; `write` is asked about; `two` are two writes at once. */
export type Tools = 'look' | 'write' | 'two'

/** What a call has come to; `told`: it is not done, and the model is told so. */
type Call = 'undecided' | 'approved' | 'told' | 'beginning' | 'at work' | 'ending' | 'over'

export interface Seen {
  readonly at: 'thinking' | 'recording' | 'awaiting' | 'acting' | 'steering' | 'answered' | 'failed' | 'broken'
  /** Kinds of what was done so far. */
  readonly steps: readonly string[]
  readonly calls: readonly Call[]
  /** What the disk is asked for, first first: new steps, or the beginning or the end of a call. */
  readonly line: readonly string[]
  /** The disk did not take it: it is asked again a second later. */
  readonly waiting: string | null
  /** What is being recorded, and is a step once it is. */
  readonly fresh: readonly string[]
  readonly draining: boolean
  readonly outcome: 'answer' | 'away' | 'too long' | 'too many steps' | null
  /** Its tools were opened: they are closed with it. */
  readonly opened: boolean
  /** Where the run's deadline and an approval's are counted from; a retry's second passes on the way. */
  readonly passed: number
}

export const BEGINNING: Seen = {
  at: 'thinking',
  steps: [],
  calls: [],
  line: [],
  waiting: null,
  fresh: [],
  draining: false,
  outcome: null,
  opened: true,
  passed: 0,
}

/** An earlier activation was lost while it used a tool: nobody knows whether it did. */
export const LOST_AT_WORK: Seen = {
  ...BEGINNING,
  at: 'acting',
  steps: ['answer', 'begin'],
  calls: ['told'],
  line: ['end 1'],
}

/** An earlier activation was lost while it waited for somebody's word, and part of the wait has passed. */
export const LOST_WAITING: Seen = {
  ...BEGINNING,
  at: 'awaiting',
  steps: ['answer'],
  calls: ['undecided'],
  opened: false,
  passed: 100_000,
}

/** The same, and the process that takes it up ends already. */
export const LOST_AND_ENDING: Seen = {
  ...BEGINNING,
  at: 'recording',
  steps: ['answer'],
  calls: ['told'],
  line: ['steps'],
  fresh: ['decision'],
  draining: true,
  opened: false,
}

export function runModel(beginning: Seen) {
  return reducerModel<Seen, RunEvent>(beginning, (seen, event) => {
    if (event.type === 'drain' && seen.outcome === null && seen.at !== 'broken') return drained(seen)
    if (event.type === 'time') return later(seen)
    const next = STATES[seen.at]?.(seen, event) ?? seen
    // What was asked of the disk before the end is done after it, and nobody minds.
    return next === seen && event.type === 'disk' ? { ...seen, line: seen.line.slice(1) } : next
  })
}

const STATES: Readonly<Partial<Record<Seen['at'], (seen: Seen, event: RunEvent) => Seen | null>>> = {
  thinking(seen, event) {
    switch (event.type) {
      case 'answers':
        return ended(seen, 'answer')
      case 'fails':
        return ended(seen, 'away')
      case 'breaks':
        return broken(seen)
      case 'asks':
        // The second answer was to be the last one.
        return seen.steps.includes('answer')
          ? ended(seen, 'too many steps')
          : recording(asked(seen, event.what), ['answer'])
      default:
        return null
    }
  },
  recording(seen, event) {
    if (event.type === 'disk') return recorded(seen)
    if (event.type === 'diskBreaks') return broken(seen)
    return event.type === 'diskFails' ? { ...seen, line: [], waiting: 'steps' } : null
  },
  awaiting(seen, event) {
    if (event.type !== 'decides') return null
    const call = seen.calls.indexOf('undecided')
    const calls = seen.calls.with(call, event.approved ? 'approved' : 'told')
    const next = { ...seen, calls, steps: [...seen.steps, 'decision'] }
    return calls.includes('undecided') ? next : acting({ ...next, passed: 0 })
  },
  acting(seen, event) {
    switch (event.type) {
      case 'disk':
        return written(seen)
      case 'diskFails':
        return { ...seen, line: seen.line.slice(1), waiting: seen.line[0] ?? null }
      case 'diskBreaks':
        return broken(seen)
      case 'toolEnds':
      case 'toolFails': {
        const call = seen.calls.indexOf('at work')
        return call < 0
          ? null
          : { ...seen, calls: seen.calls.with(call, 'ending'), line: [...seen.line, `end ${call + 1}`] }
      }
      default:
        return null
    }
  },
  steering(seen, event) {
    if (event.type !== 'steers') return null
    return event.with === 'nothing' ? { ...seen, at: 'thinking' } : recording(seen, ['steering'])
  },
}

function asked(seen: Seen, what: Tools): Seen {
  const calls: Readonly<Record<Tools, readonly Call[]>> = {
    look: ['approved'],
    write: ['undecided'],
    two: ['undecided', 'undecided'],
  }
  return { ...seen, calls: calls[what] }
}

function recording(seen: Seen, fresh: readonly string[]): Seen {
  return { ...seen, at: 'recording', fresh, line: ['steps'] }
}

/** What is on disk decides what comes next. */
function recorded(seen: Seen): Seen {
  const next: Seen = { ...seen, line: [], fresh: [], steps: [...seen.steps, ...seen.fresh] }
  if (seen.fresh.includes('steering')) return { ...next, at: 'thinking' }
  if (!next.calls.includes('undecided')) return acting(next)
  return next.draining ? denied(next) : { ...next, at: 'awaiting', passed: 0 }
}

/** Nobody is there who could say yes. */
function denied(seen: Seen): Seen {
  const open = seen.calls.filter((call) => call === 'undecided')
  const calls = seen.calls.map((call) => (call === 'undecided' ? 'told' : call))
  return recording(
    { ...seen, calls },
    open.map(() => 'decision'),
  )
}

/** All that the answer asked for, at once. */
function acting(seen: Seen): Seen {
  const line = seen.calls.map((call, index) => `${call === 'approved' ? 'begin' : 'end'} ${index + 1}`)
  const calls = seen.calls.map((call): Call => (call === 'approved' ? 'beginning' : 'ending'))
  return { ...seen, at: 'acting', calls, line, opened: true }
}

function written(seen: Seen): Seen {
  const [first = '', ...line] = seen.line
  const [kind = '', number = ''] = first.split(' ')
  if (kind === '') return seen
  const calls = seen.calls.with(Number(number) - 1, kind === 'begin' ? 'at work' : 'over')
  const next: Seen = { ...seen, calls, line, steps: [...seen.steps, kind === 'begin' ? 'begin' : 'result'] }
  return calls.every((call) => call === 'over') ? { ...next, at: 'steering' } : next
}

function later(seen: Seen): Seen {
  if (seen.waiting !== null)
    return { ...seen, waiting: null, line: [...seen.line, seen.waiting], passed: seen.passed + 1_000 }
  if (seen.outcome !== null || seen.at === 'broken') return seen
  return seen.at === 'awaiting' ? { ...denied(seen), passed: 0 } : ended(seen, 'too long')
}

function drained(seen: Seen): Seen {
  return seen.at === 'awaiting' ? { ...denied(seen), draining: true, passed: 0 } : { ...seen, draining: true }
}

function ended(seen: Seen, outcome: NonNullable<Seen['outcome']>): Seen {
  const at = outcome === 'answer' ? 'answered' : 'failed'
  return { ...seen, at, outcome, calls: [], waiting: null, line: seen.line.map(() => 'left') }
}

function broken(seen: Seen): Seen {
  return {
    ...seen,
    at: 'broken',
    calls: [],
    waiting: null,
    line: seen.line.slice(seen.at === 'thinking' ? 0 : 1).map(() => 'left'),
  }
}

export const RUN_EVENTS: readonly RunEvent[] = [
  { type: 'asks', what: 'look' },
  { type: 'asks', what: 'write' },
  { type: 'asks', what: 'two' },
  { type: 'answers' },
  { type: 'fails' },
  { type: 'breaks' },
  { type: 'disk' },
  { type: 'diskFails' },
  { type: 'diskBreaks' },
  { type: 'toolEnds' },
  { type: 'toolFails' },
  { type: 'decides', approved: true },
  { type: 'decides', approved: false },
  { type: 'steers', with: 'nothing' },
  { type: 'steers', with: 'something' },
  { type: 'time' },
  { type: 'drain' },
]

/** What is different after a crash; the rest was seen. */
export const LOST_EVENTS: readonly RunEvent[] = RUN_EVENTS.filter(({ type }) =>
  ['answers', 'disk', 'toolEnds', 'decides', 'time', 'drain'].includes(type),
)

/** What the world can do: only what is there ends, and it fails once. */
export function runCan({ context: seen }: { readonly context: Seen }, event: RunEvent): boolean {
  const { at, line, waiting, passed } = seen
  switch (event.type) {
    case 'asks':
    case 'answers':
    case 'fails':
    case 'breaks':
      return at === 'thinking'
    case 'disk':
      return line.length > 0 && waiting === null
    case 'diskFails':
    case 'diskBreaks':
      return (
        line.length === 1 &&
        line[0] !== 'left' &&
        waiting === null &&
        passed === 0 &&
        !seen.draining &&
        seen.calls.length < 2
      )
    case 'toolEnds':
    case 'toolFails':
      return (
        seen.calls.includes('at work') && waiting === null && (event.type === 'toolEnds' || seen.calls.length === 1)
      )
    case 'steers':
      return at === 'steering' || at === 'awaiting'
    case 'decides':
      return at === 'awaiting' || at === 'steering'
    case 'time':
      return waiting !== null || line.length < 2
    case 'drain':
      return at === 'awaiting' || (passed === 0 && (seen.steps.length === 0 || at === 'steering'))
  }
}
