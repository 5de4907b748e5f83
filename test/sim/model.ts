// Model: the fake behind every agent. Each answer comes after a virtual delay, fails, asks for tools, or hangs; some ignore their signal
// and answer late. What one will do by itself follows from the run's seed and the message alone, so that it survives the shrinking of a
// schedule. What is checked at the moment in which it is asked is in asked.ts.
//   A2. Each model answer comes from an agent of its own.

import { FailureError, type Failure } from '../../machines/failure.ts'
import type { ToolCall } from '../../machines/steps.ts'
import type { Agent, ThinkRequest, Thought } from '../../src/agents/agent.ts'
import { type AskedRules, checkAsked } from './asked.ts'
import type { Written } from './records.ts'
import type { Caller } from './platform.ts'
import { type Dice, diceOf, seedOf } from './random.ts'
import type { ModelAct } from './steps.ts'
import { answersIn } from './taken.ts'
import { keepWhere, TOOL_NAMES } from './tools.ts'

/** The run that an agent is built for. */
export interface Asker {
  readonly session: string
  readonly turn: string
}

export interface Thinking extends Asker {
  readonly caller: Caller
  readonly request: ThinkRequest
  /** Messages that it answers. */
  readonly asked: readonly Written[]
  readonly text: string
  readonly deaf: boolean
  /** As much of it as was shown. */
  shown: string
  settled: boolean
  /** Its session confirmed an end: nothing of it may be seen any more. */
  cancelled: boolean
  committed: boolean
  act(how: ModelAct | 'finish'): void
}

export interface ModelParts extends AskedRules {
  readonly seed: number
}

export class Model {
  /** Everything healed: a model answers at once. */
  healed = false
  /** Nothing is answered by itself, and nobody hears a signal: somebody decides when what comes. */
  byHand = false
  /** Those that may still be heard of, oldest first. */
  readonly thinking: Thinking[] = []
  /** Texts of cancelled answers. */
  readonly cancelled = new Set<string>()
  /** Accepted messages by the marks in their texts; the simulation keeps it. */
  readonly byMark = new Map<number, Written>()
  readonly #counts = new Map<string, number>()
  readonly #parts: ModelParts

  constructor(parts: ModelParts) {
    this.#parts = parts
  }

  agentFor(caller: Caller, asker: Asker): Agent {
    let thoughts = 0
    return {
      think: (request) => {
        thoughts += 1
        this.#parts.verdict.check(thoughts === 1, 'A2', () => 'two answers come from one agent')
        return this.#think(caller, asker, request)
      },
      probe: async () => {},
    }
  }

  /** Answers that are on their way: asked for, not ended, not told to end. */
  get running(): readonly Thinking[] {
    return this.thinking.filter((each) => !each.settled && each.caller.alive && !each.request.signal.aborted)
  }

  /** The last answer of a session in this life of the process. */
  lastOf(session: string): Thinking | undefined {
    return this.thinking.findLast((each) => each.session === session)
  }

  /** An answer began, and broke before anything of it was there. */
  broke(session: string): void {
    const last = this.lastOf(session)
    if (last !== undefined) last.shown = ''
  }

  /** A process is lost, and with it what it asked for. */
  lose(caller: Caller): void {
    keepWhere(this.thinking, (each) => each.caller !== caller)
  }

  heal(): void {
    this.healed = true
    for (const each of [...this.thinking]) each.act('finish')
  }

  #think(caller: Caller, asker: Asker, request: ThinkRequest): Promise<Thought> {
    if (!caller.alive) return new Promise(() => {})
    const { session } = asker
    const count = (this.#counts.get(session) ?? 0) + 1
    this.#counts.set(session, count)
    const { promise, resolve, reject } = Promise.withResolvers<Thought>()
    const thinking = this.#thinkingOf({ caller, request, ...asker }, { count, resolve, reject })
    const { hit, ledger } = this.#parts
    checkAsked(thinking, { ...this.#parts, running: this.running })
    const record = ledger.turns.latest(session)
    if (record !== undefined) record.asked = true
    keepWhere(this.thinking, (each) => each.session !== session || !each.settled)
    this.thinking.push(thinking)
    request.signal.addEventListener('abort', () => {
      hit(thinking.deaf ? 'a run was ended and did not hear it' : 'a run was ended')
      if (!thinking.deaf && !thinking.settled && caller.alive) {
        thinking.settled = true
        reject(new FailureError(ENDED))
      }
    })
    this.#plan(thinking)
    return promise
  }

  #thinkingOf(
    given: Asker & { readonly caller: Caller; readonly request: ThinkRequest },
    { count, resolve, reject }: { count: number; resolve(thought: Thought): void; reject(error: unknown): void },
  ): Thinking {
    const { caller, request, session } = given
    const seed = this.#seedOf(given)
    const id = `${session}#${count}`
    const text = `answer ${id}.${seed % 5 === 0 ? `|second part ${id}.` : ''}`
    const calls = callsOf(diceOf(seed), { id, request })
    const asks = calls.length > 0 && (request.mayCall ? seed % 2 === 0 : seed % 5 === 0)
    const end = (settle: () => void): void => {
      if (thinking.settled || !caller.alive) return
      thinking.settled = true
      settle()
    }
    const delta = (): void => {
      if (thinking.settled || !caller.alive) return
      const piece = text.slice(thinking.shown.length, thinking.shown.length === 0 ? text.indexOf('.') + 1 : text.length)
      if (piece === '') return
      if (!request.signal.aborted) thinking.shown += piece
      try {
        request.onDelta(piece)
      } catch (error) {
        end(() => reject(error))
      }
    }
    const act = (how: ModelAct | 'finish'): void => {
      if (how === 'delta') return delta()
      if (how === 'late' && !request.signal.aborted) return
      this.#parts.hit(`model ${request.signal.aborted ? 'late' : how}`)
      if (request.signal.aborted && this.running.some((each) => each.session === session))
        this.#parts.hit('an old run ended after a newer one had begun')
      if (how === 'defect') return end(() => reject(new TypeError('a defect in the agent')))
      if (how === 'retryable') return end(() => reject(new FailureError(BUSY)))
      if (how === 'permanent') return end(() => reject(new FailureError(REFUSED)))
      const wants = how === 'ask' || (asks && how !== 'finish') ? calls : []
      end(() => {
        if (!request.signal.aborted) this.#parts.ledger.turns.thought(session, { text, calls: wants })
        resolve({ text, calls: wants, usage: null })
      })
    }
    const asked = this.#askedIn(request)
    const deaf = this.byHand || seed % 3 === 0
    const states = { shown: '', settled: false, cancelled: false, committed: false }
    const thinking: Thinking = { ...given, asked, text, deaf, ...states, act }
    return thinking
  }

  #seedOf({ request }: Pick<Thinking, 'request'>): number {
    const mark = Number(/\d+/.exec(request.messages[0]?.text ?? '')?.[0] ?? 0)
    const tries = this.#askedIn(request)[0]?.tries ?? 0
    return seedOf(this.#parts.seed, mark * 7 + tries + answersIn(request.steps) * 100_003)
  }

  #plan(thinking: Thinking): void {
    const { request, caller, act } = thinking
    const seed = seedOf(this.#seedOf(thinking), 1)
    if (request.messages.some((message) => message.text.includes('poison'))) return act('defect')
    if (this.healed) return act('finish')
    if (this.byHand) return
    const delays = [0, 0, 0, 10, 300, 1_000, 4_000, 30_000, null, null]
    const delayMs = delays[(seed >>> 5) % delays.length]!
    if (delayMs !== 0) caller.clock.setTimeout(() => act('delta'), seed % 2 === 0 ? 5 : (delayMs ?? 0) / 2)
    if (delayMs === null) return
    const fails = (['retryable', 'permanent', 'defect'] as const)[(seed >>> 9) % 27]
    const how = fails ?? 'answer'
    if (delayMs === 0) return act(how)
    caller.clock.setTimeout(() => act(how), delayMs)
  }

  /** Messages behind the texts of a request: each text carries the marks of its messages. */
  #askedIn({ messages }: ThinkRequest): Written[] {
    const marks = messages.flatMap((message) =>
      [...message.text.matchAll(/t(\d+)\./g)].map((match) => Number(match[1])),
    )
    return marks.flatMap((mark) => this.byMark.get(mark) ?? [])
  }
}

/** What it would ask for: known tools, now and then one that nobody has, or an input that is none. */
function callsOf(dice: Dice, { id, request }: { id: string; request: ThinkRequest }): ToolCall[] {
  if (request.tools.length === 0) return []
  return Array.from({ length: dice.pick([1, 1, 2, 2, 3]) }, (_, index) => {
    const mark = `${id}.${index}`
    const tool = dice.oneIn(12) ? 'nothing' : dice.pick(TOOL_NAMES)
    const input = dice.oneIn(12) ? `bad ${mark}` : { mark }
    // As servers that number their calls anew in each answer, and as those that do not.
    return { id: dice.oneIn(2) ? `call-${index}` : `call ${mark}`, tool, input }
  })
}

const BUSY: Failure = { kind: 'retryable', reason: 'unavailable', message: 'the model is busy' }
const REFUSED: Failure = { kind: 'permanent', reason: 'refused', message: 'the model refused' }
const ENDED: Failure = { kind: 'permanent', reason: 'cancelled', message: 'the run was ended' }
