// Files: the tools for files of the working folder: list, read, write, edit, delete. Nothing outside is reached (beneath.ts).
//   Every call has a bound for what it reads, writes and lists, however large the folder and its files are.
//   A write is whole or not at all: other readers see the old content or the new one.
//   In a folder of its own an agent changes nothing that is anybody else's, and is not asked; in a given one it is.

import { constants } from 'node:fs'
import { type FileHandle, lstat, opendir, readlink, rename, rmdir, unlink } from 'node:fs/promises'
import type { World } from '../world.ts'
import { numberOf, textOf } from './arguments.ts'
import { below, type Folder, goTo, openFile, openFolder, type Place, type Way } from './beneath.ts'
import { codeOf, refused, throwIfAborted } from './failures.ts'
import type { Tool, ToolInput } from './tool.ts'

export interface FilesParts {
  /** Absolute, and no link itself. */
  readonly root: string
  /** `own`: made for this session or run; `given`: a path of the file. */
  readonly kind: 'own' | 'given'
  readonly world: World
}

/** What one call reads, in bytes: about 8,000 tokens. */
export const READ_BYTES_MAX = 32 * 1024

/** What one call writes, and the largest file that is edited. */
export const WRITE_BYTES_MAX = 1024 * 1024

const ENTRIES_MAX = 500

export function filesTools(parts: FilesParts): Tool[] {
  return [...readingTools(parts), ...changingTools(parts)]
}

function readingTools({ root }: FilesParts): Tool[] {
  const rest = { changes: false, idempotent: true }
  return [
    {
      name: 'files_list',
      description: 'Lists a folder of the working folder: names, kinds and sizes in bytes. Folders end in "/".',
      parameters: object({ path: { ...PATH, description: 'The folder; left out: the working folder.' } }, []),
      ...rest,
      call: (input, { signal }) => goTo(wayIn(root, input), (place) => list(place, signal)),
    },
    {
      name: 'files_read',
      description:
        'Reads a file of the working folder, at most 32 KiB at once: text as it is, other content as base64 when asked for.',
      parameters: object(
        {
          path: PATH,
          offset: { type: 'integer', minimum: 0, default: 0, description: 'The byte to begin at.' },
          encoding: ENCODING,
        },
        ['path'],
      ),
      ...rest,
      call: (input) => goTo(wayIn(root, input), (place) => read(place, input)),
    },
  ]
}

function changingTools({ root, kind, world }: FilesParts): Tool[] {
  const changes = kind === 'given'
  return [
    {
      name: 'files_write',
      description:
        'Writes a file of the working folder, at most 1 MiB: makes it and its folders, or replaces it whole.',
      parameters: object({ path: PATH, content: { type: 'string' }, encoding: ENCODING }, ['path', 'content']),
      changes,
      idempotent: true,
      call: (input) => {
        const content = contentOf(input)
        return goTo({ ...wayIn(root, input), missing: 'made' }, (place) => write(place, content, world))
      },
    },
    {
      name: 'files_edit',
      description: 'Replaces a piece of a text file of the working folder. The old text must stand there exactly once.',
      parameters: object({ path: PATH, old: { type: 'string', minLength: 1 }, new: { type: 'string' } }, EDIT_KEYS),
      changes,
      idempotent: false,
      call: (input) => goTo(wayIn(root, input), (place) => edit(place, input, world)),
    },
    {
      name: 'files_delete',
      description: 'Deletes a file or an empty folder of the working folder; with recursive also what is in it.',
      parameters: object({ path: PATH, recursive: { type: 'boolean', default: false } }, ['path']),
      changes,
      idempotent: true,
      call: (input, { signal }) => {
        return goTo({ ...wayIn(root, input), lastLink: 'meant' }, (place) => remove(place, input, signal))
      },
    },
  ]
}

// --- parameters -------------------------------------------------------------------------------------------------------

const PATH = { type: 'string', minLength: 1, description: 'Relative to the working folder.' }
const ENCODING = { enum: ['utf8', 'base64'], default: 'utf8' }
const EDIT_KEYS = ['path', 'old', 'new']

function wayIn(root: string, input: ToolInput): Way {
  return { root, path: textOf(input, 'path', '.'), missing: 'refused', lastLink: 'followed' }
}

function object(properties: Readonly<Record<string, object>>, required: readonly string[]) {
  return { type: 'object', properties, required, additionalProperties: false }
}

function contentOf(input: ToolInput): Buffer {
  const bytes = Buffer.from(textOf(input, 'content'), input['encoding'] === 'base64' ? 'base64' : 'utf8')
  if (bytes.length > WRITE_BYTES_MAX) throw refused(`one call writes at most ${WRITE_BYTES_MAX} bytes`)
  return bytes
}

// --- list and read ----------------------------------------------------------------------------------------------------

async function list(place: Place, signal: AbortSignal): Promise<string> {
  const folder = await openFolder(place.folder, place.name)
  try {
    const lines: string[] = []
    // Not read at once: a folder may have millions of entries.
    for await (const { name } of await opendir(below(folder, '.'))) {
      throwIfAborted(signal)
      if (lines.length === ENTRIES_MAX) return `${lines.sort().join('\n')}\n[more than ${ENTRIES_MAX} entries]`
      lines.push(await lineOf(folder, name))
    }
    return lines.length === 0 ? '[the folder is empty]' : lines.sort().join('\n')
  } finally {
    await folder.handle.close()
  }
}

async function lineOf(folder: Folder, name: string): Promise<string> {
  const at = below(folder, name)
  try {
    const stat = await lstat(at)
    if (stat.isDirectory()) return `${name}/`
    if (stat.isSymbolicLink()) return `${name} -> ${await readlink(at)}`
    return stat.isFile() ? `${name} ${stat.size}` : `${name} [neither file nor folder]`
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return `${name} [gone meanwhile]`
    throw thrown
  }
}

async function read(place: Place, input: ToolInput): Promise<string> {
  await using file = await openFile(place, constants.O_RDONLY)
  const { size } = await file.stat()
  const offset = numberOf(input, 'offset', 0)
  if (offset > 0 && offset >= size) return `[the file has ${size} bytes]`
  const bytes = await readAt(file, offset, READ_BYTES_MAX)
  const piece = input['encoding'] === 'base64' ? base64Piece(bytes) : textPiece(bytes, offset)
  if (piece === null) return `[not text: ${size} bytes; encoding base64 reads it]`
  const end = offset + piece.length
  const isWhole = offset === 0 && end >= size
  return isWhole
    ? piece.text
    : `${piece.text}\n[bytes ${offset} to ${end} of ${size}${end < size ? '; more follow' : ''}]`
}

interface Piece {
  readonly text: string
  /** In bytes of the file. */
  readonly length: number
}

function base64Piece(bytes: Buffer): Piece {
  return { text: bytes.toString('base64'), length: bytes.length }
}

/** null: it is no text. A character that the piece's end cuts in two stands in the next piece. */
function textPiece(bytes: Buffer, offset: number): Piece | null {
  const cut =
    offset === 0
      ? 0
      : Math.max(
          0,
          bytes.subarray(0, 3).findIndex((byte) => (byte & 0xc0) !== 0x80),
        )
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  if (bytes.includes(0)) return null
  try {
    const text = decoder.decode(bytes.subarray(cut), { stream: bytes.length === READ_BYTES_MAX })
    return { text, length: cut + Buffer.byteLength(text) }
  } catch {
    return null
  }
}

async function readAt(file: FileHandle, offset: number, bytesMax: number): Promise<Buffer> {
  const bytes = Buffer.alloc(bytesMax)
  let length = 0
  while (length < bytesMax) {
    const { bytesRead } = await file.read(bytes, length, bytesMax - length, offset + length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return bytes.subarray(0, length)
}

// --- write, edit, delete ----------------------------------------------------------------------------------------------

async function write(place: Place, content: Buffer, world: World): Promise<string> {
  if (place.name === '.') throw refused('the working folder itself is not a file')
  const before = await modeOf(place)
  const name = `.${world.id()}.draft`
  const draft = { ...place, name, at: below(place.folder, name) }
  try {
    await using file = await openFile(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL)
    await file.chmod(before ?? 0o600)
    await file.writeFile(content)
    await rename(draft.at, place.at)
  } catch (thrown) {
    await unlink(draft.at).catch(() => {})
    throw thrown
  }
  return `[${content.length} bytes are written]`
}

/** A script stays executable when it is written again. */
async function modeOf({ at }: Place): Promise<number | null> {
  try {
    const stat = await lstat(at)
    return stat.isFile() ? stat.mode & 0o777 : null
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null
    throw thrown
  }
}

async function edit(place: Place, input: ToolInput, world: World): Promise<string> {
  const text = await wholeText(place)
  const [old, fresh] = [textOf(input, 'old'), textOf(input, 'new')]
  const first = text.indexOf(old)
  if (first < 0) throw refused('the old text does not stand in the file: read it again')
  if (text.indexOf(old, first + 1) >= 0) throw refused('the old text stands there more than once: give more of it')
  const edited = Buffer.from(text.slice(0, first) + fresh + text.slice(first + old.length))
  if (edited.length > WRITE_BYTES_MAX) throw refused(`the file would be larger than ${WRITE_BYTES_MAX} bytes`)
  await write(place, edited, world)
  return '[the text is replaced]'
}

async function wholeText(place: Place): Promise<string> {
  await using file = await openFile(place, constants.O_RDONLY)
  const bytes = await readAt(file, 0, WRITE_BYTES_MAX + 1)
  if (bytes.length > WRITE_BYTES_MAX) throw refused(`only files up to ${WRITE_BYTES_MAX} bytes can be edited`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw refused('the file is not text')
  }
}

async function remove(place: Place, input: ToolInput, signal: AbortSignal): Promise<string> {
  if (place.name === '.') throw refused('the working folder itself stays')
  try {
    if (input['recursive'] === true) await removeTree({ parent: place.folder, name: place.name, depth: 0, signal })
    else await removeOne(place.at)
  } catch (thrown) {
    // A second time is the same as once.
    if (codeOf(thrown) !== 'ENOENT') throw thrown
    return '[it is not there]'
  }
  return '[it is deleted]'
}

async function removeOne(at: string): Promise<void> {
  if ((await lstat(at)).isDirectory()) await rmdir(at)
  else await unlink(at)
}

interface Removal {
  readonly parent: Folder
  readonly name: string
  readonly depth: number
  readonly signal: AbortSignal
}

/** Descriptor by descriptor, for the same reason as the walk: a folder may become a link meanwhile. */
async function removeTree({ parent, name, depth, signal }: Removal): Promise<void> {
  throwIfAborted(signal)
  const at = below(parent, name)
  if (!(await lstat(at)).isDirectory()) return unlink(at)
  if (depth > DEPTH_MAX) throw refused('the folder is too deep to be deleted at once')
  const folder = await openFolder(parent, name)
  try {
    for await (const entry of await opendir(below(folder, '.'))) {
      await removeTree({ parent: folder, name: entry.name, depth: depth + 1, signal })
    }
  } finally {
    await folder.handle.close()
  }
  await rmdir(at)
}

/** Each level is a descriptor that is open. */
const DEPTH_MAX = 100
