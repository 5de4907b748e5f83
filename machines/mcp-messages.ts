// MCP messages: what is asked of an MCP server, what it has, and what becomes of each asking. Plain data; messages.ts has them too.

import type { McpDefinition } from './definitions.ts'
import type { Failure } from './failure.ts'

/** A tool of a server, as an agent is given it. */
export interface McpTool {
  /** `SERVER.TOOL`, with what a provider does not take left out: the model, `approval` and the record know it by this name. */
  readonly name: string
  /** What its server calls it. */
  readonly tool: string
  readonly description: string
  /** A JSON Schema of type `object`. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** The server's own word, which nobody vouches for: not `readOnlyHint`. */
  readonly changes: boolean
  readonly idempotent: boolean
}

/** One asking; its id is its asker's. */
export type McpAsk =
  | { readonly id: string; readonly what: 'list' }
  | {
      readonly id: string
      readonly what: 'call'
      /** As its server calls it. */
      readonly tool: string
      readonly input: Readonly<Record<string, unknown>>
      /** Doing it twice is the same as doing it once. */
      readonly idempotent: boolean
    }

export type McpCall = Extract<McpAsk, { what: 'call' }>

export type McpOutcome =
  | { readonly kind: 'listed'; readonly tools: readonly McpTool[] }
  /** The server's own answer; it says whether it could do it. */
  | { readonly kind: 'told'; readonly text: string; readonly failed: boolean }
  | { readonly kind: 'failed'; readonly failure: Failure }

export interface McpAnswer {
  readonly id: string
  readonly outcome: McpOutcome
}

/** From a run to its channel, which has an actor for each server of each of its agents. */
export type FromAsker =
  | {
      readonly type: 'mcp.requested'
      readonly agent: string
      /** What the file calls the server. */
      readonly server: string
      /** Of the run: the newest that there is. */
      readonly definition: McpDefinition
      readonly ask: McpAsk
    }
  /** Nobody waits for it any more. */
  | { readonly type: 'mcp.withdrawn'; readonly agent: string; readonly server: string; readonly id: string }

export type ToMcp =
  | { readonly type: 'mcp.asked'; readonly ask: McpAsk }
  | { readonly type: 'mcp.dropped'; readonly id: string }
  /** The file has another server under this name. */
  | { readonly type: 'mcp.redefined'; readonly definition: McpDefinition }
  /** The file does not name it any more. */
  | { readonly type: 'mcp.unneeded' }
  | McpEvent

/** What the client tells the actor that owns it. After `mcp.ended` nothing of the server runs any more. */
export type McpEvent =
  | { readonly type: 'mcp.ready'; readonly tools: readonly McpTool[] }
  | { readonly type: 'mcp.answered'; readonly answer: McpAnswer }
  | { readonly type: 'mcp.ended'; readonly failure: Failure | null }

export type ToMcpClient =
  | { readonly type: 'mcp.call'; readonly call: McpCall }
  | { readonly type: 'mcp.dropped'; readonly id: string }
  | { readonly type: 'close' }
