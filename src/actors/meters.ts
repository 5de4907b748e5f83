// Meters: what the requests of each session took, from the moment on when they are sent until it is on disk. Beside the machines,
// because what a request has taken grows with each piece of its answer, and is asked for when it is cut.
//   U1. What a request took is in one commit: taking it leaves nothing behind, and what the disk did not take is put back.
//   A commit that ends a run takes what is open, too, as far as it has come; what comes of that later is nothing any more.
//   It is kept in memory alone: of a process that is killed, what was open and what was on its way to the disk is not counted.

import type { ModelDefinition } from '../../machines/definitions.ts'
import { type Reading, spentSoFar } from '../../machines/estimate.ts'
import { textBytes } from '../../machines/history.ts'
import type { Commit, NewTranscriptEntry } from '../../machines/messages.ts'
import { modelLabel, spentBy } from '../../machines/models.ts'
import { type Account, type Credit, type Spent, usageEntries } from '../../machines/usage.ts'
import type { CountedSoFar, Meter, Thought } from '../agents/agent.ts'
import type { Observe } from './observe.ts'

/** Whose requests they are. */
export interface Metered {
  readonly session: string
  readonly turn: string
  readonly account: Account
  /** About how many tokens the request reads. */
  readonly asked: () => number
  readonly observe: Observe
}

/** Of one request. */
export interface Taken extends Credit {
  readonly turn: string
  readonly account: Account
  /** It has no answer. */
  readonly isCut: boolean
}

interface OfSession {
  readonly taken: Taken[]
  readonly open: Set<OpenMeter>
}

export class Meters {
  readonly #sessions = new Map<string, OfSession>()

  /** For one answer of a model, with all the requests that are made for it. */
  open(of: Metered): OpenMeter {
    const meter: OpenMeter = new OpenMeter(of, {
      take: (taken) => this.#add(of, taken),
      close: () => {
        this.#sessions.get(of.session)?.open.delete(meter)
        this.#tidy(of.session)
      },
    })
    this.#of(of.session).open.add(meter)
    return meter
  }

  /** What is over and not on disk; `all`: what is open ends here, and is in it. */
  take(session: string, what: 'over' | 'all'): readonly Taken[] {
    const here = this.#sessions.get(session)
    if (here === undefined) return []
    if (what === 'all') for (const meter of here.open) meter.cut()
    const taken = here.taken.splice(0)
    this.#tidy(session)
    return taken
  }

  putBack(session: string, taken: readonly Taken[]): void {
    if (taken.length > 0) this.#of(session).taken.unshift(...taken)
  }

  #add({ session, account, observe }: Metered, taken: Taken): void {
    this.#of(session).taken.push(taken)
    if (taken.spent === null) return
    const { inputTokens: input, outputTokens: output, estimated } = taken.spent
    const guessed = { input: estimated?.inputTokens ?? 0, output: estimated?.outputTokens ?? 0 }
    observe.note({ kind: 'tokens', session, agent: account.agent, input, output, estimated: guessed })
  }

  #of(session: string): OfSession {
    const known = this.#sessions.get(session)
    if (known !== undefined) return known
    const made = { taken: [], open: new Set<OpenMeter>() }
    this.#sessions.set(session, made)
    return made
  }

  #tidy(session: string): void {
    const here = this.#sessions.get(session)
    if (here !== undefined && here.taken.length === 0 && here.open.size === 0) this.#sessions.delete(session)
  }
}

interface Owner {
  readonly take: (taken: Taken) => void
  readonly close: () => void
}

class OpenMeter implements Meter {
  readonly #of: Metered
  readonly #owner: Owner
  #isOpen = true
  /** The request that is open; null: none is. */
  #reading: Reading | null = null

  constructor(of: Metered, owner: Owner) {
    this.#of = of
    this.#owner = owner
  }

  sent(model: ModelDefinition): void {
    if (!this.#isOpen) return
    this.#cutReading()
    this.#reading = { model, inputTokens: null, outputTokens: null, bytes: 0 }
  }

  refused(): void {
    this.#reading = null
  }

  counted({ inputTokens, outputTokens }: CountedSoFar): void {
    const reading = this.#reading
    if (reading === null) return
    const input = inputTokens ?? reading.inputTokens
    this.#reading =
      outputTokens === null
        ? { ...reading, inputTokens: input }
        : { ...reading, inputTokens: input, outputTokens, bytes: 0 }
  }

  wrote(text: string): void {
    if (this.#reading !== null) this.#reading = { ...this.#reading, bytes: this.#reading.bytes + textBytes(text) }
  }

  /** The answer is whole; what its provider does not count is estimated. Returns what stands beside it. */
  answered({ usage, model: by }: Pick<Thought, 'usage' | 'model'>, model: ModelDefinition): Credit {
    const told = usage === null ? null : spentBy(by ?? model, usage)
    const spent = told ?? this.#spent()
    const credit = { model: modelLabel(by ?? model), spent }
    this.#reading = null
    if (this.#isOpen && spent !== null) this.#owner.take({ ...this.#about(), ...credit, isCut: false })
    this.#close()
    return credit
  }

  /** Nothing comes of it any more; what it has taken so far is counted. A second time changes nothing. */
  cut(): void {
    this.#cutReading()
    this.#close()
  }

  #cutReading(): void {
    const [reading, spent] = [this.#reading, this.#spent()]
    this.#reading = null
    if (reading === null || spent === null) return
    this.#owner.take({ ...this.#about(), model: modelLabel(reading.model), spent, isCut: true })
  }

  #spent(): Spent | null {
    return this.#reading === null ? null : spentSoFar(this.#reading, this.#of.asked)
  }

  #about(): Pick<Taken, 'turn' | 'account'> {
    return { turn: this.#of.turn, account: this.#of.account }
  }

  #close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#owner.close()
  }
}

/** The commit with what was taken: on the account, and beside the end of a turn that has no answer. */
export function withTaken(content: Commit, taken: readonly Taken[]): Commit {
  if (taken.length === 0) return content
  const usage = taken.flatMap(({ account, spent }) => usageEntries(account, 0, [spent]))
  const entries = content.entries.map((entry) => {
    const last = taken.findLast(({ isCut, turn }) => isCut && turn === entry.turn)
    return last === undefined || !isEnd(entry) ? entry : { ...entry, model: last.model, spent: last.spent }
  })
  return { ...content, entries, usage: [...(content.usage ?? []), ...usage] }
}

/** Of a turn without an answer; one that ended with an answer too many has its credit already. */
function isEnd({ role, model }: NewTranscriptEntry): boolean {
  return (role === 'partial' || role === 'failure') && model === undefined
}
