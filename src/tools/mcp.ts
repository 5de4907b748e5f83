// MCP tools: what the servers of an agent have, as tools of a run. The servers are asked by messages; their clients are elsewhere (A2).
//   Servers start side by side, and one that does not start takes nothing from the others: in place of its tools the model has
//   one that says what is the matter.

import type { McpTool } from '../../machines/mcp-messages.ts'
import { type Failure, failureOf, sayable } from '../../machines/failure.ts'
import { judgedBy, toolName } from './mcp-listing.ts'
import type { McpServers, Tool, ToolParts } from './tool.ts'

export async function mcpTools({ definition, mcp }: ToolParts, signal: AbortSignal): Promise<Tool[]> {
  const servers = Object.keys(definition.mcp).map(async (server) => {
    try {
      return (await mcp.list(server, signal)).map((tool) => toolOn(mcp, server, tool))
    } catch (thrown) {
      const failure = failureOf(thrown)
      if (failure.kind === 'defect') throw thrown
      return [statusTool(mcp, server, failure)]
    }
  })
  return (await Promise.all(servers)).flat()
}

function toolOn(mcp: McpServers, server: string, given: McpTool): Tool {
  const { tool, name, description, parameters, changes, idempotent } = given
  return {
    name,
    description,
    parameters,
    judgedBy: judgedBy(parameters),
    changes,
    idempotent,
    call: (input, { signal }) => mcp.call(server, { tool, input, idempotent }, signal),
  }
}

/** For a model that looks for tools which are not there. */
function statusTool(mcp: McpServers, server: string, failure: Failure): Tool {
  return {
    name: toolName(server, 'status'),
    description: `The tools of ${server} are not there now: ${sayable(failure)} This one says whether they are there again.`,
    parameters: { type: 'object', properties: {}, additionalProperties: false },
    changes: false,
    idempotent: true,
    async call(_, { signal }) {
      const tools = await mcp.list(server, signal)
      return `${server} runs again: its ${tools.length} tools can be used from the next message on.`
    },
  }
}
