// Completion request: a body of the OpenAI API as a question to an agent, or why it is none.
//   What would change the meaning of the answer and is not done here is refused by name; what only tunes it is taken and does nothing,
//   and so is a key that nobody knows: clients of that API send many. README.md has the table.

import { TEXT_UNITS_MAX } from '../../machines/limits.ts'
import { briefText, type Earlier } from '../../machines/openai.ts'
import { Refusal } from './answers.ts'
import { type Fields, identifier, isObject, personName, readObject } from './body.ts'
import { COMPLETION_BYTES_MAX } from './limits.ts'

export interface CompletionRequest {
  readonly model: string
  /** The person; null: the client does not say. */
  readonly user: string | null
  /** The name of the conversation, by its header or by the person; null: it has none. */
  readonly name: string | null
  readonly text: string
  /** What stands before in the request. */
  readonly earlier: readonly Earlier[]
  readonly brief: string | null
  readonly stream: boolean
  readonly wantsUsage: boolean
  /** The client's own id of the request. */
  readonly messageId: string | null
}

export async function readCompletion(request: Request): Promise<CompletionRequest> {
  const fields = await readObject(request, COMPLETION_BYTES_MAX)
  const model = wanted(fields, 'model')
  for (const [key, { isHarmless, why }] of Object.entries(REFUSED)) {
    const value = fields[key]
    if (value !== undefined && value !== null && !isHarmless(value)) throw unsupported(key, why)
  }
  const user = person(fields, 'user')
  const name = header(request, 'x-conversation') ?? user
  const options = fields['stream_options']
  return {
    model,
    user: user ?? person(fields, 'safety_identifier'),
    name,
    ...spoken(fields['messages']),
    stream: isOn(fields, 'stream'),
    wantsUsage: isObject(options) && isOn(options, 'include_usage'),
    messageId: header(request, 'idempotency-key'),
  }
}

interface Unsupported {
  readonly isHarmless: (value: unknown) => boolean
  readonly why: string
}

const isEmpty = (value: unknown): boolean =>
  value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)

const TOOLS = 'An agent uses its own tools, and none of its client: leave them out.'

const REFUSED: Readonly<Record<string, Unsupported>> = {
  n: { isHarmless: (value) => value === 1, why: 'An agent gives one answer: leave it out, or say 1.' },
  tools: { isHarmless: isEmpty, why: TOOLS },
  functions: { isHarmless: isEmpty, why: TOOLS },
  response_format: {
    isHarmless: (value) => isObject(value) && value['type'] === 'text',
    why: 'An agent answers in text; another format is not promised.',
  },
  logprobs: { isHarmless: (value) => value === false, why: 'An agent has none.' },
  top_logprobs: { isHarmless: (value) => value === 0, why: 'An agent has none.' },
  logit_bias: { isHarmless: isEmpty, why: 'It does not reach the agent’s model.' },
  stop: { isHarmless: isEmpty, why: 'An agent’s answer is not cut.' },
  modalities: {
    isHarmless: (value) => Array.isArray(value) && value.every((each) => each === 'text'),
    why: 'An agent answers in text.',
  },
  audio: { isHarmless: () => false, why: 'An agent answers in text.' },
  web_search_options: { isHarmless: () => false, why: 'Whether an agent may search is said in its definition.' },
}

// --- messages ---------------------------------------------------------------------------------------------------------

type Spoken = Pick<CompletionRequest, 'text' | 'earlier' | 'brief'>

function spoken(messages: unknown): Spoken {
  if (!Array.isArray(messages)) throw missing('messages', 'a list of messages')
  if (messages.length === 0) throw bad('messages', '"messages" must hold at least one message.')
  const read = messages.map(messageOf)
  const brief = read.flatMap(({ role, text }) => (role === 'system' && text.trim() !== '' ? [text] : [])).join('\n\n')
  const said = read.flatMap(({ role, text }): Earlier[] => (role === 'system' ? [] : [{ role, text }]))
  const newest = said.findLastIndex(({ role }) => role === 'assistant') + 1
  const text = said
    .slice(newest)
    .map((message) => message.text)
    .join('\n\n')
    .toWellFormed()
  if (newest === said.length) throw bad('messages', 'The last message must be the user’s: an agent answers it.')
  if (text.trim() === '') throw bad('messages', 'The user’s message must not be blank.')
  if (text.length > TEXT_UNITS_MAX) {
    const message = `The user’s message has ${text.length} characters; at most ${TEXT_UNITS_MAX} are taken.`
    throw new Refusal(413, 'string_above_max_length', message).about('messages')
  }
  const earlier = said.slice(0, newest).filter((message) => message.text.trim() !== '')
  return { text, earlier, brief: brief === '' ? null : briefText(brief.toWellFormed()) }
}

interface Message {
  readonly role: 'system' | Earlier['role']
  readonly text: string
}

function messageOf(message: unknown, index: number): Message {
  const place = `messages[${index}]`
  if (!isObject(message)) throw bad(place, `"${place}" must be an object.`)
  const { role, content, refusal, tool_calls: calls } = message
  if (role === 'tool' || role === 'function' || (calls !== undefined && calls !== null && !isEmpty(calls)))
    throw unsupported(place, `Calls of a client’s tools are not taken. ${TOOLS}`)
  if (role === 'system' || role === 'developer') return { role: 'system', text: textOf(content, place) }
  // As clients give an answer back that had no text: a refusal, or nothing.
  if (role === 'assistant' && (content ?? null) === null)
    return { role, text: typeof refusal === 'string' ? refusal : '' }
  if (role === 'user' || role === 'assistant') return { role, text: textOf(content, place) }
  throw bad(place, `"${place}.role" must be one of system, developer, user, assistant.`)
}

function textOf(content: unknown, place: string): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw bad(place, `"${place}.content" must be text, or a list of parts.`)
  const parts = content.map((part: unknown): string => {
    const { type, text, refusal } = isObject(part) ? part : {}
    if (type === 'text' && typeof text === 'string') return text
    if (type === 'refusal' && typeof refusal === 'string') return refusal
    throw unsupported(place, `A part of the type ${JSON.stringify(type ?? null)} is not taken: only text is.`)
  })
  return parts.join('\n')
}

// --- fields -----------------------------------------------------------------------------------------------------------

function wanted(fields: Fields, key: string): string {
  if (typeof fields[key] !== 'string') throw missing(key, 'a string')
  return identifier(fields, key)
}

/** null: not given, as most clients say it. */
function person(fields: Fields, key: string): string | null {
  const value = fields[key]
  return value === undefined || value === null || value === '' ? null : personName(fields, key)
}

function header(request: Request, name: string): string | null {
  const value = request.headers.get(name)
  return value === null || value === '' ? null : identifier({ [name]: value }, name)
}

function isOn(fields: Fields, key: string): boolean {
  const value = fields[key] ?? false
  if (typeof value !== 'boolean') throw bad(key, `"${key}" must be true or false.`)
  return value
}

function missing(key: string, what: string): Refusal {
  return bad(key, `"${key}" is missing, or is not ${what}.`)
}

function bad(param: string, message: string): Refusal {
  return new Refusal(400, 'invalid_value', message).about(param)
}

function unsupported(param: string, why: string): Refusal {
  return new Refusal(400, 'unsupported_parameter', `"${param}" is not supported here. ${why}`).about(param)
}
