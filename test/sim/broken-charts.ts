// Broken charts: sessions and partitions of which a whole piece of the chart is another one.

import {
  type AnyActorLogic,
  type AnyStateMachine,
  assign,
  createMachine,
  enqueueActions,
  fromPromise,
  sendParent,
  spawnChild,
} from 'xstate'
import { turnCommit } from '../../machines/commits.ts'
import { itemOf } from '../../machines/inbox.ts'
import type { AcceptedMessage } from '../../machines/messages.ts'
import type { PartitionContext } from '../../machines/partition-words.ts'
import { runInput, type SessionContext } from '../../machines/session-context.ts'
import { state } from '../../machines/session-words.ts'
import { turnIdOf } from '../../machines/steps.ts'
import type { Store } from '../../src/store/store.ts'
import { changed, type Config, withEffects, withState } from './broken-parts.ts'

interface Hand {
  readonly context: SessionContext
  readonly event: { readonly message: AcceptedMessage }
}

/** Pending begins a run at once, beside the one that it leads to. */
export function hasty(session: AnyStateMachine, storeOf: () => Store | null): AnyStateMachine {
  const beside = besideOf(session, storeOf)
  const begin = spawnChild('beside', { id: 'hasty', input: ({ context }: { context: SessionContext }) => context })
  const change = (pending: Config): Config => ({ ...pending, entry: [pending['entry'], begin] })
  return withState(session, ['pending'], change, { beside })
}

/** Asks the model about what waits, and tells nobody. */
function besideOf(session: AnyStateMachine, storeOf: () => Store | null): AnyActorLogic {
  const { prepare, run } = session.implementations.actors as Record<string, never>
  return createMachine(
    {
      context: ({ input }: { input: unknown }) => turnOfWaiting(input as SessionContext),
      initial: 'waiting',
      states: {
        waiting: { invoke: { src: 'moment', onDone: 'preparing' } },
        preparing: { invoke: { src: 'prepare', input: preparation, onDone: { target: 'running', actions: prepared } } },
        running: { invoke: { src: 'run', input: running } },
      },
    },
    { actors: { prepare, run, moment: fromPromise(async () => void (await storeOf()?.counts())) } } as never,
  ) as AnyActorLogic
}

function turnOfWaiting(context: SessionContext): SessionContext {
  const turn = context.waiting.slice(0, 1)
  return { ...context, turn, turnId: turnIdOf(turn[0]?.message ?? { seq: 0 }) }
}

const preparation = ({ context }: { context: SessionContext }): unknown => {
  const { key, channel, turnId, turn, agent } = context
  return { key, channel, turnId, turn, agent }
}
const running = ({ context }: { context: SessionContext }): unknown => runInput(context)
// The context of whichever machine it is put into: no type fits it.
const prepared = assign(({ event }) => (event as unknown as { output: object }).output) as never

/** The flag that says "busy" is set once the message was prepared: until then the next one finds nobody at work. */
export function claimingLate(session: AnyStateMachine): AnyStateMachine {
  const { prepare, run, commit } = session.implementations.actors as Record<string, never>
  const claimant = createMachine(
    {
      context: ({ input }: { input: unknown }) => input as SessionContext,
      initial: 'preparing',
      states: {
        preparing: {
          invoke: {
            src: 'prepare',
            input: preparation,
            onDone: { target: 'running', actions: [prepared, sendParent({ type: 'claimed' })] },
            onError: 'over',
          },
        },
        running: {
          invoke: {
            id: 'run',
            src: 'run',
            input: running,
            onDone: { target: 'committing', actions: assign(({ event }) => ({ outcome: event.output })) },
            onError: 'over',
          },
        },
        committing: { invoke: { src: 'commit', input: committing, onDone: 'over', onError: 'over' } },
        over: { type: 'final' },
      },
    },
    { actors: { prepare, run, commit } },
  )
  const claim = spawnChild('claimant', {
    id: ({ event }: Hand) => `claim-${event.message.seq}`,
    input: ({ context, event }: Hand) => {
      const item = itemOf(event.message, context.busyMode)
      return { ...context, turn: item === null ? [] : [item], turnId: turnIdOf(event.message) }
    },
  } as never)
  const change = (root: Config): Config => {
    const states = root['states'] as Record<string, Config>
    const on = states['idle']?.['on'] as Record<string, unknown[]>
    const show = { type: 'show', params: state('pending') }
    const routed = on['message.routed']!.with(-1, { actions: ['noteRouted', show, claim] })
    const idle = { ...states['idle'], on: { ...on, 'message.routed': routed, claimed: 'claimed' } }
    const claimed = {
      on: {
        'message.routed': { actions: ['noteRouted', 'keep'] },
        'xstate.done.actor.*': [{ guard: 'hasWaiting', target: 'pending' }, { target: 'idle' }],
      },
    }
    return { ...root, states: { ...states, idle, claimed } }
  }
  return withState(session, [], change, { claimant })
}

const committing = ({ context }: { context: SessionContext }): unknown =>
  turnCommit(context, context.outcome, context.exhausted)

/** A run ends; then the queue is looked at, and decided about what was seen. */
export function lookingLater(session: AnyStateMachine, storeOf: () => Store | null): AnyStateMachine {
  const look = fromPromise<boolean, boolean>(async ({ input }) => {
    await storeOf()?.counts()
    return input
  })
  const looking = {
    invoke: {
      src: 'look',
      input: ({ context }: { context: SessionContext }) => context.waiting.length > 0,
      onDone: [
        {
          guard: ({ event }: { event: { output: boolean } }) => event.output,
          target: 'pending',
          actions: 'forgetTurn',
        },
        { target: 'idle', actions: ['forgetTurn', 'releaseSlot'] },
      ],
      onError: { target: 'idle', actions: ['forgetTurn', 'releaseSlot'] },
    },
  }
  const ended = (writing: Config): Config => ({
    ...writing,
    invoke: { ...(writing['invoke'] as object), onDone: '#session.looking' },
  })
  const change = (root: Config): Config => {
    const after = changed(root, ['states', 'running', 'states', 'committing', 'states', 'writing'], ended)
    const states = after['states'] as Record<string, Config>
    const within = states['running']?.['states'] as Record<string, Config> | undefined
    return { ...after, states: { ...states, looking: { ...looking, on: within?.['committing']?.['on'] } } }
  }
  const broken = withState(session, [], change, { look })
  // Its own assertion would say so first.
  return withEffects(broken, { actions: { assertEmpty: () => {} } })
}

/** Counts its sweeps from the first rest on, whatever was routed meanwhile. */
export function restless(partition: AnyStateMachine): AnyStateMachine {
  const sweepsOf = new WeakMap<object, Map<string, number>>()
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
  return withEffects(partition, { actions: { passivate } })
}

function without(children: PartitionContext['children'], id: string): PartitionContext['children'] {
  return Object.fromEntries(Object.entries(children).filter(([each]) => each !== id))
}

/** When one session fails, another one of its partition is started anew as well. */
export function falling(partition: AnyStateMachine): AnyStateMachine {
  const restartLater = partition.implementations.actions['restartLater']
  const takeNeighbour = enqueueActions(({ context, event, enqueue }) => {
    const { children } = context as PartitionContext
    const { actorId } = event as unknown as { actorId: string }
    const alive = Object.entries(children).filter(([id, { life }]) => id.startsWith('session:') && life === 'alive')
    const [id, child] = alive.find(([other]) => other !== actorId) ?? []
    if (id === undefined || child === undefined) return
    enqueue.stopChild(id)
    const waiting = { ...child, sweeps: null, life: 'waiting', held: [] }
    enqueue.assign({ children: { ...children, [id]: waiting } })
    enqueue.raise({ type: 'restart.due', child: id } as never, { id: `restart:${id}`, delay: 1_000 })
  })
  const change = (supervising: Config): Config => {
    const on = supervising['on'] as Record<string, unknown[]>
    const failed = (on['xstate.error.actor.*'] as { readonly actions: unknown[] }[]).map((each) => ({
      ...each,
      actions: [...each.actions, 'takeNeighbour'],
    }))
    return { ...supervising, on: { ...on, 'xstate.error.actor.*': failed } }
  }
  const broken = withState(partition, ['supervising'], change)
  return withEffects(broken, { actions: { restartLater, takeNeighbour } })
}
