// The session's model as somebody outside the process sees it: the same model, the same parts, and what nobody outside can hold
// happens by itself: a slot is granted, the disk does what it is asked for. What cannot be brought about at all is not played.

import { type SnapshotFrom, transition } from 'xstate'
import { type Model, reducerModel } from '../support/paths.ts'
import { sessionModel } from './session-model.ts'
import type { SessionPart } from './session-parts.ts'
import { BEGINNING, type Seen, type SessionEvent } from './session-words.ts'

/** Every event of the model. An event that is new there has no entry here, and then this does not compile. */
export const OUTSIDE: Readonly<Record<SessionEvent['type'], 'played' | { readonly notBecause: string }>> = {
  message: 'played',
  photo: 'played',
  says: 'played',
  steer: 'played',
  decides: 'played',
  answers: 'played',
  fails: 'played',
  asks: 'played',
  toolEnds: 'played',
  slot: { notBecause: 'it happens by itself as long as slots are free; S18 (turns.test.ts) holds them' },
  disk: { notBecause: 'it happens by itself' },
  diskFails: { notBecause: 'a full disk is everybody’s; S46 (drain.test.ts) takes it away' },
  part: {
    notBecause: 'a second decides whether it belongs to an album, and a busy machine has others; S24 (turns.test.ts)',
  },
  time: {
    notBecause: 'deadlines are minutes; the ones that a file can make short are S15 and S39 (preparing, approval)',
  },
  wears: { notBecause: 'it takes three ends of the process; S45 (crash.test.ts)' },
  breaks: { notBecause: 'nobody outside has a defect to give; sim/ and crash/ have' },
  drain: { notBecause: 'it ends the process, which all paths share; S44 (drain.test.ts)' },
  halt: { notBecause: 'as drain' },
  redefines: { notBecause: 'the file is of all paths; reload.test.ts' },
}

export type OutsideMachine = ReturnType<typeof outsideMachine>

export function outsideModel({ mode, run, events, possible }: SessionPart): Model<OutsideMachine> {
  return {
    machine: outsideMachine(mode, run),
    events: events.filter(({ type }) => OUTSIDE[type] === 'played'),
    possible,
  }
}

function outsideMachine(mode: SessionPart['mode'], run: SessionPart['run']) {
  const inside = sessionModel(mode, run)
  const after = (context: Seen, event: SessionEvent): Seen =>
    transition(inside, inside.resolveState({ value: {}, context }), event)[0].context
  return reducerModel<Seen, SessionEvent>({ ...BEGINNING, mode }, (before, event) => {
    let seen = after(before, event)
    const said = [...seen.said]
    for (let next = bySelf(seen); next !== null; next = bySelf(seen)) {
      seen = after(seen, next)
      said.push(...seen.said)
    }
    return { ...seen, said }
  })
}

function bySelf({ at, line }: Seen): SessionEvent | null {
  if (line.length > 0) return { type: 'disk' }
  return at === 'waiting' ? { type: 'slot' } : null
}

/** What a pair of a state and an event is taken for when not all of them are walked. */
export function kindOfPair(
  { context: before }: SnapshotFrom<OutsideMachine>,
  event: SessionEvent,
  { context: after }: SnapshotFrom<OutsideMachine>,
): unknown {
  const look = ({ at, doing, inbox, history, mode }: Seen) => [at, doing, inbox.length > 0, history.length > 0, mode]
  return [look(before), event, look(after), after.said.map((text) => text.replace(/\d+/, 'n'))]
}
