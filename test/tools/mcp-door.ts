// MCP door: real servers behind the contract that a toolbox asks, without the actors in between: started at the first asking, and
// ended by the test.

import { join } from 'node:path'
import type { McpDefinition } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import { unrecorded } from '../../src/tools/groups.ts'
import { mcpClients } from '../../src/tools/mcp-client.ts'
import type { McpServer, McpServers } from '../../src/tools/tool.ts'
import type { World } from '../../src/world.ts'
import { silentLog } from '../support/world.ts'

const SERVER = join(import.meta.dirname, '..', 'support', 'child-mcp-server.ts')

/** What a call may take before it is given up. */
const CALL_MS_MAX = 1_000

interface Door {
  /** How each behaves, by name. */
  readonly servers: Readonly<Record<string, readonly string[]>>
  readonly home: string
  /** The one that they are given, as LEAK. */
  readonly secret: string
  readonly redact: (text: string) => string
  readonly world: World
}

export function mcpDoor({ servers, home, secret, redact, world }: Door) {
  const clients = mcpClients({ redact, groups: unrecorded })
  const ending = new AbortController()
  const started = new Map<string, Promise<McpServer>>()
  const entries = Object.entries(servers).map(([name, manners]): [string, McpDefinition] => {
    const args = [SERVER, home, ...manners].map((argument) => ({ secret: argument }))
    const env = { LEAK: { secret } }
    return [name, { transport: 'stdio', command: process.execPath, args, env, folder: home, timeoutMs: CALL_MS_MAX }]
  })
  const definitions = Object.fromEntries(entries)
  const start = (name: string): Promise<McpServer> => {
    const definition = definitions[name]
    if (definition === undefined) throw new Error(`there is no server ${name}`)
    const server = Promise.withResolvers<McpServer>()
    const parts = {
      agent: 'cfo',
      name,
      definition,
      secret: ({ secret: value }: { secret: string }) => value,
      world,
      log: silentLog,
    }
    clients.run(parts, server.resolve, ending.signal).catch(server.reject)
    return server.promise
  }
  const mcp: McpServers = {
    async list(name) {
      const server = started.get(name) ?? start(name)
      started.set(name, server)
      return (await server).tools
    },
    async call(name, { tool, input }, signal) {
      const server = await started.get(name)
      if (server === undefined) throw new Error(`${name} was not asked what it has`)
      const deadline = AbortSignal.timeout(CALL_MS_MAX)
      const gone = new Promise<never>((_, reject) => {
        deadline.addEventListener('abort', () => reject(new FailureError(GIVEN_UP)))
      })
      const call = server.call(tool, input, AbortSignal.any([signal, deadline]))
      const { text, failed } = await Promise.race([call, gone])
      if (failed) throw new FailureError({ kind: 'permanent', reason: 'refused', message: text })
      return text
    },
  }
  const close = async (): Promise<void> => {
    ending.abort()
    await clients.ended()
  }
  return { definitions, mcp, close }
}

const GIVEN_UP = { kind: 'retryable', reason: 'timeout', message: 'it was given up' } as const
