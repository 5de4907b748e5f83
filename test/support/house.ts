// House: the real machines, actors and store in one process, with a platform and an agent whose every step a test holds.
// The platform is strict: it refuses a second connection, a send on a conversation that nobody opened, a part out of order.

import { createActor } from 'xstate'
import type {
  AgentDefinition,
  ChannelDefinition,
  GatewayDefinition,
  ScheduleDefinition,
} from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import type { ChannelReport, Inbound, Progress } from '../../machines/messages.ts'
import { census } from '../../src/actors/census.ts'
import { cronTimes } from '../../src/config/cron.ts'
import { endingItsChildren } from '../../src/actors/ending.ts'
import { createGateway, gatewayActor } from '../../src/actors/gateway.ts'
import type { Hooks } from '../../src/actors/hooks.ts'
import type { Observe } from '../../src/actors/observe.ts'
import type { Parts } from '../../src/actors/parts.ts'
import type { Description, ThinkRequest, Thought, Transcription, Usage } from '../../src/agents/agent.ts'
import type { Adapter, Door, Fetching, Outgoing, Reception } from '../../src/channels/adapter.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import type { Heard } from '../../machines/speech.ts'
import type { ToolCall } from '../../machines/steps.ts'
import type { Notes, Tool } from '../../src/tools/tool.ts'
import { testAgent } from './definitions.ts'
import { unobserved } from './observing.ts'
import { type TestFolders, testFolders } from './received.ts'
import { type TestTools, toolParts } from './tools.ts'
import { freeTokens, type Held, held, settled, silentLog, type TestWorld, testWorld } from './world.ts'

export interface HouseOptions {
  readonly channels?: Readonly<Record<string, Partial<ChannelDefinition>>>
  readonly gateway?: Partial<GatewayDefinition['gateway']>
  /** Who may poll; nobody else is there otherwise. */
  readonly tokens?: Parts['tokens']
  /** An earlier house's, for a restart. */
  readonly store?: Store
  readonly world?: TestWorld
  /** Given over the tests' own definitions. */
  readonly agents?: Readonly<Record<string, Partial<AgentDefinition>>>
  readonly schedules?: readonly ScheduleDefinition[]
  /** Instead of `cfo` and `ops`. */
  readonly workforce?: readonly AgentDefinition[]
  /** What `tools` of those definitions may name. */
  readonly tools?: Readonly<Record<string, Tool>>
  readonly notes?: Notes
  /** An earlier house's, for a restart; nobody sends files otherwise. */
  readonly folders?: TestFolders
  /** What its platforms have of each reference. */
  readonly files?: ReadonlyMap<string, Uint8Array>
  /** What makes text of speech; a text alone is what a server says that counts nothing. */
  readonly transcribe?: (...asked: Parameters<Transcription['transcribe']>) => Promise<Heard | string>
  /** What makes text of pictures. */
  readonly describe?: Description['describe']
  /** What its agents' hooks do; there are none otherwise. */
  readonly hooks?: Hooks
  /** What the building of each toolbox waits for. */
  readonly opening?: Promise<void>
  /** Who is told what happens; nobody is. */
  readonly observe?: Observe
  /** In place of the tests' own: MCP servers, and the toolboxes that ask them; folders on the disk. */
  readonly parts?: Partial<Pick<Parts, 'buildTools' | 'runMcp' | 'openReceived' | 'clearFolder'>>
  /** What each send does, from the first moment on. */
  readonly everySend?: TestPlatform['nextSend'][number]
  /** Wraps the store, for faults. */
  readonly wrap?: (store: Store) => Store
  /** The gateway's machine is another one; a newer file reaches its actors and not their effects. */
  readonly change?: (gateway: GatewayLogic, parts: Parts) => GatewayLogic
}

export type GatewayLogic = ReturnType<typeof gatewayActor>

export interface House {
  readonly world: TestWorld
  readonly store: Store
  readonly gateway: ReturnType<typeof createGateway>
  readonly reports: Map<string, ChannelReport>
  readonly rollCalls: (readonly ChannelReport[])[]
  platform(channel: string): TestPlatform
  /** A newer file, taken. */
  redefine(options: Pick<HouseOptions, 'channels' | 'gateway' | 'workforce' | 'schedules'>): Promise<void>
  /** Runs in progress, oldest first; each waits for the test. */
  readonly thoughts: HeldThought[]
  readonly tools: TestTools
  says(channel: string, text: string, options?: Partial<Inbound>): Promise<Reception>
  census(): ReturnType<typeof census>
  /** Kills it as SIGKILL would: nothing is finished, nothing is closed but the actors. The store stays. */
  kill(): void
}

export interface HeldThought {
  readonly request: ThinkRequest
  readonly agent: string
  /** What its agent was built with. */
  readonly instructions: string
  answer(text: string, usage?: Usage | null): Promise<void>
  /** An answer with more than its text. */
  gives(thought: Partial<Thought>): Promise<void>
  /** It asks for tools. */
  asks(...calls: ToolCall[]): Promise<void>
  /** A piece of the answer. */
  says(text: string): void
  fail(error: unknown): Promise<void>
  /** The request to the model was closed. */
  closed(): boolean
}

export interface TestPlatform {
  readonly sent: { conversation: string; text: string; replyTo: string | null }[]
  readonly shown: Progress[]
  readonly connections: number
  /** What the connections were made from, oldest first. */
  readonly connectedBy: ChannelDefinition[]
  /** Whether a connection is there. */
  readonly isConnected: boolean
  /** The connection breaks. */
  breaks(error: unknown): Promise<void>
  /** What the next connection attempt, or the next send, does instead. */
  nextRun: ((door: Door, signal: AbortSignal) => Promise<void>)[]
  nextSend: ((outgoing: Outgoing, signal: AbortSignal) => Promise<void>)[]
  /** What it has of each reference. */
  readonly files: Map<string, Uint8Array>
  /** References of the files that it was asked for. */
  readonly fetched: string[]
  /** What the next fetches do instead. */
  nextFetch: ((fetching: Fetching) => Promise<void>)[]
  /** What the next trials of a definition do instead of going well at once. */
  nextProbe: ((signal: AbortSignal) => Promise<void>)[]
}

const ANNA = { id: '1', name: 'Anna', handle: '@anna' }

export async function openHouse(options: HouseOptions = {}): Promise<House> {
  const world = options.world ?? testWorld()
  const store = options.store ?? openMemoryStore({ world })
  const definition = testDefinition(options)
  const platforms = new Map<string, Platform>()
  const thoughts: HeldThought[] = []
  const tools: TestTools = { tools: options.tools ?? {}, opened: [], closed: [], opening: options.opening }
  const reports = new Map<string, ChannelReport>()
  const rollCalls: (readonly ChannelReport[])[] = []
  const parts: Parts = {
    definition,
    store: options.wrap?.(store) ?? store,
    world,
    log: silentLog,
    observe: options.observe ?? unobserved,
    secret: () => 'secret',
    tokens: options.tokens ?? freeTokens,
    platforms: {
      test: {
        name: 'test',
        journaled: false,
        load: async () => (built) => platformOf(built.definition.id).adapterFor(built.definition),
      },
    },
    buildAgent: async ({ definition }) => ({
      think: (request) => think(definition, request, thoughts),
      probe: async () => {},
    }),
    ...toolParts(tools),
    openReceived: (options.folders ?? testFolders()).open,
    buildTranscription: async () => ({
      async transcribe(...asked) {
        if (options.transcribe === undefined) throw new Error('nobody hears here')
        const heard = await options.transcribe(...asked)
        return typeof heard === 'string' ? { text: heard, seconds: null, tokens: null } : heard
      },
      probe: async () => {},
    }),
    buildDescription: async () => ({
      describe: options.describe ?? (() => Promise.reject(new Error('nobody looks here'))),
      probe: async () => {},
    }),
    cronTimes,
    ...(options.notes === undefined ? {} : { notes: options.notes }),
    ...(options.hooks === undefined ? {} : { hooks: options.hooks }),
    ...options.parts,
    adapters: new Map(),
    onRollCall: (reported) => rollCalls.push(reported),
    onReport: (report) => reports.set(report.id, report),
    onAnswer: () => {},
  }
  const gateway = options.change === undefined ? createGateway(parts) : changed(options.change, parts)
  gateway.subscribe({ error: () => {} })
  gateway.start()
  await settled()

  function platformOf(channel: string): Platform {
    const platform = platforms.get(channel) ?? new Platform(options)
    platforms.set(channel, platform)
    return platform
  }
  let messages = 0
  return {
    world,
    store,
    gateway,
    reports,
    rollCalls,
    thoughts,
    tools,
    platform: platformOf,
    async redefine(newer) {
      gateway.send({ type: 'definition.changed', definition: testDefinition(newer) })
      await settled()
    },
    async says(channel, text, inbound = {}) {
      messages += 1
      const message = { ...plainInbound(channel, text, `m${messages}-${world.id()}`), ...inbound }
      const reception = await platformOf(channel).offers(message)
      await settled()
      return reception
    },
    census: () => census(gateway),
    kill: () => gateway.stop(),
  }
}

function changed(change: NonNullable<HouseOptions['change']>, parts: Parts): ReturnType<typeof createGateway> {
  const { definition, world } = parts
  const machine = endingItsChildren(change(gatewayActor(parts), parts))
  return createActor(machine, { systemId: 'gateway', clock: world.clock, input: { definition } })
}

function think(
  { id: agent, instructions }: AgentDefinition,
  request: ThinkRequest,
  thoughts: HeldThought[],
): Promise<Thought> {
  const end: Held<Thought> = held()
  const aborted = (): void =>
    end.reject(new FailureError({ kind: 'permanent', reason: 'cancelled', message: 'the run was ended' }))
  request.signal.addEventListener('abort', aborted)
  const gives = async (thought: Partial<Thought>): Promise<void> => {
    end.resolve({ text: '', calls: [], usage: null, ...thought })
    await settled()
  }
  thoughts.push({
    request,
    agent,
    instructions,
    closed: () => request.signal.aborted,
    answer: (text, usage = null) => gives({ text, usage }),
    gives,
    asks: (...calls) => gives({ calls }),
    says: (text) => request.onDelta(text),
    async fail(error) {
      end.reject(error)
      await settled()
    },
  })
  return end.promise
}

class Platform implements TestPlatform {
  readonly sent: TestPlatform['sent'] = []
  readonly shown: Progress[] = []
  readonly nextRun: TestPlatform['nextRun'] = []
  readonly nextSend: TestPlatform['nextSend'] = []
  readonly nextProbe: TestPlatform['nextProbe'] = []
  readonly nextFetch: TestPlatform['nextFetch'] = []
  readonly files: TestPlatform['files']
  readonly fetched: string[] = []
  readonly connectedBy: ChannelDefinition[] = []
  connections = 0
  readonly #everySend: HouseOptions['everySend']
  #door: Door | null = null
  #break: Held<void> | null = null

  constructor({ files, everySend }: Pick<HouseOptions, 'files' | 'everySend'>) {
    this.files = new Map(files)
    this.#everySend = everySend
  }

  get isConnected(): boolean {
    return this.#door !== null
  }

  adapterFor(definition: ChannelDefinition): Adapter {
    return {
      ...this.#adapter,
      run: (door, signal) => {
        this.connectedBy.push(definition)
        return this.#adapter.run(door, signal)
      },
    }
  }

  readonly #adapter: Adapter = {
    run: async (door, signal) => {
      const instead = this.nextRun.shift()
      if (instead !== undefined) return instead(door, signal)
      if (this.#door !== null) throw new Error('C2: a second connection beside a living one')
      this.connections += 1
      this.#door = door
      this.#break = held()
      signal.addEventListener('abort', () => this.#break?.resolve())
      door.live({ id: '99', name: '@bot' })
      await this.#break.promise.finally(() => {
        this.#door = null
      })
    },
    send: async (outgoing, part, signal) => {
      if (part !== 0) throw new Error('this platform has replies of one part')
      const instead = this.nextSend.shift() ?? this.#everySend
      if (instead !== undefined) await instead(outgoing, signal)
      const { conversation, text, replyTo } = outgoing
      this.sent.push({ conversation, text, replyTo })
      return { receipt: `r${this.sent.length}`, last: true }
    },
    show: (_, progress) => {
      this.shown.push(progress)
    },
    fetch: async ({ reference }, fetching) => {
      this.fetched.push(reference ?? '')
      const instead = this.nextFetch.shift()
      if (instead !== undefined) return instead(fetching)
      const file = this.files.get(reference ?? '')
      if (file === undefined) throw new FailureError(GONE)
      await fetching.take(file)
    },
    probe: async (signal) => {
      await this.nextProbe.shift()?.(signal)
      return { id: '99', name: '@bot' }
    },
  }

  async offers(message: Inbound): Promise<Reception> {
    if (this.#door === null) throw new Error('nobody is connected to this platform')
    return this.#door.receive(message)
  }

  async breaks(error: unknown): Promise<void> {
    this.#break?.reject(error)
    await settled()
  }
}

const GONE = { kind: 'permanent', reason: 'notFound', message: 'the platform does not have it' } as const

function plainInbound(channel: string, text: string, platformMessageId: string): Inbound {
  return {
    channel,
    conversation: 'c1',
    platformMessageId,
    kind: 'dm',
    sender: ANNA,
    text,
    addressed: true,
    album: null,
    attachments: [],
    continues: false,
  }
}

export function testDefinition({
  channels = { a: {} },
  gateway = {},
  agents = {},
  workforce = [testAgent('cfo', agents['cfo']), testAgent('ops', agents['ops'])],
  schedules = [],
}: Pick<HouseOptions, 'agents' | 'channels' | 'gateway' | 'workforce' | 'schedules'>): GatewayDefinition {
  return {
    gateway: {
      host: '127.0.0.1',
      port: 0,
      token: null,
      data: 'unused',
      drainMs: 20_000,
      concurrentRuns: 64,
      passivateAfterMs: 300_000,
      workdirKeepMs: 2_592_000_000,
      openaiApi: false,
      allowedOrigins: [],
      ...gateway,
    },
    agents: Object.fromEntries(workforce.map((agent) => [agent.id, agent])),
    channels: Object.fromEntries(Object.entries(channels).map(([id, given]) => [id, testChannel(id, given)])),
    schedules: Object.fromEntries(schedules.map((schedule) => [schedule.name, schedule])),
    hooks: {},
    lacking: [],
  }
}

export function testChannel(id: string, given: Partial<ChannelDefinition> = {}): ChannelDefinition {
  return {
    id,
    platform: 'test',
    routes: { default: 'cfo', dm: null, group: null },
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
    ...given,
  }
}
