// Transitions: what an actor did and does, for whoever looks at it; and the tree that it stands in. The tree is a whole house.

import { expect, onTestFinished, test } from 'vitest'
import {
  CONTEXT_EVERY_MS,
  TRANSITIONS_KEPT_MAX,
  TRANSITIONS_REMEMBERED_MAX,
  TRANSITIONS_WAITING_MAX,
} from '../../src/inspect/limits.ts'
import { createMemory } from '../../src/inspect/memory.ts'
import { actorAt, idsOf, placeOf } from '../../src/inspect/place.ts'
import { createTransitions, type Transitions } from '../../src/inspect/transitions.ts'
import { actorsPage } from '../../src/inspect/tree.ts'
import type { House } from '../support/house.ts'
import { settled, silentLog } from '../support/world.ts'
import { converse, openHouseOfTwo } from './support.ts'

interface Told {
  readonly name: string
  readonly data: Readonly<Record<string, unknown>>
}

const SESSION = 'session:cfo%2Fc1'

async function stage(): Promise<{ house: House; transitions: Transitions }> {
  const house = await openHouseOfTwo()
  return { house, transitions: createTransitions({ root: house.gateway, world: house.world, log: silentLog }) }
}

/** Follows a place until the test ends; `slowly`: takes nothing before `go`. */
function follow(transitions: Transitions, place: string, manner: 'quickly' | 'slowly' = 'quickly') {
  const told: Told[] = []
  const leaving = new AbortController()
  onTestFinished(() => leaving.abort())
  let go = (): void => {}
  const gate = new Promise<void>((resolve) => (go = resolve))
  const done = transitions.follow(
    place,
    ({ name, data }) => {
      told.push({ name, data: JSON.parse(data) as Told['data'] })
      return manner === 'slowly' ? gate : undefined
    },
    leaving.signal,
  )
  return { told, go, leave: () => leaving.abort(), done }
}

const stateOf = ({ data }: Told) => data['state']
const transitionsIn = (told: readonly Told[]) => told.filter(({ name }) => name === 'transition')

test('who looks is shown where the actor stands, what it did before anybody looked, and then each transition with its context', async () => {
  const { house, transitions } = await stage()
  await converse(house, 'cfo')
  const { told } = follow(transitions, SESSION)
  await settled()
  const now = told[0]?.data as {
    state: string
    status: string
    machine: string
    past: { event: string; state: unknown }[]
  }
  expect(told).toHaveLength(1)
  expect(now).toMatchObject({ state: 'idle', status: 'active', machine: 'session', context: { agent: 'cfo' } })
  expect(now.past.map(({ event }) => event)).toEqual([
    'xstate.init',
    'message.routed',
    'slot.granted',
    'xstate.done.actor.prepare',
    'xstate.done.actor.run',
    'xstate.done.actor.commit',
  ])
  expect(now.past.at(3)?.state).toEqual({ running: 'working' })

  await house.world.advance(CONTEXT_EVERY_MS)
  await house.says('cfo', 'and now?')
  const [first] = transitionsIn(told)
  expect(first?.data).toMatchObject({
    event: 'message.routed',
    from: 'partition:0',
    state: { pending: 'waiting' },
    message: { type: 'message.routed', message: { text: 'and now?' } },
    context: { waiting: [{ text: 'and now?' }] },
  })
  const numbers = transitionsIn(told).map(({ data }) => Number(data['number']))
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
})

test('of a burst each transition is told and one context; the last one follows when it is quiet', async () => {
  const { house, transitions } = await stage()
  const { told } = follow(transitions, SESSION)
  await house.says('cfo', 'hello')
  await settled()
  const steps = transitionsIn(told)
  expect(steps.length).toBeGreaterThan(3)
  expect(steps.filter(({ data }) => 'context' in data)).toHaveLength(1)
  await house.world.advance(CONTEXT_EVERY_MS)
  expect(told.at(-1)).toMatchObject({
    name: 'context',
    data: { number: steps.at(-1)?.data['number'], context: { turnId: 'turn-1' } },
  })
})

test('who is not there is said to be absent, and seen when it comes, goes and comes again', async () => {
  const { house, transitions } = await stage()
  const { told } = follow(transitions, `${SESSION}/run`)
  await settled()
  expect(told[0]?.data).toMatchObject({ status: 'absent', machine: 'run', state: null })
  await converse(house, 'cfo')
  await converse(house, 'cfo')
  const begun = transitionsIn(told).filter(({ data }) => data['event'] === 'xstate.init')
  expect(begun).toHaveLength(2)
  expect(transitionsIn(told).some(({ data }) => data['status'] !== 'active')).toBe(true)
})

test('each is told of its own actor only: two channels, two sessions and their runs', async () => {
  const { house, transitions } = await stage()
  const cfo = follow(transitions, 'channel:cfo')
  const ops = follow(transitions, 'channel:ops')
  const run = follow(transitions, 'session:ops%2Fc1/run')
  await converse(house, 'cfo')
  expect(transitionsIn(cfo.told).length).toBeGreaterThan(0)
  expect(transitionsIn(ops.told)).toEqual([])
  expect(transitionsIn(run.told)).toEqual([])
})

test('I4: one that reads slowly is shown anew where the actor stands, and not every step on the way', async () => {
  const { house, transitions } = await stage()
  const slow = follow(transitions, 'channel:cfo', 'slowly')
  await settled()
  for (let n = 0; n < TRANSITIONS_WAITING_MAX + 10; n += 1) {
    house.gateway.send({ type: 'outbox.owed', channel: 'cfo', conversation: 'c1' })
    await settled()
  }
  slow.go()
  await settled()
  expect(slow.told.map(({ name }) => name).filter((name) => name === 'now')).toHaveLength(2)
  const again = slow.told.findLast(({ name }) => name === 'now')?.data['past'] as unknown[]
  expect(again).toHaveLength(TRANSITIONS_KEPT_MAX)
  expect(slow.told.length).toBeLessThan(TRANSITIONS_WAITING_MAX)
})

test('I4: the memory holds the last of all transitions, whoever took them', async () => {
  const house = await openHouseOfTwo()
  const memory = createMemory(house.world)
  for (let n = 1; n <= TRANSITIONS_REMEMBERED_MAX + 5; n += 1) memory.add(house.gateway, `event ${n}`, 'serving')
  const remembered = memory.of(['gateway'])
  expect(remembered).toHaveLength(TRANSITIONS_REMEMBERED_MAX)
  expect([remembered[0]?.event, remembered.at(-1)?.number]).toEqual(['event 6', TRANSITIONS_REMEMBERED_MAX + 5])
  expect(memory.of(['channel:cfo'])).toEqual([])
})

test('I2: a follower that fails harms no actor and no other follower', async () => {
  const { house, transitions } = await stage()
  const broken = transitions.follow(
    SESSION,
    () => Promise.reject(new Error('the reader is broken')),
    new AbortController().signal,
  )
  const { told } = follow(transitions, SESSION)
  await expect(broken).rejects.toThrow('the reader is broken')
  await converse(house, 'cfo')
  expect(stateOf(transitionsIn(told).at(-1) as Told)).toBe('idle')
})

test('a place leads back to the actor that stands there; a session is found whatever partition it is in', async () => {
  const { house } = await stage()
  await house.says('cfo', 'hello', { conversation: 'a/b%c' })
  const places = [
    'gateway',
    'channel:cfo',
    'channel:cfo/partition:0',
    'session:cfo%2Fa%252Fb%2525c',
    'session:cfo%2Fa%252Fb%2525c/run',
  ]
  for (const place of places) {
    const actor = actorAt(house.gateway, place)
    expect(actor, place).toBeDefined()
    if (actor !== undefined) expect(placeOf(actor)).toBe(place)
  }
  expect(idsOf('session:cfo%2Fa%252Fb%2525c/run')).toEqual(['session:cfo/a%2Fb%25c', 'run'])
  for (const place of ['channel:no', 'session:cfo%2Fno', 'channel:cfo/partition:7', ''])
    expect(actorAt(house.gateway, place)).toBeUndefined()
})

test('the tree is shown a page at a time, with states; a search finds by a part of an id', async () => {
  const { house } = await stage()
  for (const conversation of ['one', 'two', 'three']) await house.says('cfo', 'hello', { conversation })
  const page = (query: Partial<Parameters<typeof actorsPage>[1]>) =>
    actorsPage(house.gateway, { under: 'gateway', search: '', offset: 0, limit: 100, ...query })
  expect(page({})).toMatchObject({
    actor: { id: 'gateway', machine: 'gateway', state: 'serving', status: 'active' },
    rows: [
      { place: 'channel:cfo', state: 'open.live.serving' },
      { place: 'channel:ops' },
      { id: 'sweeper', machine: null, state: null },
    ],
    total: 3,
  })
  const partition = page({ under: 'channel:cfo/partition:0', offset: 1, limit: 1 })
  expect(partition).toMatchObject({
    rows: [{ place: 'session:cfo%2Ftwo', state: 'running.working', children: 1 }],
    total: 3,
  })
  expect(page({ search: 'SESSION:CFO/T' })?.rows.map(({ id }) => id)).toEqual(['session:cfo/two', 'session:cfo/three'])
  expect(page({ search: 'session:', limit: 2 })?.rows).toHaveLength(2)
  expect(page({ under: 'channel:no' })).toBeNull()
})
