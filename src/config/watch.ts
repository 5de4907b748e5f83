// Watch: says when a configuration, or the `.env` beside it, has changed and has come to rest.
//   It looks at the files by their names and is told nothing. So it sees what an editor renames into place, what a link leads to,
//   what a network file system changes, and a folder in another's place, each of which a watcher of the system can lose.
//   Whoever is in the middle of a save is waited for. Nothing is opened: a look is a stat a file.
//   What was read is no news, whoever asked for it to be read; what changed while it was read is.

import { stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { World } from '../world.ts'

export interface Watch {
  /** Said before each reading: what is there now is about to be known. */
  reading(): Promise<void>
  /** Calls `changed` after every change that was not read, until `end`; also when a file vanishes. */
  begin(world: World, changed: () => void): void
  end(): void
}

/** Between two looks. */
const LOOK_MS = 250

/** Looks that must find the same before it counts: an editor or a copy writes a file of this kind in one go. */
const QUIET_LOOKS = 2

export function watchFile(configuration: string): Watch {
  const file = resolve(configuration)
  const files = [file, join(dirname(file), '.env')]
  let known = ''
  let seen = ''
  let sameLooks = 0
  let stop = (): void => {}
  const look = async (): Promise<string> => (await Promise.all(files.map(signature))).join(' ')
  /** Whether what is there is at rest, and news. */
  const isNews = (now: string): boolean => {
    sameLooks = now === seen ? sameLooks + 1 : 0
    seen = now
    if (sameLooks < QUIET_LOOKS || now === known) return false
    known = now
    return true
  }
  return {
    async reading() {
      known = await look()
    },
    begin({ clock }, changed) {
      let timer: unknown = null
      let ended = false
      const lookAgain = async (): Promise<void> => {
        const now = await look()
        if (ended) return
        if (isNews(now)) changed()
        timer = clock.setTimeout(() => void lookAgain(), LOOK_MS)
      }
      stop = () => {
        ended = true
        clock.clearTimeout(timer)
      }
      void lookAgain()
    },
    end: () => stop(),
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
