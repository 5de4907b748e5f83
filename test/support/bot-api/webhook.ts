// Webhook: pushes a bot's updates to an address instead of waiting for polls, one after the other, each until it is taken.
// Nothing leaves the machine: Telegram wants https, this server takes http too, and delivers to loopback addresses only;
// any other address is stored, shown by getWebhookInfo and never called.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Bot } from './bot.ts'
import { nowSeconds } from './chats.ts'
import type { Parameters } from './parameters.ts'
import { badRequest, conflict } from './refusal.ts'
import type { Update } from './wire.ts'

/** Before the same update is tried again. */
const RETRY_MS = 100

export class Webhook {
  readonly #bot: Bot
  #url = ''
  #secret = ''
  #running = false
  #lastError: { date: number; message: string } | undefined

  constructor(bot: Bot) {
    this.#bot = bot
  }

  get url(): string {
    return this.#url
  }

  set(parameters: Parameters): void {
    const url = parameters.text('url')
    if (url === '') return this.remove(parameters)
    const secret = parameters.text('secret_token')
    if (!/^https?:\/\/[^\s/]+/i.test(url) || !URL.canParse(url)) throw badRequest('invalid webhook URL specified')
    if (!isLoopback(url) && !url.toLowerCase().startsWith('https:')) {
      throw badRequest('bad webhook: An HTTPS URL must be provided for webhook')
    }
    if (secret.length > 256) throw badRequest('secret token is too long')
    if (!/^[\w-]*$/.test(secret)) throw badRequest('secret token contains unallowed characters')
    if (parameters.flag('drop_pending_updates')) this.#bot.updates.drop()
    this.#bot.updates.allow(parameters.json('allowed_updates', 'allowed updates'))
    this.#bot.updates.end(conflict('terminated by setWebhook request'))
    this.#url = url
    this.#secret = secret
    this.wake()
  }

  remove(parameters: Parameters): void {
    if (parameters.flag('drop_pending_updates')) this.#bot.updates.drop()
    this.#url = ''
    this.#lastError = undefined
  }

  info(): Record<string, unknown> {
    return {
      url: this.#url,
      has_custom_certificate: false,
      pending_update_count: this.#bot.updates.pending.length,
      ...(this.#url === '' ? {} : { max_connections: 40, ip_address: '127.0.0.1' }),
      ...(this.#lastError === undefined
        ? {}
        : { last_error_date: this.#lastError.date, last_error_message: this.#lastError.message }),
      allowed_updates: this.#bot.updates.allowed,
    }
  }

  /** Delivers what is there; does nothing while it is at it already, or without an address. */
  wake(): void {
    if (this.#running || this.#url === '' || !isLoopback(this.#url)) return
    this.#running = true
    void this.#deliverAll().finally(() => {
      this.#running = false
      if (this.#bot.updates.pending.length > 0 && !this.#bot.telegram.closing.signal.aborted) this.wake()
    })
  }

  async #deliverAll(): Promise<void> {
    const closing = this.#bot.telegram.closing.signal
    while (this.#url !== '' && !closing.aborted) {
      const update = this.#bot.updates.pending[0]
      if (update === undefined) return
      if (await this.#deliver(update, closing)) this.#bot.updates.confirm(update.update_id)
      else await sleep(RETRY_MS, undefined, { signal: closing }).catch(() => undefined)
    }
  }

  async #deliver(update: Update, closing: AbortSignal): Promise<boolean> {
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(this.#secret === '' ? {} : { 'x-telegram-bot-api-secret-token': this.#secret }),
        },
        body: JSON.stringify(update),
        signal: closing,
      })
      await response.arrayBuffer()
      if (response.ok) return true
      this.#failed(`Wrong response from the webhook: ${response.status} ${response.statusText}`)
    } catch {
      this.#failed('Connection refused')
    }
    return false
  }

  #failed(message: string): void {
    this.#lastError = { date: nowSeconds(), message }
  }
}

function isLoopback(url: string): boolean {
  return ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname)
}
