// Updates: one bot's queue of updates and the polls that read it.
//   U1. An update stays until a poll with a higher offset confirms it; until then every poll gets it again.
//   U2. At most one poll of a bot is alive: a second one ends the earlier with 409.
//   U3. A held poll is answered at once when an update comes, and not otherwise before its timeout.

import { conflict, type Refusal } from './refusal.ts'
import type { Update, UpdateContent } from './wire.ts'

export interface PollOptions {
  readonly offset: number
  readonly limit: number
  readonly timeoutMs: number
  /** Aborts when the client has gone. */
  readonly gone: AbortSignal
}

interface Pending {
  readonly update: Update
  /** Offered again although it was confirmed: no offset removes it before it was handed out once. */
  offeredAgain: boolean
}

type Outcome = { readonly updates: Update[] } | { readonly refusal: Refusal }

export class Updates {
  conflicts = 0
  mostSimultaneous = 0
  confirmedId = 0
  readonly #changed: () => void
  readonly #known = new Map<number, Update>()
  #pending: Pending[] = []
  #nextId: number
  #current: ((outcome: Outcome) => void) | undefined
  #held = 0
  #stall: PromiseWithResolvers<void> | undefined
  #allowed: readonly string[] = DEFAULT_TYPES

  constructor(firstId: number, changed: () => void) {
    this.#nextId = firstId
    this.#changed = changed
  }

  get pending(): readonly Update[] {
    return this.#pending.map((pending) => pending.update)
  }

  get held(): number {
    return this.#held
  }

  get allowed(): readonly string[] {
    return this.#allowed
  }

  /** An empty list brings back the default; anything but a list changes nothing. */
  allow(types: unknown): void {
    if (!Array.isArray(types)) return
    const names = types.filter((type) => typeof type === 'string')
    this.#allowed = names.length === 0 ? DEFAULT_TYPES : names
  }

  /** The new update's id; 0 when the bot does not want updates of this type. */
  add(content: UpdateContent, id = this.#nextId): number {
    if (!Object.keys(content).some((type) => this.#allowed.includes(type))) return 0
    this.#nextId = Math.max(this.#nextId, id + 1)
    const update = { update_id: id, ...structuredClone(content) }
    this.#known.set(id, update)
    this.#offer({ update, offeredAgain: false })
    return id
  }

  again(id: number): number {
    this.#offer({ update: this.#find(id), offeredAgain: true })
    return id
  }

  againAsNew(id: number): number {
    const { update_id: _, ...content } = this.#find(id)
    return this.add(content)
  }

  /** A webhook took the update. */
  confirm(id: number): void {
    this.#pending = this.#pending.filter((pending) => pending.update.update_id !== id)
    this.confirmedId = Math.max(this.confirmedId, id)
    this.#changed()
  }

  /** Forgets everything unconfirmed. */
  drop(): void {
    this.#pending = []
    this.#changed()
  }

  async poll(options: PollOptions): Promise<Update[]> {
    this.#held += 1
    this.mostSimultaneous = Math.max(this.mostSimultaneous, this.#held)
    if (this.#current !== undefined) {
      this.conflicts += 1
      this.end(conflict(OTHER_POLL))
    }
    this.#confirmBelow(options.offset)
    this.#changed()
    try {
      const outcome = await this.#hold(options)
      await this.#whileStalled(options.gone)
      if ('refusal' in outcome) throw outcome.refusal
      return outcome.updates
    } finally {
      this.#held -= 1
      this.#changed()
    }
  }

  /** Ends the held poll, if any, with this refusal. */
  end(refusal: Refusal): void {
    this.#current?.({ refusal })
  }

  stall(): void {
    this.#stall ??= Promise.withResolvers()
  }

  release(): void {
    this.#stall?.resolve()
    this.#stall = undefined
  }

  #hold(options: PollOptions): Promise<Outcome> {
    const ready = this.#take(options.limit)
    if (ready.length > 0 || options.timeoutMs === 0 || options.gone.aborted) return Promise.resolve({ updates: ready })
    return new Promise((resolve) => {
      const settle = (outcome: Outcome): void => {
        clearTimeout(timer)
        options.gone.removeEventListener('abort', leave)
        if (this.#current === wake) this.#current = undefined
        resolve(outcome)
      }
      const wake = (outcome: Outcome): void => {
        settle('updates' in outcome ? { updates: this.#take(options.limit) } : outcome)
      }
      const leave = (): void => settle({ updates: [] })
      const timer = setTimeout(leave, options.timeoutMs)
      options.gone.addEventListener('abort', leave)
      this.#current = wake
    })
  }

  async #whileStalled(gone: AbortSignal): Promise<void> {
    const left = new Promise<void>((resolve) => {
      if (gone.aborted) resolve()
      else gone.addEventListener('abort', () => resolve(), { once: true })
    })
    while (this.#stall !== undefined && !gone.aborted) await Promise.race([this.#stall.promise, left])
  }

  #confirmBelow(offset: number): void {
    if (offset < 0) {
      // A negative offset counts from the end of the queue and forgets everything before.
      this.#pending = this.#pending.slice(offset)
      return
    }
    this.#pending = this.#pending.filter((pending) => {
      const id = pending.update.update_id
      const confirmed = !pending.offeredAgain && id < offset
      if (confirmed) this.confirmedId = Math.max(this.confirmedId, id)
      return !confirmed
    })
  }

  #take(limit: number): Update[] {
    const taken = this.#pending.slice(0, limit)
    for (const pending of taken) pending.offeredAgain = false
    return taken.map((pending) => pending.update)
  }

  #offer(pending: Pending): void {
    const id = pending.update.update_id
    const last = this.#pending.at(-1)?.update.update_id ?? 0
    if (id > last) {
      this.#pending.push(pending)
    } else {
      this.#pending = [...this.#pending.filter((other) => other.update.update_id !== id), pending]
      this.#pending.sort((a, b) => a.update.update_id - b.update.update_id)
    }
    this.#current?.({ updates: [] })
    this.#changed()
  }

  #find(id: number): Update {
    const update = this.#known.get(id)
    if (update === undefined) throw new Error(`There was no update ${id} to offer again.`)
    return update
  }
}

const OTHER_POLL = 'terminated by other getUpdates request; make sure that only one bot instance is running'

/** Every type that this server makes; Telegram's default has more. */
const DEFAULT_TYPES: readonly string[] = ['message', 'edited_message', 'callback_query', 'my_chat_member']
