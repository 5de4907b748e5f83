// Parts: what the effects of the actors are made of. start.ts puts it together; nothing in it is made here.

import type { GatewayDefinition, SecretReference } from '../../machines/definitions.ts'
import type { ChannelReport, ToGateway } from '../../machines/messages.ts'
import type { BuildAgent } from '../agents/agent.ts'
import type { Adapter, Platform } from '../channels/adapter.ts'
import type { BuildTools, Notes } from '../tools/tool.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { World } from '../world.ts'
import type { Observe } from './observe.ts'
import type { Said } from './said.ts'
import type { Toolboxes } from './toolbox.ts'

export interface Parts {
  readonly definition: GatewayDefinition
  readonly store: Store
  readonly world: World
  readonly log: Log
  readonly observe: Observe
  readonly secret: (reference: SecretReference) => string
  readonly platforms: Readonly<Record<string, Platform>>
  readonly buildAgent: BuildAgent
  readonly buildTools: BuildTools
  readonly notes: Notes
  /** A channel's connection puts its adapter here; the sessions and deliveries of that channel speak through it. */
  readonly adapters: Map<string, Adapter>
  /** What people have seen of the answers that are being given. */
  readonly said: Said
  readonly toolboxes: Toolboxes
  readonly onRollCall: (reports: readonly ChannelReport[]) => void
  readonly onReport: (report: ChannelReport) => void
}

interface Directory {
  get(address: string): { send(event: ToGateway): void }
}

/** Effects send to the root, which routes by address at that moment; only ever after an await, never inside a transition. */
export function tellGateway(system: unknown, message: ToGateway): void {
  const directory = system as Directory // XState types its registry per system; ours is known by addresses.ts.
  directory.get('gateway').send(message)
}
