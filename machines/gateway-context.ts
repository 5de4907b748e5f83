// Gateway context: what the gateway remembers, and what a newer file makes of it. Pure functions over plain data.
//   C3. Every channel of the file is in every report, under its own id: `reports` has the ids of the file, and no others.
//   A channel that the file does not name any more leaves as a process ends: first its connection, then its runs, then its outbox.

import { nameOf } from './addresses.ts'
import type { AgentDefinition, GatewayDefinition } from './definitions.ts'
import type { Failure } from './failure.ts'
import type { Adoption, ChannelReport } from './messages.ts'
import { only, type Redefinition } from './redefinition.ts'
import { nextRestart } from './restart.ts'
import { isOfChannel } from './session-key.ts'
import { emptySlots, type Slots } from './slots.ts'

export interface GatewayInput {
  readonly definition: GatewayDefinition
}

export interface GatewayContext extends GatewayInput {
  /** The last word of each channel, in the order of the file; null: none yet. */
  readonly reports: Readonly<Record<string, ChannelReport | null>>
  readonly slots: Slots
  /** Failures of a channel's actor since the start. */
  readonly failures: Readonly<Record<string, number>>
  /** Channels that do not serve their newest definition, or not yet. */
  readonly adoptions: Readonly<Record<string, Adoption>>
  /** Agents that the file does not name any more; they are needed while a channel serves an earlier definition. */
  readonly withdrawn: Readonly<Record<string, AgentDefinition>>
  /** Channels that leave, and what is awaited of each. The file may name one again meanwhile. */
  readonly leaving: Readonly<Record<string, 'closing' | 'finishing' | 'flushing'>>
}

export function initialGateway({ definition }: GatewayInput): GatewayContext {
  return {
    definition,
    reports: Object.fromEntries(Object.keys(definition.channels).map((id) => [id, null])),
    slots: emptySlots(definition.gateway.concurrentRuns),
    failures: {},
    adoptions: {},
    withdrawn: {},
    leaving: {},
  }
}

/** After a newer file; `isAlive` says whether a channel has an actor. */
export function withDefinition(
  context: GatewayContext,
  { definition, channels, agents }: Redefinition,
  isAlive: (channel: string) => boolean,
): Partial<GatewayContext> {
  const ids = Object.keys(definition.channels)
  const changed = [...channels.reconnected, ...channels.redefined]
  // A channel without an actor starts on its newest definition.
  const reconnecting = channels.reconnected.filter((id) => isAlive(id) && context.leaving[id] === undefined)
  const trying = reconnecting.map((id) => [id, { state: 'trying', failure: null }] as const)
  const adoptions = { ...only(context.adoptions, ids), ...Object.fromEntries(trying) }
  const closing = channels.stopped.filter((id) => isAlive(id) && context.leaving[id] === undefined)
  return {
    definition,
    ...neededBy(adoptions, { ...context.withdrawn, ...only(context.definition.agents, agents.removed) }),
    reports: Object.fromEntries(ids.map((id) => [id, context.reports[id] ?? firstReport(context, id)])),
    failures: only(
      context.failures,
      ids.filter((id) => !changed.includes(id)),
    ),
    leaving: { ...context.leaving, ...Object.fromEntries(closing.map((id) => [id, 'closing' as const])) },
  }
}

/** After a channel said how far it is with its newest definition. */
export function withAdoption(
  context: GatewayContext,
  { channel, adoption }: { readonly channel: string; readonly adoption: Adoption },
): Partial<GatewayContext> {
  const { [channel]: _, ...others } = context.adoptions
  const isKept = adoption.state !== 'served' && context.definition.channels[channel] !== undefined
  return neededBy(isKept ? { ...others, [channel]: adoption } : others, context.withdrawn)
}

/** What effects go by: the newest definition, and agents that only an earlier one of a channel names. */
export function inForce({ definition, withdrawn }: GatewayContext): GatewayDefinition {
  if (Object.keys(withdrawn).length === 0) return definition
  return { ...definition, agents: { ...withdrawn, ...definition.agents } }
}

/** Leaving channels whose connection and runs have ended. */
export function finished({ leaving, slots }: GatewayContext): string[] {
  const stages = Object.entries(leaving).filter(([, stage]) => stage === 'finishing')
  return stages.map(([id]) => id).filter((id) => !slots.running.some((key) => isOfChannel(key, id)))
}

export const SERVED: Adoption = { state: 'served', failure: null }

export function reportsOf({ reports }: GatewayContext): ChannelReport[] {
  return Object.values(reports).filter((report) => report !== null)
}

export function failedReport({ failures }: GatewayContext, event: { readonly actorId: string }): ChannelReport {
  const id = nameOf(event.actorId)
  const givenUp = nextRestart((failures[id] ?? 0) + 1) === 'giveUp'
  return { id, state: givenUp ? 'failed' : 'retrying', failure: DEFECT }
}

/** The same where nothing is started again. */
export function givenUpReport(event: { readonly actorId: string }): ChannelReport {
  return { id: nameOf(event.actorId), state: 'failed', failure: DEFECT }
}

/** One that is named again while it leaves has nothing to say until it starts anew. */
function firstReport({ leaving }: GatewayContext, id: string): ChannelReport | null {
  return leaving[id] === undefined ? null : { id, state: 'stopped', failure: null }
}

function neededBy(adoptions: GatewayContext['adoptions'], withdrawn: GatewayContext['withdrawn']) {
  return { adoptions, withdrawn: Object.keys(adoptions).length === 0 ? {} : withdrawn }
}

const DEFECT: Failure = {
  kind: 'defect',
  reason: 'defect',
  message: 'the channel failed by a defect of Troupe',
  remedy: 'The log has the cause; nothing that was accepted is lost',
}
