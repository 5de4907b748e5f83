// Session settings: what a session is told of its channel's definition and its agent's. Pure.

import type { Served } from './adoption.ts'
import type { AgentDefinition } from './definitions.ts'
import type { AcceptedMessage, SessionSettings } from './messages.ts'

/** As the message was routed: a newer file may name another agent for the same conversation. */
export function settingsFor({ definition, agents }: Served, message: AcceptedMessage): SessionSettings {
  const { busyMode, queueLimit, partialAnswers } = definition
  const agent = agents[message.agent]
  const model = agent === undefined ? 'none' : modelLabel(agent)
  return { agent: message.agent, model, busyMode, queueLimit, keepsPartial: partialAnswers === 'keep' }
}

function modelLabel({ model }: AgentDefinition): string {
  return model.provider === 'echo' ? 'echo' : `${model.provider}:${model.name}`
}
