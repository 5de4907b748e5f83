// Broken: subjects that are each wrong in one way, made of the real machines and parts. The simulation must catch every one.

import {
  type AnyActorLogic,
  type AnyStateMachine,
  createMachine,
  enqueueActions,
  fromPromise,
  type PromiseActorLogic,
  spawnChild,
} from 'xstate'
import type { PartitionContext } from '../../machines/partition-words.ts'
import type { Answer, Thinking } from '../../machines/run-words.ts'
import { runInput, type SessionContext } from '../../machines/session-context.ts'
import { endingItsChildren } from '../../src/actors/ending.ts'
import type { Door } from '../../src/channels/adapter.ts'
import type { Store } from '../../src/store/store.ts'

export interface Breakage {
  readonly store?: (store: Store) => Store
  readonly door?: (door: Door) => Door
  readonly gateway?: (gateway: AnyStateMachine) => AnyStateMachine
}

type Machine = (machine: AnyStateMachine) => AnyStateMachine
type Config = Readonly<Record<string, unknown>>

export const BREAKAGES: Readonly<Record<string, () => Breakage>> = {
  'a session that forgets its queue when a run ends': () => ({
    gateway: inSession((session) =>
      withState(session, ['running', 'committing', 'writing'], (writing) => ({
        ...writing,
        invoke: {
          ...(writing['invoke'] as object),
          onDone: { target: '#session.idle', actions: ['forgetTurn', 'dropWaiting', 'releaseSlot'] },
        },
      })),
    ),
  }),
  'an accept that tells the platform before the write': () => ({
    door: (door) => ({
      live: door.live,
      receive: (message) => {
        door.receive(message).catch(() => {})
        return Promise.resolve({ accepted: true, duplicate: false, seq: 0 })
      },
    }),
  }),
  'a run whose late result is still committed after /stop': () => {
    let store: Store | null = null
    return {
      store: (given) => {
        store = given
        return given
      },
      gateway: inSession((session) => within(session, 'run', (run) => withThink(run, () => store))),
    }
  },
  'a delivery that sends again when the receipt was not written': () => ({
    gateway: inPartition((partition) =>
      within(partition, 'delivery', (delivery) =>
        withState(delivery, ['recording', 'writing'], (writing) => ({
          ...writing,
          invoke: { ...(writing['invoke'] as object), onError: '#delivery.looking' },
        })),
      ),
    ),
  }),
  'a passivation that ignores what was routed since the rest': () => ({ gateway: inPartition(restless) }),
  'a recovery that skips the last message': () => ({
    store: (store) => ({
      ...store,
      unfinished: async (...input) => (await store.unfinished(...input)).slice(0, -1),
    }),
  }),
  'a second run while one is pending': () => ({
    gateway: inSession((session) =>
      withState(session, ['pending'], (pending) => ({ ...pending, entry: [pending['entry'], hasty] })),
    ),
  }),
}

/** Runs what waits, without waiting. */
const hasty = spawnChild('run', {
  id: 'hasty',
  input: ({ context }: { context: SessionContext }) => runInput({ ...context, turn: context.waiting }),
})

/** A think whose signal nobody hears: its result is committed when it comes. */
function withThink(run: AnyStateMachine, storeOf: () => Store | null): AnyStateMachine {
  const real = run.implementations.actors['think'] as PromiseActorLogic<Answer, Thinking> & PromiseCreator
  const think = fromPromise<Answer, Thinking>(async (scope) => {
    const answer = await real.config(scope)
    if (scope.signal.aborted) {
      const { channel, session: sessionKey, conversation } = scope.input.run
      const replies = [{ conversation, text: answer.text, replyTo: null }]
      await storeOf()?.commit({ channel, sessionKey, settled: [], entries: [], replies })
    }
    return answer
  })
  return endingItsChildren(run.provide({ actors: { think } as never }))
}

/** As XState keeps it; its types leave it out. */
interface PromiseCreator {
  config(scope: unknown): Promise<Answer>
}

/** Counts its sweeps from the first rest on, whatever was routed meanwhile. */
function restless(partition: AnyStateMachine): AnyStateMachine {
  const passivate = enqueueActions(({ context, enqueue, self }) => {
    const { children } = context as PartitionContext
    const counts = (sweepsOf.get(self) ?? sweepsOf.set(self, new Map()).get(self))!
    for (const [id, child] of Object.entries(children)) {
      const sweeps = (counts.get(id) ?? 0) + (child.sweeps !== null || counts.has(id) ? 1 : 0)
      if (sweeps > 0) counts.set(id, sweeps)
      if (sweeps >= 4 && child.life === 'alive') {
        counts.delete(id)
        enqueue.stopChild(id)
        enqueue.assign({ children: ({ context: now }: { context: PartitionContext }) => without(now.children, id) })
      }
    }
  })
  return endingItsChildren(partition.provide({ actions: { passivate } as never }))
}

const sweepsOf = new WeakMap<object, Map<string, number>>()

function without(children: PartitionContext['children'], id: string): PartitionContext['children'] {
  return Object.fromEntries(Object.entries(children).filter(([each]) => each !== id))
}

function inSession(change: Machine): Machine {
  return inPartition((partition) => within(partition, 'session', change))
}

function inPartition(change: Machine): Machine {
  return (gateway) => within(gateway, 'channel', (channel) => within(channel, 'partition', change))
}

/** A machine with one of its actors changed. */
function within(machine: AnyStateMachine, actor: string, change: Machine): AnyStateMachine {
  const real = machine.implementations.actors[actor] as AnyActorLogic as AnyStateMachine
  return endingItsChildren(machine.provide({ actors: { [actor]: change(real) } as never }))
}

/** A machine with one state of its chart changed, and the same effects. */
function withState(
  machine: AnyStateMachine,
  path: readonly string[],
  change: (state: Config) => Config,
): AnyStateMachine {
  // Broken on purpose: no type fits it.
  const config = changed(machine.config as Config, path, change) as never
  return endingItsChildren(createMachine(config, machine.implementations as never))
}

function changed(state: Config, path: readonly string[], change: (state: Config) => Config): Config {
  const [name, ...rest] = path
  if (name === undefined) return change(state)
  const states = state['states'] as Record<string, Config>
  return { ...state, states: { ...states, [name]: changed(states[name]!, rest, change) } }
}
