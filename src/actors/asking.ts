// Asking: how a run asks an MCP server: a message to its channel, and an answer by its id. The run holds no client (A2).
//   X2. Who asks is answered, by its deadline at the latest; what nobody waits for any more is withdrawn.
//   A run keeps the servers that it began with: what the file changed meanwhile is a failure that says so.

import { FailureError } from '../../machines/failure.ts'
import { MCP_START_MS_MAX } from '../../machines/limits.ts'
import { CHANGED } from '../../machines/mcp-failure.ts'
import type { McpAsk, McpOutcome } from '../../machines/mcp-messages.ts'
import { isSame } from '../../machines/redefinition.ts'
import type { RunInput } from '../../machines/run-words.ts'
import type { McpServers } from '../tools/tool.ts'
import { type Parts, tellChannel } from './parts.ts'

/** Somebody who waits for an answer. */
export interface Asked {
  readonly channel: string
  readonly agent: string
  readonly server: string
  settle(outcome: McpOutcome): void
}

/** A start is bounded already; this is for an answer that was lost. */
const LIST_MS_MAX = MCP_START_MS_MAX + 5_000

export function mcpServers(parts: Parts, run: RunInput, system: unknown): McpServers {
  return {
    async list(server, signal) {
      const outcome = await ask(parts, { run, system, server, signal, timeMs: LIST_MS_MAX, what: { what: 'list' } })
      return outcome.kind === 'listed' ? outcome.tools : []
    },
    async call(server, { tool, input, idempotent }, signal) {
      const timeMs = run.definition.mcp[server]?.timeoutMs ?? 0
      const what = { what: 'call', tool, input, idempotent } as const
      const outcome = await ask(parts, { run, system, server, signal, timeMs, what })
      if (outcome.kind !== 'told') throw new Error('X2: a call is answered by what it was told')
      if (!outcome.failed) return outcome.text
      throw new FailureError({ kind: 'permanent', reason: 'refused', message: outcome.text })
    },
  }
}

interface Asking {
  readonly run: RunInput
  readonly system: unknown
  readonly server: string
  readonly signal: AbortSignal
  readonly timeMs: number
  readonly what: McpAsk extends infer One ? (One extends McpAsk ? Omit<One, 'id'> : never) : never
}

async function ask(parts: Parts, { run, system, server, signal, timeMs, what }: Asking): Promise<McpOutcome> {
  const { channel, definition: agent } = run
  const definition = agent.mcp[server]
  const newest = parts.definition.agents[agent.id]?.mcp[server]
  if (definition === undefined || !isSame(definition, newest)) throw new FailureError(CHANGED(server))
  if (signal.aborted) throw new FailureError(CANCELLED)
  const id = parts.world.id()
  const { promise, resolve } = Promise.withResolvers<McpOutcome>()
  const giveUp = (failure: FailureError['failure']): void => {
    resolve({ kind: 'failed', failure })
    tellChannel(system, channel, { type: 'mcp.withdrawn', agent: agent.id, server, id })
  }
  const timer = parts.world.clock.setTimeout(() => giveUp(tooLong(server, timeMs, what)), timeMs)
  const cancel = (): void => giveUp(CANCELLED)
  signal.addEventListener('abort', cancel, { once: true })
  parts.asked.set(id, { channel, agent: agent.id, server, settle: resolve })
  try {
    tellChannel(system, channel, {
      type: 'mcp.requested',
      agent: agent.id,
      server,
      definition,
      ask: { ...what, id },
    })
    const outcome = await promise
    if (outcome.kind === 'failed') throw new FailureError(outcome.failure)
    return outcome
  } finally {
    parts.asked.delete(id)
    parts.world.clock.clearTimeout(timer)
    signal.removeEventListener('abort', cancel)
  }
}

const CANCELLED = { kind: 'permanent', reason: 'cancelled', message: 'the call was ended' } as const

function tooLong(server: string, timeMs: number, { what }: Asking['what']): FailureError['failure'] {
  const message = `the MCP server ${server} did not answer within ${timeMs / 1_000} s`
  if (what === 'list') return { kind: 'retryable', reason: 'timeout', message }
  return {
    kind: 'retryable',
    reason: 'timeout',
    message: `${message}; what was asked may have happened`,
    uncertain: true,
  }
}
