// Endpoint: where a provider is, and how it is asked who we are. Knows no library; opens a request only to probe.
//   The address comes from the definition or from here, never from an environment variable that nobody wrote into the file.
//   A3. A credential goes into a header, never into a URL; one that no header can hold is refused before anything quotes it.

import { type Failure, FailureError } from '../../machines/failure.ts'
import type { Clock, World } from '../world.ts'
import { openLifetime } from './lifetime.ts'
import { type AskedDefinition, failureFor, modelError, notListed, type Trouble } from './model-failure.ts'
import { isListed, modelsIn } from './model-list.ts'

export interface Endpoint {
  /** Without a slash at its end. */
  readonly baseUrl: string
  /** null: this server wants none. */
  readonly apiKey: string | null
}

/** `doctor` asks for all endpoints at once and a person waits for it. */
const PROBE_MS_MAX = 10_000

/** As much of a refusal as is read to see why. */
const REFUSAL_BYTES_MAX = 16_384

const USUAL_BASE_URL = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
} as const

/** The endpoint of a definition; throws a FailureError when its address or its credential cannot be used. */
export function endpointOf(model: AskedDefinition, apiKey: string | null): Endpoint {
  const given =
    model.provider === 'openai-compatible' ? model.baseUrl : (model.baseUrl ?? USUAL_BASE_URL[model.provider])
  const url = URL.parse(given)
  if (url === null || !/^https?:$/.test(url.protocol)) throw badAddress('is not an http or https address')
  if (url.username !== '' || url.password !== '') throw badAddress('holds a user name or a password')
  if (url.search !== '' || url.hash !== '') throw badAddress('holds a ? or a #')
  return { baseUrl: given.replace(/\/+$/, ''), apiKey: apiKey === null ? null : usableKey(apiKey.trim(), model) }
}

export interface Probe {
  readonly model: AskedDefinition
  readonly endpoint: Endpoint
  readonly world: World
}

/**
 * Asks for the list of models: the one request of every provider that needs the credential and generates nothing. A server of one's own
 * may have none; where it answers is then all that is known of it.
 */
export async function probeEndpoint(probe: Probe, signal: AbortSignal): Promise<void> {
  const { model, endpoint, world } = probe
  const lifetime = openLifetime(world.clock, signal)
  lifetime.expect(PROBE_MS_MAX)
  try {
    const answer = await Promise.race([askForModels(probe, lifetime.signal), lifetime.ended])
    if ('said' in answer) {
      const failure = failureFor(answer, model, world.nowMs())
      if (failure.reason === 'notFound' && (await Promise.race([hasRoute(probe, lifetime.signal), lifetime.ended])))
        return
      throw modelError(failure.reason === 'notFound' ? NO_MODEL_LIST : failure, answer, endpoint.apiKey)
    }
    const { models } = answer
    if (models !== null && !isListed(model.name, models)) throw new FailureError(notListed(model, models))
  } finally {
    // Closes the connection of a body that was not read to its end.
    lifetime.close()
  }
}

/** null: the list is not whole, or in a form that nobody knows. */
interface ModelList {
  readonly models: readonly string[] | null
}

/** The longest list that a provider has is a tenth of it. */
const LIST_BYTES_MAX = 4 * 1024 * 1024

/** A list that takes longer is not looked at: the server answered to the credential, and that was asked. */
export const LIST_MS_MAX = 3_000

/** The whole list at once, where it would come in pages. */
const PAGE: Readonly<Record<AskedDefinition['provider'], string>> = {
  openai: '',
  'openai-compatible': '',
  anthropic: '?limit=1000',
  google: '?pageSize=1000',
}

const NO_MODEL_LIST: Failure = {
  kind: 'permanent',
  reason: 'notFound',
  message: "The model's server answers, but has no list of models at base_url (404).",
  remedy: 'Check base_url; it often ends in /v1.',
}

async function askForModels({ model, endpoint, world }: Probe, signal: AbortSignal): Promise<Trouble | ModelList> {
  try {
    const response = await fetch(`${endpoint.baseUrl}/models${PAGE[model.provider]}`, {
      headers: credentialHeaders(model.provider, endpoint.apiKey),
      // A key must not follow a redirect to another host.
      redirect: 'manual',
      signal,
    })
    if (response.ok) return { models: await listIn(response, world.clock) }
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      said: await beginningOf(response, REFUSAL_BYTES_MAX),
      begun: false,
    }
  } catch (thrown) {
    const said = thrown instanceof Error ? `${thrown.message} ${causeOf(thrown)}` : ''
    return { status: null, headers: {}, said, begun: false }
  }
}

/** Whether the route of its answers is there: it says that it wants to be asked in another way. A GET of it generates nothing. */
async function hasRoute({ model, endpoint }: Probe, signal: AbortSignal): Promise<boolean> {
  if (model.provider !== 'openai-compatible') return false
  const route = 'contextTokens' in model ? 'chat/completions' : 'audio/transcriptions'
  try {
    const headers = credentialHeaders(model.provider, endpoint.apiKey)
    const { status } = await fetch(`${endpoint.baseUrl}/${route}`, { headers, redirect: 'manual', signal })
    return WANTS_ANOTHER_REQUEST.has(status)
  } catch {
    return false
  }
}

const WANTS_ANOTHER_REQUEST: ReadonlySet<number> = new Set([400, 405, 411, 415, 422])

async function listIn(response: Response, clock: Clock): Promise<readonly string[] | null> {
  const late = Promise.withResolvers<string>()
  const timer = clock.setTimeout(() => late.resolve(''), LIST_MS_MAX)
  try {
    return modelsIn(await Promise.race([beginningOf(response, LIST_BYTES_MAX), late.promise]))
  } finally {
    clock.clearTimeout(timer)
  }
}

function credentialHeaders(provider: AskedDefinition['provider'], apiKey: string | null): Record<string, string> {
  if (apiKey === null) return {}
  if (provider === 'anthropic') return { 'x-api-key': apiKey, 'anthropic-version': '2023-06-01' }
  if (provider === 'google') return { 'x-goog-api-key': apiKey }
  return { authorization: `Bearer ${apiKey}` }
}

/** fetch() quotes a header value that it cannot send, so such a key is stopped here. */
function usableKey(apiKey: string, model: AskedDefinition): string {
  if (/^[\x21-\x7e]+$/.test(apiKey)) return apiKey
  throw new FailureError({
    kind: 'permanent',
    reason: 'unauthorized',
    message: "The model's credential is empty or holds a character that no credential has.",
    remedy: `Check ${model.apiKey?.secret ?? 'api_key'}: no spaces, no line breaks, no typographic quotes.`,
  })
}

function badAddress(what: string): FailureError {
  return new FailureError({
    kind: 'permanent',
    reason: 'refused',
    message: `The model's base_url ${what}.`,
    remedy: 'Write it as https://HOST/PATH; a credential belongs into api_key.',
  })
}

async function beginningOf(response: Response, bytesMax: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    bytes += chunk.byteLength
    if (bytes >= bytesMax) break
  }
  return text
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : ''
}
