// Speech meter: what it takes to make text of one file of speech.

import type { TranscriptionDefinition } from '../../machines/definitions.ts'
import { type Heard, spentOnCutSpeech, spentOnSpeech } from '../../machines/speech.ts'
import type { Spent } from '../../machines/usage.ts'
import type { RequestMeter } from '../agents/agent.ts'
import type { Cuttable, Owner } from './meters.ts'

export interface Spoken {
  readonly transcription: TranscriptionDefinition
  /** How long it is, as its platform says; null: it does not. */
  readonly seconds: number | null
}

export class SpeechMeter implements RequestMeter, Cuttable {
  readonly #owner: Owner
  readonly #spoken: Spoken
  #isOpen = true
  #isSent = false

  constructor(owner: Owner, spoken: Spoken) {
    this.#owner = owner
    this.#spoken = spoken
  }

  sent(): void {
    this.#isSent = true
  }

  refused(): void {
    this.#isSent = false
  }

  heard(heard: Heard): void {
    const { transcription, seconds } = this.#spoken
    this.#end(spentOnSpeech(transcription, heard, seconds))
  }

  cut(): void {
    const { transcription, seconds } = this.#spoken
    this.#end(this.#isSent ? spentOnCutSpeech(transcription, seconds) : null)
  }

  #end(spent: Spent | null): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    const { provider, name } = this.#spoken.transcription
    if (spent !== null) this.#owner.take({ model: `${provider}:${name}`, spent, isCut: false })
    this.#owner.close()
  }
}
