// The words of the session's statechart: its context, and every action, guard, actor and delay that session.ts names.
// Decisions are pure functions of inbox.ts and commits.ts; effects are stubs that src/actors/session.ts provides.

import { assign, fromPromise, sendParent, sendTo, setup } from 'xstate'
import { gateway, sessionAddress } from './addresses.ts'
import {
  answerCommit,
  commandText,
  interruptCommit,
  isKnown,
  newCommit,
  type RunOutcome,
  refuseCommit,
  type Speaker,
  stopCommit,
  type UndoCommits,
  undoCommits,
} from './commits.ts'
import { assert, type Failure, unprovided } from './failure.ts'
import { type Inbox, interrupts, isContinued, itemOf, mayGrow, offer, takeTurn, turnTexts } from './inbox.ts'
import { GATHER_MS_MAX, GATHER_QUIET_MS, PENDING_MS_MAX } from './limits.ts'
import type {
  AcceptedMessage,
  Commit,
  Progress,
  SessionSettings,
  SessionState,
  ToSession,
  TranscriptEntry,
} from './messages.ts'
import { backoffMs } from './restart.ts'
import { type RunInput, runMachine } from './run.ts'

export interface SessionInput extends SessionSettings {
  readonly key: string
  readonly channel: string
  readonly conversation: string
}

export interface SessionContext extends SessionInput, Speaker {
  readonly waiting: Inbox
  readonly turn: Inbox
  readonly turnId: string
  readonly history: readonly TranscriptEntry[]
  /** Messages of the turn that broke the session too often. */
  readonly exhausted: readonly number[]
  readonly outcome: RunOutcome
  readonly commitFailures: number
  readonly draining: boolean
  /** Number of the last message in this session's line: see placement.ts. */
  readonly routed: number
  /** The last few commands that were answered: the same one again changes nothing. */
  readonly answered: readonly number[]
}

/** What preparation gives back. */
export interface Prepared {
  readonly history: readonly TranscriptEntry[]
  readonly exhausted: readonly number[]
  /** The turn with its final texts. */
  readonly turn: Inbox
}

/** Recent commands that are remembered against a second routing; a partition's recovery can bring one twice. */
const ANSWERED_MAX = 32

const NO_OUTCOME: RunOutcome = {
  kind: 'failed',
  failure: { kind: 'permanent', reason: 'cancelled', message: 'the run was ended' },
}

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
    prepare: fromPromise<Prepared, { key: string; turn: Inbox }>(() => unprovided('prepare')),
    run: runMachine,
    commit: fromPromise<void, Commit>(() => unprovided('commit')),
  },
  actions: {
    /** Writes a commit beside the machine's way; a failure comes back as `record.failed`. */
    record: (_, _params: Commit) => unprovided('record'),
    /** `/undo`: writes the one or the other by what the history holds; fails as `record` does. */
    undo: (_, _params: UndoCommits) => unprovided('undo'),
    /** Takes back the tries of a turn that a drain ended. */
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
        turnId: turnIdOf(turn),
        history: [],
        exhausted: [],
        outcome: NO_OUTCOME,
        commitFailures: 0,
      }
    }),
    keepPrepared: assign((_, params: Prepared) => params),
    keepOutcome: assign((_, params: { outcome: RunOutcome }) => params),
    keepPreparationFailure: assign((_, params: { failure: Failure }) => ({
      outcome: { kind: 'failed' as const, failure: params.failure },
    })),
    keepPreparationTimeout: assign({ outcome: { kind: 'failed', failure: TOO_LONG_PENDING } }),
    countCommitFailure: assign({ commitFailures: ({ context }) => context.commitFailures + 1 }),
    forgetTurn: assign({ turn: [], turnId: '', history: [], exhausted: [], outcome: NO_OUTCOME }),
    forgetWaiting: assign({ waiting: [] }),
    beginDrain: assign({ draining: true }),
    redefine: assign((_, params: SessionSettings) => params),
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
    mayGrow: ({ context }) => mayGrow(context.waiting),
    hasWaiting: ({ context }) => context.waiting.length > 0,
    isDraining: ({ context }) => context.draining,
    nothingToRun: (_, params: Prepared) => params.turn.every((item) => params.exhausted.includes(item.message.seq)),
  },
  delays: {
    gatherQuietMs: GATHER_QUIET_MS,
    gatherMsMax: GATHER_MS_MAX,
    pendingMsMax: PENDING_MS_MAX,
    commitBackoff: ({ context }) => backoffMs(context.commitFailures),
  },
})

// --- what the chart gives its effects: each a pure function of the context and the message in hand ---

interface Hand {
  readonly context: SessionContext
  readonly event: ToSession
}

export function answer(during: SessionState) {
  return ({ context, event }: Hand): Commit => {
    const { message } = messageIn(event)
    return answerCommit(context, message, commandText(context, message, during) ?? '')
  }
}

export function stop(during: SessionState) {
  return ({ context, event }: Hand): Commit => stopCommit(context, messageIn(event).message, during)
}

/** `/stop` while the answer is being committed: the run is over already, what waits is discarded. */
export function stopWaiting({ context, event }: Hand): Commit {
  return stopCommit(withoutTurn(context), messageIn(event).message, 'running')
}

export function startOver({ context, event }: Hand): Commit {
  return newCommit(context, messageIn(event).message)
}

export function startOverAfterTurn({ context, event }: Hand): Commit {
  return newCommit(withoutTurn(context), messageIn(event).message)
}

export function refusal({ context, event }: Hand): Commit {
  return refuseCommit(context, messageIn(event).message)
}

export function interruption({ context }: { readonly context: SessionContext }): Commit {
  return interruptCommit(context)
}

export function undoing({ context, event }: Hand): UndoCommits {
  return undoCommits(context, messageIn(event).message)
}

export function triesOfTurn({ context }: { readonly context: SessionContext }): { seqs: readonly number[] } {
  return { seqs: context.turn.map((item) => item.message.seq) }
}

export function state(now: SessionState) {
  return ({ context }: { readonly context: SessionContext }): { conversation: string; progress: Progress } => ({
    conversation: context.conversation,
    progress: { kind: 'state', session: context.key, state: now },
  })
}

export function initialContext(input: SessionInput): SessionContext {
  return {
    ...input,
    waiting: [],
    turn: [],
    turnId: '',
    history: [],
    exhausted: [],
    outcome: NO_OUTCOME,
    commitFailures: 0,
    draining: false,
    routed: 0,
    answered: [],
  }
}

export function runInput(context: SessionContext): RunInput {
  const live = context.turn.filter((item) => !context.exhausted.includes(item.message.seq))
  return {
    agent: context.agent,
    channel: context.channel,
    conversation: context.conversation,
    session: context.key,
    turn: context.turnId,
    history: context.history,
    messages: turnTexts(live).map(({ item, text }) => ({ text, sender: item.message.sender, kind: item.message.kind })),
  }
}

function messageIn(event: ToSession): Extract<ToSession, { type: 'message.routed' }> {
  assert(isMessage(event), 'a message is answered only when one is in hand')
  return event
}

/** One id per turn, the same after a crash: the first message's place in the accept sequence. */
function turnIdOf(turn: Inbox): string {
  return `turn-${turn[0]?.message.seq ?? 0}`
}

function isMessage(event: { type: string }): event is Extract<ToSession, { type: 'message.routed' }> {
  return event.type === 'message.routed'
}

function offerOf(context: SessionContext, message: AcceptedMessage): ReturnType<typeof offer> | null {
  const item = itemOf(message, context.busyMode)
  // What was kept before a restart is not dropped after it: the turn that was at work stands in the inbox again, too.
  const limit = message.again === undefined ? context.queueLimit : Number.POSITIVE_INFINITY
  return item === null ? null : offer(context.waiting, item, limit)
}

function withoutTurn(context: SessionContext): SessionContext {
  return { ...context, turn: [], turnId: '' }
}
