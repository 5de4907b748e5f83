// Parameters: what a request carries, read as Telegram reads it. On the wire every value is a string; JSON bodies may also
// hold numbers, booleans and objects, which mean the same. A number that is none reads as 0 and is refused where it is used.

import { badRequest } from './refusal.ts'

export interface UploadedFile {
  readonly fileName: string
  readonly mimeType: string
  readonly content: Uint8Array
}

export class Parameters {
  readonly values: Readonly<Record<string, unknown>>
  readonly files: ReadonlyMap<string, UploadedFile>

  constructor(values: Readonly<Record<string, unknown>>, files: ReadonlyMap<string, UploadedFile> = new Map()) {
    this.values = values
    this.files = files
  }

  has(name: string): boolean {
    return this.text(name) !== ''
  }

  /** The value as it would stand in a form; '' when it is absent. */
  text(name: string): string {
    const value = Object.hasOwn(this.values, name) ? this.values[name] : undefined
    if (value === undefined || value === null) return ''
    return typeof value === 'string' ? value : JSON.stringify(value)
  }

  integer(name: string, fallback = 0): number {
    return this.has(name) ? leadingInteger(this.text(name)) : fallback
  }

  integerWithin(name: string, bounds: { fallback: number; least: number; most: number }): number {
    return Math.min(Math.max(this.integer(name, bounds.fallback), bounds.least), bounds.most)
  }

  flag(name: string): boolean {
    return ['true', 'yes', '1'].includes(this.text(name).trim().toLowerCase())
  }

  /** The parsed value of a JSON parameter; undefined when it is absent. `label` is what Telegram calls it in its refusal. */
  json(name: string, label: string): unknown {
    const text = this.text(name)
    if (text === '') return undefined
    try {
      return JSON.parse(text)
    } catch {
      throw badRequest(`Can't parse ${label} JSON object`)
    }
  }

  /** An uploaded file: the field itself, or the one that it names with `attach://`. */
  file(name: string): UploadedFile | undefined {
    const text = this.text(name)
    return this.files.get(text.startsWith('attach://') ? text.slice('attach://'.length) : name)
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A field that must be there and be a string (a number is taken as one, as Telegram does). */
export function requiredString(object: Record<string, unknown>, name: string): string {
  const value = object[name]
  if (value === undefined || value === null) throw badRequest(`Can't find field "${name}"`)
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw badRequest(`Field "${name}" must be of type String`)
  }
  return String(value)
}

export function requiredInteger(object: Record<string, unknown>, name: string): number {
  const value = object[name]
  if (value === undefined || value === null) throw badRequest(`Can't find field "${name}"`)
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^-?\d+$/.test(value))
  if (!isNumber) throw badRequest(`Field "${name}" must be a Number`)
  return Math.trunc(Number(value))
}

function leadingInteger(text: string): number {
  const match = /^\s*-?\d+/.exec(text)
  return match === null ? 0 : Number(match[0])
}
