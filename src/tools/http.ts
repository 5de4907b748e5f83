// HTTP: the tools that read and send over the web, to public hosts and to those that the agent's `http: allow` lists.
//   http_get reads; http_request may change something at the other side, so a person is asked first.
//   An address is a way to carry data out: whoever minds asks for approval of http_get too.

import type { World } from '../world.ts'
import { textOf } from './arguments.ts'
import { refused } from './failures.ts'
import { htmlText } from './html-text.ts'
import { BODY_BYTES_MAX, type Fetched, fetchOnce, type Resolve, resolveName } from './http-fetch.ts'
import type { Tool, ToolInput } from './tool.ts'

export interface HttpParts {
  readonly allow: readonly string[]
  readonly world: World
  /** For tests; left out: the system's. */
  readonly resolve?: Resolve
}

/** Shown to the model, in UTF-16 units: about 12,000 tokens. */
const SHOWN_UNITS_MAX = 48 * 1024

/** Sent in one call. */
const BODY_UNITS_MAX = 256 * 1024

export function httpTools({ allow, world, resolve = resolveName }: HttpParts): Tool[] {
  const parts = { allow, world, resolve }
  return [
    {
      name: 'http_get',
      description: 'Reads an address of the web. A page is given as its text; with "as": "source" as it was sent.',
      parameters: object({ url: URL_KEY, as: AS }),
      changes: false,
      idempotent: true,
      call: async (input, { signal }) => {
        const url = textOf(input, 'url')
        return told(await fetchOnce({ method: 'GET', url, headers: {}, body: null, signal }, parts), input)
      },
    },
    {
      name: 'http_request',
      description: 'Sends a request over HTTP, for example to an API: method, headers and a body of your choice.',
      parameters: object({
        url: URL_KEY,
        method: { enum: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'], default: 'POST' },
        headers: { type: 'object', additionalProperties: { type: 'string', maxLength: 4_096 }, maxProperties: 32 },
        body: { type: 'string', maxLength: BODY_UNITS_MAX },
        as: AS,
      }),
      changes: true,
      idempotent: false,
      call: async (input, { signal }) => {
        const method = textOf(input, 'method', 'POST')
        const body = typeof input['body'] === 'string' ? input['body'] : null
        if (body !== null && (method === 'GET' || method === 'HEAD')) throw refused(`${method} has no body`)
        const url = textOf(input, 'url')
        return told(await fetchOnce({ method, url, headers: headersOf(input['headers']), body, signal }, parts), input)
      },
    },
  ]
}

const URL_KEY = { type: 'string', minLength: 8, maxLength: 8_192, description: 'Whole, with http:// or https://.' }
const AS = { enum: ['text', 'source'], default: 'text' }

function object(properties: Readonly<Record<string, object>>) {
  return { type: 'object', properties, required: ['url'], additionalProperties: false }
}

/** Headers that belong to the connection and are ours. */
const OURS = /^(host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*)$/i

function headersOf(given: unknown): Record<string, string> {
  const entries = Object.entries(typeof given === 'object' && given !== null ? given : {})
  const ours = entries.find(([name]) => OURS.test(name))
  if (ours !== undefined) throw refused(`the header ${ours[0]} cannot be set here`)
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), String(value)]))
}

function told(fetched: Fetched, input: ToolInput): string {
  const { status, url, contentType, bytes, isCut } = fetched
  const about = `[${status} from ${url}, ${contentType === '' ? 'no content type' : contentType}]`
  const text = decoded(fetched)
  if (text === null) return `${about}\n[not text: ${isCut ? `more than ${BODY_BYTES_MAX}` : bytes.length} bytes]`
  const shown = input['as'] !== 'source' && /\bx?html\b/i.test(contentType) ? htmlText(text) : text
  const isShort = shown.length <= SHOWN_UNITS_MAX && !isCut
  return `${about}\n${shown.slice(0, SHOWN_UNITS_MAX).toWellFormed()}${isShort ? '' : '\n[the rest is left out]'}`
}

/** null: it is no text. */
function decoded({ contentType, bytes }: Fetched): string | null {
  const charset = /charset\s*=\s*"?([\w-]+)/i.exec(contentType)?.[1] ?? 'utf-8'
  if (/^(image|audio|video|font)\//i.test(contentType) || bytes.subarray(0, 8_192).includes(0)) return null
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return new TextDecoder().decode(bytes)
  }
}
