// Completion answer: the shapes in which the OpenAI API answers: whole, in pieces, and with an error. Pure.
//   What a run could not do is not asked for again by the client itself (`x-should-retry`): its message stands in the conversation,
//   and the models were asked as often as makes sense.

import type { Failure } from '../../machines/failure.ts'
import { sayable } from '../../machines/failure.ts'
import { Refusal, retryAfter } from './answers.ts'
import type { CompletionEnd, Tokens } from './completions-port.ts'

/** What every part of an answer says of itself. */
export interface Heading {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  readonly model: string
}

type Answered = Extract<CompletionEnd, { kind: 'answered' }>

export function completion(heading: Heading, answered: Answered): unknown {
  const message = { role: 'assistant', content: answered.text, refusal: null }
  const choices = [{ index: 0, message, logprobs: null, finish_reason: finishOf(answered) }]
  return { ...heading, object: 'chat.completion', choices, usage: usageOf(answered.spent) }
}

/** How an answer ended. */
export function finishOf({ isCut }: Answered): Finish {
  return isCut === true ? 'length' : 'stop'
}

/** `usage` stands in each chunk of a client that asked for it, and says something in the last one alone. */
export function chunk(heading: Heading, delta: Delta | null, given: { readonly usage?: Tokens | null }): string {
  const choices = delta === null ? [] : [choiceOf(delta)]
  const { usage } = given
  const counted = usage === undefined ? {} : { usage: usage === null ? null : usageOf(usage) }
  return JSON.stringify({ ...heading, object: 'chat.completion.chunk', choices, ...counted })
}

type Finish = 'stop' | 'length'

export type Delta = { readonly role: 'assistant' } | { readonly content: string } | Finish

function choiceOf(delta: Delta) {
  if (typeof delta === 'string') return { index: 0, delta: {}, logprobs: null, finish_reason: delta }
  const said = 'role' in delta ? { ...delta, content: '' } : delta
  return { index: 0, delta: said, logprobs: null, finish_reason: null }
}

export function models(all: readonly { readonly id: string; readonly sinceMs: number }[]): unknown {
  return { object: 'list', data: all.map(model) }
}

export function model({ id, sinceMs }: { readonly id: string; readonly sinceMs: number }): unknown {
  return { id, object: 'model', created: Math.floor(sinceMs / 1_000), owned_by: 'troupe' }
}

function usageOf({ inputTokens, outputTokens }: Tokens) {
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens }
}

// --- errors -----------------------------------------------------------------------------------------------------------

/** A superset of the port's own shape. */
export function completionError({ status, code, message, param }: Refusal): unknown {
  return { error: { message, type: typeOf(status), code: status === 401 ? 'invalid_api_key' : code, param } }
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status < 500 ? 'invalid_request_error' : 'server_error'
}

/** Why there is no answer. */
export function refusalFor(end: Exclude<CompletionEnd, { kind: 'answered' }>): Refusal {
  switch (end.kind) {
    case 'turnedAway':
      return turnedAway(end.reason)
    case 'failed':
      return failed(end.failure)
    case 'full': {
      const message = 'The message was not kept: too many wait in this conversation already. Send it again later.'
      return new Refusal(429, 'rate_limit_exceeded', message).with(retryAfter(2_000))
    }
    case 'stopped':
      return final(409, 'stopped', 'The run was stopped, or the message taken out of the queue.')
    case 'broken':
      return final(500, 'broken', 'The message broke its session again and again, and was set aside for the operator.')
    case 'kept': {
      const message =
        'The gateway is stopping. The message is kept, and is answered in its conversation after the start.'
      return final(503, 'stopping', message)
    }
    case 'past':
      return final(409, 'already_handled', 'This Idempotency-Key was handled before, and its answer is not kept.')
    case 'reused':
      return reused()
    case 'left':
      return final(499, 'client_closed_request', 'The client is gone.')
  }
}

function reused(): Refusal {
  const message =
    'This Idempotency-Key was used for another request in this conversation: each request needs one of its own.'
  return final(422, 'idempotency_key_reused', message)
}

function turnedAway(reason: Extract<CompletionEnd, { kind: 'turnedAway' }>['reason']): Refusal {
  switch (reason) {
    case 'stranger':
      return new Refusal(403, 'not_allowed', 'This user may not talk to the agents.')
    case 'notAddressed':
      return new Refusal(400, 'not_addressed', 'The message is a command for somebody else.')
    case 'tooLong':
      return new Refusal(413, 'string_above_max_length', 'The text is longer than this gateway takes.')
    case 'taken':
      return reused()
    case 'paused':
      return new Refusal(503, 'not_live', 'The agents cannot be reached at the moment.').with(retryAfter())
    case 'draining':
      return new Refusal(503, 'stopping', 'This gateway is stopping; the message was not kept.').with(retryAfter(5_000))
  }
}

function failed(failure: Failure): Refusal {
  const { kind, reason, retryAfterMs } = failure
  const message = sayable(failure)
  switch (reason) {
    case 'rateLimited':
      if (kind === 'permanent') return final(429, 'insufficient_quota', message)
      return final(429, 'rate_limit_exceeded', message).with(retryAfter(retryAfterMs))
    case 'unavailable':
    case 'storage':
      return final(503, reason, message)
    case 'timeout':
      return final(504, reason, message)
    case 'refused':
      return final(400, reason, message)
    case 'cancelled':
      return final(409, 'stopped', message)
    case 'unauthorized':
    case 'forbidden':
    case 'notFound':
    case 'conflict':
      // The model's provider said so to the agent, and not to its client.
      return final(502, 'model_failed', message)
    case 'missing':
      return final(503, 'not_ready', message)
    case 'defect':
      return final(500, 'internal', message)
  }
}

function final(status: number, code: string, message: string): Refusal {
  return new Refusal(status, code, message).with({ 'x-should-retry': 'false' })
}
