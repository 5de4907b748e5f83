// Prompt: the history and the turn as the messages of one model request. Pure.
//   Roles alternate and begin with `user`: many local models' templates refuse anything else, and a failed turn leaves two
//   texts of the same side in a row.
//   No text is empty: providers refuse those.

import type { Sender } from '../../machines/messages.ts'
import type { ThinkRequest } from './agent.ts'

export interface PromptMessage {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

/** Longest shown name, in UTF-16 units; names are free text of strangers. */
const NAME_UNITS_MAX = 64

/** Stands for a message that is only a photo or a document. */
const WITHOUT_TEXT = '(a message without text)'

/** Stands before a conversation that we began, or whose beginning is cut off. */
const BEGINNING = '(the conversation begins here)'

export function promptOf(request: ThinkRequest): PromptMessage[] {
  const inGroup = request.messages.some((message) => message.kind === 'group')
  const spoken = [
    ...request.history.map(({ role, text, sender }) =>
      role === 'user' && inGroup && sender ? say('user', text, sender) : say(role, text, null),
    ),
    ...request.messages.map(({ text, kind, sender }) => say('user', text, kind === 'group' ? sender : null)),
  ]
  return alternating(spoken[0]?.role === 'assistant' ? [say('user', BEGINNING, null), ...spoken] : spoken)
}

function say(role: PromptMessage['role'], text: string, sender: Sender | null): PromptMessage {
  const content = text.trim() === '' ? WITHOUT_TEXT : text
  // Half an emoji, from a cut, is no Unicode text; servers refuse the request for it.
  return { role, content: (sender === null ? content : `${nameOf(sender)}: ${content}`).toWellFormed() }
}

function nameOf(sender: Sender): string {
  // On one line: a name cannot pretend to be a message of its own.
  const name = (sender.name ?? '').replace(/\s+/g, ' ').trim()
  return (name || sender.handle || sender.id).slice(0, NAME_UNITS_MAX)
}

/** Joins neighbours of one role; a blank line keeps their texts apart. */
function alternating(messages: readonly PromptMessage[]): PromptMessage[] {
  const joined: PromptMessage[] = []
  for (const message of messages) {
    const last = joined.at(-1)
    if (last?.role === message.role) {
      joined[joined.length - 1] = { role: last.role, content: `${last.content}\n\n${message.content}` }
    } else {
      joined.push(message)
    }
  }
  return joined
}
