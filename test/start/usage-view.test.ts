// Usage view: who used most, added up from pages of the store while everything else has its turn.

import { expect, test } from 'vitest'
import { dayOf, NOTHING_USED, type UsageEntry } from '../../machines/usage.ts'
import { usageViews } from '../../src/start/usage-view.ts'
import type { Store } from '../../src/store/store.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import { newCommit } from '../store/message-parts.ts'
import { testWorld } from '../support/world.ts'

const PEOPLE = 3_000

async function filled(): Promise<Store> {
  const world = testWorld()
  const store = openMemoryStore({ world })
  const today = dayOf(world.nowMs())
  const used = (n: number, day: number): UsageEntry => {
    return {
      day,
      agent: n % 2 === 0 ? 'cfo' : 'ops',
      user: `tg/${n}`,
      ...NOTHING_USED,
      runs: 1,
      inputTokens: n,
      outputTokens: 1,
    }
  }
  const all = Array.from({ length: PEOPLE }, (_, n) => used(n, today))
  await store.commit(newCommit({ usage: [...all, used(1, today - 1), used(2, today - 29), used(3, today - 30)] }))
  return store
}

const totals = (runs: number, input: number) => ({
  ...{ runs, input_tokens: input, output_tokens: runs, cost: null },
  estimated: { input_tokens: 0, output_tokens: 0, cost: null },
  speech_seconds: 0,
})

test('people and agents, those who used most first, today and in thirty days', async () => {
  const view = await usageViews(await filled())(2)
  expect(view.users).toEqual([
    { agent: 'ops', user: 'tg/2999', today: totals(1, 2_999), last_30_days: totals(1, 2_999) },
    { agent: 'cfo', user: 'tg/2998', today: totals(1, 2_998), last_30_days: totals(1, 2_998) },
  ])
  expect(view.agents).toEqual([
    { agent: 'ops', today: totals(1_500, 2_250_000), last_30_days: totals(1_501, 2_250_001) },
    { agent: 'cfo', today: totals(1_500, 2_248_500), last_30_days: totals(1_501, 2_248_502) },
  ])
})

test('nobody is kept waiting: between any two pages others have their turn, and no page is long', async () => {
  const store = await filled()
  let [turns, turnsBefore] = [0, -1]
  const watching: Store = {
    ...store,
    async usageOfPeople(daysAgo, after, limit) {
      expect(limit).toBeLessThanOrEqual(500)
      expect(turns, 'turns of the event loop since the page before').toBeGreaterThan(turnsBefore)
      turnsBefore = turns
      return store.usageOfPeople(daysAgo, after, limit)
    },
  }
  const count = (): void => {
    turns += 1
    if (turnsBefore < Number.MAX_SAFE_INTEGER) setImmediate(count)
  }
  setImmediate(count)
  await usageViews(watching)(1_000)
  turnsBefore = Number.MAX_SAFE_INTEGER
})

test('who asks while it is made is given the same one; who asks later, a new one', async () => {
  const store = await filled()
  let reads = 0
  const counting: Store = {
    ...store,
    usageOfPeople: (...input) => {
      reads += 1
      return store.usageOfPeople(...input)
    },
  }
  const usage = usageViews(counting)
  const [first, second] = await Promise.all([usage(1), usage(3)])
  const once = reads
  expect([first.users.length, second.users.length]).toEqual([1, 3])
  await usage(1)
  expect(reads).toBe(2 * once)
})
