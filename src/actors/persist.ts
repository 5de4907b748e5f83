// Persist: how a session's commits reach the store: with what its requests took; and, for what must not be done a second time because
// the disk was away, again and again until the disk takes it.

import { failureOf } from '../../machines/failure.ts'
import type { Commit } from '../../machines/messages.ts'
import { backoffMs } from '../../machines/restart.ts'
import type { Clock } from '../world.ts'
import { withTaken } from './meters.ts'
import type { Parts } from './parts.ts'

/** Resolves once it is on disk; rejects when `signal` aborts, or with anything that is not the disk's failure. */
export async function persist(parts: Parts, commit: Commit, signal: AbortSignal): Promise<void> {
  const { store, world, log } = parts
  for (let failures = 1; ; failures += 1) {
    signal.throwIfAborted()
    const counted = withCount(parts, commit)
    try {
      return await store.commit(counted.content)
    } catch (error) {
      counted.putBack()
      if (failureOf(error).reason !== 'storage') throw error
      log.warn({ err: error }, 'a step of a run was not written and is written again')
      await wait(world.clock, backoffMs(failures), signal)
    }
  }
}

export interface Counted {
  readonly content: Commit
  /** The disk did not take it. */
  putBack(): void
}

/**
 * A commit with what its session's requests took; where a run ends with it, what its open request has taken so far is in it. A value, and
 * no call around the store's: with each await between the disk and a machine something else may come first.
 */
export function withCount({ meters }: Parts, content: Commit): Counted {
  const { sessionKey, endsRun } = content
  if (sessionKey === null) return { content, putBack: () => {} }
  const taken = meters.take(sessionKey, endsRun === true ? 'all' : 'over')
  return { content: withTaken(content, taken), putBack: () => meters.putBack(sessionKey, taken) }
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
