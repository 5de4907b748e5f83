// Gateway actor: the roll call, slots for all, and an end in order.

import { expect, test } from 'vitest'
import { openHouse } from '../support/house.ts'
import { settled } from '../support/world.ts'

test('S1 S2: three channels on one agent are three live channels that share no history', async () => {
  const house = await openHouse({ channels: { a: {}, b: {}, c: {} } })
  expect(house.rollCalls[0]?.filter((report) => report.state === 'live')).toHaveLength(3)
  await house.says('a', 'mine')
  await house.thoughts[0]?.answer('noted')
  await house.says('b', 'yours')
  expect(house.thoughts[1]?.request.history).toEqual([])
})

test('S18: no more runs at once than concurrent_runs; first come, first served', async () => {
  const house = await openHouse({ gateway: { concurrentRuns: 2 } })
  for (const conversation of ['c1', 'c2', 'c3', 'c4']) await house.says('a', conversation, { conversation })
  expect(house.thoughts.map((thought) => thought.request.messages[0]?.text)).toEqual(['c1', 'c2'])
  expect(house.census()).toMatchObject({ running: 2, pending: 2 })
  await house.thoughts[1]?.answer('done')
  expect(house.thoughts.at(-1)?.request.messages[0]?.text).toBe('c3')
  await house.says('a', 'again', { conversation: 'c2' })
  await house.thoughts[0]?.answer('done')
  expect(house.thoughts.at(-1)?.request.messages[0]?.text).toBe('c4')
})

test('S44: a drain lets the run finish, sends its answer, and keeps what waits', async () => {
  const house = await openHouse()
  await house.says('a', 'one')
  await house.says('a', 'two')
  house.gateway.send({ type: 'drain' })
  await settled()
  expect(house.gateway.getSnapshot().status).toBe('active')
  await house.thoughts[0]?.answer('first')
  await settled()
  await house.world.advance(25)
  expect(house.gateway.getSnapshot().status).toBe('done')
  expect(house.platform('a').sent.map((sent) => sent.text)).toEqual(['first'])
  expect(house.thoughts).toHaveLength(1)
  expect((await house.store.counts()).messages).toMatchObject({ answered: 1, waiting: 1 })
})

test('S44: a run that does not finish is ended at the deadline, and its message is kept', async () => {
  const house = await openHouse({ gateway: { drainMs: 5_000 } })
  await house.says('a', 'one')
  house.gateway.send({ type: 'drain' })
  await house.world.advance(5_000)
  await house.world.advance(1_500)
  expect(house.gateway.getSnapshot().status).toBe('done')
  expect(house.thoughts[0]?.closed()).toBe(true)
  expect((await house.store.counts()).messages).toMatchObject({ waiting: 1 })
  const { exhausted } = await house.store.begin('a/c1', 'turn-1', [1])
  const again = await house.store.begin('a/c1', 'turn-1', [1])
  // Its try was given back: three more are left, as on the first day.
  expect([exhausted, again.exhausted, (await house.store.begin('a/c1', 'turn-1', [1])).exhausted]).toEqual([[], [], []])
  expect((await house.store.begin('a/c1', 'turn-1', [1])).exhausted).toEqual([1])
})
