// A newer file, taken by a living tree: who goes on, who begins anew, who leaves; and that no message is lost or doubled by it.

import { describe, expect, test } from 'vitest'
import type { AnyActorRef } from 'xstate'
import { FailureError } from '../../machines/failure.ts'
import { dayOf } from '../../machines/usage.ts'
import type { Tokens } from '../../src/actors/parts.ts'
import type { Store } from '../../src/store/store.ts'
import { testAgent } from '../support/definitions.ts'
import { type House, openHouse } from '../support/house.ts'
import { held, settled } from '../support/world.ts'

const TOKEN = { token: { secret: 'channels.a.token' } }
const NEWER = { token: { secret: 'channels.a.token', renewed: 1 } }
const TO_OPS = { routes: { default: 'ops', dm: null, group: null } }
const REFUSED = new FailureError({ kind: 'permanent', reason: 'unauthorized', message: 'the token was refused' })

function texts(house: House, channel = 'a'): string[] {
  return house.platform(channel).sent.map(({ text }) => text)
}

function answersAt(house: House, ...answers: string[]): Promise<void> {
  return answers.reduce((before, answer) => before.then(() => house.thoughts.at(-1)?.answer(answer)), Promise.resolve())
}

describe('a channel whose definition changed', () => {
  test('C1: only it is touched: its siblings keep their connections, and so does it when it needs no other', async () => {
    const house = await openHouse({ channels: { a: TOKEN, b: {}, c: {} } })
    await house.redefine({ channels: { a: NEWER, b: { queueLimit: 1 }, c: {} } })
    expect(['a', 'b', 'c'].map((id) => house.platform(id).connections)).toEqual([2, 1, 1])
    expect(house.platform('a').connectedBy.map(({ token }) => token)).toEqual([TOKEN.token, NEWER.token])
    expect(house.gateway.getSnapshot().context.adoptions).toEqual({})
  })

  test('who may speak is decided by the newest definition, without another connection', async () => {
    const house = await openHouse({ channels: { a: { unknownUserPolicy: 'deny', allowedUsers: ['7'] } } })
    expect(await house.says('a', 'hello')).toMatchObject({ accepted: false })
    await house.redefine({ channels: { a: { unknownUserPolicy: 'deny', allowedUsers: ['7', '1'] } } })
    expect(await house.says('a', 'hello')).toMatchObject({ accepted: true })
    await house.redefine({ channels: { a: { unknownUserPolicy: 'deny', allowedUsers: ['7'] } } })
    expect(await house.says('a', 'again')).toMatchObject({ accepted: false })
    expect(house.platform('a').connections).toBe(1)
  })

  test('a living session goes by the newest busy mode, limit and route with its next message', async () => {
    const house = await openHouse({ channels: { a: {} } })
    await house.says('a', 'one')
    await house.redefine({ channels: { a: { queueLimit: 1, ...TO_OPS } } })
    await house.says('a', 'two')
    await house.says('a', 'three')
    expect(texts(house)).toEqual([expect.stringContaining('not kept')])
    await house.redefine({ channels: { a: { busyMode: 'interrupt', ...TO_OPS } } })
    await house.says('a', 'four')
    expect(house.thoughts[0]?.closed()).toBe(true)
    await answersAt(house, 'second', 'third')
    expect(house.thoughts.map(({ agent }) => agent)).toEqual(['cfo', 'ops', 'ops'])
  })

  test('A2: what waits stays with the agent that it was accepted for, and so does what its answer took', async () => {
    const house = await openHouse()
    await house.says('a', 'one')
    await house.says('a', 'two')
    await house.redefine({ channels: { a: TO_OPS } })
    await house.says('a', 'three')
    for (const answer of ['first', 'second', 'third'])
      await house.thoughts.at(-1)?.answer(answer, { inputTokens: 100, outputTokens: 1 })
    expect(house.thoughts.map(({ agent }) => agent)).toEqual(['cfo', 'cfo', 'ops'])
    const usedBy = (agent: string) => house.store.usageOn(dayOf(house.world.nowMs()), { per: 'agent', agent })
    expect([await usedBy('cfo'), await usedBy('ops')]).toMatchObject([
      { runs: 2, inputTokens: 200 },
      { runs: 1, inputTokens: 100 },
    ])
  })

  test('a message on its way through admission is routed as it was accepted; the next one by the newest route', async () => {
    const accepting = held<void>()
    let calls = 0
    const wrap = (store: Store): Store => ({
      ...store,
      accept: async (message) => {
        calls += 1
        if (calls === 1) await accepting.promise
        return store.accept(message)
      },
    })
    const house = await openHouse({ wrap })
    const first = house.says('a', 'one')
    await house.redefine({ channels: { a: TO_OPS } })
    accepting.resolve()
    await first
    await house.says('a', 'two')
    await answersAt(house, 'first', 'second')
    expect([house.thoughts.map(({ agent }) => agent), texts(house)]).toEqual([
      ['cfo', 'ops'],
      ['first', 'second'],
    ])
  })

  test('S4: messages before, during and after the connection is replaced are answered exactly once each', async () => {
    const house = await openHouse({ channels: { a: TOKEN } })
    await house.says('a', 'before')
    const during = house.says('a', 'during')
    await house.redefine({ channels: { a: NEWER } })
    expect(await during).toMatchObject({ accepted: true, duplicate: false })
    await house.says('a', 'after')
    await answersAt(house, 'first', 'second', 'third')
    expect(texts(house)).toEqual(['first', 'second', 'third'])
    expect((await house.store.counts()).messages).toMatchObject({ answered: 3, waiting: 0 })
  })

  test('a run that is going on finishes, and its reply leaves through the new connection', async () => {
    const house = await openHouse({ channels: { a: TOKEN } })
    await house.says('a', 'one')
    await house.redefine({ channels: { a: NEWER } })
    expect([house.thoughts[0]?.closed(), house.platform('a').connections]).toEqual([false, 2])
    await answersAt(house, 'first')
    expect(texts(house)).toEqual(['first'])
  })

  test('C2: one that is refused keeps the old one serving, and says so', async () => {
    const house = await openHouse({ channels: { a: TOKEN, b: {} } })
    house.platform('a').nextProbe.push(() => Promise.reject(REFUSED))
    await house.redefine({ channels: { a: NEWER, b: {} } })
    expect(house.platform('a').connections).toBe(1)
    expect(house.gateway.getSnapshot().context.adoptions).toEqual({
      a: { state: 'kept', failure: { ...REFUSED.failure, phase: 'connect' } },
    })
    expect(await house.says('a', 'still there?')).toMatchObject({ accepted: true })
    await answersAt(house, 'yes')
    expect(texts(house)).toEqual(['yes'])
  })

  test('C2: it connects only once nobody else is on its token, and gives the token back with the connection', async () => {
    const calls: string[] = []
    const free = held<void>()
    const tokens: Tokens = {
      claim: ({ token }) => void calls.push(`claim ${token?.renewed ?? 0}`),
      async hold({ token }) {
        const name = token?.renewed ?? 0
        if (name === 1) await free.promise
        calls.push(`hold ${name}`)
        return () => void calls.push(`release ${name}`)
      },
    }
    const house = await openHouse({ channels: { a: TOKEN }, tokens })
    await house.redefine({ channels: { a: NEWER } })
    expect(calls).toEqual(['hold 0', 'claim 1', 'release 0'])
    expect(house.platform('a').connections).toBe(1)
    free.resolve()
    await settled()
    expect([calls.at(-1), house.platform('a').connections]).toEqual(['hold 1', 2])
  })

  test('C2: a token that another process has is not tried: the old one serves', async () => {
    const elsewhere = new FailureError({ kind: 'retryable', reason: 'conflict', message: 'polled elsewhere' })
    const claim = (): never => {
      throw elsewhere
    }
    const house = await openHouse({ channels: { a: TOKEN }, tokens: { claim, hold: async () => () => {} } })
    await house.redefine({ channels: { a: NEWER } })
    expect(house.gateway.getSnapshot().context.adoptions).toEqual({
      a: { state: 'trying', failure: { ...elsewhere.failure, phase: 'connect' } },
    })
    expect([house.platform('a').connections, house.platform('a').isConnected]).toEqual([1, true])
  })

  test('one that keeps its earlier definition keeps the agent of it, until it serves the newest', async () => {
    const house = await openHouse({ channels: { a: TOKEN } })
    house.platform('a').nextProbe.push(() => Promise.reject(REFUSED))
    const renamed = { channels: { a: { ...NEWER, ...TO_OPS } }, workforce: [testAgent('ops')] }
    await house.redefine(renamed)
    await house.says('a', 'who are you?')
    await answersAt(house, 'the old one')
    expect(house.thoughts.map(({ agent }) => agent)).toEqual(['cfo'])
    await house.redefine(renamed)
    await house.says('a', 'and now?')
    expect(house.thoughts.map(({ agent }) => agent)).toEqual(['cfo', 'ops'])
    expect(house.gateway.getSnapshot().context.withdrawn).toEqual({})
  })

  test('two files in quick succession: the second is what is served in the end', async () => {
    const house = await openHouse({ channels: { a: TOKEN } })
    const first = house.redefine({ channels: { a: NEWER } })
    const second = house.redefine({ channels: { a: { apiRoot: 'http://newest' }, b: {} } })
    await Promise.all([first, second])
    expect(house.platform('a').connectedBy.at(-1)?.apiRoot).toBe('http://newest')
    expect([...house.reports.values()].map(({ id, state }) => [id, state])).toEqual([
      ['a', 'live'],
      ['b', 'live'],
    ])
  })
})

describe('agents', () => {
  const brief = testAgent('cfo', { instructions: 'be brief' })

  test('a run finishes on the agent that it began with; the next turn goes by the newest', async () => {
    const house = await openHouse()
    await house.says('a', 'one')
    await house.says('a', 'two')
    await house.redefine({ workforce: [brief, testAgent('ops')] })
    await answersAt(house, 'first', 'second')
    expect(house.thoughts.map(({ instructions }) => instructions)).toEqual(['answer', 'be brief'])
    expect(house.platform('a').connections).toBe(1)
  })

  test('what waits for an agent that is gone is answered by the channel’s', async () => {
    const house = await openHouse()
    await house.says('a', 'one')
    await house.says('a', 'two')
    await house.redefine({ channels: { a: TO_OPS }, workforce: [testAgent('ops')] })
    await answersAt(house, 'first', 'second')
    expect([house.thoughts.map(({ agent }) => agent), texts(house)]).toEqual([
      ['cfo', 'ops'],
      ['first', 'second'],
    ])
  })
})

describe('a channel that is new', () => {
  test('C3: it starts, and is in every report, in the order of the file', async () => {
    const house = await openHouse({ channels: { a: {} } })
    await house.redefine({ channels: { b: {}, a: {} } })
    expect(Object.entries(reportsOf(house))).toMatchObject([
      ['b', { state: 'live' }],
      ['a', { state: 'live' }],
    ])
    await house.says('b', 'hello')
    await answersAt(house, 'hi')
    expect(texts(house, 'b')).toEqual(['hi'])
  })

  test('C1: one that does not start is in the reports too, and leaves the others alone', async () => {
    const house = await openHouse({ channels: { a: {} } })
    await house.redefine({ channels: { a: {}, b: { missing: ['B_TOKEN'] } } })
    expect(reportsOf(house)).toMatchObject({ a: { state: 'live' }, b: { state: 'failed' } })
  })
})

describe('a channel that is gone', () => {
  test('its connection ends, its run finishes and is answered, what waits is kept, and it is in no report', async () => {
    const house = await openHouse({ channels: { a: {}, b: {} } })
    await house.says('a', 'one')
    await house.says('a', 'two')
    await house.redefine({ channels: { b: {} } })
    expect(house.platform('a').isConnected).toBe(false)
    expect(Object.keys(reportsOf(house))).toEqual(['b'])
    expect(house.thoughts[0]?.closed()).toBe(false)
    await answersAt(house, 'first')
    await house.world.advance(25)
    expect(texts(house)).toEqual(['first'])
    expect(childrenOf(house)).toEqual(['channel:b'])
    expect((await house.store.counts()).messages).toMatchObject({ answered: 1, waiting: 1 })
  })

  test('M5: what it had accepted is taken up when it comes back, once', () => expectTakenUp((store) => store))

  test('a broken store that forgets what a channel left behind is caught', async () => {
    await expect(expectTakenUp((store) => ({ ...store, unfinished: async () => [] }))).rejects.toThrow()
  })

  async function expectTakenUp(wrap: (store: Store) => Store): Promise<void> {
    const house = await openHouse({ channels: { a: {}, b: {} }, wrap })
    await house.says('a', 'one')
    await house.says('a', 'two')
    await house.redefine({ channels: { b: {} } })
    await answersAt(house, 'first')
    await house.world.advance(25)
    await house.redefine({ channels: { a: {}, b: {} } })
    await answersAt(house, 'second')
    expect(texts(house)).toEqual(['first', 'second'])
    expect(house.thoughts).toHaveLength(2)
  }

  test('what it is owed is sent before it goes; what cannot be sent is kept for its return', async () => {
    const house = await openHouse({ channels: { a: {}, b: {} } })
    const sending = held<void>()
    house.platform('a').nextSend.push(() => sending.promise)
    await house.says('a', 'one')
    await answersAt(house, 'first')
    await house.redefine({ channels: { b: {} } })
    await house.world.advance(1_000)
    expect(childrenOf(house)).toContain('channel:a')
    sending.resolve()
    await house.world.advance(25)
    await house.world.advance(25)
    expect([texts(house), childrenOf(house)]).toEqual([['first'], ['channel:b']])
  })

  test('a send that never ends does not hold it for ever', async () => {
    const house = await openHouse({ channels: { a: {}, b: {} } })
    house.platform('a').nextSend.push(() => new Promise(() => {}))
    await house.says('a', 'one')
    await answersAt(house, 'first')
    await house.redefine({ channels: { b: {} } })
    await house.world.advance(60_000)
    await house.world.advance(25)
    expect(childrenOf(house)).toEqual(['channel:b'])
    expect((await house.store.counts()).outbox).toBe(1)
  })

  test('the slots that its sessions waited for are others’', async () => {
    const house = await openHouse({ channels: { a: {}, b: {} }, gateway: { concurrentRuns: 1 } })
    await house.says('a', 'one', { conversation: 'c1' })
    await house.says('a', 'two', { conversation: 'c2' })
    await house.says('b', 'three')
    await house.redefine({ channels: { b: {} }, gateway: { concurrentRuns: 1 } })
    await house.thoughts[0]?.answer('first')
    expect(house.thoughts.map(({ request }) => request.messages[0]?.text)).toEqual(['one', 'three'])
  })

  test('named again while its run goes on: it starts when that has ended, and nothing is answered twice', async () => {
    const house = await openHouse({ channels: { a: {}, b: {} } })
    await house.says('a', 'one')
    await house.says('a', 'two')
    await house.redefine({ channels: { b: {} } })
    await house.redefine({ channels: { a: NEWER, b: {} } })
    expect(reportsOf(house)).toMatchObject({ a: { state: 'stopped' } })
    expect(house.platform('a').isConnected).toBe(false)
    await answersAt(house, 'first')
    await house.world.advance(25)
    expect(reportsOf(house)).toMatchObject({ a: { state: 'live' } })
    await answersAt(house, 'second')
    expect(texts(house)).toEqual(['first', 'second'])
  })

  test('named again, and its run does not end: it is ended by `drain`, its try is not counted, and it runs again', async () => {
    const house = await openHouse({ channels: { a: {}, b: {} }, gateway: { drainMs: 5_000 } })
    await house.says('a', 'one')
    await house.redefine({ channels: { b: {} }, gateway: { drainMs: 5_000 } })
    await house.redefine({ channels: { a: {}, b: {} }, gateway: { drainMs: 5_000 } })
    await house.world.advance(4_999)
    expect(house.thoughts[0]?.closed()).toBe(false)
    await house.world.advance(1)
    await house.world.advance(25)
    expect(house.thoughts.map((thought) => thought.closed())).toEqual([true, false])
    await answersAt(house, 'once')
    expect(texts(house)).toEqual(['once'])
  })

  test('named again and gone again: it is gone', async () => {
    const house = await openHouse({ channels: { a: {}, b: {} } })
    await house.says('a', 'one')
    for (const channels of [{ b: {} }, { a: {}, b: {} }, { b: {} }]) await house.redefine({ channels })
    await house.world.advance(20_000)
    expect(house.thoughts[0]?.closed()).toBe(false)
    await answersAt(house, 'first')
    await house.world.advance(25)
    expect([texts(house), childrenOf(house)]).toEqual([['first'], ['channel:b']])
  })

  test('C2: a connection that does not end keeps it from coming back beside itself', async () => {
    const house = await openHouse({ channels: { a: {}, b: {} } })
    let end = (): void => {}
    house.platform('a').nextRun.push((door) => {
      door.live({ id: '99', name: '@bot' })
      return new Promise((resolve) => (end = resolve))
    })
    house.gateway.send({ type: 'channel.control', channel: 'a', control: 'reconnect' })
    await settled()
    await house.redefine({ channels: { b: {} } })
    await house.redefine({ channels: { a: {}, b: {} } })
    await house.world.advance(60_000)
    expect(house.platform('a').connections).toBe(1)
    end()
    await settled()
    await house.world.advance(25)
    expect([house.platform('a').connections, reportsOf(house)]).toMatchObject([2, { a: { state: 'live' } }])
  })

  test('one that fails while it leaves is gone at once, and comes back when it is named again', async () => {
    const house = await openHouse({ channels: { a: {}, b: {} } })
    await house.says('a', 'one')
    await house.redefine({ channels: { b: {} } })
    breaks(house, 'a')
    await settled()
    expect([childrenOf(house), Object.keys(reportsOf(house))]).toEqual([['channel:b'], ['b']])
    await house.redefine({ channels: { a: {}, b: {} } })
    await answersAt(house, 'after all')
    expect(texts(house)).toEqual(['after all'])
  })
})

describe('a channel whose actor failed', () => {
  test('it starts at once on a newer definition, and not a second time when its wait is over', async () => {
    const house = await openHouse({ channels: { a: {}, b: {} } })
    breaks(house, 'a')
    await settled()
    await house.redefine({ channels: { a: { queueLimit: 1 }, b: {} } })
    expect([house.platform('a').connections, reportsOf(house)]).toMatchObject([2, { a: { state: 'live' } }])
    await house.world.advance(60_000)
    expect([house.platform('a').connections, reportsOf(house)]).toMatchObject([2, { a: { state: 'live' } }])
  })

  test('it was given up: a newer definition is a new beginning, with all its tries', async () => {
    const house = await openHouse({ channels: { a: {}, b: {} } })
    for (let failure = 0; failure < 11; failure += 1) {
      breaks(house, 'a')
      await house.world.advance(60_000)
    }
    expect([childrenOf(house), reportsOf(house)]).toMatchObject([['channel:b'], { a: { state: 'failed' } }])
    await house.redefine({ channels: { a: { queueLimit: 1 }, b: {} } })
    expect(reportsOf(house)).toMatchObject({ a: { state: 'live' } })
    breaks(house, 'a')
    await house.world.advance(1_000)
    expect(reportsOf(house)).toMatchObject({ a: { state: 'live' } })
  })

  test('taken out and put back during its wait: the same', async () => {
    const house = await openHouse({ channels: { a: {}, b: {} } })
    breaks(house, 'a')
    await settled()
    for (const channels of [{ b: {} }, { a: {}, b: {} }]) await house.redefine({ channels })
    await house.world.advance(60_000)
    expect([house.platform('a').connections, reportsOf(house)]).toMatchObject([2, { a: { state: 'live' } }])
  })

  test('during its trial: it comes back on the newest, and nothing is said to be tried any more', async () => {
    const house = await openHouse({ channels: { a: TOKEN } })
    house.platform('a').nextProbe.push(() => new Promise(() => {}))
    await house.redefine({ channels: { a: NEWER } })
    breaks(house, 'a')
    await settled()
    await house.world.advance(1_000)
    expect(house.platform('a').connectedBy.at(-1)?.token).toEqual(NEWER.token)
    expect(house.gateway.getSnapshot().context.adoptions).toEqual({})
  })
})

describe('settings', () => {
  test('concurrent_runs: more begin at once; fewer let those that run finish', async () => {
    const house = await openHouse({ gateway: { concurrentRuns: 1 } })
    for (const conversation of ['c1', 'c2', 'c3']) await house.says('a', conversation, { conversation })
    await house.redefine({ gateway: { concurrentRuns: 2 } })
    expect(house.census()).toMatchObject({ running: 2, pending: 1 })
    await house.redefine({ gateway: { concurrentRuns: 1 } })
    await house.thoughts[0]?.answer('first')
    expect(house.census()).toMatchObject({ running: 1, pending: 1 })
    await house.thoughts[1]?.answer('second')
    expect(house.thoughts).toHaveLength(3)
  })

  test('passivate_after counts from now on', async () => {
    const house = await openHouse({ gateway: { passivateAfterMs: 3_600_000 } })
    await house.says('a', 'one')
    await answersAt(house, 'first')
    await house.redefine({ gateway: { passivateAfterMs: 400 } })
    for (let sweep = 0; sweep < 6; sweep += 1) await house.world.advance(100)
    expect(house.census().live).toBe(0)
  })

  test('drain: the newest counts at the end', async () => {
    const house = await openHouse({ gateway: { drainMs: 60_000 } })
    await house.says('a', 'one')
    await house.redefine({ gateway: { drainMs: 1_000 } })
    house.gateway.send({ type: 'drain' })
    await house.world.advance(1_000)
    await house.world.advance(1_500)
    expect(house.gateway.getSnapshot().status).toBe('done')
  })
})

describe('during the end', () => {
  test('S44: a file that is taken while draining changes nothing', async () => {
    const house = await openHouse({ channels: { a: TOKEN } })
    await house.says('a', 'one')
    house.gateway.send({ type: 'drain' })
    await settled()
    await house.redefine({ channels: { a: NEWER, b: {} } })
    expect([house.platform('a').connections, house.platform('b').connections]).toEqual([1, 0])
    await answersAt(house, 'first')
    await house.world.advance(25)
    expect([house.gateway.getSnapshot().status, texts(house)]).toEqual(['done', ['first']])
  })

  test('S44: a channel that is leaving drains with the others, by the same deadline', async () => {
    const house = await openHouse({ channels: { a: {}, b: {} }, gateway: { drainMs: 5_000 } })
    await house.says('a', 'one')
    await house.redefine({ channels: { b: {} }, gateway: { drainMs: 5_000 } })
    house.gateway.send({ type: 'drain' })
    await house.world.advance(4_999)
    expect([house.gateway.getSnapshot().status, house.thoughts[0]?.closed()]).toEqual(['active', false])
    await house.world.advance(1)
    await house.world.advance(1_500)
    expect([house.gateway.getSnapshot().status, house.thoughts[0]?.closed()]).toEqual(['done', true])
    // The end was not its doing: no try is counted.
    for (let day = 0; day < 3; day += 1) expect((await house.store.begin('a/c1', 'turn-1', [1])).exhausted).toEqual([])
  })
})

test('C3: the roll call waits for who is new, and not for who is gone', async () => {
  const reading = held<[]>()
  const wrap = (store: Store): Store => ({ ...store, unfinished: () => reading.promise })
  const house = await openHouse({ channels: { a: {}, b: {} }, wrap })
  const silent = (_: unknown, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
  house.platform('c').nextRun.push(silent)
  await house.redefine({ channels: { a: {}, c: {} } })
  reading.resolve([])
  await settled()
  expect(house.rollCalls).toEqual([])
  await house.world.advance(10_000)
  expect(house.rollCalls.map((reports) => reports.map(({ id, state }) => [id, state]))).toEqual([
    [
      ['a', 'live'],
      ['c', 'retrying'],
    ],
  ])
})

function reportsOf(house: House) {
  const { status, context } = house.gateway.getSnapshot()
  expect(status, 'the root lives').toBe('active')
  return context.reports
}

function childrenOf(house: House): string[] {
  return Object.keys(house.gateway.getSnapshot().children).filter((id) => id !== 'sweeper')
}

/** A defect of the channel's own: it is told something that nobody may say. */
function breaks(house: House, channel: string): void {
  const children: Readonly<Record<string, AnyActorRef | undefined>> = house.gateway.getSnapshot().children
  children[`channel:${channel}`]?.send({ type: 'xstate.error.actor.nobody' })
}
