// Room: whether an agent's instructions leave room for a conversation in what its model takes in. Pure.
//   Both sides are estimates (see history.ts), so this is said and never enforced: the model's provider decides.

import type { AgentDefinition, ModelDefinition } from './definitions.ts'
import type { Failure } from './failure.ts'
import { textTokens } from './history.ts'

/** null: there is room, or the model reads no instructions. */
export function instructionsFailure(
  { instructions }: Pick<AgentDefinition, 'instructions'>,
  model: ModelDefinition,
): Failure | null {
  if (model.provider === 'echo') return null
  const tokens = textTokens(instructions)
  if (tokens <= model.contextTokens) return null
  return {
    kind: 'permanent',
    reason: 'refused',
    message: `The agent's instructions take about ${tokens} tokens, and its model takes in ${model.contextTokens}.`,
    remedy: 'Shorten the instructions, choose a larger model, or say in context what it takes in.',
  }
}
