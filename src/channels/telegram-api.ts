// Telegram API: what the adapter's parts ask of the Bot API. telegram.ts answers through grammY; nothing else knows it.
// Every method rejects with a FailureError, and only after its request is closed; the failure's `uncertain` says whether
// Telegram may have read the request. A refusal is a RefusalError.

import type { Choice } from '../../machines/messages.ts'
import type { Fetching } from './adapter.ts'
import type { Place, Self } from './telegram-inbound.ts'

export interface BotApi {
  getMe(limit: Limit): Promise<Self>
  /** Keeps the updates that wait. */
  deleteWebhook(limit: Limit): Promise<void>
  /** The menu in people's clients: name → description. */
  setCommands(commands: Readonly<Record<string, string>>, limit: Limit): Promise<void>
  getUpdates(request: PollRequest, limit: Limit): Promise<readonly unknown[]>
  /** Resolves with the message id. */
  sendMessage(place: Place, message: TextMessage, limit: Limit): Promise<number>
  /** Ends the waiting circle on a button that somebody pressed. */
  answerPress(press: string, limit: Limit): Promise<void>
  /** Where a file can be fetched, for an hour. */
  getFile(id: string, limit: Limit): Promise<string>
  /** Gives a file to `take`, piece by piece. */
  download(path: string, fetching: Fetching): Promise<void>
  sendTyping(place: Place, limit: Limit): Promise<void>
  sendDraft(place: Place, draft: Draft, limit: Limit): Promise<void>
}

/** One request: who may end it, and when it ends by itself. */
export interface Limit {
  readonly signal: AbortSignal
  readonly withinMs: number
}

export interface PollRequest {
  /** Updates before it are confirmed; undefined: none are. */
  readonly offset: number | undefined
  readonly limit: number
  readonly timeoutSeconds: number
}

export interface TextMessage {
  readonly text: string
  readonly format: 'html' | 'plain'
  /** The message that it answers; sent all the same when that one is gone. */
  readonly replyTo: number | null
  /** In one row under the message; empty: none. */
  readonly buttons: readonly Choice[]
}

export interface Draft {
  /** Never zero; the same id changes the same draft. */
  readonly id: number
  readonly text: string
}
