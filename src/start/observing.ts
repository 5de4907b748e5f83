// Observing: puts together who observes, and what of the store is observed.
//   O1. Observing changes nothing: an observer that throws is written in the log, and is not heard further up.

import { INBOX_FULL } from '../../machines/commits.ts'
import type { GatewayDefinition } from '../../machines/definitions.ts'
import type { Commit } from '../../machines/messages.ts'
import type { End, Observe } from '../actors/observe.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { World } from '../world.ts'
import { watchLoopDelay } from './loop-delay.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { createTally } from './tally.ts'
import { createTraces } from './traces.ts'

export interface Observing {
  readonly observe: Observe
  /** Opens a store, and sees what it writes; `onCommit` is told how long each transaction took. */
  store(open: (onCommit: (ms: number) => void) => Store): Store
  readonly metrics: Metrics
  stop(): void
}

export interface ObservingParts {
  readonly definition: Pick<GatewayDefinition, 'channels'>
  readonly world: World
  readonly log: Log
  readonly version: string
}

/** From now on what happens is counted, and traced when an SDK for that is loaded. */
export async function beginObserving({ definition, world, log, version }: ObservingParts): Promise<Observing> {
  const traces = await createTraces({ world, version })
  const tally = createTally(definition, world)
  const loopDelay = watchLoopDelay()
  const observe = observers(traces === null ? [tally] : [tally, traces], log)
  return {
    observe,
    store: (open) =>
      observedStore(
        open((ms) => observe.note({ kind: 'written', ms })),
        observe,
      ),
    metrics: createMetrics([tally, loopDelay]),
    stop: () => loopDelay.stop(),
  }
}

/** One observer for all of them. */
export function observers(all: readonly Observe[], log: Log): Observe {
  const attempt = <T>(work: () => T, otherwise: T): T => {
    try {
      return work()
    } catch (error) {
      log.error({ err: error }, 'what happened could not be observed')
      return otherwise
    }
  }
  return {
    begin(activity) {
      const ends = all.map((each) =>
        attempt<End>(
          () => each.begin(activity),
          () => {},
        ),
      )
      return (ending) => {
        for (const end of ends) attempt(() => end(ending), undefined)
      }
    },
    note(happening) {
      for (const each of all) attempt(() => each.note(happening), undefined)
    },
  }
}

/** The same store; what reaches its end there is said once it is on disk. */
export function observedStore(store: Store, observe: Observe): Store {
  const settled = ({ channel, settled: settlements }: Commit): void => {
    for (const { outcome, reason } of settlements) {
      observe.note({ kind: 'settled', channel, outcome })
      if (reason === INBOX_FULL) observe.note({ kind: 'refused', channel, reason: 'inboxFull' })
    }
  }
  return {
    ...store,
    async commit(commit) {
      await store.commit(commit)
      settled(commit)
    },
    async commitUndo(commits) {
      await store.commitUndo(commits)
      // Whichever of the two was written: both settle the same message.
      settled(commits.done)
    },
  }
}
