// Received files: whole or not there, never through a link, in the folder that the agent's tools see, and within a bound.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { AgentDefinition } from '../../machines/definitions.ts'
import { MEDIA_MS_MAX, RECEIVED_BYTES_MAX } from '../../machines/limits.ts'
import { receivedOpener } from '../../src/tools/received.ts'
import { receivedText } from '../../src/tools/received-text.ts'
import { testAgent } from '../support/definitions.ts'
import { testWorld } from '../support/world.ts'

function place(given: Partial<AgentDefinition> = {}) {
  const data = realpathSync(mkdtempSync(join(tmpdir(), 'troupe-received-')))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const definition = testAgent('cfo', given)
  const parts = { definition, session: 'tg/7', turn: 'turn-1', data, world: testWorld() }
  const folders = () => (existsSync(join(data, 'work')) ? readdirSync(join(data, 'work')) : [])
  const folder = () => join(data, 'work', folders()[0] ?? '', 'received')
  return { data, parts, folders, folder, open: () => receivedOpener([])(parts) }
}

const fill = (text: string) => (take: (piece: Uint8Array) => Promise<void>) => take(Buffer.from(text))

test('a file is there with its size and its beginning, for its session alone', async () => {
  const { open, parts, folder } = place()
  const received = await open()
  expect(await received.look('1-1-a.txt')).toBe(null)
  await received.keep('1-1-a.txt', async (take) => {
    for (const piece of ['hello ', 'there, whoever']) await take(Buffer.from(piece))
  })
  expect(await received.look('1-1-a.txt')).toEqual({ bytes: 20, head: Buffer.from('hello there, who') })
  expect(await received.text('1-1-a.txt', 5)).toEqual({ text: 'hello', isWhole: false })
  expect(await received.bytes('1-1-a.txt', 19)).toBe(null)
  expect(readdirSync(folder())).toEqual(['1-1-a.txt'])
  const other = await receivedOpener([])({ ...parts, session: 'tg/8' })
  expect(await other.look('1-1-a.txt')).toBe(null)
})

test('a file that broke off leaves nothing behind', async () => {
  const { open, folder } = place()
  const received = await open()
  const broken = received.keep('1-1-a.txt', async (take) => {
    await take(Buffer.from('half'))
    throw new Error('broke off')
  })
  await expect(broken).rejects.toThrow('broke off')
  expect(readdirSync(folder())).toEqual([])
})

describe('which folder', () => {
  test('that of the run, when its tools work in one', async () => {
    const { open, folders } = place({ tools: ['files'], workdir: 'per_run' })
    await (await open()).keep('1-1-a', fill('x'))
    expect(folders()[0]).toMatch(/^run-tg_7/)
  })

  test('that of the session, when no tool has one', async () => {
    const { open, folders } = place({ tools: ['memory'], workdir: 'per_run' })
    await (await open()).keep('1-1-a', fill('x'))
    expect(folders()[0]).toMatch(/^tg_7/)
  })

  test('a given one, when its tools work there', async () => {
    const { data } = place()
    const path = join(data, 'given')
    mkdirSync(path)
    const { open } = place({ tools: ['files'], workdir: { path } })
    await (await open()).keep('1-1-a', fill('x'))
    expect(readdirSync(join(path, 'received'))).toEqual(['1-1-a'])
  })
})

describe('what a command of an earlier run put in its place', () => {
  test('a link to a file elsewhere is neither read nor written through', async () => {
    const { data, open, folder } = place()
    const received = await open()
    await received.keep('1-1-a', fill('x'))
    writeFileSync(join(data, 'secret'), 'PRIVATE')
    symlinkSync(join(data, 'secret'), join(folder(), '2-1-b'))
    await expect(received.text('2-1-b', 100)).rejects.toThrow()
    await received.keep('2-1-b', fill('mine'))
    expect(await received.text('2-1-b', 100)).toEqual({ text: 'mine', isWhole: true })
    expect(existsSync(join(data, 'secret'))).toBe(true)
  })

  test('a link in place of the folder leads nowhere', async () => {
    const { data, open, folder } = place()
    const received = await open()
    await received.keep('1-1-a', fill('x'))
    mkdirSync(join(data, 'outside'))
    writeFileSync(join(data, 'outside', '1-1-a'), 'PRIVATE')
    rmSync(folder(), { recursive: true })
    symlinkSync(join(data, 'outside'), folder())
    await expect(received.text('1-1-a', 100)).rejects.toThrow('leads out of the working folder')
    await expect(received.keep('1-1-b', fill('x'))).rejects.toThrow('leads out of the working folder')
  })
})

test('all files together have a bound: the oldest make room, and what a tool made there stays', async () => {
  const { open, folder } = place()
  const received = await open()
  for (const name of ['9-1-a', '10-1-b', 'notes']) await received.keep(name, fill('x'))
  truncateSync(join(folder(), '9-1-a'), RECEIVED_BYTES_MAX / 2)
  truncateSync(join(folder(), '10-1-b'), RECEIVED_BYTES_MAX / 2)
  await received.keep('11-1-c', fill('x'))
  expect(readdirSync(folder()).toSorted()).toEqual(['10-1-b', '11-1-c', 'notes'])
})

test('what the end of a process left unfinished goes once its file is there, or with a later file when nobody can be at it', async () => {
  const { open, folder } = place()
  const received = await open()
  await received.keep('7-1-a', fill('x'))
  const draft = (name: string, ageMs: number) => {
    writeFileSync(join(folder(), name), 'half')
    const atS = (testWorld().nowMs() - ageMs) / 1_000
    utimesSync(join(folder(), name), atS, atS)
  }
  draft('.8-1-left.draft', 0)
  draft('.9-1-fetched.draft', MEDIA_MS_MAX)
  draft('.10-1-old.draft', MEDIA_MS_MAX + 1_000)
  draft('.notes.draft', 99 * MEDIA_MS_MAX)
  await received.keep('8-1-b', fill('x'))
  expect(readdirSync(folder()).toSorted()).toEqual(['.9-1-fetched.draft', '.notes.draft', '7-1-a', '8-1-b'])
})

test('a file that is fetched twice at once is whole, and the other one fails', async () => {
  const { open, folder } = place()
  const [first, second] = [await open(), await open()]
  const going = Promise.withResolvers<void>()
  const late = first.keep('7-1-a', async (take) => {
    await take(Buffer.from('half'))
    await going.promise
  })
  await second.keep('7-1-a', fill('whole'))
  going.resolve()
  await expect(late).rejects.toThrow()
  expect(await second.text('7-1-a', 100)).toEqual({ text: 'whole', isWhole: true })
  expect(readdirSync(folder())).toEqual(['7-1-a'])
})

describe('text', () => {
  test.each([
    ['a.txt', Buffer.from('\ufeffa\r\nb\n'), 'a\nb'],
    ['a.csv', Buffer.from('ü,ß'), 'ü,ß'],
    ['a.txt', Buffer.from('\ufeffüber', 'utf16le'), 'über'],
    ['a.html', Buffer.from('<script>x</script><p>hello</p>'), 'hello'],
    ['a', Buffer.from('<!DOCTYPE html><html><p>hello</p></html>'), 'hello'],
    ['a.ansi', Buffer.from('\x1b[31mred'), '\x1b[31mred'],
    ['a.txt', Buffer.alloc(0), ''],
  ])('%s', (name, bytes, text) => expect(receivedText(name, bytes, true)).toEqual({ text, isWhole: true }))

  test.each([
    ['a zip, whatever it is called', Buffer.from('504b0304ff', 'hex')],
    ['NUL', Buffer.from('a\0b')],
    ['Latin-1', Buffer.from('f6e4fc', 'hex')],
    ['half a character at its end', Buffer.from('c3', 'hex')],
  ])('%s is none', (_, bytes) => expect(receivedText('a.txt', bytes, true)).toBe(null))

  test('a character that the bound cuts in two is left out', () => {
    expect(receivedText('a.txt', Buffer.from('61c3', 'hex'), false)).toEqual({ text: 'a', isWhole: false })
  })
})
