// Control: what a test holds in its hand. Handles for bots, people and groups of a Bot API server that runs in the test's own
// process, plus everything it may look at afterwards. Types only; server.ts makes them real.
// People and groups belong to the server and are shared by its bots; each bot has its own private chat with each person.

import type { MessageEntity, Message } from './wire.ts'

export interface BotApiOptions {
  /** Decides every generated id, so that a run can be repeated. Default 1. */
  readonly seed?: number
  /** Answer 429 with `retry_after` to more than one message a second in a chat (bursts of three pass). Default false. */
  readonly floodControl?: boolean
}

export interface BotApiServer {
  /** The API root: what `https://api.telegram.org` is for the real one; no slash at the end. */
  readonly url: string
  addBot(options: BotOptions): BotHandle
  person(options?: PersonOptions): Person
  group(options?: GroupOptions): Group
  /** Cuts every connection, held polls too, and resolves when the port is free. A second call changes nothing. */
  close(): Promise<void>
}

export interface BotOptions {
  readonly token: string
  /** Default: the number before the token's colon, else a generated one. */
  readonly id?: number
  readonly username: string
  readonly firstName?: string
  /** True: privacy mode is off, and the bot sees every message of its groups. Default false, as on Telegram. */
  readonly canReadAllGroupMessages?: boolean
}

export interface BotHandle {
  readonly token: string
  readonly id: number
  readonly username: string
  /** Every later request, and a held poll, is answered 401 until `reinstate`. */
  revoke(): void
  reinstate(): void
  /** A person known to the whole server; the same as the server's `person`. */
  person(options?: PersonOptions): Person
  /** A group with this bot in it. */
  group(options?: GroupOptions): Group
  /** What a person's client would show in the chat, oldest first: messages that are still there, after their edits. */
  shown(chatId: number, topicId?: number): readonly ShownMessage[]
  /** The draft that a person's client would show being typed in the private chat, if any. */
  draft(chatId: number): ShownDraft | undefined
  /** Every request in the order of arrival. An entry changes when its request is answered or dropped. */
  readonly calls: readonly ApiCall[]
  /**
   * Resolves with the predicate's first value that is neither `undefined` nor `false`. Asked at once and again after every
   * change (a request, an answer, a message, a confirmed update), never by polling. Rejects with the calls so far after
   * `timeoutMs` (default 5000).
   */
  waitFor<T>(predicate: (bot: BotHandle) => T | undefined | false, timeoutMs?: number): Promise<T>
  readonly faults: Faults
  /** Updates that the bot has not confirmed yet. */
  readonly pendingUpdates: number
  /** Highest update id that the bot has confirmed by asking for a later one; 0 before the first. */
  readonly confirmedUpdateId: number
  /** Polls that are being held right now. */
  readonly activePolls: number
  /** Polls that were answered 409 because another one came. */
  readonly pollConflicts: number
  /** A test may set it back to 0. */
  maxSimultaneousPolls: number
  /** Offers an earlier update once more, although it was confirmed: under its own id, or as a new update with the same content. */
  redeliver(updateId: number, options?: { readonly asNewUpdate?: boolean }): { readonly updateId: number }
  /** Held and later polls get no answer at all, not even at their timeout, until `releasePolls`. */
  stallPolls(): void
  releasePolls(): void
  /** Cuts the sockets of the held polls. */
  dropPolls(): void
}

export interface ApiCall {
  readonly method: string
  readonly payload: Readonly<Record<string, unknown>>
  /** Monotonic milliseconds at arrival. */
  readonly at: number
  /** HTTP status of the answer; null while there is none, and for ever when the connection was cut. */
  readonly status: number | null
  /** The error's description as the client got it. */
  readonly description?: string
  /** Monotonic milliseconds of the answer, or of the cut. */
  readonly endedAt: number | null
  /** The client closed the connection before it had its answer. */
  readonly aborted: boolean
}

export interface Faults {
  /** The next `times` (default 1) calls of the method fail so. `*` means any method; `download` is the fetching of a file. Faults queue up behind each other. */
  next(method: string, fault: Fault, times?: number): void
  /** Every call of the method fails so, until `clear`; faults of `next` go first. */
  always(method: string, fault: Fault): void
  clear(): void
}

export type Fault = FaultKind & {
  /** Only calls for this chat. */
  readonly chatId?: number
}

type FaultKind =
  | { readonly kind: 'error'; readonly code: number; readonly description: string; readonly retryAfter?: number }
  /** Acts on nothing and never answers. */
  | { readonly kind: 'hang' }
  /** The socket is destroyed before the server acts. */
  | { readonly kind: 'cut' }
  /** The server acts; the client never learns of it. A `download` breaks off in the middle. */
  | { readonly kind: 'cutAfter' }
  /** The server acts, and answers so much later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Status 200 and a body that is no JSON; nothing was done. */
  | { readonly kind: 'garbage' }
  /** The HTML page of a proxy, for example with 502; nothing was done. */
  | { readonly kind: 'html'; readonly code: number }

export interface PersonOptions {
  readonly id?: number
  readonly username?: string
  readonly firstName?: string
  readonly languageCode?: string
}

export interface GroupOptions {
  readonly id?: number
  readonly title?: string
  /** A supergroup with topics; topic 1 is "General". */
  readonly forum?: boolean
  /** A basic group instead of a supergroup. */
  readonly basic?: boolean
  readonly members?: readonly Person[]
  readonly bots?: readonly BotHandle[]
}

/** Where a person says something: in the private chat with a bot, or in a group. */
export type Place = BotHandle | Group

export interface Person {
  readonly id: number
  readonly username: string | undefined
  readonly firstName: string
  /** The first message to a bot opens their private chat: the bot may write there from then on. At most 4096 characters. */
  says(to: Place, text: string, options?: SaysOptions): Said
  /** A text of any length; the client splits it at 4096 characters and sends the parts at once. */
  pastes(to: Place, text: string, options?: SaysOptions): readonly Said[]
  sendsPhoto(to: Place, options?: MediaOptions): Said
  sendsVoice(to: Place, options?: MediaOptions): Said
  sendsDocument(to: Place, options?: MediaOptions): Said
  /** Photos of one media group; the caption stands on the first. Each part is an update of its own. */
  sendsAlbum(to: Place, count: number, caption?: string, options?: AlbumOptions): Album
  /** Changes an own text or caption. */
  edits(to: Place, messageId: number, text: string): Said
  /** Presses the button with this callback data on the newest message that shows it. */
  presses(to: Place, data: string): { readonly updateId: number; readonly queryId: string }
  blocks(bot: BotHandle): void
  unblocks(bot: BotHandle): void
}

export interface SaysOptions {
  readonly topicId?: number
  /** A message id of the same chat. */
  readonly replyTo?: number
  /** The text is a forward: of somebody else's message, or of a hidden sender when no person is given. */
  readonly forward?: { readonly from?: Person }
  /** The update's id instead of the next one; later ids continue from the highest. */
  readonly updateId?: number
}

export interface MediaOptions extends SaysOptions {
  readonly caption?: string
  readonly fileName?: string
  readonly mimeType?: string
  /** Of a voice message; default 2. */
  readonly seconds?: number
  /** What `getFile` and the download give; default: a few generated bytes. */
  readonly content?: Uint8Array | string
}

export interface AlbumOptions extends SaysOptions {
  /** Milliseconds between two parts; default 0. */
  readonly gapMs?: number
  /** Only the first part is sent; each `release` sends the next. */
  readonly held?: boolean
}

export interface Said {
  readonly messageId: number
  /** The update of the first bot that was shown the message; 0 when privacy mode hid it from all. */
  readonly updateId: number
  /** Update ids by the bot's user name. */
  readonly updateIds: ReadonlyMap<string, number>
}

export interface Album {
  readonly mediaGroupId: string
  /** The parts sent so far. */
  readonly parts: readonly Said[]
  /** Sends the next held part; undefined when none is left. */
  release(): Said | undefined
  /** Resolves when all parts are sent. */
  readonly sent: Promise<void>
}

export interface Group {
  readonly id: number
  readonly title: string
  readonly members: readonly Person[]
  /** Reaches every bot of the group that privacy mode lets see it. Whoever speaks becomes a member. */
  says(person: Person, text: string, options?: SaysOptions): Said
  addBot(bot: BotHandle): void
  /** The bot gets 403 from now on. */
  kicks(bot: BotHandle): void
  join(person: Person): void
  /** A new topic's id; forums only. */
  topic(name: string): number
  /** As seen by the members; the same as `shown` of a bot in it. */
  shown(topicId?: number): readonly ShownMessage[]
}

export interface ShownMessage {
  readonly messageId: number
  readonly from: { readonly id: number; readonly username: string | undefined; readonly isBot: boolean }
  /** The text, or the caption of a photo, document or voice message. */
  readonly text: string
  readonly entities: readonly MessageEntity[]
  readonly edited: boolean
  readonly replyTo: number | undefined
  readonly topicId: number | undefined
  /** Buttons row by row. */
  readonly buttons: readonly (readonly { readonly text: string; readonly data: string | undefined }[])[]
  /** The whole message, as bots get it. */
  readonly message: Message
}

export interface ShownDraft {
  readonly draftId: number
  readonly text: string
  readonly entities: readonly MessageEntity[]
}
