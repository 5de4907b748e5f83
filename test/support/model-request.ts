// Model request: reads a request to the model server and refuses what a real OpenAI-compatible server would refuse,
// the strict ones among them: roles that do not alternate, empty texts, keys that nobody knows.

import type { IncomingMessage } from 'node:http'

export interface WireMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly content: string
  /** The pictures in it; left out: none. */
  readonly images?: readonly Buffer[]
  /** What an assistant's message asks for; left out: nothing. */
  readonly calls?: readonly WireCall[]
  /** The call that a tool's message answers. */
  readonly answers?: string
}

export interface WireCall {
  readonly id: string
  readonly name: string
  /** JSON, as the model wrote it. */
  readonly arguments: string
}

export interface ModelRequest {
  /** When its body was complete: performance.now. */
  readonly atMs: number
  readonly model: string
  readonly messages: readonly WireMessage[]
  readonly stream: boolean
  readonly wantsUsage: boolean
  /** Names of the tools that the model is told of. */
  readonly tools: readonly string[]
  /** Whether it may ask for them. */
  readonly mayCall: boolean
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
  const { model, messages, stream = false, stream_options: options, tools = [] } = body as unknown as RawRequest
  if (expected.model !== undefined && model !== expected.model)
    return refuse(404, `no model ${model}`, 'model_not_found')
  const wantsUsage = options?.include_usage === true
  const mayCall = tools.length > 0 && body['tool_choice'] !== 'none'
  const told = { tools: tools.map((tool) => tool.function.name), mayCall }
  return { request: { atMs: performance.now(), model, messages: messages.map(read), stream, wantsUsage, ...told, key } }
}

function read({ role, content, tool_calls: calls, tool_call_id: answers }: RawMessage): WireMessage {
  const images = imagesIn(content)
  const message = { role, content: textOf(content) ?? '', ...(images.length === 0 ? {} : { images }) }
  if (answers !== undefined) return { ...message, answers }
  if (calls === undefined) return message
  return {
    ...message,
    calls: calls.map(({ id, function: { name, arguments: given } }) => ({ id, name, arguments: given })),
  }
}

interface RawRequest {
  readonly model: string
  readonly messages: readonly RawMessage[]
  readonly tools?: readonly { readonly function: { readonly name: string } }[]
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean }
}

interface RawMessage {
  readonly role: WireMessage['role']
  readonly content: unknown
  readonly tool_calls?: readonly RawCall[]
  readonly tool_call_id?: string
}

interface RawCall {
  readonly id: string
  readonly function: { readonly name: string; readonly arguments: string }
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
  return problemOfMessages(messages, toolNames(body['tools']))
}

/** Roles alternate; calls stand in an assistant's message, and the results of all of them follow it at once. */
function problemOfMessages(messages: readonly unknown[], tools: readonly string[]): string | null {
  let previous: unknown = null
  const open = new Set<string>()
  for (const [index, message] of messages.entries()) {
    const at = `messages[${index}]`
    const { role, content, tool_calls: calls, tool_call_id: answers } = record(message) ?? {}
    if (role === 'tool') {
      if (typeof answers !== 'string' || !open.delete(answers)) return `${at} answers no call that is open`
      if (textOf(content) === null) return `${at}.content is no text`
      previous = open.size === 0 ? 'tool' : 'assistant with open calls'
      continue
    }
    if (open.size > 0) return `${at}: the calls before it have no result`
    const problem = problemOfSpoken(at, { role, content, calls, index })
    if (problem !== null) return problem
    if (role === 'assistant' && previous !== 'user' && previous !== 'tool')
      return `${at}: roles must alternate user/assistant`
    if (role === 'user' && previous === 'user') return `${at}: roles must alternate user/assistant`
    for (const call of callsOf(calls)) {
      if (!tools.includes(call.function.name))
        return `${at} calls ${call.function.name}, which is no tool of this request`
      open.add(call.id)
    }
    previous = role
  }
  if (open.size > 0) return 'the last calls have no result'
  return previous === 'user' || previous === 'tool' ? null : 'the last message is not from the user'
}

interface SpokenMessage {
  readonly role: unknown
  readonly content: unknown
  readonly calls: unknown
  readonly index: number
}

function problemOfSpoken(at: string, { role, content, calls, index }: SpokenMessage): string | null {
  if (role !== 'system' && role !== 'user' && role !== 'assistant') return `${at}.role is ${String(role)}`
  if (role === 'system' && index > 0) return 'the system message stands first'
  if (role === 'assistant' && callsOf(calls).length > 0 && (content === null || content === '')) return null
  const text = textOf(content)
  if (text === null) return `${at}.content is no text`
  return text.trim() === '' ? `${at}.content is empty` : null
}

/** Names as every provider takes them. */
function toolNames(tools: unknown): string[] {
  if (!Array.isArray(tools)) return []
  const names = tools.map((tool) => String(record(record(tool)?.['function'])?.['name']))
  return names.filter((name) => /^[a-zA-Z0-9_-]{1,64}$/.test(name))
}

function callsOf(calls: unknown): readonly RawCall[] {
  if (!Array.isArray(calls)) return []
  return calls.filter((call) => typeof record(record(call)?.['function'])?.['arguments'] === 'string') as RawCall[] // Looked at.
}

/** Parts that are neither text nor a picture as servers take it make it none. */
function textOf(content: unknown): string | null {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return null
  const others = content.filter((part) => record(part)?.['type'] !== 'image_url')
  const texts = others.map((part) => record(part)?.['text'])
  const isWhole = texts.every((text) => typeof text === 'string')
  return isWhole && imagesIn(content).length === content.length - others.length ? texts.join('') : null
}

/** The bytes of its pictures. */
function imagesIn(content: unknown): Buffer[] {
  if (!Array.isArray(content)) return []
  return content.flatMap((part) => {
    const url = record(record(part)?.['image_url'])?.['url']
    const data =
      typeof url === 'string' ? /^data:image\/(?:jpeg|png|gif|webp);base64,([A-Za-z0-9+/=]+)$/.exec(url) : null
    return data?.[1] === undefined ? [] : [Buffer.from(data[1], 'base64')]
  })
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
