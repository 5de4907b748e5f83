// Watch: says when a configuration, or the `.env` beside it, has changed and has come to rest.
//   It looks at the files by their names and is told nothing. So it sees what an editor renames into place, what a link leads to,
//   what a network file system changes, and a folder in another's place, each of which a watcher of the system can lose.
//   Whoever is in the middle of a save is waited for. Nothing is opened: a look is a stat a file.

import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { World } from '../world.ts'

/** Between two looks. */
const LOOK_MS = 250

/** Looks that must find the same before it counts: an editor or a copy writes a file of this kind in one go. */
const QUIET_LOOKS = 2

/** What a configuration is read from: the file, and the variables beside it. */
export function filesOf(configuration: string): readonly string[] {
  return [configuration, join(dirname(configuration), '.env')]
}

/**
 * Calls `changed` once for what is there at the first look, for it may have changed since it was loaded, and after every
 * later change; also when a file vanishes. Returns what ends it.
 */
export function watchFiles(files: readonly string[], world: World, changed: () => void): () => void {
  let reported: string | null = null
  let seen = ''
  let sameLooks = 0
  let timer: unknown = null
  let ended = false
  const look = async (): Promise<void> => {
    const now = (await Promise.all(files.map(signature))).join(' ')
    if (ended) return
    sameLooks = now === seen ? sameLooks + 1 : 0
    seen = now
    if (sameLooks >= QUIET_LOOKS && seen !== reported) {
      reported = seen
      changed()
    }
    timer = world.clock.setTimeout(() => void look(), LOOK_MS)
  }
  void look()
  return () => {
    ended = true
    world.clock.clearTimeout(timer)
  }
}

/** Differs whenever somebody wrote, renamed or removed the file. */
async function signature(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(':')
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown'
  }
}
