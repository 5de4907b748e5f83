// MCP failures: what is said to the model, and to people, of an MCP server that does not run. Pure.
//   A dead server is a tool's failure that a model can read: it names the server, why, and what becomes of it.

import type { McpDefinition } from './definitions.ts'
import type { Failure } from './failure.ts'
import { MCP_REST_MS, MCP_START_MS_MAX } from './limits.ts'
import type { McpCall } from './mcp-messages.ts'
import { nextRestart } from './restart.ts'

/** As much of the server's state as is told. */
interface Known {
  readonly server: string
  readonly failure: Failure | null
  readonly failures: number
}

/** Why it does not run, and when there is another start. */
export function endedFailure({ server, failure, failures }: Known): Failure {
  const why = failure?.message ?? 'it is not there'
  const next = nextRestart(Math.max(1, failures))
  const then =
    next === 'giveUp'
      ? `it failed too often and is left alone for ${MCP_REST_MS / 60_000} minutes`
      : `it is started again in ${Math.max(next.restartAfterMs, failure?.retryAfterMs ?? 0) / 1_000} s`
  const remedy = failure?.remedy === undefined ? {} : { remedy: failure.remedy }
  const message = `the MCP server ${server} does not run (${why}); ${then}`
  return { kind: 'retryable', reason: 'unavailable', message, ...remedy }
}

interface Tried {
  readonly agent: string
  /** What the file calls it. */
  readonly server: string
  readonly definition: McpDefinition
}

/** Of a server that was started to see whether it can be: in words for whoever runs the gateway, with what to do. */
export function notStarted(tried: Tried, failure: Failure): Failure {
  const { kind, reason, phase = 'requires', remedy = remedyOf(tried, failure) } = failure
  const message = `the MCP server ${tried.server} of ${tried.agent} did not start: ${failure.message}`
  return { kind, reason, message, remedy, phase }
}

function remedyOf({ agent, server, definition }: Tried, { reason }: Failure): string {
  const entry = `agents.${agent}.mcp.${server}`
  if (definition.transport === 'http') return `See that it runs, and that ${entry}.url in the file is its address`
  if (reason === 'timeout')
    return 'What it downloads or builds when it starts can be there before: do that once by hand'
  return `Start it by hand to see why, and mend it or ${entry} in the file`
}

/** Of an asking that did not reach the server. */
export function notDone(failure: Failure): Failure {
  return { ...failure, message: `Not done: ${failure.message}` }
}

/** Of a call that was with the server: nobody knows what became of it. */
export function brokenOff(failure: Failure, { idempotent }: McpCall): Failure {
  const known = idempotent ? 'It can be called again' : 'It may have happened, and was not repeated'
  return { ...failure, message: `The outcome of this call is unknown: ${failure.message}. ${known}`, uncertain: true }
}

export const UNKNOWN_END: Failure = { kind: 'retryable', reason: 'unavailable', message: 'it ended by itself' }

export const TOO_SLOW: Failure = {
  kind: 'retryable',
  reason: 'timeout',
  message: `it was not ready within ${MCP_START_MS_MAX / 1_000} s`,
}

export function CHANGED(server: string): Failure {
  return {
    kind: 'permanent',
    reason: 'cancelled',
    message: `the MCP server ${server} was changed in the file since this run began; the next turn uses it as it is now`,
  }
}

export function FULL(server: string): Failure {
  return {
    kind: 'retryable',
    reason: 'rateLimited',
    message: `Not done: too much is asked of the MCP server ${server} at once; try it again later`,
  }
}
