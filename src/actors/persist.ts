// Persist: a commit that is tried until the disk takes it, for what must not be done a second time because the disk was away.

import { failureOf } from '../../machines/failure.ts'
import type { Commit } from '../../machines/messages.ts'
import { backoffMs } from '../../machines/restart.ts'
import type { Clock } from '../world.ts'
import type { Parts } from './parts.ts'

/** Resolves once it is on disk; rejects when `signal` aborts, or with anything that is not the disk's failure. */
export async function persist({ store, world, log }: Parts, commit: Commit, signal: AbortSignal): Promise<void> {
  for (let failures = 1; ; failures += 1) {
    signal.throwIfAborted()
    try {
      return await store.commit(commit)
    } catch (error) {
      if (failureOf(error).reason !== 'storage') throw error
      log.warn({ err: error }, 'a step of a run was not written and is written again')
      await wait(world.clock, backoffMs(failures), signal)
    }
  }
}

function wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clock.clearTimeout(timer)
      reject(signal.reason as Error) // An abort's reason is an error unless somebody chose otherwise, and nobody here does.
    }
    const timer = clock.setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, delayMs)
    signal.addEventListener('abort', stop, { once: true })
  })
}
