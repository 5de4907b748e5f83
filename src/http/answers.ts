// Answers: the shapes in which the port answers, and what each failure is called over HTTP.
//   Every error is {"error": {"code", "message"}}; its message is for a person and holds no secret (A3).

import { type Failure, FailureError, failureOf } from '../../machines/failure.ts'

/** A request that is turned away; its message goes to the client as it is. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  headers: Readonly<Record<string, string>> = {}
  /** The key that it is about, for clients of the OpenAI API; null: none in particular. */
  param: string | null = null

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }

  /** Tells the client more than the body does: what is allowed, how to authenticate, when to come back. */
  with(headers: Readonly<Record<string, string>>): this {
    this.headers = { ...this.headers, ...headers }
    return this
  }

  about(param: string): this {
    this.param = param
    return this
  }
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { ...headers, 'Content-Type': 'application/json; charset=utf-8' },
  })
}

export function errorBody(code: string, message: string): unknown {
  return { error: { code, message } }
}

/** The refusal that a thrown value stands for; what nobody foresaw is 500 and says nothing of its inside. */
export function refusalOf(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown
  if (!(thrown instanceof FailureError))
    return new Refusal(500, 'internal', 'Something went wrong inside Troupe; its log says more.')
  const failure = failureOf(thrown)
  const message = failure.remedy === undefined ? failure.message : `${failure.message} ${failure.remedy}`
  const status = statusOf(failure)
  const refusal = new Refusal(status, codeOf(failure), message)
  return status === 503 ? refusal.with(retryAfter(failure.retryAfterMs)) : refusal
}

/** Says when asking again makes sense. */
export function retryAfter(afterMs = 1_000): Readonly<Record<string, string>> {
  return { 'Retry-After': String(Math.max(1, Math.ceil(afterMs / 1_000))) }
}

function statusOf(failure: Failure): number {
  switch (failure.reason) {
    case 'storage':
    case 'unavailable':
    case 'timeout':
    case 'rateLimited':
    case 'cancelled':
    case 'missing':
      return 503
    case 'unauthorized':
      // The platform refused our credential, not the client's.
      return 502
    case 'conflict':
      return 409
    case 'forbidden':
      return 403
    case 'refused':
      return 400
    case 'notFound':
      return 404
    case 'defect':
      return 500
  }
}

function codeOf(failure: Failure): string {
  switch (failure.reason) {
    case 'rateLimited':
      return 'rate_limited'
    case 'notFound':
      return 'not_found'
    case 'unauthorized':
      return 'platform_unauthorized'
    case 'defect':
      return 'internal'
    default:
      return failure.reason
  }
}
