// Step checks: may this step be written here? Asked when it takes effect on disk, before it counts as there.
//   S39, S40. A decision comes from somebody who may decide and names the call that it decides, or the time for one has run out.
//   S42. A step stands in its place, once, and says what the model or the tool said.
//   S23. A run is steered between two answers, with messages that were meant for it.

import type { Commit } from '../../machines/messages.ts'
import type { PlannedCall, Steering, Step, ToolCall } from '../../machines/steps.ts'
import type { Written } from './records.ts'
import type { AgentPlan } from './steps.ts'
import {
  answersIn,
  askedIn,
  decisionOn,
  givenIn,
  has,
  markOf,
  nameOf,
  openCalls,
  shown,
  type TurnRecord,
  undecided,
} from './taken.ts'
import { policyIn, TOOLS, type ToolName } from './tools.ts'

/** What a tool said. */
export interface Said {
  readonly text: string
  readonly failed: boolean
}

export interface Thought {
  readonly text: string
  readonly calls: readonly ToolCall[]
}

export interface TurnRules {
  /** What the file says of the agent now. */
  readonly agent: () => AgentPlan
  readonly nowMs: () => number
  /** Nobody is waited for any more: the process is ending, or lost; or its channel is. */
  readonly ending: (session: string) => boolean
  readonly draining: () => boolean
  /** Whether a plain message may be taken for steering. */
  readonly maySteer: (channel: string) => boolean
  readonly hit: (event: string) => void
}

export interface Checking {
  readonly record: TurnRecord
  readonly commit: Commit
  readonly rules: TurnRules
  readonly messages: ReadonlyMap<number, Written>
  /** The last thing that the session's model said. */
  readonly thought: Thought | undefined
  readonly saidOf: (mark: string) => Said | undefined
  readonly wrong: (rule: string, text: string) => void
}

type StepOf<Kind> = Extract<Step, { kind: Kind }>

export function checkStep(step: Step, checking: Checking): void {
  if (step.kind === 'answer') checkAnswer(step, checking)
  else if (step.kind === 'decision') checkDecision(step, checking)
  else if (step.kind === 'begin') checkBegin(step.call, checking)
  else if (step.kind === 'result') checkResult(step, checking)
  else for (const steering of step.messages) checkSteering(steering, checking)
}

function checkAnswer(answer: StepOf<'answer'>, { record, commit, rules, thought, wrong }: Checking): void {
  if (openCalls(record.steps).length > 0) wrong('S42', 'an answer before the results of the one before')
  if (record.plans.every(({ maxSteps }) => answersIn(record.steps) >= maxSteps)) wrong('STEPS', 'too many answers')
  const written = JSON.stringify(answer.calls.map(({ tool, input }) => [tool, input]))
  const meant = JSON.stringify(thought?.calls.map(({ tool, input }) => [tool, input]))
  if (thought?.text !== answer.text || written !== meant)
    wrong('S42', `the model did not say so, but ${JSON.stringify(thought)}`)
  const ids = new Set(askedIn(record.steps).map(({ id }) => id))
  for (const call of answer.calls) {
    if (ids.has(call.id)) wrong('S42', `two calls are named ${call.id}`)
    ids.add(call.id)
    const name = `${record.turn.replace('turn-', '')}-${ids.size}`
    checkCall(call, { name, commit, plans: record.plans, ending: rules.ending(record.session), wrong })
  }
  if (answer.calls.length > 1) rules.hit('several tools at once')
}

interface CheckingCall extends Pick<Checking, 'commit' | 'wrong'> {
  readonly name: string
  readonly plans: readonly AgentPlan[]
  /** Nobody is asked by who ends: that is a no. An answer may have been on its way before. */
  readonly ending: boolean
}

function checkCall(call: PlannedCall, { name, commit, plans, ending, wrong }: CheckingCall): void {
  const { policy } = call
  const idempotent = TOOLS[call.tool as ToolName]?.idempotent ?? true
  const right = plans.some((plan) => policyIn(plan, call.tool) === policy) && call.idempotent === idempotent
  if (!right) wrong('S39', `${call.tool} is not ${policy}`)
  const prompts = commit.replies.filter(({ text }) => text.includes(`/approve ${name} `) && text.includes(shown(call)))
  const [most, least] = policy === 'ask' ? [1, ending ? 0 : 1] : [0, 0]
  if (prompts.length > most || prompts.length < least)
    wrong('S39', `${name} is ${policy}, and was asked about ${prompts.length} times`)
}

function checkDecision({ call: id, approved, by }: StepOf<'decision'>, checking: Checking): void {
  const { record, commit, rules, messages, wrong } = checking
  const open = undecided(record.steps)
  const call = open.find((each) => each.id === id)
  if (call === undefined) return wrong('S40', 'nothing waits for this decision')
  rules.hit(by === null ? 'nobody decided' : approved ? 'approved' : 'denied')
  if (by === null) return checkNobody(approved, checking)
  const word = commit.settled.map(({ seq }) => messages.get(seq)?.message)[0]
  const { name = '', text = '' } = word?.command ?? {}
  if (name !== (approved ? 'approve' : 'deny') || word?.sessionKey !== record.session)
    wrong('S40', `who said so? /${name}`)
  if (text === '' ? open.length > 1 : text !== nameOf(record, call))
    wrong('S40', `"${text}" names ${nameOf(record, call)}`)
  if (open.length > 1) rules.hit('one of several approvals was decided')
  const may = record.plans.some(({ approvers }) => approvers.length === 0 || approvers.includes(by))
  if (!may || by !== word?.sender.id) wrong('S39', `${by} may not decide`)
}

function checkNobody(approved: boolean, { record, rules, wrong }: Checking): void {
  const answer = record.steps.findLast((step) => step.kind === 'answer')
  const patience = Math.min(...record.plans.map(({ approvalTimeoutMs }) => approvalTimeoutMs))
  const late = answer?.kind === 'answer' && rules.nowMs() >= answer.atMs + patience
  if (approved) wrong('S39', 'nobody approved')
  if (!late && !rules.ending(record.session)) wrong('S39', 'it was decided before its time had run out')
  rules.hit(late ? 'the deadline of an approval' : 'a drain denied what waited')
}

function checkBegin(id: string, { record: { steps, known }, wrong }: Checking): void {
  const call = openCalls(steps).find((each) => each.id === id)
  if (call === undefined) return wrong('S42', 'nothing of that name is open')
  // The word is asked for by the same process just before; when the disk did not take it, its session fails before anything is called.
  if (call.policy === 'deny' || decisionOn(steps, id) === false) wrong('S39', 'it may not begin')
  if (has(steps.slice(known), 'begin', id)) wrong('S42', 'it began twice in one activation')
  if (has(steps, 'begin', id) && !call.idempotent) wrong('S42', 'it began before, and is not idempotent')
}

function checkResult({ call, text, failed }: StepOf<'result'>, { record, rules, saidOf, wrong }: Checking): void {
  const { steps, known } = record
  const open = openCalls(steps).find((each) => each.id === call)
  if (open === undefined) return wrong('S42', 'it has a result already, or nobody asked')
  const mark = markOf(open.input)
  const said = mark === null ? undefined : saidOf(mark)
  const called = has(steps.slice(known), 'begin', call)
  if (has(steps.slice(0, known), 'begin', call) && !called) rules.hit('the outcome of a call is unknown')
  if (said === undefined || !called) {
    if (!failed) wrong('S42', 'a result of what was never called')
    return
  }
  const same = failed === said.failed && text.startsWith(said.text.slice(0, RESULT_KEPT))
  if (!same) wrong('S42', `the tool said ${said.text.slice(0, 80)}`)
  if (said.text.length > RESULT_KEPT) rules.hit('a long result was cut')
}

/** So much of a result is whole. */
const RESULT_KEPT = 60_000

function checkSteering({ seqs, text }: Steering, { record, rules, messages, wrong }: Checking): void {
  const { steps, session } = record
  if (steps.at(-1)?.kind !== 'result') wrong('S23', 'a run is steered between two answers')
  for (const seq of seqs) {
    const written = messages.get(seq)
    if (written === undefined || written.outcome !== null) return wrong('S23', `message ${seq} has ended or never was`)
    const { command, channel, sessionKey } = written.message
    const steers = command === null ? rules.maySteer(channel) : command.name === 'steer'
    if (!steers || sessionKey !== session) wrong('S23', `message ${seq} was not meant for it`)
    const known = [...record.seqs, ...givenIn(steps).flatMap((given) => given.seqs)].includes(seq)
    if (known) wrong('S23', `message ${seq} is part of it already`)
    if (!text.includes(command?.text ?? written.message.text)) wrong('S23', `message ${seq} is not in it`)
  }
}
