// Strays: whose error it is that reached nobody: of a user's tool or hook, or of the module of a channel.

import { moduleAtWork } from '../channels/module-scope.ts'
import { ownerOfStray as ownerOfTools } from '../tools/own-scope.ts'

/** Asked where Node tells of it; null: none of a module of the user. */
export function ownerOfStray(): string | null {
  return ownerOfTools() ?? moduleAtWork()
}
