// Catalogue: which code thinks for which provider.
//   Importing it loads no model library: a gateway with only echo agents never pays for one (168 ms, 30 MB).

import type { ModelDefinition } from '../../machines/definitions.ts'
import type { Agent, AgentParts, BuildAgent } from './agent.ts'
import { buildEcho } from './echo.ts'
import { fallbackAgent, type Patience } from './fallback.ts'

export const buildAgent: BuildAgent = async (parts) => {
  const { model, fallbackModels } = parts.definition
  if (fallbackModels.length === 0) return buildOne(parts, model, 'repeating')
  return fallbackAgent(parts, (one, patience) => buildOne(parts, one, patience))
}

async function buildOne(parts: AgentParts, model: ModelDefinition, patience: Patience): Promise<Agent> {
  if (model.provider === 'echo') return buildEcho(parts, model)
  const { buildModel } = await import('./model.ts')
  return buildModel(parts, model, patience)
}
