// Failures of tools: what a call can end with besides a result, in words for the model.
//   A3. An error's own words are passed on only where we know what stands in them.

import { FailureError } from '../../machines/failure.ts'

/** The call cannot be done like this; the model can try another one. */
export function refused(message: string, cause?: unknown): FailureError {
  return new FailureError({ kind: 'permanent', reason: 'refused', message }, { cause })
}

export function notFound(message: string): FailureError {
  return new FailureError({ kind: 'permanent', reason: 'notFound', message })
}

export function cancelled(): FailureError {
  return new FailureError({ kind: 'permanent', reason: 'cancelled', message: 'the call was ended' })
}

export function tookTooLong(what: string, ms: number): FailureError {
  return new FailureError({ kind: 'retryable', reason: 'timeout', message: `${what} took longer than ${ms / 1_000} s` })
}

/** For a person: something is not as the definition needs it. */
export function missing(message: string, remedy: string, cause?: unknown): FailureError {
  return new FailureError({ kind: 'permanent', reason: 'missing', message, remedy }, { cause })
}

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled()
}

/** The code of a system error, such as ENOENT; empty for anything else. */
export function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''
}

/** What the system did not do with a file, in words; what it did not say by a code is thrown on. */
export function fileFailure(path: string, thrown: unknown): FailureError {
  if (thrown instanceof FailureError) return thrown
  const code = codeOf(thrown)
  if (code === '') throw thrown
  const shown = JSON.stringify(path.slice(0, SHOWN_UNITS_MAX))
  if (code === 'ENOENT') return notFound(`there is no ${shown}`)
  const words: Readonly<Record<string, string>> = {
    ENOTDIR: `a part of ${shown} is a file and not a folder`,
    EISDIR: `${shown} is a folder`,
    ELOOP: `${shown} leads through too many links, or changed while it was opened`,
    EACCES: `${shown} may not be opened`,
    EPERM: `${shown} may not be changed`,
    ENAMETOOLONG: `a name in ${shown} is too long`,
    ENOTEMPTY: `the folder ${shown} is not empty; say recursive to delete what is in it`,
    EEXIST: `${shown} is there already`,
    ENXIO: `${shown} is not a file`,
    ENOSPC: 'the disk is full',
    EROFS: `${shown} cannot be changed: the disk is read-only`,
  }
  return refused(words[code] ?? `${shown} could not be used (${code})`, thrown)
}

/** A path that was made up by a model may be long. */
const SHOWN_UNITS_MAX = 200
