// SQLite: the store on disk, and the locks. The one file that knows node:sqlite.
//   P1. What resolved is on disk: write-ahead log, flushed at every commit (synchronous = FULL).
//   P2. One process has a data folder open; its lock ends with it.

import { DatabaseSync } from 'node:sqlite'
import { dirname } from 'node:path'
import type { Failure } from '../../machines/failure.ts'
import type { World } from '../world.ts'
import type { Database, OpenDatabase } from './database.ts'
import { type Holder, LockHeldError, StoreLockedError, storageError } from './failures.ts'
import { ensureFile, ensureFolder, lockPath, storePath, watchPresence, writeCopy } from './files.ts'
import { type Lock, probeLock, takeLock, writeHolder } from './lock.ts'
import { queuedStore } from './queued.ts'
import { MIGRATIONS, migrate, versionOf } from './schema.ts'
import type { Store } from './store.ts'

export interface OpenStoreOptions {
  /** Made when it is not there. */
  readonly folder: string
  readonly holder: Holder
  readonly world: World
  /** How long each transaction of writes took, from its beginning to the disk. */
  readonly onCommit?: (ms: number) => void
  /** A write that is not there because of the disk. */
  readonly onFailure?: (failure: Failure) => void
}

/**
 * Opens the store of a data folder and holds the folder until `close`. Throws StoreLockedError when another process has
 * it, StoreVersionError when a newer Troupe wrote it, and FailureError `storage` for everything else that is in the way.
 */
export function openStore({ folder, holder, world, ...watching }: OpenStoreOptions): Store {
  ensureFolder(folder)
  const lock = lockFolder(folder, holder)
  try {
    const path = storePath(folder)
    const database = openFile(path, MIGRATIONS)
    const beforeCommit = watchPresence([path, `${path}-wal`])
    return queuedStore({ database, world, beforeCommit, onClosed: lock.release, ...watching })
  } catch (thrown) {
    lock.release()
    throw storageError(thrown)
  }
}

/** The same store without a file, for tests: gone when it is closed. */
export function openMemoryStore({ world }: { world: World }): Store {
  const database = open(':memory:', { readOnly: false, busyMs: 0 })
  migrate(database, { path: ':memory:', migrations: MIGRATIONS, keepCopy: () => {} })
  return queuedStore({ database, world, beforeCommit: () => {}, onClosed: () => {} })
}

/** Who has this data folder open right now; null when nobody has. With pid 0 somebody has, whose name is not to be found. */
export function readHolder(folder: string): Holder | null {
  const found = probeLock(open, lockPath(folder))
  return found === 'free' ? null : (found ?? UNKNOWN_HOLDER)
}

/** Says more of the process that has the folder open, for example its address. Only for the one that has it. */
export function updateHolder(folder: string, holder: Holder): void {
  writeHolder(lockPath(folder), holder)
}

/**
 * Holds `path` (files PATH.db and PATH.json; the folder is made) until `release`, or until this process ends in any way.
 * Throws LockHeldError naming the holder when somebody has it, in this process too.
 */
export function holdLock(path: string, holder: Holder): Lock {
  ensureFolder(dirname(path))
  return takeLock(open, path, holder)
}

/** Opens and migrates a store's file; a file that is refused stays as it is. */
export function openFile(path: string, migrations: readonly string[]): Database {
  ensureFile(path)
  const database = open(path, { readOnly: false, busyMs: BUSY_MS })
  try {
    // Before anything is written: this throws for a file that is not ours.
    versionOf(database, path)
    database.exec('PRAGMA synchronous = FULL')
    const keepCopy = (version: number) => {
      writeCopy(`${path}.version-${version}`, (copy) => database.prepare('VACUUM INTO ?').run(copy))
    }
    migrate(database, { path, migrations, keepCopy })
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = ${LOG_BYTES_MAX}`)
    // The first read makes the log's file: from now on it can be watched.
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
    return database
  } catch (thrown) {
    database.close()
    throw storageError(thrown)
  }
}

/** Another program that reads the file (a backup, an operator's shell) may hold it this long; the event loop waits. */
const BUSY_MS = 1_000

/** The log shrinks back to this after a burst. */
const LOG_BYTES_MAX = 64 * 1024 * 1024

/** Somebody has the lock and has not said who: its file was removed by hand. */
const UNKNOWN_HOLDER: Holder = { pid: 0, url: null, startedAt: '' }

const open: OpenDatabase = (path, { readOnly, busyMs }) => new DatabaseSync(path, { readOnly, timeout: busyMs })

function lockFolder(folder: string, holder: Holder): Lock {
  try {
    return holdLock(lockPath(folder), holder)
  } catch (thrown) {
    throw thrown instanceof LockHeldError ? new StoreLockedError(folder, thrown.holder) : thrown
  }
}
