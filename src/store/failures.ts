// Storage failures: what the engine and the file system report, as failures that a person can read.
// An engine error that is not about the disk (a broken constraint, wrong SQL) is our own mistake and stays what it was: a defect.

import { type Failure, FailureError } from '../../machines/failure.ts'

/** Who holds a lock; written beside it for the message to the next one. */
export interface Holder {
  readonly pid: number
  /** Where it answers; null while it has no port, or never has one. */
  readonly url: string | null
  /** ISO 8601. */
  readonly startedAt: string
}

/** Somebody else has it right now; trying again later can help. */
export class LockHeldError extends FailureError {
  /** null: the lock is held, and its holder has not said who it is. */
  readonly holder: Holder | null
  constructor(failure: Failure, holder: Holder | null) {
    super(failure)
    this.name = 'LockHeldError'
    this.holder = holder
  }
}

/** Another process has this data folder open. */
export class StoreLockedError extends LockHeldError {
  constructor(folder: string, holder: Holder | null) {
    super(
      {
        kind: 'retryable',
        reason: 'storage',
        message: `The data folder ${folder} is in use by another Troupe process${describeHolder(holder)}.`,
        remedy: 'Stop that process first, or give this one a data folder of its own.',
      },
      holder,
    )
    this.name = 'StoreLockedError'
  }
}

/** The file was written by a Troupe that is newer than this one. */
export class StoreVersionError extends FailureError {
  readonly found: number
  readonly known: number
  constructor(path: string, found: number, known: number) {
    super({
      kind: 'permanent',
      reason: 'storage',
      message: `The store ${path} has format version ${found}; this Troupe knows versions up to ${known}.`,
      remedy:
        'Start it with the Troupe that wrote it or a newer one, or name another data folder. Nothing was changed.',
    })
    this.name = 'StoreVersionError'
    this.found = found
    this.known = known
  }
}

export function describeHolder(holder: Holder | null): string {
  if (holder === null) return ''
  return ` (process ${holder.pid}${holder.url === null ? '' : `, ${holder.url}`}, since ${holder.startedAt})`
}

/** The failure behind whatever the engine or the file system threw; the same value when it is no storage failure. */
export function storageError(thrown: unknown): unknown {
  if (thrown instanceof FailureError || !(thrown instanceof Error)) return thrown
  const failure = engineFailure(thrown) ?? fileFailure(thrown)
  return failure === null ? thrown : new FailureError(failure, { cause: thrown })
}

export function isBusy(thrown: unknown): boolean {
  return thrown instanceof Error && BUSY.has(primaryCode(thrown) ?? 0)
}

const BUSY: ReadonlySet<number> = new Set([5, 6])

/** By SQLite's primary result code. */
function engineFailure(error: Error): Failure | null {
  switch (primaryCode(error)) {
    case 13:
      return DISK_FULL
    case 10:
      return retryable('The disk did not do what the store asked of it (input/output error).', 'Check the disk.')
    case 3:
    case 8:
    case 14:
    case 23:
      return retryable(
        'The store cannot be written.',
        'Check the rights on the data folder, and that its disk is writable.',
      )
    case 5:
    case 6:
      return retryable('Another program keeps the store busy.', 'End the program that has its file open.')
    case 7:
      return retryable('There was not enough memory for the store.', 'Give the process more memory.')
    case 11:
    case 26:
      return DAMAGED
    case 18:
      return permanent('This is too large for the store.', 'Make it smaller.')
    default:
      return null
  }
}

export const DAMAGED: Failure = permanent(
  'The store is damaged, or its file is not a store.',
  'Put a good copy in its place. Nothing was changed.',
)

export function foreignDatabase(path: string): Failure {
  return permanent(
    `${path} is a database of another program and not a store of Troupe.`,
    'Name another data folder, or move that file away. Nothing was changed.',
  )
}

export const DISK_FULL: Failure = {
  kind: 'retryable',
  reason: 'storage',
  message: 'The disk of the store is full.',
  remedy: 'Free some space on it; writing goes on by itself.',
}

function fileFailure(error: Error): Failure | null {
  if (!('syscall' in error) || !('code' in error)) return null
  const path = 'path' in error ? ` ${String(error.path)}` : ''
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return DISK_FULL
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return permanent(
        `The data folder is not writable:${path}.`,
        'Give this user the right to write there, or name another data folder.',
      )
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
      return permanent(
        `A file and a folder stand in each other's place at${path}.`,
        'Move it away, or name another data folder.',
      )
    default:
      return permanent(`The data folder cannot be used:${path} (${String(error.code)}).`, 'Name another data folder.')
  }
}

function retryable(message: string, remedy: string): Failure {
  return { kind: 'retryable', reason: 'storage', message, remedy }
}

function permanent(message: string, remedy: string): Failure {
  return { kind: 'permanent', reason: 'storage', message, remedy }
}

/** null: not an error of the engine. The upper bits only refine the primary code. */
function primaryCode(error: Error): number | null {
  if (!('errcode' in error) || typeof error.errcode !== 'number') return null
  return error.errcode & 0xff
}
