// Flood: Telegram's limit on messages to one chat, as a token bucket. Only used when the server was started with `floodControl`.
// Simplified: no limit across chats (30 a second) and none per minute in groups (20).

import { tooManyRequests } from './refusal.ts'

/** Messages that pass at once before the rate counts. */
const BURST_MAX = 3
const PER_SECOND = 1

export class FloodControl {
  readonly #enabled: boolean
  readonly #buckets = new Map<number, { left: number; atMs: number }>()

  constructor(options: { enabled: boolean }) {
    this.#enabled = options.enabled
  }

  /** Throws 429 with the whole seconds to wait. A refused message costs nothing. */
  admit(chatId: number): void {
    if (!this.#enabled) return
    const nowMs = performance.now()
    const bucket = this.#buckets.get(chatId) ?? { left: BURST_MAX, atMs: nowMs }
    const left = Math.min(bucket.left + ((nowMs - bucket.atMs) / 1000) * PER_SECOND, BURST_MAX)
    if (left < 1) throw tooManyRequests(Math.ceil((1 - left) / PER_SECOND))
    this.#buckets.set(chatId, { left: left - 1, atMs: nowMs })
  }
}
