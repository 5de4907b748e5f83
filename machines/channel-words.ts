// The words of the channel's statechart: its context, and every action, guard, actor and delay that channel.ts names.
// What a newer definition does to the context is a pure function in adoption.ts; effects are stubs that src/actors/channel.ts provides.

import { assign, enqueueActions, fromCallback, fromPromise, sendTo, setup } from 'xstate'
import { type Adopting, goneBack, isServed, offered, type Served, servedBy, taken, takenOnTrial } from './adoption.ts'
import {
  deliveryAddress,
  gateway,
  isMcp,
  isSession,
  mcpAddress,
  nameOf,
  partitionAddress,
  sessionAddress,
} from './addresses.ts'
import { assert, type Failure, failureOf, unprovided } from './failure.ts'
import { CLOSE_MS_MAX, CONNECT_MS_MAX, STABLE_MS, SWEEP_STEP_MS } from './limits.ts'
import type { Adoption, ChannelState, ToChannel, ToConnection } from './messages.ts'
import { ENDED, missingFailure, SILENCE, STUCK } from './channel-failure.ts'
import { type ChildEnded, hasFailed, isDone } from './child-ended.ts'
import { mcpMachine } from './mcp.ts'
import { outdated, type Servers, without } from './mcp-servers.ts'
import { partitionMachine } from './partition.ts'
import { isSame } from './redefinition.ts'
import type { Placement } from './placement.ts'
import { backoffMs } from './restart.ts'

export interface ChannelContext extends Adopting {
  readonly placement: Placement
  readonly failure: Failure | null
  /** Connections that ended in a failure since the last one that stayed up for STABLE_MS. */
  readonly failures: number
  /** Partitions that the sweep in progress has not come to; the next sweep waits until there are none. */
  readonly unswept: readonly number[]
  /** MCP servers that have an actor here, by its address, as they are in the newest file. */
  readonly servers: Servers
  /** Reads for lost partitions that failed in a row: the disk is asked again with a growing wait. */
  readonly unread: number
  /** Where `closing` leads to. */
  readonly after: 'connecting' | 'redefined' | 'retrying' | 'paused' | 'stopped'
}

export const words = setup({
  types: {
    context: {} as ChannelContext,
    events: {} as ToChannel | ChildEnded,
    input: {} as Served,
  },
  actors: {
    partition: partitionMachine,
    mcp: mcpMachine,
    /** Sends `message.accepted` and `outbox.owed` for everything unfinished, then resolves. */
    recover: fromPromise<void, { channel: string }>(() => unprovided('recover')),
    /** Runs the adapter; on `close` ends it; says `connection.ended` when nothing of it runs any more. */
    connection: fromCallback<ToConnection, Served>(() => unprovided('connection')),
    /** Asks the platform whether a definition can start, without taking a message; rejects with the reason. */
    trial: fromPromise<void, Served>(() => unprovided('trial')),
  },
  actions: {
    report: sendTo(gateway, ({ context }, params: { state: ChannelState }) => ({
      type: 'channel.reported',
      report: { id: context.definition.id, state: params.state, failure: reportable(context, params.state) },
    })),
    /** Says in the log that a partition failed, or an MCP server’s actor, and tells whoever asked that one. */
    noteFailure: (_, _params: { actor: string; error: unknown }) => unprovided('noteFailure'),
    /** Says in the log that what a lost partition leaves unfinished could not be read yet. */
    noteUnread: (_, _params: { channel: string; error: unknown }) => unprovided('noteUnread'),
    routeMessage: enqueueActions(({ context, event, enqueue }) => {
      assert(event.type === 'message.accepted', 'routeMessage answers message.accepted')
      const { message } = event
      const place = context.placement.route(sessionAddress(message.sessionKey))
      const id = partitionAddress(place.partition)
      if (place.opened) enqueue.spawnChild('partition', { id, input: servedBy(context) })
      enqueue.sendTo(id, { type: 'message.route', routed: place.routed, message })
    }),
    routeOutbox: enqueueActions(({ context, event, enqueue }) => {
      assert(event.type === 'outbox.owed', 'routeOutbox answers outbox.owed')
      const { conversation } = event
      const place = context.placement.route(deliveryAddress(conversation))
      const id = partitionAddress(place.partition)
      if (place.opened) enqueue.spawnChild('partition', { id, input: servedBy(context) })
      enqueue.sendTo(id, { type: 'outbox.route', routed: place.routed, conversation })
    }),
    /** A credential may have been replaced: what is owed is looked at again. */
    wakeOwed: (_, _params: { channel: string }) => unprovided('wakeOwed'),
    /** To the actor of the server, which the first asking starts. */
    passRequest: enqueueActions(({ context, event, enqueue }) => {
      assert(event.type === 'mcp.requested', 'passRequest answers mcp.requested')
      const { agent, server, definition, ask } = event
      const id = mcpAddress(agent, server)
      const known = context.servers[id]
      const channel = context.definition.id
      if (known === undefined) enqueue.spawnChild('mcp', { id, input: { channel, agent, server, definition } })
      else if (!isSame(known.definition, definition)) enqueue.sendTo(id, { type: 'mcp.redefined', definition })
      enqueue.assign({ servers: { ...context.servers, [id]: { agent, server, definition } } })
      enqueue.sendTo(id, { type: 'mcp.asked', ask })
    }),
    passWithdrawal: enqueueActions(({ context, event, enqueue }) => {
      assert(event.type === 'mcp.withdrawn', 'passWithdrawal answers mcp.withdrawn')
      const id = mcpAddress(event.agent, event.server)
      if (context.servers[id] !== undefined) enqueue.sendTo(id, { type: 'mcp.dropped', id: event.id })
    }),
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
    /** The next asking starts another one. */
    dropServer: enqueueActions(({ context, event, enqueue }) => {
      assert(hasFailed(event), 'dropServer answers the failure of an MCP server’s actor')
      enqueue.stopChild(event.actorId)
      enqueue.assign({ servers: without(context.servers, event.actorId) })
    }),
    endRecovery: enqueueActions(({ event, enqueue }) => {
      assert(isDone(event), 'endRecovery answers the end of a recovery')
      enqueue.stopChild(event.actorId)
      enqueue.assign({ unread: 0 })
    }),
    recoverLater: enqueueActions(({ context, event, enqueue }) => {
      assert(hasFailed(event), 'recoverLater answers the failure of a recovery')
      const { actorId: recovery } = event
      const unread = context.unread + 1
      enqueue.stopChild(recovery)
      enqueue.assign({ unread })
      enqueue.raise({ type: 'recovery.due', recovery }, { id: `again:${recovery}`, delay: backoffMs(unread) })
    }),
    recoverAgain: enqueueActions(({ context, event, enqueue }) => {
      assert(event.type === 'recovery.due', 'recoverAgain answers recovery.due')
      enqueue.spawnChild('recover', { id: event.recovery, input: { channel: context.definition.id } })
    }),
    close: sendTo('connection', { type: 'close' }),

    /** The newest definition came: it is served, or waits for a connection of its own. */
    redefine: enqueueActions(({ context, event, enqueue }) => {
      assert(event.type === 'redefined', 'redefine answers redefined')
      const after = offered(context, event)
      enqueue.assign(after)
      enqueue.sendTo(gateway, adopted(context, adoptionOf(after)))
      // A run begins on the newest definition of its agent, whatever connection the channel serves.
      const { servers, messages } = outdated(context.servers, event.agents)
      enqueue.assign({ servers })
      for (const { address, message } of messages) enqueue.sendTo(address, message)
    }),
    takeNext: enqueueActions(({ context, enqueue }) => {
      if (context.next === null) return
      enqueue.assign({ ...taken(context), failures: 0 })
      enqueue.sendTo(gateway, adopted(context, SERVED))
    }),
    /** Where the earlier one was at rest and may be wanted again. */
    takeNextAtRest: enqueueActions(({ context, enqueue }) => {
      enqueue.assign(takenOnTrial(context))
      enqueue.sendTo(gateway, adopted(context, SERVED))
    }),
    /** What lacks something is not even tried: it is refused when the earlier one serves again. */
    takeNextOnTrial: assign(({ context }) => ({ ...(nextLacks(context) ? {} : takenOnTrial(context)), failures: 0 })),
    /** It went live: there is no way back any more, and no need of one. */
    prove: enqueueActions(({ context, enqueue }) => {
      if (context.proven === null) return
      enqueue.assign({ proven: null })
      enqueue.sendTo(gateway, adopted(context, adoptionOf({ ...context, proven: null })))
    }),
    goBack: enqueueActions(({ context, enqueue }, params: { failure: Failure | null }) => {
      const after = goneBack(context)
      enqueue.assign({ ...after, failure: null, failures: 0 })
      const kept = { state: 'kept', failure: params.failure ?? ENDED } as const
      // What came meanwhile is the newest now; it may be what is gone back to.
      enqueue.sendTo(gateway, adopted(context, context.next === null ? kept : adoptionOf(after)))
    }),
    noteTrial: enqueueActions(({ context, enqueue }, params: { failure: Failure }) => {
      enqueue.assign({ trials: context.trials + 1 })
      enqueue.sendTo(gateway, adopted(context, { state: 'trying', failure: params.failure }))
    }),
    refuseNext: enqueueActions(({ context, enqueue }, params: { failure: Failure | null }) => {
      enqueue.assign({ next: null, trials: 0 })
      enqueue.sendTo(gateway, adopted(context, { state: 'kept', failure: params.failure }))
    }),
    tellAdoption: sendTo(gateway, ({ context }) => adopted(context, adoptionOf(context))),
    /** What is served now, to those who work by it. */
    passOn: enqueueActions(({ context, enqueue }) => {
      const redefined = { type: 'redefined', ...servedBy(context) } as const
      for (const partition of context.placement.partitions) enqueue.sendTo(partitionAddress(partition), redefined)
    }),
    tellConnection: sendTo('connection', ({ context }) => ({ type: 'redefined', definition: context.definition })),

    thenConnecting: assign({ after: 'connecting', failures: 0 }),
    thenRedefined: assign({ after: 'redefined' }),
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
    lacksSomething: ({ context }) => missingFailure(context) !== null,
    isPermanent: (_, params: { failure: Failure | null }) =>
      params.failure !== null && params.failure.kind === 'permanent',
    isServed: ({ context, event }) => event.type === 'redefined' && isServed(context, event),
    hasNext: ({ context }) => context.next !== null,
    nextLacksSomething: ({ context }) => nextLacks(context),
    hasWayBack: ({ context }) => context.proven !== null,
    lacksSomethingAndHasWayBack: ({ context }) => context.proven !== null && missingFailure(context) !== null,
    isSilentOnTrial: ({ context }) => context.proven !== null && context.after === 'retrying',
    isMcp: ({ event }) => hasFailed(event) && isMcp(event.actorId),
    isPartition: ({ event }) => hasFailed(event) && event.actorId.startsWith('partition:'),
    leadsTo: ({ context }, params: { state: ChannelContext['after'] }) => context.after === params.state,
    isControl: ({ event }, params: { control: 'pause' | 'resume' | 'reconnect' }) =>
      event.type === 'control' && event.control === params.control,
  },
  delays: {
    connectMsMax: CONNECT_MS_MAX,
    closeMsMax: CLOSE_MS_MAX,
    stableMs: STABLE_MS,
    trialBackoff: ({ context }) => backoffMs(Math.max(1, context.trials)),
    backoff: ({ context }) => backoffMs(Math.max(1, context.failures), context.failure?.retryAfterMs),
  },
})

function reportable(context: ChannelContext, state: ChannelState): Failure | null {
  return state === 'retrying' || state === 'failed' ? context.failure : null
}

const SERVED: Adoption = { state: 'served', failure: null }
const TRYING: Adoption = { state: 'trying', failure: null }

/** On trial it is not served yet, although it is connected. */
function adoptionOf({ next, proven }: Adopting): Adoption {
  return next === null && proven === null ? SERVED : TRYING
}

function adopted({ definition }: ChannelContext, adoption: Adoption) {
  return { type: 'channel.adopted', channel: definition.id, adoption } as const
}

function nextLacks({ next }: Adopting): boolean {
  return next !== null && missingFailure(next) !== null
}

/** What of the definition that waits is missing. */
export function missingOfNext({ context }: { readonly context: ChannelContext }): { failure: Failure | null } {
  return { failure: context.next === null ? null : missingFailure(context.next) }
}

/** Which child failed, and by what. */
export function failedChild({ event }: { readonly event: { readonly actorId: string; readonly error: unknown } }) {
  return { actor: event.actorId, error: event.error }
}

export function unreadBy({
  context,
  event,
}: {
  readonly context: ChannelContext
  readonly event: { readonly error: unknown }
}) {
  return { channel: context.definition.id, error: event.error }
}

export function failureIn(event: { readonly error: unknown }): { failure: Failure } {
  return { failure: failureOf(event.error) }
}
