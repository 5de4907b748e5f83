// Needs: what the agents of a configuration need of this machine, before any of them is used; and what their tools must not see.
//   A2. A definition is not changed: one with what is lacking is made from it, frozen like the first.

import { dirname, join, resolve } from 'node:path'
import type { AgentDefinition, GatewayDefinition, Lack } from '../../machines/definitions.ts'
import type { World } from '../world.ts'

/** The definition with what each agent lacks written into it; its channels then fail by name, and only they. */
export function withLacks(definition: GatewayDefinition, { environment }: World): Promise<GatewayDefinition> {
  return eachAgent(definition, async (agent) => {
    const hooks = await hooksLacking(agent, environment)
    if (agent.tools.length === 0 && agent.requires.length === 0) return hooks
    const { lacksOf } = await import('../tools/needs.ts')
    return [...(await lacksOf(agent, environment)), ...hooks]
  })
}

async function hooksLacking({ hooks }: AgentDefinition, environment: World['environment']): Promise<readonly Lack[]> {
  if (Object.keys(hooks).length === 0) return []
  const { hookExecutableLacks } = await import('../tools/hook-needs.ts')
  return hookExecutableLacks(hooks, environment)
}

/** The definition with what is found of each agent added to what it lacks already. */
export async function eachAgent(
  definition: GatewayDefinition,
  look: (agent: AgentDefinition) => Promise<readonly Lack[]>,
): Promise<GatewayDefinition> {
  const agents = await Promise.all(
    Object.entries(definition.agents).map(async ([id, agent]) => [id, lackingAlso(agent, await look(agent))] as const),
  )
  return Object.freeze({ ...definition, agents: Object.freeze(Object.fromEntries(agents)) })
}

/** The configuration, the variables beside it, and the data folder: absolute paths. */
export function hiddenFromTools(file: string, data: string): readonly string[] {
  const path = resolve(file)
  return [path, join(dirname(path), '.env'), data]
}

function lackingAlso(agent: AgentDefinition, lacks: readonly Lack[]): AgentDefinition {
  if (lacks.length === 0) return agent
  const lacking = [...agent.lacking, ...lacks.map((lack) => Object.freeze(lack))]
  return Object.freeze({ ...agent, lacking: Object.freeze(lacking) })
}
