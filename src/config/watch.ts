// Watch: says when a configuration, the `.env` beside it, or a file that it names has changed and has come to rest.
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
  /** Said after it: what else was read, by absolute paths. Without it those of the last time are looked at. */
  alsoRead(files: readonly string[]): Promise<void>
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
  const always = [file, join(dirname(file), '.env')]
  let known: Look = new Map(always.map((each) => [each, '']))
  let seen: Look = new Map()
  let sameLooks = 0
  let stop = (): void => {}
  const lookAt = async (files: Iterable<string>): Promise<Look> =>
    new Map(await Promise.all([...files].map(async (each) => [each, await signature(each)] as const)))
  /** Whether what is there is at rest, and news. */
  const isNews = (now: Look): boolean => {
    sameLooks = isSame(now, seen) ? sameLooks + 1 : 0
    seen = now
    // Other files may have been named since this look began: the next one goes by them.
    const isOfOld = [...known.keys()].join() !== [...now.keys()].join()
    if (isOfOld || sameLooks < QUIET_LOOKS || isSame(now, known)) return false
    known = now
    return true
  }
  return {
    async reading() {
      known = await lookAt(known.keys())
    },
    async alsoRead(files) {
      const others = await lookAt(files.filter((each) => !known.has(each)))
      const before = [...known].filter(([each]) => always.includes(each) || files.includes(each))
      known = new Map([...before, ...others])
    },
    begin({ clock }, changed) {
      let timer: unknown = null
      let ended = false
      const lookAgain = async (): Promise<void> => {
        const now = await lookAt(known.keys())
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

/** What was found of each file. */
type Look = ReadonlyMap<string, string>

function isSame(a: Look, b: Look): boolean {
  return a.size === b.size && [...a].every(([file, found]) => b.get(file) === found)
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
