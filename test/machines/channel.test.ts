// Channel's statechart: one connection at a time, and where each end of it leads.

import { type AnyActorRef, createActor, fromCallback, fromPromise, setup, SimulatedClock } from 'xstate'
import { expect, test } from 'vitest'
import { channelMachine } from '../../machines/channel.ts'
import { type Failure, FailureError } from '../../machines/failure.ts'
import type { ChannelControl, ChannelReport, ToChannel } from '../../machines/messages.ts'
import { withChanged } from '../support/broken.ts'
import { testChannel } from '../support/house.ts'
import { acceptedMessage } from '../support/messages.ts'
import { settled } from '../support/world.ts'

const DOWN: Failure = { kind: 'retryable', reason: 'unavailable', message: 'down' }
const FULL: Failure = { kind: 'retryable', reason: 'storage', message: 'full' }
const REFUSED: Failure = { kind: 'permanent', reason: 'unauthorized', message: 'refused' }

function rig(machine = channelMachine) {
  const reports: ChannelReport[] = []
  const clock = new SimulatedClock()
  const connections = { open: 0, most: 0, closing: 0 }
  const disk = { reads: 0, fails: false }
  const channel = machine.provide({
    actors: {
      partition: setup({}).createMachine({
        on: {
          breaks: {
            actions: () => {
              throw new Error('a defect')
            },
          },
        },
      }) as never, // Whatever it is told, and its end.
      recover: fromPromise(async () => {
        disk.reads += 1
        if (disk.fails) throw new FailureError(FULL)
      }),
      connection: fromCallback(({ receive }) => {
        connections.open += 1
        connections.most = Math.max(connections.most, connections.open)
        receive(() => (connections.closing += 1))
      }),
    },
    actions: { wakeOwed: () => {}, noteFailure: () => {}, noteUnread: () => {} },
  })
  const above = setup({
    types: { events: {} as { type: 'channel.reported'; report: ChannelReport } },
    actors: { channel },
  }).createMachine({
    invoke: { id: 'channel', src: 'channel', input: { definition: testChannel('a'), agents: {} } },
    on: { 'channel.reported': { actions: ({ event }) => reports.push(event.report) } },
  })
  const root = createActor(above, { systemId: 'gateway', clock })
  root.start()
  const actor = root.getSnapshot().children.channel
  async function send(event: ToChannel): Promise<void> {
    if (event.type === 'connection.ended') connections.open -= 1
    actor?.send(event)
    await settled()
  }
  const partitions = (): string[] =>
    Object.keys(actor?.getSnapshot().children ?? {}).filter((id) => /^partition/.test(id))
  return {
    connections,
    disk,
    partitions,
    async breaksPartition() {
      const [id = ''] = partitions()
      const partition: AnyActorRef | undefined = actor?.getSnapshot().children[id]
      partition?.send({ type: 'breaks' })
      await settled()
    },
    clock,
    send,
    states: () => reports.map((report) => report.state),
    ended: (failure: Failure | null) => send({ type: 'connection.ended', failure }),
    control: (control: ChannelControl) => send({ type: 'control', control }),
    async live() {
      await settled()
      await send({ type: 'connection.live' })
    },
  }
}

test('it goes live, and says so', async () => {
  const channel = rig()
  await channel.live()
  expect(channel.states()).toEqual(['connecting', 'connecting', 'live'])
})

test('a retryable end is tried again with a doubling wait; a permanent one is not', async () => {
  const channel = rig()
  await channel.live()
  await channel.ended(DOWN)
  channel.clock.increment(1_000)
  await channel.ended(DOWN)
  channel.clock.increment(1_999)
  expect(channel.states().at(-1)).toBe('retrying')
  channel.clock.increment(1)
  expect(channel.states().at(-1)).toBe('connecting')
  await channel.ended(REFUSED)
  expect(channel.states().at(-1)).toBe('failed')
  channel.clock.increment(3_600_000)
  expect(channel.connections.open).toBe(0)
})

test('a connection that held for a minute has earned a fresh backoff', async () => {
  const channel = rig()
  await channel.live()
  await channel.ended(DOWN)
  channel.clock.increment(1_000)
  await channel.live()
  channel.clock.increment(60_000)
  await channel.ended(DOWN)
  channel.clock.increment(1_000)
  expect(channel.states().at(-1)).toBe('connecting')
})

test('C2: however controls and ends come, there is one connection at a time', () => expectOne(channelMachine))

test('a broken channel that reconnects without waiting for the end is caught', async () => {
  const control = ['states', 'open', 'states', 'closing', 'on', 'control']
  const hasty = withChanged(channelMachine, control, { target: '#channel.open', reenter: true })
  await expect(expectOne(hasty)).rejects.toThrow()
})

async function expectOne(machine: typeof channelMachine): Promise<void> {
  const channel = rig(machine)
  await channel.live()
  for (const control of ['reconnect', 'reconnect', 'pause', 'resume', 'reconnect'] as const) {
    await channel.control(control)
    await channel.control('reconnect')
  }
  expect(channel.connections.closing).toBe(1)
  expect(channel.connections.most).toBe(1)
  await channel.ended(null)
  expect(channel.connections).toMatchObject({ open: 1, most: 1 })
}

test('pause while connecting waits for the end, then is paused until resumed', async () => {
  const channel = rig()
  await settled()
  await channel.control('pause')
  expect(channel.states().at(-1)).toBe('connecting')
  await channel.ended(null)
  expect(channel.states().at(-1)).toBe('paused')
  channel.clock.increment(3_600_000)
  expect(channel.connections.open).toBe(0)
  await channel.control('resume')
  expect(channel.connections.open).toBe(1)
})

test('a drain ends the connection and stays stopped', async () => {
  const channel = rig()
  await channel.live()
  await channel.send({ type: 'drain' })
  await channel.ended(null)
  expect(channel.states().at(-1)).toBe('stopped')
  await channel.control('resume')
  expect(channel.connections.open).toBe(0)
})

test('M5: what a lost partition leaves is read again with a growing wait when the disk fails', async () => {
  const channel = rig()
  await channel.live()
  await channel.send({ type: 'message.accepted', message: acceptedMessage('hello') })
  channel.disk.fails = true
  await channel.breaksPartition()
  expect(channel.disk.reads).toBe(2)
  channel.clock.increment(1_000)
  await settled()
  channel.clock.increment(1_999)
  await settled()
  expect(channel.disk.reads).toBe(3)
  channel.disk.fails = false
  channel.clock.increment(1)
  await settled()
  channel.clock.increment(59_000)
  await settled()
  expect(channel.disk.reads).toBe(4)
})

test('S44: what is accepted while the connection ends for good is on disk, and begins nothing', async () => {
  const channel = rig()
  await channel.live()
  await channel.send({ type: 'drain' })
  await channel.send({ type: 'message.accepted', message: acceptedMessage('hello') })
  expect(channel.partitions()).toEqual([])
})
