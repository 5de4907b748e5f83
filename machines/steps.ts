// Steps: what a run has done so far, as records that are on disk before the next thing begins. Pure.
//   A run's memory is its steps: after a crash it goes on where they end, and what they hold is not done again.
//   A call that began and has no result is one whose outcome nobody knows: it is repeated only when its tool is idempotent.

import type { ApprovalPolicy } from './definitions.ts'
import type { AcceptedMessage, Sender } from './messages.ts'
import type { Credit } from './usage.ts'

/** A tool that the model wants to be used. */
export interface ToolCall {
  /** Unique within its run. */
  readonly id: string
  readonly tool: string
  /** As the model gave it: plain data, not yet held against the tool's schema. */
  readonly input: unknown
}

/** A call with what its tool and its agent's definition said of it when the model asked. */
export interface PlannedCall extends ToolCall {
  readonly policy: ApprovalPolicy
  readonly idempotent: boolean
}

/** Something that somebody said to a run that is going on. */
export interface Steering {
  /** Sequence numbers of the messages that it is made of: parts of one text, photos of one album. */
  readonly seqs: readonly number[]
  readonly text: string
  readonly sender: Sender
  readonly kind: 'dm' | 'group'
}

/** The model answered and asks for tools. */
export interface AnswerStep extends Partial<Credit> {
  readonly kind: 'answer'
  readonly text: string
  readonly calls: readonly PlannedCall[]
  readonly atMs: number
  /** Sequence numbers of the messages that it answers: after a crash the turn goes on with all of them. */
  readonly seqs: readonly number[]
}

export type Step =
  | AnswerStep
  /** Somebody decided about a call, or its time ran out; `by` is null when nobody did. */
  | { readonly kind: 'decision'; readonly call: string; readonly approved: boolean; readonly by: string | null }
  /** A tool is about to begin. */
  | { readonly kind: 'begin'; readonly call: string }
  | { readonly kind: 'result'; readonly call: string; readonly text: string; readonly failed: boolean }
  /** Given to the run before its next model answer. */
  | { readonly kind: 'steering'; readonly messages: readonly Steering[] }

/** A step with the turn that it belongs to. */
export interface TurnStep {
  readonly turn: string
  readonly step: Step
}

/**
 * One id per turn, the same after a crash: the place of its first message in the accept sequence, and how often a turn that it began
 * has ended without it.
 */
export function turnIdOf({ seq, renewed = 0 }: Pick<AcceptedMessage, 'seq' | 'renewed'>): string {
  return renewed === 0 ? `turn-${seq}` : `turn-${seq}.${renewed}`
}

/** Whether a turn began with that message, however often it was tried again. */
export function isTurnOf(turn: string, seq: number): boolean {
  return turn.split('.')[0] === turnIdOf({ seq })
}

/** How often the model answered. */
export function answersIn(steps: readonly Step[]): number {
  return steps.filter((step) => step.kind === 'answer').length
}

/** Calls of the last answer that have no result yet, in the order of the answer. */
export function openCalls(steps: readonly Step[]): readonly PlannedCall[] {
  const results = callsWith(steps, 'result')
  const answer = steps.findLast((step) => step.kind === 'answer')
  return answer === undefined ? [] : answer.calls.filter(({ id }) => !results.has(id))
}

/**
 * Open calls that wait for somebody's word. That a call began does not stand for it: when the disk did not take the word, the session
 * is restarted, and the word is asked for again.
 */
export function undecidedCalls(steps: readonly Step[]): readonly PlannedCall[] {
  const decided = callsWith(steps, 'decision')
  return openCalls(steps).filter(({ id, policy }) => policy === 'ask' && !decided.has(id))
}

/** What is to be done about each open call once nothing is undecided. */
export type CallPlan =
  | { readonly call: PlannedCall; readonly how: 'call' }
  /** Without calling it; the model is told `text`. */
  | { readonly call: PlannedCall; readonly how: 'tell'; readonly text: string }

export function plansOf(steps: readonly Step[]): readonly CallPlan[] {
  const begun = callsWith(steps, 'begin')
  return openCalls(steps).map((call): CallPlan => {
    if (begun.has(call.id)) return call.idempotent ? { call, how: 'call' } : { call, how: 'tell', text: UNKNOWN }
    const decision = steps.find((step) => step.kind === 'decision' && step.call === call.id)
    const denied = call.policy === 'deny' || (decision?.kind === 'decision' && !decision.approved)
    return denied ? { call, how: 'tell', text: deniedText(decision) } : { call, how: 'call' }
  })
}

/** The messages that a turn with steps is made of. */
export function askedIn(steps: readonly Step[]): readonly number[] {
  const answer = steps.find((step) => step.kind === 'answer')
  return answer === undefined ? [] : answer.seqs
}

/** What was said to the run while it was going on. */
export function steeringIn(steps: readonly Step[]): readonly Steering[] {
  return steps.flatMap((step) => (step.kind === 'steering' ? step.messages : []))
}

/** Whether the run may be steered now: after its tools and before its next answer. */
export function isBetweenAnswers(steps: readonly Step[]): boolean {
  return steps.at(-1)?.kind === 'result'
}

const UNKNOWN =
  'The outcome of this call is unknown: the process ended while it was at work. It may have happened. It was not repeated.'

function deniedText(decision: Step | undefined): string {
  if (decision?.kind !== 'decision') return 'Not done: this agent may not use that tool.'
  return decision.by === null
    ? 'Not done: nobody approved it in time.'
    : 'Not done: it was denied. Do not try it again in another way.'
}

function callsWith(steps: readonly Step[], ...kinds: ('decision' | 'begin' | 'result')[]): Set<string> {
  return new Set(steps.flatMap((step) => ('call' in step && kinds.includes(step.kind) ? [step.call] : [])))
}
