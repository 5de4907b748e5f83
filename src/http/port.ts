// Port: what the HTTP server may ask of the running gateway. src/start.ts provides it; nothing here knows actors or stores.

import type { ChannelControl, ChannelState, Progress, TranscriptEntry } from '../../machines/messages.ts'

export interface GatewayPort {
  status(): Promise<Status>
  /** False: there is no such channel. */
  control(channel: string, control: ChannelControl): boolean
  /** Writes a reply down for delivery; resolves once it is on disk. False: there is no such channel. */
  send(channel: string, conversation: string, text: string): Promise<boolean>
  /** `unknown`: no such channel; `notWeb`: it is not a web channel; `notLive`: it is paused, failed or stopped. */
  web(channel: string): WebPort | 'unknown' | 'notWeb' | 'notLive'
  metrics(): Promise<string>
  /** Lets the Stately inspector look at the running machines, from this machine. What is not named stays as it is. */
  inspect(wish: InspectionWish): Promise<InspectionView>
  /** False: nobody was looking. */
  endInspection(): Promise<boolean>
  sessions(limit: number): Promise<readonly SessionView[]>
  /** null: no such session. */
  transcript(key: string): Promise<readonly TranscriptEntry[] | null>
  /** What a session has used. */
  sessionUsage(key: string): Promise<UsagePeriods>
  /** At most so many agents and so many people, who used most first. */
  usage(limit: number): Promise<UsageView>
  deadLetters(limit: number): Promise<readonly DeadLetterView[]>
  /** False: there is no such dead letter. */
  retryDeadLetter(id: number): Promise<boolean>
  pairings(): Promise<readonly PairingView[]>
  /** null: no such code, or it has expired. */
  approvePairing(code: string): Promise<PairingView | null>
  revokePairing(channel: string, user: string): Promise<boolean>
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

/** One web channel's door. */
export interface WebPort {
  /** Resolves once the message is on disk, or was turned away for good. */
  post(message: WebMessage): Promise<WebReception>
  /**
   * What the conversation shows after journal entry `afterId` (0: from its beginning), and then what comes, until `signal`
   * aborts. Messages come in order and without gaps; deltas and states are best effort. `emit` is called from one place,
   * one event at a time; when it returns a promise the next event waits for it.
   */
  subscribe(from: WebPosition, emit: (event: WebEvent) => void | Promise<void>, signal: AbortSignal): Promise<void>
}

export interface WebPosition {
  readonly conversation: string
  /** Journal entry after which to begin; 0: the conversation's beginning. */
  readonly afterId: number
}

export interface WebMessage {
  readonly conversation: string
  readonly user: string
  readonly text: string
  /** The client's own id, for retries without doubling; null: every post is a new message. */
  readonly messageId: string | null
}

export type WebReception =
  | { readonly accepted: true; readonly duplicate: boolean }
  | { readonly accepted: false; readonly reason: 'stranger' | 'notAddressed' | 'tooLong' | 'paused' | 'draining' }

export type WebEvent =
  | { readonly kind: 'message'; readonly id: number; readonly role: 'user' | 'assistant'; readonly text: string }
  | Progress

export interface Status {
  readonly state: 'starting' | 'serving' | 'degraded' | 'draining'
  readonly version: string
  readonly uptime_s: number
  readonly channels: readonly ChannelStatus[]
  readonly sessions: {
    readonly idle: number
    readonly pending: number
    readonly running: number
    readonly passivated: number
    readonly queued_messages: number
  }
  readonly outbox: number
  readonly dead_letters: number
}

export interface ChannelStatus {
  readonly id: string
  readonly platform: string
  readonly agent: string
  readonly state: ChannelState
  readonly reason: string | null
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

export interface UsageView {
  readonly agents: readonly (UsagePeriods & { readonly agent: string })[]
  readonly users: readonly (UsagePeriods & { readonly agent: string; readonly user: string })[]
}

export interface UsagePeriods {
  /** Since midnight UTC. */
  readonly today: UsageTotalsView
  readonly last_30_days: UsageTotalsView
}

export interface UsageTotalsView {
  readonly runs: number
  readonly input_tokens: number
  readonly output_tokens: number
  /** null: no model that was used has prices. */
  readonly cost: number | null
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
