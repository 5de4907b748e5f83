// Commands: what a person may say with a slash, and the words of the answers. Pure.
//   A text that looks like a command never reaches a model; a path such as /etc/hosts does not look like one, and "/stop!" does.

import type { Command } from './messages.ts'

/** In the order in which `/help` and the platform's own menu list them. */
export const COMMANDS = {
  help: 'what I understand',
  status: 'session, agent, model and what waits',
  whoami: 'your ids and the key of this session',
  stop: 'end the current run and drop what waits',
  new: 'start over with an empty history',
  queue: 'a turn of its own, after the current one',
  steer: 'for the current run, at its next step',
  retry: 'answer the last message again',
  undo: 'take the last turn out of the history',
  compact: 'summarise the history now',
  memory: 'what I noted about you',
  approve: 'let a tool do what it asked for',
  deny: 'do not let it',
} as const

/** Commands that stand before a text. */
export const WITH_TEXT: readonly string[] = ['queue', 'steer']

/** Whether a message says something to the agent, and not only to its session. */
export function isSpoken(command: Command | null): boolean {
  return command === null || WITH_TEXT.includes(command.name)
}

/** `ours` when the text is a command for this bot, `theirs` when it names another bot. */
export function parseCommand(text: string, ownHandle: string | null): { ours: Command } | 'theirs' | null {
  const match = /^\/([a-z0-9_]+)(?:@([a-z0-9_]+))?[!?.,;:]*(?:\s+([\s\S]*))?$/i.exec(text.trim())
  if (match === null) return null
  const [, name = '', handle, rest = ''] = match
  if (handle !== undefined && handle.toLowerCase() !== ownHandle?.replace(/^@/, '').toLowerCase()) return 'theirs'
  return { ours: { name: name.toLowerCase(), text: rest.trim() } }
}
