// Web: the adapter of the channel that people reach through Troupe's own HTTP port.
// Owns the connection and knows who watches which conversation; what was said is the journal's.
//   W3. A message that was handed over is accepted or turned away before the connection counts as ended.
// http/port.ts asks for the same shapes under its own names: folders of src/ do not import each other.

import { assert, FailureError } from '../../machines/failure.ts'
import { ownId } from '../../machines/message-ids.ts'
import type { Inbound, Progress } from '../../machines/messages.ts'
import type { Adapter, AdapterParts, Door, Identity, Outgoing, Receipt, Reception } from './adapter.ts'
import { Conversation, pump, Subscriber, type WebEvent } from './web-conversation.ts'

/** Journal entries of one read. */
const READ_ENTRIES = 100

/** Conversations whose states are kept for newcomers; one that is forgotten is shown as idle. */
const CONVERSATIONS_MAX = 1_024

/**
 * Without a connection, subscribers look into the journal this often, for this long, and are then ended: the last
 * replies of a drain still reach them, and nobody stays behind with an adapter that was replaced.
 */
const LINGER_READ_MS = 500
const LINGER_MS_MAX = 30_000

export type WebReception =
  | { readonly accepted: true; readonly duplicate: boolean }
  | Extract<Reception, { accepted: false }>

export interface WebPosition {
  readonly conversation: string
  /** Journal entry after which to begin; 0: the conversation's beginning. */
  readonly afterId: number
}

export interface WebMessage {
  readonly conversation: string
  readonly user: string
  readonly text: string
  readonly messageId: string | null
}

export interface WebAdapter extends Adapter {
  /** Resolves once the message is on disk, or was turned away for good; `paused` while the channel has no connection. */
  post(message: WebMessage): Promise<WebReception>
  /**
   * The journal after `afterId` and then what comes, one event at a time, until `signal` aborts. Also resolves some time
   * after the connection ended: subscribe again with the last id. Rejects when the journal cannot be read.
   */
  subscribe(from: WebPosition, emit: (event: WebEvent) => void | Promise<void>, signal: AbortSignal): Promise<void>
}

export function createWebAdapter(parts: AdapterParts): WebAdapter {
  return new JournaledWeb(parts)
}

class JournaledWeb implements WebAdapter {
  readonly #parts: AdapterParts
  readonly #identity: Identity
  readonly #conversations = new Map<string, Conversation>()
  readonly #subscribers = new Set<Subscriber>()
  readonly #receiving = new Set<Promise<Reception>>()
  #door: Door | null = null
  #lingerTimer: unknown = null

  constructor(parts: AdapterParts) {
    this.#parts = parts
    this.#identity = { id: parts.definition.id, name: parts.definition.id }
  }

  async run(door: Door, signal: AbortSignal): Promise<void> {
    assert(this.#door === null, 'C2: a channel has one connection at a time')
    if (signal.aborted) return
    this.#stopLinger()
    this.#door = door
    try {
      door.live(this.#identity)
      await aborted(signal)
    } finally {
      this.#door = null
      // What was handed over is accepted or turned away before the connection counts as ended.
      await Promise.allSettled(this.#receiving)
      this.#linger(LINGER_MS_MAX)
    }
  }

  async post(message: WebMessage): Promise<WebReception> {
    if (this.#door === null) return { accepted: false, reason: 'paused' }
    const receiving = receive(this.#door, this.#inbound(message))
    this.#receiving.add(receiving)
    try {
      const reception = await receiving
      if (!reception.accepted) return reception
      this.#conversations.get(message.conversation)?.journalGrew()
      return { accepted: true, duplicate: reception.duplicate }
    } finally {
      this.#receiving.delete(receiving)
    }
  }

  async send(outgoing: Outgoing, part: number, signal: AbortSignal): Promise<Receipt> {
    if (signal.aborted) {
      throw new FailureError({ kind: 'retryable', reason: 'cancelled', message: 'The send was cancelled.' })
    }
    const { conversation, text, outboxId } = outgoing
    const id = await this.#parts.journal.append({ conversation, text, outboxId, part })
    this.#conversations.get(conversation)?.journalGrew()
    return { receipt: String(id), last: true }
  }

  show(conversation: string, progress: Progress): void {
    this.#conversation(conversation).show(progress)
  }

  /** Its messages are text alone. */
  async fetch(): Promise<void> {
    throw new FailureError({ kind: 'permanent', reason: 'notFound', message: 'a web channel has no files' })
  }

  async probe(): Promise<Identity> {
    return this.#identity
  }

  async subscribe(
    { conversation, afterId }: WebPosition,
    emit: (event: WebEvent) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const subscriber = new Subscriber(emit, afterId)
    const wake = () => subscriber.end()
    signal.addEventListener('abort', wake)
    if (signal.aborted) subscriber.end()
    const place = this.#conversation(conversation)
    place.join(subscriber)
    this.#subscribers.add(subscriber)
    if (this.#door === null && this.#lingerTimer === null) this.#linger(LINGER_MS_MAX)
    try {
      await pump(subscriber, place, (id) => this.#parts.journal.after(conversation, id, READ_ENTRIES))
    } finally {
      signal.removeEventListener('abort', wake)
      place.leave(subscriber)
      this.#subscribers.delete(subscriber)
      if (this.#subscribers.size === 0) this.#stopLinger()
    }
  }

  #inbound(message: WebMessage): Inbound {
    return {
      channel: this.#parts.definition.id,
      conversation: message.conversation,
      platformMessageId: message.messageId ?? this.#parts.world.id(),
      kind: 'dm',
      sender: { id: message.user, name: null, handle: null },
      text: message.text,
      addressed: true,
      album: null,
      attachments: [],
      continues: false,
    }
  }

  /** The conversation, now the youngest; the oldest that nobody watches is forgotten over the limit. */
  #conversation(id: string): Conversation {
    const known = this.#conversations.get(id) ?? new Conversation()
    this.#conversations.delete(id)
    this.#conversations.set(id, known)
    if (this.#conversations.size > CONVERSATIONS_MAX) {
      for (const [candidate, conversation] of this.#conversations) {
        if (conversation.watched || candidate === id) continue
        this.#conversations.delete(candidate)
        break
      }
    }
    return known
  }

  #linger(remainingMs: number): void {
    this.#stopLinger()
    if (this.#subscribers.size === 0) return
    this.#lingerTimer = this.#parts.world.clock.setTimeout(() => {
      this.#lingerTimer = null
      const endNow = remainingMs <= LINGER_READ_MS
      for (const subscriber of this.#subscribers) {
        if (endNow) subscriber.end()
        else subscriber.push('journal')
      }
      if (!endNow) this.#linger(remainingMs - LINGER_READ_MS)
    }, LINGER_READ_MS)
  }

  #stopLinger(): void {
    if (this.#lingerTimer !== null) this.#parts.world.clock.clearTimeout(this.#lingerTimer)
    this.#lingerTimer = null
  }
}

/** People give their ids themselves, and two may have the same one: each has it for themself. */
async function receive(door: Door, message: Inbound): Promise<Reception> {
  const reception = await door.receive(message)
  if (reception.accepted || reception.reason !== 'taken') return reception
  return door.receive({ ...message, platformMessageId: ownId(message) })
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
