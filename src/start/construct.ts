// Construct: whatever code a definition names is loaded and built once before anything is open, so that what cannot be built is named
// at the start, and not in somebody's chat.
//   A2. What is built here is given up at once: each connection and each run builds its own.
//   A definition is not changed: one with what could not be built is made from it, frozen like the first.

import type { AgentDefinition, GatewayDefinition, Lack, SecretReference } from '../../machines/definitions.ts'
import { failureOf } from '../../machines/failure.ts'
import { buildAgent } from '../agents/catalog.ts'
import { buildDescription } from '../agents/description.ts'
import { buildTranscription } from '../agents/transcription.ts'
import { platforms } from '../channels/catalog.ts'
import type { Log } from '../log.ts'
import type { World } from '../world.ts'
import { type Hooked, withFound } from './needs.ts'

export interface ConstructParts {
  readonly secret: (reference: SecretReference) => string
  readonly world: World
  readonly log: Log
}

/** The definition with what could not be built written into it: the channels of an agent then fail by name, and only they. */
export async function withConstruction(
  definition: GatewayDefinition,
  parts: ConstructParts,
): Promise<GatewayDefinition> {
  const [constructed] = await Promise.all([
    withFound(definition, {
      agent: (agent) => constructionLacks(agent, parts),
      gateway: (own) => hookModules(own, parts.world),
    }),
    loadPlatforms(definition),
  ])
  return constructed
}

async function constructionLacks(agent: AgentDefinition, parts: ConstructParts): Promise<readonly Lack[]> {
  // Of an agent that something is missing of not even the model is known.
  if (agent.missing.length > 0) return []
  return [...(await modules(agent, parts)), ...(await model(agent, parts))]
}

async function modules(agent: AgentDefinition, { world }: ConstructParts): Promise<readonly Lack[]> {
  const hooks = await hookModules(agent, world)
  if (agent.tools.length === 0) return hooks
  const { moduleLacks } = await import('../tools/needs.ts')
  return [...(await moduleLacks(agent, world.clock)), ...hooks]
}

async function hookModules({ hooks }: Hooked, { clock }: World): Promise<readonly Lack[]> {
  if (Object.keys(hooks).length === 0) return []
  const { hookModuleLacks } = await import('../tools/hook-needs.ts')
  return hookModuleLacks(hooks, clock)
}

/** Loads the libraries of its providers. */
async function model(definition: AgentDefinition, parts: ConstructParts): Promise<readonly Lack[]> {
  try {
    await buildAgent({ definition, ...parts })
    if (definition.transcription !== null) await buildTranscription({ definition, ...parts })
    if (definition.describeWith !== null) await buildDescription({ definition, ...parts })
    return []
  } catch (error) {
    parts.log.error({ agent: definition.id, err: error }, 'an agent could not be built')
    const { message, remedy } = failureOf(error)
    return [{ phase: 'construct', what: `${definition.id}: ${message}`, remedy: remedy ?? 'The log has more' }]
  }
}

/** One that cannot be loaded is its channels' trouble, and they say so. */
async function loadPlatforms({ channels }: GatewayDefinition): Promise<void> {
  const names = new Set(Object.values(channels).map(({ platform }) => platform))
  await Promise.allSettled([...names].map(async (name) => platforms[name]?.load()))
}
