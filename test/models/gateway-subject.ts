// The real gateway actor: what the disk is asked at an end, and the clock, are in the test's hand. In its channels' place stands
// somebody who writes down what each is told, with two sessions that know whether they hold a slot.

import { expect } from 'vitest'
import { type AnyActorRef, assign, createActor, enqueueActions, setup, type SnapshotFrom } from 'xstate'
import type { ChannelDefinition, GatewayDefinition } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import { inForce } from '../../machines/gateway-context.ts'
import type { ChannelReport, ToChannel } from '../../machines/messages.ts'
import { endingItsChildren } from '../../src/actors/ending.ts'
import { gatewayActor } from '../../src/actors/gateway.ts'
import type { Log } from '../../src/log.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { testAgent } from '../support/definitions.ts'
import { testDefinition } from '../support/house.ts'
import { acceptedMessage } from '../support/messages.ts'
import { testParts } from '../support/parts.ts'
import type { Subject } from '../support/paths.ts'
import type { Taken } from '../support/transitions.ts'
import { type Held, held, settled, silentLog, testWorld } from '../support/world.ts'
import { doubling, type File, FILES, type GatewayEvent, type gatewayModel, namedIn, OFTEN } from './gateway-model.ts'

export type GatewayLogic = ReturnType<typeof gatewayActor>

export interface GatewayOptions {
  readonly taken?: Taken
  readonly broken?: (real: GatewayLogic) => GatewayLogic
  /** Nobody says when to sweep. */
  readonly isWithoutSweeper?: boolean
}

const store = openMemoryStore({ world: testWorld() })

export async function gatewaySubject(options: GatewayOptions): Promise<Subject<typeof gatewayModel>> {
  const { taken, broken = (real) => real, isWithoutSweeper = false } = options
  const world = testWorld()
  const disk = { reads: [] as Held<void>[], isOwing: false }
  let said: string[] = []
  /** The next time that an effect asks for one there is no clock. */
  let isBreaking = isWithoutSweeper
  const sets: typeof world.clock.setTimeout = (fire, ms) => {
    if (!isBreaking) return world.clock.setTimeout(fire, ms)
    isBreaking = false
    throw new Error('a defect')
  }
  const parts = testParts({
    world: { ...world, clock: { ...world.clock, setTimeout: sets } },
    store: reading(disk),
    log: noting((what) => said.push(what)),
    onRollCall: (reports) => said.push(`roll call: ${reports.map(({ id, state }) => `${id} ${state}`).join(', ')}`),
  })
  const real = gatewayActor(parts).provide({
    actors: { channel: endingItsChildren(channel) as never, schedule: schedule as never }, // Told the same.
  })
  const gateway = createActor(endingItsChildren(broken(real)), {
    systemId: 'gateway',
    clock: world.clock,
    input: { definition: definitionOf('both') },
  })
  taken?.watch(gateway)
  gateway.start()
  await settled()
  expect(said).toEqual(isWithoutSweeper ? ['failed sweeper'] : [])
  said = []
  const { system } = gateway
  const send = gateway.send.bind(gateway)
  const scheduleOf = (): AnyActorRef | undefined => gateway.getSnapshot().children['schedule:s']
  const channelOf = (id: string): AnyActorRef | undefined => system.get(`channel:${id}`)
  /** The next sweep is far away. */
  const pending = (): number[] => world.pending().filter((ms) => ms < SWEEP_MS / 2)
  function lets(how: (read: Held<void>) => void): void {
    const read = disk.reads.shift()
    if (read !== undefined) how(read)
  }
  /** Nine failures in a row, each with the wait that the law of restarts says, and a new life. */
  async function failsOften(id: string): Promise<void> {
    for (let failure = 2; failure <= OFTEN + 1; failure += 1) {
      channelOf(id)?.send({ type: 'fails' })
      await world.advance(doubling(failure))
    }
  }
  async function waitsInVain(): Promise<void> {
    for (let waitedMs = 0; waitedMs < 1_500; waitedMs += 25) {
      lets((read) => read.resolve())
      await settled()
      await world.advance(25)
    }
    lets((read) => read.resolve())
  }
  const play: { [T in GatewayEvent['type']]: (event: Extract<GatewayEvent, { type: T }>) => unknown } = {
    reports: ({ of, state }) => send({ type: 'channel.reported', report: { id: of, state, failure: null } }),
    adopts: ({ how }) => send({ type: 'channel.adopted', channel: 'b', adoption: { state: how, failure: null } }),
    fails: ({ of }) => channelOf(of)?.send({ type: 'fails' }),
    failsOften: ({ of }) => failsOften(of),
    ends: ({ of }) => channelOf(of)?.send({ type: 'ends' }),
    accepted: ({ of }) => send({ type: 'message.accepted', message: acceptedMessage('hello', { channel: of }) }),
    owed: ({ of }) => send({ type: 'outbox.owed', channel: of, conversation: 'c1' }),
    paused: ({ of }) => send({ type: 'channel.control', channel: of, control: 'pause' }),
    asks({ key }) {
      system.get(`session:${key}`)?.send({ type: 'gives' })
      send({ type: 'slot.requested', sessionKey: key })
    },
    gives({ key }) {
      system.get(`session:${key}`)?.send({ type: 'gives' })
      send({ type: 'slot.released', sessionKey: key })
    },
    file: ({ name }) => send({ type: 'definition.changed', definition: definitionOf(name) }),
    scheduleFails: () => scheduleOf()?.send({ type: 'fails' }),
    fiftySeconds: () => world.advance(50_000),
    breaks() {
      isBreaking = true
      lets((read) => read.reject(new FailureError(FULL)))
    },
    disk: () => lets((read) => read.resolve()),
    diskFails: () => lets((read) => read.reject(new FailureError(FULL))),
    owe: () => (disk.isOwing = true),
    delivered: () => (disk.isOwing = false),
    waitsInVain,
    sweep: () => send({ type: 'sweep' }),
    time: () => world.advance(pending()[0] ?? HOUR_MS),
    drain: () => send({ type: 'drain' }),
  }
  return {
    async play(event) {
      said = []
      await play[event.type](event as never) // Each knows its own event.
      await settled()
    },
    compare(state) {
      const { status, context } = gateway.getSnapshot()
      expect({
        status,
        said,
        channels: ['a', 'b'].map((id) => channelOf(id)?.getSnapshot().context ?? null),
        reports: Object.values(context.reports).map(wordsOf),
        adoptions: Object.entries(context.adoptions).map(([id, { state: how }]) => `${id} ${how}`),
        agents: Object.keys(inForce(context).agents).sort(),
        hasSchedule: scheduleOf()?.getSnapshot().status === 'active',
        running: context.slots.running,
        waiting: context.slots.waiting,
        holding: KEYS.filter((key) => system.get(`session:${key}`)?.getSnapshot().context.holds ?? false),
        reads: status === 'done' ? 0 : disk.reads.length,
        pending: status === 'done' ? [] : pending(),
      }).toEqual(expected(state))
    },
    async close() {
      gateway.stop()
    },
  }
}

const KEYS = ['a/1', 'a/2', 'b/1', 'b/2']

const SWEEP_MS = 1_000_000_000

const HOUR_MS = 3_600_000

function definitionOf(name: File): GatewayDefinition {
  const { b, ops, limit } = FILES[name]
  const token = { secret: 'channels.b.token', renewed: b ?? 0 }
  return testDefinition({
    channels: { a: {}, ...(b === null ? {} : { b: { token } }) },
    workforce: [testAgent('cfo'), ...(ops ? [testAgent('ops')] : [])],
    schedules: [SCHEDULE],
    gateway: { concurrentRuns: limit, passivateAfterMs: 4 * SWEEP_MS },
  })
}

function reading(disk: { readonly reads: Held<void>[]; readonly isOwing: boolean }): Store {
  const asked = async (): Promise<void> => {
    const read = held<void>()
    disk.reads.push(read)
    await read.promise
  }
  return {
    ...store,
    async counts() {
      await asked()
      return { ...(await store.counts()), outbox: disk.isOwing ? 1 : 0 }
    },
    async owed() {
      await asked()
      return disk.isOwing ? ['c1'] : []
    },
  }
}

function noting(note: (what: string) => void): Log {
  const channelIn = (fields: unknown) => (fields as { channel?: string }).channel ?? 'schedule' // As gateway.ts writes them.
  return {
    ...silentLog,
    error: (fields) => note(`failed ${channelIn(fields)}`),
    info: (fields, text) => {
      if (text.includes('is gone')) note(`left ${channelIn(fields)}`)
    },
  }
}

/** Stands where a session stands. */
const session = setup({ types: { context: {} as { holds: boolean } } }).createMachine({
  context: { holds: false },
  on: { 'slot.granted': { actions: assign({ holds: true }) }, gives: { actions: assign({ holds: false }) } },
})

/** Stands where a schedule stands. */
const schedule = setup({}).createMachine({
  on: {
    fails: {
      actions: () => {
        throw new Error('a defect')
      },
    },
  },
})

const SCHEDULE = {
  name: 's',
  cron: '0 9 * * *',
  timeZone: 'UTC',
  agent: null,
  channel: 'a',
  conversation: 'c1',
  text: 'good morning',
} as const

interface Heard {
  readonly id: string
  /** Which of its connections the definition names that it was told last. */
  readonly connection: number
  readonly heard: readonly string[]
}

/** Stands where a channel stands. */
const channel = setup({
  types: {
    context: {} as Heard,
    input: {} as { definition: ChannelDefinition },
    events: {} as ToChannel | { type: 'fails' } | { type: 'ends' },
  },
  actors: { session },
  actions: {
    hear: assign({ heard: ({ context, event }) => [...context.heard, event.type] }),
    startSessions: enqueueActions(({ context, enqueue }) => {
      for (const person of ['1', '2'])
        enqueue.spawnChild('session', { id: person, systemId: `session:${context.id}/${person}` })
    }),
  },
}).createMachine({
  context: ({ input: { definition } }) => ({ id: definition.id, connection: connectionOf(definition), heard: [] }),
  entry: 'startSessions',
  initial: 'there',
  states: {
    there: {
      on: {
        redefined: { actions: ['hear', assign({ connection: ({ event }) => connectionOf(event.definition) })] },
        'message.accepted': { actions: 'hear' },
        'outbox.owed': { actions: 'hear' },
        control: { actions: 'hear' },
        sweep: { actions: 'hear' },
        drain: { actions: 'hear' },
        halt: { actions: 'hear' },
        fails: {
          actions: () => {
            throw new Error('a defect')
          },
        },
        ends: 'gone',
      },
    },
    gone: { type: 'final' },
  },
})

function connectionOf({ token }: ChannelDefinition): number {
  return token?.renewed ?? 0
}

function wordsOf(report: ChannelReport | null): string | null {
  return report === null ? null : report.state
}

function expected({ context: seen }: SnapshotFrom<typeof gatewayModel>) {
  const { at, running, channels } = seen
  const isOver = at === 'stopped'
  const isKept = !FILES[seen.file].ops && seen.adoption !== null
  return {
    status: isOver ? 'done' : 'active',
    said: seen.said,
    channels: (['a', 'b'] as const).map((id) => {
      const channel = channels[id]
      if (channel === null) return null
      return { id, connection: id === 'a' ? 0 : FILES[channel.file].b, heard: channel.heard }
    }),
    reports: namedIn(seen).map((id) => seen.reports[id]),
    adoptions: seen.adoption === null ? [] : [`b ${seen.adoption}`],
    // One that only an earlier definition of a channel names is needed for as long as that is served.
    agents: FILES[seen.file].ops || isKept ? ['cfo', 'ops'] : ['cfo'],
    hasSchedule: seen.hasSchedule,
    running,
    waiting: seen.waiting.length,
    holding: isOver ? [] : KEYS.filter((key) => running.includes(key)),
    reads: seen.asked.length,
    pending: Object.values(seen.timers).sort((a, b) => a - b),
  }
}

const FULL = { kind: 'retryable', reason: 'storage', message: 'the disk is full' } as const
