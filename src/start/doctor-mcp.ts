// Doctor's questions about MCP servers: each is started once, asked what it has, and ended. Nothing of it is left.

import type { AgentDefinition } from '../../machines/definitions.ts'
import { type Failure, FailureError, failureOf } from '../../machines/failure.ts'
import { MCP_START_MS_MAX } from '../../machines/limits.ts'
import { notStarted, TOO_SLOW } from '../../machines/mcp-failure.ts'
import type { Probe, ProbeOptions } from './doctor.ts'
import { secretFrom } from './secret.ts'

/** One that is slow is waited for as long as a run would, and is ended in its turn. */
const END_MS_MAX = 6_000

export function mcpProbes(agents: readonly AgentDefinition[], options: ProbeOptions): readonly Probe[] {
  return agents.flatMap((agent) =>
    Object.keys(agent.mcp).map(
      (name): Probe => ({
        about: `mcp ${agent.id}.${name}`,
        phase: 'requires',
        msMax: MCP_START_MS_MAX + END_MS_MAX,
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
  const { unrecorded } = await import('../tools/groups.ts')
  const clients = mcpClients({ redact: (text) => loaded.secrets.redact(text), groups: unrecorded })
  const ending = new AbortController()
  const secret = secretFrom(loaded)
  const found = Promise.withResolvers<number>()
  const fail = (failure: Failure): void =>
    found.reject(new FailureError(notStarted({ agent: agent.id, server: name, definition }, failure)))
  const timer = world.clock.setTimeout(() => fail(TOO_SLOW), MCP_START_MS_MAX)
  const life = clients.run(
    { agent: agent.id, name, definition, secret, world, log },
    ({ tools }) => found.resolve(tools.length),
    AbortSignal.any([signal, ending.signal]),
  )
  life.catch((error: unknown) => fail(failureOf(error)))
  try {
    const count = await found.promise
    return `${count} ${count === 1 ? 'tool' : 'tools'}`
  } finally {
    world.clock.clearTimeout(timer)
    ending.abort()
    await clients.ended()
  }
}
