// Versions: old stores open, newer ones and foreign files are refused by name and stay as they are, and upgrades are whole.

import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, onTestFinished, test } from 'vitest'
import { StoreVersionError } from '../../src/store/failures.ts'
import { MIGRATIONS } from '../../src/store/schema.ts'
import { openFile, openStore, readHolder } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { HOLDER, temporaryFolder } from './parts.ts'
import { stillWorld } from './still-world.ts'
import { FIXTURES, PHOTO, SHOWN } from './write-fixture.ts'

const open = (folder: string): Store => {
  const store = openStore({ folder, holder: HOLDER, world: stillWorld() })
  onTestFinished(() => store.close())
  return store
}

describe('S47 a store that an earlier version wrote opens with everything in it', () => {
  const files = readdirSync(FIXTURES)

  test('there is one of each version', () => {
    expect(files.toSorted()).toEqual(MIGRATIONS.map((_, index) => `version-${index + 1}.db`))
  })

  test.each(files)('%s', async (file) => {
    const folder = temporaryFolder()
    copyFileSync(join(FIXTURES, file), join(folder, 'troupe.db'))
    await checkKnownContent(open(folder))
  })

  test('what came with a message and what a model was shown of it is there from version 5 on', async () => {
    const given = await Promise.all(files.toSorted().map(mediaIn))
    expect(given).toEqual(MIGRATIONS.map((_, index) => (index < 4 ? [[], undefined] : [[PHOTO], [SHOWN]])))
  })

  test('the check catches a store that was reset instead', async () => {
    await expect(checkKnownContent(open(temporaryFolder()))).rejects.toThrow()
  })
})

test('S47 V1 a store of a newer version is refused by name and is not changed', () => {
  const folder = temporaryFolder()
  const path = join(folder, 'troupe.db')
  openFile(path, [...MIGRATIONS, 'SELECT 1', 'SELECT 1']).close()
  const before = readFileSync(path)
  const refusal = thrownBy(() => open(folder))
  expect(refusal).toBeInstanceOf(StoreVersionError)
  const known = MIGRATIONS.length
  expect(refusal).toMatchObject({ found: known + 2, known, failure: { kind: 'permanent', reason: 'storage' } })
  expect(String(refusal)).toContain(
    `${path} has format version ${known + 2}; this Troupe knows versions up to ${known}`,
  )
  expect(readFileSync(path)).toEqual(before)
  expect(existsSync(`${path}-wal`)).toBe(false)
})

test.each([
  ['a text', 'these are my notes\n'],
  ['two bytes', '\0\0'],
  ['a long text', 'x'.repeat(100_000)],
])('V1 a file that is no database (%s) is refused and is not changed', (_, content) => {
  const folder = temporaryFolder()
  const path = join(folder, 'troupe.db')
  writeFileSync(path, content)
  expect(() => open(folder)).toThrow('The store is damaged, or its file is not a store.')
  expect(readFileSync(path, 'utf8')).toBe(content)
  // The refusal let go of the folder.
  expect(readHolder(folder)).toBeNull()
})

test('V1 a database of another program is refused and is not changed', () => {
  for (const sql of ['CREATE TABLE notes (text TEXT)', 'PRAGMA user_version = 1', 'PRAGMA application_id = 7']) {
    const folder = temporaryFolder()
    const path = join(folder, 'troupe.db')
    const foreign = new DatabaseSync(path)
    foreign.exec(sql)
    foreign.close()
    const before = readFileSync(path)
    expect(() => open(folder)).toThrow('is a database of another program')
    expect(readFileSync(path)).toEqual(before)
  }
})

test('an empty file, as a start that was cut short leaves it, becomes a store', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'troupe.db'), '')
  expect((await open(folder).counts()).sessions).toBe(0)
})

test('V2 an upgrade applies what is missing, in order, once, and keeps a copy of what was there', () => {
  const path = join(temporaryFolder(), 'test.db')
  const migrations = [
    'CREATE TABLE a (x TEXT); INSERT INTO a VALUES (1)',
    'ALTER TABLE a ADD y TEXT',
    'UPDATE a SET y = x',
  ]
  openFile(path, migrations.slice(0, 1)).close()
  expect(readdirSync(join(path, '..'))).toEqual(['test.db'])
  for (let n = 0; n < 2; n += 1) {
    const database = openFile(path, migrations)
    expect(database.prepare('SELECT * FROM a').all()).toEqual([{ x: '1', y: '1' }])
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 3 })
    database.close()
  }
  const copy = openFile(`${path}.version-1`, migrations.slice(0, 1))
  expect(copy.prepare('SELECT * FROM a').all()).toEqual([{ x: '1' }])
  copy.close()
})

test('V2 an upgrade that fails leaves the version and the data as they were, and can be tried again', () => {
  const path = join(temporaryFolder(), 'test.db')
  const first = 'CREATE TABLE a (x TEXT); INSERT INTO a VALUES (1)'
  openFile(path, [first]).close()
  for (let n = 0; n < 2; n += 1) {
    expect(() => openFile(path, [first, 'DELETE FROM a; DELETE FROM nothing'])).toThrow('nothing')
    const database = openFile(path, [first])
    expect(database.prepare('SELECT * FROM a').all()).toEqual([{ x: '1' }])
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 })
    database.close()
  }
})

test('P1 every commit is flushed to the disk, through a write-ahead log', () => {
  const path = join(temporaryFolder(), 'test.db')
  for (let n = 0; n < 2; n += 1) {
    const database = openFile(path, MIGRATIONS)
    expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 })
    expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    database.close()
  }
})

async function mediaIn(file: string): Promise<unknown> {
  const folder = temporaryFolder()
  copyFileSync(join(FIXTURES, file), join(folder, 'troupe.db'))
  const store = open(folder)
  const [message] = await store.unfinishedOf('web/second')
  return [message?.attachments, (await store.history('web/room'))[0]?.shown]
}

/** What write-fixture.ts put in; every version must give it back. */
async function checkKnownContent(store: Store): Promise<void> {
  const messages = { waiting: 2, answered: 1, discarded: 1, dead: 1 }
  expect(await store.counts()).toEqual({ sessions: 2, outbox: 1, deadLetters: 2, messages })
  expect(await store.unfinished('web', 0, 10)).toMatchObject([
    { seq: 4, platformMessageId: '4', command: null, sender: { id: '7', name: 'Anna', handle: '@anna' } },
    { seq: 5, conversation: 'second', command: { name: 'queue', text: 'later' } },
  ])
  expect((await store.history('web/room')).map((each) => each.text)).toEqual(['user T2', 'assistant T2'])
  expect(await store.transcript('web/room')).toHaveLength(7)
  expect((await store.sessions(10)).map((each) => `${each.key} ${each.turns} ${each.waiting}`).toSorted()).toEqual([
    'web/room 3 1',
    'web/second 0 1',
  ])
  expect(await store.nextOwed('web', 'owed')).toMatchObject({ id: 2, replyTo: '1', partsSent: 1, uncertain: true })
  expect((await store.deadLetters(10)).map((each) => each.reason)).toEqual([
    'The person blocked the bot.',
    'it broke the process',
  ])
  expect((await store.journalAfter({ channel: 'web', conversation: 'room' }, 0, 10)).map((each) => each.role)).toEqual([
    ...Array(4).fill('user'),
    'assistant',
  ])
  expect([await store.isPaired('web', '7'), (await store.pairings()).length]).toEqual([true, 2])
}

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (thrown) {
    return thrown
  }
  throw new Error('nothing was thrown')
}
