// Gateway actor: the root of the tree with its effects. start.ts creates it, sends it `drain`, and waits for its end.

import { createActor, fromCallback, fromPromise } from 'xstate'
import type { GatewayDefinition } from '../../machines/definitions.ts'
import { failureOf, sayable } from '../../machines/failure.ts'
import { gatewayMachine } from '../../machines/gateway.ts'
import { inForce } from '../../machines/gateway-context.ts'
import { indexDelays } from './delays.ts'
import { endingItsChildren } from './ending.ts'
import { channelActor } from './channel.ts'
import { observed } from './observed.ts'
import type { Parts } from './parts.ts'
import { lookAtChannels } from './restarts.ts'
import { scheduleActor } from './schedule.ts'

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
      schedule: scheduleActor(parts),
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
      noteScheduleFailure: (_, { schedule, error }) => {
        parts.log.error({ schedule, err: error }, 'a schedule failed by a defect; it goes on in a minute')
      },
      forgetSchedules: (_, { names }) => {
        if (names.length === 0) return
        parts.store.forgetSchedules(names).catch((error: unknown) => {
          parts.log.warn({ err: error }, 'schedules that were taken out are still on record')
        })
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
    if (await isNone(async () => (await parts.store.counts()).outbox)) return
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
    if (await isNone(async () => (await parts.store.owed(channel)).length)) return
    await later(parts, FLUSH_LOOK_MS)
  }
}

/** A disk that does not answer says nothing of what is owed: whoever waits looks again, until its own deadline. */
async function isNone(count: () => Promise<number>): Promise<boolean> {
  try {
    return (await count()) === 0
  } catch (error) {
    if (failureOf(error).reason !== 'storage') throw error
    return false
  }
}

function later({ world }: Parts, ms: number): Promise<void> {
  return new Promise((resolve) => world.clock.setTimeout(resolve, ms))
}
