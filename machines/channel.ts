// Channel: one configured way in and out. It keeps one connection alive and routes what comes in to its partitions.
//   C1. A channel's failure changes no other channel: it is reported and restarted here.
//   C2. One poller per token: `open` is the only state with a connection, and it is left only after `connection.ended`, when
//       nothing of the old one runs any more.
//   M5. Before it opens it takes up what an earlier process accepted and did not finish.

import { assign, enqueueActions, fromCallback, fromPromise, sendTo, setup } from 'xstate'
import { deliveryAddress, gateway, isSession, nameOf, partitionAddress, sessionAddress } from './addresses.ts'
import type { AgentDefinition, ChannelDefinition } from './definitions.ts'
import { assert, type Failure, failureOf, unprovided } from './failure.ts'
import { CLOSE_MS_MAX, CONNECT_MS_MAX, STABLE_MS } from './limits.ts'
import type { ChannelState, ToChannel } from './messages.ts'
import { ENDED, missingFailure, SILENCE, STUCK } from './channel-failure.ts'
import { type ChildEnded, hasFailed, isDone } from './child-ended.ts'
import { partitionMachine } from './partition.ts'
import { Placement } from './placement.ts'
import { backoffMs } from './restart.ts'

export interface ChannelInput {
  readonly definition: ChannelDefinition
  readonly agents: Readonly<Record<string, AgentDefinition>>
}

interface ChannelContext extends ChannelInput {
  readonly placement: Placement
  readonly failure: Failure | null
  /** Connections that ended in a failure since the last one that stayed up for STABLE_MS. */
  readonly failures: number
  /** Where `closing` leads to. */
  readonly after: 'connecting' | 'retrying' | 'paused' | 'stopped'
}

export const channelMachine = setup({
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
    sweepPartitions: enqueueActions(({ context, enqueue }) => {
      for (const partition of context.placement.takeEmpty()) enqueue.stopChild(partitionAddress(partition))
      for (const partition of context.placement.partitions) {
        enqueue.sendTo(partitionAddress(partition), { type: 'sweep' })
      }
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
}).createMachine({
  id: 'channel',
  description: 'One connection, kept alive; partitions of sessions and deliveries behind it.',
  context: ({ input }) => ({ ...input, placement: new Placement(), failure: null, failures: 0, after: 'connecting' }),
  initial: 'recovering',
  on: {
    'message.accepted': { actions: 'routeMessage' },
    'outbox.owed': { actions: 'routeOutbox' },
    'child.stopped': { actions: 'freePlace' },
    sweep: { actions: 'sweepPartitions' },
    halt: { actions: 'tellPartitions' },
    'xstate.error.actor.*': [
      {
        guard: { type: 'isPartition', params: ({ event }) => ({ actorId: event.actorId }) },
        actions: [
          { type: 'noteFailure', params: ({ event }) => ({ partition: event.actorId, error: event.error }) },
          'replacePartition',
        ],
      },
      { actions: 'stopEnded' },
    ],
    'xstate.done.actor.*': { actions: 'stopEnded' },
  },
  states: {
    recovering: {
      description: 'Takes up what an earlier process accepted and did not finish.',
      entry: { type: 'report', params: { state: 'connecting' } },
      initial: 'reading',
      on: { drain: { target: 'stopped', actions: 'tellPartitions' } },
      states: {
        reading: {
          invoke: {
            id: 'recover',
            src: 'recover',
            input: ({ context }) => ({ channel: context.definition.id }),
            onDone: [
              { guard: 'lacksVariable', target: '#channel.failed', actions: 'noteMissing' },
              { target: '#channel.open' },
            ],
            onError: { target: 'readingAgain', actions: { type: 'noteEnd', params: ({ event }) => failureIn(event) } },
          },
        },
        readingAgain: { after: { backoff: 'reading' } },
      },
    },

    open: {
      description: 'There is a connection, or one is being made or ended.',
      initial: 'connecting',
      invoke: {
        id: 'connection',
        src: 'connection',
        input: ({ context }) => ({ definition: context.definition, agents: context.agents }),
        onError: { target: 'retrying', actions: { type: 'noteEnd', params: ({ event }) => failureIn(event) } },
      },
      states: {
        connecting: {
          description: 'The platform has not answered yet.',
          entry: { type: 'report', params: { state: 'connecting' } },
          after: { connectMsMax: { target: 'closing', actions: ['noteSilence', 'thenRetrying'] } },
          on: { 'connection.live': 'live' },
        },
        live: {
          description: 'Messages come in.',
          entry: [
            'forgetFailure',
            { type: 'report', params: { state: 'live' } },
            { type: 'wakeOwed', params: ({ context }) => ({ channel: context.definition.id }) },
          ],
          after: { stableMs: { actions: 'forgetFailures' } },
        },
        closing: {
          description: 'The old connection is ending; only then may there be another.',
          entry: 'close',
          // Stuck is said and not left: only the end of the old connection may lead to another one (C2).
          after: { closeMsMax: { actions: ['noteStuck', { type: 'report', params: { state: 'failed' } }] } },
          on: {
            control: [
              { guard: { type: 'leadsTo', params: { state: 'stopped' } } },
              { guard: { type: 'isControl', params: { control: 'pause' } }, actions: 'thenPaused' },
              { actions: 'thenConnecting' },
            ],
            drain: { actions: ['thenStopped', 'tellPartitions'] },
            'connection.ended': [
              { guard: { type: 'leadsTo', params: { state: 'paused' } }, target: '#channel.paused' },
              { guard: { type: 'leadsTo', params: { state: 'stopped' } }, target: '#channel.stopped' },
              { guard: { type: 'leadsTo', params: { state: 'retrying' } }, target: '#channel.retrying' },
              { target: '#channel.open', reenter: true },
            ],
          },
        },
      },
      on: {
        control: [
          {
            guard: { type: 'isControl', params: { control: 'pause' } },
            target: '.closing',
            actions: 'thenPaused',
          },
          {
            guard: { type: 'isControl', params: { control: 'reconnect' } },
            target: '.closing',
            actions: 'thenConnecting',
          },
        ],
        drain: { target: '.closing', actions: ['thenStopped', 'tellPartitions'] },
        'connection.ended': [
          {
            guard: { type: 'isPermanent', params: ({ event }) => ({ failure: event.failure }) },
            target: 'failed',
            actions: { type: 'noteEnd', params: ({ event }) => ({ failure: event.failure }) },
          },
          { target: 'retrying', actions: { type: 'noteEnd', params: ({ event }) => ({ failure: event.failure }) } },
        ],
      },
    },

    retrying: {
      description: 'Trying can help; it is tried again after a growing wait.',
      entry: { type: 'report', params: { state: 'retrying' } },
      after: { backoff: 'open' },
      on: {
        control: [
          { guard: { type: 'isControl', params: { control: 'pause' } }, target: 'paused' },
          { target: 'open', actions: 'thenConnecting' },
        ],
        drain: { target: 'stopped', actions: 'tellPartitions' },
      },
    },

    paused: {
      description: 'An operator’s hand: nothing is taken; what was accepted is still answered.',
      entry: ['forgetFailure', { type: 'report', params: { state: 'paused' } }],
      on: {
        control: [
          { guard: { type: 'isControl', params: { control: 'pause' } } },
          { target: 'open', actions: 'thenConnecting' },
        ],
        drain: { target: 'stopped', actions: 'tellPartitions' },
      },
    },

    failed: {
      description: 'Trying cannot help until somebody changes something.',
      entry: { type: 'report', params: { state: 'failed' } },
      on: {
        control: [
          { guard: { type: 'isControl', params: { control: 'pause' } }, target: 'paused' },
          { guard: 'lacksVariable' },
          { target: 'open', actions: 'thenConnecting' },
        ],
        drain: { target: 'stopped', actions: 'tellPartitions' },
      },
    },

    stopped: {
      description: 'Takes nothing any more; runs finish and what is owed is sent, by the gateway’s deadline.',
      entry: { type: 'report', params: { state: 'stopped' } },
      // What a recovery still reads is on disk and is answered after the next start.
      on: { 'message.accepted': {} },
    },
  },
})

function reportable(context: ChannelContext, state: ChannelState): Failure | null {
  return state === 'retrying' || state === 'failed' ? context.failure : null
}

function partitionInput({ definition, agents }: ChannelContext): ChannelInput {
  return { definition, agents }
}

function failureIn(event: { readonly error: unknown }): { failure: Failure } {
  return { failure: failureOf(event.error) }
}
