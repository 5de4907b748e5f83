// MCP at the start: the clients of MCP servers, whose library is loaded by the first that is needed.
//   Nothing of a server runs when `ended` resolves: a gateway that has stopped leaves no process behind.

import type { McpClients } from '../tools/mcp-client.ts'

export function lazyMcp(redact: (text: string) => string): McpClients {
  let loaded: Promise<McpClients> | null = null
  const load = async (): Promise<McpClients> => (await import('../tools/mcp-client.ts')).mcpClients(redact)
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
