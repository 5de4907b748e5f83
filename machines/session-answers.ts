// Session answers: what a session writes down about the message in hand, each a pure function of its context and that message.
// session.ts gives them to its effects; which of them, it decides by its states and guards.

import { commandText } from './answers.ts'
import { type Verdict, verdictOn } from './approval.ts'
import {
  answerCommit,
  decisionCommit,
  interruptCommit,
  newCommit,
  refuseCommit,
  reminderCommit,
  stopCommit,
  type UndoCommits,
  undoCommits,
} from './commits.ts'
import { assert } from './failure.ts'
import type { AcceptedMessage, Commit, SessionState, ToSession } from './messages.ts'
import { memoryRequest, noteOwner } from './notes.ts'
import { type SessionContext, withoutTurn } from './session-context.ts'

export interface Hand {
  readonly context: SessionContext
  readonly event: ToSession
}

/** While the answer is being committed the run is over already: only what waits is discarded. */
type During = SessionState | 'committing'

export function answer(during: SessionState) {
  return ({ context, event }: Hand): Commit => {
    const { message } = messageIn(event)
    const commit = answerCommit(context, message, commandText(context, message, during) ?? '')
    if (message.command?.name !== 'memory') return commit
    const owner = noteOwner(context.key, message.sender)
    return { ...commit, notes: { agent: context.agent, owner, request: memoryRequest(message.command.text) } }
  }
}

export function stop(during: During) {
  return ({ context, event }: Hand): Commit => {
    const { message } = messageIn(event)
    if (during === 'committing') return stopCommit(withoutTurn(context), message, 'running')
    return stopCommit(context, message, during)
  }
}

export function anew(during: During) {
  return ({ context, event }: Hand): Commit =>
    newCommit(during === 'committing' ? withoutTurn(context) : context, messageIn(event).message)
}

/** `/stop` or `/new`, whichever it is. */
export function ending(during: During) {
  return (hand: Hand): Commit => {
    const isNew = messageIn(hand.event).message.command?.name === 'new'
    return (isNew ? anew : stop)(during)(hand)
  }
}

export function refusal({ context, event }: Hand): Commit {
  return refuseCommit(context, messageIn(event).message)
}

export function decision({ context, event }: Hand): Commit {
  const { approval, approved, text } = decisionIn({ context, event })
  return decisionCommit(context, messageIn(event).message, { call: approval.call, approved, text })
}

export function reminder({ context, event }: Hand): Commit {
  return reminderCommit(context, messageIn(event).message)
}

export function interruption({ context }: Pick<Hand, 'context'>): Commit {
  return interruptCommit(context)
}

export function undoing({ context, event }: Hand): UndoCommits {
  return undoCommits(context, messageIn(event).message)
}

// --- the message in hand ------------------------------------------------------------------------------------------------

export function messageIn(event: ToSession): Extract<ToSession, { type: 'message.routed' }> {
  assert(isMessage(event), 'a message is answered only when one is in hand')
  return event
}

export function isMessage(event: { type: string }): event is Extract<ToSession, { type: 'message.routed' }> {
  return event.type === 'message.routed'
}

export function verdictIn(context: SessionContext, message: AcceptedMessage): Verdict | null {
  const isDecision = message.command?.name === 'approve' || message.command?.name === 'deny'
  return isDecision ? verdictOn(context.approvals, message) : null
}

export function decisionIn({ context, event }: Hand): Extract<Verdict, { kind: 'decided' }> {
  const verdict = verdictIn(context, messageIn(event).message)
  assert(verdict?.kind === 'decided', 'a decision is answered only when one is in hand')
  return verdict
}
