// Tree: the real machines and actors in this process, over a store that answers at once and keeps nothing of what is done.
// What it measures is therefore the actors alone: no disk, no network, no model.
//   A session is opened by a message through the adapter's door and is open when its answer was delivered and it rests.
//   A session is closed by the sweep that passivates it. To close a few among many, the sweep is confined to the partitions
//   that hold them: everything else of its way (gateway, channel, partition, placement) is the real one.

import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import type { AgentDefinition, ChannelDefinition, GatewayDefinition } from '../../machines/definitions.ts'
import { SWEEPS_BEFORE_PASSIVATION } from '../../machines/limits.ts'
import type { Inbound } from '../../machines/messages.ts'
import { census } from '../../src/actors/census.ts'
import { createGateway, type GatewayActor } from '../../src/actors/gateway.ts'
import { cronTimes } from '../../src/config/cron.ts'
import type { Observe } from '../../src/actors/observe.ts'
import { buildAgent } from '../../src/agents/catalog.ts'
import type { BuildAgent } from '../../src/agents/agent.ts'
import type { Adapter, Door } from '../../src/channels/adapter.ts'
import { realWorld } from '../../src/world.ts'
import { testAgent } from '../support/definitions.ts'
import { noTools } from '../support/tools.ts'
import { unobserved } from '../support/observing.ts'
import { freeTokens, silentLog } from '../support/world.ts'
import { emptyStore } from './empty-store.ts'
import { observeTurns, processorMs, type Swept } from './clocks.ts'

export interface Tree {
  /** Opens that many sessions that were never seen before, all at once when `together`, else one after the other. */
  open(count: number, how: 'together' | 'inTurn'): Promise<Opened>
  /** Passivates these, and with them whoever shares their partitions; resolves with how many went and how long it took. */
  close(opened: Opened): Promise<{ readonly closed: number; readonly ms: number }>
  /** One sweep of everything; resolves when nothing of it is left to do. */
  sweep(): Promise<Swept>
  /** Passivates everything. */
  closeAll(): Promise<void>
  readonly live: number
  readonly root: GatewayActor
  stop(): void
}

export interface Opened {
  readonly conversations: readonly string[]
  /** Processor time of this thread: other work on the machine is not in it. */
  readonly ms: number
}

export interface TreeOptions {
  /** What the agents do; default: the `echo` model. */
  readonly buildAgent?: BuildAgent
  /** Who is told what happens; default: nobody. */
  readonly observe?: Observe
  /** What the agent's definition has besides; default: nothing. */
  readonly agent?: Partial<AgentDefinition>
  /** What its tools are built by; default: it has none. */
  readonly tools?: ReturnType<typeof noTools>
  /** The data folder, for tools that work in one; default: there is none. */
  readonly data?: string
}

const CHANNEL = 'bench'

export async function openTree(options: TreeOptions = {}): Promise<Tree> {
  const platform = quietPlatform()
  const defects: string[] = []
  const gateway = createGateway({
    definition: definitionWith(options),
    store: emptyStore(),
    world: { ...realWorld({}), clock: STILL_SWEEPER },
    log: { ...silentLog, error: (_, message) => defects.push(message) },
    observe: options.observe ?? unobserved,
    secret: () => '',
    tokens: freeTokens,
    platforms: { bench: { name: 'bench', journaled: false, load: async () => () => platform.adapter } },
    buildAgent: options.buildAgent ?? buildAgent,
    ...(options.tools ?? noTools()),
    cronTimes,
    adapters: new Map(),
    onRollCall: () => {},
    onReport: () => {},
    onAnswer: () => {},
  })
  gateway.start()
  const door = await platform.door
  let opened = 0

  async function open(count: number, how: 'together' | 'inTurn'): Promise<Opened> {
    const conversations = Array.from({ length: count }, () => `c${(opened += 1)}`)
    const usedMs = processorMs()
    if (how === 'together') {
      await Promise.all(conversations.map((conversation) => door.receive(inbound(conversation))))
      await platform.rested()
    } else {
      for (const conversation of conversations) {
        await door.receive(inbound(conversation))
        await platform.rested()
      }
    }
    return { conversations, ms: processorMs() - usedMs }
  }

  async function sweep(): Promise<Swept> {
    const swept = await observeTurns(
      () => gateway.send({ type: 'sweep' }),
      () => unswept(gateway) === 0,
    )
    throwDefect()
    return swept
  }

  function throwDefect(): void {
    if (defects.length > 0) throw new Error(`Actors failed, so nothing was measured: ${defects[0]}`)
  }

  return {
    open,
    sweep,
    async close({ conversations }) {
      const before = census(gateway).live
      const release = confine(gateway, conversations)
      const usedMs = processorMs()
      // One more than it takes: it stops the partitions that were left empty.
      for (let sweeps = 0; sweeps <= SWEEPS_BEFORE_PASSIVATION; sweeps += 1) {
        gateway.send({ type: 'sweep' })
        await sweptThrough(gateway)
      }
      const ms = processorMs() - usedMs
      release()
      throwDefect()
      return { closed: before - census(gateway).live, ms }
    },
    async closeAll() {
      for (let sweeps = 0; sweeps <= SWEEPS_BEFORE_PASSIVATION; sweeps += 1) {
        gateway.send({ type: 'sweep' })
        await sweptThrough(gateway)
      }
      throwDefect()
    },
    get live() {
      return census(gateway).live
    },
    root: gateway,
    stop: () => gateway.stop(),
  }
}

/** A sweep takes one partition at a time, and the next one does not begin before it is through. */
async function sweptThrough(gateway: GatewayActor): Promise<void> {
  await sleep(1)
  while (unswept(gateway) > 0) await sleep(1)
}

function unswept(gateway: GatewayActor): number {
  const channel = childrenOf(gateway)[`channel:${CHANNEL}`]
  const left = channel === undefined ? undefined : contextOf(channel)['unswept']
  if (!Array.isArray(left)) throw new Error('The channel keeps no list of unswept partitions: this must follow it.')
  return left.length
}

/** Sends the channel's next sweeps to the partitions of these conversations only, until it is released. */
function confine(gateway: GatewayActor, conversations: readonly string[]): () => void {
  const channel = childrenOf(gateway)[`channel:${CHANNEL}`]
  const placement = channel === undefined ? undefined : contextOf(channel)['placement']
  if (channel === undefined || typeof placement !== 'object' || placement === null) {
    throw new Error('The channel keeps no placement any more: this measurement must follow it.')
  }
  const wanted = new Set(conversations)
  const partitions = Object.entries(childrenOf(channel))
    .filter(([, partition]) => Object.keys(childrenOf(partition)).some((child) => wanted.has(lastPart(child))))
    .map(([address]) => Number(lastPart(address)))
  if (partitions.length === 0) throw new Error('No partition holds these sessions: nothing would be measured.')
  const all = (): unknown => Reflect.get(Object.getPrototypeOf(placement), 'partitions', placement)
  const living = (): Set<unknown> => new Set(Array.isArray(all()) ? (all() as unknown[]) : [])
  Object.defineProperty(placement, 'partitions', {
    configurable: true,
    get: () => {
      const now = living()
      return partitions.filter((partition) => now.has(partition))
    },
  })
  return () => void Reflect.deleteProperty(placement, 'partitions')
}

/** As much of an actor as is looked at here. */
interface Living {
  getSnapshot(): unknown
}

interface Seen {
  readonly children?: Readonly<Record<string, Living>>
  readonly context?: Readonly<Record<string, unknown>>
}

function childrenOf(actor: Living): Readonly<Record<string, Living>> {
  return (actor.getSnapshot() as Seen).children ?? {} // Every machine's snapshot has these; other logics have none of them.
}

function contextOf(actor: Living): Readonly<Record<string, unknown>> {
  return (actor.getSnapshot() as Seen).context ?? {} // As above.
}

/** The conversation in a session's key, and the number in a partition's address. */
function lastPart(address: string): string {
  return address.slice(Math.max(address.lastIndexOf(':'), address.lastIndexOf('/')) + 1)
}

/** A platform that takes everything at once and counts. */
function quietPlatform() {
  const door = Promise.withResolvers<Door>()
  let sent = 0
  let resting = 0
  const begun = new Set<string>()
  const adapter: Adapter = {
    run: (given, signal) => {
      door.resolve(given)
      given.live({ id: '1', name: '@bench' })
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
    },
    send: async () => {
      sent += 1
      return { receipt: String(sent), last: true }
    },
    show: (conversation, progress) => {
      if (progress.kind !== 'state') return
      if (progress.state === 'pending') begun.add(conversation)
      else if (progress.state === 'idle' && begun.delete(conversation)) resting += 1
    },
    fetch: () => Promise.reject(new Error('nobody sends files here')),
    probe: async () => ({ id: '1', name: '@bench' }),
  }
  /** Everything here is promises without a wait, so a turn of the event loop is enough; many sessions share few slots. */
  async function rested(): Promise<void> {
    for (let turns = 0; turns < TURNS_MAX; turns += 1) {
      await turn()
      if (begun.size === 0 && sent === resting) return
    }
    throw new Error(`After ${TURNS_MAX} turns of the event loop ${begun.size} sessions were still at work.`)
  }
  return { adapter, door: door.promise, rested }
}

const TURNS_MAX = 100_000

function inbound(conversation: string): Inbound {
  return {
    channel: CHANNEL,
    conversation,
    platformMessageId: '1',
    kind: 'dm',
    sender: { id: '1', name: 'Anna', handle: '@anna' },
    text: 'hello',
    addressed: true,
    album: null,
    attachments: [],
    continues: false,
  }
}

const CHANNEL_DEFINITION: ChannelDefinition = {
  id: CHANNEL,
  platform: 'bench',
  routes: { default: 'echo', dm: null, group: null },
  allowedUsers: [],
  unknownUserPolicy: 'allow',
  groupPolicy: 'mention_only',
  sessionScope: 'per_chat',
  busyMode: 'queue',
  queueLimit: 32,
  partialAnswers: 'keep',
  reset: null,
  token: null,
  apiRoot: null,
  module: null,
  settings: {},
  lacking: [],
  missing: [],
}

/** The sweeper's own timer is set for this, and never fires: the sweeps are the measurement's. */
const NEVER_MS = 2 ** 31 - 1

function definitionWith({ agent, data = 'none' }: TreeOptions): GatewayDefinition {
  return {
    gateway: {
      host: '127.0.0.1',
      port: 0,
      token: null,
      data,
      drainMs: 1_000,
      concurrentRuns: 64,
      passivateAfterMs: NEVER_MS * SWEEPS_BEFORE_PASSIVATION,
      workdirKeepMs: NEVER_MS,
      openaiApi: false,
      allowedOrigins: [],
    },
    agents: { echo: testAgent('echo', { instructions: '', ...agent }) },
    channels: { [CHANNEL]: CHANNEL_DEFINITION },
    schedules: {},
    hooks: {},
    lacking: [],
  }
}

const STILL_SWEEPER = {
  setTimeout: (fn: () => void, delayMs: number) => setTimeout(fn, delayMs).unref(),
  clearTimeout: (id: unknown) => clearTimeout(id as NodeJS.Timeout), // It is what setTimeout above gave.
}
