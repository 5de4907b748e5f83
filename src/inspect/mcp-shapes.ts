// MCP shapes: how the actor of an MCP server and what it is told are shown. Its definition is not: command, arguments, environment,
// address and headers.

import type { FromAsker, McpAsk, McpTool, ToMcp, ToMcpClient } from '../../machines/mcp-messages.ts'
import type { McpContext } from '../../machines/mcp-words.ts'
import type { Shape } from './shape.ts'
import { failure, type Parts, type PartsOfAny } from './shapes.ts'

/** An input is as free as what people write. */
const mcpAsk: Shape = {
  parts: { id: 'word', what: 'word', tool: 'word', input: 'text', idempotent: 'word' } satisfies PartsOfAny<McpAsk>,
}

/** Described by a stranger. */
const mcpTools: Shape = {
  each: {
    parts: {
      name: 'word',
      tool: 'word',
      description: 'text',
      parameters: 'hidden',
      changes: 'word',
      idempotent: 'word',
    } satisfies Parts<McpTool>,
  },
}

export const mcpContext: Shape = {
  parts: {
    channel: 'word',
    agent: 'word',
    server: 'word',
    // Its command, arguments, environment, address and headers.
    definition: 'hidden',
    tools: mcpTools,
    waiting: { each: mcpAsk },
    calls: { each: mcpAsk },
    failure,
    failures: 'word',
    // Words, or a failure.
    closing: 'hidden',
  } satisfies Parts<McpContext>,
}

type Said = FromAsker | ToMcp | ToMcpClient

export const MCP_EVENTS = {
  'mcp.requested': { agent: 'word', server: 'word', definition: 'hidden', ask: mcpAsk },
  'mcp.withdrawn': { agent: 'word', server: 'word', id: 'word' },
  'mcp.asked': { ask: mcpAsk },
  'mcp.dropped': { id: 'word' },
  'mcp.redefined': { definition: 'hidden' },
  'mcp.unneeded': {},
  'mcp.ready': { tools: mcpTools },
  'mcp.answered': {
    answer: { parts: { id: 'word', outcome: { parts: { kind: 'word', text: 'text', failed: 'word', failure } } } },
  },
  'mcp.ended': { failure },
  'mcp.call': { call: mcpAsk },
} satisfies Readonly<Record<Exclude<Said['type'], 'close'>, Readonly<Record<string, Shape>>>>
