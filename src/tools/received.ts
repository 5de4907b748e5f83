// Received: the files that people sent to a session, in `received` of its work folder, where its tools find them.
//   An agent whose tools have no folder has one for them all the same: its session's, which is kept and removed as any other.
//   A file is there whole or not at all. Nothing is read or written through a link (beneath.ts): a command of an earlier run
//   may have put one in its place.
//   All files together have a bound; the oldest make room. What the end of a process left unfinished is a draft: it goes once its file is
//   there, or with the next file.

import { constants } from 'node:fs'
import { type FileHandle, lstat, opendir, rename, unlink } from 'node:fs/promises'
import { failureOf } from '../../machines/failure.ts'
import { MEDIA_MS_MAX, RECEIVED_BYTES_MAX } from '../../machines/limits.ts'
import { HEAD_BYTES, RECEIVED } from '../../machines/media.ts'
import { usesFolder } from '../../machines/tool-names.ts'
import { below, type Folder, goTo, openFile, type Place, type Way } from './beneath.ts'
import { codeOf } from './failures.ts'
import { receivedText } from './received-text.ts'
import type { OpenReceived, Received, ReceivedParts } from './tool.ts'
import { openWorkdir } from './workdir.ts'

/** `hidden`: what no given folder may hold, as for tools. */
export function receivedOpener(hidden: readonly string[]): OpenReceived {
  return async (parts) => received(await rootOf(parts, hidden), parts)
}

async function rootOf(parts: ReceivedParts, hidden: readonly string[]): Promise<string> {
  const { definition } = parts
  const workdir = definition.tools.some(usesFolder) ? definition.workdir : 'per_session'
  return (await openWorkdir({ ...parts, definition: { ...definition, workdir }, hidden })).path
}

function received(root: string, { world }: ReceivedParts): Received {
  const wayTo = (name: string, missing: Way['missing']): Way => {
    return { root, path: `${RECEIVED}/${name}`, missing, lastLink: 'meant' }
  }
  const reading = <T>(name: string, read: (file: FileHandle) => Promise<T>): Promise<T | null> =>
    goTo(wayTo(name, 'made'), async (place) => {
      const file = await opened(place)
      if (file === null) return null
      await using _ = file
      return await read(file)
    })
  return {
    look: (name) =>
      reading(name, async (file) => ({ bytes: (await file.stat()).size, head: await beginning(file, HEAD_BYTES) })),
    keep: (name, fill) =>
      goTo(wayTo(name, 'made'), async (place) => {
        await write(place, fill, `.${placeOf(name)}${world.id()}.draft`)
        await makeRoom(place, world.nowMs())
      }),
    bytes: (name, bytesMax) =>
      reading(name, async (file) => ((await file.stat()).size > bytesMax ? null : beginning(file, bytesMax))),
    text: (name, bytesMax) =>
      reading(name, async (file) => {
        const { size } = await file.stat()
        return receivedText(name, await beginning(file, bytesMax), size <= bytesMax)
      }),
  }
}

/** Removes what is left of files of these messages that did not come whole. */
export async function removeDrafts(root: string, seqs: readonly number[]): Promise<void> {
  const removing = goTo(
    { root, path: `${RECEIVED}/any`, missing: 'refused', lastLink: 'meant' },
    async ({ folder }) => {
      for (const { name, seq } of await filesIn(folder))
        if (name.startsWith('.') && seqs.includes(seq)) await unlink(below(folder, name)).catch(() => {})
    },
  )
  await removing.catch((error: unknown) => {
    // Nobody sent a file there.
    if (failureOf(error).reason !== 'notFound') throw error
  })
}

async function opened(place: Place): Promise<FileHandle | null> {
  try {
    return await openFile(place, constants.O_RDONLY)
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null
    throw thrown
  }
}

async function beginning(file: FileHandle, bytesMax: number): Promise<Uint8Array> {
  const { size } = await file.stat()
  const bytes = Buffer.alloc(Math.min(size, bytesMax))
  let length = 0
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return bytes.subarray(0, length)
}

async function write(place: Place, fill: Parameters<Received['keep']>[1], name: string): Promise<void> {
  const draft = { ...place, name, at: below(place.folder, name) }
  try {
    await using file = await openFile(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL)
    await file.chmod(0o600)
    await fill((piece) => file.writeFile(piece))
    // On the disk before its name is: a machine that loses its power would else leave a file of that name with nothing in it.
    await file.sync()
    await rename(draft.at, place.at)
  } catch (thrown) {
    await unlink(draft.at).catch(() => {})
    throw thrown
  }
}

/** Which file of which message: what names of files begin with, and those of their drafts behind a dot. */
function placeOf(name: string): string {
  return /^\d+-\d+-/.exec(name)?.[0] ?? ''
}

/** The oldest of the files go until the others, and the one that was just written, are within the bound. */
async function makeRoom({ folder, name }: Place, nowMs: number): Promise<void> {
  const remove = (file: KeptFile): Promise<void> => unlink(below(folder, file.name)).catch(() => {})
  const own = `.${placeOf(name) || name}`
  const files: KeptFile[] = []
  for (const file of await filesIn(folder)) {
    const isDraft = file.name.startsWith('.')
    // Nobody fetches for longer than that; and what was just written is not being fetched any more.
    const isLeft = isDraft && (nowMs - file.atMs > MEDIA_MS_MAX || file.name.startsWith(own))
    if (isLeft) await remove(file)
    else if (!isDraft) files.push(file)
  }
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const others = files.filter((file) => file.name !== name).sort((a, b) => a.seq - b.seq)
  for (const file of others) {
    if (bytes <= RECEIVED_BYTES_MAX) return
    await remove(file)
    bytes -= file.bytes
  }
}

interface KeptFile {
  readonly name: string
  readonly seq: number
  readonly bytes: number
  readonly atMs: number
}

/** What people sent, and drafts of it; what a tool made beside it is not ours to remove. */
async function filesIn(folder: Folder): Promise<KeptFile[]> {
  const files: KeptFile[] = []
  for await (const { name } of await opendir(below(folder, '.'))) {
    const seq = /^(\d+)-\d+-|^\.(\d+)-\d+-[^/]*\.draft$/.exec(name)
    if (seq === null) continue
    const stat = await lstat(below(folder, name)).catch(() => null)
    if (stat?.isFile() !== true) continue
    files.push({ name, seq: Number(seq[1] ?? seq[2]), bytes: stat.size, atMs: stat.mtimeMs })
  }
  return files
}
