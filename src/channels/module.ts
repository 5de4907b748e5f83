// Module: the adapter of a channel whose platform a user's own module speaks to: loaded for each connection, and kept to the contract.
//   Its code runs in this process, with all that this process may do: it is the operator's.
//   A3. What it throws leaves without the channel's token.
//   A file that was changed is loaded by the next connection.

import { assert, type Failure, FailureError, failureOf } from '../../machines/failure.ts'
import type { Attachment } from '../../machines/media.ts'
import type { Inbound, Progress } from '../../machines/messages.ts'
import type { Adapter, AdapterParts, Door, Fetching, Identity, Outgoing, Receipt } from './adapter.ts'
import type { OwnAdapter } from './define-channel.ts'
import { loadChannel, moduleName } from './module-load.ts'
import { asModule, type Outside } from './module-scope.ts'

export function createModuleAdapter(parts: AdapterParts): Adapter {
  return new ModuleAdapter(parts)
}

class ModuleAdapter implements Adapter {
  readonly #parts: AdapterParts
  readonly #path: string
  /** For people. */
  readonly #name: string
  /** Of the newest connection, or of a send before the first one. */
  #adapter: OwnAdapter | null = null

  constructor(parts: AdapterParts) {
    const { module } = parts.definition
    assert(module !== null, 'a channel of a module has a definition that names it')
    this.#parts = parts
    this.#path = module
    this.#name = moduleName(module)
  }

  async run(door: Door, signal: AbortSignal): Promise<void> {
    const adapter = await this.#load()
    if (signal.aborted) return
    const run = (outside: Outside): Promise<void> => {
      const guarded: Door = {
        live: (identity) => outside(() => door.live(identity)),
        receive: async (message) => outside(() => door.receive(whole(message))),
      }
      return adapter.run(guarded, signal)
    }
    try {
      await this.#within(AWAY, run)
    } catch (error) {
      // Ended on purpose, whatever it says of its end.
      if (!signal.aborted) throw error
    }
  }

  async send(outgoing: Outgoing, part: number, signal: AbortSignal): Promise<Receipt> {
    const adapter = this.#adapter ?? (await this.#load())
    const receipt = await this.#within(IN_DOUBT, () => adapter.send(outgoing, part, signal))
    if (isReceipt(receipt)) return receipt
    throw new FailureError({ ...NO_RECEIPT, message: `send of ${this.#path} resolved without a receipt` })
  }

  show(conversation: string, progress: Progress): void {
    try {
      asModule(this.#name, () => this.#adapter?.show?.(conversation, progress))
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'the module of a channel failed to show something')
    }
  }

  async fetch(attachment: Attachment, fetching: Fetching): Promise<void> {
    const adapter = this.#adapter ?? (await this.#load())
    if (adapter.fetch === undefined) throw new FailureError(NO_FILES)
    const { take } = fetching
    await this.#within(AWAY, async (outside) =>
      adapter.fetch?.(attachment, { ...fetching, take: (piece) => outside(() => take(piece)) }),
    )
  }

  async probe(signal: AbortSignal): Promise<Identity> {
    const adapter = await loadChannel(this.#path, this.#parts)
    return this.#within(AWAY, () => adapter.probe(signal))
  }

  async #load(): Promise<OwnAdapter> {
    this.#adapter = await loadChannel(this.#path, this.#parts)
    return this.#adapter
  }

  /** Foreseen failures as they are; of anything else that is thrown, its words. */
  async #within<T>(usual: Failure, work: (outside: Outside) => Promise<T>): Promise<T> {
    try {
      return await asModule(this.#name, work)
    } catch (thrown) {
      const { definition, secret } = this.#parts
      const failure = carriedBy(thrown) ?? { ...usual, message: `${usual.message}: ${wordsOf(thrown)}` }
      const token = definition.token === null ? '' : secret(definition.token)
      const message = token === '' ? failure.message : failure.message.replaceAll(token, '[token]')
      if (thrown instanceof FailureError && message === failure.message) throw thrown
      throw new FailureError({ ...failure, message }, { cause: thrown })
    }
  }
}

const AWAY: Failure = { kind: 'retryable', reason: 'unavailable', message: 'the platform is away' }
const IN_DOUBT: Failure = { ...AWAY, message: 'the platform may not have taken it', uncertain: true }
const NO_RECEIPT = { kind: 'permanent', reason: 'refused', uncertain: true } as const
const NO_FILES = { kind: 'permanent', reason: 'notFound', message: 'this platform has no files' } as const

/** Of a module's own words. */
const SAID_UNITS_MAX = 500

function wordsOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, SAID_UNITS_MAX)
}

/** The module may have its FailureError from another copy of this package than the one that runs. */
function carriedBy(thrown: unknown): Failure | null {
  if (thrown instanceof FailureError) return failureOf(thrown)
  const carried: unknown = thrown instanceof Error && 'failure' in thrown ? thrown.failure : null
  if (typeof carried !== 'object' || carried === null || !('kind' in carried && 'reason' in carried)) return null
  const isKnown = carried.kind === 'retryable' || carried.kind === 'permanent'
  return isKnown && 'message' in carried && typeof carried.message === 'string' ? (carried as Failure) : null // as: looked at
}

function isReceipt(given: unknown): given is Receipt {
  if (typeof given !== 'object' || given === null || !('receipt' in given && 'last' in given)) return false
  return typeof given.receipt === 'string' && typeof given.last === 'boolean'
}

/** What every message has, and of which type: a module in JavaScript learns of its slip here, by name. */
const MEMBERS = {
  conversation: 'string',
  platformMessageId: 'string',
  kind: 'string',
  sender: 'object',
  text: 'string',
  addressed: 'boolean',
  album: 'object',
  attachments: 'object',
  continues: 'boolean',
} as const satisfies Partial<Record<keyof Inbound, string>>

function whole(message: Inbound): Inbound {
  const wrong = Object.entries(MEMBERS).find(([key, type]) => {
    const value = new Map<string, unknown>(Object.entries(message)).get(key)
    return typeof value !== type && !(key === 'album' && typeof value === 'string')
  })
  if (wrong === undefined) return message
  throw new TypeError(`door.receive was given a message whose ${wrong[0]} is not of the type ${wrong[1]}`)
}
