// The words of the channel's statechart: its context, and every action, guard, actor and delay that channel.ts names.
// Effects are stubs that src/actors/channel.ts provides.

import { assign, enqueueActions, fromCallback, fromPromise, sendTo, setup } from 'xstate'
import { deliveryAddress, gateway, isSession, nameOf, partitionAddress, sessionAddress } from './addresses.ts'
import type { AgentDefinition, ChannelDefinition } from './definitions.ts'
import { assert, type Failure, failureOf, unprovided } from './failure.ts'
import { CLOSE_MS_MAX, CONNECT_MS_MAX, STABLE_MS, SWEEP_STEP_MS } from './limits.ts'
import type { ChannelState, ToChannel } from './messages.ts'
import { ENDED, missingFailure, SILENCE, STUCK } from './channel-failure.ts'
import { type ChildEnded, hasFailed, isDone } from './child-ended.ts'
import { partitionMachine } from './partition.ts'
import type { Placement } from './placement.ts'
import { backoffMs } from './restart.ts'

export interface ChannelInput {
  readonly definition: ChannelDefinition
  readonly agents: Readonly<Record<string, AgentDefinition>>
}

export interface ChannelContext extends ChannelInput {
  readonly placement: Placement
  readonly failure: Failure | null
  /** Connections that ended in a failure since the last one that stayed up for STABLE_MS. */
  readonly failures: number
  /** Partitions that the sweep in progress has not come to; the next sweep waits until there are none. */
  readonly unswept: readonly number[]
  /** Where `closing` leads to. */
  readonly after: 'connecting' | 'retrying' | 'paused' | 'stopped'
}

export const words = setup({
  types: {
    context: {} as ChannelContext,
    events: {} as ToChannel | ChildEnded,
    input: {} as ChannelInput,
  },
  actors: {
    partition: partitionMachine,
    /** Sends `message.accepted` and `outbox.owed` for everything unfinished, then resolves. */
    recover: fromPromise<void, { channel: string }>(() => unprovided('recover')),
    /** Runs the adapter; on `{ type: 'close' }` ends it; says `connection.ended` when nothing of it runs any more. */
    connection: fromCallback<{ type: 'close' }, ChannelInput>(() => unprovided('connection')),
  },
  actions: {
    report: sendTo(gateway, ({ context }, params: { state: ChannelState }) => ({
      type: 'channel.reported',
      report: { id: context.definition.id, state: params.state, failure: reportable(context, params.state) },
    })),
    /** Says in the log that a partition failed. */
    noteFailure: (_, _params: { partition: string; error: unknown }) => unprovided('noteFailure'),
    routeMessage: enqueueActions(({ context, event, enqueue }) => {
      assert(event.type === 'message.accepted', 'routeMessage answers message.accepted')
      const { message } = event
      const place = context.placement.route(sessionAddress(message.sessionKey))
      const id = partitionAddress(place.partition)
      if (place.opened) enqueue.spawnChild('partition', { id, input: partitionInput(context) })
      enqueue.sendTo(id, { type: 'message.route', routed: place.routed, message })
    }),
    routeOutbox: enqueueActions(({ context, event, enqueue }) => {
      assert(event.type === 'outbox.owed', 'routeOutbox answers outbox.owed')
      const { conversation } = event
      const place = context.placement.route(deliveryAddress(conversation))
      const id = partitionAddress(place.partition)
      if (place.opened) enqueue.spawnChild('partition', { id, input: partitionInput(context) })
      enqueue.sendTo(id, { type: 'outbox.route', routed: place.routed, conversation })
    }),
    /** A credential may have been replaced: what is owed is looked at again. */
    wakeOwed: (_, _params: { channel: string }) => unprovided('wakeOwed'),
    freePlace: ({ context, event }) => {
      if (event.type === 'child.stopped') context.placement.free(event.child, event.routed)
    },
    beginSweep: assign({
      unswept: ({ context }) => context.placement.partitions,
    }),
    /** One partition at a time, so that 100,000 sessions hold up nobody's message. */
    sweepNext: enqueueActions(({ context, enqueue }) => {
      const [partition, ...unswept] = context.unswept
      if (partition === undefined) return
      enqueue.assign({ unswept })
      if (context.placement.takeIfEmpty(partition)) enqueue.stopChild(partitionAddress(partition))
      else if (context.placement.has(partition)) enqueue.sendTo(partitionAddress(partition), { type: 'sweep' })
      if (unswept.length > 0) enqueue.raise({ type: 'sweep.next' }, { id: 'sweep', delay: SWEEP_STEP_MS })
    }),
    tellPartitions: enqueueActions(({ context, event, enqueue }) => {
      assert(event.type === 'drain' || event.type === 'halt', 'tellPartitions passes an ending on')
      for (const partition of context.placement.partitions) enqueue.sendTo(partitionAddress(partition), event)
    }),
    replacePartition: enqueueActions(({ context, event, enqueue }) => {
      assert(hasFailed(event), 'replacePartition answers the failure of a partition')
      enqueue.stopChild(event.actorId)
      const lost = context.placement.drop(Number(nameOf(event.actorId)))
      for (const child of lost.filter(isSession)) {
        enqueue.sendTo(gateway, { type: 'slot.released', sessionKey: nameOf(child) })
      }
      enqueue.spawnChild('recover', { id: `recovery:${event.actorId}`, input: { channel: context.definition.id } })
    }),
    stopEnded: enqueueActions(({ event, enqueue }) => {
      if (hasFailed(event) || isDone(event)) enqueue.stopChild(event.actorId)
    }),
    close: sendTo('connection', { type: 'close' }),
    thenConnecting: assign({ after: 'connecting', failures: 0 }),
    thenRetrying: assign({ after: 'retrying' }),
    thenPaused: assign({ after: 'paused' }),
    thenStopped: assign({ after: 'stopped' }),
    noteEnd: assign(({ context }, params: { failure: Failure | null }) => ({
      failure: params.failure ?? ENDED,
      failures: context.failures + 1,
    })),
    noteSilence: assign({ failure: SILENCE, failures: ({ context }) => context.failures + 1 }),
    noteStuck: assign({ failure: STUCK }),
    noteMissing: assign({ failure: ({ context }) => missingFailure(context) }),
    forgetFailure: assign({ failure: null }),
    forgetFailures: assign({ failures: 0 }),
  },
  guards: {
    isSwept: ({ context }) => context.unswept.length === 0,
    lacksVariable: ({ context }) => missingFailure(context) !== null,
    isPermanent: (_, params: { failure: Failure | null }) =>
      params.failure !== null && params.failure.kind === 'permanent',
    isPartition: (_, params: { actorId: string }) => params.actorId.startsWith('partition:'),
    leadsTo: ({ context }, params: { state: ChannelContext['after'] }) => context.after === params.state,
    isControl: ({ event }, params: { control: 'pause' | 'resume' | 'reconnect' }) =>
      event.type === 'control' && event.control === params.control,
  },
  delays: {
    connectMsMax: CONNECT_MS_MAX,
    closeMsMax: CLOSE_MS_MAX,
    stableMs: STABLE_MS,
    backoff: ({ context }) => backoffMs(Math.max(1, context.failures), context.failure?.retryAfterMs),
  },
})

function reportable(context: ChannelContext, state: ChannelState): Failure | null {
  return state === 'retrying' || state === 'failed' ? context.failure : null
}

function partitionInput({ definition, agents }: ChannelContext): ChannelInput {
  return { definition, agents }
}

export function failureIn(event: { readonly error: unknown }): { failure: Failure } {
  return { failure: failureOf(event.error) }
}
