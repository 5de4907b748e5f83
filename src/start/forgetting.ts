// Forgetting: conversations that nobody named are asked once; some time after their answer they are taken out of the store, and the
// files that came with them out of the data folder.

import { ONE_OFF_KEEP_MS } from '../../machines/limits.ts'
import { ONE_OFF_KEYS } from '../../machines/openai.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { World } from '../world.ts'

/** Of an hour that they are kept, nobody misses a minute. */
const LOOK_MS = 60_000

/** So many are some milliseconds of the disk's time; when there are more, they go a moment later. */
const FORGOTTEN_AT_ONCE = 100
const NEXT_MS = 250

export interface ForgettingParts {
  readonly store: Store
  /** The data folder. */
  readonly data: string
  readonly world: World
  readonly log: Log
}

/** From now on, until the function is called that it gives. */
export function beginForgetting({ store, data, world, log }: ForgettingParts): () => void {
  let timer: unknown = null
  let isOver = false
  const look = async (): Promise<void> => {
    const beforeMs = world.nowMs() - ONE_OFF_KEEP_MS
    const what = { prefix: ONE_OFF_KEYS, beforeMs, limit: FORGOTTEN_AT_ONCE }
    const forgotten = await store.forget(what).catch((error: unknown) => {
      if (!isOver)
        log.warn({ err: error }, 'conversations that were asked once could not be forgotten; it is tried again')
      return []
    })
    void removeFolders(data, forgotten)
    if (isOver) return
    timer = world.clock.setTimeout(() => void look(), forgotten.length < FORGOTTEN_AT_ONCE ? LOOK_MS : NEXT_MS)
  }
  void look()
  return () => {
    isOver = true
    world.clock.clearTimeout(timer)
  }
}

/** Never rejects: a folder that stays goes with those that nobody used for long. */
async function removeFolders(data: string, sessions: readonly string[]): Promise<void> {
  if (sessions.length === 0) return
  const { removeWorkdir } = await import('../tools/workdir.ts')
  await Promise.all(sessions.map((session) => removeWorkdir({ data, session })))
}
