// Admission: who may speak, to which agent, and what is meant for this bot at all. Pure.
//   A stranger's message never reaches a run, and a stranger gets no command's answer.

import { parseCommand } from './commands.ts'
import type { ChannelDefinition } from './definitions.ts'
import { isSchedule } from './due.ts'
import { TEXT_UNITS_MAX } from './limits.ts'
import type { Command, Inbound, Sender } from './messages.ts'

export type Admission =
  | { readonly admitted: true; readonly agent: string; readonly command: Command | null }
  | { readonly admitted: false; readonly reason: 'stranger' | 'notAddressed' | 'tooLong' }

export interface Admitting {
  readonly definition: ChannelDefinition
  /** The bot's own handle, for `/x@handle`; null on platforms without one. */
  readonly handle: string | null
  /** An operator approved this person's pairing code. */
  readonly paired: boolean
}

export function admit(message: Inbound, admitting: Admitting): Admission {
  const parsed = parseCommand(message.text, admitting.handle)
  if (parsed === 'theirs') return { admitted: false, reason: 'notAddressed' }
  const command = parsed?.ours ?? null
  if (!isAddressed(message, command, admitting.definition)) return { admitted: false, reason: 'notAddressed' }
  if (!maySpeak(message.sender, admitting)) return { admitted: false, reason: 'stranger' }
  if (message.text.length > TEXT_UNITS_MAX) return { admitted: false, reason: 'tooLong' }
  return { admitted: true, agent: message.agent ?? agentFor(message, admitting.definition), command }
}

/** Whether the definition alone lets this person speak; when not, a pairing may. */
export function isAllowed(sender: Sender, definition: ChannelDefinition): boolean {
  if (definition.unknownUserPolicy === 'allow') return true
  return isNamed(sender, definition.allowedUsers)
}

/** Whether a list of ids and handles names this person. */
export function isNamed(sender: Sender, users: readonly string[]): boolean {
  const handle = sender.handle?.toLowerCase()
  return users.some((user) => user === sender.id || (handle !== undefined && user === handle))
}

/** Nobody speaks as a schedule: those take no door. */
function maySpeak(sender: Sender, admitting: Admitting): boolean {
  if (isSchedule(sender)) return false
  return (
    isAllowed(sender, admitting.definition) || (admitting.definition.unknownUserPolicy === 'pair' && admitting.paired)
  )
}

function isAddressed(message: Inbound, command: Command | null, definition: ChannelDefinition): boolean {
  if (message.kind === 'dm') return true
  switch (definition.groupPolicy) {
    case 'respond_all':
      return true
    case 'mention_only':
      return message.addressed || command !== null
    case 'command_only':
      return command !== null
  }
}

function agentFor(message: Inbound, definition: ChannelDefinition): string {
  return definition.routes[message.kind] ?? definition.routes.default
}
