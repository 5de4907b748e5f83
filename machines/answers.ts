// Answers: the words for commands that need no run. Pure.

import { verdictOn } from './approval.ts'
import { COMMANDS, WITH_TEXT } from './commands.ts'
import type { Speaker } from './commits.ts'
import { turnsWaiting } from './inbox.ts'
import type { AcceptedMessage, SessionState } from './messages.ts'

/** The words for a command that touches nothing; null for those that do. */
export function commandText(speaker: Speaker, command: AcceptedMessage, during: SessionState): string | null {
  const { name = '', text = '' } = command.command ?? {}
  switch (name) {
    case 'start':
      return `Hello. You are talking to ${speaker.agent}. Write a message, or /help for what I understand.`
    case 'help':
      return Object.entries(COMMANDS)
        .map(([known, says]) => `/${known}${WITH_TEXT.includes(known) ? ' TEXT' : ''} – ${says}`)
        .join('\n')
    case 'status':
      return statusText(speaker, during)
    case 'whoami':
      return whoamiText(speaker, command)
    case 'approve':
    case 'deny': {
      const verdict = verdictOn(speaker.approvals, command)
      return verdict.kind === 'said' ? verdict.text : null
    }
    case 'queue':
    case 'steer':
      return argumentProblem(name, text)
    case 'retry':
    case 'undo':
    case 'compact':
      return during === 'idle' ? null : `Not now: a run is in progress. Wait for it or /stop it, then /${name} again.`
    case 'stop':
    case 'new':
      return null
    case 'memory':
      // Its words are in the store: whoever writes the answer puts them in.
      return ''
    default:
      return `I do not know /${name}. /help lists what I understand.`
  }
}

function argumentProblem(name: string, text: string): string | null {
  if (text === '') return `/${name} needs a text after it, for example: /${name} and in euros?`
  if (text.startsWith('/')) return `A command cannot be given to /${name}; send it by itself.`
  return null
}

function statusText(speaker: Speaker, during: SessionState): string {
  return [
    `Session: ${speaker.key}`,
    `State: ${during}`,
    `Agent: ${speaker.agent}`,
    `Model: ${speaker.model}`,
    `Waiting: ${turnsWaiting(speaker.waiting)}`,
    ...speaker.approvals.map(({ name, tool }) => `To approve: ${name} (${tool})`),
  ].join('\n')
}

function whoamiText(speaker: Speaker, { sender, conversation }: AcceptedMessage): string {
  const handle = sender.handle === null ? '' : ` (${sender.handle})`
  return `You: ${sender.id}${handle}\nConversation: ${conversation}\nSession: ${speaker.key}`
}
