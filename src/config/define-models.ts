// Define models: a file's models as definitions, and where each finds its key.
//   A fallback whose variable is not set is left out, and that is said: a spare part that is missing must not stop what works.

import type { DescriberDefinition, ModelDefinition, Prices, SecretReference } from '../../machines/definitions.ts'
import type { Pieces } from './check.ts'
import { CONTEXT_USUAL, type ModelKeys, PROVIDER_VARIABLES } from './model-schema.ts'
import type { SecretEntry } from './secrets.ts'
import type { TranscriptionKeys } from './transcription.ts'
import { type Path, pathText } from './tree.ts'
import type { Lookup } from './variables.ts'
import type { VisionKeys } from './vision.ts'

/** A model of the file at its place; null where an unset variable stands in the way. */
export interface PlacedModel {
  readonly path: Path
  readonly keys: ModelKeys | null
}

/** Every model of the file with a key of its own, each agent's own before its fallbacks. */
export function placedModels(pieces: Pieces): PlacedKey[] {
  return [...pieces.agents].flatMap(([id, { model, fallbackModels, vision, transcription }]) => [
    { path: ['agents', id, 'model'], keys: model },
    ...fallbacksOf(id, fallbackModels),
    ...(vision.describeWith === null ? [] : [{ path: describerPath(id), keys: vision.describeWith }]),
    ...(transcription === null ? [] : [{ path: ['agents', id, 'transcription'], keys: transcription }]),
  ])
}

/** What has a key: a model, or a transcription. */
export interface PlacedKey {
  readonly path: Path
  readonly keys: ModelKeys | TranscriptionKeys | null
}

export function modelDefinition({ path, keys }: PlacedModel): ModelDefinition {
  // Only an unset variable leads here without a model; `missing` then keeps this agent from being used.
  if (keys === null) return { provider: 'echo', delayMs: 0 }
  if (keys.provider === 'echo') return { provider: 'echo', delayMs: keys.delay }
  if (keys.provider === 'openai-compatible') {
    const { provider, name, base_url: baseUrl } = keys
    return { provider, name, baseUrl, apiKey: reference(keys.api_key), ...powersOf(keys) }
  }
  return {
    provider: keys.provider,
    name: keys.name,
    baseUrl: keys.base_url ?? null,
    apiKey: { secret: keys.api_key ?? pathText([...path, 'api_key']) },
    ...powersOf(keys),
  }
}

type LiveModelKeys = Exclude<ModelKeys, { provider: 'echo' }>

function powersOf({ provider, context, prices }: LiveModelKeys): { contextTokens: number; prices: Prices | null } {
  const contextTokens = context ?? CONTEXT_USUAL[provider]
  if (prices === undefined) return { contextTokens, prices: null }
  const { input_per_million: inputPerMillion, output_per_million: outputPerMillion } = prices
  return { contextTokens, prices: { inputPerMillion, outputPerMillion } }
}

/** null: there is none. An agent whose describer hangs on an unset variable is not used, for `missing`. */
export function describerDefinition(id: string, { describeWith }: VisionKeys): DescriberDefinition | null {
  if (describeWith === null) return null
  const model = modelDefinition({ path: describerPath(id), keys: describeWith })
  return model.provider === 'echo' ? null : model
}

function describerPath(id: string): Path {
  return ['agents', id, 'vision', 'describe_with']
}

/** The fallbacks of an agent that can be asked; `unset` names the places of variables that are not set. */
export function fallbackDefinitions(
  id: string,
  models: readonly (ModelKeys | null)[],
  unset: readonly { readonly path: Path }[],
): ModelDefinition[] {
  return fallbacksOf(id, models).flatMap((model) => {
    const lacks = unset.some(({ path }) => model.path.every((step, index) => path[index] === step))
    return lacks || model.keys === null ? [] : [modelDefinition(model)]
  })
}

/** Whether something is of a fallback. */
export function isOfFallback({ path }: { readonly path: Path }): boolean {
  return path[0] === 'agents' && path[2] === 'fallback_models'
}

/** A key that the file does not give, from the first of the provider's variables that is set; null: it needs none. */
export function usualKey({ path, keys }: PlacedKey, lookup: Lookup): UsualKey | null {
  const valueIn = (name: string) => (lookup(name) ?? '').trim()
  const names = keys === null ? [] : usualVariables(keys)
  const variable = names.find((name) => valueIn(name) !== '') ?? names[0]
  if (variable === undefined) return null
  const isPadded = valueIn(variable) !== (lookup(variable) ?? '')
  return { secret: pathText([...path, 'api_key']), value: valueIn(variable) || null, variable, isPadded }
}

interface UsualKey extends SecretEntry {
  readonly variable: string
  /** There are spaces or line breaks around it. */
  readonly isPadded: boolean
}

export function reference(secret: string | undefined): SecretReference | null {
  return secret === undefined ? null : { secret }
}

function fallbacksOf(id: string, models: readonly (ModelKeys | null)[]): PlacedModel[] {
  return models.map((keys, index) => ({ path: ['agents', id, 'fallback_models', index], keys }))
}

function usualVariables(model: ModelKeys | TranscriptionKeys): readonly string[] {
  return model.provider === 'echo' || model.provider === 'openai-compatible' ? [] : PROVIDER_VARIABLES[model.provider]
}
