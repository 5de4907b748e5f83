// Web port: what a web channel lets the port do; a part of port.ts.

import type { Attachment } from '../../machines/media.ts'
import type { Progress } from '../../machines/messages.ts'

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
  readonly attachments: readonly Attachment[]
  /** The client's own id, for retries without doubling; null: every post is a new message. */
  readonly messageId: string | null
}

export type WebReception =
  | { readonly accepted: true; readonly duplicate: boolean }
  | { readonly accepted: false; readonly reason: TurnedAway }

/** `taken`: somebody else in the conversation has a message of this id. */
export type TurnedAway = 'stranger' | 'notAddressed' | 'tooLong' | 'taken' | 'paused' | 'draining'

export type WebEvent =
  | { readonly kind: 'message'; readonly id: number; readonly role: 'user' | 'assistant'; readonly text: string }
  | Progress
