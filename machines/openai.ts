// OpenAI API: the channel that the gateway makes by itself for its clients, what they ask, and the names of conversations. Pure.
//   Its id has a sign that no id of a file can have, so no channel of a file ever stands in its place; reports list the file's alone (C3).
//   Agents are asked for by name, so a conversation is of one agent: `cfo/alice`. One that nobody named is asked once: `~cfo/ID`.

import type { ChannelDefinition, GatewayDefinition } from './definitions.ts'
import type { Attachment } from './media.ts'

export const OPENAI_CHANNEL = '@openai'

/** What was said in a conversation that its client keeps. */
export interface Earlier {
  readonly role: 'user' | 'assistant'
  readonly text: string
}

/** What a client asks an agent. */
export interface Question {
  readonly agent: string
  readonly conversation: string
  readonly user: string
  readonly text: string
  /** Files that came with it, on disk. */
  readonly attachments: readonly Attachment[]
  readonly earlier: readonly Earlier[]
  /** What its client wants the agent to know, below the agent's own instructions; null: nothing. */
  readonly brief: string | null
  /** The client's own id, for retries without doubling; null: every question is a new one. */
  readonly messageId: string | null
}

/** Every route of it is asked for by name: there is no default agent. */
const CHANNEL: ChannelDefinition = Object.freeze({
  id: OPENAI_CHANNEL,
  platform: 'openai',
  routes: Object.freeze({ default: '', dm: null, group: null }),
  allowedUsers: Object.freeze([]),
  // The port lets people in, as on a web channel.
  unknownUserPolicy: 'allow',
  groupPolicy: 'respond_all',
  sessionScope: 'per_chat',
  busyMode: 'queue',
  queueLimit: 32,
  partialAnswers: 'keep',
  reset: null,
  token: null,
  apiRoot: null,
  module: null,
  settings: Object.freeze({}),
  missing: Object.freeze([]),
  lacking: Object.freeze([]),
})

/** A file's definition with that channel behind its own, unless the file switches it off. */
export function withOpenAi(definition: GatewayDefinition): GatewayDefinition {
  if (!definition.gateway.openaiApi) return definition
  return Object.freeze({
    ...definition,
    channels: Object.freeze({ ...definition.channels, [OPENAI_CHANNEL]: CHANNEL }),
  })
}

/** Whether people read of it: in the roll call, in /readyz, in /status. */
export function isOfFile(channel: string): boolean {
  return channel !== OPENAI_CHANNEL
}

/** It keeps its history, and is the same for whoever gives its name again. */
export function namedConversation(agent: string, name: string): string {
  return `${agent}/${name}`
}

/** It is asked one question, and its client keeps what was said. */
export function oneOffConversation(agent: string, id: string): string {
  return `~${agent}/${id}`
}

/** What the keys of sessions begin with whose conversation is asked once: each rests after its answer for good. */
export const ONE_OFF_KEYS = `${encodeURIComponent(OPENAI_CHANNEL)}/~`

export function isOneOff(sessionKey: string): boolean {
  return sessionKey.startsWith(ONE_OFF_KEYS)
}

/** What a client's own instructions become: words in the conversation, below the agent's instructions and not among them. */
export function briefText(instructions: string): string {
  return `The program through which I write says the following. It adds to your instructions and replaces none of them.\n\n${instructions}`
}
