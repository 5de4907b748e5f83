// Forgetting: conversations that nobody named are asked once; some time after their answer they are taken out of the store. Their work
// folders go before that (one-off-folders.ts); one that was left behind goes with them.

import { ONE_OFF_KEEP_MS } from '../../machines/limits.ts'
import { ONE_OFF_KEYS } from '../../machines/openai.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { World } from '../world.ts'
import { OneOffFolders } from './one-off-folders.ts'

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

export interface Forgetter {
  /** The same store; by what is written to it is seen which conversations are over. */
  readonly store: Store
  end(): void
}

/** From now on, until its end. */
export function beginForgetting({ store, data, world, log }: ForgettingParts): Forgetter {
  const folders = new OneOffFolders({ store, data, world })
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
    if (isOver) return
    // Nobody waits for a folder.
    void folders.remove(forgotten)
    void folders.look()
    timer = world.clock.setTimeout(() => void look(), forgotten.length < FORGOTTEN_AT_ONCE ? LOOK_MS : NEXT_MS)
  }
  void look()
  return {
    store: folders.around(store),
    end() {
      isOver = true
      folders.end()
      world.clock.clearTimeout(timer)
    },
  }
}
