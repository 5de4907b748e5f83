// Bot: one token with everything that belongs to it alone: its updates, its private chats, its record of calls.
// Two bots share people, groups and files, and nothing else.

import { CallLog } from './calls.ts'
import { type Conversation, PrivateChat } from './chats.ts'
import type { ApiCall, BotHandle, BotOptions, GroupOptions, Person, PersonOptions, ShownDraft } from './control.ts'
import type { ShownMessage } from './control.ts'
import { FaultPlan } from './faults.ts'
import { FloodControl } from './flood.ts'
import type { GroupHandle } from './groups.ts'
import type { PersonHandle } from './people.ts'
import { unauthorized } from './refusal.ts'
import { shownMessages } from './shown.ts'
import type { Telegram } from './telegram.ts'
import { Updates } from './updates.ts'
import { Webhook } from './webhook.ts'
import type { BotUser, UpdateContent, User } from './wire.ts'

export class Bot implements BotHandle {
  readonly token: string
  readonly id: number
  readonly username: string
  readonly telegram: Telegram
  readonly faults = new FaultPlan()
  readonly log = new CallLog()
  readonly flood: FloodControl
  readonly updates: Updates
  readonly webhook: Webhook
  readonly privateChats = new Map<number, PrivateChat>()
  readonly drafts = new Map<number, ShownDraft>()
  /** Commands by scope and language, as the bot set them. */
  readonly commands = new Map<string, unknown[]>()
  /** Presses of buttons that the bot has not answered yet. */
  readonly openQueries = new Set<string>()
  /** Cuts the sockets of the polls that are being held. */
  readonly heldSockets = new Set<() => void>()
  readonly canReadAllGroupMessages: boolean
  readonly #firstName: string
  #revoked = false

  constructor(telegram: Telegram, options: BotOptions & { readonly id: number }) {
    this.telegram = telegram
    this.token = options.token
    this.id = options.id
    this.username = options.username
    this.#firstName = options.firstName ?? options.username
    this.canReadAllGroupMessages = options.canReadAllGroupMessages ?? false
    this.flood = new FloodControl({ enabled: telegram.floodControl })
    this.updates = new Updates(telegram.random.integer(100_000_000, 900_000_000), () => this.log.changed())
    this.webhook = new Webhook(this)
  }

  user(): User {
    return { id: this.id, is_bot: true, first_name: this.#firstName, username: this.username }
  }

  me(): BotUser {
    return {
      ...this.user(),
      can_join_groups: true,
      can_read_all_group_messages: this.canReadAllGroupMessages,
      supports_inline_queries: false,
      can_connect_to_business: false,
      has_main_web_app: false,
      has_topics_enabled: false,
    }
  }

  privateChat(person: PersonHandle): PrivateChat {
    const chat = this.privateChats.get(person.id) ?? new PrivateChat(person)
    this.privateChats.set(person.id, chat)
    return chat
  }

  /** Queues an update; gives its id, or 0 when the bot did not ask for its kind. */
  receive(content: UpdateContent, updateId?: number): number {
    const id = this.updates.add(content, updateId)
    this.webhook.wake()
    return id
  }

  /** The chat with this id, if the bot has anything to do with it. */
  conversation(chatId: number): Conversation | undefined {
    const group = this.telegram.groups.get(chatId)?.chat
    return group?.bots.has(this.id) ? group : this.privateChats.get(chatId)
  }

  get revoked(): boolean {
    return this.#revoked
  }

  revoke(): void {
    this.#revoked = true
    this.updates.end(unauthorized())
  }

  reinstate(): void {
    this.#revoked = false
  }

  person(options?: PersonOptions): Person {
    return this.telegram.addPerson(options)
  }

  group(options: GroupOptions = {}): GroupHandle {
    return this.telegram.addGroup({ ...options, bots: [this, ...(options.bots ?? [])] })
  }

  shown(chatId: number, topicId?: number): readonly ShownMessage[] {
    return shownMessages(this.conversation(chatId), topicId)
  }

  draft(chatId: number): ShownDraft | undefined {
    return this.drafts.get(chatId)
  }

  get calls(): readonly ApiCall[] {
    return this.log.calls
  }

  waitFor<T>(predicate: (bot: BotHandle) => T | undefined | false, timeoutMs = 5000): Promise<T> {
    return this.log.waitFor(() => predicate(this), timeoutMs, String(predicate))
  }

  get pendingUpdates(): number {
    return this.updates.pending.length
  }

  get confirmedUpdateId(): number {
    return this.updates.confirmedId
  }

  get activePolls(): number {
    return this.updates.held
  }

  get pollConflicts(): number {
    return this.updates.conflicts
  }

  get maxSimultaneousPolls(): number {
    return this.updates.mostSimultaneous
  }

  set maxSimultaneousPolls(value: number) {
    this.updates.mostSimultaneous = value
  }

  redeliver(updateId: number, options: { readonly asNewUpdate?: boolean } = {}): { readonly updateId: number } {
    const again = options.asNewUpdate === true ? this.updates.againAsNew(updateId) : this.updates.again(updateId)
    this.webhook.wake()
    return { updateId: again }
  }

  stallPolls(): void {
    this.updates.stall()
  }

  releasePolls(): void {
    this.updates.release()
  }

  dropPolls(): void {
    for (const cut of [...this.heldSockets]) cut()
  }
}
