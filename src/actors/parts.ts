// Parts: what the effects of the actors are made of. start.ts puts it together; nothing in it is made here.

import { channelAddress } from '../../machines/addresses.ts'
import type {
  AgentDefinition,
  ChannelDefinition,
  GatewayDefinition,
  ScheduleDefinition,
  SecretReference,
} from '../../machines/definitions.ts'
import type { Failure } from '../../machines/failure.ts'
import type { ChannelReport, Commit, ToChannel, ToGateway } from '../../machines/messages.ts'
import type { BuildAgent, BuildDescription, BuildTranscription } from '../agents/agent.ts'
import type { Adapter, Platform, Uploads } from '../channels/adapter.ts'
import type { BuildTools, ClearFolder, Notes, OpenReceived, RunMcp } from '../tools/tool.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { World } from '../world.ts'
import type { Asked } from './asking.ts'
import type { FolderUses } from './folders.ts'
import type { Hooks } from './hooks.ts'
import type { Meters } from './meters.ts'
import type { Observe } from './observe.ts'
import type { Said } from './said.ts'
import type { Toolboxes } from './toolbox.ts'

export interface Parts {
  /** The newest at the moment of asking: a file may be read anew at any time. */
  readonly definition: GatewayDefinition
  readonly store: Store
  readonly world: World
  readonly log: Log
  readonly observe: Observe
  readonly secret: (reference: SecretReference) => string
  readonly tokens: Tokens
  readonly platforms: Readonly<Record<string, Platform>>
  readonly buildAgent: BuildAgent
  readonly buildTranscription: BuildTranscription
  readonly buildDescription: BuildDescription
  readonly buildTools: BuildTools
  readonly runMcp: RunMcp
  readonly openReceived: OpenReceived
  readonly clearFolder: ClearFolder
  readonly uploads: Uploads
  readonly notes: Notes
  readonly hooks: Hooks
  /** The times of a schedule's pattern. */
  readonly cronTimes: (schedule: ScheduleDefinition) => CronTimes
  /** A channel's connection puts its adapter here; the sessions and deliveries of that channel speak through it. */
  readonly adapters: Map<string, Adapter>
  /** What people have seen of the answers that are being given. */
  readonly said: Said
  /** What is not on disk yet of what requests to models took. */
  readonly meters: Meters
  readonly toolboxes: Toolboxes
  readonly folderUses: FolderUses
  /** Runs that wait for an MCP server's answer, by the id of their asking. */
  readonly asked: Map<string, Asked>
  readonly onRollCall: (reports: readonly ChannelReport[]) => void
  readonly onReport: (report: ChannelReport) => void
  /** What came of an agent's last answer; null: it was given. */
  readonly onAnswer: (agent: string, failure: Failure | null) => void
}

/** Where an effect is at work, and until when. */
export interface Stage {
  readonly signal: AbortSignal
  /** Through which it tells other actors: tellGateway, tellChannel. */
  readonly system: unknown
}

/** When a pattern is due. */
export interface CronTimes {
  /** The newest that is not later; null: there is none. */
  newestUntil(untilMs: number): number | null
  /** The first that is later; null: there is none. */
  nextAfter(afterMs: number): number | null
}

/** C2 beyond one channel: two channels of a file may exchange their tokens, and another process may have one. */
export interface Tokens {
  /** Takes a channel's token for this process; throws a FailureError when another process has it. */
  claim(definition: ChannelDefinition): void
  /** Resolves once no other connection of this process is on that token; until the given function is called none is. */
  hold(definition: ChannelDefinition, signal: AbortSignal): Promise<() => void>
}

/** The file may have changed since a message was accepted: an agent that is gone is replaced by the channel's default. */
export function agentFor({ definition }: Parts, channel: string, agent: string): AgentDefinition | undefined {
  const { agents, channels } = definition
  return agents[agent] ?? agents[channels[channel]?.routes.default ?? agent]
}

interface Directory {
  get(address: string): { send(event: ToGateway): void }
}

interface Channels {
  get(address: string): { send(event: ToChannel): void } | undefined
}

/** Effects send to the root, which routes by address at that moment; only ever after an await, never inside a transition. */
export function tellGateway(system: unknown, message: ToGateway): void {
  const directory = system as Directory // XState types its registry per system; ours is known by addresses.ts.
  directory.get('gateway').send(message)
}

/** The same to a channel; one that is gone has nobody who would answer. */
export function tellChannel(system: unknown, channel: string, message: ToChannel): void {
  const directory = system as Channels // See above.
  directory.get(channelAddress(channel))?.send(message)
}

/** S3. After the commit that holds its replies, and never before. */
export function wakeDeliveries({ channel, replies }: Commit, system: unknown): void {
  for (const conversation of new Set(replies.map((reply) => reply.conversation))) {
    tellGateway(system, { type: 'outbox.owed', channel, conversation })
  }
}
