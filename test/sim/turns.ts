// Turns: the second record of what runs did, made of what took effect on disk, and the promises that can be checked against it alone.
//   S42. A step is written once, in its place; what is done is not done again; nothing is called before it may be.
//   S39, S40. A call that needs a person's word is called after that word, and a word decides the call that it names.
//   S23. What a run was given ends with its turn. S6. Nothing is written into a turn that has ended.

import type { Commit } from '../../machines/messages.ts'
import type { PlannedCall, Step } from '../../machines/steps.ts'
import type { Written } from './records.ts'
import { checkStep, type Said, type Thought, type TurnRules } from './step-checks.ts'
import { askedIn, decisionOn, givenIn, has, markOf, nameOf, type TurnRecord, undecided } from './taken.ts'
import type { Verdict } from './violation.ts'

export class Turns {
  readonly #verdict: Verdict
  readonly #rules: TurnRules & { readonly messages: ReadonlyMap<number, Written> }
  readonly #records = new Map<string, TurnRecord>()
  readonly #latest = new Map<string, TurnRecord>()
  /** Turns of each session that used a tool. */
  readonly #busy = new Map<string, TurnRecord[]>()
  /** By mark: what the model asked for, and what was said to it. */
  readonly #calls = new Map<string, { readonly record: TurnRecord; readonly call: PlannedCall }>()
  readonly #said = new Map<string, Said>()
  readonly #thoughts = new Map<string, Thought>()

  constructor(verdict: Verdict, rules: TurnRules & { readonly messages: ReadonlyMap<number, Written> }) {
    this.#verdict = verdict
    this.#rules = rules
  }

  stepsOf(session: string, turn: string): readonly Step[] {
    return this.#records.get(`${session} ${turn}`)?.steps ?? []
  }

  /** Its first message has no end yet: the others end with it. */
  isOpen(session: string, turn: string): boolean {
    const record = this.#records.get(`${session} ${turn}`)
    return record !== undefined && this.#isOpen(record)
  }

  /** The message that a turn began with, as its platform names it: its number moves with whatever else is accepted. */
  firstOf(session: string, turn: string): string {
    const [seq = 0] = this.#records.get(`${session} ${turn}`)?.seqs ?? []
    return this.#rules.messages.get(seq)?.message.platformMessageId ?? ''
  }

  /** The turn that was begun last. */
  latest(session: string): TurnRecord | undefined {
    return this.#latest.get(session)
  }

  /** Names of the approvals that a session waits for. */
  namesOf(session: string): readonly string[] {
    const record = this.#latest.get(session)
    if (record === undefined || !this.#isOpen(record)) return []
    return undecided(record.steps).map((call) => nameOf(record, call))
  }

  /** Sessions of a channel in which somebody is asked something now. */
  askingIn(channel: string): readonly string[] {
    return [...this.#latest.keys()].filter(
      (session) => session.startsWith(`${channel}/`) && this.namesOf(session).length > 0,
    )
  }

  /** Sessions that have been asked something, and the name of their last question. */
  lastNameOf(session: string): string | null {
    const record = this.#busy.get(session)?.at(-1)
    const call = record === undefined ? undefined : askedIn(record.steps).at(-1)
    return record === undefined || call === undefined ? null : nameOf(record, call)
  }

  begin({ session, turn, seqs, steps }: Pick<TurnRecord, 'session' | 'turn' | 'seqs' | 'steps'>): void {
    const key = `${session} ${turn}`
    const record = this.#records.get(key) ?? {
      session,
      turn,
      seqs,
      steps: [],
      madeFor: [],
      asked: false,
      inDrain: false,
      plans: [],
      known: 0,
    }
    const there = JSON.stringify(record.steps)
    this.#verdict.check(
      JSON.stringify(steps) === there,
      'S42',
      () => `${key}: read ${JSON.stringify(steps)}, there is ${there}`,
    )
    if (steps.length > 0) this.#rules.hit('a run goes on where its steps end')
    const inDrain = this.#rules.draining()
    Object.assign(record, { seqs, asked: false, inDrain, plans: [this.#rules.agent()], known: steps.length })
    this.#records.set(key, record)
    this.#latest.set(session, record)
  }

  /** The file has changed: a run that has not begun may take the newer definition of its agent. */
  reloaded(): void {
    for (const record of this.#latest.values()) if (!record.asked) record.plans = [...record.plans, this.#rules.agent()]
  }

  /** What is done now is done for the turn that was at work before, when there is one: it is not left behind. */
  checkTaken(record: TurnRecord): void {
    const left = (this.#busy.get(record.session) ?? []).find((other) => other !== record && this.#isOpen(other))
    if (left === undefined) return
    const again = [left, record].some(({ seqs }) => this.#rules.messages.get(seqs[0] ?? 0)?.reopened === true)
    this.#verdict.check(again, 'S42', () => `${record.session}: ${record.turn} runs, ${left.turn} has steps and no end`)
  }

  /** A session, or all of them, is lost: what its model was asked belongs to an earlier life. */
  lost(session: string | null): void {
    for (const [key, record] of this.#latest) if (session === null || session === key) record.asked = false
  }

  /** A model answered: what it said is what may be written. */
  thought(session: string, thought: Thought): void {
    this.#thoughts.set(session, thought)
  }

  said(mark: string, said: Said): void {
    this.#said.set(mark, said)
  }

  /** A tool is called now. */
  checkCall({ session, turn, tool, mark }: { session: string; turn: string; tool: string; mark: string }): void {
    const found = this.#calls.get(mark)
    if (found === undefined)
      return this.#verdict.broken('S42', `${tool} was called (${mark}); that it was asked for is not on disk`)
    const { record, call } = found
    const right = record.session === session && record.turn === turn && call.tool === tool
    const wrong = (rule: string, text: string): void =>
      this.#verdict.broken(rule, `${session} ${turn} ${mark}: ${tool} ${text}`)
    this.checkTaken(record)
    if (!right) wrong('A2', `was called for ${record.session} ${record.turn}`)
    if (!this.#isOpen(record)) wrong('S6', 'was called after its turn had ended')
    if (!has(record.steps, 'begin', call.id)) wrong('S42', 'was called before its begin was on disk')
    if (has(record.steps, 'result', call.id)) wrong('S42', 'was called and has a result already')
    record.asked = true
    const { policy } = call
    if (policy === 'deny') wrong('S39', 'was called and is denied by the file')
    if (policy === 'ask' && decisionOn(record.steps, call.id) !== true)
      wrong('S39', 'was called and nobody approved it')
    this.#said.delete(mark)
  }

  /** The steps of a commit, before anything in it is settled. */
  record(commit: Commit): void {
    for (const { turn, step } of commit.steps ?? []) {
      const key = `${commit.sessionKey} ${turn}`
      const record = this.#records.get(key)
      if (record === undefined) return this.#verdict.broken('S42', `${key} has a step and never began`)
      const last = this.#latest.get(record.session)
      this.#verdict.check(
        this.#isOpen(record),
        'S6',
        () => `${key} had ended, and a step was written: ${JSON.stringify(step)}`,
      )
      this.#verdict.check(last === record, 'S1', () => `a step of ${key} was written while ${last?.turn} runs`)
      const { rules, messages } = { rules: this.#rules, messages: this.#rules.messages }
      const wrong = (rule: string, text: string): void =>
        this.#verdict.broken(rule, `${key}: ${text}: ${JSON.stringify(step).slice(0, 300)}`)
      const thought = this.#thoughts.get(record.session)
      const saidOf = (mark: string): Said | undefined => this.#said.get(mark)
      checkStep(step, { record, commit, rules, messages, thought, saidOf, wrong })
      record.steps.push(step)
      if (step.kind === 'answer') this.#noteCalls(record, step.calls)
      if (record.steps.length === 1) record.madeFor = record.seqs
      if (record.steps.length === 1) this.#busy.set(record.session, [...(this.#busy.get(record.session) ?? []), record])
      this.#rules.hit(`step written: ${step.kind}`)
    }
  }

  #noteCalls(record: TurnRecord, calls: readonly PlannedCall[]): void {
    for (const call of calls) {
      const mark = markOf(call.input)
      if (mark !== null) this.#calls.set(mark, { record, call })
    }
  }

  /** After everything in a commit was settled: what a run was given has ended with it. */
  close(commit: Commit): void {
    if (commit.sessionKey === null || commit.settled.length === 0) return
    const record = this.#latest.get(commit.sessionKey)
    if (record !== undefined && !this.#isOpen(record) && undecided(record.steps).length > 0)
      this.#rules.hit('a turn was ended while an approval waited')
    const given = record === undefined ? [] : givenIn(record.steps).flatMap(({ seqs }) => seqs)
    if (record === undefined || given.length === 0) return
    const ended = (seq: number): boolean => this.#rules.messages.get(seq)?.outcome !== null
    const closes = commit.settled.some(({ seq }) => record.seqs.includes(seq))
    const roles = commit.entries.filter(({ turn }) => turn === record.turn).map(({ role }) => role)
    const ran =
      roles.includes('assistant') || (record.asked && (roles.includes('failure') || roles.includes('partial')))
    const left = given.filter((seq) => !ended(seq))
    this.#verdict.check(
      !closes || !ran || left.length === 0,
      'S23',
      () => `${record.session} ${record.turn} ended without ${left}`,
    )
    const early = commit.settled.some(({ seq, reason }) => given.includes(seq) && reason !== ABANDONED)
    this.#verdict.check(
      !early || !this.#isOpen(record),
      'S23',
      () => `what ${record.session} ${record.turn} was given ended before it`,
    )
  }

  #isOpen({ seqs }: TurnRecord): boolean {
    return this.#rules.messages.get(seqs[0] ?? 0)?.outcome === null
  }
}

const ABANDONED = 'its session could not be restarted'
