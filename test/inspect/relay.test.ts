// The relay: who hears what, what a newcomer is shown, and what is bounded.

import { expect, onTestFinished, test, vi } from 'vitest'
import { type Listener, createAudience } from '../../src/inspect/audience.ts'
import type { Inspector, Tell } from '../../src/inspect/inspector.ts'
import { CLIENTS_MAX, LINGER_MS, LIVING_MAX, RECENT_BYTES_MAX, WAITING_BYTES_MAX } from '../../src/inspect/limits.ts'
import type { Line } from '../../src/inspect/messages.ts'
import { createRecent } from '../../src/inspect/recent.ts'
import { watchOf } from '../../src/inspect/watch.ts'
import { openHouse } from '../support/house.ts'
import { settled, silentLog, testWorld } from '../support/world.ts'
import { soon } from '../support/soon.ts'
import { type Client, clientOf, converse, inspectorOf, namesOf, openHouseOfTwo, relayOf, strangers } from './support.ts'

// --- what a newcomer is shown -------------------------------------------------------------------------------------------

/** The suite's own check: whether a newcomer to whom nothing happened yet knows everybody who is alive. */
function unknownLiving(client: Client): string[] {
  const names = namesOf(client.heard)
  const alive = ['gateway', 'channel:cfo', 'channel:ops', 'partition:0', 'session:cfo/c1', 'session:ops/c1', 'run']
  return alive.filter((name) => !names.includes(name))
}

test('a newcomer is shown who is alive: parents first, each once, in its present state', async () => {
  const house = await openHouseOfTwo()
  await converse(house, 'cfo')
  await house.says('ops', 'still thinking')
  const client = await clientOf(await relayOf(inspectorOf(house)))
  expect(unknownLiving(client)).toEqual([])
  expect(strangers(client.heard)).toEqual([])
  expect(new Set(client.heard.map(({ sessionId }) => sessionId)).size).toBe(client.heard.length)
  const session = client.heard.find(({ name }) => name === 'session:ops/c1')
  expect(session?.snapshot?.value).toEqual({ running: 'working' })
})

test('the suite catches a replay that forgets the living', async () => {
  const house = await openHouseOfTwo()
  await converse(house, 'cfo')
  await house.says('ops', 'still thinking')
  const forgetful: Inspector = { ...inspectorOf(house), living: () => [] }
  expect(unknownLiving(await clientOf(await relayOf(forgetful)))).not.toEqual([])
})

test('a second newcomer is shown the recent past after the living, and ends in the same state', async () => {
  const house = await openHouseOfTwo()
  const relay = await relayOf(inspectorOf(house))
  const first = await clientOf(relay)
  await converse(house, 'cfo')
  await first.caughtUp()
  const second = await clientOf(relay)
  expect(second.heard.map(({ type }) => type)).toContain('@xstate.event')
  // A run that is over by now is introduced, too, and what happened in it is told.
  expect(namesOf(second.heard)).toContain('run')
  expect(strangers(second.heard)).toEqual([])
  const introduced = second.heard.filter(({ type }) => type === '@xstate.actor').map(({ sessionId }) => sessionId)
  expect(new Set(introduced).size).toBe(introduced.length)
  const lastOf = (client: Client) =>
    client.heard.findLast(({ type, snapshot }) => type === '@xstate.snapshot' && snapshot?.value === 'idle')?.snapshot
  expect(lastOf(second)).toEqual(lastOf(first))
  await converse(house, 'ops')
  await Promise.all([first.caughtUp(), second.caughtUp()])
  expect(second.raw.slice(-20)).toEqual(first.raw.slice(-20))
})

test('a page that is loaded again finds what happened meanwhile; later the past is forgotten', async () => {
  const house = await openHouseOfTwo()
  const world = testWorld()
  const relay = await relayOf(inspectorOf(house), { world })
  const first = await clientOf(relay)
  first.socket.close()
  await first.closed
  await settled()
  await converse(house, 'cfo')
  const second = await clientOf(relay)
  expect(namesOf(second.heard)).toContain('run')
  await world.advance(LINGER_MS)
  await converse(house, 'ops')
  await second.caughtUp()
  expect(namesOf(second.heard)).toContain('session:ops/c1')
  second.socket.close()
  await second.closed
  await settled()
  await world.advance(LINGER_MS)
  const third = await clientOf(relay)
  expect(third.heard.every(({ type }) => type === '@xstate.actor')).toBe(true)
  expect(namesOf(third.heard)).toContain('session:cfo/c1')
  expect(namesOf(third.heard)).not.toContain('run')
})

test('I1: without a listener the tree is not even looked at, and after the last one it is let alone', async () => {
  const house = await openHouseOfTwo()
  const world = testWorld()
  let hooks = 0
  const inspect = house.gateway.system.inspect
  vi.spyOn(house.gateway.system, 'inspect').mockImplementation((observer) => {
    hooks += 1
    const hook = inspect(observer)
    const unsubscribe = () => {
      hooks -= 1
      hook.unsubscribe()
    }
    return { unsubscribe }
  })
  const relay = await relayOf(inspectorOf(house), { world })
  await converse(house, 'cfo')
  expect(hooks).toBe(0)
  const client = await clientOf(relay)
  expect(hooks).toBe(1)
  client.socket.close()
  await client.closed
  await settled()
  await world.advance(LINGER_MS - 1)
  expect(hooks).toBe(1)
  await world.advance(1)
  expect(hooks).toBe(0)
  await clientOf(relay)
  expect(hooks).toBe(1)
  const closed = relay.close()
  expect(hooks).toBe(0)
  await closed
})

// --- what is watched ----------------------------------------------------------------------------------------------------

test('one channel: its tree and nothing else, and nothing that names anybody else', async () => {
  const house = await openHouseOfTwo()
  const watch = watchOf('cfo', ['cfo', 'ops'])
  const client = await clientOf(await relayOf(inspectorOf(house, { watch })))
  await converse(house, 'cfo')
  await converse(house, 'ops')
  await client.caughtUp()
  const names = namesOf(client.heard)
  expect(names).toEqual(expect.arrayContaining(['channel:cfo', 'partition:0', 'session:cfo/c1', 'run', 'delivery:c1']))
  expect(names.filter((name) => name.includes('ops') || name === 'gateway' || name === 'sweeper')).toEqual([])
  expect(strangers(client.heard)).toEqual([])
  expect(client.raw.join()).not.toMatch(/channel:ops|ops\/c1/)
})

test('one session: itself and its children', async () => {
  const house = await openHouseOfTwo()
  const client = await clientOf(await relayOf(inspectorOf(house, { watch: watchOf('session:ops/c1', []) })))
  await converse(house, 'cfo')
  await converse(house, 'ops')
  await client.caughtUp()
  expect(new Set(namesOf(client.heard))).toEqual(
    new Set(['session:ops/c1', 'prepare', 'run', 'toolbox', 'think', 'commit']),
  )
  expect(strangers(client.heard)).toEqual([])
})

test('a channel that the file does not have is refused by name', () => {
  expect(watchOf('', ['cfo'])).toBe('everything')
  expect(() => watchOf('cof', ['cfo', 'ops'])).toThrow('There is no channel "cof" to inspect.')
})

// --- what it may cost ---------------------------------------------------------------------------------------------------

test('I2: an error while telling reaches no actor', async () => {
  const house = await openHouseOfTwo()
  const stop = inspectorOf(house).listen(() => {
    throw new Error('the wire broke')
  })
  await converse(house, 'cfo')
  stop()
  expect(house.gateway.getSnapshot().status).toBe('active')
  expect(house.platform('cfo').sent).toHaveLength(1)
})

test('I3: whoever is not among the living that fit is introduced before the first word about them', async () => {
  const house = await openHouse({ channels: { cfo: {} }, gateway: { concurrentRuns: 2 } })
  onTestFinished(() => house.kill())
  for (let number = 0; number < LIVING_MAX; number += 1) {
    await house.says('cfo', '/help', { conversation: `c${number}` })
  }
  const client = await clientOf(await relayOf(inspectorOf(house)))
  expect(client.heard).toHaveLength(LIVING_MAX)
  const last = `c${LIVING_MAX - 1}`
  expect(namesOf(client.heard)).not.toContain(`session:cfo/${last}`)
  await house.says('cfo', '/help', { conversation: last })
  await client.caughtUp()
  expect(namesOf(client.heard)).toContain(`session:cfo/${last}`)
  expect(strangers(client.heard)).toEqual([])
}, 60_000)

test('I3: whoever is above a stranger is introduced first', async () => {
  const house = await openHouseOfTwo()
  await house.says('cfo', 'think about it')
  const client = await clientOf(await relayOf({ ...inspectorOf(house), living: () => [] }))
  await house.thoughts.at(-1)?.answer('done')
  await client.caughtUp()
  const lineage = ['gateway', 'channel:cfo', 'partition:0', 'session:cfo/c1', 'run', 'think']
  expect(namesOf(client.heard).slice(0, lineage.length)).toEqual(lineage)
  expect(strangers(client.heard)).toEqual([])
})

test('I4: the recent past is bounded by count and by bytes, the oldest goes first', () => {
  const recent = createRecent({ messagesMax: 3, bytesMax: 10 })
  const add = (text: string) => recent.add({ kind: 'event', sessionId: 'x:1', bytes: Buffer.from(text) })
  const kept = () => [...recent].map(({ bytes }) => String(bytes))
  for (const text of ['a', 'b', 'c', 'd']) add(text)
  expect(kept()).toEqual(['b', 'c', 'd'])
  add('12345678')
  expect(kept()).toEqual(['c', 'd', '12345678'])
  add('this one is too long by itself')
  expect(kept()).toEqual([])
  expect(recent.bytes).toBe(0)
})

test('I4: what waits for a listener is bounded: the slow one is let go, the others hear everything', () => {
  const { audience, tell } = standingAudience()
  const [slow, quick] = [listener({ reads: false }), listener({ reads: true })]
  audience.join(slow)
  audience.join(quick)
  const big = Buffer.alloc(RECENT_BYTES_MAX / 4)
  const times = WAITING_BYTES_MAX / big.length + 4
  for (let time = 0; time < times; time += 1) tell({ kind: 'actor', sessionId: `x:${time}`, bytes: big }, () => [])
  expect(slow.gone).toBe(true)
  expect(slow.bufferedAmount).toBeLessThanOrEqual(WAITING_BYTES_MAX)
  expect(quick.gone).toBe(false)
  expect(quick.heard).toBe(times)
})

test('a real client that does not read is cut, and the gateway goes on', async () => {
  const tells: Tell[] = []
  const inspector: Inspector = { living: () => [], listen: (tell) => (tells.push(tell), () => {}) }
  const client = await clientOf(await relayOf(inspector))
  client.socket.pause()
  const bytes = Buffer.from(JSON.stringify({ big: 'x'.repeat(1_000_000) }))
  for (let time = 0; time < WAITING_BYTES_MAX / 1_000_000 + 20; time += 1) {
    tells[0]?.({ kind: 'actor', sessionId: `x:${time}`, bytes }, () => [])
    if (time % 10 === 0) await settled()
  }
  client.socket.resume()
  expect(await client.closed).toBe(1006)
})

test('what a client says is not listened to, and a long word ends it', async () => {
  const house = await openHouseOfTwo()
  const relay = await relayOf(inspectorOf(house))
  const [talker, other] = [await clientOf(relay), await clientOf(relay)]
  const before = other.raw.length
  talker.socket.send(JSON.stringify({ type: '@xstate.event', sessionId: 'x:0' }))
  await Promise.all([talker.caughtUp(), other.caughtUp()])
  expect(other.raw).toHaveLength(before)
  talker.socket.send('x'.repeat(10_000))
  expect(await talker.closed).toBe(1009)
})

test('a limited number of clients', async () => {
  const house = await openHouseOfTwo()
  const relay = await relayOf(inspectorOf(house))
  const clients: Client[] = []
  for (let each = 0; each < CLIENTS_MAX; each += 1) clients.push(await clientOf(relay))
  await expect(clientOf(relay)).rejects.toThrow('503')
  clients[0]?.socket.close()
  await clients[0]?.closed
  await soon(() => clientOf(relay))
})

test('a client that is gone without a word is noticed', async () => {
  const world = testWorld()
  const house = await openHouseOfTwo()
  const relay = await relayOf(inspectorOf(house), { world })
  const client = await clientOf(relay)
  client.socket.pause()
  await world.advance(30_000)
  await world.advance(30_000)
  client.socket.resume()
  expect(await client.closed).toBe(1006)
})

// --- helpers ------------------------------------------------------------------------------------------------------------

function standingAudience() {
  const tells: Tell[] = []
  const inspector: Inspector = { living: () => [], listen: (tell) => (tells.push(tell), () => {}) }
  const audience = createAudience({ inspector, world: testWorld(), log: silentLog })
  const tell = (line: Line, introductions: () => Line[]) => tells[0]?.(line, introductions)
  return { audience, tell }
}

interface CountingListener extends Listener {
  bufferedAmount: number
  heard: number
  gone: boolean
}

function listener({ reads }: { reads: boolean }): CountingListener {
  return {
    bufferedAmount: 0,
    heard: 0,
    gone: false,
    send(bytes) {
      this.heard += 1
      if (!reads) this.bufferedAmount += bytes.length
    },
    terminate() {
      this.gone = true
    },
  }
}
