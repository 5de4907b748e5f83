// Uploads: files that came with messages and wait for their turns, in `uploads` of the data folder: for platforms that keep none.
// Owns that folder and the count of its bytes; which message has which file is the store's.
//   P3. What was kept is on disk: a file's bytes and its name are flushed before its message can be accepted.
//   P4. A file stays as long as its message may be prepared: until it is settled, and for a while as a dead letter. What belongs to no
//       such message goes: at once where that is known, else with the next sweep, and after a crash with the next start.

import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Failure, FailureError } from '../../machines/failure.ts'
import { UPLOADS_BYTES_MAX } from '../../machines/limits.ts'
import { type Attachment, HEAD_BYTES, sizeText } from '../../machines/media.ts'
import { type Upload, unneeded } from '../../machines/uploads.ts'
import type { World } from '../world.ts'
import { storageError } from './failures.ts'

export interface Uploads {
  /** Resolves once all of it is on disk; rejects with what `pieces` throws, or a FailureError, and then nothing of it is left. */
  keep(pieces: AsyncIterable<Uint8Array>): Promise<Upload>
  /** What becomes of them is the store's: their message was handed over. */
  release(references: readonly string[]): void
  /** Removes files that no message was accepted with. Never rejects: what cannot be removed goes with a sweep. */
  drop(references: readonly string[]): Promise<void>
  /** Gives a file to `take`, piece by piece, each once the one before was taken. Rejects with a FailureError. */
  read(reference: string, reading: ReadingUpload): Promise<void>
  /** Removes what belongs to no message that may still be prepared; answers with how many. `attachments` has what such messages have. */
  sweep(attachments: () => Promise<readonly Attachment[]>): Promise<number>
}

export interface ReadingUpload {
  readonly bytesMax: number
  readonly signal: AbortSignal
  readonly take: (piece: Uint8Array) => Promise<void>
}

export interface UploadsOptions {
  /** The data folder. */
  readonly folder: string
  readonly world: World
  /** Instead of the bound of all of them. */
  readonly bytesMax?: number
}

/** Looks at what an earlier process left; the folder is made for the first file. */
export async function openUploads({ folder, world, bytesMax = UPLOADS_BYTES_MAX }: UploadsOptions): Promise<Uploads> {
  const path = join(folder, 'uploads')
  const files = new Map<string, number>()
  for (const name of await readdir(path).catch((): string[] => [])) {
    const found = isReference(name) ? await stat(join(path, name)).catch(() => null) : null
    if (found?.isFile() === true) files.set(name, found.size)
  }
  return new KeptUploads({ path, files, world, bytesMax })
}

interface Kept {
  readonly path: string
  /** How large each is. */
  readonly files: Map<string, number>
  readonly world: World
  readonly bytesMax: number
}

class KeptUploads implements Uploads {
  readonly #kept: Kept
  /** Being written, or waiting for the word of whoever had them written. */
  readonly #inHand = new Set<string>()
  #bytes: number

  constructor(kept: Kept) {
    this.#kept = kept
    this.#bytes = [...kept.files.values()].reduce((sum, bytes) => sum + onDisk(bytes), 0)
  }

  async keep(pieces: AsyncIterable<Uint8Array>): Promise<Upload> {
    const { path, world } = this.#kept
    const reference = world.id()
    this.#inHand.add(reference)
    try {
      await disk(() => makeFolder(path))
      this.#grow(reference, 0)
      await using file = await disk(() => open(join(path, reference), 'wx', 0o600))
      const upload = await this.#write(file, reference, pieces)
      await disk(() => file.sync())
      await disk(() => syncFolder(path))
      return upload
    } catch (thrown) {
      await this.drop([reference])
      throw thrown
    }
  }

  release(references: readonly string[]): void {
    for (const reference of references) this.#inHand.delete(reference)
  }

  async drop(references: readonly string[]): Promise<void> {
    this.release(references)
    await Promise.all(references.map((reference) => this.#remove(reference)))
  }

  async read(reference: string, { bytesMax, signal, take }: ReadingUpload): Promise<void> {
    if (!isReference(reference)) throw new FailureError(GONE)
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW
    await using file = await open(join(this.#kept.path, reference), flags).catch((thrown: unknown) => {
      throw codeOf(thrown) === 'ENOENT' ? new FailureError(GONE, { cause: thrown }) : storageError(thrown)
    })
    if ((await disk(() => file.stat())).size > bytesMax) throw new FailureError(tooLarge(bytesMax))
    for (;;) {
      if (signal.aborted) throw new FailureError(ENDED)
      const { bytesRead, buffer } = await disk(() => file.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES, null))
      if (bytesRead === 0) return
      await take(buffer.subarray(0, bytesRead))
    }
  }

  async sweep(attachments: () => Promise<readonly Attachment[]>): Promise<number> {
    // In this order: what is in nobody's hand now was handed over before the store is asked.
    const candidates = [...this.#kept.files.keys()].filter((reference) => !this.#inHand.has(reference))
    if (candidates.length === 0) return 0
    const gone = unneeded(candidates, await attachments())
    const removed = await Promise.all(gone.map((reference) => this.#remove(reference)))
    return removed.filter(Boolean).length
  }

  async #write(file: FileHandle, reference: string, pieces: AsyncIterable<Uint8Array>): Promise<Upload> {
    let bytes = 0
    let head: Uint8Array = new Uint8Array()
    for await (const piece of pieces) {
      bytes += piece.length
      this.#grow(reference, bytes)
      if (head.length < HEAD_BYTES) head = Buffer.concat([head, piece.subarray(0, HEAD_BYTES - head.length)])
      await disk(() => file.writeFile(piece))
    }
    return { reference, bytes, head }
  }

  #grow(reference: string, bytes: number): void {
    const { files, bytesMax } = this.#kept
    const before = files.get(reference)
    const grown = onDisk(bytes) - (before === undefined ? 0 : onDisk(before))
    if (this.#bytes + grown > bytesMax) throw new FailureError(FULL)
    files.set(reference, bytes)
    this.#bytes += grown
  }

  /** False: it is still there, and is removed another time. */
  async #remove(reference: string): Promise<boolean> {
    const { path, files } = this.#kept
    const bytes = files.get(reference)
    if (bytes === undefined) return false
    try {
      await unlink(join(path, reference))
    } catch (thrown) {
      if (codeOf(thrown) !== 'ENOENT') return false
    }
    if (files.delete(reference)) this.#bytes -= onDisk(bytes)
    return true
  }
}

/** Every file takes a block at least: so its count is bounded with its bytes. */
function onDisk(bytes: number): number {
  return Math.max(bytes, BLOCK_BYTES)
}

const BLOCK_BYTES = 4_096
const PIECE_BYTES = 64 * 1024

/** It is a name in that folder and nothing else: an id of the world's. */
function isReference(name: string): boolean {
  return /^[\w-]{1,64}$/.test(name)
}

async function makeFolder(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 })
  if (made !== undefined) await syncFolder(dirname(path))
}

/** The name of a new file is on disk when its folder is. */
async function syncFolder(path: string): Promise<void> {
  // Elsewhere than on Unix a folder cannot be opened, and its names need no word.
  if (process.platform === 'win32') return
  await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  await folder.sync()
}

async function disk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    throw storageError(thrown)
  }
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''
}

const FULL: Failure = {
  kind: 'retryable',
  reason: 'storage',
  message: 'Too many files wait for their turns.',
  remedy: 'Send it again when some of them were answered.',
}

const GONE: Failure = {
  kind: 'permanent',
  reason: 'notFound',
  message: 'its file is not there any more',
  remedy: 'Send it again',
}

const ENDED: Failure = { kind: 'permanent', reason: 'cancelled', message: 'the reading was ended' }

function tooLarge(bytesMax: number): Failure {
  return {
    kind: 'permanent',
    reason: 'refused',
    message: `it is larger than ${sizeText(bytesMax)}`,
    remedy: 'Send a smaller one',
  }
}
