// Model: the fake behind every agent. Each answer comes after a virtual delay, fails, or hangs; some ignore their signal and answer
// late. What one will do by itself follows from the run's seed and the message alone, so that it survives the shrinking of a schedule.
//   A2. Each run builds an agent of its own.
//   S1, S6, S31 and the order of turns are checked at the moment in which a model is asked.

import { FailureError, type Failure } from '../../machines/failure.ts'
import type { Agent, ThinkRequest, Thought } from '../../src/agents/agent.ts'
import { takesRoom, type Ledger, type Written } from './ledger.ts'
import { toldOf } from './history.ts'
import type { Caller } from './platform.ts'
import { seedOf } from './random.ts'
import type { ModelAct } from './steps.ts'
import type { Verdict } from './violation.ts'

export interface Thinking {
  readonly id: number
  readonly caller: Caller
  readonly session: string
  readonly request: ThinkRequest
  /** Messages that it answers. */
  readonly asked: readonly Written[]
  readonly text: string
  readonly deaf: boolean
  settled: boolean
  /** Its session confirmed an end: nothing of it may be seen any more. */
  cancelled: boolean
  act(how: ModelAct): void
}

export interface ModelParts {
  readonly seed: number
  readonly ledger: Ledger
  readonly verdict: Verdict
  readonly concurrentRuns: number
  readonly hit: (event: string) => void
  /** False once a drain has come to rest: then nothing new may begin. */
  readonly mayBegin: (caller: Caller) => boolean
  readonly steersIn: (channel: string) => boolean
}

export class Model {
  /** Everything healed: a model answers at once. */
  healed = false
  readonly thinking: Thinking[] = []
  #count = 0
  readonly #parts: ModelParts

  constructor(parts: ModelParts) {
    this.#parts = parts
  }

  agentFor(caller: Caller): Agent {
    let thoughts = 0
    return {
      think: (request) => {
        thoughts += 1
        this.#parts.verdict.check(thoughts === 1, 'A2', () => 'two runs share one agent')
        return this.#think(caller, request)
      },
      probe: async () => {},
    }
  }

  /** Runs that are alive: asked for, not ended, not told to end. */
  get running(): readonly Thinking[] {
    return this.thinking.filter((each) => isRunning(each))
  }

  of(inConversation: (sessionKey: string) => boolean): Thinking | undefined {
    return this.thinking.find((each) => !each.settled && each.caller.alive && inConversation(each.session))
  }

  /** A process is lost, and with it what it asked for. */
  lose(caller: Caller): void {
    this.#forget((each) => each.caller === caller)
  }

  heal(): void {
    this.healed = true
    for (const each of [...this.thinking]) each.act('answer')
  }

  #forget(gone: (each: Thinking) => boolean): void {
    const kept = this.thinking.filter((each) => !gone(each))
    this.thinking.splice(0, this.thinking.length, ...kept)
  }

  #think(caller: Caller, request: ThinkRequest): Promise<Thought> {
    if (!caller.alive) return new Promise(() => {})
    this.#count += 1
    const id = this.#count
    const asked = this.#askedIn(request)
    const session = asked[0]?.message.sessionKey ?? 'nobody'
    const { promise, resolve, reject } = Promise.withResolvers<Thought>()
    const seed = seedOf(
      this.#parts.seed,
      Number(/\d+/.exec(request.messages[0]?.text ?? '')?.[0] ?? 0) * 7 + (asked[0]?.tries ?? 0),
    )
    const deaf = seed % 6 === 0
    const text = `answer ${id}.${seed % 5 === 0 ? `|second part ${id}.` : ''}`
    const end = (settle: () => void): void => {
      if (thinking.settled || !caller.alive) return
      thinking.settled = true
      settle()
    }
    const thinking: Thinking = {
      id,
      caller,
      session,
      request,
      asked,
      text,
      deaf,
      settled: false,
      cancelled: false,
      act: (how) => {
        if (how === 'delta') return delta()
        if (how === 'late' && !request.signal.aborted) return
        this.#parts.hit(`model ${request.signal.aborted ? 'late' : how}`)
        if (how === 'defect') end(() => reject(new TypeError('a defect in the agent')))
        else if (how === 'retryable') end(() => reject(new FailureError(BUSY)))
        else if (how === 'permanent') end(() => reject(new FailureError(REFUSED)))
        else end(() => resolve({ text, calls: [], usage: null }))
      },
    }
    const delta = (): void => {
      if (!thinking.settled && caller.alive) request.onDelta(text.slice(0, text.indexOf('.') + 1))
    }
    this.#check(thinking)
    this.thinking.push(thinking)
    request.signal.addEventListener('abort', () => {
      this.#parts.hit(deaf ? 'a run was ended and did not hear it' : 'a run was ended')
      if (!deaf) end(() => reject(new FailureError(ENDED)))
    })
    this.#plan(thinking, seed)
    return promise
  }

  #plan(thinking: Thinking, seed: number): void {
    const { request, caller, act } = thinking
    if (request.messages.some((message) => message.text.includes('poison'))) return act('defect')
    if (this.healed) return act('answer')
    const delays = [0, 0, 10, 300, 1_000, 4_000, 30_000, null, null, null]
    const delayMs = delays[(seed >>> 5) % delays.length]!
    if (delayMs === null) return
    const acts = [
      'answer',
      'answer',
      'answer',
      'answer',
      'answer',
      'answer',
      'retryable',
      'permanent',
      'defect',
    ] as const
    const how = acts[(seed >>> 9) % acts.length]!
    if (delayMs === 0) return act(how)
    caller.clock.setTimeout(() => act('delta'), delayMs / 2)
    caller.clock.setTimeout(() => act(how), delayMs)
  }

  /** Messages behind the texts of a request: each text carries the marks of its messages. */
  #askedIn({ messages }: ThinkRequest): Written[] {
    const marks = messages.flatMap((message) =>
      [...message.text.matchAll(/t(\d+)\./g)].map((match) => Number(match[1])),
    )
    return marks.flatMap((mark) => this.byMark.get(mark) ?? [])
  }

  /** Accepted messages by the marks in their texts; the simulation keeps it. */
  readonly byMark = new Map<number, Written>()

  #check(thinking: Thinking): void {
    const { ledger, verdict, concurrentRuns, mayBegin } = this.#parts
    const { session, request, asked, caller } = thinking
    const others = this.running
    verdict.check(
      asked.length > 0,
      'TURN',
      () => `a model was asked about nothing: ${JSON.stringify(request.messages)}`,
    )
    verdict.check(
      asked.every((each) => each.message.sessionKey === session),
      'A2',
      () => `a turn of ${session} holds another's message`,
    )
    verdict.check(!others.some((other) => other.session === session), 'S1', () => `a second run of ${session}`)
    verdict.check(
      others.length < concurrentRuns,
      'SLOTS',
      () => `${others.length + 1} runs at once, ${concurrentRuns} allowed`,
    )
    verdict.check(mayBegin(caller), 'S44', () => `a run of ${session} began in a drain`)
    verdict.check(
      !request.messages.some(({ text }) => text.startsWith('/')),
      'S31',
      () => 'a command reached the model',
    )
    if (session !== 'nobody') this.#checkTurn(thinking, ledger)
  }

  #checkTurn({ session, request, asked }: Thinking, ledger: Ledger): void {
    const { verdict } = this.#parts
    const unsettled = ledger.unsettledOf(session)
    const again = asked.every((each) => each.outcome !== null)
    const retry = unsettled.find((each) => each.message.command?.name === 'retry')
    const first = again ? retry : asked[0]
    if (first === undefined || (!again && asked.some((each) => each.outcome !== null))) {
      return verdict.broken(
        'S4',
        `${session}: a message that had ended is given to the model: ${JSON.stringify(request.messages)}`,
      )
    }
    // Steering goes ahead of what waits; everything else keeps the order of acceptance, commands too.
    const turn = ledger.begun.get(session) ?? []
    const head = ledger.messages.get(turn[0] ?? first.seq) ?? first
    const jumps = this.#steers(head)
    const early = head.reopened
      ? []
      : unsettled.filter(({ seq, reopened }) => seq < head.seq && !reopened && !turn.includes(seq))
    const ahead = early.filter((each) => !(jumps && takesRoom(each) && !this.#steers(each)))
    verdict.check(
      ahead.length === 0,
      'ORDER',
      () => `${session}: message ${head.seq} runs before ${ahead[0]?.seq} (${ahead[0]?.message.text})`,
    )
    const entries = ledger.entries.get(session) ?? []
    if (entries.length > 380) return
    const told = JSON.stringify(request.history.map(({ role, text }) => ({ role, text })))
    const expected = JSON.stringify(toldOf(entries, { again }))
    verdict.check(told === expected, 'M4', () => `${session}: the model was told ${told}, the history is ${expected}`)
  }

  #steers({ message }: Written): boolean {
    return message.command === null ? this.#parts.steersIn(message.channel) : message.command.name === 'steer'
  }
}

function isRunning(each: Thinking): boolean {
  return !each.settled && each.caller.alive && !each.request.signal.aborted
}

const BUSY: Failure = { kind: 'retryable', reason: 'unavailable', message: 'the model is busy' }
const REFUSED: Failure = { kind: 'permanent', reason: 'refused', message: 'the model refused' }
const ENDED: Failure = { kind: 'permanent', reason: 'cancelled', message: 'the run was ended' }
