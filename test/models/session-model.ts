// What can be seen of a session: what people are told, what the model is asked and knows, what waits for the disk and is on it, which
// delays run, whether it holds a slot. Written from the contract (section 4) and the promises S1–S7; it knows nothing of the chart.
// The disk is a line: what a session asks for is done in the order in which it was asked, when the world lets it.

import { reducerModel } from '../support/paths.ts'
import {
  type Asked,
  BEGINNING,
  done,
  ended,
  kept,
  lastAsked,
  left,
  refusal,
  type Seen,
  type SessionEvent,
  startedOver,
  stopped,
  taken,
  undoing,
  answered,
  interrupted,
  isFull,
  isPart,
  takenOut,
} from './session-words.ts'

export type Next = (seen: Seen, event: SessionEvent) => Seen | null

/** `interrupt`: as `busy_mode` says; everything else is the same. */
export function sessionModel(mode: 'queue' | 'interrupt', run: Next = () => null) {
  const idle: Next = (seen, event) => {
    switch (event.type) {
      case 'message':
      case 'photo':
      case 'part':
        return pending(kept(seen, event))
      case 'says':
        switch (event.command) {
          case 'stop':
            return answered(seen, 'nothing to stop')
          case 'new':
            return startedOver(seen, [])
          case 'undo':
            return undoing(seen)
          case 'retry':
          case 'compact':
            return pending(kept(seen, event))
          default:
            return answered(seen, event.command)
        }
      case 'drain':
        return { ...seen, at: 'draining' }
      default:
        return null
    }
  }

  /** Nobody waits for this message any more: what is done for it alone ends, and the next one has its turn. */
  const withdrawn = (seen: Seen, label: string): Seen | null => {
    const { turn, inbox } = seen
    if (turn.includes(label)) {
      const ended = interrupted(seen)
      return inbox.length === 0 ? over(ended) : pending({ ...left(ended), ...NO_TURN })
    }
    if (!inbox.includes(label)) return null
    const rest = takenOut(seen, label)
    return turn.length + rest.inbox.length === 0 ? over(rest) : rest
  }

  /** What is said while a turn is waited for or worked at. */
  const meanwhile: Next = (seen, event) => {
    switch (event.type) {
      case 'message':
      case 'photo':
      case 'part':
        return isFull(seen) && !(event.type === 'part' && seen.inbox.some(isPart)) ? refusal(seen) : kept(seen, event)
      case 'says':
        if (event.command === 'stop') return over(stopped(seen, seen.turn))
        if (event.command === 'new') return over(startedOver(seen, seen.turn))
        return answered(seen, event.command === 'help' ? 'help' : 'not now')
      case 'leaves':
        return withdrawn(seen, event.message)
      default:
        return null
    }
  }

  const gathering: Next = (seen, event) => {
    if (event.type === 'part') {
      // The fifth second ends the gathering, before the next part is there.
      if (seen.parts === 5) return kept({ ...seen, at: 'waiting', parts: 0 }, event)
      return { ...kept(seen, event), parts: seen.parts + 1 }
    }
    if (event.type === 'time') return { ...seen, at: 'waiting', parts: 0 }
    if (event.type === 'drain') return drained(seen)
    return meanwhile(seen, event)
  }

  const waiting: Next = (seen, event) => {
    if (event.type === 'slot') return { ...taken(seen), at: 'preparing' }
    if (event.type === 'wears') return { ...seen, worn: true }
    if (event.type === 'drain') return drained(seen)
    return meanwhile(seen, event)
  }

  const preparing: Next = (seen, event) => {
    switch (event.type) {
      case 'disk': {
        if (seen.line[0]?.as !== 'way') return null
        const prepared = done(seen)
        if (seen.worn) return commits(prepared, 'gave up')
        if (seen.turn[0] === 'retry' && lastAsked(seen.history).length === 0)
          return commits(prepared, 'failure: nothing to retry')
        if (seen.turn[0] === 'compact' && seen.history.length === 0)
          return commits(prepared, 'failure: nothing to summarise')
        return running(prepared)
      }
      case 'diskFails':
        return seen.line[0]?.as === 'way' ? commits(refused(seen), 'failure: disk') : null
      case 'time':
        return commits(left(seen), 'failure: not in time')
      case 'drain':
        return drained(seen)
      default:
        return meanwhile(seen, event)
    }
  }

  const working: Next = (seen, event) => {
    const next = run(seen, event)
    if (next !== null) return next
    switch (event.type) {
      case 'answers':
        return commits(seen, 'answer')
      case 'fails':
        return commits(seen, 'failure: away')
      case 'time':
        return commits(seen, 'failure: took too long')
      case 'breaks':
        return { ...seen, at: 'failed' }
      case 'drain':
        return { ...seen, draining: true }
      case 'halt':
        return drained(seen)
      default:
        return seen.mode === 'interrupt' && event.type === 'message' && !isFull(seen)
          ? pending({ ...interrupted(kept(seen, event)), ...NO_TURN })
          : meanwhile(seen, event)
    }
  }

  const committing: Next = (seen, event) => {
    const isOnTheWay = seen.line[0]?.as === 'way'
    switch (event.type) {
      case 'disk': {
        if (!isOnTheWay) return null
        const committed = { ...done(seen), ...NO_TURN }
        if (seen.draining) return { ...committed, at: 'draining' }
        return seen.inbox.length > 0 ? pending(committed) : { ...committed, at: 'idle', shown: 'idle' }
      }
      case 'diskFails':
        return isOnTheWay ? { ...refused(seen), at: 'writingAgain', failures: seen.failures + 1 } : null
      case 'drain':
        return { ...seen, draining: true }
      case 'leaves':
        // The run is over, and its answer is on its way to the disk.
        return seen.inbox.includes(event.message) ? takenOut(seen, event.message) : null
      case 'says':
        // The run is over: its answer is kept, and what waits is discarded.
        if (event.command === 'stop') return { ...stopped(seen, []), inbox: [] }
        if (event.command === 'new') return { ...startedOver(seen, []), inbox: [] }
        return meanwhile(seen, event)
      default:
        return meanwhile(seen, event)
    }
  }

  const writingAgain: Next = (seen, event) => {
    switch (event.type) {
      case 'time':
        return { ...ended(seen, seen.outcome), at: 'committing' }
      case 'leaves':
        return null
      case 'drain':
        return { ...seen, draining: true }
      case 'halt':
        return drained(seen)
      default:
        return meanwhile(seen, event)
    }
  }

  const states: Readonly<Record<Seen['at'], Next>> = {
    idle,
    gathering,
    waiting,
    preparing,
    working,
    committing,
    writingAgain,
    draining: () => null,
    failed: () => null,
  }
  return reducerModel<Seen, SessionEvent>({ ...BEGINNING, mode }, (before, event) => {
    const seen: Seen = { ...before, said: [] }
    if (event.type === 'redefines') return { ...seen, limit: 2, mode: 'interrupt' }
    return states[seen.at](seen, event) ?? line(seen, event) ?? seen
  })
}

/** What goes beside the session's way, and what is left of an earlier one. */
function line(seen: Seen, event: SessionEvent): Seen | null {
  const [first] = seen.line
  if (first === undefined) return null
  if (event.type === 'disk') return done(seen)
  if (event.type !== 'diskFails') return null
  // The disk did not take an answer: the session begins again from its last commit.
  return first.as === 'beside' ? { ...refused(seen), at: 'failed' } : refused(seen)
}

function pending(seen: Seen): Seen {
  const [first = ''] = seen.inbox
  return { ...seen, at: isPart(first) ? 'gathering' : 'waiting', shown: 'pending' }
}

function running(seen: Seen): Seen {
  return { ...seen, at: 'working', shown: 'running' }
}

function commits(seen: Seen, outcome: string): Seen {
  return { ...ended(seen, outcome), at: 'committing', shown: 'running' }
}

/** The command was answered, and nothing of the turn and of what waits is left. */
function over(seen: Seen): Seen {
  return { ...left(seen), ...NO_TURN, inbox: [], parts: 0, at: 'idle', shown: 'idle' }
}

/** The shutdown ends it, and not its own doing: its try is taken back, and it is answered after the next start. */
function drained(seen: Seen): Seen {
  const release: Asked = { name: 'release', as: 'left', says: [], adds: [] }
  const way = left(seen)
  return { ...way, line: seen.turn.length === 0 ? way.line : [...way.line, release], at: 'draining' }
}

function refused(seen: Seen): Seen {
  return { ...seen, line: seen.line.slice(1) }
}

const NO_TURN = {
  turn: [],
  given: [],
  doing: 'thinking',
  steps: [],
  outcome: '',
  failures: 0,
  worn: false,
} as const
