// Adapter: the contract between a channel and the code for one platform.
// An adapter normalises, hands over and sends; it decides nothing about sessions, keeps no message, and retries nothing:
// the channel actor restarts a broken connection, the delivery actor repeats a failed send. It rejects with FailureError.
// README.md beside this shows one that is whole.

import type { ChannelDefinition, SecretReference } from '../../machines/definitions.ts'
import type { Attachment } from '../../machines/media.ts'
import type { Choice, Inbound, Progress } from '../../machines/messages.ts'
import type { Log } from '../log.ts'
import type { World } from '../world.ts'

export interface Adapter {
  /**
   * Who is shown what it sends. Left out: whoever looks into the conversation. `askers`: a reply that points at a message is shown
   * to whoever waits for that message's answer; any other is taken all the same, and shown to nobody.
   */
  readonly shownTo?: 'askers'

  /**
   * Connects and takes messages until `signal` aborts (resolves) or the connection breaks (rejects with a FailureError).
   * Calls `door.live` once the platform answers. Settles only when nothing of it runs any more, so that the next call
   * cannot meet a second poller (C2). A message is confirmed to the platform only after `door.receive` resolved for it;
   * when `receive` rejects, the message is not confirmed and the platform offers it again.
   */
  run(door: Door, signal: AbortSignal): Promise<void>

  /**
   * Sends one part (0, 1, …) of a reply and resolves with the platform's receipt for it. The same text is always split
   * into the same parts. Markup that the platform refuses is sent again as plain text within the same call. Rejects
   * with `uncertain: true` when the platform may have taken the part all the same. It is called without a connection too, as while a
   * channel is paused: what needs one then rejects with `unavailable`, and is asked for again.
   */
  send(outgoing: Outgoing, part: number, signal: AbortSignal): Promise<Receipt>

  /** Typing, streaming, state: best effort. Returns at once, never throws, never delays a send. */
  show(conversation: string, progress: Progress): void

  /**
   * Gives the file of an attachment to `take`, piece by piece, each once the one before was taken. Rejects with a FailureError
   * that says why in a few words; also when `take` rejects. Once it has settled nothing of it is open.
   */
  fetch(attachment: Attachment, fetching: Fetching): Promise<void>

  /** Asks the platform who this credential is, without sending or taking a message; used by `doctor`. */
  probe(signal: AbortSignal): Promise<Identity>
}

export interface Fetching {
  /** A file that is larger is not fetched to its end. */
  readonly bytesMax: number
  readonly withinMs: number
  readonly signal: AbortSignal
  readonly take: (piece: Uint8Array) => Promise<void>
}

/** What an adapter may call. */
export interface Door {
  live(identity: Identity): void
  /** Admission and durable accept. Resolves once the message is on disk, or was turned away for good. */
  receive(message: Inbound): Promise<Reception>
}

export type Reception =
  | { readonly accepted: true; readonly duplicate: boolean; readonly seq: number }
  | { readonly accepted: false; readonly reason: TurnedAway }

/** `taken`: somebody else in the conversation has a message of this id. */
export type TurnedAway = 'stranger' | 'notAddressed' | 'tooLong' | 'taken' | 'paused' | 'draining'

/** Who the bot is on its platform. */
export interface Identity {
  readonly id: string
  /** For example `@cfo_bot`. */
  readonly name: string
}

export interface Outgoing {
  readonly outboxId: number
  readonly conversation: string
  /** Markdown, as the agent wrote it. */
  readonly text: string
  /** The platform message that it answers; null: none in particular. */
  readonly replyTo: string | null
  /** Answers to offer as buttons under the last part, where the platform has such; each says its text as the person who presses it. */
  readonly choices?: readonly Choice[]
  /** An earlier send of the next part may have arrived. */
  readonly uncertain: boolean
}

export interface Receipt {
  /** The platform's id of what was sent. */
  readonly receipt: string
  /** False: the reply has further parts. */
  readonly last: boolean
}

/** Everything an adapter is built from; built anew at each start of its channel actor, never shared, never copied. */
export interface AdapterParts {
  readonly definition: ChannelDefinition
  /** The value of a secret, at the moment of use; throws FailureError `missing` with the variable's name. */
  readonly secret: (reference: SecretReference) => string
  /** For platforms that keep no conversation themselves (web). */
  readonly journal: Journal
  /** For platforms that keep no files themselves (web). */
  readonly uploads: Uploads
  readonly world: World
  readonly log: Log
}

/** The durable record of what a conversation showed, for a platform without one. */
export interface Journal {
  /** Appends what was said to people; a second call for the same reply and part returns the first call's id. */
  append(entry: { conversation: string; text: string; outboxId: number; part: number }): Promise<number>
  /** Entries after `id`, oldest first; accepted messages of people stand in it by themselves. */
  after(conversation: string, id: number, limit: number): Promise<readonly JournalEntry[]>
}

export interface JournalEntry {
  readonly id: number
  readonly role: 'user' | 'assistant'
  readonly text: string
}

/** Files that came with messages and wait for their turns, on disk. */
export interface Uploads {
  /** Gives a file to `take`, as `Adapter.fetch` does. */
  read(reference: string, reading: Pick<Fetching, 'bytesMax' | 'signal' | 'take'>): Promise<void>
}

/** What the catalogue knows of a platform without loading its library. */
export interface Platform {
  readonly name: string
  /** The accepts of this platform are also journal entries: it has no history of its own. */
  readonly journaled: boolean
  /** Loads the adapter's module and builds one; may throw a FailureError. */
  load(): Promise<(parts: AdapterParts) => Adapter>
}
