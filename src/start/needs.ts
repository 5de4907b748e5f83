// Needs: what the agents of a configuration, and its own hooks, need of this machine, before any of them is used; and what tools must
// not see.
//   A2. A definition is not changed: one with what is lacking is made from it, frozen like the first.

import { dirname, join, resolve } from 'node:path'
import type { AgentDefinition, GatewayDefinition, Lack } from '../../machines/definitions.ts'
import type { World } from '../world.ts'

/** The definition with what each agent lacks written into it; its channels then fail by name, and only they. And the gateway's own. */
export function withLacks(definition: GatewayDefinition, { environment }: World): Promise<GatewayDefinition> {
  const agent = async (one: AgentDefinition): Promise<readonly Lack[]> => {
    const hooks = await hooksLacking(one, environment)
    if (one.tools.length + one.requires.length + Object.keys(one.mcp).length === 0) return hooks
    const { lacksOf } = await import('../tools/needs.ts')
    return [...(await lacksOf(one, environment)), ...hooks]
  }
  return withFound(definition, { agent, gateway: (own) => hooksLacking(own, environment) })
}

async function hooksLacking({ hooks }: Hooked, environment: World['environment']): Promise<readonly Lack[]> {
  if (Object.keys(hooks).length === 0) return []
  const { hookExecutableLacks } = await import('../tools/hook-needs.ts')
  return hookExecutableLacks(hooks, environment)
}

/** What has hooks. */
export type Hooked = Pick<AgentDefinition, 'hooks'> | Pick<GatewayDefinition, 'hooks'>

/** Each resolves with what is not there. */
export interface Looks {
  agent(agent: AgentDefinition): Promise<readonly Lack[]>
  /** At the hooks of no agent. */
  gateway(own: Hooked): Promise<readonly Lack[]>
}

/** The definition with what is found added to what each agent, and the gateway itself, lack already. */
export async function withFound(definition: GatewayDefinition, looks: Looks): Promise<GatewayDefinition> {
  const found = Object.entries(definition.agents).map(async ([id, agent]) => {
    const lacks = await looks.agent(agent)
    return [id, lacks.length === 0 ? agent : lackingAlso(agent, lacks)] as const
  })
  const [own, agents] = await Promise.all([looks.gateway(definition), Promise.all(found)])
  return lackingAlso({ ...definition, agents: Object.freeze(Object.fromEntries(agents)) }, own)
}

/** The configuration, the variables beside it, and the data folder: absolute paths. */
export function hiddenFromTools(file: string, data: string): readonly string[] {
  const path = resolve(file)
  return [path, join(dirname(path), '.env'), data]
}

function lackingAlso<Owner extends Lacking>(owner: Owner, lacks: readonly Lack[]): Readonly<Owner & Lacking> {
  const lacking = [...owner.lacking, ...lacks.map((lack) => Object.freeze(lack))]
  return Object.freeze({ ...owner, lacking: Object.freeze(lacking) })
}

type Lacking = Pick<AgentDefinition, 'lacking'>
