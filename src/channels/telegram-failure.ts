// Telegram failure: what Telegram's refusals and broken connections mean, as a Failure. Pure.
//   A3. Only Telegram's own description goes into a message, cut and without the token; never an error of a library.

import { type Failure, FailureError } from '../../machines/failure.ts'

/** An answer of the Bot API with `ok: false`. */
export interface Refusal {
  readonly code: number
  readonly description: string
  readonly retryAfterSeconds: number | null
  /** The supergroup that the group was upgraded to; null for every other refusal. */
  readonly migratedTo: number | null
}

/** A FailureError that still knows what Telegram answered. */
export class RefusalError extends FailureError {
  readonly refusal: Refusal
  constructor(refusal: Refusal, channel: string) {
    super(refusalFailure(refusal, channel))
    this.refusal = refusal
  }
}

export function refusalFailure(refusal: Refusal, channel: string): Failure {
  const { code, description } = refusal
  const said = `Telegram answered ${code}: ${description.slice(0, 200)}`
  if (code === 401 || code === 404) return unauthorized(channel)
  if (code === 409) return conflict(description)
  if (code === 429) {
    const retryAfterMs = askedMs(refusal.retryAfterSeconds)
    const failure: Failure = { kind: 'retryable', reason: 'rateLimited', message: said }
    return retryAfterMs === null ? failure : { ...failure, retryAfterMs }
  }
  if (code === 403) return { kind: 'permanent', reason: 'forbidden', message: said }
  if (code >= 400 && code < 500) return { kind: 'permanent', reason: reasonOfRefusal(description), message: said }
  return { kind: 'retryable', reason: 'unavailable', message: said }
}

/** A timer of 25 days and more fires at once: what asks for more than a day is asked again after one. */
const RETRY_AFTER_MS_MAX = 24 * 3_600_000

/** null: no time that makes sense; a server's number can be anything. */
function askedMs(seconds: number | null): number | null {
  const askedFor = seconds === null ? Number.NaN : Number(seconds) * 1_000
  return askedFor >= 0 ? Math.min(Math.ceil(askedFor), RETRY_AFTER_MS_MAX) : null
}

/** No answer of the Bot API. `sent`: Telegram may have taken the request. */
export function brokenFailure(message: string, sent: boolean): Failure {
  const failure: Failure = {
    kind: 'retryable',
    reason: 'unavailable',
    message: `Telegram is not reachable: ${message}`,
  }
  return sent ? { ...failure, uncertain: true } : failure
}

/** The request was ended by its deadline, or by its caller. */
export function endedFailure(end: 'deadline' | 'caller', sent: boolean): Failure {
  const failure: Failure =
    end === 'deadline'
      ? { kind: 'retryable', reason: 'timeout', message: 'Telegram did not answer by the deadline' }
      : { kind: 'retryable', reason: 'cancelled', message: 'the request to Telegram was ended before its answer' }
  return sent ? { ...failure, uncertain: true } : failure
}

/** Of a request that changes nothing, so that nothing is in doubt. A deadline that passed means that Telegram is not there. */
export function certain(error: unknown): unknown {
  if (!(error instanceof FailureError)) return error
  const { uncertain: _, ...failure } = error.failure
  return new FailureError(failure.reason === 'timeout' ? { ...failure, reason: 'unavailable' } : failure)
}

export function missingToken(channel: string): Failure {
  return {
    kind: 'permanent',
    reason: 'missing',
    message: `${channel} has no token`,
    remedy: `Set channels.${channel}.token to the token that @BotFather gave`,
  }
}

/** Refusals of the place, the person or the right to write: no other form of the same text would be taken. */
export function isAboutMarkup(refusal: Refusal): boolean {
  return refusal.code === 400 && refusal.migratedTo === null && reasonOfRefusal(refusal.description) === 'refused'
}

/** Refusals of the method as such, and not of one place or person: the next place would be refused as well. */
export function isAboutMethod(refusal: Refusal): boolean {
  return refusal.code === 404 || isAboutMarkup(refusal)
}

/** Refusals of the message that is answered: it was deleted, or lies in another topic. */
export function isAboutReply({ code, description }: Refusal): boolean {
  return code === 400 && /\brepl(?:y|ied)\b|MESSAGE_ID_INVALID/i.test(description)
}

function unauthorized(channel: string): Failure {
  return {
    kind: 'permanent',
    reason: 'unauthorized',
    message: `the token of ${channel} was refused by Telegram`,
    remedy: `Take a new token from @BotFather and set it for ${channel}; then reconnect the channel`,
  }
}

function conflict(description: string): Failure {
  const webhook = /webhook/i.test(description)
  return {
    kind: 'retryable',
    reason: 'conflict',
    message: webhook ? 'someone else set a webhook for this token' : 'someone else polls this token',
    remedy: 'Stop the other program that uses this token, or take a token of its own from @BotFather',
  }
}

function reasonOfRefusal(description: string): 'notFound' | 'forbidden' | 'refused' {
  if (/chat not found|thread not found|user not found|PEER_ID_INVALID|TOPIC_DELETED/i.test(description))
    return 'notFound'
  if (/not enough rights|have no rights|CHAT_WRITE_FORBIDDEN|TOPIC_CLOSED|CHAT_RESTRICTED/i.test(description)) {
    return 'forbidden'
  }
  return 'refused'
}
