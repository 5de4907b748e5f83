// Platform: one strict fake platform per channel. It outlives every process, as platforms do.
//   It refuses a second connection beside a living one (C2), keeps what was not confirmed and offers it again, and checks each part
//   that reaches it: committed before (S3), in order (D1), and twice only when its record says uncertain (D2).

import { type Failure, FailureError } from '../../machines/failure.ts'
import type { Inbound } from '../../machines/messages.ts'
import type { Adapter, Door, Outgoing, Receipt } from '../../src/channels/adapter.ts'
import type { Clock } from '../../src/world.ts'
import type { Ledger } from './ledger.ts'
import { isCommitted } from './records.ts'
import type { ConnectAct, SendAct } from './steps.ts'
import type { Throws } from './throws.ts'
import type { Verdict } from './violation.ts'

export interface PlatformParts {
  readonly channel: string
  readonly ledger: Ledger
  readonly verdict: Verdict
  readonly hit: (event: string) => void
  readonly onTaken: (outgoing: Outgoing) => void
  readonly throws: Throws
}

/** One process, as the platform sees it. */
export interface Caller {
  readonly alive: boolean
  readonly clock: Clock
  onShow(conversation: string, progress: Parameters<Adapter['show']>[1]): void
}

interface Taken {
  /** Who was told that it was taken; the same one must not send it again while it lives. */
  confirmed: { readonly to: Caller; readonly signal: AbortSignal } | null
  times: number
}

interface HeldSend {
  readonly conversation: string
  release(): void
}

export class Platform {
  readonly behaviours = new Map<string, SendAct[]>()
  readonly connects: ConnectAct[] = []
  door: Door | null = null
  /** Sends that reached it, by conversation. */
  sends = 0
  #connection: { caller: Caller; end: (error: unknown) => void } | null = null
  #held: HeldSend[] = []
  readonly #taken = new Map<string, Taken>()
  readonly #unconfirmed = new Map<string, Inbound>()
  readonly #parts: PlatformParts

  constructor(parts: PlatformParts) {
    this.#parts = parts
  }

  adapterFor(caller: Caller): Adapter {
    return {
      run: (door, signal) => this.#run(caller, door, signal),
      send: (outgoing, part, signal) => this.#send(caller, { outgoing, part, signal }),
      show: (conversation, progress) => {
        if (!caller.alive) return
        this.#parts.throws.pass('show', progress.session)
        caller.onShow(conversation, progress)
      },
      fetch: () => Promise.reject(new Error('nobody sends files here')),
      probe: async () => {
        const how = this.connects[0]
        if (how !== 'refuse' && how !== 'unauthorized') return { id: '99', name: '@bot' }
        this.connects.shift()
        this.#parts.hit(`trial ${how}`)
        throw new FailureError(how === 'refuse' ? AWAY : UNAUTHORIZED)
      },
    }
  }

  /** Somebody writes. What is not confirmed is offered again at the next connection. */
  say(message: Inbound): void {
    this.#unconfirmed.set(idOf(message), message)
    this.#offer(message)
  }

  /** The platform offers a message again that was confirmed long ago. */
  again(message: Inbound): void {
    this.#offer(message)
  }

  breaks(error: unknown): void {
    this.#connection?.end(error)
  }

  release(conversation: string | null): void {
    const released = this.#held.filter((send) => conversation === null || send.conversation === conversation)
    this.#held = this.#held.filter((send) => !released.includes(send))
    for (const send of released) send.release()
  }

  heal(): void {
    this.behaviours.clear()
    this.connects.length = 0
    this.release(null)
  }

  /** The process of a connection was lost, and its sockets with it. */
  lose(caller: Caller): void {
    if (this.#connection?.caller === caller) this.#closed()
    this.#held = []
  }

  #run(caller: Caller, door: Door, signal: AbortSignal): Promise<void> {
    const { verdict, hit, channel } = this.#parts
    verdict.check(this.#connection === null, 'C2', () => `${channel}: a second connection beside a living one`)
    const how = this.connects.shift()
    hit(`connect ${how ?? 'well'}`)
    if (how === 'refuse') return Promise.reject(new FailureError(AWAY))
    if (how === 'unauthorized') return Promise.reject(new FailureError(UNAUTHORIZED))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const end = (error: unknown): void => {
      if (!caller.alive || this.#connection !== connection) return
      this.#closed()
      if (error === null) resolve()
      else reject(error)
    }
    const connection = { caller, end }
    this.#connection = connection
    const closeMs = how === 'slowClose' ? 5_000 : how === 'stuckClose' ? 40_000 : 0
    signal.addEventListener('abort', () => {
      this.leaving = true
      if (closeMs === 0) end(null)
      else caller.clock.setTimeout(() => end(null), closeMs)
    })
    if (how !== 'silent') this.#goLive(caller, door)
    return promise
  }

  #goLive(caller: Caller, door: Door): void {
    this.door = door
    door.live({ id: '99', name: '@bot' })
    void Promise.resolve().then(() => {
      if (caller.alive) for (const message of this.#unconfirmed.values()) this.#offer(message)
    })
  }

  #closed(): void {
    this.#connection = null
    this.door = null
    this.leaving = false
  }

  #offer(message: Inbound): void {
    const { ledger, verdict } = this.#parts
    const caller = this.#connection?.caller
    if (this.door === null || caller === undefined) return
    this.door.receive(message).then(
      (reception) => {
        if (!caller.alive) return
        const seq = ledger.seqOf(message.channel, message.conversation, message.platformMessageId)
        verdict.check(reception.accepted, 'ADMISSION', () => `${idOf(message)} was turned away`)
        if (!reception.accepted) return
        verdict.check(seq === reception.seq, 'M5', () => `${idOf(message)} was confirmed and is not on disk`)
        this.#unconfirmed.delete(idOf(message))
      },
      () => this.#parts.hit('an accept failed; the platform keeps the message'),
    )
  }

  async #send(caller: Caller, send: { outgoing: Outgoing; part: number; signal: AbortSignal }): Promise<Receipt> {
    const { outgoing, part, signal } = send
    if (!caller.alive) return forever()
    this.#parts.throws.pass('send', `${this.#parts.channel}/${outgoing.conversation}`)
    const queue = this.behaviours.get(outgoing.conversation)
    const how = queue?.shift() ?? 'well'
    this.#parts.hit(`send ${how}${outgoing.uncertain ? ', uncertain' : ''}`)
    if (how === 'limited') throw new FailureError({ ...LIMITED, retryAfterMs: 3_000 })
    if (how === 'blocked') throw new FailureError(BLOCKED)
    if (how === 'away') throw new FailureError(AWAY)
    if (how === 'unauthorized') throw new FailureError(UNAUTHORIZED)
    if (how === 'defect') throw new TypeError('a defect in the adapter')
    if (how === 'cut') throw new FailureError({ ...AWAY, uncertain: true })
    if (how === 'holdBefore' || how === 'hang') await this.#hold(outgoing.conversation, signal)
    if (!caller.alive) return forever()
    const receipt = this.#take(outgoing, part)
    if (how === 'holdAfter') await this.#hold(outgoing.conversation, signal)
    if (!caller.alive) return forever()
    if (how === 'cutAfter' || signal.aborted) throw new FailureError({ ...AWAY, uncertain: true })
    this.#taken.get(`${outgoing.outboxId} ${part}`)!.confirmed = { to: caller, signal }
    return receipt
  }

  #hold(conversation: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#held.push({ conversation, release: resolve })
      signal.addEventListener('abort', () => reject(new FailureError({ ...AWAY, uncertain: true })))
    })
  }

  #take(outgoing: Outgoing, part: number): Receipt {
    const { ledger, verdict, channel } = this.#parts
    const { outboxId, conversation, text, uncertain } = outgoing
    const reply = ledger.replies.get(outboxId)
    const committed =
      reply !== undefined &&
      isCommitted(reply, text) &&
      reply.conversation === conversation &&
      reply.channel === channel
    verdict.check(committed, 'S3', () => `reply ${outboxId} was sent and never committed so`)
    const before = ledger.owedTo(channel, conversation).filter((owed) => owed.id < outboxId && !owed.reopened)
    verdict.check(before.length === 0, 'D1', () => `reply ${outboxId} went out before ${before[0]?.id}`)
    const parts = text.split('|')
    verdict.check(part === reply?.partsSent, 'D1', () => `part ${part} of reply ${outboxId} after ${reply?.partsSent}`)
    const key = `${outboxId} ${part}`
    const known = this.#taken.get(key)
    if (known !== undefined) {
      verdict.check(uncertain, 'D2', () => `part ${part} of reply ${outboxId} was sent twice, not marked uncertain`)
      // A receipt on its way to whoever has just given the send up reaches nobody: it is as uncertain as one that never came.
      const told = known.confirmed !== null && known.confirmed.to.alive && !known.confirmed.signal.aborted
      verdict.check(!told, 'D2', () => `part ${part} of reply ${outboxId} was sent twice, though its receipt had come`)
    }
    if (part > 0) this.#parts.hit('a second part was sent')
    this.#taken.set(key, { confirmed: null, times: (known?.times ?? 0) + 1 })
    this.sends += 1
    this.#parts.onTaken(outgoing)
    return { receipt: `${key} ${this.sends}`, last: part === parts.length - 1 }
  }

  /** Whether every part of a reply reached people. */
  delivered(outboxId: number, text: string): boolean {
    return text.split('|').every((_, part) => this.#taken.has(`${outboxId} ${part}`))
  }

  /** Its connection was told to end and has not yet. */
  leaving = false

  /** Conversations with a send that it holds. */
  get sending(): readonly string[] {
    return [...new Set(this.#held.map(({ conversation }) => conversation))]
  }

  isSending(conversation: string): boolean {
    return this.#held.some((send) => send.conversation === conversation)
  }

  get connected(): boolean {
    return this.door !== null
  }
}

export const AWAY: Failure = { kind: 'retryable', reason: 'unavailable', message: 'the platform is away' }
export const UNAUTHORIZED: Failure = { kind: 'permanent', reason: 'unauthorized', message: 'the token was refused' }
const LIMITED: Failure = { kind: 'retryable', reason: 'rateLimited', message: 'too fast' }
const BLOCKED: Failure = { kind: 'permanent', reason: 'forbidden', message: 'the bot was blocked' }

function idOf({ conversation, platformMessageId }: Inbound): string {
  return `${conversation} ${platformMessageId}`
}

function forever<T>(): Promise<T> {
  return new Promise(() => {})
}
