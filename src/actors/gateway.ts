// Gateway actor: the root of the tree with its effects. start.ts creates it, sends it `drain`, and waits for its end.

import { createActor, fromCallback, fromPromise } from 'xstate'
import { gatewayMachine } from '../../machines/gateway.ts'
import { indexDelays } from './delays.ts'
import { endingItsChildren } from './ending.ts'
import { channelActor } from './channel.ts'
import { observed } from './observed.ts'
import type { Parts } from './parts.ts'
import { lookAtChannels } from './restarts.ts'

export type GatewayActor = ReturnType<typeof createGateway>

/** Made, not started. */
export function createGateway(parts: Parts) {
  const { definition, world } = parts
  const gateway = createActor(gatewayActor(parts), { systemId: 'gateway', clock: world.clock, input: { definition } })
  indexDelays(gateway)
  return gateway
}

function gatewayActor(parts: Parts) {
  const { clock } = parts.world
  const machine = gatewayMachine.provide({
    actors: {
      channel: channelActor(parts),
      sweeper: fromCallback(({ input, system }) => {
        const sweep = (): void => {
          system.get('gateway').send({ type: 'sweep' })
          timer = clock.setTimeout(sweep, input.everyMs)
        }
        let timer = clock.setTimeout(sweep, input.everyMs)
        return () => clock.clearTimeout(timer)
      }),
      flush: fromPromise(({ signal }) => flush(parts, signal)),
    },
    actions: {
      callTheRoll: (_, { reports }) => parts.onRollCall(reports),
      noteReport: (_, { report }) => parts.onReport(report),
      noteFailure: (_, { channel, error }) => {
        parts.log.error({ channel, err: error }, 'a channel failed by a defect')
      },
    },
  })
  return endingItsChildren(observed(machine, lookAtChannels(parts.observe), parts.log))
}

/** How often the outbox is looked at while the gateway ends. */
const FLUSH_LOOK_MS = 25

async function flush(parts: Parts, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { outbox } = await parts.store.counts()
    if (outbox === 0) return
    await new Promise<void>((resolve) => parts.world.clock.setTimeout(resolve, FLUSH_LOOK_MS))
  }
}
