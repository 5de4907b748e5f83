// Turns: what the states of a session say of its turn: when it was claimed, prepared, run and committed, and how each of these
// ended. One entry for a session, from the claim to the end of the turn.

import type { RunOutcome } from '../../machines/commits.ts'
import type { sessionMachine } from '../../machines/session.ts'
import { type SessionContext, turnAgent } from '../../machines/session-context.ts'
import type { End, Ending, Observe } from './observe.ts'
import type { Look } from './observed.ts'

/** Where a session is in its turn; a commit that is written again is one commit. */
type TurnPhase = 'rest' | 'pending' | 'working' | 'committing' | 'gone'

interface Turn {
  readonly end: End
  /** Of the phase that it is in. */
  readonly endPhase: End
}

export function lookAtTurns(observe: Observe): Look<typeof sessionMachine> {
  const turns = new Map<string, Turn>()

  function enter(phase: TurnPhase, context: SessionContext): void {
    const { key: session, channel } = context
    const agent = turnAgent(context)
    const kind = phase === 'pending' ? 'pending' : phase === 'working' ? 'run' : 'commit'
    // The claim begins a turn; so does a restart that finds itself in the middle of one.
    const ofTurn = turns.get(session)?.end ?? observe.begin({ kind: 'turn', session, channel, agent })
    turns.set(session, { end: ofTurn, endPhase: observe.begin({ kind, session, channel, agent }) })
  }

  return ({ before, event, after }) => {
    const [from, to] = [phaseOf(before), after === null ? 'gone' : phaseOf(after)]
    if (from === to) return
    const { key } = before.context
    const turn = turns.get(key)
    const endings = endingsOf({ from, to, event, before: before.context, after: after?.context ?? null })
    turn?.endPhase(endings.phase)
    const goesOn = to === 'working' || to === 'committing'
    if (!goesOn) turn?.end(endings.turn)
    if (!goesOn) turns.delete(key)
    if (after !== null && to !== 'rest' && to !== 'gone') enter(to, after.context)
  }
}

interface Change {
  readonly from: TurnPhase
  readonly to: TurnPhase
  readonly event: { readonly type: string }
  readonly before: SessionContext
  readonly after: SessionContext | null
}

/** How the phase that was left ended, and the turn if nothing of it follows. */
function endingsOf({ from, to, event, before, after }: Change): { readonly phase: Ending; readonly turn: Ending } {
  const both = (ending: Ending) => ({ phase: ending, turn: ending })
  const run = (outcome: RunOutcome | undefined): Ending => (outcome?.kind === 'answered' ? 'done' : 'failed')
  if (to === 'gone') return both('broken')
  if (to === 'working') return both('done')
  if (to === 'committing') return both(from === 'working' ? run(after?.outcome) : 'failed')
  if (event.type === 'xstate.done.actor.commit') return { phase: 'done', turn: run(before.outcome) }
  if (event.type === 'drain' || event.type === 'halt') return both('drained')
  return both(to === 'pending' ? 'interrupted' : 'stopped')
}

interface Standing {
  readonly status: string
  readonly value: unknown
}

function phaseOf({ status, value }: Standing): TurnPhase {
  if (status !== 'active') return 'gone'
  if (typeof value !== 'object' || value === null) return 'rest'
  if ('pending' in value) return 'pending'
  return 'running' in value && value.running === 'working' ? 'working' : 'committing'
}
