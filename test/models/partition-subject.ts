// The real partition actor on the real store. Its children are the test's: a partition knows nothing of their work, so all that
// they do is to listen, to rest and to fail. The channel above it numbers its messages as a real one does, with a real Placement; the
// gateway above that hands out slots with the real line.

import { expect } from 'vitest'
import {
  type AnyActorLogic,
  type AnyActorRef,
  assign,
  createActor,
  sendParent,
  sendTo,
  setup,
  type SnapshotFrom,
} from 'xstate'
import { gateway, nameOf } from '../../machines/addresses.ts'
import { type Failure, FailureError } from '../../machines/failure.ts'
import type { AcceptedMessage, Ending, ToPartition, ToGateway } from '../../machines/messages.ts'
import type { SessionSettings } from '../../machines/session-settings.ts'
import { emptySlots, releaseSlot, requestSlot } from '../../machines/slots.ts'
import { endingItsChildren } from '../../src/actors/ending.ts'
import type { Log } from '../../src/log.ts'
import { partitionActor } from '../../src/actors/partition.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import { Disk } from '../sim/disk.ts'
import { testChannel } from '../support/house.ts'
import { acceptedMessage } from '../support/messages.ts'
import { testParts } from '../support/parts.ts'
import type { Subject } from '../support/paths.ts'
import type { Taken } from '../support/transitions.ts'
import { settled, silentLog, testWorld } from '../support/world.ts'
import { OFTEN, type PartitionEvent, type partitionModel } from './partition-model.ts'

export type PartitionLogic = ReturnType<typeof partitionActor>

export interface PartitionOptions {
  readonly taken?: Taken
  readonly broken?: (real: PartitionLogic) => PartitionLogic
}

/** Each subject has a person of its own in one store: to open a store costs as much as to play a path. */
const store = openMemoryStore({ world: testWorld() })
let subjects = 0

export async function partitionSubject(options: PartitionOptions): Promise<Subject<typeof partitionModel>> {
  const { taken, broken = (real) => real } = options
  const world = testWorld()
  const before = await store.counts()
  const disk = new Disk(store, world.nowMs, () => {})
  disk.turn('slow')
  const noted: string[] = []
  const real = partitionActor(testParts({ world, store: disk.handleOf({ alive: true }), log: noting(noted) }))
  const children = { session: listener as never, delivery: listener as never } // They are told what the real ones are told.
  const above = standIn(endingItsChildren(broken(real).provide({ actors: children })))
  const root = createActor(above.gateway, { systemId: 'gateway', clock: world.clock })
  taken?.watch(root)
  root.start()
  const partition: AnyActorRef = root.system.get('partition')

  subjects += 1
  const [conversation, sibling] = [`c${subjects}`, `s${subjects}`]
  const [session, delivery] = [`session:a/${conversation}`, `delivery:${conversation}`]
  const seqs: number[] = []
  /** Those that the session still owes an answer. */
  let open: number[] = []

  const alive = (id: string): AnyActorRef | undefined => partition.getSnapshot().children[id]
  const send = (event: ToPartition): void => partition.send(event)

  async function accept(of: string): Promise<AcceptedMessage> {
    subjects += 1
    const message = acceptedMessage('hello', {
      conversation: of,
      sessionKey: `a/${of}`,
      platformMessageId: `m${subjects}`,
    })
    const { seq } = await store.accept({ ...message, journaled: false })
    return { ...message, seq }
  }
  async function message(): Promise<void> {
    const accepted = await accept(conversation)
    seqs.push(accepted.seq)
    open.push(accepted.seq)
    send({ type: 'message.route', routed: above.route(session), message: accepted })
  }
  async function settle(): Promise<void> {
    const settled = open.map((seq) => ({ seq, outcome: 'answered', reason: null }) as const)
    await store.commit({ channel: 'a', sessionKey: `a/${conversation}`, settled, entries: [], replies: [] })
    open = []
  }
  /** Nine failures in a row, each with the wait that the law of restarts says, and a new life. */
  async function failsOften(id: string): Promise<void> {
    for (let failure = 2; failure <= OFTEN + 1; failure += 1) {
      alive(id)?.send({ type: 'fails', of: 'defect' })
      await settled()
      expect(world.pending()).toEqual([backoff(failure)])
      await world.advance(backoff(failure))
      await disk.flush(1)
      await settled()
    }
  }
  async function lets(fails: boolean): Promise<void> {
    if (fails) disk.turn('failAll')
    await disk.flush(1)
    disk.heal()
  }
  const play: Record<PartitionEvent['type'], (event: PartitionEvent) => unknown> = {
    message,
    sibling: async () => {
      const accepted = await accept(sibling)
      send({ type: 'message.route', routed: above.route(`session:a/${sibling}`), message: accepted })
    },
    outbox: () => send({ type: 'outbox.route', routed: above.route(delivery), conversation }),
    rests: async () => {
      await settle()
      alive(session)?.send({ type: 'rests' })
    },
    restsTooEarly: () => send({ type: 'child.rested', child: session, routed: above.lineOf(session) - 1 }),
    fails: (event) => {
      alive(session)?.send(event)
      expect(noted.at(-1)).toContain(session)
    },
    failsOften: () => failsOften(session),
    deliveryRests: () => alive(delivery)?.send({ type: 'rests' }),
    deliveryRestsTooEarly: () => send({ type: 'child.rested', child: delivery, routed: above.lineOf(delivery) - 1 }),
    deliveryFails: () => {
      alive(delivery)?.send({ type: 'fails', of: 'defect' })
      expect(noted.at(-1)).toContain(delivery)
    },
    deliveryFailsOften: () => failsOften(delivery),
    disk: () => lets(false),
    diskFails: () => lets(true),
    time: () => world.advance(world.pending()[0] ?? HOUR_MS),
    sweep: () => send({ type: 'sweep' }),
    redefined: () => send({ type: 'redefined', definition: testChannel('a', { queueLimit: NEWER_LIMIT }), agents: {} }),
    drain: () => send({ type: 'drain' }),
    halt: () => send({ type: 'halt' }),
  }

  function told(id: string) {
    const heard: Heard = alive(id)?.getSnapshot().context ?? { received: [], endings: [], routed: 0, limit: 0 }
    const received = heard.received.map(({ seq, again }) => `${seqs.indexOf(seq) + 1}${again ? ' again' : ''}`)
    const knows = heard.limit === NEWER_LIMIT
    return { received, endings: heard.endings, isLast: heard.routed === above.lineOf(id), knows }
  }

  return {
    async play(event) {
      await play[event.type](event)
      await settled()
    },
    async compare(state) {
      const { deadLetters, outbox } = await store.counts()
      expect({
        status: partition.getSnapshot().status,
        alive: [session, delivery, `session:a/${sibling}`].map((id) => alive(id) !== undefined),
        session: told(session),
        delivery: told(delivery),
        placed: [session, delivery].map((id) => above.lineOf(id) > 0),
        slots: above
          .running()
          .map((key) => key.charAt(2))
          .sort(),
        disk: disk.names,
        dead: deadLetters - before.deadLetters,
        // Whoever wrote a message that is set aside is told so.
        owed: [outbox - before.outbox, above.owed.length],
        pending: world.pending(),
      }).toEqual(expected(state))
    },
    async close() {
      root.stop()
    },
  }
}

interface Heard {
  readonly received: readonly { readonly seq: number; readonly again: boolean }[]
  readonly endings: readonly string[]
  readonly routed: number
  readonly limit: number
}

/** `queue_limit` of a newer definition. */
const NEWER_LIMIT = 7

interface Settings {
  readonly queueLimit?: number
}

/** For its type. */
const SETTINGS: Settings = {}

/** Stands where a session or a delivery stands. */
const listener = setup({
  types: {
    context: {} as Heard,
    input: SETTINGS,
    events: {} as
      | { type: 'redefined'; settings: SessionSettings }
      | { type: 'message.routed'; routed: number; message: AcceptedMessage }
      | { type: 'outbox.routed'; routed: number }
      | { type: 'rests' }
      | { type: 'fails'; of: 'defect' | 'disk' }
      | Ending,
  },
}).createMachine({
  context: ({ input }) => ({ received: [], endings: [], routed: 0, limit: input.queueLimit ?? 0 }),
  on: {
    'message.routed': {
      actions: [
        assign(({ context, event: { routed, message } }) => ({
          routed,
          received: [...context.received, { seq: message.seq, again: message.again === 'restart' }],
        })),
        sendTo(gateway, ({ self }) => ({ type: 'slot.requested', sessionKey: nameOf(self.id) })),
      ],
    },
    redefined: { actions: assign({ limit: ({ event }) => event.settings.queueLimit }) },
    'outbox.routed': { actions: assign({ routed: ({ event }) => event.routed }) },
    rests: {
      actions: [
        sendParent(({ context, self }) => ({ type: 'child.rested', child: self.id, routed: context.routed })),
        // Nobody holds a slot under the name of a delivery.
        sendTo(gateway, ({ self }) => ({ type: 'slot.released', sessionKey: nameOf(self.id) })),
      ],
    },
    fails: {
      actions: ({ event }) => {
        throw event.of === 'disk' ? new FailureError(DISK) : new Error('a defect')
      },
    },
    drain: { actions: assign({ endings: ({ context }) => [...context.endings, 'drain'] }) },
    halt: { actions: assign({ endings: ({ context }) => [...context.endings, 'halt'] }) },
  },
})

function standIn(partition: AnyActorLogic) {
  const lines = new Map<string, number>()
  const owed: ToGateway[] = []
  let slots = emptySlots(64)
  const channel = setup({
    types: { events: {} as { type: 'child.stopped'; child: string; routed: number } },
    actors: { partition },
  }).createMachine({
    invoke: {
      id: 'partition',
      systemId: 'partition',
      src: 'partition',
      input: { definition: testChannel('a'), agents: {} },
    },
    on: {
      'child.stopped': {
        actions: ({ event: { child, routed } }) => {
          if (lines.get(child) === routed) lines.delete(child)
        },
      },
    },
  })
  const root = setup({ types: { events: {} as ToGateway }, actors: { channel } }).createMachine({
    invoke: { id: 'channel', systemId: 'channel:a', src: 'channel' },
    on: {
      'slot.requested': { actions: ({ event }) => (slots = requestSlot(slots, event.sessionKey).slots) },
      'slot.released': { actions: ({ event }) => (slots = releaseSlot(slots, event.sessionKey).slots) },
      'outbox.owed': { actions: ({ event }) => owed.push(event) },
    },
  })
  return {
    gateway: root,
    owed,
    running: () => slots.running,
    lineOf: (child: string) => lines.get(child) ?? 0,
    /** The number of the next message to a child. */
    route(child: string): number {
      const next = (lines.get(child) ?? 0) + 1
      lines.set(child, next)
      return next
    },
  }
}

function noting(noted: string[]): Log {
  return { ...silentLog, error: (fields, message) => void noted.push(`${JSON.stringify(fields)} ${message}`) }
}

function expected({ value, context }: SnapshotFrom<typeof partitionModel>) {
  const session = typeof value.session === 'string' ? value.session : `abandoning ${value.session.abandoning}`
  const { delivery, sibling } = value
  const lives = session === 'working' || session === 'resting'
  return {
    status: 'active',
    alive: [lives, delivery === 'working', sibling === 'working'],
    session: {
      received: context.received,
      endings: context.endings,
      isLast: lives ? !context.dropped : !context.placed,
      knows: context.knows,
    },
    delivery: {
      received: [],
      endings: context.deliveryEndings,
      isLast: delivery === 'working' || !context.deliveryPlaced,
      knows: false,
    },
    placed: [context.placed, context.deliveryPlaced],
    slots: [session === 'working' ? 'c' : '', sibling === 'working' ? 's' : ''].filter((key) => key !== ''),
    disk: OPERATIONS[session] ?? [],
    dead: context.dead,
    owed: [context.dead, context.dead],
    pending: [
      ...(session === 'waiting' || session === 'abandoning waiting' ? [backoff(context.failures)] : []),
      ...(delivery === 'waiting' ? [backoff(context.deliveryFailures)] : []),
    ],
  }
}

const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  recovering: ['unfinishedOf'],
  'abandoning reading': ['unfinishedOf'],
  'abandoning burying': ['commit'],
}

/** A second, then twice as long each time, a minute at most. */
function backoff(failures: number): number {
  return Math.min(1_000 * 2 ** (failures - 1), 60_000)
}

const DISK = { kind: 'retryable', reason: 'storage', message: 'the disk is full' } as const satisfies Failure

const HOUR_MS = 3_600_000
