// Lock: at most one process holds a path. Two files: PATH.db carries the lock, PATH.json says who has it.
//   L1. The kernel releases the lock with the process, however that ends: nothing stale is left to judge.
//   L2. The .json file is for the message only; whether the lock is held is never read from it.
// The lock is an SQLite transaction that is never ended. Nothing else may open PATH.db in this process: closing any
// descriptor of it would release the lock (POSIX); SQLite knows that of its own connections.

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import type { Database, OpenDatabase } from './database.ts'
import { describeHolder, type Holder, isBusy, LockHeldError, storageError } from './failures.ts'

export interface Lock {
  release(): void
}

/** Takes the lock or throws LockHeldError. The folder of `path` must be there. */
export function takeLock(open: OpenDatabase, path: string, holder: Holder): Lock {
  const database = openLock(open, path)
  try {
    // Who probes the lock shares it for a moment, so this waits a little; it creates no journal that a crash could leave.
    // The file stays empty, and a connection sets memory aside for twenty pages: of the least size, or each lock takes 80 KB more.
    database.exec('PRAGMA page_size = 512; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    writeHolder(path, holder)
  } catch (thrown) {
    database.close()
    throw isBusy(thrown) ? heldError(path, heldBy(path)) : storageError(thrown)
  }
  held.add(database)
  return {
    release() {
      if (!held.delete(database)) return
      rmSync(`${path}.json`, { force: true })
      database.close()
    },
  }
}

/** Who holds the lock at this moment: `free`, a holder, or null for a holder that has not said who it is. */
export function probeLock(open: OpenDatabase, path: string): Holder | null | 'free' {
  if (!existsSync(`${path}.db`)) return 'free'
  const database = open(`${path}.db`, { readOnly: true, busyMs: 0 })
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
    return 'free'
  } catch (thrown) {
    if (!isBusy(thrown)) throw storageError(thrown)
    return heldBy(path)
  } finally {
    database.close()
  }
}

/** Only the holder may call this. */
export function writeHolder(path: string, holder: Holder): void {
  const next = `${path}.json.next`
  writeFileSync(next, `${JSON.stringify(holder)}\n`, { mode: 0o600 })
  renameSync(next, `${path}.json`)
}

/** Longer than any probe shares the lock, short enough for a refusal that feels immediate. */
const LOCK_BUSY_MS = 300

/** A holder has written its name within a millisecond of taking the lock; this is the wait for it, in steps. */
const NAME_STEPS_MAX = 10
const NAME_STEP_MS = 10

// A connection that nothing refers to is closed by the garbage collector, and its lock with it.
const held = new Set<Database>()

function openLock(open: OpenDatabase, path: string): Database {
  try {
    return open(`${path}.db`, { readOnly: false, busyMs: LOCK_BUSY_MS })
  } catch (thrown) {
    throw storageError(thrown)
  }
}

function heldBy(path: string): Holder | null {
  for (let step = 0; step < NAME_STEPS_MAX; step += 1) {
    const holder = readHolderFile(path)
    if (holder !== null) return holder
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NAME_STEP_MS)
  }
  return null
}

function readHolderFile(path: string): Holder | null {
  try {
    const value: unknown = JSON.parse(readFileSync(`${path}.json`, 'utf8'))
    return isHolder(value) ? { pid: value.pid, url: value.url, startedAt: value.startedAt } : null
  } catch {
    // Not there yet, or half a file of somebody else's making: the message then names nobody.
    return null
  }
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== 'object' || value === null) return false
  const { pid, url, startedAt } = value as Partial<Record<keyof Holder, unknown>> // an object read from a file
  return typeof pid === 'number' && (url === null || typeof url === 'string') && typeof startedAt === 'string'
}

function heldError(path: string, holder: Holder | null): LockHeldError {
  return new LockHeldError(
    {
      kind: 'retryable',
      reason: 'conflict',
      message: `Another Troupe process${describeHolder(holder)} holds ${path}.`,
      remedy: 'Stop that process first.',
    },
    holder,
  )
}
