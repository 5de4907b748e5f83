// Answer meter: what one answer of a model takes, with all the requests that are made for it: how far the one that is open has come,
// and what those before it took that nothing came of.

import type { ModelDefinition } from '../../machines/definitions.ts'
import { type Reading, spentSoFar } from '../../machines/estimate.ts'
import { textBytes } from '../../machines/history.ts'
import { modelLabel, spentBy } from '../../machines/models.ts'
import type { Credit, Spent } from '../../machines/usage.ts'
import type { CountedSoFar, Meter, Thought } from '../agents/agent.ts'
import type { Cuttable, Owner } from './meters.ts'

export class AnswerMeter implements Meter, Cuttable {
  readonly #asked: () => number
  readonly #owner: Owner
  #isOpen = true
  /** The request that is open; null: none is. */
  #reading: Reading | null = null

  /** `asked`: about how many tokens a request reads; only asked when its provider does not tell. */
  constructor(owner: Owner, asked: () => number) {
    this.#owner = owner
    this.#asked = asked
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
    if (this.#isOpen && spent !== null) this.#owner.take({ ...credit, isCut: false })
    this.#close()
    return credit
  }

  cut(): void {
    this.#cutReading()
    this.#close()
  }

  #cutReading(): void {
    const [reading, spent] = [this.#reading, this.#spent()]
    this.#reading = null
    if (reading === null || spent === null) return
    this.#owner.take({ model: modelLabel(reading.model), spent, isCut: true })
  }

  #spent(): Spent | null {
    return this.#reading === null ? null : spentSoFar(this.#reading, this.#asked)
  }

  #close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#owner.close()
  }
}
