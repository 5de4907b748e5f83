// Own channel: a user's channel module as the gateway has it, for the checks of an adapter.

import { resolve } from 'node:path'
import type { Setting } from '../../machines/definitions.ts'
import type { Adapter } from '../../src/channels/adapter.ts'
import { createModuleAdapter } from '../../src/channels/module.ts'
import type { World } from '../../src/world.ts'
import { adapterParts } from './adapter-parts.ts'

export interface OpenChannelOptions {
  /** As the file would give them. */
  readonly settings?: Readonly<Record<string, Setting>>
  readonly token?: string
  /** Its clock is the module's, when it asks for one; default: one that stands still. */
  readonly world?: World
}

/**
 * The adapter of the module at this path; each call gives another one. It is loaded by its first use, and rejects with a FailureError
 * that says what is wrong with it.
 */
export function openChannel(path: string, { settings = {}, token, world }: OpenChannelOptions = {}): Adapter {
  const secret = token === undefined ? null : { secret: 'channels.test.token' }
  const parts = {
    definition: { platform: 'module', module: resolve(path), settings, token: secret },
    secret: () => token ?? '',
  }
  return createModuleAdapter(adapterParts(world === undefined ? parts : { ...parts, world }))
}
