// Models: what is known of a definition's models besides how they are asked. Pure.

import type { ModelDefinition } from './definitions.ts'
import type { Amount, Spent } from './usage.ts'

/** For people, for the log and for the transcript: which model. */
export function modelLabel(model: ModelDefinition): string {
  return model.provider === 'echo' ? 'echo' : `${model.provider}:${model.name}`
}

export type Tokens = Omit<Amount, 'cost'>

/** What a request took, with its cost when the definition gives prices; `estimated` is as much of it as nobody told. */
export function spentBy(model: ModelDefinition, tokens: Tokens, estimated?: Tokens): Spent {
  const spent = amountOf(model, tokens)
  return estimated === undefined ? spent : { ...spent, estimated: amountOf(model, estimated) }
}

function amountOf(model: ModelDefinition, { inputTokens, outputTokens }: Tokens): Amount {
  const prices = model.provider === 'echo' ? null : model.prices
  if (prices === null) return { inputTokens, outputTokens, cost: null }
  const cost = (inputTokens * prices.inputPerMillion + outputTokens * prices.outputPerMillion) / 1_000_000
  return { inputTokens, outputTokens, cost }
}
