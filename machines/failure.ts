// Failure: what can go wrong, as plain data from a closed set.
// A promise that ends in an expected way rejects with a FailureError; anything else that is thrown is a defect.
//   A failure's message is written for a person and never holds a secret's value (A3).

import type { Phase } from './phases.ts'

export type FailureKind =
  /** Trying again can help. */
  | 'retryable'
  /** Trying again cannot help until somebody changes something. */
  | 'permanent'
  /** Our own mistake: the actor restarts from its last commit. */
  | 'defect'

export type FailureReason =
  | 'unauthorized' // the credential is wrong or was revoked (401)
  | 'conflict' // somebody else polls this token (409)
  | 'rateLimited' // too fast; retryAfterMs says how long to wait (429)
  | 'unavailable' // the other side is down, unreachable or answers 5xx
  | 'forbidden' // blocked by the person, or no right to write there (403)
  | 'refused' // the other side will never take this (400 and the like)
  | 'notFound' // the thing named does not exist there (404)
  | 'timeout' // no answer by the deadline
  | 'cancelled' // ended on purpose
  | 'storage' // the disk did not take or give what was asked
  | 'missing' // something the definition needs is not there (a variable, an executable)
  | 'defect' // an error nobody foresaw

export interface Failure {
  readonly kind: FailureKind
  readonly reason: FailureReason
  /** One plain sentence: what happened. No secret, no stack. */
  readonly message: string
  /** What a person can do about it; one sentence. */
  readonly remedy?: string
  /** Where in a start it was found; left out: it is none of a start. */
  readonly phase?: Phase
  /** How long the other side asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number
  /** True when the other side may have acted before the failure reached us: a send that was cut. */
  readonly uncertain?: boolean
}

/** The one error that carries a Failure through a promise. */
export class FailureError extends Error {
  readonly failure: Failure
  constructor(failure: Failure, options?: { cause?: unknown }) {
    super(failure.message, options)
    this.name = 'FailureError'
    this.failure = failure
  }
}

/** The failure that a thrown value stands for; whatever is not a FailureError is a defect. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof FailureError) return thrown.failure
  return { kind: 'defect', reason: 'defect', message: 'an internal error' }
}

/** The failure as one of this phase; one that names its phase already keeps it. */
export function inPhase(failure: Failure, phase: Phase): Failure {
  return failure.phase === undefined ? { ...failure, phase } : failure
}

/** What was thrown in a phase of a start; a defect stays one. */
export function thrownIn(phase: Phase, thrown: unknown): FailureError {
  return new FailureError(inPhase(failureOf(thrown), phase), { cause: thrown })
}

/** A failure in one line: where a start was, what happened, and what to do. */
export function sayable({ phase, ...failure }: Failure): string {
  return phase === undefined ? sentences(failure) : `${phase}: ${sentences(failure)}`
}

/** What happened, and what to do. */
export function sentences({ message, remedy }: Failure): string {
  const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)
  return remedy === undefined ? message : `${sentence(message)} ${sentence(remedy)}`
}

/** States what must be true at this point; the text names the invariant. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${invariant}`)
}

/**
 * The body of an effect that a machine names and src/actors provides. A machine that runs without its effects says so at
 * the first one, instead of doing nothing.
 */
export function unprovided(effect: string): never {
  throw new Error(`effect "${effect}" is not provided: machines run through src/actors`)
}
