// Messages: everything that one actor may send another, and the plain data inside it.
// The protocol in one place: what is not here is not said. All of it survives JSON.

import type { Approval } from './approval.ts'
import type { AgentDefinition, ChannelDefinition, GatewayDefinition } from './definitions.ts'
import type { Failure } from './failure.ts'
import type { FromAsker } from './mcp-messages.ts'
import type { Attachment, ShownFile } from './media.ts'
import type { NotesQuestion } from './notes.ts'
import type { Earlier } from './openai.ts'
import type { SessionSettings } from './session-settings.ts'
import type { Steering, Step, TurnStep } from './steps.ts'
import type { Credit, UsageEntry } from './usage.ts'

// --- what people write ------------------------------------------------------------------------------------------

export interface Sender {
  /** The platform's id of the person, as a string. */
  readonly id: string
  /** A name to show; null when the platform gives none. */
  readonly name: string | null
  /** `@handle` in lower case; null when there is none. */
  readonly handle: string | null
}

/** One platform message, normalised by an adapter. */
export interface Inbound {
  readonly channel: string
  /** The place where people talk, as the adapter encodes it; a topic is a place of its own. */
  readonly conversation: string
  /** The platform's own id of the message, unique within the conversation; with its sender the key of duplicate detection. */
  readonly platformMessageId: string
  readonly kind: 'dm' | 'group'
  readonly sender: Sender
  /** Text or caption; empty when there is none. */
  readonly text: string
  /** In a group: it names the bot, replies to it, or is a command addressed to it. In a dm: true. */
  readonly addressed: boolean
  /** Parts of one album share this id; null for everything else. */
  readonly album: string | null
  /** Photos, documents and the like that came with it, as its platform names them. Media never interrupt a run. */
  readonly attachments: readonly Attachment[]
  /** True when the client may have split a longer text here (it is about as long as a message can be). */
  readonly continues: boolean
  /** The agent that is asked for, where people name one; left out: the channel's routes say. */
  readonly agent?: string
  /** What was said before it in a conversation that its client keeps; becomes part of the history with it. */
  readonly earlier?: readonly Earlier[]
  /** What its client wants to be known; the same, unless the history has it already. */
  readonly brief?: string
}

export interface Command {
  /** Without the slash, lower case. */
  readonly name: string
  readonly text: string
}

/** An inbound message after its durable accept; what was said before it stands in the history now. */
export interface AcceptedMessage extends Omit<Inbound, 'earlier' | 'brief'> {
  /** The store's accept sequence: total order of everything that was ever accepted. */
  readonly seq: number
  readonly sessionKey: string
  readonly agent: string
  readonly command: Command | null
  readonly acceptedAtMs: number
  /**
   * It comes back from the store and has had its place before: `restart` after one, `retry` as a dead letter that is tried
   * again. It is not refused for want of room; a retried one is never taken for a second routing of itself.
   */
  readonly again?: 'restart' | 'retry'
  /**
   * The turn that it begins was at work before: what was done of it is on disk. It goes on before anything else of its session
   * begins, and is given to no other run.
   */
  readonly resumes?: true
  /**
   * How often a turn that it began has ended without it: it was given up, the others of the turn were answered, and it is tried again
   * as a dead letter. Its next turn is another one, and has none of the steps of the earlier ones. Left out: never.
   */
  readonly renewed?: number
}

// --- what a session writes down -----------------------------------------------------------------------------------

export type TranscriptRole =
  | 'user'
  | 'assistant'
  /** The part of an answer that was there when its run was cancelled. */
  | 'partial'
  /** A run failed; the text says how. */
  | 'failure'
  /** `/compact`: history begins with it; it stands for what came before. */
  | 'summary'
  /** `/new`: history begins after it. */
  | 'reset'
  /** `/undo`: the latest turn that is not undone yet is not part of the history any more. */
  | 'undo'

/** With `model` and `spent` where a model gave the text: which one, and what that answer took. */
export interface NewTranscriptEntry extends Partial<Credit> {
  readonly role: TranscriptRole
  /** The turn that it belongs to. */
  readonly turn: string
  readonly text: string
  /** Who wrote it, for `user` entries; null otherwise. */
  readonly sender: Sender | null
  /** Files that the model was shown with it; left out: none. */
  readonly shown?: readonly ShownFile[]
}

/** One line of the durable, append-only record of a session. */
export interface TranscriptEntry extends NewTranscriptEntry {
  readonly seq: number
  readonly atMs: number
  /** At the entry that closes a turn: what its run did on the way there. */
  readonly steps: readonly Step[]
}

/** How an accepted message ended (S4). */
export type Outcome = 'answered' | 'discarded' | 'dead'

export interface Settlement {
  readonly seq: number
  readonly outcome: Outcome
  /** Why, for `dead` and `discarded`. */
  readonly reason: string | null
}

export interface Reply {
  readonly conversation: string
  readonly text: string
  /** The platform message that it answers; null: none in particular. */
  readonly replyTo: string | null
  /** Answers that the platform may offer as buttons; each says a text as if the person had written it. */
  readonly choices?: readonly Choice[]
  /** The store adds a line of its own: what the session has used today. A session at rest does not know. */
  readonly adds?: 'usage'
}

export interface Choice {
  readonly label: string
  readonly text: string
}

/** History, inbox and outbox in one transaction. */
export interface Commit {
  readonly channel: string
  /** null: the replies belong to no session (a message from outside, a pairing code). */
  readonly sessionKey: string | null
  readonly settled: readonly Settlement[]
  readonly entries: readonly NewTranscriptEntry[]
  readonly replies: readonly Reply[]
  /** What the session's run did, in order. */
  readonly steps?: readonly TurnStep[]
  /** What it took, added to what its day, agent, session and person have. */
  readonly usage?: readonly UsageEntry[]
  /** True: no run goes on after it. What the run's requests took, answered or cut, is added to `usage` when it is written. */
  readonly endsRun?: boolean
  /** True: a `partial` entry gets as much of the answer as people had seen when the run was cancelled. */
  readonly keepsPartial?: boolean
  /** What is asked about the notes on a person: the answer's words are put in when it is written. */
  readonly notes?: NotesQuestion
  /** Why its turn has no answer, for whoever waits for one; people read it in the reply. */
  readonly failure?: Failure
  /** Its turn's answer ends where the model's longest answer ends. */
  readonly isCut?: true
}

/** One committed reply that is not delivered yet. */
export interface OutboxItem {
  readonly id: number
  readonly channel: string
  readonly conversation: string
  readonly text: string
  readonly replyTo: string | null
  readonly choices?: readonly Choice[]
  /** Parts of a split text that already have a receipt; sending goes on with this one. */
  readonly partsSent: number
  /** A send of the next part was begun before and its end is not known. */
  readonly uncertain: boolean
}

// --- what people see of a session -----------------------------------------------------------------------------------

export type SessionState = 'idle' | 'pending' | 'running'

/** Best effort, never stored: typing, streaming, the state on a page. */
export type Progress =
  | { readonly kind: 'state'; readonly session: string; readonly state: SessionState }
  | { readonly kind: 'delta'; readonly session: string; readonly turn: string; readonly text: string }

export type ChannelState = 'connecting' | 'live' | 'retrying' | 'failed' | 'paused' | 'stopped'

export interface ChannelReport {
  readonly id: string
  readonly state: ChannelState
  readonly failure: Failure | null
}

/**
 * How far a channel is with the newest definition: it serves it; it tries it out and serves the earlier one meanwhile; or it
 * keeps the earlier one, and why. With `trying` the failure is that of the last trial.
 */
export interface Adoption {
  readonly state: 'served' | 'trying' | 'kept'
  readonly failure: Failure | null
}

// --- between actors ---------------------------------------------------------------------------------------------------

/** To the root supervisor and router. */
export type ToGateway =
  | { readonly type: 'message.accepted'; readonly message: AcceptedMessage }
  | { readonly type: 'outbox.owed'; readonly channel: string; readonly conversation: string }
  | { readonly type: 'channel.reported'; readonly report: ChannelReport }
  | { readonly type: 'channel.control'; readonly channel: string; readonly control: ChannelControl }
  | { readonly type: 'slot.requested'; readonly sessionKey: string }
  | { readonly type: 'slot.released'; readonly sessionKey: string }
  | { readonly type: 'sweep' }
  | { readonly type: 'drain' }
  | { readonly type: 'definition.changed'; readonly definition: GatewayDefinition }
  | { readonly type: 'channel.adopted'; readonly channel: string; readonly adoption: Adoption }

export type ChannelControl = 'pause' | 'resume' | 'reconnect'

export type ToChannel =
  | { readonly type: 'message.accepted'; readonly message: AcceptedMessage }
  | { readonly type: 'outbox.owed'; readonly conversation: string }
  | { readonly type: 'control'; readonly control: ChannelControl }
  | { readonly type: 'sweep' }
  | { readonly type: 'sweep.next' }
  | { readonly type: 'recovery.due'; readonly recovery: string }
  | Redefined
  | Ending
  | ConnectionEvent
  | FromAsker
  | { readonly type: 'child.stopped'; readonly child: string; readonly routed: number }

/** The newest definition of a channel and of all agents: from the gateway to a channel, and from there to its partitions. */
export interface Redefined {
  readonly type: 'redefined'
  readonly definition: ChannelDefinition
  readonly agents: Readonly<Record<string, AgentDefinition>>
}

/** What the gateway tells the actor that says `sweep`. */
export interface ToSweeper {
  readonly type: 'sweep.every'
  readonly everyMs: number
}

/** What a channel tells its connection. */
export type ToConnection =
  | { readonly type: 'close' }
  /** Whoever speaks from now on is admitted by this. */
  | { readonly type: 'redefined'; readonly definition: ChannelDefinition }

/** What the connection tells its channel. After `connection.ended` nothing of it runs any more (C2). */
export type ConnectionEvent =
  | { readonly type: 'connection.live' }
  | { readonly type: 'connection.ended'; readonly failure: Failure | null }

/** `routed` numbers a child's line: see placement.ts. */
export type ToPartition =
  | { readonly type: 'message.route'; readonly routed: number; readonly message: AcceptedMessage }
  | { readonly type: 'outbox.route'; readonly routed: number; readonly conversation: string }
  | { readonly type: 'child.rested'; readonly child: string; readonly routed: number }
  | { readonly type: 'restart.due'; readonly child: string }
  | { readonly type: 'sweep' }
  | Redefined
  | Ending

export type ToSession =
  | { readonly type: 'message.routed'; readonly routed: number; readonly message: AcceptedMessage }
  | { readonly type: 'redefined'; readonly settings: SessionSettings }
  | { readonly type: 'slot.granted' }
  /** Its sender is gone: a message that waits is taken out, a run for it alone is ended. */
  | { readonly type: 'message.withdrawn'; readonly seq: number }
  | { readonly type: 'record.failed'; readonly failure: Failure }
  | { readonly type: 'steering.requested' }
  | { readonly type: 'approvals.waiting'; readonly approvals: readonly Approval[] }
  | Ending

export type ToRun =
  /** What was said since the last answer; perhaps nothing. */
  | { readonly type: 'steering.given'; readonly messages: readonly Steering[] }
  | { readonly type: 'approval.decided'; readonly call: string; readonly approved: boolean; readonly by: string }
  /** An approval that waits now is a no. */
  | { readonly type: 'drain' }

export type ToDelivery = { readonly type: 'outbox.routed'; readonly routed: number } | Ending

/** Down the tree at shutdown. `drain`: finish what runs, begin nothing. `halt`: the time for that is over. */
export type Ending = { readonly type: 'drain' } | { readonly type: 'halt' }
