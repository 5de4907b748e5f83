// Judge: what of a file holds on this machine: its definition with what is lacking written into it. The same at the start and for each
// newer file.
//   A2. A definition is not changed: each step makes another from it.

import type { GatewayDefinition, GatewaySettings, SecretReference } from '../../machines/definitions.ts'
import { withOpenAi } from '../../machines/openai.ts'
import type { Log } from '../log.ts'
import type { World } from '../world.ts'
import { withConstruction } from './construct.ts'
import { sayingLacks } from './hooks.ts'
import { withLacks } from './needs.ts'

export interface Judge {
  /** Of the phase `requires`: with what the command line says over it, and with what this machine lacks for it. */
  required(file: GatewayDefinition): Promise<GatewayDefinition>
  /** Of the phase `construct`: with what of it could not be built. What the gateway itself lacks is in the log then. */
  constructed(required: GatewayDefinition): Promise<GatewayDefinition>
}

export interface JudgeParts {
  /** Over the file's own. */
  readonly settings: Partial<GatewaySettings>
  readonly secret: (reference: SecretReference) => string
  readonly world: World
  readonly log: Log
}

export function judgeOf({ settings, secret, world, log }: JudgeParts): Judge {
  const said = sayingLacks(log)
  return {
    required(file) {
      const overridden = { ...file, gateway: { ...file.gateway, ...settings } }
      return withLacks(overridden, world).then(withOpenAi)
    },
    constructed: async (required) => said(await withConstruction(required, { secret, world, log })),
  }
}
