// Delivery's statechart: order, receipts, waits, and what is given up.

import { createActor, fromPromise, setup, SimulatedClock } from 'xstate'
import { expect, test } from 'vitest'
import { type DeliveredPart, deliveryMachine } from '../../machines/delivery.ts'
import { type Failure, FailureError } from '../../machines/failure.ts'
import type { OutboxItem } from '../../machines/messages.ts'
import { withChanged } from '../support/broken.ts'
import { settled } from '../support/world.ts'

interface Outside {
  readonly owed: OutboxItem[]
  /** What each send does, in order; an empty list delivers. */
  readonly sends: (() => Promise<DeliveredPart>)[]
  readonly log: string[]
  readonly receiptFaults: Error[]
}

function rig(given: Partial<Outside> = {}, machine = deliveryMachine) {
  const outside: Outside = { owed: [], sends: [], log: [], receiptFaults: [], ...given }
  const rested: number[] = []
  const clock = new SimulatedClock()
  const above = setup({
    actors: {
      delivery: machine.provide({
        actors: {
          look: fromPromise(async () => outside.owed[0] ?? null),
          send: fromPromise(async ({ input }) => {
            outside.log.push(`send ${input.id}`)
            return outside.sends.shift()?.() ?? { receipt: 'r', last: true }
          }),
          writeReceipt: fromPromise(async ({ input }) => {
            const fault = outside.receiptFaults.shift()
            if (fault !== undefined) throw fault
            outside.log.push(`receipt ${input.item.id}`)
            outside.owed.shift()
          }),
          bury: fromPromise(async ({ input }) => {
            outside.log.push(`bury ${input.item.id} ${input.failure.reason}`)
            outside.owed.shift()
          }),
        },
      }),
    },
  }).createMachine({
    invoke: { id: 'delivery', src: 'delivery', input: { channel: 'a', conversation: 'c1' } },
    on: { 'child.rested': { actions: ({ event }) => rested.push(event.routed) } },
  })
  const root = createActor(above, { clock })
  root.start()
  const actor = root.getSnapshot().children.delivery
  return { outside, rested, clock, actor, state: () => actor?.getSnapshot().value }
}

function item(id: number): OutboxItem {
  return { id, channel: 'a', conversation: 'c1', text: `t${id}`, replyTo: null, partsSent: 0, uncertain: false }
}

const failing = (failure: Failure) => async (): Promise<DeliveredPart> => {
  throw new FailureError(failure)
}
const AWAY: Failure = { kind: 'retryable', reason: 'unavailable', message: 'away' }

test('D1: the next reply is sent only after the receipt of the one before it', async () => {
  const { outside, rested } = rig({ owed: [item(1), item(2)] })
  await settled()
  expect(outside.log).toEqual(['send 1', 'receipt 1', 'send 2', 'receipt 2'])
  expect(rested).toEqual([0])
})

test('D2: a receipt that the disk did not take is written again; the part is not sent again', () =>
  expectOneSend(deliveryMachine))

test('a broken delivery that sends again when a receipt was not written is caught', async () => {
  const onError = ['states', 'recording', 'states', 'writing', 'invoke', 'onError']
  await expect(expectOneSend(withChanged(deliveryMachine, onError, '#delivery.looking'))).rejects.toThrow()
})

async function expectOneSend(machine: typeof deliveryMachine): Promise<void> {
  const fault = new FailureError({ kind: 'retryable', reason: 'storage', message: 'disk full' })
  const { clock, outside } = rig({ owed: [item(1)], receiptFaults: [fault] }, machine)
  await settled()
  clock.increment(1_000)
  await settled()
  expect(outside.log).toEqual(['send 1', 'receipt 1'])
}

test('S48: a hint of the platform is obeyed to the millisecond', async () => {
  const limited: Failure = { kind: 'retryable', reason: 'rateLimited', message: 'slow down', retryAfterMs: 7_000 }
  const { outside, clock, state } = rig({ owed: [item(1)], sends: [failing(limited)] })
  await settled()
  clock.increment(6_999)
  await settled()
  expect(state()).toBe('waiting')
  clock.increment(1)
  await settled()
  expect(outside.log).toEqual(['send 1', 'send 1', 'receipt 1'])
})

test('the backoff of failures without a hint doubles', async () => {
  const { outside, clock } = rig({ owed: [item(1)], sends: [failing(AWAY), failing(AWAY), failing(AWAY)] })
  for (const wait of [1_000, 2_000, 4_000]) {
    await settled()
    clock.increment(wait - 1)
    await settled()
    const before = outside.log.length
    clock.increment(1)
    await settled()
    expect(outside.log.length).toBeGreaterThan(before)
  }
  expect(outside.log.at(-1)).toBe('receipt 1')
})

test('S49: a send whose end is unknown is repeated once, then set aside', async () => {
  const cut: Failure = { ...AWAY, uncertain: true }
  const { outside, clock } = rig({ owed: [item(1)], sends: [failing(cut), failing(cut), failing(cut)] })
  await settled()
  clock.increment(1_000)
  await settled()
  expect(outside.log).toEqual(['send 1', 'send 1', 'bury 1 unavailable'])
})

test('what is committed during a look is looked at again: there is no moment in between', async () => {
  const { outside, actor, rested } = rig()
  outside.owed.push(item(1))
  actor?.send({ type: 'outbox.routed', routed: 7 })
  await settled()
  expect(outside.log).toEqual(['send 1', 'receipt 1'])
  expect(rested.at(-1)).toBe(7)
})

test('a drain ends a wait at once: what is owed stays on disk', async () => {
  const { actor, state } = rig({ owed: [item(1)], sends: [failing(AWAY)] })
  await settled()
  actor?.send({ type: 'drain' })
  await settled()
  expect(state()).toBe('empty')
})
