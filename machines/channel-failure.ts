// Channel failure: the failures that a channel finds by itself, in words for the roll call. Pure.

import type { AgentDefinition, ChannelDefinition } from './definitions.ts'
import type { Failure } from './failure.ts'
import { CONNECT_MS_MAX } from './limits.ts'

export const ENDED: Failure = { kind: 'retryable', reason: 'unavailable', message: 'the connection ended by itself' }

export const SILENCE: Failure = {
  kind: 'retryable',
  reason: 'timeout',
  message: `the platform did not answer within ${CONNECT_MS_MAX / 1_000} seconds`,
  remedy: 'It is tried again by itself; check the network and api_root if it stays so',
}

export const STUCK: Failure = {
  kind: 'defect',
  reason: 'defect',
  message: 'the old connection did not end, so no second one was opened beside it',
  remedy: 'Restart the gateway',
}

/** As much of a channel as says whether it can start. */
export interface Needs {
  readonly definition: ChannelDefinition
  readonly agents: Readonly<Record<string, AgentDefinition>>
}

/** Variables that this channel, or an agent that it leads to, needs and does not have. */
export function missingFailure({ definition, agents }: Needs): Failure | null {
  const { routes } = definition
  const led = [routes.default, routes.dm, routes.group].filter((id) => id !== null)
  const missing = new Set([...definition.missing, ...led.flatMap((id) => agents[id]?.missing ?? [])])
  return missing.size === 0 ? null : notSet([...missing])
}

/** A running process sees a newer .env and never a newer environment. */
export function notSet(variables: readonly string[]): Failure {
  const [be, it] = variables.length === 1 ? ['is', 'it'] : ['are', 'them']
  return {
    kind: 'permanent',
    reason: 'missing',
    message: `${variables.join(', ')} ${be} not set`,
    remedy: `Set ${it} in the .env file beside the configuration; or in the environment, and start again`,
  }
}
