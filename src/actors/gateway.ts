// Gateway actor: the root of the tree with its effects. start.ts creates it, sends it `drain`, and waits for its end.

import { createActor, fromCallback, fromPromise } from 'xstate'
import type { GatewayDefinition } from '../../machines/definitions.ts'
import { sayable } from '../../machines/failure.ts'
import { gatewayMachine } from '../../machines/gateway.ts'
import { inForce } from '../../machines/gateway-context.ts'
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
  const living: Parts = {
    ...parts,
    // The newest definition is the root's; whoever asks for it after an await asks anew.
    get definition(): GatewayDefinition {
      return inForce(gateway.getSnapshot().context)
    },
  }
  const gateway = createActor(gatewayActor(living), { systemId: 'gateway', clock: world.clock, input: { definition } })
  indexDelays(gateway)
  return gateway
}

export function gatewayActor(parts: Parts) {
  const { clock } = parts.world
  const machine = gatewayMachine.provide({
    actors: {
      channel: channelActor(parts),
      sweeper: fromCallback(({ input, receive, system }) => {
        let { everyMs } = input
        const sweep = (): void => {
          system.get('gateway').send({ type: 'sweep' })
          timer = clock.setTimeout(sweep, everyMs)
        }
        let timer = clock.setTimeout(sweep, everyMs)
        receive((event) => {
          if (event.everyMs === everyMs) return
          everyMs = event.everyMs
          clock.clearTimeout(timer)
          timer = clock.setTimeout(sweep, everyMs)
        })
        return () => clock.clearTimeout(timer)
      }),
      flush: fromPromise(({ signal }) => flush(parts, signal)),
      flushChannel: fromPromise(({ input, signal }) => flushChannel(parts, input, signal)),
    },
    actions: {
      callTheRoll: (_, { reports }) => parts.onRollCall(reports),
      noteReport: (_, { report }) => parts.onReport(report),
      noteFailure: (_, { channel, error }) => {
        parts.log.error({ channel, err: error }, 'a channel failed by a defect')
      },
      noteAdoption: ({ context }, { channel, adoption }) => {
        const { log } = parts
        const text = adoption.failure === null ? '' : sayable(adoption.failure)
        if (text !== '')
          log.warn({ channel }, `the channel serves its earlier definition, for the new one does not start: ${text}`)
        else if (context.adoptions[channel] !== undefined && adoption.state === 'served')
          log.info({ channel }, 'the channel serves its new definition')
      },
      noteLeft: (_, { channel }) => {
        parts.adapters.delete(channel)
        parts.log.info({ channel }, 'the channel is gone; what it had accepted and not answered is on disk')
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
    await later(parts, FLUSH_LOOK_MS)
  }
}

async function flushChannel(
  parts: Parts,
  { channel, withinMs }: { channel: string; withinMs: number },
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = parts.world.nowMs() + withinMs
  while (!signal.aborted && parts.world.nowMs() < deadlineMs) {
    if ((await parts.store.owed(channel)).length === 0) return
    await later(parts, FLUSH_LOOK_MS)
  }
}

function later({ world }: Parts, ms: number): Promise<void> {
  return new Promise((resolve) => world.clock.setTimeout(resolve, ms))
}
