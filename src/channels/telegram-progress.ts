// Telegram progress: "typing…" and the streamed draft of an answer. Best effort: nothing here can fail or delay anything.
// Owns one entry per conversation in which a session is pending or running; removed when the last one is idle.
//   S6. Nothing of a turn is drafted after its session was idle or pending again, or after a newer turn began.
//   M2. A draft holds at most one message's text; typing for one state ends by itself.

import type { Progress } from '../../machines/messages.ts'
import { PENDING_MS_MAX, RUN_MS_MAX } from '../../machines/limits.ts'
import type { World } from '../world.ts'
import type { Draft } from './telegram-api.ts'

/** What Telegram is asked for. Both settle when the request is over; rejections are read by `quietMsOf` and `isUnsupported`. */
export interface ProgressCalls {
  type(conversation: string, signal: AbortSignal): Promise<void>
  draft(conversation: string, draft: Draft, signal: AbortSignal): Promise<void>
}

export interface ProgressOptions {
  readonly world: World
  readonly calls: ProgressCalls
  /** Drafts exist in private chats only. */
  readonly hasDrafts: (conversation: string) => boolean
  /** How long Telegram asked to be left alone. */
  readonly quietMsOf: (error: unknown) => number
  /** True: this server knows no drafts. */
  readonly isUnsupported: (error: unknown) => boolean
  /** Called once. */
  readonly onDraftsOff: () => void
}

export interface TelegramProgress {
  show(conversation: string, progress: Progress): void
  /** The connection stands: from now on calls are made, also for what is busy already. */
  resume(): void
  /** The connection ended: resolves when no call is under way. What is busy stays known. */
  pause(): Promise<void>
}

interface Conversation {
  readonly name: string
  /** Busy sessions and what they do. */
  readonly sessions: Map<string, 'pending' | 'running'>
  readonly typing: Repeated
  readonly drafting: Repeated
  typingUntilMs: number
  quietUntilMs: number
  turn: { readonly session: string; readonly id: string; text: string; shown: string } | null
}

/** One call at a time, one timer at a time. */
interface Repeated {
  timer: unknown
  call: AbortController | null
}

/** Telegram shows "typing…" for five seconds. */
const TYPING_EVERY_MS = 4_000

const DRAFT_EVERY_MS = 700

const DRAFT_UNITS_MAX = 4_096

/** Turns that ended and may still have a late delta under way. */
const ENDED_TURNS_MAX = 256

export function createProgress(options: ProgressOptions): TelegramProgress {
  const shown = new Shown(options)
  return {
    show: (conversation, progress) => shown.show(conversation, progress),
    resume: () => shown.resume(),
    pause: () => shown.pause(),
  }
}

class Shown {
  readonly #options: ProgressOptions
  readonly #conversations = new Map<string, Conversation>()
  readonly #endedTurns = new Set<string>()
  readonly #underWay = new Set<Promise<void>>()
  #connected = false
  #drafts = true

  constructor(options: ProgressOptions) {
    this.#options = options
  }

  show(name: string, progress: Progress): void {
    if (progress.kind === 'delta') return this.#showDelta(name, progress)
    if (progress.state === 'idle') return this.#showIdle(name, progress.session)
    const conversation = this.#conversations.get(name) ?? this.#open(name)
    conversation.sessions.set(progress.session, progress.state)
    conversation.typingUntilMs = this.#nowMs() + PENDING_MS_MAX + RUN_MS_MAX
    if (progress.state === 'pending') this.#endTurn(conversation, progress.session)
    this.#type(conversation)
  }

  resume(): void {
    this.#connected = true
    for (const conversation of this.#conversations.values()) this.#type(conversation)
  }

  async pause(): Promise<void> {
    this.#connected = false
    for (const conversation of this.#conversations.values()) {
      this.#stop(conversation.typing)
      this.#stop(conversation.drafting)
    }
    await Promise.allSettled(this.#underWay)
  }

  #showIdle(name: string, session: string): void {
    const conversation = this.#conversations.get(name)
    if (conversation === undefined) return
    conversation.sessions.delete(session)
    this.#endTurn(conversation, session)
    if (conversation.sessions.size > 0) return
    this.#stop(conversation.typing)
    this.#conversations.delete(name)
  }

  #showDelta(name: string, delta: Extract<Progress, { kind: 'delta' }>): void {
    const conversation = this.#conversations.get(name)
    if (conversation?.sessions.get(delta.session) !== 'running' || this.#endedTurns.has(delta.turn)) return
    if (!this.#drafts || !this.#options.hasDrafts(name)) return
    if (conversation.turn !== null && conversation.turn.id !== delta.turn) {
      this.#endTurn(conversation, conversation.turn.session)
    }
    conversation.turn ??= { session: delta.session, id: delta.turn, text: '', shown: '' }
    const { turn } = conversation
    turn.text = (turn.text + delta.text).slice(0, DRAFT_UNITS_MAX)
    this.#draftSoon(conversation)
  }

  #open(name: string): Conversation {
    const conversation: Conversation = {
      name,
      sessions: new Map(),
      typing: { timer: null, call: null },
      drafting: { timer: null, call: null },
      typingUntilMs: 0,
      quietUntilMs: 0,
      turn: null,
    }
    this.#conversations.set(name, conversation)
    return conversation
  }

  #endTurn(conversation: Conversation, session: string): void {
    if (conversation.turn === null || conversation.turn.session !== session) return
    this.#endedTurns.add(conversation.turn.id)
    for (const oldest of this.#endedTurns) {
      if (this.#endedTurns.size <= ENDED_TURNS_MAX) break
      this.#endedTurns.delete(oldest)
    }
    conversation.turn = null
    this.#stop(conversation.drafting)
  }

  #type(conversation: Conversation): void {
    const { typing, typingUntilMs, quietUntilMs } = conversation
    if (!this.#connected || typing.timer !== null || this.#nowMs() > typingUntilMs) return
    typing.timer = this.#options.world.clock.setTimeout(() => {
      typing.timer = null
      // A call that hangs has had its time: the next one takes its place.
      typing.call?.abort()
      this.#type(conversation)
    }, TYPING_EVERY_MS)
    if (this.#nowMs() < quietUntilMs) return
    this.#begin(conversation, typing, (signal) => this.#options.calls.type(conversation.name, signal))
  }

  #draftSoon(conversation: Conversation): void {
    const { drafting, turn } = conversation
    if (!this.#connected || !this.#drafts || turn === null || drafting.timer !== null || drafting.call !== null) return
    if (turn.text.trim() === '' || turn.text === turn.shown) return
    const waitMs = Math.max(DRAFT_EVERY_MS, conversation.quietUntilMs - this.#nowMs())
    drafting.timer = this.#options.world.clock.setTimeout(() => {
      drafting.timer = null
      turn.shown = turn.text
      // A piece may end between the halves of a character; Telegram refuses half a one.
      const draft = { id: draftId(turn.id), text: turn.text.toWellFormed() }
      this.#begin(conversation, drafting, (signal) => this.#options.calls.draft(conversation.name, draft, signal))
    }, waitMs)
  }

  #begin(conversation: Conversation, repeated: Repeated, call: (signal: AbortSignal) => Promise<void>): void {
    const controller = new AbortController()
    repeated.call = controller
    const work = call(controller.signal)
      .catch((error: unknown) => this.#noteRefusal(conversation, repeated, error))
      .finally(() => {
        this.#underWay.delete(work)
        if (repeated.call !== controller) return
        repeated.call = null
        if (repeated === conversation.drafting) this.#draftSoon(conversation)
      })
    this.#underWay.add(work)
  }

  #noteRefusal(conversation: Conversation, repeated: Repeated, error: unknown): void {
    const quietMs = this.#options.quietMsOf(error)
    conversation.quietUntilMs = Math.max(conversation.quietUntilMs, this.#nowMs() + quietMs)
    if (repeated !== conversation.drafting || !this.#drafts || !this.#options.isUnsupported(error)) return
    this.#drafts = false
    this.#options.onDraftsOff()
  }

  #stop(repeated: Repeated): void {
    this.#options.world.clock.clearTimeout(repeated.timer)
    repeated.timer = null
    repeated.call?.abort()
    repeated.call = null
  }

  #nowMs(): number {
    return this.#options.world.nowMs()
  }
}

/** Stable for a turn, and never zero: a 31-bit FNV-1a hash. */
export function draftId(turn: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < turn.length; index += 1) {
    hash = Math.imul(hash ^ turn.charCodeAt(index), 0x01000193)
  }
  return hash & 0x7fffffff || 1
}
