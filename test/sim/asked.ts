// Asked: what must hold in the moment in which a model is asked.
//   S1. No run beside another of the same session; no more runs than there are slots. S31. No command reaches a model.
//   S4 and the order of turns: what it is asked about is next, and has no end yet.
//   M4. What it is told of the past is what was written. S42. What it is told of its own run is what is on disk.

import { type Told, toldOf, shortened } from './history.ts'
import type { Ledger } from './ledger.ts'
import type { Thinking } from './model.ts'
import type { Caller } from './platform.ts'
import { takesRoom, type Written } from './records.ts'
import { answersIn, openCalls, type TurnRecord } from './taken.ts'
import { TOOL_NAMES, type Working } from './tools.ts'
import type { Verdict } from './violation.ts'

export interface AskedRules {
  readonly ledger: Ledger
  readonly verdict: Verdict
  readonly slots: () => number
  /** False once a drain has come to rest: then nothing new may begin. */
  readonly mayBegin: (caller: Caller) => boolean
  /** Whether a plain message may be, and is certainly, taken for steering. */
  readonly maySteer: (channel: string) => boolean
  readonly steers: (channel: string) => boolean
  readonly atWork: () => readonly Working[]
  readonly hit: (event: string) => void
}

interface Asking extends AskedRules {
  readonly running: readonly Thinking[]
}

export function checkAsked(thinking: Thinking, asking: Asking): void {
  const { ledger, verdict, mayBegin, running, atWork } = asking
  const { session, turn, request, asked, caller } = thinking
  const record = ledger.turns.latest(session)
  if (record?.turn !== turn) return verdict.broken('S1', `${turn} of ${session} asks, ${record?.turn} was begun last`)
  const compacts = taskOf(record, ledger, 'compact') !== undefined
  const texts = JSON.stringify(request.messages)
  verdict.check(asked.length > 0 || compacts, 'TURN', () => `a model was asked about nothing: ${texts}`)
  const own = asked.every((each) => each.message.sessionKey === session)
  verdict.check(own, 'A2', () => `a turn of ${session} holds another's message`)
  const others = new Set([...running, ...atWork()].map((each) => each.session))
  verdict.check(!others.has(session), 'S1', () => `a second run of ${session}`)
  const slots = asking.slots()
  if (others.size === slots - 1) asking.hit('the last slot was taken')
  if (request.messages.some(({ text }) => (text.match(/t\d+\./g) ?? []).length > 1))
    asking.hit('parts became one message')
  if (new Set(request.messages.map(({ sender }) => sender.id)).size > 1) asking.hit('one turn of several people')
  verdict.check(others.size < slots, 'SLOTS', () => `${others.size + 1} runs at once, ${slots} allowed`)
  verdict.check(mayBegin(caller) || !record.inDrain, 'S44', () => `a run of ${session} began in a drain`)
  verdict.check(!request.messages.some(({ text }) => text.startsWith('/')), 'S31', () => 'a command reached the model')
  const shown = request.tools.map(({ name }) => name)
  // A message stays with the agent that it was accepted for, whatever the file says when it is asked about, or asked about again.
  const has = ledger.messages.get(Math.max(...record.seqs))?.message.agent === 'cfo'
  verdict.check(
    `${shown}` === `${compacts || !has ? [] : TOOL_NAMES}`,
    'A2',
    () => `${session} is shown the tools ${shown}`,
  )
  ledger.turns.checkTaken(record)
  checkSteps(thinking, { record, verdict })
  if (asked.some(({ outcome }) => outcome === null)) checkWhole(thinking, record, asking)
  if (!compacts) checkTurn(thinking, record, asking)
  checkHistory(thinking, { compacts, ledger, verdict })
}

interface Stepping {
  readonly record: TurnRecord
  readonly verdict: Verdict
}

/** It goes on where the steps on disk end, and only when nothing of them is open. */
function checkSteps({ session, turn, request }: Thinking, { record, verdict }: Stepping): void {
  const { steps } = record
  const told = JSON.stringify(request.steps)
  verdict.check(
    told === JSON.stringify(steps),
    'S42',
    () => `${session} ${turn}: told ${told}, on disk ${JSON.stringify(steps)}`,
  )
  verdict.check(openCalls(steps).length === 0, 'S42', () => `${session} ${turn}: asked while calls have no result`)
  if (request.tools.length === 0) return
  const right = record.plans.some(({ maxSteps }) => request.mayCall === answersIn(steps) < maxSteps - 1)
  verdict.check(right, 'STEPS', () => `${session} ${turn}: may call is ${request.mayCall}`)
}

/** A turn goes on with the messages that it began with: what was done of it was done for all of them. */
function checkWhole({ session, turn, asked }: Thinking, { madeFor }: TurnRecord, { ledger, verdict }: Asking): void {
  const left = madeFor.filter((seq) => {
    const written = ledger.messages.get(seq)
    return written?.outcome === null && !written.exhausted && !asked.includes(written)
  })
  verdict.check(left.length === 0, 'S42', () => `${session} ${turn} goes on without ${left}`)
}

/** Steering goes ahead of what waits; everything else keeps the order of acceptance, commands too. */
function checkTurn(
  { session, request, asked }: Thinking,
  record: TurnRecord,
  { ledger, verdict, hit, maySteer, steers: steersAlways }: Asking,
): void {
  const unsettled = ledger.unsettledOf(session)
  const again = asked.every((each) => each.outcome !== null)
  const first = again ? taskOf(record, ledger, 'retry') : asked[0]
  if (first === undefined || (!again && asked.some((each) => each.outcome !== null))) {
    const texts = JSON.stringify(request.messages)
    return verdict.broken('S4', `${session}: a message that had ended is given to the model: ${texts}`)
  }
  const steers = ({ message }: Written, plainly: (channel: string) => boolean): boolean =>
    message.command === null ? plainly(message.channel) : message.command.name === 'steer'
  const head = ledger.messages.get(record.seqs[0] ?? first.seq) ?? first
  const jumps = steers(head, maySteer)
  if (head.message.command?.name === 'steer') hit('steering became a turn of its own')
  const early = head.reopened
    ? []
    : unsettled.filter(({ seq, reopened }) => seq < head.seq && !reopened && !record.seqs.includes(seq))
  const ahead = early.filter((each) => !(jumps && takesRoom(each) && !steers(each, steersAlways)))
  verdict.check(
    ahead.length === 0,
    'ORDER',
    () => `${session}: message ${head.seq} runs before ${ahead[0]?.seq} (${ahead[0]?.message.text})`,
  )
}

interface Remembering {
  readonly compacts: boolean
  readonly ledger: Ledger
  readonly verdict: Verdict
}

function checkHistory({ session, request, asked }: Thinking, { compacts, ledger, verdict }: Remembering): void {
  const entries = ledger.entries.get(session) ?? []
  // The store gives the newest 400; here it is all of them or none.
  if (entries.length > 380) return
  const again = !compacts && asked.every((each) => each.outcome !== null)
  const stepsOf = (turn: string) => ledger.turns.stepsOf(session, turn)
  const told = request.history.map(({ role, text, steps }): Told => {
    const summary = /^What was said before, in short:\n\n/.exec(text)?.[0] ?? ''
    return { role, text: text.slice(summary.length), steps: (steps ?? []).map(shortened) }
  })
  const expected = JSON.stringify(toldOf(entries, { again, tools: request.tools, stepsOf }))
  const given = JSON.stringify(told)
  verdict.check(given === expected, 'M4', () => `${session}: the model was told ${given}, the history is ${expected}`)
}

function taskOf({ seqs }: TurnRecord, ledger: Ledger, task: 'retry' | 'compact'): Written | undefined {
  return seqs.map((seq) => ledger.messages.get(seq)).find((each) => each?.message.command?.name === task)
}
