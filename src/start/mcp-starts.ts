// MCP starts: what came of the last start of each MCP server of the file, whoever started it: a trial (mcp-trials.ts) or a run. For the
// status. What is not in the newest file, or stands there differently, is not known any more.

import { mcpAddress } from '../../machines/addresses.ts'
import type { GatewayDefinition, McpDefinition } from '../../machines/definitions.ts'
import { type Failure, failureOf, sayable } from '../../machines/failure.ts'
import { notStarted } from '../../machines/mcp-failure.ts'
import { isSame } from '../../machines/redefinition.ts'
import type { McpServerStatus } from '../http/mcp-status.ts'
import type { Log } from '../log.ts'
import type { McpServer, RunMcp } from '../tools/tool.ts'
import type { World } from '../world.ts'

/** An MCP server of the file. */
export interface FileServer {
  readonly agent: string
  /** What the file calls it. */
  readonly server: string
  readonly definition: McpDefinition
}

export interface McpStarts {
  /** The same, and what comes of each start is known here. */
  watched(run: RunMcp): RunMcp
  /** It did not start, as it says itself; null: it did. */
  note(of: FileServer, failure: Failure | null): void
  /** `unknown`: nobody has started it as it is in the file. */
  last(of: FileServer): Failure | 'started' | 'unknown'
  /** Those whose last start failed, in the order of the file. */
  failing(): readonly McpServerStatus[]
}

export interface McpStartsParts {
  /** The newest at the moment of asking. */
  readonly definition: () => GatewayDefinition
  readonly world: World
  readonly log: Log
}

interface Known {
  readonly of: FileServer
  readonly failure: Failure | null
  readonly sinceMs: number
}

export function watchMcpStarts({ definition, world, log }: McpStartsParts): McpStarts {
  const known = new Map<string, Known>()

  function find(of: FileServer): Known | undefined {
    const found = known.get(addressOf(of))
    return found !== undefined && isSame(found.of, of) ? found : undefined
  }

  /** The first of several that are the same has the time. */
  function note(of: FileServer, told: Failure | null): void {
    const failure = told === null ? null : withAnotherTry(notStarted(of, told))
    const before = find(of)
    if (before !== undefined && before.failure?.message === failure?.message) return
    known.set(addressOf(of), { of, failure, sinceMs: world.nowMs() })
    if (failure === null && before !== undefined)
      log.info({ agent: of.agent, mcp: of.server }, `the MCP server ${of.server} of ${of.agent} starts now`)
  }

  return {
    watched: (run) => watched(run, note),
    note,
    last(of) {
      const found = find(of)
      return found === undefined ? 'unknown' : (found.failure ?? 'started')
    },
    failing: () =>
      serversIn(definition()).flatMap((of): McpServerStatus[] => {
        const { failure = null, sinceMs = 0 } = find(of) ?? {}
        if (failure === null) return []
        const { agent, server } = of
        const since = new Date(sinceMs).toISOString()
        return [{ agent, server, reason: sayable(failure), phase: failure.phase ?? null, since }]
      }),
  }
}

export function addressOf({ agent, server }: FileServer): string {
  return mcpAddress(agent, server)
}

/** In the order of the file. */
export function serversIn({ agents }: GatewayDefinition): FileServer[] {
  return Object.values(agents).flatMap(({ id: agent, mcp }) =>
    Object.entries(mcp).map(([server, definition]) => ({ agent, server, definition })),
  )
}

function watched(run: RunMcp, note: McpStarts['note']): RunMcp {
  return async (parts, live, signal) => {
    const { agent, name: server, definition } = parts
    const of = { agent, server, definition }
    let isReady = false
    const found = (reached: McpServer): void => {
      if (!isReady) note(of, null)
      isReady = true
      live(reached)
    }
    try {
      await run(parts, found, signal)
    } catch (error) {
      // One that was ready is started again, and what comes of that is said.
      if (!isReady) note(of, failureOf(error))
      throw error
    }
  }
}

function withAnotherTry({ remedy, ...failure }: Failure): Failure {
  return { ...failure, remedy: `${remedy}; "troupe reload" tries it again` }
}
