// MCP servers: which of them have an actor in a channel, and what a newer file means for those. Pure functions over plain data.

import type { AgentDefinition, McpDefinition } from './definitions.ts'
import type { ToMcp } from './mcp-messages.ts'
import { isSame } from './redefinition.ts'

/** By address. An actor stays as long as its channel; whether a server of it runs is its own concern. */
export type Servers = Readonly<Record<string, Served>>

export interface Served {
  readonly agent: string
  /** What the file calls it. */
  readonly server: string
  readonly definition: McpDefinition
}

interface Outdated {
  readonly servers: Servers
  readonly messages: readonly { readonly address: string; readonly message: ToMcp }[]
}

/** What is told to those whose server the newest file changes or does not name. */
export function outdated(servers: Servers, agents: Readonly<Record<string, AgentDefinition>>): Outdated {
  const all = Object.entries(servers).map(([address, served]) => {
    const definition = agents[served.agent]?.mcp[served.server]
    if (definition === undefined) return { address, served, message: { type: 'mcp.unneeded' } as const }
    if (isSame(definition, served.definition)) return { address, served, message: null }
    const message = { type: 'mcp.redefined', definition } as const
    return { address, served: { ...served, definition }, message }
  })
  return {
    servers: Object.fromEntries(all.map(({ address, served }) => [address, served])),
    messages: all.flatMap(({ address, message }) => (message === null ? [] : [{ address, message }])),
  }
}

export function without(servers: Servers, address: string): Servers {
  return Object.fromEntries(Object.entries(servers).filter(([known]) => known !== address))
}
