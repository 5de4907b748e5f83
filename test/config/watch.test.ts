// Watch: each way in which a file changes, on real files; time is the test's.

import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type Watch, watchFile } from '../../src/config/watch.ts'
import { held, type TestWorld, testWorld } from '../support/world.ts'

const opened: (() => void)[] = []
afterEach(() => {
  for (const close of opened.splice(0).reverse()) close()
})

interface Watched {
  readonly folder: string
  readonly file: string
  readonly watch: Watch
  changes: number
  /** So many looks later. */
  looks(count: number): Promise<void>
  /** A second in which there may be none. */
  rests(): Promise<void>
}

/** A file that was read, and is watched from then on. */
async function watching(make = watchFile, path?: string): Promise<Watched> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-watch-'))
  opened.push(() => rmSync(folder, { recursive: true, force: true }))
  const file = path ?? join(folder, 'gateway.yaml')
  const world = testWorld()
  // A look is over when it has set the time of the next one: a stat takes as long as the disk wants.
  let over = held<void>()
  const setNext: TestWorld['clock']['setTimeout'] = (act, ms) => {
    over.resolve()
    return world.clock.setTimeout(act, ms)
  }
  const watched: Watched = {
    folder,
    file,
    watch: make(file),
    changes: 0,
    async looks(count) {
      for (let look = 0; look < count; look += 1) {
        over = held()
        await world.advance(250)
        await over.promise
      }
    },
    rests: () => world.advance(1_000),
  }
  writeFileSync(watched.file, 'one')
  const seen = { ...world, clock: { ...world.clock, setTimeout: setNext, clearTimeout: world.clock.clearTimeout } }
  await watched.watch.reading()
  watched.watch.begin(seen, () => void (watched.changes += 1))
  opened.push(() => watched.watch.end())
  await over.promise
  return watched
}

const SAVES: readonly (readonly [how: string, save: (watched: Watched) => void])[] = [
  ['is written in place', ({ file }) => writeFileSync(file, 'two')],
  ['is written in place with as many characters', ({ file }) => writeFileSync(file, 'One')],
  [
    'is renamed into place',
    ({ file }) => {
      writeFileSync(`${file}.next`, 'two')
      renameSync(`${file}.next`, file)
    },
  ],
  ['vanishes', ({ file }) => unlinkSync(file)],
  ['becomes a folder', ({ file }) => (unlinkSync(file), mkdirSync(file))],
  ['has a .env beside it that is new', ({ folder }) => writeFileSync(join(folder, '.env'), 'A=1')],
]

test.each(SAVES)('a file that %s: said once, when it has come to rest', (_, save) => expectSaid(watchFile, save))

test('a broken watch that looks at another file is caught', async () => {
  const elsewhere: typeof watchFile = (file) => watchFile(`${file}.other`)
  await expect(expectSaid(elsewhere, ({ file }) => writeFileSync(file, 'One'))).rejects.toThrow()
})

async function expectSaid(make: typeof watchFile, save: (watched: Watched) => void): Promise<void> {
  const watched = await watching(make)
  await watched.looks(3)
  save(watched)
  await watched.looks(1)
  expect(watched.changes, 'not before it is at rest').toBe(0)
  await watched.looks(3)
  expect(watched.changes).toBe(1)
  await watched.looks(5)
  expect(watched.changes).toBe(1)
}

test('a save that takes a while is said when it is over', async () => {
  const watched = await watching()
  for (const text of ['half', 'half of', 'half of it']) {
    writeFileSync(watched.file, text)
    await watched.looks(1)
  }
  expect(watched.changes).toBe(0)
  await watched.looks(3)
  expect(watched.changes).toBe(1)
})

test('changes again after a rename, and after it vanished and came back', async () => {
  const watched = await watching()
  writeFileSync(`${watched.file}.next`, 'two')
  renameSync(`${watched.file}.next`, watched.file)
  await watched.looks(3)
  writeFileSync(watched.file, 'three')
  await watched.looks(3)
  unlinkSync(watched.file)
  await watched.looks(3)
  writeFileSync(watched.file, 'three')
  await watched.looks(3)
  expect(watched.changes).toBe(4)
})

test('a link is followed, and so is the folder that it leads through', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-links-'))
  opened.push(() => rmSync(folder, { recursive: true, force: true }))
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(folder, version))
    writeFileSync(join(folder, version, 'gateway.yaml'), version)
  }
  symlinkSync('v1', join(folder, 'current'))
  symlinkSync('current/gateway.yaml', join(folder, 'gateway.yaml'))
  const watched = await watching(watchFile, join(folder, 'gateway.yaml'))
  symlinkSync('v2', join(folder, 'next'))
  renameSync(join(folder, 'next'), join(folder, 'current'))
  await watched.looks(3)
  expect(watched.changes).toBe(1)
})

test('a folder that is put in the place of another is looked into', async () => {
  const watched = await watching()
  renameSync(watched.folder, `${watched.folder}-old`)
  opened.push(() => rmSync(`${watched.folder}-old`, { recursive: true, force: true }))
  mkdirSync(watched.folder)
  writeFileSync(watched.file, 'two')
  await watched.looks(3)
  expect(watched.changes).toBe(1)
})

test('what changed between the first reading and the first look is said', async () => {
  const early: typeof watchFile = (file) => {
    const watch = watchFile(file)
    return {
      ...watch,
      begin(world, changed) {
        writeFileSync(file, 'two')
        watch.begin(world, changed)
      },
    }
  }
  const watched = await watching(early)
  await watched.looks(3)
  expect(watched.changes).toBe(1)
})

test('what somebody read meanwhile is no news; what changed after that is', async () => {
  const watched = await watching()
  writeFileSync(watched.file, 'two')
  await watched.watch.reading()
  await watched.looks(4)
  expect(watched.changes).toBe(0)
  writeFileSync(watched.file, 'three')
  await watched.looks(3)
  expect(watched.changes).toBe(1)
})

test('a file that the configuration names is looked at for as long as it names it', async () => {
  const watched = await watching()
  const named = join(watched.folder, 'cfo.md')
  writeFileSync(named, 'one')
  await watched.watch.alsoRead([named])
  await watched.looks(4)
  expect(watched.changes, 'it was just read').toBe(0)
  writeFileSync(named, 'two')
  await watched.looks(3)
  expect(watched.changes).toBe(1)
  unlinkSync(named)
  await watched.looks(3)
  expect(watched.changes).toBe(2)
  await watched.watch.reading()
  await watched.watch.alsoRead([])
  writeFileSync(named, 'three')
  await watched.looks(4)
  expect(watched.changes).toBe(2)
})

test('nothing is said after the end', async () => {
  const watched = await watching()
  opened.pop()?.()
  writeFileSync(watched.file, 'two')
  for (let second = 0; second < 3; second += 1) await watched.rests()
  expect(watched.changes).toBe(0)
})
