// A gateway for tests of the port and the page: the real web adapter and an in-memory journal behind the real port
// contract; the agent is played by the test, step by step.

import { writtenText } from '../../machines/media.ts'
import type { Inbound } from '../../machines/messages.ts'
import type { Door, Journal, JournalEntry, Reception } from '../../src/channels/adapter.ts'
import { createWebAdapter, type WebAdapter } from '../../src/channels/web.ts'
import type { CompletionsPort } from '../../src/http/completions-port.ts'
import type { ChannelStatus, GatewayPort, Reloaded, SessionView, Status } from '../../src/http/port.ts'
import type { Log } from '../../src/log.ts'
import type { World } from '../../src/world.ts'
import { type TestUploads, testUploads } from '../support/uploads.ts'

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silentLog }

/** A world whose clock moves only when a test says so. */
export function manualWorld(): World & { advance(ms: number): void; readonly timers: number } {
  let nowMs = 1_000_000
  let ids = 0
  const timers = new Map<number, { atMs: number; fn: () => void }>()
  return {
    nowMs: () => nowMs,
    id: () => `id-${++ids}`,
    random: () => 0.5,
    environment: {},
    clock: {
      setTimeout(fn, delayMs) {
        timers.set(++ids, { atMs: nowMs + delayMs, fn })
        return ids
      },
      clearTimeout: (id) => void timers.delete(Number(id)),
    },
    get timers() {
      return timers.size
    },
    advance(ms) {
      const untilMs = nowMs + ms
      for (;;) {
        const due = [...timers].filter(([, timer]) => timer.atMs <= untilMs).sort((a, b) => a[1].atMs - b[1].atMs)[0]
        if (due === undefined) break
        timers.delete(due[0])
        nowMs = due[1].atMs
        due[1].fn()
      }
      nowMs = untilMs
    },
  }
}

export class MemoryJournal implements Journal {
  readonly entries: (JournalEntry & { conversation: string; key: string })[] = []
  reads = 0

  async append(entry: { conversation: string; text: string; outboxId: number; part: number }): Promise<number> {
    return this.write(entry.conversation, 'assistant', entry.text, `${entry.outboxId}/${entry.part}`)
  }

  write(conversation: string, role: 'user' | 'assistant', text: string, key: string): number {
    const known = this.entries.find((entry) => entry.key === key && entry.role === role)
    if (known !== undefined) return known.id
    const id = this.entries.length + 1
    this.entries.push({ id, role, text, conversation, key })
    return id
  }

  async after(conversation: string, id: number, limit: number): Promise<readonly JournalEntry[]> {
    this.reads++
    return this.entries
      .filter((entry) => entry.conversation === conversation && entry.id > id)
      .slice(0, limit)
      .map(({ id, role, text }) => ({ id, role, text }))
  }
}

/** One web channel with the real adapter, connected. */
export class ChannelDouble implements Door {
  readonly journal = new MemoryJournal()
  readonly uploads: TestUploads
  readonly adapter: WebAdapter
  readonly received: Inbound[] = []
  /** What admission says; null: accept. */
  refusal: Extract<Reception, { accepted: false }>['reason'] | null = null
  failure: Error | null = null
  /** Called for each new message: the agent. */
  onMessage: (message: Inbound) => void = () => {}
  isLive = false
  #outbox = 0
  #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(id: string, world: World, uploads = testUploads()) {
    this.uploads = uploads
    this.adapter = createWebAdapter({
      definition: webDefinition(id),
      secret: () => '',
      journal: this.journal,
      uploads: this.uploads,
      world,
      log: silentLog,
    })
    this.connect()
  }

  connect(): void {
    this.#stop = new AbortController()
    this.#running = this.adapter.run(this, this.#stop.signal)
  }

  async disconnect(): Promise<void> {
    this.isLive = false
    this.#stop.abort()
    await this.#running
  }

  live(): void {
    this.isLive = true
  }

  async receive(message: Inbound): Promise<Reception> {
    if (this.failure !== null) throw this.failure
    if (this.refusal !== null) return { accepted: false, reason: this.refusal }
    const before = this.journal.entries.length
    const key = `${message.conversation} ${message.platformMessageId}`
    const seq = this.journal.write(message.conversation, 'user', writtenText(message), key)
    const duplicate = this.journal.entries.length === before
    if (!duplicate) {
      this.received.push(message)
      queueMicrotask(() => this.onMessage(message))
    }
    return { accepted: true, duplicate, seq }
  }

  async reply(conversation: string, text: string): Promise<void> {
    const outgoing = { outboxId: ++this.#outbox, conversation, text, replyTo: null, uncertain: false }
    await this.adapter.send(outgoing, 0, new AbortController().signal)
  }

  state(conversation: string, state: 'idle' | 'pending' | 'running'): void {
    this.adapter.show(conversation, { kind: 'state', session: `s:${conversation}`, state })
  }

  delta(conversation: string, turn: string, text: string): void {
    this.adapter.show(conversation, { kind: 'delta', session: `s:${conversation}`, turn, text })
  }
}

export interface GatewayDouble extends GatewayPort {
  readonly uploads: TestUploads
  readonly channels: Map<string, ChannelDouble>
  /** Channels of other platforms, and web channels that are not live. */
  readonly others: Map<string, ChannelStatus>
  readonly calls: string[]
  /** Rejections by method name. */
  readonly failures: Map<string, Error>
  /** Who answers clients of the OpenAI API; null: that is switched off. */
  agents: CompletionsPort | null
  state: Status['state']
  /** What a reload comes to. */
  reloaded: Reloaded
}

const USED = {
  ...{ runs: 1, input_tokens: 20, output_tokens: 3, cost: null },
  estimated: { input_tokens: 0, output_tokens: 3, cost: null },
  speech_seconds: 4.5,
}
const SINCE = '2026-01-02T03:04:05.000Z'

export function createGatewayDouble(world: World, ids: readonly string[]): GatewayDouble {
  const uploads = testUploads()
  const channels = new Map(ids.map((id) => [id, new ChannelDouble(id, world, uploads)]))
  const others = new Map<string, ChannelStatus>()
  const calls: string[] = []
  const failures = new Map<string, Error>()
  const note = (call: string) => {
    calls.push(call)
    const failure = failures.get(call.split(' ')[0] ?? '')
    if (failure !== undefined) throw failure
  }
  const known = (id: string) => channels.has(id) || others.has(id)
  const double: GatewayDouble = {
    channels,
    uploads,
    others,
    calls,
    failures,
    agents: null,
    state: 'serving',
    reloaded: { outcome: 'taken', changes: [], needs_restart: [] },
    async status() {
      note('status')
      const web = [...channels].map(([id, channel]) => channelStatus(id, 'web', channel.isLive ? 'live' : 'paused'))
      return {
        state: double.state,
        version: '0.1.0',
        uptime_s: 1.5,
        channels: [...web, ...others.values()],
        agents: [],
        mcp_servers: [],
        lacking: [],
        store: null,
        sessions: { idle: 1, pending: 0, running: 0, passivated: 2, queued_messages: 0 },
        outbox: 0,
        dead_letters: 1,
        configuration: { loaded_at: SINCE, problems: [], needs_restart: [], kept: [] },
      }
    },
    completions() {
      note('completions')
      return double.agents
    },
    async reload() {
      note('reload')
      return double.reloaded
    },
    control(channel, control) {
      note(`control ${channel} ${control}`)
      return known(channel)
    },
    async send(channel, conversation, text) {
      note(`send ${channel} ${conversation} ${text}`)
      return known(channel)
    },
    web(channel) {
      const web = channels.get(channel)
      if (web !== undefined) return web.isLive ? web.adapter : 'notLive'
      return others.has(channel) ? 'notWeb' : 'unknown'
    },
    async metrics() {
      return '# HELP troupe_up 1\ntroupe_up 1\n'
    },
    async inspect(wish) {
      note(`inspect ${JSON.stringify(wish)}`)
      const outcome = calls.filter((call) => call.startsWith('inspect')).length === 1 ? 'opened' : 'changed'
      return { watch: 'everything', texts: false, ...wish, outcome, url: 'http://127.0.0.1:1/', page: 'https://page' }
    },
    async endInspection() {
      note('endInspection')
      return true
    },
    async sessions(limit, filter = {}) {
      note(`sessions ${limit} ${JSON.stringify(filter)}`)
      return []
    },
    async record(key, before, limit) {
      note(`record ${key} ${before} ${limit}`)
      if (key.startsWith('no')) return null
      return {
        session: sessionView(key),
        entries: [{ kind: 'message', id: 1, at: SINCE, text: 'hello' }],
        older: before === null ? '1.2.3.4' : null,
      }
    },
    async stop(key) {
      note(`stop ${key}`)
      if (key.startsWith('no')) return 'unknown'
      return key === 'idle' ? 'nothing to stop' : 'stopping'
    },
    machines: () => [{ name: 'session', description: 'One conversation.' }],
    machine: (name) => (name === 'session' ? { name, states: [], arrows: [] } : null),
    actors(query) {
      note(`actors ${JSON.stringify(query)}`)
      const actor = {
        place: 'gateway',
        id: 'gateway',
        machine: 'gateway',
        state: 'serving',
        status: 'active',
        children: 0,
      }
      return query.under === 'gateway' ? { actor, rows: [], total: 0 } : null
    },
    async followActor(place, emit, signal) {
      note(`followActor ${place}`)
      await emit({ name: 'now', data: JSON.stringify({ place }) })
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    },
    async transcript(key) {
      note(`transcript ${key}`)
      if (key.startsWith('no')) return null
      return [{ seq: 1, turn: 't1', role: 'user', text: 'hello', sender: null, atMs: Date.parse(SINCE), steps: [] }]
    },
    async sessionUsage() {
      return { today: USED, last_30_days: { ...USED, runs: 9 } }
    },
    async schedules() {
      return []
    },
    async usage(limit) {
      note(`usage ${limit}`)
      return { agents: [{ agent: 'a', today: USED, last_30_days: USED }], users: [] }
    },
    async deadLetters(limit) {
      note(`deadLetters ${limit}`)
      return [{ id: 7, kind: 'reply', channel: 'a', conversation: 'c', text: 'x', reason: 'blocked', at: SINCE }]
    },
    async retryDeadLetter(id) {
      note(`retryDeadLetter ${id}`)
      return id === 7
    },
    async pairings() {
      return [{ channel: 'a', user: 'u', name: null, code: 'ABC', at: SINCE }]
    },
    async approvePairing(code) {
      note(`approvePairing ${code}`)
      return code === 'ABC' ? { channel: 'a', user: 'u', name: null, code: null, at: SINCE } : null
    },
    async revokePairing(channel, user) {
      note(`revokePairing ${channel} ${user}`)
      return user === 'u'
    },
  }
  return double
}

export function channelStatus(
  id: string,
  platform: string,
  state: ChannelStatus['state'],
  reason: string | null = null,
): ChannelStatus {
  return { id, platform, agent: id, state, reason, phase: null, since: SINCE }
}

export function webDefinition(id: string) {
  return {
    id,
    platform: 'web',
    routes: { default: id, dm: null, group: null },
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
  } as const
}

export function sessionView(key: string, state: SessionView['state'] = 'idle'): SessionView {
  const [channel = '', conversation = ''] = key.split('/')
  return { key, channel, conversation, agent: channel, state, turns: 1, waiting: 0, updated_at: SINCE }
}
