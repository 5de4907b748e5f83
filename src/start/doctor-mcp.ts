// Doctor's questions about MCP servers: each is started once, asked what it has, and ended. Nothing of it is left.

import type { AgentDefinition } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import type { Probe, ProbeOptions } from './doctor.ts'

export function mcpProbes(agents: readonly AgentDefinition[], options: ProbeOptions): readonly Probe[] {
  return agents.flatMap((agent) =>
    Object.keys(agent.mcp).map(
      (name): Probe => ({
        about: `mcp ${agent.id}.${name}`,
        phase: 'connect',
        ask: (signal) => ask({ agent, name }, options, signal),
      }),
    ),
  )
}

async function ask(
  { agent, name }: { readonly agent: AgentDefinition; readonly name: string },
  { loaded, world, log }: ProbeOptions,
  signal: AbortSignal,
): Promise<string> {
  const definition = agent.mcp[name]
  if (definition === undefined) throw new Error('a server that is asked stands in its agent')
  const { mcpClients } = await import('../tools/mcp-client.ts')
  const clients = mcpClients((text) => loaded.secrets.redact(text))
  const ending = new AbortController()
  const secret: Parameters<typeof clients.run>[0]['secret'] = (reference) => loaded.secrets.resolve(reference)
  const found = Promise.withResolvers<number>()
  const life = clients.run(
    { name, definition, secret, world, log },
    ({ tools }) => found.resolve(tools.length),
    AbortSignal.any([signal, ending.signal]),
  )
  life.catch((error: unknown) => found.reject(named(name, error)))
  try {
    const count = await found.promise
    return `${count} ${count === 1 ? 'tool' : 'tools'}`
  } finally {
    ending.abort()
    await clients.ended()
  }
}

/** Its own words begin with "it". */
function named(name: string, error: unknown): unknown {
  if (!(error instanceof FailureError)) return error
  return new FailureError({
    ...error.failure,
    message: `the MCP server ${name} did not start: ${error.failure.message}`,
  })
}
