// Redefinition: what a newer gateway.yaml changes, and what becomes of it. Pure.
//   A channel connects anew only for what its connection is made of: platform, credential, address, what only its platform knows, and whether something is
//   missing. Everything else takes effect without cutting anybody off.
//   An agent that lacks something from now on (a variable, an executable) keeps its earlier definition.
//   Where the port listens and where the data lie stays until a restart. So does a token that is taken away: a port that others
//   may reach does not lose its lock while it is open.

import { missingFailure, type Needs } from './channel-failure.ts'
import type { AgentDefinition, ChannelDefinition, GatewayDefinition, GatewaySettings } from './definitions.ts'

export interface Redefinition {
  /** What is in force from now on. */
  readonly definition: GatewayDefinition
  /** By id. A channel that is in none of them is as it was. */
  readonly channels: {
    readonly started: readonly string[]
    readonly stopped: readonly string[]
    readonly reconnected: readonly string[]
    readonly redefined: readonly string[]
  }
  readonly agents: {
    readonly added: readonly string[]
    readonly removed: readonly string[]
    readonly changed: readonly string[]
    /** They lack something and keep their earlier definition. */
    readonly kept: readonly string[]
  }
  /** By name. A changed one begins anew, and goes on where the one before it ended. */
  readonly schedules: {
    readonly added: readonly string[]
    readonly removed: readonly string[]
    readonly changed: readonly string[]
  }
  /** Keys as the file writes them. */
  readonly settings: { readonly changed: readonly string[]; readonly needRestart: readonly string[] }
}

export function redefinition(current: GatewayDefinition, newer: GatewayDefinition): Redefinition {
  const kept = lacking(current.agents, newer.agents)
  const agents = { ...newer.agents, ...only(current.agents, kept) }
  const settings = settingsChange(current.gateway, newer.gateway)
  const channels = changes(current.channels, newer.channels)
  const reconnected = Object.keys(newer.channels).filter((id) => {
    const [before, now] = [current.channels[id], newer.channels[id]]
    if (before === undefined || now === undefined) return false
    return needsConnection({ definition: before, agents: current.agents }, { definition: now, agents })
  })
  return {
    definition: {
      gateway: settings.inForce,
      agents,
      channels: newer.channels,
      schedules: newer.schedules,
      hooks: newer.hooks,
      lacking: newer.lacking,
    },
    channels: {
      started: channels.added,
      stopped: channels.removed,
      reconnected,
      redefined: channels.changed.filter((id) => !reconnected.includes(id)),
    },
    agents: { ...changes(current.agents, agents), kept },
    schedules: changes(current.schedules, newer.schedules),
    settings: {
      changed: [...settings.changed, ...(isSame(current.hooks, newer.hooks) ? [] : ['hooks'])],
      needRestart: settings.needRestart,
    },
  }
}

/** Whether a channel must connect anew to serve the newer definition. */
export function needsConnection(served: Needs, newer: Needs): boolean {
  if (!isSameConnection(served.definition, newer.definition)) return true
  return missingFailure(served)?.message !== missingFailure(newer)?.message
}

export function isSameConnection(a: ChannelDefinition, b: ChannelDefinition): boolean {
  if (a.platform !== b.platform || a.apiRoot !== b.apiRoot || a.module !== b.module) return false
  return isSame(a.token, b.token) && isSame(a.settings, b.settings)
}

/** Equal as JSON, whatever the order of keys. */
export function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [inA, inB] = [new Map(Object.entries(a)), new Map(Object.entries(b))]
  return inA.size === inB.size && [...inA].every(([key, value]) => inB.has(key) && isSame(value, inB.get(key)))
}

// --- parts ------------------------------------------------------------------------------------------------------------

type Agents = Readonly<Record<string, AgentDefinition>>

/** Agents that had what they need before, and do not have it now. */
function lacking(before: Agents, now: Agents): string[] {
  const isWhole = (agent: AgentDefinition | undefined): boolean =>
    agent?.missing.length === 0 && agent.lacking.length === 0
  return Object.values(now).flatMap((agent) => (!isWhole(agent) && isWhole(before[agent.id]) ? [agent.id] : []))
}

export function only<T>(all: Readonly<Record<string, T>>, ids: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([id]) => ids.includes(id)))
}

function changes<T>(before: Readonly<Record<string, T>>, now: Readonly<Record<string, T>>) {
  const ids = Object.keys(now)
  return {
    added: ids.filter((id) => !Object.hasOwn(before, id)),
    removed: Object.keys(before).filter((id) => !Object.hasOwn(now, id)),
    changed: ids.filter((id) => Object.hasOwn(before, id) && !isSame(before[id], now[id])),
  }
}

/** The keys of the file for what is kept under another name here. */
const FILE_KEYS: readonly (readonly [keyof GatewaySettings, string])[] = [
  ['host', 'gateway.host'],
  ['port', 'gateway.port'],
  ['token', 'gateway.token'],
  ['data', 'gateway.data'],
  ['drainMs', 'gateway.drain'],
  ['concurrentRuns', 'gateway.concurrent_runs'],
  ['passivateAfterMs', 'gateway.passivate_after'],
  ['workdirKeepMs', 'gateway.workdir_keep'],
  ['openaiApi', 'gateway.openai_api'],
  ['allowedOrigins', 'gateway.allowed_origins'],
]

function settingsChange(current: GatewaySettings, newer: GatewaySettings) {
  const token = newer.token ?? current.token
  const { host, port, data, workdirKeepMs } = current
  const inForce = { ...newer, host, port, data, workdirKeepMs, token }
  const differing = (from: GatewaySettings, to: GatewaySettings) =>
    FILE_KEYS.filter(([key]) => !isSame(from[key], to[key])).map(([, name]) => name)
  return { inForce, changed: differing(current, inForce), needRestart: differing(inForce, newer) }
}
