// Against the package that defines the wire: its inspector on the same tree says the same, and its receiver reads ours.

import {
  createInspector as createTheirs,
  createWebSocketReceiver,
  type StatelyInspectionEvent,
} from '@statelyai/inspect'
import { expect, test } from 'vitest'
import { clientOf, converse, type Heard, inspectorOf, namesOf, openHouseOfTwo, relayOf } from './support.ts'
import { settled } from '../support/world.ts'
import { soon } from '../support/soon.ts'

test('the same messages in the same order as the package’s own inspector', async () => {
  const house = await openHouseOfTwo()
  const theirs: Heard[] = []
  const own = createTheirs({ send: (event) => theirs.push(JSON.parse(JSON.stringify(event)) as Heard) })
  const hook = house.gateway.system.inspect(own.inspect)
  const ours: Heard[] = []
  const stop = inspectorOf(house, { texts: true }).listen((line) => ours.push(JSON.parse(String(line.bytes)) as Heard))

  await converse(house, 'cfo')
  await house.says('cfo', '/help')
  await house.says('ops', 'a run that fails')
  await house.thoughts.at(-1)?.fail(new Error('no model'))
  await house.world.advance(600_000)
  await soon(() => expect(theirs.length).toBe(ours.length))
  hook.unsubscribe()
  stop()

  expect(ours.length).toBeGreaterThan(100)
  expect(new Set(ours.map(({ type }) => type)).size).toBe(3)
  expect(ours.map(outline)).toEqual(theirs.map(outline))
  expect(ours.map(keysOf)).toEqual(theirs.map(keysOf))
  expect(ours.map(place)).toEqual(theirs.map(place))
})

test('a definition is the package’s own, whole', async () => {
  const house = await openHouseOfTwo()
  const theirs: Heard[] = []
  const own = createTheirs({ send: (event) => theirs.push(event as unknown as Heard) })
  house.gateway.system.inspect(own.inspect)
  const ours = new Map<string, string>()
  inspectorOf(house).listen((line) => {
    const { name, definition } = JSON.parse(String(line.bytes)) as Heard
    if (name !== undefined && definition !== undefined) ours.set(name, definition)
  })
  await converse(house, 'cfo')
  await settled()

  const actors = () => theirs.filter(({ type }) => type === '@xstate.actor')
  await soon(() => expect(actors().map(({ name }) => name)).toContain('session:cfo/c1'))
  for (const { name, definition } of actors()) {
    const [mine, reference] = [ours.get(name ?? '') ?? '{}', definition ?? '{}'].map((each) => JSON.parse(each))
    expect(within(mine, reference), name).toEqual(reference)
  }
})

test('the package’s own receiver reads the relay', async () => {
  const house = await openHouseOfTwo()
  await converse(house, 'cfo')
  const relay = await relayOf(inspectorOf(house))
  const read: StatelyInspectionEvent[] = []
  createWebSocketReceiver({ server: relay.url.replace('http', 'ws') }).subscribe((event) => read.push(event))
  await soon(() => expect(namesOf(read as unknown as Heard[])).toContain('session:cfo/c1'))
  const before = read.length
  await converse(house, 'cfo', 'and now?')
  await soon(() => expect(read.slice(before).map(({ type }) => type)).toContain('@xstate.snapshot'))

  for (const event of read) {
    expect(event).toMatchObject({ sessionId: expect.stringMatching(/^x:\d+$/), rootId: house.gateway.sessionId })
    expect(event).toMatchObject({ createdAt: expect.stringMatching(/^\d{13}$/), id: null, _version: '0.7.2' })
  }
})

test('a reader sees addresses, and the state in which an actor began', async () => {
  const house = await openHouseOfTwo()
  const relay = await relayOf(inspectorOf(house))
  const client = await clientOf(relay)
  expect(namesOf(client.heard)).toEqual(
    expect.arrayContaining(['gateway', 'channel:cfo', 'channel:ops', 'connection', 'sweeper']),
  )
  await converse(house, 'cfo')
  await client.caughtUp()
  expect(namesOf(client.heard)).toEqual(
    expect.arrayContaining(['partition:0', 'session:cfo/c1', 'prepare', 'run', 'think', 'commit', 'delivery:c1']),
  )
  const session = client.heard.find(({ name }) => name === 'session:cfo/c1')
  expect(session?.snapshot).toMatchObject({ status: 'active', value: 'idle', context: { waiting: [] } })
})

test('order of a send: the event, what the children say, the snapshot', async () => {
  const house = await openHouseOfTwo()
  const client = await clientOf(await relayOf(inspectorOf(house)))
  await converse(house, 'cfo')
  await client.caughtUp()
  const session = client.heard.find(({ name }) => name === 'session:cfo/c1')?.sessionId
  const order = client.heard.flatMap(({ type, sessionId, event }) =>
    sessionId === session && event !== undefined ? [`${type.slice('@xstate.'.length)} ${event.type}`] : [],
  )
  expect(order.slice(0, 4)).toEqual([
    'event xstate.init',
    'snapshot xstate.init',
    'event message.routed',
    'snapshot message.routed',
  ])
})

/** What must be equal in every message. An actor's snapshot is left out: theirs is the one it has a moment later. */
function outline({ type, sessionId, rootId, name, parentId, sourceId, event, snapshot }: Heard): unknown {
  const { status, value, children } = type === '@xstate.snapshot' ? (snapshot ?? { status: '' }) : { status: '' }
  // Of a promise or a callback theirs shows the input, too.
  const parts = type === '@xstate.snapshot' && value !== undefined ? Object.keys(snapshot ?? {}).sort() : []
  return { type, sessionId, rootId, name, parentId, sourceId, event: event?.type, status, value, children, parts }
}

function keysOf(message: Heard): string[] {
  return Object.keys(message).sort()
}

function place({ id, _version, createdAt }: Heard): unknown {
  return { id, _version, createdAt: createdAt.length }
}

/** `mine` cut down where the reference was: it ends at a depth of ten. */
function within(mine: unknown, reference: unknown): unknown {
  if (reference === '[Object]' || reference === '[Array]') return reference
  if (Array.isArray(mine) && Array.isArray(reference)) return mine.map((each, index) => within(each, reference[index]))
  if (typeof mine !== 'object' || mine === null || typeof reference !== 'object' || reference === null) return mine
  return Object.fromEntries(Object.entries(mine).map(([key, each]) => [key, within(each, Reflect.get(reference, key))]))
}
