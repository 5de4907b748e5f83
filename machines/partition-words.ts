// The words of the partition's statechart: its context, and every action, guard and actor that partition.ts names.
// What it remembers of a child is in children.ts; effects are stubs that src/actors/partition.ts provides.

import { assign, enqueueActions, fromPromise, setup } from 'xstate'
import { type Served, servedBy } from './adoption.ts'
import { channelOf, deliveryAddress, gateway, isSession, nameOf, sessionAddress } from './addresses.ts'
import { type ChildEnded, hasFailed, isDone } from './child-ended.ts'
import { type Child, type Children, inOrder, routedTo, stopped, withChild, withoutChildren } from './children.ts'
import { deliveryMachine } from './delivery.ts'
import { assert, failureOf, unprovided } from './failure.ts'
import { resumedFirst } from './inbox.ts'
import { SWEEPS_BEFORE_PASSIVATION } from './limits.ts'
import { isOneOff } from './openai.ts'
import type { AcceptedMessage, Ending, ToPartition } from './messages.ts'
import { isSame } from './redefinition.ts'
import { backoffMs, nextRestart } from './restart.ts'
import { sessionMachine } from './session.ts'
import type { SessionInput } from './session-context.ts'
import { settingsFor } from './session-settings.ts'

export interface PartitionContext extends Served {
  readonly children: Children
}

export interface ChildFailure {
  readonly child: string
  readonly error: unknown
  /** null: it is not started again. */
  readonly restartAfterMs: number | null
}

export const words = setup({
  types: {
    context: {} as PartitionContext,
    events: {} as ToPartition | ChildEnded,
    input: {} as Served,
  },
  actors: {
    session: sessionMachine,
    delivery: deliveryMachine,
    /** The unfinished messages of one session, oldest first. */
    recover: fromPromise<readonly AcceptedMessage[], { key: string }>(() => unprovided('recover')),
    /**
     * The unfinished messages that reached a session become dead letters and their senders are told; resolves with those that
     * did not reach it.
     */
    abandon: fromPromise<readonly AcceptedMessage[], { key: string; reached: number }>(() => unprovided('abandon')),
  },
  actions: {
    /** Says in the log which child failed and what happens now. */
    noteFailure: (_, _params: ChildFailure) => unprovided('noteFailure'),

    routeMessage: enqueueActions(({ context, event, enqueue }) => {
      assert(event.type === 'message.route', 'routeMessage answers message.route')
      const { message, routed } = event
      const id = sessionAddress(message.sessionKey)
      const child = context.children[id]
      const settings = settingsFor(context, message)
      const routedChild: Child = { ...routedTo(child, routed, message), settings }
      enqueue.assign({ children: withChild(context.children, id, routedChild) })
      if (child !== undefined && child.life !== 'alive') return
      if (child === undefined) {
        enqueue.spawnChild('session', { id, systemId: id, input: sessionInput(context, message) })
      } else if (!isSame(child.settings, settings)) {
        enqueue.sendTo(id, { type: 'redefined', settings })
      }
      enqueue.sendTo(id, { type: 'message.routed', routed, message })
    }),
    routeOutbox: enqueueActions(({ context, event, enqueue }) => {
      assert(event.type === 'outbox.route', 'routeOutbox answers outbox.route')
      const { conversation, routed } = event
      const id = deliveryAddress(conversation)
      const child = context.children[id]
      enqueue.assign({ children: withChild(context.children, id, routedTo(child, routed, null)) })
      if (child !== undefined && child.life !== 'alive') return
      if (child === undefined) {
        enqueue.spawnChild('delivery', { id, input: { channel: context.definition.id, conversation } })
      }
      enqueue.sendTo(id, { type: 'outbox.routed', routed })
    }),
    noteRested: enqueueActions(({ context, event, enqueue }) => {
      assert(event.type === 'child.rested', 'noteRested answers child.rested')
      const child = context.children[event.child]
      if (child === undefined || child.routed !== event.routed) return
      if (isSession(event.child) && !isOneOff(nameOf(event.child))) {
        enqueue.assign({ children: withChild(context.children, event.child, { ...child, sweeps: 0, failures: 0 }) })
        return
      }
      enqueue.stopChild(event.child)
      enqueue.assign({ children: withoutChildren(context.children, [event.child]) })
      enqueue.sendTo(channelOf(context.definition.id), stopped(event.child, child))
    }),
    passivate: enqueueActions(({ context, enqueue }) => {
      const resting = Object.entries(context.children).filter(([, child]) => child.sweeps !== null)
      const due = resting.filter(([, child]) => (child.sweeps ?? 0) + 1 >= SWEEPS_BEFORE_PASSIVATION)
      for (const [id, child] of due) {
        enqueue.stopChild(id)
        enqueue.sendTo(channelOf(context.definition.id), stopped(id, child))
      }
      const older = resting.map(([id, child]) => [id, { ...child, sweeps: (child.sweeps ?? 0) + 1 }] as const)
      const children = { ...context.children, ...Object.fromEntries(older) }
      enqueue.assign({
        children: withoutChildren(
          children,
          due.map(([id]) => id),
        ),
      })
    }),
    /** A failed child stays in `children` until it is stopped; a slot that it held goes to the next. */
    stopFailed: enqueueActions(({ event, enqueue }) => {
      assert(hasFailed(event) || isDone(event), 'stopFailed answers the end of a child')
      enqueue.stopChild(event.actorId)
      const id = childOf(event.actorId)
      if (isSession(id)) enqueue.sendTo(gateway, { type: 'slot.released', sessionKey: nameOf(id) })
    }),
    restartLater: enqueueActions(({ context, event, enqueue }) => {
      const ended = endOf(context, event)
      if (ended === null || ended.restartAfterMs === null) return
      const { id, child, restartAfterMs } = ended
      const waiting: Child = { ...child, failures: child.failures + 1, sweeps: null, life: 'waiting', held: [] }
      enqueue.assign({ children: withChild(context.children, id, waiting) })
      enqueue.raise({ type: 'restart.due', child: id }, { id: `restart:${id}`, delay: restartAfterMs })
    }),
    /** What comes meanwhile begins a new session. A delivery that is given up leaves what it owes on disk. */
    giveUp: enqueueActions(({ context, event, enqueue }) => {
      const ended = endOf(context, event)
      if (ended === null) return
      if (!isSession(ended.id)) {
        enqueue.assign({ children: withoutChildren(context.children, [ended.id]) })
        enqueue.sendTo(channelOf(context.definition.id), stopped(ended.id, ended.child))
        return
      }
      const recovering: Child = { ...ended.child, sweeps: null, life: 'recovering', held: [], givenUp: true }
      enqueue.assign({ children: withChild(context.children, ended.id, recovering) })
      enqueue.spawnChild('abandon', abandoned(ended.id, ended.child))
    }),
    forget: enqueueActions(({ context, event, enqueue }) => {
      const ended = endOf(context, event)
      if (ended === null) return
      enqueue.assign({ children: withoutChildren(context.children, [ended.id]) })
      enqueue.sendTo(channelOf(context.definition.id), stopped(ended.id, ended.child))
    }),
    restart: enqueueActions(({ context, event, enqueue }) => {
      assert(event.type === 'restart.due', 'restart answers restart.due')
      const child = context.children[event.child]
      if (child === undefined) return
      if (isSession(event.child)) {
        const key = nameOf(event.child)
        enqueue.assign({ children: withChild(context.children, event.child, { ...child, life: 'recovering' }) })
        // What was given up stays so, also when the disk did not take it at once.
        if (child.givenUp) enqueue.spawnChild('abandon', abandoned(event.child, child))
        else enqueue.spawnChild('recover', { id: `recovery:${key}`, input: { key } })
        return
      }
      const conversation = nameOf(event.child)
      enqueue.assign({ children: withChild(context.children, event.child, { ...child, life: 'alive', held: [] }) })
      enqueue.spawnChild('delivery', { id: event.child, input: { channel: context.definition.id, conversation } })
      enqueue.sendTo(event.child, { type: 'outbox.routed', routed: child.routed })
    }),
    resume: enqueueActions(({ context, event, enqueue }) => {
      assert(isDone(event), 'resume answers the end of a recovery')
      enqueue.stopChild(event.actorId)
      const id = childOf(event.actorId)
      const child = context.children[id]
      if (child === undefined) return
      const read = inOrder([...(event.output as readonly AcceptedMessage[]), ...child.held])
      const messages = resumedFirst(read, context.definition.busyMode)
      const first = messages[0]
      if (first === undefined) {
        enqueue.assign({ children: withoutChildren(context.children, [id]) })
        enqueue.sendTo(channelOf(context.definition.id), stopped(id, child))
        return
      }
      const reached = read.at(-1)?.seq ?? child.reached
      const failures = child.givenUp ? 0 : child.failures
      const settings = settingsFor(context, first)
      const alive: Child = { ...child, reached, failures, life: 'alive', held: [], givenUp: false, settings }
      enqueue.assign({ children: withChild(context.children, id, alive) })
      enqueue.spawnChild('session', { id, systemId: id, input: sessionInput(context, first) })
      for (const [index, message] of messages.entries()) {
        // Only the last one has the number of the line: a rest before it is not the last word (see placement.ts).
        const routed = child.routed - (messages.length - 1 - index)
        const known: AcceptedMessage = message.seq <= child.reached ? { ...message, again: 'restart' } : message
        enqueue.sendTo(id, { type: 'message.routed', routed, message: known })
      }
    }),
    redefine: assign(({ event }) => {
      assert(event.type === 'redefined', 'redefine answers redefined')
      return servedBy(event)
    }),
    tellChildren: enqueueActions(({ context, enqueue }, params: { ending: Ending }) => {
      for (const [id, child] of Object.entries(context.children))
        if (child.life === 'alive') enqueue.sendTo(id, params.ending)
    }),
  },
  guards: {
    givesUp: ({ context, event }) => {
      const ended = endOf(context, event)
      return ended !== null && ended.restartAfterMs === null
    },
  },
})

export function failureIn({
  context,
  event,
}: {
  context: PartitionContext
  event: ToPartition | ChildEnded
}): ChildFailure {
  const ended = endOf(context, event)
  return {
    child: ended?.id ?? 'unknown',
    error: hasFailed(event) ? event.error : null,
    restartAfterMs: ended?.restartAfterMs ?? null,
  }
}

/** The child that an event says has failed, and when it is started again; null when it is none of ours any more. */
function endOf(context: PartitionContext, event: ToPartition | ChildEnded) {
  if (!hasFailed(event)) return null
  const id = childOf(event.actorId)
  const child = context.children[id]
  if (child === undefined) return null
  const failures = child.failures + 1
  // A disk that fails is not the child's doing: its messages are safe there, and it is tried until the disk is well again.
  const ofDisk = failureOf(event.error).reason === 'storage'
  // What is given up already cannot be given up again, only be tried again.
  const next = ofDisk || child.givenUp ? { restartAfterMs: backoffMs(failures) } : nextRestart(failures)
  return { id, child, restartAfterMs: next === 'giveUp' ? null : next.restartAfterMs }
}

function abandoned(id: string, { reached }: Child) {
  const key = nameOf(id)
  return { id: `recovery:${key}`, input: { key, reached } }
}

/** A recovery stands for the session that it is to restart. */
function childOf(actorId: string): string {
  return actorId.replace(/^recovery:/, 'session:')
}

function sessionInput(context: PartitionContext, message: AcceptedMessage): SessionInput {
  const { sessionKey: key, conversation } = message
  return { key, channel: context.definition.id, conversation, ...settingsFor(context, message) }
}
