// The words of the session's statechart: every action, guard, actor and delay that session.ts names.
// Decisions are pure functions of inbox.ts and commits.ts; effects are stubs that src/actors/session.ts provides.

import { assign, enqueueActions, fromPromise, sendParent, sendTo, setup } from 'xstate'
import { gateway, sessionAddress } from './addresses.ts'
import { commandText } from './answers.ts'
import type { Approval } from './approval.ts'
import { isKnown, type RunOutcome, type UndoCommits, withdrawCommit } from './commits.ts'
import { answerable } from './refusals.ts'
import { assert, type Failure, unprovided } from './failure.ts'
import { type Inbox, interrupts, isContinued, itemOf, mayGrow, takeTurn } from './inbox.ts'
import { GATHER_MS_MAX, GATHER_QUIET_MS, PENDING_MS_MAX } from './limits.ts'
import type { Commit, Progress, SessionState, ToSession } from './messages.ts'
import type { SessionSettings } from './session-settings.ts'
import { backoffMs } from './restart.ts'
import { runMachine } from './run.ts'
import { decisionIn, isMessage, messageIn, verdictIn } from './session-answers.ts'
import {
  NOTHING_PREPARED,
  offerOf,
  type Prepared,
  type SessionContext,
  type SessionInput,
  steeringOf,
  turnAgent,
} from './session-context.ts'
import { askedIn, turnIdOf } from './steps.ts'

/** Recent commands that are remembered against a second routing; a partition's recovery can bring one twice. */
const ANSWERED_MAX = 32

type Preparation = Pick<SessionContext, 'key' | 'channel' | 'turnId' | 'turn' | 'agent'>

const TOO_LONG_PENDING: Failure = {
  kind: 'permanent',
  reason: 'timeout',
  message: 'your message could not be prepared in time',
  remedy: 'Send it again',
}

export const words = setup({
  types: {
    context: {} as SessionContext,
    events: {} as ToSession,
    input: {} as SessionInput,
  },
  actors: {
    /** Counts a try for each message, loads the history, fills in what /retry asks for. */
    prepare: fromPromise<Prepared, Preparation>(() => unprovided('prepare')),
    run: runMachine,
    commit: fromPromise<void, Commit>(() => unprovided('commit')),
  },
  actions: {
    /** Writes a commit beside the machine's way; a failure comes back as `record.failed`. */
    record: (_, _params: Commit) => unprovided('record'),
    /** `/undo`: writes the one or the other by what the history holds; fails as `record` does. */
    undo: (_, _params: UndoCommits) => unprovided('undo'),
    /** Takes back the tries of a turn that a drain ended, and counts what it took. */
    releaseTries: (_, _params: { seqs: readonly number[] }) => unprovided('releaseTries'),
    show: (_, _params: { conversation: string; progress: Progress }) => unprovided('show'),

    noteRouted: assign({ routed: ({ context, event }) => (isMessage(event) ? event.routed : context.routed) }),
    noteAnswered: assign({
      answered: ({ context, event }) =>
        isMessage(event) ? [...context.answered, event.message.seq].slice(-ANSWERED_MAX) : context.answered,
    }),
    keep: assign(({ context, event }) => {
      const kept = offerOf(context, messageIn(event).message)
      assert(kept?.verdict === 'kept', 'M3: what the inbox does not take is refused aloud and never dropped')
      return { waiting: kept.inbox }
    }),
    takeTurn: assign(({ context }) => {
      const { turn, inbox } = takeTurn(context.waiting)
      return {
        turn,
        waiting: inbox,
        turnId: turnIdOf(turn[0]?.message ?? { seq: 0 }),
        ...NOTHING_PREPARED,
        commitFailures: 0,
      }
    }),
    /**
     * What an earlier activation answered, or was given as steering, is part of this turn, wherever it stands now. It does not
     * share the fate of a turn that is given up: nobody knows who of them broke it, and it has not been tried by itself.
     */
    keepPrepared: assign(({ context }, params: Prepared) => {
      if (isGivenUp(params)) return { ...params, given: [] }
      const { given } = params
      const asked = new Set(askedIn(params.steps))
      const seqs = new Set(given.flatMap((steering) => steering.seqs))
      const more = context.waiting.filter(({ message }) => asked.has(message.seq))
      const waiting = context.waiting.filter((item) => !more.includes(item) && !seqs.has(item.message.seq))
      return { ...params, turn: [...params.turn, ...more], waiting }
    }),
    keepOutcome: assign((_, params: { outcome: RunOutcome }) => params),
    keepPreparationFailure: assign((_, params: { failure: Failure }) => ({
      outcome: { kind: 'failed' as const, failure: params.failure },
    })),
    keepPreparationTimeout: assign({ outcome: { kind: 'failed', failure: TOO_LONG_PENDING } }),
    countCommitFailure: assign({ commitFailures: ({ context }) => context.commitFailures + 1 }),
    forgetTurn: assign({ turn: [], turnId: '', ...NOTHING_PREPARED }),
    dropWaiting: assign({ waiting: [] }),
    takeOut: assign(({ context, event }) => ({
      waiting: context.waiting.filter(({ message }) => message.seq !== withdrawnIn(event)),
    })),
    /** A turn that ends without a commit of its own: the command was answered, nothing of it is left in memory. */
    endTurn: enqueueActions(({ context, enqueue }) => {
      enqueue.assign({ waiting: [], turn: [], turnId: '', ...NOTHING_PREPARED })
      enqueue.sendTo(gateway, { type: 'slot.released', sessionKey: context.key })
    }),
    /** Also a run that begins later learns of it: it asks nobody any more. */
    beginDrain: assign({ draining: true }),
    redefine: assign((_, params: SessionSettings) => params),
    drainRun: sendTo('run', { type: 'drain' }),
    keepApprovals: assign((_, params: { approvals: readonly Approval[] }) => params),
    /** What waits as steering becomes part of the turn that runs. */
    giveSteering: enqueueActions(({ context, enqueue }) => {
      const { given, inbox } = steeringOf(context)
      enqueue.assign({ waiting: inbox, given: [...context.given, ...given] })
      enqueue.sendTo('run', { type: 'steering.given', messages: given })
    }),
    /** The run learns of it, and nobody is asked about that call any more. */
    passDecision: enqueueActions(({ context, event, enqueue }) => {
      const { approval, approved } = decisionIn({ context, event })
      const by = messageIn(event).message.sender.id
      enqueue.sendTo('run', { type: 'approval.decided', call: approval.call, approved, by })
      enqueue.assign({ approvals: context.approvals.filter(({ call }) => call !== approval.call) })
    }),
    requestSlot: sendTo(gateway, ({ context }) => ({ type: 'slot.requested', sessionKey: context.key })),
    releaseSlot: sendTo(gateway, ({ context }) => ({ type: 'slot.released', sessionKey: context.key })),
    tellRested: sendParent(({ context }) => ({
      type: 'child.rested',
      child: sessionAddress(context.key),
      routed: context.routed,
    })),
    assertEmpty: ({ context }) => assert(context.waiting.length === 0, 'S5: an idle session has an empty inbox'),
    escalate: (_, params: { error: unknown }) => {
      throw params.error
    },
  },
  guards: {
    isKnown: ({ context, event }) =>
      isMessage(event) &&
      (isKnown(context, event.message.seq) ||
        (event.message.again !== 'retry' && context.answered.includes(event.message.seq))),
    isAnsweredAtOnce: ({ context, event }, params: { during: SessionState }) =>
      isMessage(event) && event.message.command !== null && commandText(context, event.message, params.during) !== null,
    isCommand: ({ event }, params: { name: string }) => isMessage(event) && event.message.command?.name === params.name,
    endsTurn: ({ event }) => isMessage(event) && ['stop', 'new'].includes(event.message.command?.name ?? ''),
    isNewPart: ({ context, event }) => {
      const item =
        isMessage(event) && !isKnown(context, event.message.seq) ? itemOf(event.message, context.busyMode) : null
      return item !== null && isContinued(context.waiting, item)
    },
    isFull: ({ context, event }) => isMessage(event) && offerOf(context, event.message)?.verdict === 'refused',
    interrupts: ({ context, event }) => {
      const item = isMessage(event) ? itemOf(event.message, context.busyMode) : null
      return item !== null && interrupts(item)
    },
    decides: ({ context, event }) => isMessage(event) && verdictIn(context, event.message)?.kind === 'decided',
    isReminded: ({ context, event }) =>
      isMessage(event) && context.approvals.length > 0 && event.message.again === undefined,
    /** Nothing of the session would be left without the message that is withdrawn. */
    isAlone: ({ context, event }) =>
      context.given.length === 0 && isAll([...context.turn, ...context.waiting], withdrawnIn(event)),
    /** It is the turn, nobody else's word was given to its run, and another one waits. */
    isTurn: ({ context, event }) =>
      context.given.length === 0 && context.waiting.length > 0 && isAll(context.turn, withdrawnIn(event)),
    isWaiting: ({ context, event }) => context.waiting.some(({ message }) => message.seq === withdrawnIn(event)),
    mayGrow: ({ context }) => mayGrow(context.waiting),
    hasWaiting: ({ context }) => context.waiting.length > 0,
    isDraining: ({ context }) => context.draining,
    nothingToRun: (_, params: Prepared) => isGivenUp(params),
  },
  delays: {
    gatherQuietMs: GATHER_QUIET_MS,
    gatherMsMax: GATHER_MS_MAX,
    pendingMsMax: PENDING_MS_MAX,
    commitBackoff: ({ context }) => backoffMs(context.commitFailures),
  },
})

// --- what the chart gives its effects, beside the answers of session-answers.ts ---

export function triesOfTurn({ context }: { readonly context: SessionContext }): { seqs: readonly number[] } {
  return { seqs: context.turn.map((item) => item.message.seq) }
}

export function state(now: SessionState) {
  return ({ context }: { readonly context: SessionContext }): { conversation: string; progress: Progress } => ({
    conversation: context.conversation,
    progress: { kind: 'state', session: context.key, state: now },
  })
}

export function preparation({ context }: { readonly context: SessionContext }): Preparation {
  const { key, channel, turnId, turn } = context
  return { key, channel, turnId, turn, agent: turnAgent(context) }
}

/** Of a message whose sender is gone. */
export function left({ context, event }: { readonly context: SessionContext; readonly event: ToSession }): Commit {
  const seq = withdrawnIn(event)
  assert(seq !== null, 'a message is taken back only when its sender is gone')
  return withdrawCommit(context, seq)
}

function withdrawnIn(event: ToSession): number | null {
  return event.type === 'message.withdrawn' ? event.seq : null
}

function isAll(items: Inbox, seq: number | null): boolean {
  return items.length > 0 && items.every(({ message }) => message.seq === seq)
}

function isGivenUp(prepared: Prepared): boolean {
  return answerable(prepared).length === 0
}
