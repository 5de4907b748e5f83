// Disk: whether the store can be written, by the last write that somebody asked for: for the status, and once in the log.
// A channel of the web stays live meanwhile: whoever writes to it is told that nothing was kept.

import { type Failure, sayable } from '../../machines/failure.ts'
import type { StoreStatus } from '../http/port.ts'
import type { Log } from '../log.ts'
import type { World } from '../world.ts'

export interface Disk {
  written(): void
  failed(failure: Failure): void
  /** Why the last write is not there; null: it is. */
  trouble(): StoreStatus | null
}

export function watchDisk({ world, log }: { readonly world: World; readonly log: Log }): Disk {
  let trouble: StoreStatus | null = null
  return {
    written() {
      if (trouble !== null) log.info({}, 'the store is written again')
      trouble = null
    },
    /** The first of several that are the same has the time. */
    failed(failure) {
      const reason = sayable(failure)
      if (trouble?.reason === reason) return
      trouble = { reason, since: new Date(world.nowMs()).toISOString() }
      log.error({ reason: failure.reason }, `the store cannot be written: ${reason}`)
    },
    trouble: () => trouble,
  }
}
