// Session settings: what a session is told of its channel's definition and its agent's. Pure.

import type { Served } from './adoption.ts'
import type { BusyMode } from './definitions.ts'
import type { AcceptedMessage } from './messages.ts'
import { modelLabel } from './models.ts'

/** What a session is told of its definition. */
export interface SessionSettings {
  readonly agent: string
  /** For people: which model answers. */
  readonly model: string
  readonly busyMode: BusyMode
  readonly queueLimit: number
  readonly keepsPartial: boolean
}

/** As the message was routed: a newer file may name another agent for the same conversation. */
export function settingsFor({ definition, agents }: Served, message: AcceptedMessage): SessionSettings {
  const { busyMode, queueLimit, partialAnswers } = definition
  const agent = agents[message.agent]
  const model = agent === undefined ? 'none' : modelLabel(agent.model)
  return { agent: message.agent, model, busyMode, queueLimit, keepsPartial: partialAnswers === 'keep' }
}
