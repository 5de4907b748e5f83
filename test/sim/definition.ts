// Definition: the gateway.yaml of one world, from its plan.

import type { ChannelDefinition, GatewayDefinition } from '../../machines/definitions.ts'
import { testDefinition } from '../support/house.ts'
import type { Schedule } from './steps.ts'
import { TOOL_NAMES } from './tools.ts'

export function definitionOf({ plan }: Schedule): GatewayDefinition {
  const channels = plan.channels.map(
    ({ busyMode, sessionScope, queueLimit, agent, partialAnswers }, index): [string, Partial<ChannelDefinition>] => {
      const routes = { default: agent, dm: null, group: null }
      const given = { busyMode, sessionScope, queueLimit, partialAnswers, routes, groupPolicy: 'respond_all' } as const
      return [String.fromCharCode(97 + index), { platform: 'sim', ...given }]
    },
  )
  const { concurrentRuns, passivateAfterMs, drainMs, agent } = plan
  return testDefinition({
    channels: Object.fromEntries(channels),
    gateway: { concurrentRuns, passivateAfterMs, drainMs },
    agents: { cfo: { ...agent, tools: TOOL_NAMES }, ops: { runTimeoutMs: agent.runTimeoutMs } },
  })
}
