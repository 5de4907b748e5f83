// Look: what a start would find of a store, without opening it and without leaving anything behind: for `troupe doctor`.
//   Read off the head of its file. What a process that was killed has only in the write-ahead log is not seen here, but by the start.

import { closeSync, openSync, readSync, statfsSync } from 'node:fs'
import { FailureError } from '../../machines/failure.ts'
import { DAMAGED, DISK_FULL, foreignDatabase, storageError, StoreVersionError } from './failures.ts'
import { storePath } from './files.ts'
import { APPLICATION_ID, MIGRATIONS } from './schema.ts'

/** Throws as the start would: a store of a newer version, a damaged one, another program's database, a disk without room. */
export function lookAtStore(folder: string, roomIn: (folder: string) => Room = statfsSync): void {
  const path = storePath(folder)
  const head = headOf(path)
  const { blocks, bavail, bsize } = roomIn(folder)
  if (blocks > 0 && bavail * bsize < ROOM_BYTES) throw new FailureError(DISK_FULL)
  // An empty file, as a start that was cut short leaves it, becomes a store.
  if (head === null || head.length === 0) return
  if (head.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new FailureError(DAMAGED)
  const application = head.readUInt32BE(APPLICATION_AT)
  const version = head.readUInt32BE(VERSION_AT)
  if (application !== APPLICATION_ID && (application !== 0 || version !== 0))
    throw new FailureError(foreignDatabase(path))
  if (application === APPLICATION_ID && version > MIGRATIONS.length)
    throw new StoreVersionError(path, version, MIGRATIONS.length)
}

/** Of a file system, in blocks; one that does not tell says that it has none. */
type Room = Readonly<Record<'blocks' | 'bavail' | 'bsize', number>>

/** What the first minute of a gateway writes, and more. */
const ROOM_BYTES = 1024 * 1024

/** Of SQLite's file format, which does not change. */
const MAGIC = 'SQLite format 3\0'
const HEAD_BYTES = 100
const VERSION_AT = 60
const APPLICATION_AT = 68

/** null: there is no store yet. A file that is shorter than a head is none of SQLite's. */
function headOf(path: string): Buffer | null {
  try {
    const file = openSync(path, 'r')
    try {
      const head = Buffer.alloc(HEAD_BYTES)
      return readSync(file, head, 0, HEAD_BYTES, 0) === 0 ? Buffer.alloc(0) : head
    } finally {
      closeSync(file)
    }
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null
    throw storageError(thrown)
  }
}
