// Needs: what the agents of a configuration need of this machine, before any of them is used; and what their tools must not see.
//   A2. A definition is not changed: one with what is lacking is made from it, frozen like the first.

import { dirname, join, resolve } from 'node:path'
import type { AgentDefinition, GatewayDefinition } from '../../machines/definitions.ts'
import type { World } from '../world.ts'

/** The definition with what each agent lacks written into it; its channels then fail by name, and only they. */
export async function withLacks(definition: GatewayDefinition, world: World): Promise<GatewayDefinition> {
  const agents = await Promise.all(
    Object.entries(definition.agents).map(async ([id, agent]) => {
      return [id, await looked(agent, world)] as const
    }),
  )
  return Object.freeze({ ...definition, agents: Object.freeze(Object.fromEntries(agents)) })
}

/** The configuration, the variables beside it, and the data folder: absolute paths. */
export function hiddenFromTools(file: string, data: string): readonly string[] {
  const path = resolve(file)
  return [path, join(dirname(path), '.env'), data]
}

async function looked(agent: AgentDefinition, { environment }: World): Promise<AgentDefinition> {
  const needs = agent.tools.length + agent.requires.length + Object.keys(agent.mcp).length
  if (needs === 0) return agent
  const { lacksOf } = await import('../tools/needs.ts')
  const lacking = await lacksOf(agent, environment)
  return Object.freeze({ ...agent, lacking: Object.freeze(lacking.map((lack) => Object.freeze(lack))) })
}
