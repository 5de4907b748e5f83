// Model request: reads a request to the model server and refuses what a real OpenAI-compatible server would refuse,
// the strict ones among them: roles that do not alternate, empty texts, keys that nobody knows.

import type { IncomingMessage } from 'node:http'

export interface WireMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export interface ModelRequest {
  /** When its body was complete: performance.now. */
  readonly atMs: number
  readonly model: string
  readonly messages: readonly WireMessage[]
  readonly stream: boolean
  readonly wantsUsage: boolean
  /** The bearer token; null: none came. */
  readonly key: string | null
}

export interface Refused {
  readonly status: number
  readonly message: string
  readonly code?: string
}

export type Checked = { readonly request: ModelRequest } | { readonly list: object } | { readonly refusal: Refused }

/** More than any test sends; a body beyond it is a mistake. */
const BODY_BYTES_MAX = 16 * 1024 * 1024

const KNOWN_KEYS = new Set(
  ['model', 'messages', 'stream', 'stream_options', 'temperature', 'top_p', 'stop', 'seed', 'user', 'n'].concat(
    ['max_tokens', 'max_completion_tokens', 'presence_penalty', 'frequency_penalty', 'response_format'],
    ['tools', 'tool_choice', 'reasoning_effort'],
  ),
)

export async function checkRequest(
  incoming: IncomingMessage,
  expected: { readonly key?: string; readonly model?: string },
): Promise<Checked> {
  const path = new URL(incoming.url ?? '/', 'http://host').pathname
  const key = /^Bearer (.+)$/.exec(incoming.headers.authorization ?? '')?.[1] ?? null
  if (expected.key !== undefined && key !== expected.key)
    return refuse(401, 'incorrect API key provided', 'invalid_api_key')
  if (path === '/v1/models' && incoming.method === 'GET') {
    return { list: { object: 'list', data: [{ id: expected.model ?? 'any', object: 'model' }] } }
  }
  if (path !== '/v1/chat/completions') return refuse(404, `no such route: ${path}`)
  if (incoming.method !== 'POST') return refuse(405, `no ${incoming.method} here`)
  if (!/^application\/json\b/.test(incoming.headers['content-type'] ?? ''))
    return refuse(415, 'content-type is not JSON')
  const body = parse(await bodyOf(incoming))
  if (body === null) return refuse(400, 'the body is not a JSON object')
  const problem = problemOf(body)
  if (problem !== null) return refuse(400, problem)
  // problemOf has looked at each of these.
  const { model, messages, stream = false, stream_options: options } = body as unknown as RawRequest
  if (expected.model !== undefined && model !== expected.model)
    return refuse(404, `no model ${model}`, 'model_not_found')
  const read = messages.map(({ role, content }) => ({ role, content: textOf(content) ?? '' }))
  const wantsUsage = options?.include_usage === true
  return { request: { atMs: performance.now(), model, messages: read, stream, wantsUsage, key } }
}

interface RawRequest {
  readonly model: string
  readonly messages: readonly { readonly role: WireMessage['role']; readonly content: unknown }[]
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean }
}

/** The first thing that a strict server would not take; null: nothing. */
function problemOf(body: Record<string, unknown>): string | null {
  const unknown = Object.keys(body).find((name) => !KNOWN_KEYS.has(name))
  if (unknown !== undefined) return `unrecognized request argument: ${unknown}`
  if (typeof body['model'] !== 'string' || body['model'] === '') return 'you must provide a model'
  if (body['stream'] !== undefined && typeof body['stream'] !== 'boolean') return 'stream is not a boolean'
  if (body['stream_options'] !== undefined && body['stream'] !== true) return 'stream_options only with stream: true'
  const { messages } = body
  if (!Array.isArray(messages) || messages.length === 0) return 'messages is not a list with something in it'
  let previous: unknown = null
  for (const [index, message] of messages.entries()) {
    const { role, content } = record(message) ?? {}
    if (role !== 'system' && role !== 'user' && role !== 'assistant')
      return `messages[${index}].role is ${String(role)}`
    const text = textOf(content)
    if (text === null) return `messages[${index}].content is no text`
    if (text.trim() === '') return `messages[${index}].content is empty`
    if (role === 'system' && index > 0) return 'the system message stands first'
    if (role === 'assistant' && previous !== 'user') return `messages[${index}]: roles must alternate user/assistant`
    if (role === 'user' && previous === 'user') return `messages[${index}]: roles must alternate user/assistant`
    previous = role
  }
  return previous === 'user' ? null : 'the last message is not from the user'
}

function textOf(content: unknown): string | null {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return null
  const texts = content.map((part) => record(part)?.['text'])
  return texts.every((text) => typeof text === 'string') ? texts.join('') : null
}

function refuse(status: number, message: string, code?: string): Checked {
  return { refusal: code === undefined ? { status, message } : { status, message, code } }
}

function parse(text: string): Record<string, unknown> | null {
  try {
    return record(JSON.parse(text))
  } catch {
    return null
  }
}

function record(value: unknown): Record<string, unknown> | null {
  // What JSON.parse gives for an object has string keys and nothing else.
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
