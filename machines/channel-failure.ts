// Channel failure: the failures that a channel finds by itself, in words for the roll call. Pure.

import type { AgentDefinition, ChannelDefinition, Lack } from './definitions.ts'
import { type Failure, sayable } from './failure.ts'
import { CONNECT_MS_MAX } from './limits.ts'
import { firstPhase, PHASE_NAMES } from './phases.ts'

export const ENDED: Failure = { kind: 'retryable', reason: 'unavailable', message: 'the connection ended by itself' }

export const SILENCE: Failure = {
  kind: 'retryable',
  reason: 'timeout',
  message: `the platform did not answer within ${CONNECT_MS_MAX / 1_000} seconds`,
  phase: 'connect',
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

/** What this channel, or an agent that it leads to, needs and does not have: variables, and things of the machine. */
export function missingFailure({ definition, agents }: Needs): Failure | null {
  const { routes } = definition
  const led = [routes.default, routes.dm, routes.group].flatMap((id) => (id === null ? [] : (agents[id] ?? [])))
  return lacksFailure(
    [...definition.missing, ...led.flatMap(({ missing }) => missing)],
    [...definition.lacking, ...led.flatMap((agent) => agent.lacking)],
  )
}

/** The same for any definition, the first phase first: variables that are not set, and what else is not there. */
export function lacksFailure(missing: readonly string[], lacking: readonly Lack[]): Failure | null {
  const variables = [...new Set(missing)]
  const lacks = [...(variables.length === 0 ? [] : [unset(variables)]), ...lacking]
  const phase = firstPhase(lacks.map((lack) => lack.phase))
  if (phase === null) return null
  const inOrder = PHASE_NAMES.flatMap((name) => lacks.filter((lack) => lack.phase === name))
  const said = [...new Set(inOrder.map((lack) => (lack.phase === phase ? lack.what : `${lack.phase}: ${lack.what}`)))]
  const remedies = [...new Set(inOrder.map(({ remedy }) => remedy))]
  return { kind: 'permanent', reason: 'missing', message: said.join('; '), remedy: remedies.join('. '), phase }
}

/** One thing that is lacking, in one line. */
export function lackText({ phase, what, remedy }: Lack): string {
  return sayable({ kind: 'permanent', reason: 'missing', message: what, remedy, phase })
}

/** A process that runs sees a newer .env, and never a newer environment. */
function unset(variables: readonly string[]): Lack {
  const [be, it] = variables.length === 1 ? ['is', 'it'] : ['are', 'them']
  return {
    phase: 'secrets',
    what: `${variables.join(', ')} ${be} not set`,
    remedy: `Set ${it} in the .env file beside the configuration; or in the environment, and start again`,
  }
}
