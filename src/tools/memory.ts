// Memory: the tools for an agent's notes about the person that it talks to. Durable; the person lists and deletes them with /memory.
//   Notes about one person are shown to no other: whose they are is decided by the sender of the turn, never by the model.

import { NOTE_UNITS_MAX, NOTES_MAX, noteOwner, noteText } from '../../machines/notes.ts'
import { numberOf, textOf } from './arguments.ts'
import { notFound, refused } from './failures.ts'
import type { Notes, Tool, ToolScope } from './tool.ts'

export interface MemoryParts {
  readonly agent: string
  readonly session: string
  readonly notes: Notes
}

export function memoryTools({ agent, session, notes }: MemoryParts): Tool[] {
  const owner = ({ sender }: ToolScope): string => noteOwner(session, sender)
  return [
    {
      name: 'memory_list',
      description: 'Lists your notes about the person you talk to, by number.',
      parameters: object({}),
      changes: false,
      idempotent: true,
      async call(_, scope) {
        const all = await notes.list(agent, owner(scope))
        return all.length === 0 ? '[there are none]' : all.map(({ number, text }) => `${number}. ${text}`).join('\n')
      },
    },
    {
      name: 'memory_add',
      description: 'Notes something about the person you talk to, for later conversations: one fact, in a sentence.',
      parameters: object({ text: { type: 'string', minLength: 1, maxLength: NOTE_UNITS_MAX } }),
      changes: false,
      idempotent: true,
      async call(input, scope) {
        const text = noteText(textOf(input, 'text'))
        if (text === '') throw refused('a note has a text')
        const all = await notes.list(agent, owner(scope))
        const isFull = all.length >= NOTES_MAX && !all.some((note) => note.text === text)
        if (isFull) throw refused(`there are ${NOTES_MAX} notes already: remove one that is not needed any more`)
        return `[note ${await notes.add(agent, owner(scope), text)}]`
      },
    },
    {
      name: 'memory_remove',
      description: 'Removes one of your notes about the person you talk to, by its number.',
      parameters: object({ number: { type: 'integer', minimum: 1 } }),
      changes: false,
      idempotent: true,
      async call(input, scope) {
        const number = numberOf(input, 'number', 0)
        if (await notes.remove(agent, owner(scope), number)) return `[note ${number} is removed]`
        throw notFound(`there is no note ${number}`)
      },
    },
  ]
}

function object(properties: Readonly<Record<string, object>>) {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}
