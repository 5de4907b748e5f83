// Look: what is found of a store without opening it is what a start finds, and nothing is left behind.

import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { failureOf } from '../../machines/failure.ts'
import { lookAtStore } from '../../src/store/look.ts'
import { openStore } from '../../src/store/sqlite.ts'
import { HOLDER, temporaryFolder } from './parts.ts'
import { stillWorld } from './still-world.ts'

function database(sql: string) {
  return (path: string): void => {
    const made = new DatabaseSync(path)
    made.exec(sql)
    made.close()
  }
}

const TROUPE = 'PRAGMA application_id = 0x54727065'

/** Each as it lies there; what is wrong with it is empty when a start takes it. */
const FILES: Readonly<Record<string, readonly [make: (path: string) => void, wrong: string]>> = {
  none: [() => {}, ''],
  'an empty one': [(path) => writeFileSync(path, ''), ''],
  'one of the first version': [database(`${TROUPE}; PRAGMA user_version = 1`), ''],
  'one of a newer version': [database(`${TROUPE}; PRAGMA user_version = 99`), 'has format version 99'],
  'one of another program': [database('CREATE TABLE a (b); PRAGMA user_version = 3'), 'another program'],
  'one that is no database': [(path) => writeFileSync(path, 'no database '.repeat(100)), 'is damaged'],
  'one that is cut off': [(path) => writeFileSync(path, 'SQLite'), 'is damaged'],
}

test.each(Object.entries(FILES))('%s', (_, [make, wrong]) => {
  const folder = temporaryFolder()
  make(join(folder, 'troupe.db'))
  const before = readdirSync(folder)
  expect(foundIn(folder)).toContain(wrong)
  expect(wrong === '' ? foundIn(folder) : '').toBe('')
  expect(readdirSync(folder)).toEqual(before)
})

test('what a start refuses it refuses in the same words', () => {
  for (const [make, wrong] of Object.values(FILES)) {
    const folder = temporaryFolder()
    make(join(folder, 'troupe.db'))
    if (wrong === '' || wrong === 'is damaged') continue
    const found = foundIn(folder)
    expect(() => openStore({ folder, holder: HOLDER, world: stillWorld() })).toThrow(found)
  }
})

test('S46 a disk without room is named, and one that does not tell how much it has is not', () => {
  const folder = temporaryFolder()
  const having = (blocks: number) => () => lookAtStore(folder, () => ({ blocks, bavail: 3, bsize: 4_096 }))
  expect(having(1_000)).toThrow('The disk of the store is full.')
  expect(having(0)).not.toThrow()
})

/** Empty: nothing is wrong. */
function foundIn(folder: string): string {
  try {
    lookAtStore(folder)
    return ''
  } catch (thrown) {
    return failureOf(thrown).message
  }
}
