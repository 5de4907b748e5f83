// Partition's statechart: restarts within an intensity, children stopped only at rest, nobody taken along.

import { createActor, fromPromise, setup, SimulatedClock } from 'xstate'
import { expect, test } from 'vitest'
import { type DeliveryInput, deliveryMachine } from '../../machines/delivery.ts'
import type { AcceptedMessage, OutboxItem, ToPartition } from '../../machines/messages.ts'
import { partitionMachine } from '../../machines/partition.ts'
import { sessionMachine } from '../../machines/session.ts'
import { acceptedMessage } from '../support/messages.ts'
import { testChannel } from '../support/house.ts'
import { settled } from '../support/world.ts'

function rig(machine = partitionMachine) {
  const told: { type: string; child?: string; sessionKey?: string }[] = []
  const disk: AcceptedMessage[] = []
  const failures: { child: string; restartAfterMs: number | null }[] = []
  const clock = new SimulatedClock()
  const breaks = { abandoning: false }
  const silent = { record: () => {}, undo: () => {}, releaseTries: () => {}, show: () => {} }
  const partition = machine.provide({
    actors: {
      session: sessionMachine.provide({ actions: silent }),
      delivery: deliveryMachine.provide({
        actors: { look: fromPromise<OutboxItem | null, DeliveryInput>(async () => null) },
      }),
      abandon: fromPromise<readonly AcceptedMessage[], { key: string; reached: number }>(async ({ input }) => {
        told.push({ type: 'abandoned', child: `session:${input.key}` })
        if (breaks.abandoning) throw new Error('a defect')
        return []
      }),
      recover: fromPromise(async ({ input }) => disk.filter((message) => message.sessionKey === input.key)),
    },
    actions: {
      noteFailure: (_, failure) => void failures.push(failure),
    },
  })
  const note = ({ event }: { event: { type: string } }): void => void told.push(event)
  const channel = setup({ actors: { partition } }).createMachine({
    invoke: { id: 'partition', src: 'partition', input: { definition: testChannel('a'), agents: {} } },
    on: { 'child.stopped': { actions: note } },
  })
  const above = setup({ actors: { channel } }).createMachine({
    invoke: { id: 'channel', src: 'channel', systemId: 'channel:a' },
    on: { 'slot.requested': { actions: note }, 'slot.released': { actions: note } },
  })
  const root = createActor(above, { systemId: 'gateway', clock })
  root.start()
  const actor = root.getSnapshot().children.channel?.getSnapshot().children.partition
  let routed = 0
  return {
    told,
    disk,
    failures,
    clock,
    defects: breaks,
    live: () => Object.keys(actor?.getSnapshot().children ?? {}),
    async send(event: ToPartition) {
      actor?.send(event)
      await settled()
    },
    async message(conversation: string, text = 'hello') {
      routed += 1
      const key = `a/${conversation}`
      const message = acceptedMessage(text, { seq: routed, conversation, sessionKey: key })
      disk.push(message)
      await this.send({ type: 'message.route', routed, message })
    },
    /** A defect inside that session. */
    async breaks(conversation: string) {
      const failure = { kind: 'defect', reason: 'defect', message: 'bug' } as const
      root.system.get(`session:a/${conversation}`)?.send({ type: 'record.failed', failure })
      await settled()
    },
  }
}

test('S55: a session that fails is started again from the store after its backoff; its sibling stays', async () => {
  const partition = rig()
  await partition.message('c1')
  await partition.message('c2')
  await partition.breaks('c1')
  expect(partition.live()).toEqual(['session:a/c2'])
  expect(partition.failures).toMatchObject([{ child: 'session:a/c1', restartAfterMs: 1_000 }])
  partition.clock.increment(1_000)
  await settled()
  expect(partition.live()).toEqual(['session:a/c2', 'session:a/c1'])
})

test('a slot that a failed session held goes to the next', async () => {
  const partition = rig()
  await partition.message('c1')
  await partition.breaks('c1')
  expect(partition.told.at(-1)).toEqual({ type: 'slot.released', sessionKey: 'a/c1' })
})

test('a message that comes while its session waits for the restart is in the restarted one', async () => {
  const partition = rig()
  await partition.message('c1', 'one')
  await partition.breaks('c1')
  await partition.message('c1', 'two')
  partition.clock.increment(1_000)
  await settled()
  expect(partition.live()).toEqual(['session:a/c1'])
  expect(partition.told.filter((message) => message.type === 'slot.requested')).toHaveLength(2)
})

test('restart intensity: a session that fails eleven times in a row is given up', () => expectGivenUp(partitionMachine))

test('a broken partition without an intensity is caught', async () => {
  const stubborn = partitionMachine.provide({ guards: { givesUp: () => false } })
  await expect(expectGivenUp(stubborn)).rejects.toThrow()
})

async function expectGivenUp(machine: typeof partitionMachine): Promise<void> {
  const partition = rig(machine)
  await partition.message('c1')
  for (let failure = 0; failure < 11; failure += 1) {
    await partition.breaks('c1')
    partition.clock.increment(60_000)
    await settled()
  }
  expect(partition.live()).toEqual([])
  expect(partition.told).toContainEqual({ type: 'abandoned', child: 'session:a/c1' })
}

test('a giving up that fails by a defect is tried again after its backoff, and not at once', async () => {
  const partition = rig()
  await partition.message('c1')
  partition.defects.abandoning = true
  for (let failure = 0; failure < 11; failure += 1) {
    await partition.breaks('c1')
    if (failure < 10) partition.clock.increment(60_000)
    await settled()
  }
  const abandoned = () => partition.told.filter(({ type }) => type === 'abandoned').length
  expect(abandoned()).toBe(1)
  partition.defects.abandoning = false
  partition.clock.increment(60_000)
  await settled()
  expect(abandoned()).toBe(2)
  expect(partition.live()).toEqual([])
})

test('M4: only a session that has seen its last message is passivated', async () => {
  const partition = rig()
  await partition.message('c1')
  await partition.send({ type: 'child.rested', child: 'session:a/c1', routed: 0 })
  for (let sweep = 0; sweep < 8; sweep += 1) await partition.send({ type: 'sweep' })
  expect(partition.live()).toEqual(['session:a/c1'])
  await partition.send({ type: 'child.rested', child: 'session:a/c1', routed: 1 })
  for (let sweep = 0; sweep < 3; sweep += 1) await partition.send({ type: 'sweep' })
  expect(partition.live()).toEqual(['session:a/c1'])
  await partition.send({ type: 'sweep' })
  expect(partition.live()).toEqual([])
  expect(partition.told.at(-1)).toMatchObject({ type: 'child.stopped', child: 'session:a/c1' })
})

test('a delivery that owes nothing is let go at once', async () => {
  const partition = rig()
  await partition.send({ type: 'outbox.route', routed: 1, conversation: 'c1' })
  expect(partition.live()).toEqual([])
  expect(partition.told.at(-1)).toMatchObject({ type: 'child.stopped', child: 'delivery:c1' })
})
