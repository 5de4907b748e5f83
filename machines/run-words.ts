// The words of the run's statechart: its context, and every action, guard, actor and delay that run.ts names.
// What is to be done next is a pure function of the steps (steps.ts); effects are stubs that src/actors/run.ts provides.

import { assign, type EventObject, fromCallback, fromPromise, sendParent, setup } from 'xstate'
import { approvalsOf, promptOf } from './approval.ts'
import type { RunOutcome } from './commits.ts'
import type { AgentDefinition } from './definitions.ts'
import { type Failure, failureOf, unprovided } from './failure.ts'
import { fitting } from './history.ts'
import type { ShownFile } from './media.ts'
import type { Reply, Sender, ToRun, TranscriptEntry } from './messages.ts'
import {
  answersIn,
  isBetweenAnswers,
  openCalls,
  type PlannedCall,
  type Steering,
  type Step,
  undecidedCalls,
} from './steps.ts'
import { type Account, accountOf, type Credit } from './usage.ts'

export interface RunInput {
  /** The definition that the run begins and ends with, whatever the file says meanwhile. */
  readonly definition: AgentDefinition
  readonly channel: string
  readonly conversation: string
  readonly session: string
  readonly turn: string
  readonly history: readonly TranscriptEntry[]
  /** Sequence numbers of its messages. */
  readonly seqs: readonly number[]
  readonly messages: readonly RunMessage[]
  /** A history that is too long may become a summary before this run; false: its oldest turns are left out. */
  readonly mayCompact: boolean
  /** What an earlier activation did for this turn; empty at its first. */
  readonly steps: readonly Step[]
  /** When it was prepared; deadlines of approvals that wait already are counted from here. */
  readonly nowMs: number
  /** The process is ending already, or nobody could answer: nobody is asked. */
  readonly draining: boolean
}

export interface RunMessage {
  readonly text: string
  readonly sender: Sender
  readonly kind: 'dm' | 'group'
  /** Files that the model is shown with it; left out: none. */
  readonly shown?: readonly ShownFile[]
}

export interface RunContext {
  readonly input: RunInput
  readonly steps: readonly Step[]
  /** So many of them are on disk. */
  readonly written: number
  /** The process is ending: nobody is waited for any more. */
  readonly draining: boolean
  readonly outcome: RunOutcome
}

/** One model answer. */
export interface Answer extends Credit {
  readonly text: string
  /** Empty: it is the last one. */
  readonly calls: readonly PlannedCall[]
  readonly atMs: number
  /** The last one, and the model stopped in the middle of it. */
  readonly isCut?: true
}

export interface Thinking {
  readonly run: RunInput
  readonly steps: readonly Step[]
  /** False: its tools are shown and may not be used, so that the last answer is one. */
  readonly mayCall: boolean
}

export interface Recording {
  readonly run: RunInput
  readonly steps: readonly Step[]
  readonly replies: readonly Reply[]
}

export const words = setup({
  types: {
    context: {} as RunContext,
    events: {} as ToRun,
    input: {} as RunInput,
    output: {} as RunOutcome,
  },
  actors: {
    /**
     * Makes a summary of the history, writes it into the transcript, and resolves with the history that begins with it. Nobody is
     * told. Stopping it closes the request.
     */
    summarise: fromPromise<readonly TranscriptEntry[], RunInput>(() => unprovided('summarise')),
    /** One model answer; its pieces go past the machine to the channel. Stopping it closes the request. */
    think: fromPromise<Answer, Thinking>(() => unprovided('think')),
    /** Writes steps, and the questions that go with them, in one transaction; tries until the disk takes it. */
    record: fromPromise<void, Recording>(() => unprovided('record')),
    /** What the run's tools hold open ends with it. */
    toolbox: fromCallback<EventObject, { session: string }>(() => unprovided('toolbox')),
    /** Does what `plansOf` says of each open call and resolves with the steps that it wrote. Stopping it ends the tools. */
    act: fromPromise<readonly Step[], { run: RunInput; steps: readonly Step[] }>(() => unprovided('act')),
  },
  actions: {
    /** Says in the log that so many entries of the history are not told. */
    noteLeftOut: (_, _params: LeftOut) => unprovided('noteLeftOut'),
    keepSummary: assign(({ context }, params: { history: readonly TranscriptEntry[] }) =>
      withHistory(context, params.history),
    ),
    leaveOutOldest: assign(({ context }) => withHistory(context, fitting(context.input))),
    keepOutcome: assign((_, { text, model, spent, isCut }: Answer) => ({
      outcome: { kind: 'answered' as const, text, model, spent, ...(isCut && { isCut }) },
    })),
    keepFailure: assign((_, params: { error: unknown }) => failed(failureOf(params.error))),
    keepTimeout: assign(({ context }) => failed(tooLong(context.input.definition.runTimeoutMs))),
    keepOutOfSteps: assign(({ context }, { model, spent }: Answer) => ({
      outcome: {
        kind: 'failed' as const,
        failure: tooManySteps(context.input.definition.maxSteps),
        model,
        spent,
      },
    })),
    keepAnswer: assign(({ context }, params: Answer) =>
      added(context, [{ kind: 'answer', ...params, seqs: context.input.seqs }]),
    ),
    keepResults: assign(({ context }, params: { steps: readonly Step[] }) => added(context, params.steps)),
    keepSteering: assign(({ context }, params: { messages: readonly Steering[] }) =>
      added(context, [{ kind: 'steering', messages: params.messages }]),
    ),
    /** The session's commit of the command holds it already. */
    keepDecision: assign(({ context }, { call, approved, by }: Decided) =>
      added(context, [{ kind: 'decision', call, approved, by }]),
    ),
    denyAll: assign(({ context }) =>
      added(
        context,
        undecidedCalls(context.steps).map(({ id }) => ({ kind: 'decision', call: id, approved: false, by: null })),
      ),
    ),
    beginDrain: assign({ draining: true }),
    noteWritten: assign({ written: ({ context }) => context.steps.length }),
    requestSteering: sendParent({ type: 'steering.requested' }),
    tellApprovals: sendParent(({ context }) => ({ type: 'approvals.waiting', approvals: waiting(context) })),
    tellNoApprovals: sendParent({ type: 'approvals.waiting', approvals: [] }),
    escalate: (_, params: { error: unknown }) => {
      throw params.error
    },
  },
  guards: {
    needsSummary: ({ context }) => needsSummary(context),
    isTooLong: ({ context }) => leftOut(context).entries > 0,
    isDefect: (_, params: { error: unknown }) => failureOf(params.error).kind === 'defect',
    isFinal: (_, params: Answer) => params.calls.length === 0,
    isOutOfSteps: ({ context }) => !mayCall(context),
    isTooLate: ({ context }) => context.draining && undecidedCalls(context.steps).length > 0,
    awaitsApproval: ({ context }) => undecidedCalls(context.steps).length > 0,
    hasOpenCalls: ({ context }) => openCalls(context.steps).length > 0,
    isBetweenAnswers: ({ context }) => isBetweenAnswers(context.steps),
    isNothing: (_, params: { messages: readonly Steering[] }) => params.messages.length === 0,
    isLast: ({ context }, params: Decided) => undecidedCalls(context.steps).every(({ id }) => id === params.call),
  },
  delays: {
    runMsMax: ({ context }) => context.input.definition.runTimeoutMs,
    approvalMs: ({ context }) => approvalMsLeft(context),
  },
})

export interface LeftOut {
  readonly session: string
  readonly turn: string
  readonly entries: number
}

/** What of the history has no room in the model's context. */
export function leftOut({ input }: RunContext): LeftOut {
  const { session, turn, history } = input
  return { session, turn, entries: history.length - fitting(input).length }
}

/** One for a turn, also after a crash, and only before its first step. */
function needsSummary(context: RunContext): boolean {
  const { mayCompact, history, turn } = context.input
  const [first] = history
  const isSummarised = first?.role === 'summary' && first.turn === turn
  return mayCompact && context.steps.length === 0 && !isSummarised && leftOut(context).entries > 0
}

function withHistory({ input }: RunContext, history: readonly TranscriptEntry[]): { input: RunInput } {
  return { input: { ...input, history } }
}

type Decided = Extract<ToRun, { type: 'approval.decided' }>

/** What the next model answer is made from. */
export function thinking(context: RunContext): Thinking {
  return { run: context.input, steps: context.steps, mayCall: mayCall(context) }
}

/** What is not written yet, and the questions in it. */
export function needs({ input, steps, written, draining }: RunContext): Recording {
  const fresh = steps.slice(written)
  const { definition, conversation } = input
  // Where nobody can answer nobody is asked: that is a no, and follows at once.
  const asked = !draining && fresh.some((step) => step.kind === 'answer')
  const replies = (asked ? approvalsOf(input.turn, steps, definition.approvers) : []).map((approval) => ({
    conversation,
    replyTo: null,
    ...promptOf(definition.id, approval, definition.approvalTimeoutMs),
  }))
  return { run: input, steps: fresh, replies }
}

/** Whose account a run goes to. */
export function accountOfRun({ definition, channel, messages, nowMs: atMs }: RunInput): Account {
  return accountOf({ agent: definition.id, channel, sender: messages[0]?.sender ?? NOBODY, atMs })
}

const NOBODY: Sender = { id: '', name: null, handle: null }

function waiting({ input, steps }: RunContext) {
  return approvalsOf(input.turn, steps, input.definition.approvers)
}

/** One answer is kept for the end: the model is then shown that it may not ask for more. */
function mayCall({ input, steps }: RunContext): boolean {
  return answersIn(steps) < input.definition.maxSteps - 1
}

function added(context: RunContext, steps: readonly Step[]): { steps: readonly Step[] } {
  return { steps: [...context.steps, ...steps] }
}

function approvalMsLeft({ input, steps }: RunContext): number {
  const answer = steps.findLast((step) => step.kind === 'answer')
  const askedAtMs = answer?.kind === 'answer' ? answer.atMs : input.nowMs
  return Math.max(0, askedAtMs + input.definition.approvalTimeoutMs - Math.max(askedAtMs, input.nowMs))
}

function failed(failure: Failure): { outcome: RunOutcome } {
  return { outcome: { kind: 'failed', failure } }
}

function tooLong(runTimeoutMs: number): Failure {
  const time =
    runTimeoutMs < 120_000 ? `${runTimeoutMs / 1_000} seconds` : `${Math.floor(runTimeoutMs / 60_000)} minutes`
  return {
    kind: 'permanent',
    reason: 'timeout',
    message: `the run took longer than ${time} and was ended`,
    remedy: 'Ask for less at once, or try again with /retry',
  }
}

function tooManySteps(maxSteps: number): Failure {
  return {
    kind: 'permanent',
    reason: 'refused',
    message: `the run did not come to an answer in ${maxSteps} ${maxSteps === 1 ? 'step' : 'steps'}`,
    remedy: 'Ask for less at once, or say how to go on',
  }
}
