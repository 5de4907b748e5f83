// Files: the data folder, the store's file in it, and whether both are still where they were.

import { closeSync, mkdirSync, openSync, rmSync, renameSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { FailureError } from '../../machines/failure.ts'
import { storageError } from './failures.ts'

export function storePath(folder: string): string {
  return join(folder, 'troupe.db')
}

/** Where the folder's lock lives, without its endings. */
export function lockPath(folder: string): string {
  return join(folder, 'lock')
}

/** When a folder's store was written last; null: there is none. */
export function lastWrittenMs(folder: string): number | null {
  const path = storePath(folder)
  const times = [path, `${path}-wal`].flatMap((each) => statSync(each, { throwIfNoEntry: false })?.mtimeMs ?? [])
  return times.length === 0 ? null : Math.max(...times)
}

/** Makes the folder when it is not there; what people wrote is for this user's eyes only. */
export function ensureFolder(folder: string): void {
  try {
    makeFolders(resolve(folder))
  } catch (thrown) {
    throw storageError(thrown)
  }
}

/** One by one: Node's own way of making all of them says ENOENT of a disk that is read-only, and never returns from /proc. */
function makeFolders(folder: string): void {
  if (isFolder(folder)) return
  const parent = dirname(folder)
  if (parent !== folder) makeFolders(parent)
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (thrown) {
    // Somebody else made it in this moment.
    if (!isFolder(folder)) throw thrown
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** Makes the file when it is not there, and finds out early when it cannot be written. The engine's other files take its rights. */
export function ensureFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600))
  } catch (thrown) {
    throw storageError(thrown)
  }
}

/** Writes a copy under its final name only when it is whole; a copy of that name from an earlier try is replaced. */
export function writeCopy(path: string, write: (path: string) => void): void {
  const unfinished = `${path}.unfinished`
  try {
    rmSync(unfinished, { force: true })
    write(unfinished)
    renameSync(unfinished, path)
  } catch (thrown) {
    rmSync(unfinished, { force: true })
    throw storageError(thrown)
  }
}

/**
 * A check that throws once a file is gone or is another one. An open file that was deleted still takes writes, and all of
 * them end with the process: an accept into it would be a lie.
 */
export function watchPresence(paths: readonly string[]): () => void {
  const known = paths.map((path) => ({ path, identity: identityOf(path) })).filter(({ identity }) => identity !== null)
  return () => {
    for (const { path, identity } of known) {
      if (identityOf(path) !== identity) throw new FailureError(missing(path))
    }
  }
}

function identityOf(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined ? null : `${found.dev}:${found.ino}`
}

function missing(path: string) {
  return {
    kind: 'retryable',
    reason: 'storage',
    message: `The store's file ${path} was removed or replaced while it was in use.`,
    remedy: 'Put it back, or stop Troupe and start it again.',
  } as const
}
