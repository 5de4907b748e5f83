// Beneath: what lies below one folder, and a way to it that nothing can lead elsewhere.
//   A path is walked name by name. Each folder on the way is opened from the one before and stays open, and never through a link;
//   so it makes no difference what a program in the folder renames or links meanwhile. A link is read, and its words are
//   walked like the rest: it may lead about, and not out. `..` above the folder and an absolute path elsewhere are refused.
//   On Linux a name is opened from its folder's descriptor (/proc/self/fd). Elsewhere by its path: then whoever changes the
//   folder in the same moment could win a race, and no tool of ours does.

import { constants, existsSync } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readlink } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { codeOf, fileFailure, refused } from './failures.ts'

/** An open folder. */
export interface Folder {
  readonly handle: FileHandle
  readonly path: string
}

/** A name in an open folder; it need not be there. */
export interface Place {
  readonly folder: Folder
  readonly name: string
  /** For calls to the system; leads nowhere but to this name. */
  readonly at: string
}

export interface Way {
  /** The absolute path of the folder that is not left; not a link itself. */
  readonly root: string
  /** As the model wrote it. */
  readonly path: string
  /** Folders on the way that are missing: made, or a failure. */
  readonly missing: 'made' | 'refused'
  /** A link at the very end: walked too, or meant itself. */
  readonly lastLink: 'followed' | 'meant'
}

/** Goes to a place, lets `use` do something there, and closes the way behind it. Rejects with FailureErrors in words. */
export async function goTo<T>(way: Way, use: (place: Place) => Promise<T>): Promise<T> {
  const folders: Folder[] = []
  try {
    const name = await walk(way, folders)
    const folder = folders.at(-1)
    if (folder === undefined) throw new Error('a walk keeps at least its root open')
    return await use({ folder, name, at: below(folder, name) })
  } catch (thrown) {
    throw fileFailure(way.path, thrown)
  } finally {
    await closeAll(folders)
  }
}

/** How to name something in an open folder to the system; `.` is the folder itself. */
export function below(folder: Folder, name: string): string {
  // Not joined: `/proc/self/fd/7` alone would be a link, and `/proc/self/fd/7/.` is the folder.
  return `${HAS_DESCRIPTORS() ? `/proc/self/fd/${folder.handle.fd}` : folder.path}/${name}`
}

export async function openFolder(parent: Folder | null, name: string): Promise<Folder> {
  const path = parent === null ? name : join(parent.path, name)
  const at = parent === null ? name : below(parent, name)
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
  return { handle: await open(at, flags), path }
}

/** Opens a regular file and nothing that would wait or act when opened: a pipe, a device, a link. */
export async function openFile(place: Place, flags: number): Promise<FileHandle> {
  const handle = await open(place.at, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  if ((await handle.stat()).isFile()) return handle
  const isFolder = (await handle.stat()).isDirectory()
  await handle.close()
  throw refused(`${JSON.stringify(place.name)} is ${isFolder ? 'a folder' : 'not a file'}`)
}

const HAS_DESCRIPTORS = (): boolean => existsSync('/proc/self/fd')

/** As many links as a kernel follows before it calls them a circle. */
const LINKS_MAX = 40

/** No tree that people work in is deeper; each folder on the way is a descriptor that is open. */
const NAMES_MAX = 100

/** Leaves the folders of the way open in `folders`, and answers with the name in the last of them. */
async function walk(way: Way, folders: Folder[]): Promise<string> {
  const names = namesOf(way, way.path)
  folders.push(await openFolder(null, way.root))
  let links = 0
  for (;;) {
    const here = folders.at(-1)
    const name = names.shift()
    if (here === undefined || name === undefined) return '.'
    if (name === '..') {
      await goUp(way, folders)
      continue
    }
    const isLast = names.length === 0
    const link = isLast && way.lastLink === 'meant' ? null : await linkAt(here, name)
    if (link !== null) {
      links += 1
      if (links > LINKS_MAX) throw refused(`${JSON.stringify(name)} is a link in a circle`)
      names.unshift(...namesOf(way, link))
      if (isAbsolute(link)) await closeAll(folders.splice(1))
    } else if (isLast) {
      return name
    } else {
      if (way.missing === 'made') await makeFolder(here, name)
      folders.push(await openFolder(here, name))
    }
    if (folders.length > NAMES_MAX) throw refused('the path is too deep')
  }
}

async function closeAll(folders: readonly Folder[]): Promise<void> {
  for (const { handle } of folders) await handle.close()
}

async function goUp(way: Way, folders: Folder[]): Promise<void> {
  if (folders.length < 2) throw leaves(way)
  await folders.pop()?.handle.close()
}

/** The names of a path in order; an absolute one begins at the root, whose own path it must have. */
function namesOf(way: Way, path: string): string[] {
  if (path.includes('\0')) throw refused('a path has no NUL character')
  if (path.length > PATH_UNITS_MAX) throw refused('the path is too long')
  const names = (text: string): string[] => text.split('/').filter((name) => name !== '' && name !== '.')
  if (!isAbsolute(path)) return names(path)
  const inRoot = path === way.root || path.startsWith(`${way.root}/`)
  if (!inRoot) throw leaves(way)
  return names(path.slice(way.root.length))
}

/** Longer than any path that the system takes. */
const PATH_UNITS_MAX = 4_096

function leaves({ path }: Way) {
  return refused(`${JSON.stringify(path.slice(0, 200))} leads out of the working folder`)
}

/** What a link says; null: it is none, or nothing is there. */
async function linkAt(folder: Folder, name: string): Promise<string | null> {
  const at = below(folder, name)
  try {
    return (await lstat(at)).isSymbolicLink() ? await readlink(at) : null
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null
    throw thrown
  }
}

async function makeFolder(folder: Folder, name: string): Promise<void> {
  try {
    await mkdir(below(folder, name), { mode: 0o700 })
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown
  }
}
