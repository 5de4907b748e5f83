// Model meter: what is known of a request to a model while it is open: that it went out, and what its provider has counted so far.
//   Each provider counts in pieces of its own form and at moments of its own; the SDK adds them up and tells them at the end, which a
//   request that is cut does not have. So the pieces are looked at as they come.

import type { Tokens } from '../../machines/models.ts'
import type { CountedSoFar, RequestMeter } from './agent.ts'
import type { LiveModelDefinition } from './model-failure.ts'

/** Tells the meter of each request, repeated ones too, and of each that comes to nothing. */
export function meteredFetch(meter: RequestMeter): typeof fetch {
  return async (input, init) => {
    const isEnded = (): boolean => init?.signal?.aborted === true
    // Ended before it was sent, it is none.
    if (!isEnded()) meter.sent()
    try {
      const response = await fetch(input, init)
      if (!response.ok && !isEnded()) meter.refused()
      return response
    } catch (error) {
      // One that we end may be at work there already; one that ends by itself before any answer did not get through.
      if (!isEnded()) meter.refused()
      throw error
    }
  }
}

/** What a piece of a provider's stream says of the whole request so far; null: nothing. */
export function countedIn(provider: LiveModelDefinition['provider'], piece: unknown): CountedSoFar | null {
  const counted = COUNTS[provider](piece)
  return counted.inputTokens === null && counted.outputTokens === null ? null : counted
}

const COUNTS: Readonly<Record<LiveModelDefinition['provider'], (piece: unknown) => CountedSoFar>> = {
  anthropic(piece) {
    // The first piece has a number for the output, too: it is from before there is any.
    if (part(piece, 'type') === 'message_start') return { inputTokens: anthropicInput(piece), outputTokens: null }
    return { inputTokens: null, outputTokens: number(piece, 'usage', 'output_tokens') }
  },
  openai: (piece) => ({
    inputTokens: number(piece, 'response', 'usage', 'input_tokens'),
    outputTokens: number(piece, 'response', 'usage', 'output_tokens'),
  }),
  'openai-compatible': (piece) => ({
    inputTokens: number(piece, 'usage', 'prompt_tokens'),
    outputTokens: number(piece, 'usage', 'completion_tokens'),
  }),
  google: (piece) => ({
    inputTokens: sumOf(
      number(piece, 'usageMetadata', 'promptTokenCount'),
      number(piece, 'usageMetadata', 'toolUsePromptTokenCount'),
    ),
    outputTokens: sumOf(
      number(piece, 'usageMetadata', 'candidatesTokenCount'),
      number(piece, 'usageMetadata', 'thoughtsTokenCount'),
    ),
  }),
}

/** What the transcription route of the OpenAI API says that it took; null: it counts by time, or not at all. */
export function heardTokens(usage: unknown): Tokens | null {
  const [inputTokens, outputTokens] = [number(usage, 'input_tokens'), number(usage, 'output_tokens')]
  return inputTokens === null || outputTokens === null ? null : { inputTokens, outputTokens }
}

function anthropicInput(piece: unknown): number | null {
  const of = (name: string) => number(piece, 'message', 'usage', name)
  return sumOf(of('input_tokens'), of('cache_creation_input_tokens'), of('cache_read_input_tokens'))
}

/** null: none of them is there. */
function sumOf(...numbers: readonly (number | null)[]): number | null {
  return numbers.every((one) => one === null) ? null : numbers.reduce<number>((sum, one) => sum + (one ?? 0), 0)
}

function number(piece: unknown, ...names: readonly string[]): number | null {
  const value = names.reduce(part, piece)
  return typeof value === 'number' && value >= 0 ? value : null
}

function part(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined // as: an object may have any part
}
