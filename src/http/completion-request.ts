// Completion request: a body of the OpenAI API as a question to an agent, or why it is none.
//   What would change the meaning of the answer and is not done here is refused by name; what only tunes it is taken and does nothing,
//   and so is a key that nobody knows: clients of that API send many. README.md has the table.

import { FILES_MAX, SHOWN_AGAIN_TURNS, TEXT_UNITS_MAX } from '../../machines/limits.ts'
import { type Attachment, writtenText } from '../../machines/media.ts'
import { briefText, type Earlier } from '../../machines/openai.ts'
import { type Fields, identifier, isObject, personName } from './body.ts'
import { type CompletionBody, type Content, contentOf, readBody } from './completion-parts.ts'
import { bad, missing, tooLong, tooManyFiles, unsupported } from './completion-refusals.ts'
import type { MessageFiles } from './uploads.ts'

export interface CompletionRequest {
  readonly model: string
  /** The person; null: the client does not say. */
  readonly user: string | null
  /** The name of the conversation, by its header or by the person; null: it has none. */
  readonly name: string | null
  readonly text: string
  /** What came with it; without a name of the conversation also what came with the turns right before. */
  readonly attachments: readonly Attachment[]
  /** What stands before in the request. */
  readonly earlier: readonly Earlier[]
  readonly brief: string | null
  readonly stream: boolean
  readonly wantsUsage: boolean
  /** The client's own id of the request. */
  readonly messageId: string | null
}

/** Puts the files in it where `files` has them, and lets go of those that are not needed. */
export async function readCompletion(request: Request, files: MessageFiles): Promise<CompletionRequest> {
  const body = await readBody(request, files)
  const wish = completionIn(request, body)
  await files.only(wish.attachments.map(({ reference }) => reference))
  return wish
}

function completionIn(request: Request, { fields, lifted }: CompletionBody): CompletionRequest {
  const model = wanted(fields, 'model')
  for (const [key, { isHarmless, why }] of Object.entries(REFUSED)) {
    const value = fields[key]
    if (value !== undefined && value !== null && !isHarmless(value)) throw unsupported(key, why)
  }
  const user = person(fields, 'user')
  const name = header(request, 'x-conversation') ?? user
  const options = fields['stream_options']
  const { again, ...words } = spoken(fields['messages'], lifted)
  return {
    model,
    user: user ?? person(fields, 'safety_identifier'),
    name,
    ...words,
    // A conversation with a name has them in its own history.
    attachments: name === null ? [...words.attachments, ...again].slice(0, FILES_MAX) : words.attachments,
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

interface Spoken extends Pick<CompletionRequest, 'text' | 'attachments' | 'earlier' | 'brief'> {
  /** Files of earlier turns that are shown once more. */
  readonly again: readonly Attachment[]
}

function spoken(messages: unknown, lifted: CompletionBody['lifted']): Spoken {
  if (!Array.isArray(messages)) throw missing('messages', 'a list of messages')
  if (messages.length === 0) throw bad('messages', '"messages" must hold at least one message.')
  const read = messages.map((message: unknown, index) => messageOf(message, index, lifted))
  const brief = read.flatMap(({ role, text }) => (role === 'system' && text.trim() !== '' ? [text] : [])).join('\n\n')
  const said = read.flatMap(({ role, ...content }) => (role === 'system' ? [] : [{ role, ...content }]))
  const newest = said.findLastIndex(({ role }) => role === 'assistant') + 1
  const [before, now] = [said.slice(0, newest), said.slice(newest)]
  const texts = now.map(({ text }) => text).filter((text) => text !== '')
  const text = texts.join('\n\n').toWellFormed()
  const attachments = now.flatMap((content) => content.attachments)
  if (now.length === 0) throw bad('messages', 'The last message must be the user’s: an agent answers it.')
  if (text.trim() === '' && attachments.length === 0) throw bad('messages', 'The user’s message must not be blank.')
  if (text.length > TEXT_UNITS_MAX)
    throw tooLong(`The user’s message has ${text.length} characters; at most ${TEXT_UNITS_MAX} are taken.`)
  if (attachments.length > FILES_MAX) throw tooManyFiles(FILES_MAX)
  return {
    text,
    attachments,
    earlier: before
      .map(({ role, ...content }) => ({ role, text: writtenText(content) }))
      .filter((message) => message.text.trim() !== ''),
    brief: brief === '' ? null : briefText(brief.toWellFormed()),
    again: filesAgain(before),
  }
}

interface Said extends Content {
  readonly role: Earlier['role']
}

/** Those of the newest turn first, because in the end the last of them do not fit. */
function filesAgain(before: readonly Said[]): readonly Attachment[] {
  const turns: Attachment[][] = []
  for (const { role, attachments } of before.toReversed()) {
    if (role === 'assistant') turns.push([])
    else turns.at(-1)?.unshift(...attachments)
  }
  return turns.slice(0, SHOWN_AGAIN_TURNS).flat()
}

type Message = Content & { readonly role: 'system' | Earlier['role'] }

function messageOf(message: unknown, index: number, lifted: CompletionBody['lifted']): Message {
  const place = `messages[${index}]`
  if (!isObject(message)) throw bad(place, `"${place}" must be an object.`)
  const { role, content, refusal, tool_calls: calls } = message
  const isOfTools = role === 'tool' || role === 'function' || !isEmpty(calls ?? '')
  if (isOfTools) throw unsupported(place, `Calls of a client’s tools are not taken. ${TOOLS}`)
  switch (role) {
    case 'user':
      return { role, ...contentOf(content, place, lifted) }
    case 'assistant':
      // As clients give an answer back that had no text: a refusal, or nothing.
      return { role, ...wordsOf(content ?? (typeof refusal === 'string' ? refusal : ''), place, lifted) }
    case 'system':
    case 'developer':
      return { role: 'system', ...wordsOf(content, place, lifted) }
    default:
      throw bad(place, `"${place}.role" must be one of system, developer, user, assistant.`)
  }
}

function wordsOf(content: unknown, place: string, lifted: CompletionBody['lifted']): Content {
  const read = contentOf(content, place, lifted)
  if (read.attachments.length === 0) return read
  throw unsupported(place, 'Files come with the messages of users alone.')
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
