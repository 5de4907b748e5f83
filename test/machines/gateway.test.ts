// Gateway's statechart: the roll call waits for everybody, slots are fair, the end is bounded.

import { createActor, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { expect, test } from 'vitest'
import { gatewayMachine } from '../../machines/gateway.ts'
import type { ChannelReport, ChannelState } from '../../machines/messages.ts'
import { channelMachine } from '../../machines/channel.ts'
import { type HouseOptions, testDefinition } from '../support/house.ts'
import { held, settled } from '../support/world.ts'

function rig(machine = gatewayMachine) {
  const rollCalls: (readonly ChannelReport[])[] = []
  const clock = new SimulatedClock()
  const flushed = held<void>()
  const silent = channelMachine.provide({
    actors: { recover: fromPromise(() => new Promise<void>(() => {})) },
    actions: {
      freePlace: () => {
        throw new Error('a defect')
      },
    },
  })
  const gateway = createActor(
    machine.provide({
      actors: {
        channel: silent,
        sweeper: fromCallback(() => {}),
        flush: fromPromise(() => flushed.promise),
        flushChannel: fromPromise<void, { channel: string; withinMs: number }>(() => flushed.promise),
      },
      actions: {
        callTheRoll: (_, { reports }) => void rollCalls.push(reports),
        noteReport: () => {},
        noteFailure: () => {},
        noteAdoption: () => {},
        forgetSchedules: () => {},
        noteLeft: () => {},
      },
    }),
    { systemId: 'gateway', clock, input: { definition: testDefinition({ channels: { a: {}, b: {}, c: {} } }) } },
  )
  gateway.start()
  const report = (id: string, state: ChannelState): void =>
    gateway.send({ type: 'channel.reported', report: { id, state, failure: null } })
  const fails = (id: string): void =>
    gateway.system.get(`channel:${id}`)?.send({ type: 'child.stopped', child: 'session:x', routed: 1 })
  const changes = (channels: NonNullable<HouseOptions['channels']>): void =>
    gateway.send({ type: 'definition.changed', definition: testDefinition({ channels }) })
  return { gateway, clock, rollCalls, flushed, report, fails, changes }
}

test('C3: the roll is called once, when the last channel has reported, with every channel by its id', () =>
  expectWholeRoll(gatewayMachine))

test('a broken gateway that calls the roll when the first is live is caught', async () => {
  const hasty = gatewayMachine.provide({
    guards: { everybodyReported: ({ context }) => context.reports.a?.state === 'live' },
  })
  await expect(expectWholeRoll(hasty)).rejects.toThrow()
})

async function expectWholeRoll(machine: typeof gatewayMachine): Promise<void> {
  const { report, rollCalls } = rig(machine)
  report('a', 'live')
  report('c', 'failed')
  await settled()
  expect(rollCalls).toEqual([])
  report('b', 'retrying')
  report('b', 'live')
  await settled()
  expect(rollCalls.map((reports) => reports.map(({ id, state }) => [id, state]))).toEqual([
    [
      ['a', 'live'],
      ['b', 'retrying'],
      ['c', 'failed'],
    ],
  ])
}

test('drain: waits for runs, but not longer than it was told', () => {
  const { gateway, clock } = rig()
  gateway.send({ type: 'slot.requested', sessionKey: 'a/c1' })
  gateway.send({ type: 'drain' })
  for (const id of ['a', 'b', 'c']) {
    gateway.send({ type: 'channel.reported', report: { id, state: 'stopped', failure: null } })
  }
  expect(gateway.getSnapshot().value).toEqual({ draining: 'finishing' })
  clock.increment(20_000)
  expect(gateway.getSnapshot().value).toEqual({ draining: 'flushing' })
  clock.increment(1_500)
  expect(gateway.getSnapshot().status).toBe('done')
})

test('drain: ends as soon as runs are done and nothing is owed, and grants no slot meanwhile', async () => {
  const { gateway, flushed, report } = rig()
  gateway.send({ type: 'slot.requested', sessionKey: 'a/c1' })
  gateway.send({ type: 'drain' })
  gateway.send({ type: 'slot.requested', sessionKey: 'a/c2' })
  expect(gateway.getSnapshot().context.slots).toMatchObject({ running: ['a/c1'], waiting: 0 })
  for (const id of ['a', 'b', 'c']) report(id, 'stopped')
  gateway.send({ type: 'slot.released', sessionKey: 'a/c1' })
  expect(gateway.getSnapshot().value).toEqual({ draining: 'flushing' })
  flushed.resolve()
  await settled()
  expect(gateway.getSnapshot().status).toBe('done')
})

test('drain: a channel that fails meanwhile is not waited for', () => {
  const { gateway, report, fails } = rig()
  gateway.send({ type: 'slot.requested', sessionKey: 'a/c1' })
  gateway.send({ type: 'drain' })
  report('c', 'live')
  gateway.send({ type: 'slot.released', sessionKey: 'a/c1' })
  expect(gateway.getSnapshot().value).toEqual({ draining: 'finishing' })
  fails('c')
  expect(gateway.getSnapshot().value).toEqual({ draining: 'flushing' })
})

test('a channel that waits for its restart begins on the newest definition, and is tried by nobody', () => {
  const { gateway, fails, changes } = rig()
  fails('b')
  changes({ a: {}, b: { token: { secret: 'channels.b.token', renewed: 1 } }, c: {} })
  expect(gateway.system.get('channel:b')?.getSnapshot().context.definition.token.renewed).toBe(1)
  expect(gateway.getSnapshot().context.adoptions).toEqual({})
})

test('a channel that is out of the file again is not ended by what was to bring it back', () => {
  const { gateway, clock, report, changes } = rig()
  changes({ a: {}, c: {} })
  changes({ a: {}, b: {}, c: {} })
  changes({ a: {}, c: {} })
  report('b', 'stopped')
  clock.increment(20_000)
  expect(gateway.getSnapshot().context.leaving).toEqual({ b: 'flushing' })
})
