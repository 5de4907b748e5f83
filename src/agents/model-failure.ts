// Model failures: what a provider's status and words mean, in plain sentences for the person who wrote.
//   A3. Nothing that a provider or a library said is quoted: it may repeat a key or a URL. It goes, with the secrets
//       taken out and cut short, into the cause, which is for the log alone.
// Pure; knows no library.

import type { ModelDefinition, TranscriptionDefinition } from '../../machines/definitions.ts'
import { type Failure, FailureError } from '../../machines/failure.ts'

/** A definition that needs a provider. */
export type LiveModelDefinition = Exclude<ModelDefinition, { provider: 'echo' }>

/** Whatever has an endpoint of its own. */
export type AskedDefinition = LiveModelDefinition | TranscriptionDefinition

/** What is known of a request that a provider did not answer as it should. */
export interface Trouble {
  /** The HTTP status, or what stands for it in a broken stream; null: none came. */
  readonly status: number | null
  /** With names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** The provider's or the library's own words and codes; searched for known cases. */
  readonly said: string
  /** Some of the answer had come already. */
  readonly begun: boolean
}

/** Longest piece of a provider's words that goes into the log, in UTF-16 units: enough for its sentence, not for a page. */
const SAID_UNITS_MAX = 500

/** A wait beyond a day is a mistake of the other side's clock, not a wait. */
const RETRY_AFTER_MS_MAX = 24 * 60 * 60_000

const TOO_LONG = /context[ _-]?(length|window|size|limit|overflow)|exceed_context|prompt is too long|input token count/i
const NO_CREDIT = /insufficient_quota|credit balance|billing_|out of credits/i
/** The SDK's words for the end of a stream in which nothing was. */
const NO_STREAM = /without a finish reason/i
const BAD_KEY = /api[ _]key[ _](not valid|invalid)|invalid[ _]api[ _]key/i

/** The failure that the provider's trouble stands for. `nowMs` is for a Retry-After that is a date. */
export function failureFor(trouble: Trouble, model: AskedDefinition, nowMs: number): Failure {
  const { status, said } = trouble
  if (status === null && !trouble.begun && NO_STREAM.test(said)) return NOTHING_STREAMED
  const about = BAD_KEY.test(said) && status === 400 ? 401 : NO_CREDIT.test(said) ? 402 : status
  switch (about) {
    case 401:
    case 403:
      return credentialRefused(status ?? about, model)
    case 402:
      return noCredit(model)
    case 404:
      return unknownModel(model)
    case 429:
      return tooOften(trouble, nowMs)
    default:
      return TOO_LONG.test(said) ? TOO_LONG_FOR_MODEL : failureOfStatus({ ...trouble, status: about })
  }
}

function failureOfStatus({ status, begun }: Trouble): Failure {
  if (status === null || status < 400) return begun ? BROKEN_OFF : UNREACHABLE
  if (status === 413) return TOO_LONG_FOR_MODEL
  if (status === 408 || status === 504) return noAnswerInTime(`The model's server gave up waiting (${status}).`)
  if (status >= 500 || status === 409) return serverTrouble(status)
  return {
    kind: 'permanent',
    reason: 'refused',
    message: `The model's server refused the request (${status}).`,
    remedy: 'The log has its reason; /new begins with an empty history.',
  }
}

/** The same for speech. A server that answers with something else than text of it has answered. */
export function speechFailure(trouble: Trouble, transcription: TranscriptionDefinition, nowMs: number): Failure {
  const { status } = trouble
  if (status !== null && status < 400) return NO_SPEECH
  if (status === 400 || status === 413 || status === 415 || status === 422) return SPEECH_REFUSED
  const failure = failureFor(trouble, transcription, nowMs)
  // What is said of a model is said of the transcription.
  return { ...failure, message: failure.message.replace(/[Tt]he model\b/, 'the transcription').replace(/\.$/, '') }
}

const NO_SPEECH: Failure = {
  kind: 'retryable',
  reason: 'unavailable',
  message: "the transcription's server answered with no text",
  remedy: 'Write it as text.',
}

const SPEECH_REFUSED: Failure = {
  kind: 'permanent',
  reason: 'refused',
  message: "the transcription's server does not take it",
  remedy: 'Write it as text.',
}

/** The error for a run. Its cause is what was said, for the log alone: short, on one line, without the key. */
export function modelError(failure: Failure, trouble: Trouble, apiKey: string | null): FailureError {
  const said = withoutSecret(trouble.said, apiKey ?? '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, SAID_UNITS_MAX)
  return new FailureError(failure, { cause: new Error(`${trouble.status ?? 'no status'}: ${said}`) })
}

export const CONTENT_WITHHELD: Failure = {
  kind: 'permanent',
  reason: 'refused',
  message: "The model's provider withheld the answer (content filter).",
  remedy: 'Put the question in other words.',
}

export const EMPTY_ANSWER: Failure = {
  kind: 'retryable',
  reason: 'unavailable',
  message: 'The model gave an empty answer.',
  remedy: 'Ask again.',
}

export const BROKEN_OFF: Failure = {
  kind: 'retryable',
  reason: 'unavailable',
  message: "The model's answer broke off in the middle.",
  remedy: 'Ask again.',
}

const NOTHING_STREAMED: Failure = {
  kind: 'retryable',
  reason: 'unavailable',
  message: "The model's server ended its answer before a word of it came, or does not stream answers.",
  remedy: 'Ask again in a while; if it stays so, check that base_url is of an API that streams (text/event-stream).',
}

const UNREACHABLE: Failure = {
  kind: 'retryable',
  reason: 'unavailable',
  message: "The model's server can't be reached, or hung up.",
  remedy: "Ask again in a while; if it stays so, check that the model's server runs and that base_url is right.",
}

export const TOO_LONG_FOR_MODEL: Failure = {
  kind: 'permanent',
  reason: 'refused',
  message: 'The conversation has become too long for the model.',
  remedy: 'Send /new to begin with an empty history.',
}

export function cancelled(): FailureError {
  return new FailureError({ kind: 'permanent', reason: 'cancelled', message: 'The answer was cancelled.' })
}

export function silent(forMs: number): FailureError {
  return new FailureError(noAnswerInTime(`The model said nothing for ${Math.round(forMs / 1000)} seconds.`))
}

/** In each spelling in which a provider may repeat it. */
function withoutSecret(text: string, secret: string): string {
  if (secret === '') return text
  const spellings = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]
  return spellings.reduce((clean, spelling) => clean.replaceAll(spelling, '[secret]'), text)
}

function credentialRefused(status: number, model: AskedDefinition): Failure {
  return {
    kind: 'permanent',
    reason: 'unauthorized',
    message: `The model's credential was refused (${status}).`,
    remedy: model.apiKey === null ? 'Give the model an api_key in gateway.yaml.' : `Check ${model.apiKey.secret}.`,
  }
}

function noCredit(model: AskedDefinition): Failure {
  return {
    kind: 'permanent',
    reason: 'refused',
    message: "The account at the model's provider has no credit left.",
    remedy:
      model.apiKey === null ? 'Top the account up.' : `Top up the account that ${model.apiKey.secret} belongs to.`,
  }
}

/** Where its server tells which models there are. */
export function notListed(model: AskedDefinition, listed: readonly string[]): Failure {
  const some = listed.slice(0, NAMES_MAX).join(', ')
  const more = listed.length > NAMES_MAX ? ', …' : ''
  return {
    ...unknownModel(model),
    message: `The model "${model.name}" is not known at its provider, which has ${some}${more}.`,
  }
}

/** Enough to see what names look like there. */
const NAMES_MAX = 8

function unknownModel(model: AskedDefinition): Failure {
  return {
    kind: 'permanent',
    reason: 'notFound',
    message: `The model "${model.name}" is not known at its provider (404).`,
    remedy: model.baseUrl === null ? "Check the model's name." : "Check the model's name and base_url.",
  }
}

function tooOften(trouble: Trouble, nowMs: number): Failure {
  const retryAfterMs = retryAfter(trouble.headers, nowMs)
  const failure: Failure = {
    kind: 'retryable',
    reason: 'rateLimited',
    message: 'The model is asked more often than its provider allows (429).',
    remedy: retryAfterMs === null ? 'Ask again in a while.' : `Ask again in ${Math.ceil(retryAfterMs / 1000)} s.`,
  }
  return retryAfterMs === null ? failure : { ...failure, retryAfterMs }
}

function serverTrouble(status: number): Failure {
  return {
    kind: 'retryable',
    reason: 'unavailable',
    message: `The model's server has a problem of its own (${status}).`,
    remedy: 'Ask again in a while.',
  }
}

function noAnswerInTime(message: string): Failure {
  return { kind: 'retryable', reason: 'timeout', message, remedy: 'Ask again in a while.' }
}

/** Milliseconds that the other side asks us to wait; null when it names none that make sense. */
function retryAfter(headers: Readonly<Record<string, string>>, nowMs: number): number | null {
  const precise = headers['retry-after-ms']
  const header = headers['retry-after']
  const waitMs =
    precise !== undefined
      ? Number(precise)
      : header === undefined
        ? Number.NaN
        : /^[\d.]+$/.test(header.trim())
          ? Number(header) * 1000
          : Date.parse(header) - nowMs
  return waitMs >= 0 && waitMs <= RETRY_AFTER_MS_MAX ? Math.ceil(waitMs) : null
}
