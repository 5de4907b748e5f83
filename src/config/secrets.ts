// Secrets: the only place where the values of secrets live.
//   A3. No value leaves through printing, JSON or inspection; `resolve` hands one out, `redact` takes them out of texts.
//   A value that was replaced stays where it was: whoever holds an earlier definition goes on with the earlier value.

import { inspect } from 'node:util'
import type { GatewayDefinition, SecretReference } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'

/** One secret of the file. */
export interface SecretEntry {
  /** Its place, for example `channels.telegram_cfo.token`. */
  readonly secret: string
  /** null: its variable is not set. */
  readonly value: string | null
  /** The variable that gives it; null when it stands in the file itself. */
  readonly variable: string | null
  /** What of it is hidden in texts; left out: its value. */
  readonly redacted?: readonly string[]
}

/** A shorter value is in every text by chance; taking it out would leave nothing readable. */
const PLAIN_UNITS_MIN = 4

/** Parts of shorter values in base64 are too short to be told from other text. */
const ENCODED_BYTES_MIN = 8

/** The bot's id, and 30 or more characters; also with the colon as it stands in an encoded URL. */
const TELEGRAM_TOKEN = String.raw`\d{6,20}(?::|%3[Aa])[A-Za-z0-9_-]{30,}`

const HIDDEN = '[secret]'

export class Secrets {
  #entries: ReadonlyMap<string, SecretEntry>
  /** Every value that stood at a place, in the order of their coming; a reference says which one it means. */
  readonly #values = new Map<string, (string | null)[]>()
  /** Also values that a newer load replaced: they may still stand in an error of an older request. */
  readonly #known = new Set<string>()
  #pattern: RegExp

  constructor(entries: readonly SecretEntry[]) {
    this.#entries = new Map(entries.map((entry) => [entry.secret, entry]))
    for (const { secret, value } of entries) this.#values.set(secret, [value])
    this.#pattern = this.#learn()
  }

  /** The value at this moment; throws FailureError `missing` with the variable's name. */
  resolve(reference: SecretReference): string {
    const value = this.#values.get(reference.secret)?.[reference.renewed ?? 0]
    if (value != null) return value
    const variable = this.#entries.get(reference.secret)?.variable ?? null
    throw new FailureError({
      kind: 'permanent',
      reason: 'missing',
      message: variable === null ? `${reference.secret} is not set` : `the variable ${variable} is not set`,
      remedy: variable === null ? `Set ${reference.secret} in the file.` : `Set ${variable} and reconnect.`,
    })
  }

  /** Every known value, for a check that none of them stands where it should not. */
  values(): string[] {
    return [...this.#known]
  }

  /** The text without any known value, whether plain, in a URL, in JSON or in base64, and without anything that looks like a bot token. */
  redact(text: string): string {
    return text.replace(this.#pattern, HIDDEN)
  }

  /**
   * Takes over a newer load of the same file, and gives its definition back with references to the values that are new. The
   * older ones stay hidden in texts.
   */
  adopt(newer: Secrets, definition: GatewayDefinition): GatewayDefinition {
    this.#entries = newer.#entries
    for (const { secret, value } of newer.#entries.values()) {
      const values = this.#values.get(secret) ?? []
      this.#values.set(secret, values.includes(value) ? values : [...values, value])
    }
    this.#pattern = this.#learn()
    return this.#renewed(definition)
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [inspect.custom](): string {
    return HIDDEN
  }

  /** The same plain data, frozen; what refers to a secret says which of its values is the newest. */
  #renewed<T>(part: T): T {
    if (typeof part !== 'object' || part === null) return part
    if (Array.isArray(part)) return Object.freeze(part.map((item) => this.#renewed(item))) as T // as: an array of the same parts
    const parts = Object.entries(part).map(([key, value]) => [key, this.#renewed(value)])
    const renewed = 'secret' in part ? this.#renewals(part.secret) : 0
    return Object.freeze({ ...Object.fromEntries(parts), ...(renewed === 0 ? {} : { renewed }) }) as T // as: the same keys
  }

  #renewals(secret: unknown): number {
    const entry = typeof secret === 'string' ? this.#entries.get(secret) : undefined
    return entry === undefined ? 0 : Math.max(0, this.#values.get(entry.secret)?.indexOf(entry.value) ?? 0)
  }

  #learn(): RegExp {
    for (const { value, redacted = [value ?? ''] } of this.#entries.values())
      for (const hidden of redacted) if (hidden !== '') this.#known.add(hidden)
    const forms = new Set([...this.#known].flatMap(formsOf))
    // The longest first: a value may be the beginning of another.
    const literals = [...forms]
      .sort((a, b) => b.length - a.length)
      .map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'))
    return new RegExp([...literals, TELEGRAM_TOKEN].join('|'), 'g')
  }
}

function formsOf(value: string): string[] {
  if (value.length < PLAIN_UNITS_MIN) return []
  const wellFormed = value.toWellFormed()
  const encoded = encodeURIComponent(wellFormed)
  const form = new URLSearchParams({ v: wellFormed }).toString().slice(2)
  const lowerHex = encoded.replace(/%../g, (code) => code.toLowerCase())
  const plain = [value, JSON.stringify(value).slice(1, -1), encoded, lowerHex, form]
  return [...plain, ...base64FormsOf(Buffer.from(value))]
}

/** What stands in a longer base64 text that contains the value, for each of the three places where it can begin. */
function base64FormsOf(bytes: Buffer): string[] {
  if (bytes.length < ENCODED_BYTES_MIN) return []
  return [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const begin = [0, 2, 3][shift] ?? 0
    const whole = (shift + bytes.length) % 3 === 0
    const inner = text.slice(begin, whole ? undefined : -1)
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')]
  })
}
