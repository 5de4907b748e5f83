// Port: what HTTP and the commands may ask of a running gateway, answered from the actors, the adapters and the store.

import type { ChannelDefinition } from '../../machines/definitions.ts'
import type { AcceptedMessage, SessionState } from '../../machines/messages.ts'
import { isOfFile } from '../../machines/openai.ts'
import { census, sessionStates } from '../actors/census.ts'
import type { GatewayActor } from '../actors/gateway.ts'
import type { Adapter } from '../channels/adapter.ts'
import type { ChannelStatus, GatewayPort, Status } from '../http/port.ts'
import type { WebPort } from '../http/web-port.ts'
import type { Transitions } from '../inspect/transitions.ts'
import { actorsPage } from '../inspect/tree.ts'
import type { Store } from '../store/store.ts'
import type { Uploads } from '../store/uploads.ts'
import type { World } from '../world.ts'
import type { Board } from './board.ts'
import { completionsPort } from './completions.ts'
import type { Disk } from './disk.ts'
import { drawingOf } from './drawing.ts'
import type { Inspection } from './inspection.ts'
import { describeMachine, machineNames } from './machines.ts'
import type { McpTrials } from './mcp-trials.ts'
import type { Metrics } from './metrics.ts'
import { recordsPort } from './records.ts'
import type { Reloading } from './reload.ts'
import { secondsBetween } from './series.ts'
import { sessionRecord } from './session-record.ts'
import { stopSession } from './stop.ts'

export interface PortParts {
  readonly gateway: GatewayActor
  readonly store: Store
  readonly disk: Pick<Disk, 'trouble'>
  readonly uploads: Uploads
  readonly adapters: ReadonlyMap<string, Adapter>
  readonly world: World
  readonly version: string
  readonly startedAtMs: number
  readonly metrics: Metrics
  readonly board: Board
  readonly mcp: Pick<McpTrials, 'failing'>
  readonly reloading: Reloading
  readonly transitions: Transitions
  readonly inspection: Inspection
}

export function gatewayPort(parts: PortParts): GatewayPort {
  const { gateway, store, reloading, world } = parts
  const onMessage = (message: AcceptedMessage): void => gateway.send({ type: 'message.accepted', message })
  const stateOf = (): Map<string, SessionState> => sessionStates(gateway)
  const records = recordsPort(store, {
    stateOf,
    onMessage: (message) => onMessage({ ...message, again: 'retry' }),
    onOwed: (channel, conversation) => gateway.send({ type: 'outbox.owed', channel, conversation }),
    definition: () => gateway.getSnapshot().context.definition,
    nowMs: () => world.nowMs(),
  })
  return {
    ...records,
    uploads: parts.uploads,
    status: () => status(parts),
    reload: () => reloading.reload(),
    inspect: (wish) => parts.inspection.open(wish),
    endInspection: () => parts.inspection.end(),
    metrics: async () => parts.metrics.text({ status: await status(parts), counts: await store.counts() }),
    control(channel, control) {
      if (definitionOf(parts, channel) === undefined) return false
      const tell = (): void => gateway.send({ type: 'channel.control', channel, control })
      if (control === 'pause') tell()
      // A credential may have been replaced: whoever connects again does so by the newest file.
      else void reloading.refresh().then(tell)
      return true
    },
    async send(channel, conversation, text) {
      if (definitionOf(parts, channel) === undefined) return false
      await store.commit({
        channel,
        sessionKey: null,
        settled: [],
        entries: [],
        replies: [{ conversation, text, replyTo: null }],
      })
      gateway.send({ type: 'outbox.owed', channel, conversation })
      return true
    },
    web: (channel) => webPort(parts, channel),
    completions: () => completionsPort({ ...parts, isDraining: isDraining(parts) }),
    record: (key, before, limit) => sessionRecord({ store, stateOf }, key, { before, limit }),
    stop: (key) => stopSession({ store, world, onMessage, stateOf: (each) => stateOf().get(each) }, key),
    machines: () => machineNames.map((name) => ({ name, description: describeMachine(name) })),
    machine: drawingOf,
    actors: (query) => actorsPage(gateway, query),
    followActor: (place, emit, signal) => parts.transitions.follow(place, emit, signal),
  }
}

async function status(parts: PortParts): Promise<Status> {
  const counts = await parts.store.counts()
  const { idle, pending, running, queued, live } = census(parts.gateway)
  const channels = parts.board.channels()
  return {
    state: stateOf(parts, channels),
    version: parts.version,
    uptime_s: secondsBetween(parts.startedAtMs, parts.world.nowMs()),
    channels,
    agents: parts.board.agents(),
    mcp_servers: parts.mcp.failing(),
    lacking: parts.gateway.getSnapshot().context.definition.lacking,
    store: parts.disk.trouble(),
    sessions: { idle, pending, running, passivated: Math.max(0, counts.sessions - live), queued_messages: queued },
    outbox: counts.outbox,
    dead_letters: counts.deadLetters,
    configuration: parts.reloading.status(),
  }
}

/** Of the file: the channel that the gateway makes by itself is in nobody's hand. */
function definitionOf({ gateway }: PortParts, channel: string): ChannelDefinition | undefined {
  return isOfFile(channel) ? gateway.getSnapshot().context.definition.channels[channel] : undefined
}

function stateOf(parts: PortParts, channels: readonly ChannelStatus[]): Status['state'] {
  if (isDraining(parts)) return 'draining'
  if (parts.gateway.getSnapshot().matches('starting')) return 'starting'
  const isWhole = parts.disk.trouble() === null && channels.every((channel) => channel.state === 'live')
  return isWhole ? 'serving' : 'degraded'
}

function webPort(parts: PortParts, channel: string): ReturnType<GatewayPort['web']> {
  const definition = definitionOf(parts, channel)
  if (definition === undefined) return 'unknown'
  if (definition.platform !== 'web') return 'notWeb'
  const adapter = parts.adapters.get(channel)
  if (adapter === undefined || !isWebPort(adapter)) return 'notLive'
  return isDraining(parts) ? { ...REFUSING, subscribe: (...input) => adapter.subscribe(...input) } : adapter
}

/** While draining nothing new is taken; whoever watches still sees the last replies. */
const REFUSING: Pick<WebPort, 'post'> = { post: async () => ({ accepted: false, reason: 'draining' }) }

function isDraining({ gateway }: PortParts): boolean {
  const snapshot = gateway.getSnapshot()
  return snapshot.matches('draining') || snapshot.matches('stopped')
}

function isWebPort(adapter: object): adapter is WebPort {
  return 'post' in adapter && 'subscribe' in adapter
}
