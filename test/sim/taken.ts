// Taken: what the steps of a turn say, read by hand and not by the functions of the machines.

import type { PlannedCall, Steering, Step, ToolCall } from '../../machines/steps.ts'
import type { AgentPlan } from './steps.ts'

export interface TurnRecord {
  readonly session: string
  readonly turn: string
  /** Messages that it was last begun with. */
  seqs: readonly number[]
  readonly steps: Step[]
  /** Messages that its first step was made for. */
  madeFor: readonly number[]
  /** Its model was asked since it was last begun. */
  asked: boolean
  /** The process was draining when it was last begun. A run of a channel that had left the file is another matter: it is finished. */
  inDrain: boolean
  /** What the file may have said of the agent when its run took its definition. */
  plans: readonly AgentPlan[]
  /** Steps that stood there when it was last begun: a call among them without a result is one whose end nobody knows. */
  known: number
}

/** A call's mark is in its input; a bad input has none. */
export function markOf(input: unknown): string | null {
  return typeof input === 'object' && input !== null && 'mark' in input ? String(input.mark) : null
}

/** As the question shows it. */
export function shown({ input }: ToolCall): string {
  return typeof input === 'string' ? input : JSON.stringify(input, null, 2)
}

export function answersIn(steps: readonly Step[]): number {
  return steps.filter((step) => step.kind === 'answer').length
}

export function askedIn(steps: readonly Step[]): readonly PlannedCall[] {
  return steps.flatMap((step) => (step.kind === 'answer' ? step.calls : []))
}

/** Calls without a result. An answer comes only when there are none, so they are the last answer's. */
export function openCalls(steps: readonly Step[]): readonly PlannedCall[] {
  return askedIn(steps).filter(({ id }) => !has(steps, 'result', id))
}

export function undecided(steps: readonly Step[]): readonly PlannedCall[] {
  return openCalls(steps).filter(({ id, policy }) => policy === 'ask' && decisionOn(steps, id) === null)
}

export function decisionOn(steps: readonly Step[], call: string): boolean | null {
  for (const step of steps) if (step.kind === 'decision' && step.call === call) return step.approved
  return null
}

export function givenIn(steps: readonly Step[]): readonly Steering[] {
  return steps.flatMap((step) => (step.kind === 'steering' ? step.messages : []))
}

export function has(steps: readonly Step[], kind: 'begin' | 'result', call: string): boolean {
  return steps.some((step) => step.kind === kind && step.call === call)
}

/** What `/approve` and `/deny` say. */
export function nameOf({ turn, steps }: TurnRecord, call: PlannedCall): string {
  return `${turn.replace('turn-', '')}-${askedIn(steps).findIndex(({ id }) => id === call.id) + 1}`
}
