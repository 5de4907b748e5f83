// Web conversation: what a conversation shows to those who watch it now, and how each of them is kept up to date.
// Owns what a subscriber was not shown yet; what was said is the journal's.
//   W1. A subscriber gets every journal entry after its position once, in order: its position moves only with what it
//       was shown, and a notification that comes during a read leads to another read. A position that this journal never
//       gave is its beginning.
//   W2. Deltas and states are best effort and bounded; they never hold up a message.

import type { Progress, SessionState } from '../../machines/messages.ts'
import type { JournalEntry } from './adapter.ts'

/** States that wait for one subscriber; the oldest go first, the newest is what a page shows. */
const WAITING_STATES_MAX = 64

/** Text of one running turn that is streamed and kept for newcomers, in UTF-16 units; the message itself is whole. */
const PREVIEW_UNITS_MAX = 65_536

/** Sessions of one conversation (`per_user`) whose states are kept. */
const SESSIONS_MAX = 64

export type WebEvent = ({ readonly kind: 'message' } & JournalEntry) | Progress

/** Shows one subscriber everything that is pushed to it, until it is ended. */
export async function pump(
  subscriber: Subscriber,
  place: Conversation,
  read: (afterId: number) => Promise<readonly JournalEntry[]>,
): Promise<void> {
  // A reader that comes back from another store (its folder was removed meanwhile) would wait for ids that are far away.
  if (!(await isShown(subscriber.position, read))) subscriber.position = 0
  for (let item = await subscriber.next(); item !== null; item = await subscriber.next()) {
    // The notification was taken before a read begins: what is written during it brings another one.
    if (item === 'journal') await showJournal(subscriber, place, read)
    else await subscriber.emit(item)
  }
}

async function isShown(
  position: number,
  read: (afterId: number) => Promise<readonly JournalEntry[]>,
): Promise<boolean> {
  return position === 0 || (await read(position - 1))[0]?.id === position
}

async function showJournal(
  subscriber: Subscriber,
  place: Conversation,
  read: (afterId: number) => Promise<readonly JournalEntry[]>,
): Promise<void> {
  while (!subscriber.ended) {
    const entries = await read(subscriber.position)
    if (entries.length === 0) return
    for (const entry of entries) {
      if (subscriber.ended) return
      await subscriber.emit({ kind: 'message', id: entry.id, role: entry.role, text: entry.text })
      subscriber.position = entry.id
      if (entry.role === 'assistant') subscriber.forgetPreviews((turn) => !place.streams(turn))
    }
  }
}

type Waiting = 'journal' | Progress

/** One reader: what it was shown, and what waits to be shown to it. */
export class Subscriber {
  readonly emit: (event: WebEvent) => void | Promise<void>
  position: number
  ended = false
  #waiting: Waiting[] = ['journal']
  #wake: () => void = () => {}

  constructor(emit: (event: WebEvent) => void | Promise<void>, position: number) {
    this.emit = emit
    this.position = position
  }

  end(): void {
    this.ended = true
    this.#wake()
  }

  push(item: Waiting): void {
    this.#place(item)
    this.#wake()
  }

  /** What is to be shown next; null once ended. */
  async next(): Promise<Waiting | null> {
    while (!this.ended && this.#waiting.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.ended ? null : (this.#waiting.shift() ?? null)
  }

  forgetPreviews(isOver: (turn: string) => boolean): void {
    this.#waiting = this.#waiting.filter((item) => item === 'journal' || item.kind !== 'delta' || !isOver(item.turn))
  }

  #place(item: Waiting): void {
    if (item === 'journal') {
      if (this.#waiting.at(-1) !== 'journal') this.#waiting.push('journal')
      return
    }
    if (item.kind === 'state') {
      const states = this.#waiting.filter((other) => other !== 'journal' && other.kind === 'state')
      if (states.length >= WAITING_STATES_MAX) this.#waiting = this.#waiting.filter((other) => other !== states[0])
      this.#waiting.push(item)
      return
    }
    // One delta waits per session at most: of the same turn they are joined, of an older one they are obsolete.
    const at = this.#waiting.findIndex(
      (other) => other !== 'journal' && other.kind === 'delta' && other.session === item.session,
    )
    const earlier = this.#waiting[at]
    if (earlier === undefined || earlier === 'journal' || earlier.kind !== 'delta') this.#waiting.push(item)
    else if (earlier.turn === item.turn) this.#waiting[at] = { ...item, text: earlier.text + item.text }
    else this.#waiting = [...this.#waiting.toSpliced(at, 1), item]
  }
}

interface SessionView {
  readonly state: SessionState | null
  readonly turn: string | null
  /** What was streamed of the turn so far, for those who come in the middle of it. */
  readonly preview: string
  /** The preview reached its limit: the rest of the turn is not streamed. */
  readonly full: boolean
}

const NOTHING: SessionView = { state: null, turn: null, preview: '', full: false }

/** What a conversation shows beside its journal. */
export class Conversation {
  readonly #subscribers = new Set<Subscriber>()
  readonly #sessions = new Map<string, SessionView>()

  get watched(): boolean {
    return this.#subscribers.size > 0
  }

  streams(turn: string): boolean {
    return [...this.#sessions.values()].some((session) => session.turn === turn)
  }

  join(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber)
    for (const [session, { state, turn, preview }] of this.#sessions) {
      if (state !== null) subscriber.push({ kind: 'state', session, state })
      if (turn !== null) subscriber.push({ kind: 'delta', session, turn, text: preview })
    }
  }

  leave(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber)
  }

  journalGrew(): void {
    for (const subscriber of this.#subscribers) subscriber.push('journal')
  }

  show(progress: Progress): void {
    const after = next(this.#sessions.get(progress.session) ?? NOTHING, progress)
    this.#sessions.delete(progress.session)
    this.#sessions.set(progress.session, after)
    if (this.#sessions.size > SESSIONS_MAX) this.#sessions.delete(this.#sessions.keys().next().value ?? '')
    if (progress.kind === 'delta' && after.full) return
    for (const subscriber of this.#subscribers) subscriber.push(progress)
  }
}

function next(before: SessionView, progress: Progress): SessionView {
  if (progress.kind === 'state') {
    // Only a running session streams: with any other state its turn is over.
    return progress.state === 'running' ? { ...before, state: 'running' } : { ...NOTHING, state: progress.state }
  }
  const sameTurn = before.turn === progress.turn
  const preview = (sameTurn ? before.preview : '') + progress.text
  const full = (sameTurn && before.full) || preview.length > PREVIEW_UNITS_MAX
  return { state: before.state, turn: progress.turn, preview: full ? before.preview : preview, full }
}
