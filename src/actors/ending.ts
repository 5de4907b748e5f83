// Ending: a machine that fails takes its own children with it.
// XState ends an actor whose action throws, and leaves what it invoked and spawned running: a run that nobody owns, a session
// beside its own successor. (Measured on 5.33.3; only a child's unhandled failure stops the siblings there.)
//   S1. After a failure nothing of the old activation acts any more, so the next one is the only one.

import type { AnyStateMachine } from 'xstate'

/** The same machine; its failure stops its children first. */
export function endingItsChildren<T extends AnyStateMachine>(machine: T): T {
  const ending: T = Object.create(machine)
  const transition: T['transition'] = (snapshot, event, scope) => {
    try {
      return machine.transition(snapshot, event, scope)
    } catch (error) {
      const alive = snapshot.children as Readonly<Record<string, Parameters<typeof scope.stopChild>[0]>>
      for (const child of Object.values(alive)) scope.stopChild(child)
      throw error
    }
  }
  return Object.assign(ending, { transition })
}
