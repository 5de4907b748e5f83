// Definition: the gateway.yaml of one world, from its plan.

import type { ChannelDefinition, GatewayDefinition } from '../../machines/definitions.ts'
import { testDefinition } from '../support/house.ts'
import type { Schedule } from './steps.ts'

export function definitionOf({ plan }: Schedule): GatewayDefinition {
  const channels = plan.channels.map(
    ({ busyMode, sessionScope, queueLimit }, index): [string, Partial<ChannelDefinition>] => [
      String.fromCharCode(97 + index),
      { platform: 'sim', busyMode, sessionScope, queueLimit, groupPolicy: 'respond_all' },
    ],
  )
  const { concurrentRuns, passivateAfterMs, drainMs } = plan
  return testDefinition({
    channels: Object.fromEntries(channels),
    gateway: { concurrentRuns, passivateAfterMs, drainMs },
  })
}
