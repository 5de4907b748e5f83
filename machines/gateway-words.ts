// The words of the gateway's statechart: its context, and every action, guard, actor and delay that gateway.ts names.
// Decisions are pure functions of redefinition.ts, gateway-context.ts and slots.ts; effects are stubs that src/actors/gateway.ts provides.

import { assign, enqueueActions, fromCallback, fromPromise, sendTo, setup } from 'xstate'
import { channelAddress, nameOf, scheduleAddress, sessionAddress } from './addresses.ts'
import { channelMachine } from './channel.ts'
import { type ChildEnded, hasFailed, isDone } from './child-ended.ts'
import { assert, unprovided } from './failure.ts'
import { finished, type GatewayContext, type GatewayInput, withAdoption, withDefinition } from './gateway-context.ts'
import { BACKOFF_MS_MAX, FLUSH_MS_MAX, SEND_MS_MAX, SWEEPS_BEFORE_PASSIVATION } from './limits.ts'
import type { Adoption, ChannelReport, Ending, ToChannel, ToGateway, ToSweeper } from './messages.ts'
import { type Redefinition, redefinition } from './redefinition.ts'
import { nextRestart } from './restart.ts'
import { scheduleMachine } from './schedule.ts'
import { scheduleOf, schedulesChange } from './schedules.ts'
import { isOfChannel } from './session-key.ts'
import { releaseSlot, releaseWhere, requestSlot, resizeSlots, type SlotsChange, withoutWaiting } from './slots.ts'

type GatewayEvent =
  | ToGateway
  | ChildEnded
  | { readonly type: 'restart.due'; readonly channel: string }
  /** A channel that left is named again, and its runs have had their time. */
  | { readonly type: 'return.due'; readonly channel: string }
  /** A schedule’s actor failed by a defect; what it has said is on disk. */
  | { readonly type: 'schedule.restart'; readonly actorId: string }

export const words = setup({
  types: {
    context: {} as GatewayContext,
    events: {} as GatewayEvent,
    input: {} as GatewayInput,
  },
  actors: {
    channel: channelMachine,
    schedule: scheduleMachine,
    /** Says `sweep` four times in each `passivate_after`: one timer for all sessions, and none in any of them. */
    sweeper: fromCallback<ToSweeper, { everyMs: number }>(() => unprovided('sweeper')),
    /** Resolves when nothing is owed any more, or nothing moves. */
    flush: fromPromise<void>(() => unprovided('flush')),
    /** The same for one channel, with a deadline of its own. */
    flushChannel: fromPromise<void, { channel: string; withinMs: number }>(() => unprovided('flushChannel')),
  },
  actions: {
    /** Prints N of M, by name. */
    callTheRoll: (_, _params: { reports: readonly ChannelReport[] }) => unprovided('callTheRoll'),
    /** A channel's new state, for the log and `since`. */
    noteReport: (_, _params: { report: ChannelReport }) => unprovided('noteReport'),
    /** Says in the log that a channel's actor failed. */
    noteFailure: (_, _params: { channel: string; error: unknown }) => unprovided('noteFailure'),
    /** The same of a schedule's. */
    noteScheduleFailure: (_, _params: { schedule: string; error: unknown }) => unprovided('noteScheduleFailure'),
    /** Schedules that were taken out have no past should they come back. */
    forgetSchedules: (_, _params: { names: readonly string[] }) => unprovided('forgetSchedules'),
    /** Says in the log how far a channel is with its newest definition. */
    noteAdoption: (_, _params: { channel: string; adoption: Adoption }) => unprovided('noteAdoption'),
    /** Says in the log that a channel is gone, and forgets what its connections left behind. */
    noteLeft: (_, _params: { channel: string }) => unprovided('noteLeft'),

    startChannels: enqueueActions(({ context, enqueue }) => {
      for (const definition of Object.values(context.definition.channels)) {
        const id = channelAddress(definition.id)
        enqueue.spawnChild('channel', { id, systemId: id, input: { definition, agents: context.definition.agents } })
      }
    }),

    // --- a newer file ---
    drainRemoved: enqueueActions(({ context, event, system, enqueue }) => {
      for (const id of changeOf(context, event).channels.stopped) {
        // Nobody waits for its return any more.
        enqueue.cancel(`return:${id}`)
        if (isAlive(system, id)) enqueue.sendTo(channelAddress(id), { type: 'drain' })
      }
    }),
    /** New ones, and those that wait for their restart, or were given up, on an earlier definition. */
    startAdded: enqueueActions(({ context, system, enqueue }) => {
      const { agents, channels } = context.definition
      for (const definition of Object.values(channels)) {
        // Whoever failed on this one waits.
        if (isAlive(system, definition.id) || context.failures[definition.id] !== undefined) continue
        const id = channelAddress(definition.id)
        enqueue.cancel(`restart:${definition.id}`)
        enqueue.spawnChild('channel', { id, systemId: id, input: { definition, agents } })
      }
    }),
    /** Unchanged ones too: one may have kept an earlier definition, and tries again. */
    redefineOthers: enqueueActions(({ context, event, system, enqueue }) => {
      const { agents, channels } = changeOf(context, event).definition
      for (const definition of Object.values(channels)) {
        if (!isAlive(system, definition.id) || context.leaving[definition.id] !== undefined) continue
        enqueue.sendTo(channelAddress(definition.id), { type: 'redefined', definition, agents })
      }
    }),
    /** The runs of a channel that is named again too soon get what they would get at a shutdown. */
    awaitReturning: enqueueActions(({ context, event, enqueue }) => {
      for (const channel of changeOf(context, event).channels.started) {
        if (context.leaving[channel] === undefined) continue
        const delay = context.definition.gateway.drainMs
        enqueue.raise({ type: 'return.due', channel }, { id: `return:${channel}`, delay })
      }
    }),
    takeDefinition: assign(({ context, event, system }) =>
      withDefinition(context, changeOf(context, event), (channel) => isAlive(system, channel)),
    ),
    resetSweeper: sendTo('sweeper', ({ context }) => ({ type: 'sweep.every', everyMs: sweepMs(context) })),
    keepAdoption: assign(({ context }, params: { channel: string; adoption: Adoption }) =>
      withAdoption(context, params),
    ),

    // --- schedules ---
    startSchedules: enqueueActions(({ context, enqueue }) => {
      for (const definition of Object.values(context.definition.schedules))
        enqueue.spawnChild('schedule', { id: scheduleAddress(definition.name), input: { definition } })
    }),
    changeSchedules: enqueueActions(({ context, event, enqueue }) => {
      const { schedules } = changeOf(context, event).definition
      const { ended, begun } = schedulesChange(context.definition.schedules, schedules)
      for (const name of ended) enqueue.stopChild(scheduleAddress(name))
      for (const definition of begun)
        enqueue.spawnChild('schedule', { id: scheduleAddress(definition.name), input: { definition } })
    }),
    restartScheduleLater: enqueueActions(({ event, enqueue }) => {
      assert(hasFailed(event), 'restartScheduleLater answers the failure of a schedule')
      const { actorId } = event
      enqueue.raise({ type: 'schedule.restart', actorId }, { id: `restart:${actorId}`, delay: BACKOFF_MS_MAX })
    }),
    /** A newer file may have changed it, and so begun it already. */
    restartSchedule: enqueueActions(({ context, event, self, enqueue }) => {
      assert(event.type === 'schedule.restart', 'restartSchedule answers schedule.restart')
      const { actorId } = event
      const definition = scheduleOf(context.definition.schedules, actorId)
      const isThere = actorId in self.getSnapshot().children
      if (definition !== undefined && !isThere) enqueue.spawnChild('schedule', { id: actorId, input: { definition } })
    }),
    stopSchedules: enqueueActions(({ context, enqueue }) => {
      for (const name of Object.keys(context.definition.schedules)) enqueue.stopChild(scheduleAddress(name))
    }),

    // --- a channel that leaves ---
    forgetLeaving: assign(({ context, event }) => {
      assert(hasFailed(event), 'forgetLeaving answers the failure of a channel')
      const { [nameOf(event.actorId)]: _, ...leaving } = context.leaving
      return { leaving }
    }),
    noteSilence: assign(({ context }, params: { report: ChannelReport }) => ({
      leaving: { ...context.leaving, [params.report.id]: 'finishing' as const },
    })),
    flushFinished: enqueueActions(({ context, enqueue }) => {
      const channels = finished(context)
      for (const channel of channels) {
        // Whoever is to come back does not wait for a chat that cannot be reached: what is owed there is kept.
        const withinMs = context.definition.channels[channel] === undefined ? SEND_MS_MAX : FLUSH_MS_MAX
        enqueue.spawnChild('flushChannel', { id: `flush:${channel}`, input: { channel, withinMs } })
      }
      const flushing = Object.fromEntries(channels.map((channel) => [channel, 'flushing' as const]))
      enqueue.assign({ leaving: { ...context.leaving, ...flushing } })
    }),
    haltReturning: enqueueActions(({ event, enqueue }) => {
      assert(event.type === 'return.due', 'haltReturning answers return.due')
      enqueue.sendTo(channelAddress(event.channel), { type: 'halt' })
    }),
    /** It is gone; when the file names it again, it starts anew. */
    letGo: enqueueActions(({ context, enqueue }, params: { channel: string }) => {
      const { channel } = params
      const id = channelAddress(channel)
      const { [channel]: _, ...leaving } = context.leaving
      enqueue.cancel(`return:${channel}`)
      enqueue.stopChild(`flush:${channel}`)
      enqueue.stopChild(id)
      enqueue.assign({ leaving })
      const definition = context.definition.channels[channel]
      if (definition === undefined) return
      enqueue.spawnChild('channel', { id, systemId: id, input: { definition, agents: context.definition.agents } })
    }),

    keepReport: assign(({ context }, params: { report: ChannelReport }) => {
      const isNamed = context.definition.channels[params.report.id] !== undefined
      return isNamed ? { reports: { ...context.reports, [params.report.id]: params.report } } : {}
    }),
    routeToChannel: enqueueActions(({ event, system, enqueue }) => {
      const destination = destinationOf(event)
      // A channel that is being restarted reads everything unfinished from the store by itself.
      if (destination === null || !isAlive(system, destination.channel)) return
      enqueue.sendTo(channelAddress(destination.channel), destination.message)
    }),
    changeSlots: enqueueActions(({ context, event, system, enqueue }) => {
      const { slots, granted } = slotsAfter(context, event)
      enqueue.assign({ slots })
      for (const sessionKey of granted) {
        const session = system.get(sessionAddress(sessionKey))
        if (session !== undefined) enqueue.sendTo(session, { type: 'slot.granted' })
      }
    }),
    sweepChannels: enqueueActions(({ context, system, enqueue }) => {
      for (const id of Object.keys(context.definition.channels)) {
        if (isAlive(system, id)) enqueue.sendTo(channelAddress(id), { type: 'sweep' })
      }
    }),
    /** While draining a slot comes back and is given to nobody. */
    takeBackSlot: assign(({ context, event }) => {
      const slots = withoutWaiting(context.slots)
      return event.type === 'slot.requested'
        ? { slots: releaseSlot(slots, event.sessionKey).slots }
        : { slots: slotsAfter({ ...context, slots }, event).slots }
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
      const ids = new Set([...Object.keys(context.definition.channels).reverse(), ...Object.keys(context.leaving)])
      for (const id of ids) if (isAlive(system, id)) enqueue.sendTo(channelAddress(id), params.ending)
    }),
  },
  guards: {
    everybodyReported: ({ context }) =>
      Object.values(context.reports).every((report) => report !== null && report.state !== 'connecting'),
    everythingQuiet: ({ context }) =>
      context.slots.running.length === 0 &&
      !Object.values(context.leaving).includes('closing') &&
      Object.values(context.reports).every((report) => report === null || SILENT.includes(report.state)),
    someoneFinished: ({ context }) => finished(context).length > 0,
    isSilenceOfLeaving: ({ context }, { report }: { report: ChannelReport }) =>
      context.leaving[report.id] === 'closing' && report.state === 'stopped',
    isLeaving: ({ context }, params: { channel: string }) => context.leaving[params.channel] !== undefined,
    isReturning: ({ context }, { channel }: { channel: string }) =>
      context.leaving[channel] !== undefined && context.definition.channels[channel] !== undefined,
    isFlushing: ({ context }, params: { channel: string }) => context.leaving[params.channel] === 'flushing',
    isChannel: (_, params: { actorId: string }) => params.actorId.startsWith('channel:'),
    isSchedule: (_, params: { actorId: string }) => params.actorId.startsWith('schedule:'),
    isFlush: (_, params: { actorId: string }) => params.actorId.startsWith('flush:'),
  },
  delays: {
    drainMs: ({ context }) => context.definition.gateway.drainMs,
    flushMsMax: FLUSH_MS_MAX,
  },
})

/** States of a channel that has no connection. */
const SILENT: readonly string[] = ['stopped', 'failed', 'paused', 'retrying']

interface Directory {
  get(address: string): unknown
}

function isAlive(system: Directory, channel: string): boolean {
  return system.get(channelAddress(channel)) !== undefined
}

function changeOf({ definition }: GatewayContext, event: GatewayEvent): Redefinition {
  assert(event.type === 'definition.changed', 'a newer file is in hand')
  return redefinition(definition, event.definition)
}

export function sweepMs({ definition }: GatewayInput): number {
  return definition.gateway.passivateAfterMs / SWEEPS_BEFORE_PASSIVATION
}

function destinationOf(event: GatewayEvent): { channel: string; message: ToChannel } | null {
  switch (event.type) {
    case 'message.accepted':
      return { channel: event.message.channel, message: event }
    case 'outbox.owed':
      return { channel: event.channel, message: { type: 'outbox.owed', conversation: event.conversation } }
    case 'channel.control':
      return { channel: event.channel, message: { type: 'control', control: event.control } }
    default:
      return null
  }
}

function slotsAfter({ slots, definition }: GatewayContext, event: GatewayEvent): SlotsChange {
  if (event.type === 'slot.requested') return requestSlot(slots, event.sessionKey)
  if (event.type === 'slot.released') return releaseSlot(slots, event.sessionKey)
  if (event.type === 'definition.changed') return resizeSlots(slots, definition.gateway.concurrentRuns)
  if (hasFailed(event)) return releaseWhere(slots, (key) => isOfChannel(key, nameOf(event.actorId)))
  return { slots, granted: [] }
}
