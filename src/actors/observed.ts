// Observed: a machine whose transitions are seen by somebody, after they were decided. What a session, a delivery or a supervisor
// does is said by its states already; so they are read, and no machine has an effect that only counts.
//   O1. Observing changes nothing: what the observer throws is written in the log and reaches no actor.

import type { AnyMachineSnapshot, AnyStateMachine, SnapshotFrom } from 'xstate'
import type { Log } from '../log.ts'

export interface Seen<T extends AnyStateMachine> {
  readonly before: SnapshotFrom<T>
  readonly event: { readonly type: string }
  /** null: the machine failed, and its actor is gone. */
  readonly after: SnapshotFrom<T> | null
}

export type Look<T extends AnyStateMachine> = (seen: Seen<T>) => void

/** The same machine; each of its transitions is shown to `look`. */
export function observed<T extends AnyStateMachine>(machine: T, look: Look<T>, log: Log): T {
  const watched: T = Object.create(machine)
  const show = (seen: Seen<T>): void => {
    try {
      look(seen)
    } catch (error) {
      log.error({ err: error }, 'a transition could not be observed')
    }
  }
  const transition: T['transition'] = (before, event, scope) => {
    let after: AnyMachineSnapshot | null = null
    try {
      after = machine.transition(before, event, scope)
      return after
    } finally {
      show({ before: before as SnapshotFrom<T>, event, after: after as SnapshotFrom<T> | null }) // Its own machine's.
    }
  }
  return Object.assign(watched, { transition })
}
