// Disks that are full, read-only or gone: nothing is accepted that was not written, it is said plainly, and it goes on by itself.

import { chmodSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { queuedStore } from '../../src/store/queued.ts'
import { MIGRATIONS } from '../../src/store/schema.ts'
import { openFile, openStore } from '../../src/store/sqlite.ts'
import { newMessage } from './message-parts.ts'
import { HOLDER, startChild, temporaryFolder } from './parts.ts'
import { stillWorld } from './still-world.ts'

test('S46 a full database: what resolved is there and nothing else, reads answer, and writing goes on when there is space', async () => {
  // The engine's own page limit gives its real "database or disk is full", in the middle of a batch.
  const database = openFile(join(temporaryFolder(), 'troupe.db'), MIGRATIONS)
  const said: string[] = []
  const store = queuedStore({
    ...{ database, world: stillWorld(), beforeCommit: () => {}, onClosed: () => {} },
    ...{ onCommit: () => said.push('written'), onFailure: ({ message }) => said.push(message) },
  })
  onTestFinished(() => store.close())
  database.exec('PRAGMA max_page_count = 200')
  const accepted: string[] = []
  const refused: unknown[] = []
  for (let batch = 0; batch < 20; batch += 1) {
    const ids = Array.from({ length: 20 }, (_, n) => `${batch}-${n}`)
    await Promise.all(
      ids.map((id) =>
        store.accept(newMessage({ platformMessageId: id, text: 'x'.repeat(8_000) })).then(
          () => accepted.push(id),
          (thrown: unknown) => refused.push(thrown),
        ),
      ),
    )
  }
  expect(accepted.length).toBeGreaterThan(0)
  expect(refused.length).toBeGreaterThan(0)
  const full = { kind: 'retryable', reason: 'storage', message: 'The disk of the store is full.' }
  for (const each of refused) expect(each).toMatchObject({ failure: full })
  expect(said.at(-1)).toBe(full.message)
  const there = async () => (await store.unfinished('web', 0, 10_000)).map((each) => each.platformMessageId)
  expect((await there()).toSorted()).toEqual(accepted.toSorted())
  expect((await store.counts()).messages.waiting).toBe(accepted.length)
  database.exec('PRAGMA max_page_count = 1000000')
  await store.accept(newMessage({ platformMessageId: 'later' }))
  expect(said.at(-1)).toBe('written')
  expect(await there()).toHaveLength(accepted.length + 1)
})

test('S46 a disk that takes no more bytes: the accept rejects, and the next process finds all that resolved', async () => {
  const folder = temporaryFolder()
  const child = startChild('child-limited.ts', ['limited', folder], 4_000)
  await child.ended
  const said = child.lines.map((line): { accepted?: string; failure?: object } => JSON.parse(line))
  expect(said.at(-1)?.failure).toMatchObject({ kind: 'retryable', reason: 'storage' })
  const accepted = said.flatMap((each) => each.accepted ?? [])
  expect(accepted.length).toBeGreaterThan(10)
  const store = openStore({ folder, holder: HOLDER, world: stillWorld() })
  onTestFinished(() => store.close())
  expect((await store.unfinished('web', 0, 10_000)).map((each) => each.platformMessageId)).toEqual(accepted)
})

test('S46 a store whose file is gone accepts nothing, also not into the deleted file, and goes on when it is back', async () => {
  const folder = temporaryFolder()
  const store = openStore({ folder, holder: HOLDER, world: stillWorld() })
  onTestFinished(() => store.close())
  await store.accept(newMessage())
  for (const file of ['troupe.db', 'troupe.db-wal']) {
    renameSync(join(folder, file), join(folder, 'moved'))
    const refusal = expect.stringContaining(`${file} was removed or replaced`)
    await expect(store.accept(newMessage({ platformMessageId: '2' }))).rejects.toMatchObject({
      failure: { kind: 'retryable', reason: 'storage', message: refusal },
    })
    writeFileSync(join(folder, file), 'another file')
    await expect(store.accept(newMessage({ platformMessageId: '2' }))).rejects.toMatchObject({
      failure: { message: refusal },
    })
    rmSync(join(folder, file))
    renameSync(join(folder, 'moved'), join(folder, file))
    expect(await store.unfinished('web', 0, 10)).toHaveLength(1)
  }
  expect(await store.accept(newMessage({ platformMessageId: '2' }))).toMatchObject({ duplicate: false })
})

test('a folder that may not be written is refused with a plain sentence and a remedy', async () => {
  const folder = temporaryFolder()
  chmodSync(folder, 0o555)
  const child = startChild('child-limited.ts', ['unprivileged', join(folder, 'data')])
  await child.ended
  const { failure } = JSON.parse(child.lines[0] ?? '')
  expect(failure).toMatchObject({
    kind: 'permanent',
    reason: 'storage',
    remedy: expect.stringContaining('right to write'),
  })
  expect(failure.message).toContain('The data folder is not writable')
})

test('a place where no folder can be made is refused by name, and not tried for ever', async () => {
  // /proc says of it that a parent is missing, however often the parents are made.
  const child = startChild('child-limited.ts', ['unprivileged', '/proc/troupe/data'])
  await child.ended
  expect(JSON.parse(child.lines[0] ?? '').failure).toMatchObject({
    kind: 'permanent',
    message: 'The data folder cannot be used: /proc/troupe (ENOENT).',
  })
})

test('a data folder that is a file is refused with a plain sentence and a remedy, and the file stays', () => {
  const file = join(temporaryFolder(), 'data')
  writeFileSync(file, 'mine')
  for (const folder of [file, join(file, 'below')]) {
    expect(() => openStore({ folder, holder: HOLDER, world: stillWorld() })).toThrow(
      expect.objectContaining({
        failure: expect.objectContaining({
          reason: 'storage',
          message: expect.stringContaining("A file and a folder stand in each other's place"),
        }),
      }),
    )
  }
})

test('what people wrote is readable by this user alone', async () => {
  const folder = join(temporaryFolder(), 'new', 'data')
  const store = openStore({ folder, holder: HOLDER, world: stillWorld() })
  onTestFinished(() => store.close())
  await store.accept(newMessage())
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  for (const file of readdirSync(folder).filter((name) => name.startsWith('troupe.db'))) {
    expect([file, statSync(join(folder, file)).mode & 0o077]).toEqual([file, 0])
  }
})
