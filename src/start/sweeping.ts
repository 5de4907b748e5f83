// Sweeping: files that came with messages are removed when nobody needs them any more: once a minute, and first thing after a start.

import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { Uploads } from '../store/uploads.ts'
import type { World } from '../world.ts'

/** A turn that has ended leaves its files this long; they lie in its work folder too. */
const LOOK_MS = 60_000

export interface SweepingParts {
  readonly uploads: Pick<Uploads, 'sweep'>
  readonly store: Pick<Store, 'attachments'>
  /** So long a dead letter keeps its files: as long as a work folder would. */
  readonly keepMs: number
  readonly world: World
  readonly log: Log
}

/** From now on, until the function is called that it gives. */
export function beginSweeping({ uploads, store, keepMs, world, log }: SweepingParts): () => void {
  let timer: unknown = null
  let isOver = false
  const look = async (): Promise<void> => {
    await uploads
      .sweep(() => store.attachments(world.nowMs() - keepMs))
      .catch((error: unknown) => {
        if (!isOver) log.warn({ err: error }, 'files that nobody needs could not be removed; it is tried again')
      })
    if (!isOver) timer = world.clock.setTimeout(() => void look(), LOOK_MS)
  }
  void look()
  return () => {
    isOver = true
    world.clock.clearTimeout(timer)
  }
}
