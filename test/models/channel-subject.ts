// The real channel actor on the real store: its platform, what the store is asked at a start, and the clock are in the test's
// hand. What stands above it is the test; in its partitions' place stands somebody who writes down what they are told.

import { expect } from 'vitest'
import { type AnyActorRef, assign, createActor, sendTo, setup, type SnapshotFrom } from 'xstate'
import { type Failure, FailureError } from '../../machines/failure.ts'
import type { Adoption, AcceptedMessage, ChannelReport, Ending, ToChannel } from '../../machines/messages.ts'
import type { ChannelDefinition } from '../../machines/definitions.ts'
import { channelActor } from '../../src/actors/channel.ts'
import { endingItsChildren } from '../../src/actors/ending.ts'
import type { Adapter, Door } from '../../src/channels/adapter.ts'
import type { Log } from '../../src/log.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { testChannel } from '../support/house.ts'
import { acceptedMessage } from '../support/messages.ts'
import { testParts } from '../support/parts.ts'
import type { Subject } from '../support/paths.ts'
import type { Taken } from '../support/transitions.ts'
import { type Held, held, settled, silentLog, testWorld } from '../support/world.ts'
import { type ChannelEvent, type channelModel, doubling, type File, FILES, type Seen } from './channel-model.ts'

type Model = ReturnType<typeof channelModel>
export type ChannelLogic = ReturnType<typeof channelActor>

export interface ChannelOptions {
  readonly first: File
  readonly taken?: Taken
  readonly broken?: (real: ChannelLogic) => ChannelLogic
}

/** Each subject is a channel of its own in one store: to open a store costs as much as to play a path. */
const store = openMemoryStore({ world: testWorld() })
let subjects = 0

export async function channelSubject(options: ChannelOptions): Promise<Subject<Model>> {
  const rig = channelRig(options)
  // One session is there from the beginning: what its partition is told can be seen.
  rig.routes('c1')
  await settled()
  return {
    async play(event) {
      await rig.play[event.type](event as never) // Each knows its own event.
      await settled()
    },
    async compare(state) {
      expect({ ...(await rig.seen()), partition: rig.told('partition:0') }).toEqual(expected(state))
    },
    close: rig.close,
  }
}

interface Connection {
  readonly credential: number | undefined
  readonly door: Door
  readonly signal: AbortSignal
  readonly end: Held<void>
}

interface Trial {
  readonly credential: number | undefined
  readonly signal: AbortSignal
  readonly end: Held<void>
}

/** Everything that a test has in its hand. */
export function channelRig({ first, taken, broken = (real) => real }: ChannelOptions) {
  subjects += 1
  const id = `a${subjects}`
  const world = testWorld()
  const platform = { connections: [] as Connection[], trials: [] as Trial[] }
  const reads: Held<void>[] = []
  const noted: string[] = []
  const log = { breaksNext: false, ...logOf(noted) }
  const real = channelActor(
    testParts({
      world,
      store: reading(reads),
      log: {
        ...log,
        child(fields) {
          if (!log.breaksNext) return silentLog.child(fields)
          log.breaksNext = false
          throw new Error('a defect')
        },
      },
      platforms: {
        test: { name: 'test', journaled: false, load: async () => (built) => adapter(platform, built.definition) },
      },
    }),
  )
  const channel = endingItsChildren(broken(real).provide({ actors: { partition: listener as never } })) // Told the same.
  const above = standIn(channel, { definition: definitionOf(id, first), agents: {} })
  const root = createActor(above.gateway, { systemId: 'gateway', clock: world.clock })
  taken?.watch(root)
  root.start()
  const actor: AnyActorRef = root.system.get(`channel:${id}`)
  const send = (event: ToChannel): void => actor.send(event)
  const open = (): Connection | undefined => platform.connections.at(-1)
  const asked = (): Trial | undefined => platform.trials.find(({ signal }) => !signal.aborted)
  function ends(how: (end: Held<void>) => void): void {
    const connection = platform.connections.pop()
    if (connection !== undefined) how(connection.end)
  }
  function lets(how: (read: Held<void>) => void): void {
    const read = reads.shift()
    if (read !== undefined) how(read)
  }
  const play: { [T in ChannelEvent['type']]: (event: Extract<ChannelEvent, { type: T }>) => unknown } = {
    disk: () => lets((read) => read.resolve()),
    diskFails: () => lets((read) => read.reject(new FailureError(FAILURES.disk))),
    live: () => open()?.door.live({ id: '99', name: '@bot' }),
    breaks: () => (log.breaksNext = true),
    ends: ({ why }) => ends((end) => (why === 'ended' ? end.resolve() : end.reject(new FailureError(FAILURES[why])))),
    trial({ how }) {
      const trial = asked() ?? platform.trials[0]
      if (trial === undefined) return
      platform.trials.splice(platform.trials.indexOf(trial), 1)
      if (how === 'well') trial.end.resolve()
      else trial.end.reject(new FailureError(how === 'refused' ? FAILURES.refused : FAILURES.cut))
    },
    control: ({ what }) => send({ type: 'control', control: what }),
    file: ({ name }) => send({ type: 'redefined', definition: definitionOf(id, name), agents: {} }),
    time: () => world.advance(world.pending()[0] ?? HOUR_MS),
    drain: () => send({ type: 'drain' }),
  }
  return {
    id,
    world,
    send,
    play,
    noted,
    above,
    told: (address: string): Heard | null => actor.getSnapshot().children[address]?.getSnapshot().context ?? null,
    /** Who is written to is in this one. */
    partitionOf(conversation: string): AnyActorRef | undefined {
      const partitions: AnyActorRef[] = Object.values(actor.getSnapshot().children)
      return partitions.findLast((each) => {
        const heard: readonly string[] = each.id.startsWith('partition:') ? each.getSnapshot().context.heard : []
        return heard.some((what) => what.startsWith(`${conversation} `))
      })
    },
    async accepts(conversation: string): Promise<void> {
      subjects += 1
      const message = { ...messageOf(id, conversation), platformMessageId: `m${subjects}` }
      const { seq } = await store.accept({ ...message, journaled: false })
      send({ type: 'message.accepted', message: { ...message, seq } })
    },
    routes: (conversation: string) => send({ type: 'message.accepted', message: messageOf(id, conversation) }),
    async seen() {
      const connection = open()
      const { reported, adopted } = above
      return {
        status: actor.getSnapshot().status,
        shown: reported === null ? null : wordsOf(reported.state, reported.failure),
        adoption: adopted === null ? null : wordsOf(adopted.state, adopted.failure),
        connections: platform.connections.map(({ credential }) => credential),
        isToldToEnd: connection?.signal.aborted ?? false,
        admits: connection === undefined ? null : await admits(connection.door, id),
        trial: asked()?.credential ?? null,
        reads: reads.length,
        pending: world.pending(),
      }
    },
    async close() {
      root.stop()
    },
  }
}

/** A long text by a stranger is turned away in any case, and the reason says whether strangers are. */
async function admits({ receive }: Door, channel: string): Promise<boolean> {
  const reception = await receive({ ...messageOf(channel, 'c1'), text: TOO_LONG })
  return !reception.accepted && reception.reason === 'tooLong'
}

const TOO_LONG = '.'.repeat(65_537)

function messageOf(channel: string, conversation: string): AcceptedMessage {
  return acceptedMessage('hello', { channel, conversation, sessionKey: `${channel}/${conversation}` })
}

function definitionOf(id: string, file: File): ChannelDefinition {
  const { credential, strict, missing } = FILES[file]
  return testChannel(id, {
    token: { secret: `channels.${id}.token`, renewed: credential },
    unknownUserPolicy: strict ? 'deny' : 'allow',
    missing: missing === null ? [] : [missing],
  })
}

function fileOf({ token, unknownUserPolicy, missing }: ChannelDefinition): File | undefined {
  const said = { credential: token?.renewed, strict: unknownUserPolicy === 'deny', missing: missing[0] ?? null }
  const names = Object.keys(FILES) as File[] // Object.keys forgets the keys' type.
  return names.find((name) => JSON.stringify(FILES[name]) === JSON.stringify(said))
}

function adapter(
  { connections, trials }: { connections: Connection[]; trials: Trial[] },
  { token }: ChannelDefinition,
): Adapter {
  const credential = token?.renewed
  return {
    run(door, signal) {
      const end = held<void>()
      connections.push({ credential, door, signal, end })
      return end.promise
    },
    async probe(signal) {
      const end = held<void>()
      trials.push({ credential, signal, end })
      await end.promise
      return { id: '99', name: '@bot' }
    },
    send: () => Promise.reject(new Error('nobody sends here')),
    fetch: () => Promise.reject(new Error('nobody fetches here')),
    show: () => {},
  }
}

/** What is unfinished is read when the test lets it. */
function reading(reads: Held<void>[]): Store {
  return {
    ...store,
    async unfinished(...asked) {
      const read = held<void>()
      reads.push(read)
      await read.promise
      return store.unfinished(...asked)
    },
  }
}

function logOf(noted: string[]): Log {
  return { ...silentLog, error: (fields, message) => void noted.push(`${JSON.stringify(fields)} ${message}`) }
}

export interface Heard {
  readonly served: File | undefined
  readonly heard: readonly string[]
}

/** Stands where a partition stands. */
const listener = setup({
  types: {
    context: {} as Heard,
    input: {} as { definition: ChannelDefinition },
    events: {} as
      | { type: 'redefined'; definition: ChannelDefinition }
      | { type: 'message.route'; routed: number; message: AcceptedMessage }
      | { type: 'outbox.route'; routed: number; conversation: string }
      | { type: 'sweep' }
      | { type: 'fails' }
      | Ending,
  },
  actions: {
    hear: assign({ heard: ({ context }, what: string) => [...context.heard, what] }),
  },
}).createMachine({
  context: ({ input }) => ({ served: fileOf(input.definition), heard: [] }),
  on: {
    redefined: { actions: assign({ served: ({ event }) => fileOf(event.definition) }) },
    'message.route': {
      actions: {
        type: 'hear',
        params: ({ event }) => `${event.message.conversation} ${event.routed}${event.message.again ? ' again' : ''}`,
      },
    },
    'outbox.route': { actions: { type: 'hear', params: ({ event }) => `owed ${event.conversation} ${event.routed}` } },
    sweep: { actions: { type: 'hear', params: 'sweep' } },
    drain: { actions: { type: 'hear', params: 'drain' } },
    halt: { actions: { type: 'hear', params: 'halt' } },
    fails: {
      actions: () => {
        throw new Error('a defect')
      },
    },
  },
})

function standIn(channel: ChannelLogic, input: { definition: ChannelDefinition; agents: {} }) {
  const { id } = input.definition
  const said = { reported: null as ChannelReport | null, adopted: null as Adoption | null, released: [] as string[] }
  const gateway = setup({
    types: {
      events: {} as
        | { type: 'channel.reported'; report: ChannelReport }
        | { type: 'channel.adopted'; adoption: Adoption }
        | { type: 'message.accepted'; message: AcceptedMessage }
        | { type: 'outbox.owed'; conversation: string }
        | { type: 'slot.released'; sessionKey: string },
    },
    actors: { channel },
    actions: { pass: sendTo('channel', ({ event }) => event as never) },
  }).createMachine({
    invoke: { id: 'channel', systemId: `channel:${id}`, src: 'channel', input },
    on: {
      'channel.reported': { actions: ({ event }) => (said.reported = event.report) },
      'channel.adopted': { actions: ({ event }) => (said.adopted = event.adoption) },
      'message.accepted': { actions: 'pass' },
      'outbox.owed': { actions: 'pass' },
      'slot.released': { actions: ({ event }) => said.released.push(event.sessionKey) },
    },
  })
  return Object.assign(said, { gateway })
}

function wordsOf(state: string, failure: Failure | null): string {
  return failure === null ? state : `${state}: ${wordOf(failure)}`
}

function wordOf({ message }: Failure): string {
  const [, word = message] = WORDS.find(([text]) => message.includes(text)) ?? []
  return word
}

const FAILURES = {
  cut: { kind: 'retryable', reason: 'unavailable', message: 'cut' },
  limited: { kind: 'retryable', reason: 'rateLimited', message: 'limited', retryAfterMs: 7_000 },
  refused: { kind: 'permanent', reason: 'unauthorized', message: 'refused' },
  disk: { kind: 'retryable', reason: 'storage', message: 'disk' },
} as const satisfies Record<string, Failure>

const WORDS: readonly (readonly [string, string])[] = [
  ['ended by itself', 'ended'],
  ['did not answer within', 'silence'],
  ['did not end', 'stuck'],
  ['internal error', 'defect'],
  ['ONE is not set', 'missing ONE'],
  ['TWO is not set', 'missing TWO'],
]

function expected({ context: seen }: SnapshotFrom<Model>) {
  const { at, served, connectedBy, trial } = seen
  return {
    status: 'active',
    shown: seen.shown,
    adoption: seen.adoption,
    connections: connectedBy === null ? [] : [FILES[connectedBy].credential],
    isToldToEnd: at === 'closing',
    admits: connectedBy === null ? null : !FILES[served].strict,
    trial: trial?.at === 'asked' && seen.next !== null ? FILES[seen.next].credential : null,
    reads: seen.isAsked ? 1 : 0,
    pending: pendingIn(seen),
    partition: { served, heard: ['c1 1', ...seen.endings] },
  }
}

/** What the promises say of waits: each doubles from a second, a hint is obeyed, and no silence is waited out for ever. */
function pendingIn({ at, why, failures, untilStable, trial, isStuck }: Seen): number[] {
  switch (at) {
    case 'readingAgain':
      return [doubling(failures)]
    case 'connecting':
      return [10_000]
    case 'live':
      return [untilStable, trial?.left ?? null].filter((left) => left !== null).sort((a, b) => a - b)
    case 'closing':
      return isStuck ? [] : [15_000]
    case 'retrying':
      return [Math.max(doubling(failures), why === 'limited' ? 7_000 : 0)]
    default:
      return []
  }
}

const HOUR_MS = 3_600_000
