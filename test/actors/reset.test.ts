// Reset through the real actors and store: a conversation begins anew by itself, the person is told once, and nothing is lost.

import { expect, test } from 'vitest'
import { type House, type HouseOptions, openHouse } from '../support/house.ts'

const HOUR_MS = 3_600_000

const CHANNELS = { a: { reset: { idleMs: HOUR_MS, daily: null } } }

const WORD =
  'A new conversation begins after 1 hour of silence. What was said before is kept and not used any more; /undo does not bring it back.'

const sent = (house: House): string[] => house.platform('a').sent.map(({ text }) => text)

const transcript = async (house: House): Promise<string[]> =>
  (await house.store.transcript('a/c1')).map(({ role, text }) => `${role} ${text}`.trim())

const told = (house: House, thought: number): string[] | undefined =>
  house.thoughts[thought]?.request.history.map(({ text }) => text)

/** One turn is there, and an hour has passed. */
async function silent(given: HouseOptions = {}): Promise<House> {
  const house = await openHouse({ channels: CHANNELS, ...given })
  await house.says('a', 'one')
  await house.thoughts[0]?.answer('yes')
  await house.world.advance(HOUR_MS)
  return house
}

test('after the silence the next message begins anew, and its sender is told before the answer', async () => {
  await expectReset(await silent())
})

test('a broken store that loses the reset is caught', async () => {
  const wrap: HouseOptions['wrap'] = (store) => ({
    ...store,
    commit: (commit) => store.commit({ ...commit, entries: commit.entries.filter(({ role }) => role !== 'reset') }),
  })
  await expect(expectReset(await silent({ wrap }))).rejects.toThrow()
})

async function expectReset(house: House): Promise<void> {
  await house.says('a', 'two')
  expect([told(house, 1), sent(house)]).toEqual([[], ['yes', WORD]])
  await house.thoughts[1]?.answer('new')
  await house.says('a', 'three')
  expect([told(house, 2), sent(house)]).toEqual([
    ['two', 'new'],
    ['yes', WORD, 'new'],
  ])
  expect(await transcript(house)).toEqual(['user one', 'assistant yes', 'reset', 'user two', 'assistant new'])
  await house.thoughts[2]?.answer('ok')
  for (let n = 0; n < 3; n += 1) await house.says('a', '/undo')
  expect(sent(house).at(-1)).toBe('There is no turn to take out.')
}

test('within the time, and without the key, the conversation goes on', async () => {
  const house = await silent({ channels: { a: { reset: { idleMs: HOUR_MS + 1, daily: null } } } })
  await house.says('a', 'two')
  expect(told(house, 1)).toEqual(['one', 'yes'])
  const plain = await silent({ channels: { a: {} } })
  await plain.world.advance(1_000 * HOUR_MS)
  await plain.says('a', 'two')
  expect([told(plain, 1), sent(plain)]).toEqual([['one', 'yes'], ['yes']])
})

test('at the hour of the day it is the day that has begun', async () => {
  // The world of a test begins at midnight UTC.
  const house = await silent({ channels: { a: { reset: { idleMs: null, daily: { atHour: 1, timeZone: 'UTC' } } } } })
  await house.says('a', 'two')
  expect(sent(house)[1]).toMatch(/^A new conversation begins each day at 01:00\./)
  await house.thoughts[1]?.answer('new')
  await house.world.advance(22 * HOUR_MS)
  await house.says('a', 'three')
  expect(told(house, 2)).toEqual(['two', 'new'])
})

test('S41: killed behind it, it stands there alone: the message begins a conversation and nobody is told again', async () => {
  const house = await silent()
  await house.says('a', 'two')
  house.kill()
  expect(await transcript(house)).toEqual(['user one', 'assistant yes', 'reset'])
  const again = await openHouse({ channels: CHANNELS, store: house.store, world: house.world })
  expect(told(again, 0)).toEqual([])
  await again.thoughts[0]?.answer('new')
  expect([...sent(house), ...sent(again)].filter((text) => text === WORD)).toHaveLength(1)
  expect(sent(again).at(-1)).toBe('new')
})

test('what was written in time is answered in its conversation, however late that is', async () => {
  const house = await openHouse({ channels: CHANNELS })
  await house.says('a', 'one')
  await house.thoughts[0]?.answer('yes')
  await house.says('a', 'two')
  house.kill()
  await house.world.advance(24 * HOUR_MS)
  const again = await openHouse({ channels: CHANNELS, store: house.store, world: house.world })
  expect([told(again, 0), sent(again)]).toEqual([['one', 'yes'], []])
})

test.each(['/retry', '/compact'])('%s means the old conversation, and goes on with it', async (command) => {
  const house = await silent()
  await house.says('a', command)
  await house.thoughts[1]?.answer('again')
  expect(sent(house)).not.toContain(WORD)
  await house.says('a', 'two')
  expect(told(house, 2)?.at(-1)).toContain('again')
})

test('S6: /stop before it is written: it is not written, and nobody is told', async () => {
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  let begins = 0
  const wrap: HouseOptions['wrap'] = (store) => ({
    ...store,
    async begin(...input) {
      begins += 1
      if (begins === 2) await held
      return store.begin(...input)
    },
  })
  const house = await silent({ wrap })
  await house.says('a', 'two')
  await house.says('a', '/stop')
  release()
  await house.world.advance(0)
  expect([sent(house), await transcript(house)]).toEqual([
    ['yes', 'Stopped.'],
    ['user one', 'assistant yes', 'user two', 'partial'],
  ])
})

test('over the budget it begins anew all the same: the silence was not the budget’s', async () => {
  const budget = { tokensPerDay: 1, per: 'user' } as const
  const house = await openHouse({ channels: CHANNELS, agents: { cfo: { budget } } })
  await house.says('a', 'one')
  await house.thoughts[0]?.gives({ text: 'yes', usage: { inputTokens: 1, outputTokens: 1 } })
  await house.world.advance(HOUR_MS)
  await house.says('a', 'two')
  expect(sent(house).slice(1)).toEqual([WORD, expect.stringContaining('budget of 1 tokens')])
})
