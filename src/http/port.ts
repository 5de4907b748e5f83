// Port: what the HTTP server may ask of the running gateway. src/start.ts provides it; nothing here knows actors or stores.

import type { Lack } from '../../machines/definitions.ts'
import type { Phase } from '../../machines/phases.ts'
import type { ChannelControl, ChannelState, TranscriptEntry } from '../../machines/messages.ts'
import type { CompletionsPort } from './completions-port.ts'
import type { UsagePeriods, UsageView } from './usage-port.ts'
import type { McpServerStatus } from './mcp-status.ts'
import type { UploadsPort } from './uploads.ts'
import type { WebPort } from './web-port.ts'

export interface GatewayPort {
  status(): Promise<Status>
  /** False: there is no such channel. */
  control(channel: string, control: ChannelControl): boolean
  /** Writes a reply down for delivery; resolves once it is on disk. False: there is no such channel. */
  send(channel: string, conversation: string, text: string): Promise<boolean>
  /** `unknown`: no such channel; `notWeb`: it is not a web channel; `notLive`: it is paused, failed or stopped. */
  web(channel: string): WebPort | 'unknown' | 'notWeb' | 'notLive'
  /** Where files go that come with messages. */
  readonly uploads: UploadsPort
  /** The agents for clients of the OpenAI API; null: that is switched off. */
  completions(): CompletionsPort | null
  /** Reads the configuration anew; resolves once its channels have settled, or after a few seconds. */
  reload(): Promise<Reloaded>
  metrics(): Promise<string>
  /** Lets the Stately inspector look at the running machines, from this machine. What is not named stays as it is. */
  inspect(wish: InspectionWish): Promise<InspectionView>
  /** False: nobody was looking. */
  endInspection(): Promise<boolean>
  /** Newest first. */
  sessions(limit: number, filter?: SessionsFilter): Promise<readonly SessionView[]>
  /** null: no such session. */
  transcript(key: string): Promise<readonly TranscriptEntry[] | null>
  /** The newest `limit` entries of a session's record, or those before `older` of an earlier page; null: no such session. */
  record(key: string, before: string | null, limit: number): Promise<RecordView | null>
  /** Ends a session's run as `/stop` does, in the operator's name. */
  stop(key: string): Promise<'stopping' | 'nothing to stop' | 'unknown'>
  /** What a session has used. */
  sessionUsage(key: string): Promise<UsagePeriods>
  /** At most so many agents and so many people, who used most first. */
  usage(limit: number): Promise<UsageView>
  /** In the order of the file. */
  schedules(): Promise<readonly ScheduleView[]>
  deadLetters(limit: number): Promise<readonly DeadLetterView[]>
  /** False: there is no such dead letter. */
  retryDeadLetter(id: number): Promise<boolean>
  pairings(): Promise<readonly PairingView[]>
  /** null: no such code, or it has expired. */
  approvePairing(code: string): Promise<PairingView | null>
  revokePairing(channel: string, user: string): Promise<boolean>
  /** The statecharts: names and what each is for; one, ready to be laid out and drawn, or null. */
  machines(): readonly MachineView[]
  machine(name: string): unknown
  /** One page of the supervision tree; null: nobody stands at that place. */
  actors(query: ActorsQuery): unknown
  /** Where the actor at a place stands, what it did last, and each transition that it takes, until `signal` aborts. */
  followActor(place: string, emit: (event: ActorEvent) => void | Promise<void>, signal: AbortSignal): Promise<void>
}

export interface SessionsFilter {
  /** Part of a key, a conversation or an agent's name. */
  readonly search?: string
  readonly state?: SessionView['state']
  readonly offset?: number
}

export interface MachineView {
  readonly name: string
  readonly description: string
}

export interface ActorsQuery {
  /** A place in the tree. */
  readonly under: string
  /** Empty: the children of that actor; else all below it whose ids hold this. */
  readonly search: string
  readonly offset: number
  readonly limit: number
}

export interface ActorEvent {
  readonly name: string
  /** JSON. */
  readonly data: string
}

export interface RecordView {
  readonly session: SessionView
  /** Oldest first. */
  readonly entries: readonly RecordEntryView[]
  /** null: there is nothing older. */
  readonly older: string | null
}

/** What else an entry holds depends on its kind; whoever shows one of a kind that is unknown shows it plainly. */
export interface RecordEntryView {
  readonly kind: string
  /** ISO 8601. */
  readonly at: string
  readonly [part: string]: unknown
}

export interface InspectionWish {
  /** `everything`, a channel's id, or `session:KEY`. */
  readonly watch?: string
  /** With the texts that people and models wrote. */
  readonly texts?: boolean
}

export interface InspectionView extends Required<InspectionWish> {
  readonly outcome: 'opened' | 'changed' | 'unchanged'
  /** The inspector's page, on this machine. */
  readonly url: string
  /** The Stately page that it holds in a frame; on the internet. */
  readonly page: string
}

export interface Status {
  readonly state: 'starting' | 'serving' | 'degraded' | 'draining'
  readonly version: string
  readonly uptime_s: number
  readonly channels: readonly ChannelStatus[]
  /** Those whose last answer could not be given, and no others. */
  readonly agents: readonly AgentStatus[]
  /** Those whose last start failed, and no others. */
  readonly mcp_servers: readonly McpServerStatus[]
  /** What the gateway's own hooks need and is not there; no channel fails for it. */
  readonly lacking: readonly Lack[]
  /** Why the last write is not on disk; null: it is. Nothing is accepted meanwhile. */
  readonly store: StoreStatus | null
  readonly sessions: {
    readonly idle: number
    readonly pending: number
    readonly running: number
    readonly passivated: number
    readonly queued_messages: number
  }
  readonly outbox: number
  readonly dead_letters: number
  readonly configuration: ConfigurationStatus
}

export interface StoreStatus {
  readonly reason: string
  /** ISO 8601. */
  readonly since: string
}

export interface ConfigurationStatus {
  /** When what is in force was read; ISO 8601. */
  readonly loaded_at: string
  /** What is wrong with the file as it is now, a line each; empty: it is in force. */
  readonly problems: readonly string[]
  /** Keys whose new value waits for a restart. */
  readonly needs_restart: readonly string[]
  /** Channels and agents that go by an earlier definition. */
  readonly kept: readonly Kept[]
}

export interface Kept {
  /** As the file names it: `channels.telegram_cfo`. */
  readonly id: string
  readonly reason: string
}

export type Reloaded =
  | { readonly outcome: 'taken'; readonly changes: readonly Change[]; readonly needs_restart: readonly string[] }
  | { readonly outcome: 'invalid'; readonly problems: readonly string[] }
  | { readonly outcome: 'draining' }

export interface Change {
  /** As the file names it: `channels.telegram_cfo`, `agents.cfo`, `gateway.drain`. */
  readonly id: string
  /** `trying`: the earlier definition serves while the new one is tried out. */
  readonly change:
    | 'started'
    | 'stopped'
    | 'restarted'
    | 'redefined'
    | 'trying'
    | 'kept'
    | 'added'
    | 'removed'
    | 'changed'
  readonly reason: string | null
}

/** An agent whose last answer could not be given; its channels stay up, and whoever wrote was told. */
export interface AgentStatus {
  readonly id: string
  readonly reason: string
  /** ISO 8601. */
  readonly since: string
}

export interface ChannelStatus {
  readonly id: string
  readonly platform: string
  readonly agent: string
  readonly state: ChannelState
  /** With the phase of its start in front, when it has not come further. */
  readonly reason: string | null
  readonly phase: Phase | null
  /** ISO 8601. */
  readonly since: string
}

export interface SessionView {
  readonly key: string
  readonly channel: string
  readonly conversation: string
  readonly agent: string
  readonly state: 'idle' | 'pending' | 'running' | 'passivated'
  readonly turns: number
  readonly waiting: number
  readonly updated_at: string
}

export interface ScheduleView {
  readonly name: string
  readonly cron: string
  readonly time_zone: string
  readonly agent: string
  readonly channel: string
  readonly conversation: string
  readonly text: string
  /** When it is due next; ISO 8601. */
  readonly next: string | null
  /** null: it has said nothing yet. */
  readonly last: {
    readonly due: string
    /** Later than it was due when it was missed. */
    readonly accepted: string
    readonly session: string
    /** `waiting`: its message has not been answered yet. */
    readonly outcome: 'waiting' | 'answered' | 'discarded' | 'dead'
  } | null
}

export interface DeadLetterView {
  readonly id: number
  readonly kind: 'message' | 'reply'
  readonly channel: string
  readonly conversation: string
  readonly text: string
  readonly reason: string
  readonly at: string
}

export interface PairingView {
  readonly channel: string
  readonly user: string
  readonly name: string | null
  readonly code: string | null
  readonly at: string
}
