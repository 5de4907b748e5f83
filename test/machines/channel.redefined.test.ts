// Channel's statechart: a newer definition, in every state that a channel can be in.

import { createActor, fromCallback, fromPromise, setup, SimulatedClock } from 'xstate'
import { describe, expect, test } from 'vitest'
import { channelMachine } from '../../machines/channel.ts'
import type { ChannelDefinition } from '../../machines/definitions.ts'
import { type Failure, FailureError } from '../../machines/failure.ts'
import type { Adoption, ChannelControl, ChannelReport, ToChannel } from '../../machines/messages.ts'
import { withChanged } from '../support/broken.ts'
import { testChannel } from '../support/house.ts'
import { type Held, held, settled } from '../support/world.ts'

const DOWN: Failure = { kind: 'retryable', reason: 'unavailable', message: 'down' }
const REFUSED: Failure = { kind: 'permanent', reason: 'unauthorized', message: 'refused' }
const TOKEN = { token: { secret: 'channels.a.token' } }
const NEWER = { token: { secret: 'channels.a.token', renewed: 1 } }

function rig(machine = channelMachine, given: Partial<ChannelDefinition> = TOKEN) {
  const reports: ChannelReport[] = []
  const adoptions: Adoption[] = []
  const clock = new SimulatedClock()
  /** What each connection was made from, and was told afterwards; `open` are not ended. */
  const connections = { by: [] as ChannelDefinition[], told: [] as ChannelDefinition[], open: 0, most: 0, closing: 0 }
  const trials: Held<void>[] = []
  const channel = machine.provide({
    actors: {
      recover: fromPromise(async () => {}),
      trial: fromPromise(() => {
        const trial = held<void>()
        trials.push(trial)
        return trial.promise
      }),
      connection: fromCallback(({ input, receive }) => {
        connections.by.push(input.definition)
        connections.open += 1
        connections.most = Math.max(connections.most, connections.open)
        receive((event) => {
          if (event.type === 'close') connections.closing += 1
          else connections.told.push(event.definition)
        })
      }),
    },
    actions: { wakeOwed: () => {}, noteFailure: () => {} },
  })
  const above = setup({
    types: {
      events: {} as
        | { type: 'channel.reported'; report: ChannelReport }
        | { type: 'channel.adopted'; adoption: Adoption },
    },
    actors: { channel },
  }).createMachine({
    invoke: { id: 'channel', src: 'channel', input: { definition: testChannel('a', given), agents: {} } },
    on: {
      'channel.reported': { actions: ({ event }) => reports.push(event.report) },
      'channel.adopted': { actions: ({ event }) => adoptions.push(event.adoption) },
    },
  })
  const root = createActor(above, { systemId: 'gateway', clock })
  root.start()
  const actor = root.getSnapshot().children.channel
  async function send(event: ToChannel): Promise<void> {
    if (event.type === 'connection.ended') connections.open -= 1
    actor?.send(event)
    await settled()
  }
  const rigged = {
    connections,
    clock,
    send,
    trials,
    state: () => reports.at(-1)?.state,
    report: () => reports.at(-1),
    adoption: () => adoptions.at(-1),
    token: () => connections.by.at(-1)?.token,
    ended: (failure: Failure | null) => send({ type: 'connection.ended', failure }),
    control: (control: ChannelControl) => send({ type: 'control', control }),
    redefined: (newer: Partial<ChannelDefinition>) =>
      send({ type: 'redefined', definition: testChannel('a', newer), agents: {} }),
    async live() {
      await settled()
      await send({ type: 'connection.live' })
    },
    async goesWell() {
      trials.at(-1)?.resolve()
      await settled()
    },
    async goesWrong(failure: Failure) {
      trials.at(-1)?.reject(new FailureError(failure))
      await settled()
    },
  }
  return rigged
}

async function live(machine = channelMachine, given?: Partial<ChannelDefinition>) {
  const channel = rig(machine, given)
  await channel.live()
  return channel
}

const SERVED = { state: 'served', failure: null }
const TRYING = { state: 'trying', failure: null }

describe('while it is live', () => {
  test('what needs no other connection is told to the one there is', async () => {
    const channel = await live()
    await channel.redefined({ ...TOKEN, allowedUsers: ['7'] })
    expect(channel.connections).toMatchObject({ open: 1, most: 1, closing: 0 })
    expect(channel.connections.told.map(({ allowedUsers }) => allowedUsers)).toEqual([['7']])
    expect([channel.adoption(), channel.state()]).toEqual([SERVED, 'live'])
  })

  test('C2: another credential is tried beside the living connection, and connected to only after its end', () =>
    expectOrder(channelMachine))

  test('a broken channel that gives the old one up before the new one was tried is caught', async () => {
    const serving = ['states', 'open', 'states', 'live', 'states', 'serving', 'always']
    const hasty = withChanged(channelMachine, serving, { guard: 'hasNext', target: '#channel.open.closing' })
    await expect(expectOrder(hasty)).rejects.toThrow()
  })

  async function expectOrder(machine: typeof channelMachine): Promise<void> {
    const channel = await live(machine)
    await channel.redefined(NEWER)
    expect(channel.connections).toMatchObject({ open: 1, closing: 0 })
    expect([channel.trials.length, channel.adoption(), channel.state()]).toEqual([1, TRYING, 'live'])
    await channel.goesWell()
    expect(channel.connections).toMatchObject({ open: 1, closing: 1 })
    await channel.ended(null)
    expect(channel.connections).toMatchObject({ open: 1, most: 1 })
    expect([channel.token(), channel.adoption(), channel.state()]).toEqual([NEWER.token, TRYING, 'connecting'])
    await channel.live()
    expect([channel.adoption(), channel.state()]).toEqual([SERVED, 'live'])
  }

  test('one that is refused changes nothing, and is not tried again by itself', async () => {
    const channel = await live()
    await channel.redefined(NEWER)
    await channel.goesWrong(REFUSED)
    channel.clock.increment(3_600_000)
    await settled()
    expect(channel.connections).toMatchObject({ open: 1, closing: 0 })
    expect([channel.trials.length, channel.adoption()]).toEqual([1, { state: 'kept', failure: REFUSED }])
    await channel.redefined(NEWER)
    expect([channel.trials.length, channel.adoption()]).toEqual([2, TRYING])
  })

  test('one that cannot be asked now is asked again with a growing wait, and the old one serves', async () => {
    const channel = await live()
    await channel.redefined(NEWER)
    await channel.goesWrong(DOWN)
    expect(channel.adoption()).toEqual({ state: 'trying', failure: DOWN })
    channel.clock.increment(1_000)
    await channel.goesWrong(DOWN)
    channel.clock.increment(1_999)
    expect(channel.trials).toHaveLength(2)
    channel.clock.increment(1)
    await channel.goesWell()
    expect(channel.connections).toMatchObject({ open: 1, closing: 1 })
  })

  test('a trial that says nothing ends by itself', async () => {
    const channel = await live()
    await channel.redefined(NEWER)
    channel.clock.increment(10_000)
    expect(channel.adoption()).toMatchObject({ state: 'trying', failure: { reason: 'timeout' } })
    channel.clock.increment(1_000)
    expect(channel.trials).toHaveLength(2)
  })

  test('a variable that is missing now is no reason to ask anybody, and none to stop', async () => {
    const channel = await live()
    await channel.redefined({ ...NEWER, missing: ['CFO_BOT_TOKEN'] })
    expect(channel.trials).toEqual([])
    expect(channel.adoption()).toMatchObject({ state: 'kept', failure: { message: 'CFO_BOT_TOKEN is not set' } })
    expect([channel.state(), channel.connections.closing]).toEqual(['live', 0])
  })

  test('a file that is put back during the trial ends it', async () => {
    const channel = await live()
    await channel.redefined(NEWER)
    await channel.redefined({ ...TOKEN, queueLimit: 3 })
    await channel.goesWell()
    expect(channel.connections).toMatchObject({ open: 1, closing: 0 })
    expect([channel.adoption(), channel.connections.told.at(-1)?.queueLimit]).toEqual([SERVED, 3])
  })

  test('two files in quick succession: the second is what is tried, and what is connected to', async () => {
    const channel = await live()
    await channel.redefined(NEWER)
    await channel.redefined({ apiRoot: 'http://newest' })
    expect(channel.trials).toHaveLength(2)
    channel.trials[0]?.resolve()
    await settled()
    expect(channel.connections.closing).toBe(0)
    await channel.goesWell()
    await channel.ended(null)
    expect(channel.connections.by.at(-1)?.apiRoot).toBe('http://newest')
  })

  test('the old one breaks during the trial: nothing is served, so the new one is taken as it is', async () => {
    const channel = await live()
    await channel.redefined(NEWER)
    await channel.ended(DOWN)
    expect([channel.token(), channel.state(), channel.adoption()]).toEqual([NEWER.token, 'connecting', SERVED])
    expect(channel.connections.most).toBe(1)
  })

  test('a drain during the trial ends it with the connection', async () => {
    const channel = await live()
    await channel.redefined(NEWER)
    await channel.send({ type: 'drain' })
    await channel.goesWell()
    await channel.ended(null)
    expect([channel.state(), channel.connections.open]).toEqual(['stopped', 0])
    await channel.redefined(NEWER)
    expect([channel.state(), channel.connections.open]).toEqual(['stopped', 0])
  })
})

describe('on trial', () => {
  async function onTrial(machine = channelMachine) {
    const channel = await live(machine)
    await channel.redefined(NEWER)
    await channel.goesWell()
    await channel.ended(null)
    expect(channel.token()).toEqual(NEWER.token)
    return channel
  }

  test.each([
    ['is refused', REFUSED],
    ['is polled by somebody else', DOWN],
  ])('a new one that %s after all: the old one serves again, and the report says why', (_, failure) =>
    expectWayBack(channelMachine, failure),
  )

  test('a broken channel that has no way back is caught', async () => {
    const ended = ['states', 'open', 'on', 'connection.ended']
    const broken = withChanged(channelMachine, ended, { target: 'failed' })
    await expect(expectWayBack(broken, REFUSED)).rejects.toThrow()
  })

  async function expectWayBack(machine: typeof channelMachine, failure: Failure): Promise<void> {
    const channel = await onTrial(machine)
    await channel.ended(failure)
    expect([channel.token(), channel.adoption()]).toEqual([TOKEN.token, { state: 'kept', failure }])
    await channel.live()
    expect([channel.state(), channel.connections.most]).toEqual(['live', 1])
    channel.clock.increment(3_600_000)
    expect(channel.trials).toHaveLength(1)
  }

  test('C2: a new one that never answers is ended first, then the old one connects', async () => {
    const channel = await onTrial()
    channel.clock.increment(10_000)
    expect(channel.connections).toMatchObject({ open: 1, closing: 2 })
    await channel.ended(null)
    expect(channel.token()).toEqual(TOKEN.token)
    expect(channel.adoption()).toMatchObject({ state: 'kept', failure: { reason: 'timeout' } })
    expect(channel.connections.most).toBe(1)
  })

  test('a newer file meanwhile is tried when the old one is back', async () => {
    const channel = await onTrial()
    await channel.redefined({ apiRoot: 'http://newest' })
    await channel.ended(REFUSED)
    expect([channel.token(), channel.adoption()]).toEqual([TOKEN.token, TRYING])
    await channel.live()
    expect(channel.trials).toHaveLength(2)
  })

  test('it is said to be served once it is live, and not before, whatever else is redefined meanwhile', async () => {
    const channel = await onTrial()
    await channel.redefined({ ...NEWER, queueLimit: 1 })
    expect(channel.adoption()).toEqual(TRYING)
    await channel.redefined({ ...NEWER, queueLimit: 1 })
    expect(channel.adoption()).toEqual(TRYING)
    await channel.live()
    expect(channel.adoption()).toEqual(SERVED)
  })

  test('a file that is put back meanwhile is what is gone back to: it is served, and nothing was kept', async () => {
    const channel = await onTrial()
    await channel.redefined(TOKEN)
    await channel.ended(REFUSED)
    expect([channel.token(), channel.adoption()]).toEqual([TOKEN.token, SERVED])
  })

  test('it is live, and a newer one waits: the newest is not said to be served before it is', async () => {
    const channel = await onTrial()
    await channel.redefined({ apiRoot: 'http://newest' })
    await channel.live()
    expect([channel.trials.length, channel.adoption()]).toEqual([2, TRYING])
  })

  test('once it is live there is no way back: its end is its own', async () => {
    const channel = await onTrial()
    await channel.live()
    await channel.ended(REFUSED)
    expect([channel.state(), channel.connections.open]).toEqual(['failed', 0])
  })
})

describe('in every other state', () => {
  test('recovering: it starts on the newest', async () => {
    const channel = rig()
    await channel.redefined(NEWER)
    expect([channel.token(), channel.connections.most]).toEqual([NEWER.token, 1])
  })

  test('connecting: the old one may still come to serve; then the new one is tried', async () => {
    const channel = rig()
    await settled()
    await channel.redefined(NEWER)
    expect([channel.trials.length, channel.connections.closing]).toEqual([0, 0])
    await channel.live()
    expect(channel.trials).toHaveLength(1)
  })

  test('connecting, and the old one does not come to serve: the new one is taken', async () => {
    const channel = rig()
    await settled()
    await channel.redefined(NEWER)
    await channel.ended(REFUSED)
    expect([channel.token(), channel.state(), channel.connections.most]).toEqual([NEWER.token, 'connecting', 1])
  })

  test('retrying: the new one is tried at once, without the wait', async () => {
    const channel = await live()
    await channel.ended(DOWN)
    await channel.redefined(NEWER)
    expect([channel.token(), channel.state(), channel.adoption()]).toEqual([NEWER.token, 'connecting', SERVED])
    await channel.ended(REFUSED)
    expect(channel.state()).toBe('failed')
  })

  test('retrying: what needs no other connection leaves the wait as it is', async () => {
    const channel = await live()
    await channel.ended(DOWN)
    await channel.redefined({ ...TOKEN, queueLimit: 1 })
    expect([channel.state(), channel.connections.open]).toEqual(['retrying', 0])
    channel.clock.increment(1_000)
    expect(channel.connections.by.at(-1)?.queueLimit).toBe(1)
  })

  test('failed: the file has changed, so trying can help', async () => {
    const channel = await live()
    await channel.ended(REFUSED)
    await channel.redefined({ ...TOKEN, queueLimit: 1 })
    expect(channel.state()).toBe('failed')
    await channel.redefined(NEWER)
    expect([channel.token(), channel.state()]).toEqual([NEWER.token, 'connecting'])
  })

  test('failed for want of a variable: it starts when the variable is there, and says which one is missing until then', async () => {
    const channel = rig(channelMachine, { missing: ['ONE'] })
    await settled()
    expect(channel.report()).toMatchObject({ state: 'failed', failure: { message: 'ONE is not set' } })
    await channel.redefined({ missing: ['TWO'] })
    expect(channel.report()).toMatchObject({ state: 'failed', failure: { message: 'TWO is not set' } })
    await channel.redefined({})
    expect([channel.state(), channel.connections.open]).toEqual(['connecting', 1])
  })

  test('paused: it stays so, resumes on the newest, and goes back when that does not start', async () => {
    const channel = await live()
    await channel.control('pause')
    await channel.ended(null)
    await channel.redefined(NEWER)
    expect([channel.state(), channel.connections.open, channel.adoption()]).toEqual(['paused', 0, SERVED])
    await channel.control('resume')
    expect(channel.token()).toEqual(NEWER.token)
    await channel.ended(REFUSED)
    expect([channel.token(), channel.adoption()]).toEqual([TOKEN.token, { state: 'kept', failure: REFUSED }])
  })

  test('closing for a reconnect: the old one comes back, and the new one is tried beside it', async () => {
    const channel = await live()
    await channel.control('reconnect')
    await channel.redefined(NEWER)
    await channel.ended(null)
    expect(channel.token()).toEqual(TOKEN.token)
    await channel.live()
    expect([channel.trials.length, channel.connections.most]).toEqual([1, 1])
  })

  test('closing for a new one, and a newer one comes: that is connected to, with the same way back', async () => {
    const channel = await live()
    await channel.redefined(NEWER)
    await channel.goesWell()
    await channel.redefined({ apiRoot: 'http://newest' })
    await channel.ended(null)
    expect(channel.connections.by.at(-1)?.apiRoot).toBe('http://newest')
    await channel.ended(REFUSED)
    expect(channel.token()).toEqual(TOKEN.token)
  })

  test('closing for a new one, and the file is put back: the old one connects again', async () => {
    const channel = await live()
    await channel.redefined(NEWER)
    await channel.goesWell()
    await channel.redefined(TOKEN)
    await channel.ended(null)
    await channel.live()
    expect([channel.token(), channel.adoption(), channel.state()]).toEqual([TOKEN.token, SERVED, 'live'])
  })

  test('closing for a pause, and a newer one comes: paused on the newest', async () => {
    const channel = await live()
    await channel.control('pause')
    await channel.redefined(NEWER)
    await channel.ended(null)
    expect([channel.state(), channel.connections.open]).toEqual(['paused', 0])
    await channel.control('resume')
    expect(channel.token()).toEqual(NEWER.token)
  })

  test('paused, and the file is put back: there is no going back to what is served', async () => {
    const channel = await live()
    await channel.control('pause')
    await channel.ended(null)
    await channel.redefined(NEWER)
    await channel.redefined(TOKEN)
    await channel.control('resume')
    await channel.ended(REFUSED)
    expect([channel.state(), channel.adoption(), channel.connections.open]).toEqual(['failed', SERVED, 0])
  })

  test('S5: paused on one that lacks a variable: the earlier one resumes, and the report names the variable', async () => {
    const channel = await live()
    await channel.control('pause')
    await channel.ended(null)
    await channel.redefined({ ...NEWER, missing: ['ONE'] })
    await channel.control('resume')
    expect([channel.state(), channel.token()]).toEqual(['connecting', TOKEN.token])
    expect(channel.adoption()).toMatchObject({ state: 'kept', failure: { message: 'ONE is not set' } })
  })

  test('S5: failed for want of a variable, paused and resumed: it fails by name again', async () => {
    const channel = rig(channelMachine, { missing: ['ONE'] })
    await settled()
    await channel.control('pause')
    await channel.control('resume')
    expect(channel.report()).toMatchObject({ state: 'failed', failure: { message: 'ONE is not set' } })
    expect(channel.connections.open).toBe(0)
  })

  test('closing for a new one, and a newer one lacks a variable: the earlier one serves', async () => {
    const channel = await live()
    await channel.redefined(NEWER)
    await channel.goesWell()
    await channel.redefined({ ...NEWER, missing: ['ONE'] })
    await channel.ended(null)
    expect(channel.token()).toEqual(TOKEN.token)
    await channel.live()
    expect(channel.adoption()).toMatchObject({ state: 'kept', failure: { message: 'ONE is not set' } })
  })
})
