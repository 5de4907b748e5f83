// OpenAI: the adapter of the channel that clients of the OpenAI API come through. They wait for the answer to the very message that
// they sent, so it knows who waits for which message, and what became of it.
//   Q1. Whoever waits is told once: the reply that points at the message, or why there will be none.
//   Q2. A reply is delivered when it is committed: it stands in its conversation, whether its client is still there or not.

import { assert, FailureError } from '../../machines/failure.ts'
import type { Commit, Inbound, Progress } from '../../machines/messages.ts'
import type { Question } from '../../machines/openai.ts'
import { sessionKey } from '../../machines/session-key.ts'
import type { Adapter, AdapterParts, Door, Identity, Outgoing, Receipt, Reception } from './adapter.ts'
import { type Answered, type Hearing, Waiting } from './openai-waiting.ts'

/** Without a connection nobody waits longer: runs that were begun end within the operator's `drain`, and usually at once. */
const LINGER_MS_MAX = 30_000

export interface Asking extends Hearing {
  /** It is on disk. */
  accepted(seq: number): void
  /** What became of a message that was accepted before; null: nothing yet. */
  recall(session: string, seq: number): Promise<Answered | null>
  /** Everybody who asked it is gone: a run for it alone has no purpose any more. */
  withdraw(session: string, seq: number): void
}

export type QuestionEnd =
  | Answered
  | { readonly kind: 'turnedAway'; readonly reason: Extract<Reception, { accepted: false }>['reason'] }

export interface OpenAiAdapter extends Adapter {
  /** Resolves with what became of the question; also when `signal` aborts, and then nobody is interested. */
  ask(question: Question, asking: Asking, signal: AbortSignal): Promise<QuestionEnd>
  /** What was decided, once it is on disk. */
  committed(commit: Commit): void
  /** The process ends: what waits is answered after the next start, and nobody waits for it here. */
  endAll(): void
}

export function createOpenAiAdapter(parts: AdapterParts): OpenAiAdapter {
  return new WaitedFor(parts)
}

class WaitedFor implements OpenAiAdapter {
  readonly shownTo = 'askers'
  readonly #parts: AdapterParts
  readonly #identity: Identity
  /** By session. */
  readonly #waiting = new Map<string, Set<Waiting>>()
  /** Calls that a session's run asks people about, while there are any. */
  readonly #undecided = new Map<string, readonly string[]>()
  readonly #receiving = new Set<Promise<Reception>>()
  #door: Door | null = null
  #linger: unknown = null

  constructor(parts: AdapterParts) {
    this.#parts = parts
    this.#identity = { id: parts.definition.id, name: parts.definition.id }
  }

  async run(door: Door, signal: AbortSignal): Promise<void> {
    assert(this.#door === null, 'C2: a channel has one connection at a time')
    const { clock } = this.#parts.world
    if (signal.aborted) return
    clock.clearTimeout(this.#linger)
    this.#door = door
    door.live(this.#identity)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    this.#door = null
    // What was handed over is accepted or turned away before the connection counts as ended.
    await Promise.allSettled(this.#receiving)
    if (this.#waiting.size > 0) this.#linger = clock.setTimeout(() => this.endAll(), LINGER_MS_MAX)
  }

  async send({ conversation, replyTo, text, outboxId }: Outgoing): Promise<Receipt> {
    for (const waiting of this.#of(this.#sessionOf(conversation))) waiting.told({ replyTo, text })
    return { receipt: `committed as ${outboxId}`, last: true }
  }

  show(_: string, progress: Progress): void {
    if (progress.kind === 'delta')
      for (const waiting of this.#of(progress.session)) waiting.hears(progress.turn, progress.text)
  }

  async fetch(): Promise<void> {
    throw new FailureError({ kind: 'permanent', reason: 'notFound', message: 'this channel has no files' })
  }

  async probe(): Promise<Identity> {
    return this.#identity
  }

  async ask(question: Question, asking: Asking, signal: AbortSignal): Promise<QuestionEnd> {
    if (this.#door === null) return { kind: 'turnedAway', reason: 'paused' }
    const message = this.#inbound(question)
    const session = sessionKey(this.#parts.definition, message)
    const reception = await this.#receive(this.#door, message)
    if (!reception.accepted) return { kind: 'turnedAway', reason: reception.reason }
    const { seq, duplicate } = reception
    asking.accepted(seq)
    // Nothing waits between the accept and this: no commit of the message can have gone by.
    const waiting = new Waiting({ id: message.platformMessageId, seq, hearing: asking, isLate: duplicate })
    this.#join(session, waiting)
    const leave = (): void => {
      this.#leave(session, waiting)
      // Whoever lost a connection asks again before the end of the lost one is noticed.
      if (!this.#of(session).some((other) => other.isFor(seq))) asking.withdraw(session, seq)
      waiting.end({ kind: 'left' })
    }
    signal.addEventListener('abort', leave)
    if (signal.aborted) leave()
    try {
      const known = duplicate ? await asking.recall(session, seq) : null
      if (known?.kind === 'answered') asking.delta(known.text)
      return known ?? (await waiting.ended)
    } finally {
      signal.removeEventListener('abort', leave)
      this.#leave(session, waiting)
    }
  }

  committed(commit: Commit): void {
    const { sessionKey: session } = commit
    if (session === null) return
    const undecided = undecidedAfter(this.#undecided.get(session) ?? [], commit)
    if (undecided.length === 0) this.#undecided.delete(session)
    else this.#undecided.set(session, undecided)
    for (const waiting of this.#of(session)) waiting.committed(commit, undecided.length)
  }

  endAll(): void {
    for (const some of this.#waiting.values()) for (const waiting of some) waiting.end({ kind: 'kept' })
  }

  async #receive(door: Door, message: Inbound): Promise<Reception> {
    const receiving = door.receive(message)
    this.#receiving.add(receiving)
    try {
      return await receiving
    } finally {
      this.#receiving.delete(receiving)
    }
  }

  #inbound({ agent, conversation, user, text, earlier, brief, messageId }: Question): Inbound {
    return {
      channel: this.#parts.definition.id,
      conversation,
      platformMessageId: messageId ?? this.#parts.world.id(),
      kind: 'dm',
      sender: { id: user, name: null, handle: null },
      text,
      addressed: true,
      album: null,
      attachments: [],
      continues: false,
      agent,
      ...(earlier.length === 0 ? {} : { earlier }),
      ...(brief === null ? {} : { brief }),
    }
  }

  #sessionOf(conversation: string): string {
    return [this.#parts.definition.id, conversation].map(encodeURIComponent).join('/')
  }

  /** A copy: whoever is told may leave at once. */
  #of(session: string): readonly Waiting[] {
    return [...(this.#waiting.get(session) ?? [])]
  }

  #join(session: string, waiting: Waiting): void {
    const some = this.#waiting.get(session) ?? new Set()
    this.#waiting.set(session, some.add(waiting))
  }

  #leave(session: string, waiting: Waiting): void {
    const some = this.#waiting.get(session)
    some?.delete(waiting)
    if (some?.size === 0) this.#waiting.delete(session)
    // A timer for nobody would hold the process open.
    if (this.#waiting.size === 0) this.#parts.world.clock.clearTimeout(this.#linger)
  }
}

/** What is still asked about after a commit; the end of a turn leaves nothing. */
function undecidedAfter(before: readonly string[], { entries, steps = [], replies }: Commit): readonly string[] {
  if (entries.length > 0) return []
  const asked = steps.flatMap(({ step }) => (step.kind === 'answer' && replies.length > 0 ? step.calls : []))
  const decided = new Set(steps.flatMap(({ step }) => (step.kind === 'decision' ? [step.call] : [])))
  const waiting = asked.filter(({ policy }) => policy === 'ask').map(({ id }) => id)
  return [...before, ...waiting].filter((call) => !decided.has(call))
}
