// MCP at the start: the clients of MCP servers, whose library is loaded by the first that is needed; and the trials of all servers.
//   Nothing of a server runs when `close` resolves: a gateway that has stopped leaves no process behind.

import type { Loaded } from '../config/load.ts'
import type { Groups } from '../tools/groups.ts'
import type { ClientsParts, McpClients } from '../tools/mcp-client.ts'
import { createMcpTrials, type McpTrials, type McpTrialsParts } from './mcp-trials.ts'

interface OpenMcpParts extends Omit<McpTrialsParts, 'runMcp'> {
  readonly groups: Groups
}

export function openMcp({ secrets }: Loaded, parts: OpenMcpParts): McpTrials {
  const clients = lazyClients({ redact: (text) => secrets.redact(text), groups: parts.groups })
  const trials = createMcpTrials({ ...parts, runMcp: clients.run })
  return {
    ...trials,
    async close() {
      await trials.close()
      await clients.ended()
    },
  }
}

function lazyClients(parts: ClientsParts): McpClients {
  let loaded: Promise<McpClients> | null = null
  const load = async (): Promise<McpClients> => (await import('../tools/mcp-client.ts')).mcpClients(parts)
  return {
    async run(parts, live, signal) {
      loaded ??= load()
      return (await loaded).run(parts, live, signal)
    },
    async ended() {
      await (await loaded)?.ended()
    },
  }
}
