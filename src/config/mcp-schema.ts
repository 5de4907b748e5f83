// MCP schema: the keys of an agent's MCP server. Which of them go together is judged in agent-mcp.ts.

import { duration, secret, text, z } from './kinds.ts'

/** As a shell would take it: whatever it is, it becomes text. */
const word = z.union([z.string(), z.number(), z.boolean()], { error: 'expected text' })

const server = z.strictObject({
  command: text('expected an executable such as node')
    .optional()
    .describe('The executable that is the server, by its name or path; it is started in the folder of this file.'),
  args: z.array(word, { error: 'expected a list such as [server.js, --quiet]' }).optional().describe('Its arguments.'),
  env: z
    .record(z.string(), word)
    .optional()
    .describe('Its environment, besides PATH, HOME, LANG and TMPDIR. Nothing else of ours is passed on.'),
  url: secret('an address').optional().describe('The address of a server that runs elsewhere (Streamable HTTP).'),
  headers: z
    .record(z.string(), secret('a header'))
    .optional()
    .describe('Headers of each request to it, such as { authorization: "Bearer ${KEY}" }.'),
  timeout: duration(100, '60s').prefault('60s').describe('A call of one of its tools that takes longer is given up.'),
})

export const mcpServers = z
  .record(z.string(), server)
  .prefault({})
  .describe(
    'MCP servers, by name; each is started when it is needed, and its tools are called NAME.TOOL. Either command or url.',
  )

export type McpKeys = z.infer<typeof server>

export const MCP_KEYS = Object.keys(server.shape)
