// MCP status: what is said of an MCP server that does not start.

import type { Phase } from '../../machines/phases.ts'

/** An MCP server that does not start; its agent's channels stay up, and the model reads that its tools are not there. */
export interface McpServerStatus {
  readonly agent: string
  /** What the file calls it. */
  readonly server: string
  /** With the phase of a start in front. */
  readonly reason: string
  readonly phase: Phase | null
  /** ISO 8601. */
  readonly since: string
}
