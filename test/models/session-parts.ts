// The parts of the session's model: which of all that may happen each looks at, so that all of it together stays small enough to be
// walked whole.

import type { SnapshotFrom } from 'xstate'
import type { Next, sessionModel } from './session-model.ts'
import { toolRun } from './session-tools.ts'
import type { Command, Seen, SessionEvent } from './session-words.ts'

const SAYS = (...commands: Command[]): SessionEvent[] => commands.map((command) => ({ type: 'says', command }))

const DISK: readonly SessionEvent[] = [{ type: 'disk' }, { type: 'diskFails' }]

export interface SessionPart {
  readonly mode: 'queue' | 'interrupt'
  /** What the run does beyond answering. */
  readonly run?: Next
  readonly events: readonly SessionEvent[]
  readonly possible: (state: State, event: SessionEvent) => boolean
}

type State = SnapshotFrom<ReturnType<typeof sessionModel>>

/** What can only happen while a run is going on. */
const RUN: readonly string[] = ['answers', 'fails', 'breaks', 'asks', 'toolEnds', 'decides', 'steer']

/** A command's own commit is let through, or refused, before anything else happens. */
function isBusy({ line }: Seen): boolean {
  return line.length > 0 && line[0]?.as !== 'way' && line[0]?.as !== 'run'
}

function can(allow: (seen: Seen, event: SessionEvent) => boolean) {
  return ({ context }: State, event: SessionEvent): boolean => {
    if (isBusy(context)) return event.type === 'disk' || (event.type === 'diskFails' && allow(context, event))
    if (RUN.includes(event.type)) return context.at === 'working' && allow(context, event)
    if (event.type === 'disk' || event.type === 'diskFails') return context.line.length > 0 && allow(context, event)
    if (event.type === 'says' && context.line.length > 1) return false
    if (event.type === 'slot' || event.type === 'wears') return context.at === 'waiting' && allow(context, event)
    return allow(context, event)
  }
}

/** Messages, /stop and /new, a disk that fails, the ends of a process. */
export const QUEUE: SessionPart = {
  mode: 'queue',
  events: [
    { type: 'message' },
    ...SAYS('help', 'stop', 'new'),
    { type: 'slot' },
    ...DISK,
    { type: 'wears' },
    { type: 'answers' },
    { type: 'fails' },
    { type: 'breaks' },
    { type: 'time' },
    { type: 'drain' },
    { type: 'halt' },
  ],
  possible: can((seen, event) => {
    const { at, heard, inbox, failures, outcome, draining, history } = seen
    const plain = outcome === 'answer' || outcome === ''
    const fresh = history.length === 0
    switch (event.type) {
      case 'message':
        if (at === 'idle')
          return heard === 0 || (heard === 1 && !history.flat().some((entry) => entry.startsWith('fail')))
        return heard < (at === 'working' && inbox.length === 1 ? 3 : 2) && plain && failures === 0
      case 'says':
        return plain && !draining && heard < 3 && fresh && (at !== 'idle' || heard < 2)
      case 'wears':
        return heard === 1 && !seen.worn
      case 'diskFails':
        return plain && fresh && heard < 3 && failures < (inbox.length === 0 ? 2 : 1)
      case 'fails':
      case 'breaks':
        return heard === 1
      case 'time':
        return heard < 3 && (at === 'writingAgain' || heard === 1)
      case 'drain':
        return heard < 3 && plain && failures < 2 && (at === 'idle' ? heard < 2 : fresh)
      case 'halt':
        return heard < 3 && failures < 2
      default:
        return true
    }
  }),
}

/** `busy_mode: interrupt`: a message ends the run that is going on, a photo does not. */
export const INTERRUPT: SessionPart = {
  mode: 'interrupt',
  events: [
    { type: 'message' },
    { type: 'photo' },
    ...SAYS('stop'),
    { type: 'slot' },
    ...DISK,
    { type: 'answers' },
    { type: 'drain' },
  ],
  possible: can(({ at, heard, draining }, event) => {
    switch (event.type) {
      case 'message':
        return !draining && heard < (at === 'idle' ? 1 : at === 'working' ? 3 : 2)
      case 'photo':
        return !draining && heard === 1 && at !== 'idle'
      case 'says':
        return at === 'working' && heard > 1
      case 'diskFails':
        return false
      case 'drain':
        return at === 'working' && heard === 2
      default:
        return true
    }
  }),
}

/** Clients that go away: before their turn, in the middle of it, and when it is over. */
export const LEAVING: SessionPart = {
  mode: 'queue',
  events: [
    { type: 'message' },
    { type: 'leaves', message: 'm1' },
    { type: 'leaves', message: 'm2' },
    { type: 'slot' },
    { type: 'disk' },
    { type: 'answers' },
    { type: 'drain' },
  ],
  possible: can(({ at, heard, inbox, history, draining }, event) => {
    switch (event.type) {
      case 'message':
        return !draining && at !== 'draining' && heard < 2 && inbox.length === 0 && history.length === 0
      case 'leaves':
        return heard >= Number(event.message.slice(1))
      case 'drain':
        return heard === 1 && history.length === 0
      default:
        return true
    }
  }),
}

/** Albums: what belongs together is one turn, whatever comes between. */
export const ALBUM: SessionPart = {
  mode: 'queue',
  events: [
    { type: 'part' },
    { type: 'message' },
    ...SAYS('help', 'stop'),
    { type: 'slot' },
    ...DISK,
    { type: 'answers' },
    { type: 'time' },
    { type: 'drain' },
  ],
  possible: can((seen, event) => {
    const { at, heard, parts } = seen
    const fresh = seen.history.length === 0
    switch (event.type) {
      case 'part':
        return fresh && heard < (at === 'gathering' && heard === parts + 1 ? 7 : 3)
      case 'message':
        return fresh && heard > 0 && heard < 3
      case 'says':
        return at === 'gathering' && seen.line.length === 0 && parts < 2
      case 'diskFails':
        return false
      case 'time':
        return at === 'gathering'
      case 'drain':
        return parts < 2 && at === 'gathering'
      default:
        return true
    }
  }),
}

/** /undo, /retry and /compact with and without a history, and refused while a run is going on. */
export const COMMANDS: SessionPart = {
  mode: 'queue',
  events: [
    { type: 'message' },
    ...SAYS('new', 'undo', 'retry', 'compact', 'stop'),
    { type: 'slot' },
    ...DISK,
    { type: 'answers' },
    { type: 'fails' },
  ],
  possible: can(({ at, heard, history, line, turn }, event) => {
    const summarised = history.flat().some((entry) => entry.startsWith('summary'))
    switch (event.type) {
      case 'message':
        return at === 'idle' && history.length === 0 && heard < 2
      case 'says':
        if (at !== 'idle') return at === 'working' && (event.command === 'stop' || event.command === 'undo')
        if (event.command === 'new') return history.length > 0 && heard === 1
        if (event.command === 'compact') return !summarised
        return event.command === 'undo' || (event.command === 'retry' && history.length < 2)
      case 'diskFails':
        return at === 'idle' && line[0]?.name === 'commitUndo' && history.length < 2
      case 'fails':
        return history.length < 2 && turn[0] !== 'm2'
      default:
        return true
    }
  }),
}

/** A newer definition counts for what comes from now on. */
export const REDEFINED: SessionPart = {
  mode: 'queue',
  events: [{ type: 'message' }, { type: 'redefines' }, { type: 'slot' }, { type: 'disk' }, { type: 'answers' }],
  possible: can(({ at, heard, limit }, event) => {
    if (event.type === 'redefines') return limit === 1 && heard > 0 && at !== 'preparing' && at !== 'committing'
    return event.type !== 'message' || heard < (at === 'working' || heard === 0 ? 3 : 2)
  }),
}

/** A run that uses tools: questions and words, steering, what a stop and a shutdown do to both. */
export const TOOLS: SessionPart = {
  mode: 'queue',
  run: toolRun,
  events: [
    { type: 'message' },
    { type: 'slot' },
    { type: 'disk' },
    { type: 'asks', tool: 'write' },
    { type: 'asks', tool: 'look' },
    { type: 'decides', word: 'approve' },
    { type: 'decides', word: 'deny' },
    { type: 'decides', word: 'approve 9-9' },
    { type: 'steer' },
    { type: 'toolEnds' },
    { type: 'answers' },
    ...SAYS('stop'),
    { type: 'time' },
    { type: 'drain' },
    { type: 'halt' },
  ],
  possible: can((seen, event) => {
    const { at, doing, heard, steps, given, draining, line } = seen
    const waits = at === 'working' && doing === 'waiting for a word'
    const free = !draining && line.length === 0
    switch (event.type) {
      case 'message':
        return heard === 0 || (waits && free && heard < 3)
      case 'steer':
        return free && heard < (waits ? 3 : 2) && steps.length > 0 && given.length === 0 && doing !== 'thinking'
      case 'asks':
        return doing === 'thinking' && steps.length === 0
      case 'answers':
        return doing === 'thinking'
      case 'decides':
        return waits || (event.word === 'deny' && doing === 'calling' && heard === 1)
      case 'toolEnds':
        return doing === 'calling'
      case 'time':
        return waits
      case 'says':
      case 'halt':
        return at === 'working' && !draining && heard < 3
      case 'drain':
        return at === 'working' && heard === 1 && (waits || doing === 'recording a question' || steps.length === 0)
      default:
        return true
    }
  }),
}
