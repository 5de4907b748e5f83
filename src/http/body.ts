// Body: a JSON object out of a request, with nothing in it that the route does not know.
// Refuses by name; a body over the limit is not read to its end.

import { isSchedule, SCHEDULE_PREFIX } from '../../machines/due.ts'
import { TEXT_UNITS_MAX } from '../../machines/limits.ts'
import { Refusal } from './answers.ts'
import { BODY_BYTES_MAX, DISCARDED_BYTES_MAX, IDENTIFIER_UNITS_MAX } from './limits.ts'

export type Fields = Readonly<Record<string, unknown>>

/** The body as an object, whatever its keys. */
export async function readObject(request: Request, bytesMax = BODY_BYTES_MAX): Promise<Fields> {
  checkType(request.headers)
  const text = await readText(request, bytesMax)
  if (text.trim() === '') throw new Refusal(400, 'bad_json', 'The body is empty; a JSON object was expected.')
  const value = parse(text)
  if (!isObject(value)) throw new Refusal(400, 'bad_type', 'The body must be a JSON object.')
  return value
}

/** The body as an object that has no key but `known`. */
export async function readFields(request: Request, known: readonly string[]): Promise<Fields> {
  const value = await readObject(request)
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      throw new Refusal(
        400,
        'unknown_key',
        `The key ${JSON.stringify(key.slice(0, 64))} is unknown; known are ${known.join(', ')}.`,
      )
    }
  }
  return value
}

/** A name of something: 1 to 256 characters, none of them a control character. */
export function identifier(fields: Fields, key: string, unitsMax = IDENTIFIER_UNITS_MAX): string {
  const value = string(fields, key)
  if (value.length > unitsMax) {
    const message = `"${key}" has ${value.length} characters; at most ${unitsMax} are taken.`
    throw new Refusal(400, 'too_long', message).about(key)
  }
  // "." and ".." vanish from URLs, and half a surrogate pair cannot be written in one.
  if (value === '.' || value === '..' || !value.isWellFormed() || /\p{Cc}/u.test(value)) {
    throw new Refusal(400, 'bad_value', `"${key}" holds characters that no address can hold.`).about(key)
  }
  return value
}

/** What a person is called. Schedules speak in conversations too, and nobody else is called as they are. */
export function personName(fields: Fields, key: string): string {
  const id = identifier(fields, key)
  if (!isSchedule({ id })) return id
  const message = `"${key}" must not begin with "${SCHEDULE_PREFIX}", which is what schedules are called here.`
  throw new Refusal(400, 'reserved_name', message).about(key)
}

/** What somebody says: not blank, at most 65,536 UTF-16 units. */
export function spokenText(fields: Fields, key: string): string {
  const value = string(fields, key)
  if (value.length > TEXT_UNITS_MAX) {
    throw new Refusal(413, 'too_long', `"${key}" has ${value.length} characters; at most ${TEXT_UNITS_MAX} are taken.`)
  }
  if (value.trim() === '') throw new Refusal(400, 'bad_value', `"${key}" must not be blank.`)
  return value.toWellFormed()
}

export function flag(fields: Fields, key: string): boolean {
  const value = fields[key]
  if (typeof value !== 'boolean') throw new Refusal(400, 'bad_type', `"${key}" must be true or false.`)
  return value
}

function string(fields: Fields, key: string): string {
  const value = fields[key]
  if (value === undefined) throw new Refusal(400, 'missing_key', `"${key}" is missing.`).about(key)
  if (typeof value !== 'string') throw new Refusal(400, 'bad_type', `"${key}" must be a string.`).about(key)
  if (value === '') throw new Refusal(400, 'bad_value', `"${key}" must not be empty.`).about(key)
  return value
}

function checkType(headers: Headers): void {
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  // A page of another site can send anything but JSON without asking first.
  if (type !== 'application/json') {
    throw new Refusal(415, 'bad_content_type', 'The body must be sent with "Content-Type: application/json".')
  }
  const encoding = headers.get('content-encoding')
  if (encoding !== null && encoding.toLowerCase() !== 'identity') {
    throw new Refusal(415, 'bad_content_encoding', 'The body must be sent without Content-Encoding.')
  }
}

async function readText(request: Request, bytesMax: number): Promise<string> {
  const reader = request.body?.getReader()
  const readMax = bytesMax + DISCARDED_BYTES_MAX
  if (Number(request.headers.get('content-length') ?? 0) > readMax) throw tooLarge(bytesMax).with(CLOSING)
  if (reader === undefined) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    bytes += read.value.byteLength
    // The rest is not cancelled here: that would cut the connection before the answer is out.
    if (bytes > readMax) throw tooLarge(bytesMax).with(CLOSING)
    if (bytes <= bytesMax) chunks.push(read.value)
  }
  if (bytes > bytesMax) throw tooLarge(bytesMax)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    throw new Refusal(400, 'bad_json', 'The body is not valid UTF-8.')
  }
}

function tooLarge(bytesMax: number): Refusal {
  return new Refusal(413, 'too_large', `The body is larger than ${bytesMax} bytes.`)
}

/** Its body was not read to its end. */
const CLOSING = { Connection: 'close' }

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Refusal(400, 'bad_json', 'The body is not valid JSON.')
  }
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
