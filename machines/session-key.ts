// Session key: the one encoding of channel, conversation and scope. Pure.
//   Two channels never share a key, so the same person on two bots is two sessions.

import type { ChannelDefinition } from './definitions.ts'
import type { Inbound } from './messages.ts'

/** `CHANNEL/CONVERSATION`, or `CHANNEL/CONVERSATION/USER` with `session_scope: per_user`; each part percent-encoded. */
export function sessionKey(definition: ChannelDefinition, message: Inbound): string {
  const parts = [message.channel, message.conversation]
  if (definition.sessionScope === 'per_user') parts.push(message.sender.id)
  return parts.map(encodeURIComponent).join('/')
}

/** Whether a session belongs to a channel. */
export function isOfChannel(key: string, channel: string): boolean {
  return key.startsWith(`${encodeURIComponent(channel)}/`)
}
