// Gateway: root supervisor and router. It starts every channel of the file, hands out slots, and ends in order.
//   C1. A failed channel leaves its siblings alone.
//   C3. Every channel of the file is in every report, under its own id.
//   S7. Slots are first come, first served, so whoever waits is served when those before it have run.
//   Start in the order of the file; stop in reverse: first the connections, then the runs, then the outbox, each by a deadline.

import { assign, type EventObject, enqueueActions, fromCallback, fromPromise, setup } from 'xstate'
import { channelAddress, nameOf, sessionAddress } from './addresses.ts'
import { channelMachine } from './channel.ts'
import { type ChildEnded, hasFailed, isDone } from './child-ended.ts'
import type { GatewayDefinition } from './definitions.ts'
import { assert, type Failure, unprovided } from './failure.ts'
import { FLUSH_MS_MAX, SWEEPS_BEFORE_PASSIVATION } from './limits.ts'
import type { ChannelReport, Ending, ToChannel, ToGateway } from './messages.ts'
import { nextRestart } from './restart.ts'
import { isOfChannel } from './session-key.ts'
import {
  emptySlots,
  releaseSlot,
  releaseWhere,
  requestSlot,
  type Slots,
  type SlotsChange,
  withoutWaiting,
} from './slots.ts'

export interface GatewayInput {
  readonly definition: GatewayDefinition
}

interface GatewayContext extends GatewayInput {
  /** The last word of each channel, in the order of the file; null: none yet. */
  readonly reports: Readonly<Record<string, ChannelReport | null>>
  readonly slots: Slots
  /** Failures of a channel's actor since the start. */
  readonly failures: Readonly<Record<string, number>>
}

type GatewayEvent = ToGateway | ChildEnded | { readonly type: 'restart.due'; readonly channel: string }

export const gatewayMachine = setup({
  types: {
    context: {} as GatewayContext,
    events: {} as GatewayEvent,
    input: {} as GatewayInput,
  },
  actors: {
    channel: channelMachine,
    /** Says `sweep` four times in each `passivate_after`: one timer for all sessions, and none in any of them. */
    sweeper: fromCallback<EventObject, { everyMs: number }>(() => unprovided('sweeper')),
    /** Resolves when nothing is owed any more, or nothing moves. */
    flush: fromPromise<void>(() => unprovided('flush')),
  },
  actions: {
    /** Prints N of M, by name. */
    callTheRoll: (_, _params: { reports: readonly ChannelReport[] }) => unprovided('callTheRoll'),
    /** A channel's new state, for the log and `since`. */
    noteReport: (_, _params: { report: ChannelReport }) => unprovided('noteReport'),
    /** Says in the log that a channel's actor failed. */
    noteFailure: (_, _params: { channel: string; error: unknown }) => unprovided('noteFailure'),
    startChannels: enqueueActions(({ context, enqueue }) => {
      for (const definition of Object.values(context.definition.channels)) {
        const id = channelAddress(definition.id)
        enqueue.spawnChild('channel', { id, systemId: id, input: { definition, agents: context.definition.agents } })
      }
    }),
    keepReport: assign(({ context }, params: { report: ChannelReport }) => ({
      reports: { ...context.reports, [params.report.id]: params.report },
    })),
    routeToChannel: enqueueActions(({ event, system, enqueue }) => {
      const routed = routedTo(event)
      // A channel that is being restarted reads everything unfinished from the store by itself.
      if (routed === null || system.get(routed.address) === undefined) return
      enqueue.sendTo(routed.address, routed.message)
    }),
    changeSlots: enqueueActions(({ context, event, system, enqueue }) => {
      const { slots, granted } = slotsAfter(context.slots, event)
      enqueue.assign({ slots })
      for (const sessionKey of granted) {
        const session = system.get(sessionAddress(sessionKey))
        if (session !== undefined) enqueue.sendTo(session, { type: 'slot.granted' })
      }
    }),
    sweepChannels: enqueueActions(({ context, system, enqueue }) => {
      for (const id of Object.keys(context.definition.channels)) {
        if (system.get(channelAddress(id)) !== undefined) enqueue.sendTo(channelAddress(id), { type: 'sweep' })
      }
    }),
    /** While draining a slot comes back and is given to nobody. */
    takeBackSlot: assign({
      slots: ({ context, event }) => {
        const nobodyWaits = withoutWaiting(context.slots)
        return event.type === 'slot.requested'
          ? releaseSlot(nobodyWaits, event.sessionKey).slots
          : slotsAfter(nobodyWaits, event).slots
      },
    }),
    forgetWaiting: assign({ slots: ({ context }) => withoutWaiting(context.slots) }),
    stopFailed: enqueueActions(({ event, enqueue }) => {
      if (hasFailed(event) || isDone(event)) enqueue.stopChild(event.actorId)
    }),
    restartLater: enqueueActions(({ context, event, enqueue }) => {
      assert(hasFailed(event), 'restartLater answers the failure of a channel')
      const id = nameOf(event.actorId)
      const failures = (context.failures[id] ?? 0) + 1
      const next = nextRestart(failures)
      enqueue.assign({ failures: { ...context.failures, [id]: failures } })
      if (next !== 'giveUp')
        enqueue.raise({ type: 'restart.due', channel: id }, { id: `restart:${id}`, delay: next.restartAfterMs })
    }),
    restartChannel: enqueueActions(({ context, event, enqueue }) => {
      assert(event.type === 'restart.due', 'restartChannel answers restart.due')
      const definition = context.definition.channels[event.channel]
      const id = channelAddress(event.channel)
      if (definition === undefined) return
      enqueue.spawnChild('channel', { id, systemId: id, input: { definition, agents: context.definition.agents } })
    }),
    tellChannels: enqueueActions(({ context, system, enqueue }, params: { ending: Ending }) => {
      for (const id of Object.keys(context.definition.channels).reverse()) {
        if (system.get(channelAddress(id)) !== undefined) enqueue.sendTo(channelAddress(id), params.ending)
      }
    }),
  },
  guards: {
    everybodyReported: ({ context }) =>
      Object.values(context.reports).every((report) => report !== null && report.state !== 'connecting'),
    everythingQuiet: ({ context }) =>
      context.slots.running.length === 0 &&
      Object.values(context.reports).every((report) => report === null || SILENT.includes(report.state)),
  },
  delays: {
    drainMs: ({ context }) => context.definition.gateway.drainMs,
    flushMsMax: FLUSH_MS_MAX,
  },
}).createMachine({
  id: 'gateway',
  description: 'Root supervisor and router: every channel of the file, by name.',
  context: ({ input }) => ({
    ...input,
    reports: Object.fromEntries(Object.keys(input.definition.channels).map((id) => [id, null])),
    slots: emptySlots(input.definition.gateway.concurrentRuns),
    failures: {},
  }),
  initial: 'starting',
  entry: 'startChannels',
  invoke: {
    id: 'sweeper',
    src: 'sweeper',
    input: ({ context }) => ({ everyMs: context.definition.gateway.passivateAfterMs / SWEEPS_BEFORE_PASSIVATION }),
    onError: { actions: { type: 'noteFailure', params: ({ event }) => ({ channel: 'sweeper', error: event.error }) } },
  },
  on: {
    'message.accepted': { actions: 'routeToChannel' },
    'outbox.owed': { actions: 'routeToChannel' },
    'channel.control': { actions: 'routeToChannel' },
    'slot.requested': { actions: 'changeSlots' },
    'slot.released': { actions: 'changeSlots' },
    'channel.reported': {
      actions: [
        { type: 'keepReport', params: ({ event }) => ({ report: event.report }) },
        { type: 'noteReport', params: ({ event }) => ({ report: event.report }) },
      ],
    },
    'xstate.error.actor.*': {
      actions: [
        'stopFailed',
        { type: 'noteFailure', params: ({ event }) => ({ channel: nameOf(event.actorId), error: event.error }) },
        { type: 'keepReport', params: ({ context, event }) => ({ report: failedReport(context, event) }) },
        { type: 'noteReport', params: ({ context, event }) => ({ report: failedReport(context, event) }) },
        'changeSlots',
        'restartLater',
      ],
    },
    'xstate.done.actor.*': { actions: 'stopFailed' },
    'restart.due': { actions: 'restartChannel' },
    sweep: { actions: 'sweepChannels' },
    drain: '.draining',
  },
  states: {
    starting: {
      description: 'Until every channel has gone live or failed its first try.',
      always: { guard: 'everybodyReported', target: 'serving' },
    },
    serving: {
      description: 'At work; degraded as soon as one channel is not live.',
      entry: { type: 'callTheRoll', params: ({ context }) => ({ reports: reportsOf(context) }) },
    },
    draining: {
      description: 'Nothing new is taken; runs get the operator’s `drain`, then the outbox gets a moment.',
      entry: ['forgetWaiting', { type: 'tellChannels', params: { ending: { type: 'drain' } } }],
      initial: 'finishing',
      on: {
        'slot.requested': { actions: 'takeBackSlot' },
        'slot.released': { actions: 'takeBackSlot' },
        'xstate.error.actor.*': { actions: ['stopFailed', 'takeBackSlot'] },
        'restart.due': {},
        drain: {},
      },
      states: {
        finishing: {
          description: 'Connections end, runs finish and commit.',
          always: { guard: 'everythingQuiet', target: 'flushing' },
          after: {
            drainMs: { target: 'flushing', actions: { type: 'tellChannels', params: { ending: { type: 'halt' } } } },
          },
        },
        flushing: {
          description: 'What is owed is sent or kept.',
          invoke: { id: 'flush', src: 'flush', onDone: '#gateway.stopped', onError: '#gateway.stopped' },
          after: { flushMsMax: '#gateway.stopped' },
        },
      },
    },
    stopped: { type: 'final', description: 'Everything that was accepted and not answered is on disk.' },
  },
})

/** States of a channel that has no connection. */
const SILENT: readonly string[] = ['stopped', 'failed', 'paused', 'retrying']

function routedTo(event: GatewayEvent): { address: string; message: ToChannel } | null {
  switch (event.type) {
    case 'message.accepted':
      return { address: channelAddress(event.message.channel), message: event }
    case 'outbox.owed':
      return {
        address: channelAddress(event.channel),
        message: { type: 'outbox.owed', conversation: event.conversation },
      }
    case 'channel.control':
      return { address: channelAddress(event.channel), message: { type: 'control', control: event.control } }
    default:
      return null
  }
}

function slotsAfter(slots: Slots, event: GatewayEvent): SlotsChange {
  if (event.type === 'slot.requested') return requestSlot(slots, event.sessionKey)
  if (event.type === 'slot.released') return releaseSlot(slots, event.sessionKey)
  if (hasFailed(event)) return releaseWhere(slots, (key) => isOfChannel(key, nameOf(event.actorId)))
  return { slots, granted: [] }
}

function reportsOf(context: GatewayContext): ChannelReport[] {
  return Object.values(context.reports).filter((report) => report !== null)
}

function failedReport(context: GatewayContext, event: { readonly actorId: string }): ChannelReport {
  const id = nameOf(event.actorId)
  const givenUp = nextRestart((context.failures[id] ?? 0) + 1) === 'giveUp'
  return { id, state: givenUp ? 'failed' : 'retrying', failure: DEFECT }
}

const DEFECT: Failure = {
  kind: 'defect',
  reason: 'defect',
  message: 'the channel failed by a defect of Troupe',
  remedy: 'The log has the cause; nothing that was accepted is lost',
}
