// Uploads: what is on disk when, what is left when something breaks off, and when it goes. On real files.

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type FileHandle, open, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Attachment } from '../../machines/media.ts'
import { openUploads, type Uploads } from '../../src/store/uploads.ts'
import { testWorld } from '../support/world.ts'
import { temporaryFolder } from './parts.ts'

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

async function stage(bytesMax?: number) {
  const folder = temporaryFolder()
  let ids = 0
  // As long as those of the real world, with all that may stand in them.
  const world = { ...testWorld(), id: () => `-_aZ09${String((ids += 1)).padStart(10, '0')}` }
  const begin = (): Promise<Uploads> => openUploads({ folder, world, ...(bytesMax === undefined ? {} : { bytesMax }) })
  const path = join(folder, 'uploads')
  const there = (): string[] => (existsSync(path) ? readdirSync(path).toSorted() : [])
  return { folder, path, there, begin, uploads: await begin() }
}

const attachment = (reference: string): Attachment => ({
  ...{ kind: 'document', reference, name: null, mediaType: null, bytes: null, seconds: null },
})

const read = async (uploads: Uploads, reference: string, given: { bytesMax?: number; signal?: AbortSignal } = {}) => {
  const taken: Uint8Array[] = []
  const { bytesMax = 1_000_000, signal = new AbortController().signal } = given
  await uploads.read(reference, { bytesMax, signal, take: async (piece) => void taken.push(piece) })
  return Buffer.concat(taken).toString()
}

test('a file is there as it came, for its owner alone, and is read piece by piece', async () => {
  const { uploads, path, there } = await stage()
  expect(there()).toEqual([])
  const long = 'x'.repeat(200_000)
  const upload = await uploads.keep(pieces('GIF8', '9a', long))
  expect(upload).toMatchObject({ bytes: 200_006 })
  expect(Buffer.from(upload.head).toString()).toBe('GIF89axxxxxxxxxx')
  expect(readFileSync(join(path, upload.reference), 'utf8')).toBe(`GIF89a${long}`)
  expect([statSync(path).mode & 0o777, statSync(join(path, upload.reference)).mode & 0o777]).toEqual([0o700, 0o600])
  expect(await read(uploads, upload.reference)).toBe(`GIF89a${long}`)
})

test('P3: its bytes and its name are flushed before anybody is told that it is kept', async () => {
  const { uploads, folder, path } = await stage()
  const handle = await open(folder)
  const flushed: string[] = []
  const prototype = Object.getPrototypeOf(handle) as FileHandle // The class has no name of its own in Node.
  const sync = vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
    flushed.push(await readlink(`/proc/self/fd/${this.fd}`))
  })
  onTestFinished(() => sync.mockRestore())
  await handle.close()
  const { reference } = await uploads.keep(pieces('x'))
  expect(flushed).toEqual([folder, join(path, reference), path])
})

test('what breaks off leaves nothing, and its reason is passed on', async () => {
  const { uploads, there } = await stage()
  const left = new Error('the client left')
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('half')
    expect(there()).toHaveLength(1)
    throw left
  }
  await expect(uploads.keep(broken())).rejects.toBe(left)
  expect(there()).toEqual([])
})

test('a disk that does not take it is told, and nothing is kept', async () => {
  const { uploads, folder } = await stage()
  writeFileSync(join(folder, 'uploads'), 'a file in its place')
  await expect(uploads.keep(pieces('x'))).rejects.toMatchObject({ failure: { reason: 'storage' } })
})

test('M2: all together have a bound, in bytes and, because each takes a block, in number', async () => {
  const { uploads, there, begin } = await stage(10_000)
  const full = { failure: { kind: 'retryable', reason: 'storage', message: 'Too many files wait for their turns.' } }
  const one = await uploads.keep(pieces('x'))
  await uploads.keep(pieces('y'.repeat(5_000)))
  await expect(uploads.keep(pieces('z'))).rejects.toMatchObject(full)
  expect(there()).toHaveLength(2)
  await uploads.drop([one.reference])
  await uploads.drop([one.reference])
  await expect(uploads.keep(pieces('z'.repeat(4_000), 'z'.repeat(4_000)))).rejects.toMatchObject(full)
  await uploads.keep(pieces('z'))
  // A process that begins counts what is there.
  await expect((await begin()).keep(pieces('z'))).rejects.toMatchObject(full)
})

test('M5: a sweep removes what belongs to no message that may be prepared, and nothing that is on its way to one', async () => {
  const { uploads, there } = await stage()
  const [needed, settled, inHand] = [
    await uploads.keep(pieces('a')),
    await uploads.keep(pieces('b')),
    await uploads.keep(pieces('c')),
  ]
  uploads.release([needed.reference, settled.reference])
  expect(await uploads.sweep(async () => [attachment(needed.reference)])).toBe(1)
  expect(there()).toEqual([needed.reference, inHand.reference].toSorted())
  // Accepted while the store is asked: it was in hand when the sweep began.
  const late = uploads.sweep(async () => {
    uploads.release([inHand.reference])
    return [attachment(needed.reference)]
  })
  expect(await late).toBe(0)
  expect(await uploads.sweep(async () => [])).toBe(2)
  expect(there()).toEqual([])
  await expect(uploads.sweep(() => Promise.reject(new Error('not asked for nothing')))).resolves.toBe(0)
})

test('a crash between a file and its message leaves an orphan, and the next start removes it', async () => {
  const { uploads, there, begin } = await stage()
  const [kept, orphan] = [await uploads.keep(pieces('kept')), await uploads.keep(pieces('orphan'))]
  const next = await begin()
  expect(there()).toHaveLength(2)
  expect(await next.sweep(async () => [attachment(kept.reference)])).toBe(1)
  expect(there()).toEqual([kept.reference])
  expect(await read(next, kept.reference)).toBe('kept')
  await expect(read(next, orphan.reference)).rejects.toMatchObject({ failure: { reason: 'notFound' } })
})

test('what is not a file of ours is neither read nor removed', async () => {
  const { uploads, folder, path, begin } = await stage()
  mkdirSync(path, { recursive: true })
  writeFileSync(join(folder, 'secret'), 'secret')
  writeFileSync(join(path, '.hidden file'), 'x')
  mkdirSync(join(path, 'folder'))
  for (const reference of ['../secret', '..', '', '.', 'folder/../../secret', join(folder, 'secret')])
    await expect(read(uploads, reference), reference).rejects.toMatchObject({ failure: { reason: 'notFound' } })
  expect(await (await begin()).sweep(async () => [])).toBe(0)
  expect(readdirSync(path)).toHaveLength(2)
})

test('reading ends at its bound, and when it is ended', async () => {
  const { uploads } = await stage()
  const { reference } = await uploads.keep(pieces('x'.repeat(100_000)))
  const tooLarge = { failure: { reason: 'refused', message: 'it is larger than 99.0 KB' } }
  await expect(read(uploads, reference, { bytesMax: 99_000 })).rejects.toMatchObject(tooLarge)
  const controller = new AbortController()
  const take = async (): Promise<void> => controller.abort()
  const reading = uploads.read(reference, { bytesMax: 1_000_000, signal: controller.signal, take })
  await expect(reading).rejects.toMatchObject({ failure: { reason: 'cancelled' } })
})
