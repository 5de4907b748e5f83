// Paths: every test that walks through a model goes through here, so that a change of the package is a change of one file.
// A model is a small machine of what can be observed; a subject is the real thing, played and compared after each event.

import { createTestModel } from '@xstate/test'
import { type AnyStateMachine, type EventFromLogic, initialTransition, type SnapshotFrom, transition } from 'xstate'

export interface Subject<T extends AnyStateMachine> {
  /** Does to the real thing what the event says. */
  play(event: EventFromLogic<T>): Promise<void>
  /** Throws when the real thing does not look as the model says. */
  compare(state: SnapshotFrom<T>): void
}

export interface Walk<T extends AnyStateMachine> {
  readonly description: string
  /** Plays the walk on a fresh subject. */
  on(subject: Subject<T>): Promise<void>
}

/** One walk to each state of the model, by the shortest way. */
export function shortestWalks<T extends AnyStateMachine>(model: T, events: readonly EventFromLogic<T>[]): Walk<T>[] {
  return testModel(model, events)
    .getShortestPaths()
    .map(({ steps }) => walk(model, playable<T>(steps.map((step) => step.event))))
}

/**
 * One walk for each pair of a state and an event, at the end of the shortest way there: what the state answers, and what it
 * ignores.
 */
export function edgeWalks<T extends AnyStateMachine>(model: T, events: readonly EventFromLogic<T>[]): Walk<T>[] {
  const found = testModel(model, events)
  const ways = new Map<string, EventFromLogic<T>[]>()
  for (const { state, steps } of found.getShortestPaths({ allowDuplicatePaths: true } as never)) {
    ways.set(look(state), playable<T>(steps.map((step) => step.event)))
  }
  return found
    .getAdjacencyList()
    .map(({ state, event }) => walk(model, [...(ways.get(look(state)) ?? []), ...playable<T>([event])]))
}

/** Both packages type their models for one machine each; these are one machine's. */
function testModel<T extends AnyStateMachine>(model: T, events: readonly EventFromLogic<T>[]) {
  return createTestModel(model as never, { events: [...events] } as never)
}

function playable<T extends AnyStateMachine>(events: readonly { type: string }[]): EventFromLogic<T>[] {
  return events.filter((event) => event.type !== 'xstate.init') as EventFromLogic<T>[] // The packages widen the type.
}

function look(state: unknown): string {
  const { value, context } = state as { value: unknown; context: unknown } // A machine's snapshot.
  return JSON.stringify({ value, context })
}

function walk<T extends AnyStateMachine>(model: T, events: readonly EventFromLogic<T>[]): Walk<T> {
  return {
    description: events.map((event) => event.type).join(' → ') || 'the beginning',
    async on(subject) {
      let [state] = initialTransition(model, ...([undefined] as never))
      subject.compare(state)
      for (const event of events) {
        await subject.play(event)
        state = transition(model, state, event)[0]
        subject.compare(state)
      }
    },
  }
}
