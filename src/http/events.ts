// Events: what happens somewhere, as server-sent events: in a conversation, to an actor.
// Owns the open streams of the server.
//   H1. At most STREAMS_MAX streams are open; each is counted once and released once.
//   H2. What waits for a slow reader is bounded: the next event waits for it, and a stuck one is cut off.

import type { Log } from '../log.ts'
import type { World } from '../world.ts'
import { Refusal, retryAfter } from './answers.ts'
import { BACKLOG_BYTES, BACKLOG_BYTES_MAX, HEARTBEAT_MS, STALL_MS_MAX, STREAMS_MAX } from './limits.ts'

export interface Streams {
  /** A response that lasts as long as its reader wants it, or until `endAll`. */
  open(subscription: Subscription): Response
  readonly count: number
  endAll(): void
}

export interface Subscription {
  /** Calls `emit` for one event at a time, and waits when that returns a promise; resolves when `signal` aborts. */
  readonly follow: (emit: (event: ServerEvent) => void | Promise<void>, signal: AbortSignal) => Promise<void>
  /** What is written first; left out: how soon a reader that lost its connection may come back. */
  readonly opening?: string
  /** Cuts the connection; used when its reader is stuck, because a stuck reader never sees a polite end. */
  readonly cut: () => void
}

export interface ServerEvent {
  /** null: the reader knows one kind alone. */
  readonly name: string | null
  /** Where a reader that comes back goes on; null: it cannot. */
  readonly id: string | null
  /** One line. */
  readonly data: string
}

export function createStreams(parts: { readonly world: World; readonly log: Log }): Streams {
  const open = new Set<Stream>()
  return {
    open(subscription) {
      if (open.size >= STREAMS_MAX) {
        const message = `${STREAMS_MAX} event streams are open, which is the most that are kept.`
        throw new Refusal(503, 'too_many_streams', message).with(retryAfter(5_000))
      }
      const stream = new Stream({ ...parts, ...subscription }, () => open.delete(stream))
      open.add(stream)
      stream.begin()
      return stream.response
    },
    get count() {
      return open.size
    },
    endAll() {
      for (const stream of open) stream.end()
    },
  }
}

class Stream {
  readonly response: Response
  readonly #parts: Subscription & { readonly world: World; readonly log: Log }
  readonly #ended: () => void
  readonly #aborter = new AbortController()
  readonly #encoder = new TextEncoder()
  #sink: ReadableStreamDefaultController<Uint8Array> | null = null
  #heartbeat: unknown = null
  #stall: unknown = null
  /** Pending while the reader is behind; `#taken` resolves it. */
  #drained: Promise<void> | null = null
  #taken: () => void = () => {}

  constructor(parts: Subscription & { readonly world: World; readonly log: Log }, ended: () => void) {
    this.#parts = parts
    this.#ended = ended
    const body = new ReadableStream<Uint8Array>(
      {
        start: (sink) => {
          this.#sink = sink
        },
        pull: () => this.#taken(),
        cancel: () => this.end(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: BACKLOG_BYTES }),
    )
    this.response = new Response(body, {
      headers: { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' },
    })
  }

  /** After the stream is counted: a subscription may end before this returns. */
  begin(): void {
    const { opening = 'retry: 1000\n\n' } = this.#parts
    if (opening !== '') this.#write(opening)
    this.#beatLater()
    void this.#follow()
  }

  end(): void {
    if (this.#aborter.signal.aborted) return
    this.#aborter.abort()
    this.#parts.world.clock.clearTimeout(this.#heartbeat)
    this.#taken()
    try {
      this.#sink?.close()
    } catch {
      // The reader was first: it cancelled, and the sink is closed already.
    }
    this.#ended()
  }

  async #follow(): Promise<void> {
    const { follow, log } = this.#parts
    try {
      await follow((event) => this.#emit(event), this.#aborter.signal)
    } catch (error) {
      if (!this.#aborter.signal.aborted) log.warn({ err: error }, 'an event stream ended early')
    }
    this.end()
  }

  #emit(event: ServerEvent): void | Promise<void> {
    if (this.#aborter.signal.aborted) return
    if (this.#waiting() > BACKLOG_BYTES_MAX) return this.#cut()
    this.#write(frame(event))
    if (this.#waiting() < BACKLOG_BYTES) return
    this.#drained ??= new Promise((resolve) => {
      this.#stall = this.#parts.world.clock.setTimeout(() => this.#cut(), STALL_MS_MAX)
      this.#taken = () => {
        this.#taken = () => {}
        this.#drained = null
        this.#parts.world.clock.clearTimeout(this.#stall)
        resolve()
      }
    })
    return this.#drained
  }

  #cut(): void {
    this.#parts.log.info({ waitingBytes: this.#waiting() }, 'an event stream was cut: its reader is stuck')
    this.end()
    this.#parts.cut()
  }

  #beatLater(): void {
    this.#heartbeat = this.#parts.world.clock.setTimeout(() => {
      // A reader that has something to read needs no sign of life.
      if (this.#waiting() === 0) this.#write(': still here\n\n')
      this.#beatLater()
    }, HEARTBEAT_MS)
  }

  #write(text: string): void {
    this.#sink?.enqueue(this.#encoder.encode(text))
  }

  /** Bytes that the connection has not taken yet. */
  #waiting(): number {
    return BACKLOG_BYTES - (this.#sink?.desiredSize ?? BACKLOG_BYTES)
  }
}

function frame({ name, id, data }: ServerEvent): string {
  return `${name === null ? '' : `event: ${name}\n`}${id === null ? '' : `id: ${id}\n`}data: ${data}\n\n`
}
