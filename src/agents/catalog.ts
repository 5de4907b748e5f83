// Catalogue: which code thinks for which provider.
//   Importing it loads no model library: a gateway with only echo agents never pays for one (168 ms, 30 MB).

import type { BuildAgent } from './agent.ts'
import { buildEcho } from './echo.ts'

export const buildAgent: BuildAgent = async (parts) => {
  const { model } = parts.definition
  if (model.provider === 'echo') return buildEcho(parts, model)
  const { buildModel } = await import('./model.ts')
  return buildModel(parts, model)
}
