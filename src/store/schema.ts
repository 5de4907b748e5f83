// Schema: the numbered migrations and how they are applied. A migration that was released is never edited; a change is a new one.
//   V1. A file of a newer version, of another program or of no database at all is refused and stays as it is.
//   V2. Each migration happens whole or not at all, with its number; an existing file is copied before the first one.

import { FailureError } from '../../machines/failure.ts'
import { type Database, numberOf, theRow } from './database.ts'
import { foreignDatabase, StoreVersionError } from './failures.ts'
import { VERSION_1 } from './schema-version-1.ts'
import { VERSION_2 } from './schema-version-2.ts'
import { VERSION_3 } from './schema-version-3.ts'
import { VERSION_4 } from './schema-version-4.ts'
import { VERSION_5 } from './schema-version-5.ts'
import { VERSION_6 } from './schema-version-6.ts'
import { VERSION_7 } from './schema-version-7.ts'
import { VERSION_8 } from './schema-version-8.ts'

/** Position + 1 is the version. */
export const MIGRATIONS: readonly string[] = [
  VERSION_1,
  VERSION_2,
  VERSION_3,
  VERSION_4,
  VERSION_5,
  VERSION_6,
  VERSION_7,
  VERSION_8,
]

export interface MigrateOptions {
  /** For messages. */
  readonly path: string
  readonly migrations: readonly string[]
  /** Called before the first migration of a file that holds data; makes a copy. */
  readonly keepCopy: (version: number) => void
}

/** Brings the file up to the newest version. */
export function migrate(database: Database, options: MigrateOptions): void {
  const found = versionOf(database, options.path)
  const known = options.migrations.length
  if (found > known) throw new StoreVersionError(options.path, found, known)
  if (found > 0 && found < known) options.keepCopy(found)
  options.migrations.slice(found).forEach((sql, index) => {
    apply(database, sql, found + index + 1)
  })
}

/** Marks a file as a store of Troupe ("Trpe" in ASCII), so that another program's database is never taken for one. */
export const APPLICATION_ID = 0x54727065

/** 0: an empty file. */
export function versionOf(database: Database, path: string): number {
  const application = pragma(database, 'application_id')
  const version = pragma(database, 'user_version')
  if (application === APPLICATION_ID) return version
  const objects = numberOf(theRow(database.prepare('SELECT count(*) AS count FROM sqlite_schema').get()), 'count')
  if (application === 0 && version === 0 && objects === 0) return 0
  throw new FailureError(foreignDatabase(path))
}

function apply(database: Database, sql: string, version: number): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    database.exec(sql)
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${version}; COMMIT`)
  } catch (thrown) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw thrown
  }
}

function pragma(database: Database, name: 'application_id' | 'user_version'): number {
  return numberOf(theRow(database.prepare(`PRAGMA ${name}`).get()), name)
}
