// Estimate: what a request took, as far as its provider does not tell. Pure.
//   A provider bills what a request reads once it is sent, and what the model writes until it is closed, and tells it when it likes:
//   OpenAI with the last piece of an answer, Anthropic the input with the first and the output with the last, Google both with
//   each. Of a request that is cut the rest is told to nobody, and is estimated:
//   - what it read: as the provider counted up to the last answer that it finished, and for what came since, three bytes a token;
//   - what it wrote: three bytes a token, of what had come of the answer since its provider counted last.
//   Three bytes are rather too few (history.ts says what was measured), so that an answer that is stopped is not cheaper than one that
//   is heard out. What a model thinks and shows to nobody is in no estimate.

import type { ModelDefinition } from './definitions.ts'
import {
  bytesTokens,
  entriesTokens,
  type FirstRequest,
  isCounted,
  stepTokens,
  textTokens,
  turnTokens,
} from './history.ts'
import { spentBy } from './models.ts'
import type { Step } from './steps.ts'
import { isTold, type Spent, tokensOf } from './usage.ts'

/** Any request of a run. */
export interface AskedRequest extends FirstRequest {
  /** What the run did before it. */
  readonly steps: readonly Step[]
  /** What the model is told of its tools, as text. */
  readonly tools: string
}

/** About how many tokens a request reads. */
export function askedTokens(request: AskedRequest): number {
  const { definition, history, steps, tools } = request
  const answer = steps.findLastIndex((step) => step.kind === 'answer' && isTold(step.spent))
  const since = steps.slice(answer + 1).reduce((tokens, step) => tokens + stepTokens(step, WHOLE), 0)
  const last = steps[answer]
  if (last?.kind === 'answer' && isTold(last.spent)) return tokensOf(last.spent) + since
  const counted = history.findLastIndex(isCounted)
  const told = history[counted]?.spent
  const before = isTold(told) ? tokensOf(told) : textTokens(definition.instructions) + textTokens(tools)
  return before + entriesTokens(history.slice(counted + 1)) + turnTokens(request) + since
}

/** The run that goes on is told its results as they are. */
const WHOLE = Number.POSITIVE_INFINITY

/** How far a request has come. */
export interface Reading {
  readonly model: ModelDefinition
  /** As far as its provider has told; null: it has not. */
  readonly inputTokens: number | null
  readonly outputTokens: number | null
  /** Of the answer, since the output was told last. */
  readonly bytes: number
}

/** What it has taken so far; `asked`: about how many tokens it reads. */
export function spentSoFar({ model, inputTokens, outputTokens, bytes }: Reading, asked: () => number): Spent {
  const estimated = { inputTokens: inputTokens === null ? asked() : 0, outputTokens: bytesTokens(bytes) }
  const tokens = {
    inputTokens: inputTokens ?? estimated.inputTokens,
    outputTokens: (outputTokens ?? 0) + estimated.outputTokens,
  }
  return tokensOf(estimated) === 0 ? spentBy(model, tokens) : spentBy(model, tokens, estimated)
}
