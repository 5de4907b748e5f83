// Speech: what it took to make text of it. Pure.
//   One endpoint counts by the second (whisper-1), one in tokens (gpt-4o-transcribe), and many tell neither. Its own count is taken. Else
//   - how long it is, the platform says; of a file that is only a file nobody says it;
//   - its tokens are an estimate, and marked as one: ten for each second that is heard, as OpenAI counts what people say to its models
//     (one for 100 ms), and for the text three bytes each (history.ts).
//   So a budget, which is in tokens, is used up by speech as it is by text, whoever counts it.

import type { TranscriptionDefinition } from './definitions.ts'
import { textTokens } from './history.ts'
import type { Tokens } from './models.ts'
import { type Amount, type Spent, tokensOf } from './usage.ts'

/** What became of a request. */
export interface Heard {
  readonly text: string
  /** As the endpoint says; null: it does not. */
  readonly seconds: number | null
  readonly tokens: Tokens | null
}

/** `platformSeconds`: how long its platform says that it is. */
export function spentOnSpeech(
  transcription: TranscriptionDefinition,
  { text, seconds, tokens }: Heard,
  platformSeconds: number | null,
): Spent {
  const speechSeconds = seconds ?? platformSeconds ?? 0
  const guessed = guessedTokens(speechSeconds, text)
  const spent = { ...amountOf(transcription, tokens ?? guessed, speechSeconds), speechSeconds }
  if (tokens !== null || tokensOf(guessed) === 0) return spent
  return { ...spent, estimated: amountOf(transcription, guessed, 0) }
}

/** Of a request that has no answer: all of it is an estimate. */
export function spentOnCutSpeech(transcription: TranscriptionDefinition, platformSeconds: number | null): Spent {
  const speechSeconds = platformSeconds ?? 0
  const amount = amountOf(transcription, guessedTokens(speechSeconds, ''), speechSeconds)
  return { ...amount, speechSeconds, estimated: amount }
}

const TOKENS_PER_SECOND = 10

function guessedTokens(seconds: number, text: string): Tokens {
  return { inputTokens: Math.ceil(seconds * TOKENS_PER_SECOND), outputTokens: textTokens(text) }
}

function amountOf({ prices }: TranscriptionDefinition, { inputTokens, outputTokens }: Tokens, seconds: number): Amount {
  if (prices === null) return { inputTokens, outputTokens, cost: null }
  const { perMinute, inputPerMillion, outputPerMillion } = prices
  const ofTokens = (inputTokens * inputPerMillion + outputTokens * outputPerMillion) / 1_000_000
  return { inputTokens, outputTokens, cost: ofTokens + (seconds / 60) * perMinute }
}
