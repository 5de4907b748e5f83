// Prompt: the history, the turn and what its run did so far, as the messages of one model request. Pure.
//   Roles alternate and begin with `user`: many local models' templates refuse anything else, and a failed turn leaves two
//   texts of the same side in a row. Between a call and its result stands nothing: providers refuse that.
//   A call without a result gets one that says so; providers refuse a call that nobody answered.
//   No text is empty: providers refuse those. Files stand behind the text of their message, and only a model that takes them
//   is given any.

import { createHash } from 'node:crypto'
import type { Sender } from '../../machines/messages.ts'
import type { Step, ToolCall } from '../../machines/steps.ts'
import type { Shown, ThinkRequest } from './agent.ts'

export type PromptMessage = Spoken | Showing | AskingTools | ToldResults

/** Text of one side. */
export interface Spoken {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

/** Text with files. */
export interface Showing {
  readonly role: 'user'
  readonly content: readonly (TextPart | FilePart)[]
}

interface FilePart {
  readonly type: 'file'
  readonly mediaType: string
  readonly data: Uint8Array
}

export interface AskingTools {
  readonly role: 'assistant'
  readonly content: readonly (TextPart | CallPart)[]
}

export interface ToldResults {
  readonly role: 'tool'
  readonly content: readonly ResultPart[]
}

interface TextPart {
  readonly type: 'text'
  readonly text: string
}

interface CallPart {
  readonly type: 'tool-call'
  readonly toolCallId: string
  readonly toolName: string
  readonly input: unknown
}

interface ResultPart {
  readonly type: 'tool-result'
  readonly toolCallId: string
  readonly toolName: string
  readonly output: { readonly type: 'text' | 'error-text'; readonly value: string }
}

/** Longest shown name, in UTF-16 units; names are free text of strangers. */
const NAME_UNITS_MAX = 64

/** Stands for a message that is only a photo or a document. */
const WITHOUT_TEXT = '(a message without text)'

/** Stands before a conversation that we began, or whose beginning is cut off. */
const BEGINNING = '(the conversation begins here)'

const WITHOUT_RESULT = '(the run was ended before this was done)'

/** What one provider takes. */
interface Wire {
  /** Whether the model is given such a file. */
  readonly sees?: (mediaType: string) => boolean
  /** A call's id as it goes out. */
  readonly callId?: (id: string) => string
}

export function promptOf(
  request: ThinkRequest,
  { sees = () => false, callId = (id) => id }: Wire = {},
): PromptMessage[] {
  const stepsOf = (steps: readonly Step[], group: boolean) => spokenIn(steps, group).map((said) => named(said, callId))
  const inGroup = request.messages.some((message) => message.kind === 'group')
  const spoken = [
    ...request.history.flatMap(({ role, text, sender, steps, shown }) => {
      if (steps !== undefined) return stepsOf(steps, inGroup)
      if (role === 'assistant') return [say(role, text, null)]
      return [showing(say('user', text, inGroup && sender ? sender : null), filesOf(shown, sees))]
    }),
    ...request.messages.map(({ text, kind, sender, shown }) =>
      showing(say('user', text, kind === 'group' ? sender : null), filesOf(shown, sees)),
    ),
    ...stepsOf(request.steps, inGroup),
  ]
  return alternating(spoken[0]?.role === 'assistant' ? [say('user', BEGINNING, null), ...spoken] : spoken)
}

/** Names of tools as every provider takes them: no dots. */
export function wireName(tool: string): string {
  return tool.replaceAll('.', '__')
}

/**
 * A call's id as the providers take it that check: Anthropic has letters, digits, _ and - in it, OpenAI at most 40 signs. One that another
 * model's server gave is replaced, always by the same: a fallback goes on with the calls of the model before it.
 */
export function plainCallId(id: string): string {
  return /^[\w-]{1,40}$/.test(id) ? id : `call_${createHash('sha256').update(id).digest('hex').slice(0, 24)}`
}

function named(said: PromptMessage, callId: (id: string) => string): PromptMessage {
  if (said.role === 'user' || typeof said.content === 'string') return said
  const content = said.content.map((part) =>
    'toolCallId' in part ? { ...part, toolCallId: callId(part.toolCallId) } : part,
  )
  return { ...said, content } as PromptMessage // as: only the ids are others.
}

/** Answers with their calls, each followed by the results of all its calls, and what was said to the run meanwhile. */
function spokenIn(steps: readonly Step[], inGroup: boolean): PromptMessage[] {
  return steps.flatMap((step): PromptMessage[] => {
    if (step.kind === 'answer') return [asking(step.text, step.calls), told(step.calls, steps)]
    if (step.kind !== 'steering') return []
    return step.messages.map(({ text, sender }) => say('user', text, inGroup ? sender : null))
  })
}

function asking(text: string, calls: readonly ToolCall[]): AskingTools {
  const said: readonly TextPart[] = text.trim() === '' ? [] : [{ type: 'text', text: text.toWellFormed() }]
  const parts = calls.map(
    ({ id, tool, input }): CallPart => ({ type: 'tool-call', toolCallId: id, toolName: wireName(tool), input }),
  )
  return { role: 'assistant', content: [...said, ...parts] }
}

function told(calls: readonly ToolCall[], steps: readonly Step[]): ToldResults {
  return {
    role: 'tool',
    content: calls.map(({ id, tool }): ResultPart => {
      const result = steps.find((step) => step.kind === 'result' && step.call === id)
      const [value, failed] = result?.kind === 'result' ? [result.text, result.failed] : [WITHOUT_RESULT, true]
      const output = { type: failed ? 'error-text' : 'text', value: (value || '(nothing)').toWellFormed() } as const
      return { type: 'tool-result', toolCallId: id, toolName: wireName(tool), output }
    }),
  }
}

function say(role: Spoken['role'], text: string, sender: Sender | null): Spoken {
  const content = text.trim() === '' ? WITHOUT_TEXT : text
  // Half an emoji, from a cut, is no Unicode text; servers refuse the request for it.
  return { role, content: (sender === null ? content : `${nameOf(sender)}: ${content}`).toWellFormed() }
}

function filesOf(shown: readonly Shown[] = [], sees: (mediaType: string) => boolean): FilePart[] {
  return shown
    .filter(({ mediaType }) => sees(mediaType))
    .map(({ mediaType, bytes }) => ({ type: 'file', mediaType, data: bytes }))
}

function showing(spoken: Spoken, files: readonly FilePart[]): Spoken | Showing {
  return files.length === 0 ? spoken : { role: 'user', content: [{ type: 'text', text: spoken.content }, ...files] }
}

function nameOf(sender: Sender): string {
  // On one line: a name cannot pretend to be a message of its own.
  const name = (sender.name ?? '').replace(/\s+/g, ' ').trim()
  return (name || sender.handle || sender.id).slice(0, NAME_UNITS_MAX)
}

/** Joins neighbouring texts of one role; a blank line keeps them apart. */
function alternating(messages: readonly PromptMessage[]): PromptMessage[] {
  const joined: PromptMessage[] = []
  for (const message of messages) {
    const last = joined.at(-1)
    if (last !== undefined && isSpoken(last) && isSpoken(message) && last.role === message.role) {
      joined[joined.length - 1] = together(last, message)
    } else {
      joined.push(message)
    }
  }
  return joined
}

function together(first: Spoken | Showing, second: Spoken | Showing): Spoken | Showing {
  const text = [first, second].map(textOf).join('\n\n')
  return showing({ role: first.role, content: text }, [first, second].flatMap(filesIn))
}

function textOf({ content }: Spoken | Showing): string {
  if (typeof content === 'string') return content
  return content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('')
}

function filesIn({ content }: Spoken | Showing): readonly FilePart[] {
  return typeof content === 'string' ? [] : content.flatMap((part) => (part.type === 'file' ? [part] : []))
}

function isSpoken(message: PromptMessage): message is Spoken | Showing {
  return typeof message.content === 'string' || message.role === 'user'
}
