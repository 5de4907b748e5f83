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
  const { clock, nowMs } = { clock: options.world.clock, nowMs: () => options.world.nowMs() }
  const conversations = new Map<string, Conversation>()
  const endedTurns = new Set<string>()
  const underWay = new Set<Promise<void>>()
  let connected = false
  let drafts = true

  function show(name: string, progress: Progress): void {
    if (progress.kind === 'delta') return showDelta(name, progress)
    if (progress.state === 'idle') return showIdle(name, progress.session)
    const conversation = conversations.get(name) ?? open(name)
    conversation.sessions.set(progress.session, progress.state)
    conversation.typingUntilMs = nowMs() + PENDING_MS_MAX + RUN_MS_MAX
    if (progress.state === 'pending') endTurn(conversation, progress.session)
    type(conversation)
  }

  function showIdle(name: string, session: string): void {
    const conversation = conversations.get(name)
    if (conversation === undefined) return
    conversation.sessions.delete(session)
    endTurn(conversation, session)
    if (conversation.sessions.size > 0) return
    stop(conversation.typing)
    conversations.delete(name)
  }

  function showDelta(name: string, delta: Extract<Progress, { kind: 'delta' }>): void {
    const conversation = conversations.get(name)
    if (conversation?.sessions.get(delta.session) !== 'running' || endedTurns.has(delta.turn)) return
    if (!drafts || !options.hasDrafts(name)) return
    if (conversation.turn?.id !== delta.turn) {
      if (conversation.turn !== null) endTurn(conversation, conversation.turn.session)
      conversation.turn = { session: delta.session, id: delta.turn, text: '', shown: '' }
    }
    const turn = conversation.turn
    if (turn === null) return
    turn.text = (turn.text + delta.text).slice(0, DRAFT_UNITS_MAX).toWellFormed()
    draftSoon(conversation)
  }

  function open(name: string): Conversation {
    const conversation: Conversation = {
      name,
      sessions: new Map(),
      typing: { timer: null, call: null },
      drafting: { timer: null, call: null },
      typingUntilMs: 0,
      quietUntilMs: 0,
      turn: null,
    }
    conversations.set(name, conversation)
    return conversation
  }

  function endTurn(conversation: Conversation, session: string): void {
    if (conversation.turn === null || conversation.turn.session !== session) return
    endedTurns.add(conversation.turn.id)
    for (const oldest of endedTurns) {
      if (endedTurns.size <= ENDED_TURNS_MAX) break
      endedTurns.delete(oldest)
    }
    conversation.turn = null
    stop(conversation.drafting)
  }

  function type(conversation: Conversation): void {
    if (!connected || conversation.typing.timer !== null) return
    if (nowMs() > conversation.typingUntilMs) return
    conversation.typing.timer = clock.setTimeout(() => {
      conversation.typing.timer = null
      // A call that hangs has had its time: the next one takes its place.
      conversation.typing.call?.abort()
      type(conversation)
    }, TYPING_EVERY_MS)
    if (nowMs() < conversation.quietUntilMs) return
    begin(conversation, conversation.typing, (signal) => options.calls.type(conversation.name, signal))
  }

  function draftSoon(conversation: Conversation): void {
    const { drafting, turn } = conversation
    if (!connected || !drafts || turn === null || drafting.timer !== null || drafting.call !== null) return
    if (turn.text.trim() === '' || turn.text === turn.shown) return
    const waitMs = Math.max(DRAFT_EVERY_MS, conversation.quietUntilMs - nowMs())
    drafting.timer = clock.setTimeout(() => {
      drafting.timer = null
      turn.shown = turn.text
      const draft = { id: draftId(turn.id), text: turn.text }
      begin(conversation, drafting, (signal) => options.calls.draft(conversation.name, draft, signal))
    }, waitMs)
  }

  function begin(conversation: Conversation, repeated: Repeated, call: (signal: AbortSignal) => Promise<void>): void {
    const controller = new AbortController()
    repeated.call = controller
    const work = call(controller.signal)
      .catch((error: unknown) => noteRefusal(conversation, repeated, error))
      .finally(() => {
        underWay.delete(work)
        if (repeated.call !== controller) return
        repeated.call = null
        if (repeated === conversation.drafting) draftSoon(conversation)
      })
    underWay.add(work)
  }

  function noteRefusal(conversation: Conversation, repeated: Repeated, error: unknown): void {
    conversation.quietUntilMs = Math.max(conversation.quietUntilMs, nowMs() + options.quietMsOf(error))
    if (repeated !== conversation.drafting || !drafts || !options.isUnsupported(error)) return
    drafts = false
    options.onDraftsOff()
  }

  function stop(repeated: Repeated): void {
    clock.clearTimeout(repeated.timer)
    repeated.timer = null
    repeated.call?.abort()
    repeated.call = null
  }

  return {
    show,
    resume() {
      connected = true
      for (const conversation of conversations.values()) type(conversation)
    },
    async pause() {
      connected = false
      for (const conversation of conversations.values()) {
        stop(conversation.typing)
        stop(conversation.drafting)
      }
      await Promise.allSettled(underWay)
    },
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
