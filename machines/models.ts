// Models: what is known of a definition's models besides how they are asked. Pure.

import type { ModelDefinition } from './definitions.ts'
import type { Spent } from './usage.ts'

/** For people, for the log and for the transcript: which model. */
export function modelLabel(model: ModelDefinition): string {
  return model.provider === 'echo' ? 'echo' : `${model.provider}:${model.name}`
}

/** What an answer took, with its cost when the definition gives prices; null where the provider does not count. */
export function spentBy(model: ModelDefinition, tokens: Omit<Spent, 'cost'> | null): Spent | null {
  if (tokens === null) return null
  const { inputTokens, outputTokens } = tokens
  const prices = model.provider === 'echo' ? null : model.prices
  if (prices === null) return { inputTokens, outputTokens, cost: null }
  const cost = (inputTokens * prices.inputPerMillion + outputTokens * prices.outputPerMillion) / 1_000_000
  return { inputTokens, outputTokens, cost }
}
