// Usage: whose account a turn goes to, how it is added up, and the words.

import { expect, test } from 'vitest'
import { modelLabel, spentBy } from '../../machines/models.ts'
import {
  accountOf,
  costText,
  dayOf,
  msUntilNextDay,
  NOTHING_USED,
  sum,
  usageEntries,
  usageText,
} from '../../machines/usage.ts'
import { PLAIN_MODEL } from '../support/definitions.ts'

const AT_MS = Date.parse('2026-03-01T23:59:59.999Z')
const DAY = 20_513
const account = { day: DAY, agent: 'cfo', user: 'a/1' }

test('a day is UTC’s, and a person is one of a channel', () => {
  const asked = { agent: 'cfo', channel: 'a', sender: { id: '1', name: 'Anna', handle: null }, atMs: AT_MS }
  expect(accountOf(asked)).toEqual(account)
  expect(accountOf({ ...asked, channel: 'b', atMs: AT_MS + 1 })).toEqual({ ...account, day: DAY + 1, user: 'b/1' })
  // An id with a slash is not the person of a longer channel.
  expect(accountOf({ ...asked, sender: { id: '1/2 ü', name: null, handle: null } }).user).toBe('a/1%2F2%20%C3%BC')
  expect([dayOf(0), dayOf(86_399_999), msUntilNextDay(AT_MS), msUntilNextDay(AT_MS + 1)]).toEqual([0, 0, 1, 86_400_000])
})

test('answers are added up; what nobody counted is nothing, and a cost is what has a price', () => {
  const spent = { inputTokens: 10, outputTokens: 2, cost: null }
  const estimated = { inputTokens: 1, outputTokens: 2, cost: 0.125 }
  const priced = { ...spent, cost: 0.5 }
  expect(usageEntries(account, 1, [spent, null, { ...priced, estimated }, { ...priced, estimated }])).toEqual([
    {
      ...{ ...account, ...NOTHING_USED, runs: 1, inputTokens: 30, outputTokens: 6, cost: 1 },
      estimated: { inputTokens: 2, outputTokens: 4, cost: 0.25 },
    },
  ])
  expect(usageEntries(account, 1, [null])).toEqual([{ ...account, ...NOTHING_USED, runs: 1 }])
  expect(usageEntries(account, 0, [null, null])).toEqual([])
  const unread = { inputTokens: 0, outputTokens: 0, cost: null, speechSeconds: 1.5 }
  expect(usageEntries(account, 0, [unread, unread])).toEqual([{ ...account, ...NOTHING_USED, speechSeconds: 3 }])
  expect(sum([])).toEqual(NOTHING_USED)
})

test('a cost follows from the prices of the model that answered', () => {
  const model = { provider: 'openai', name: 'a', baseUrl: null, apiKey: { secret: 's' }, ...PLAIN_MODEL } as const
  const tokens = { inputTokens: 2_000_000, outputTokens: 500_000 }
  expect(spentBy(model, tokens)).toEqual({ ...tokens, cost: null })
  expect(spentBy({ ...model, prices: { inputPerMillion: 1.25, outputPerMillion: 10 } }, tokens)).toEqual({
    ...tokens,
    cost: 7.5,
  })
  const half = { inputTokens: 1_000_000, outputTokens: 0 }
  const priced = { ...model, prices: { inputPerMillion: 1.25, outputPerMillion: 10 } }
  expect(spentBy(priced, tokens, half)).toEqual({ ...tokens, cost: 7.5, estimated: { ...half, cost: 1.25 } })
  expect(spentBy(model, tokens, half)).toEqual({ ...tokens, cost: null, estimated: { ...half, cost: null } })
  expect([modelLabel(model), modelLabel({ provider: 'echo', delayMs: 0 })]).toEqual(['openai:a', 'echo'])
})

test.each([
  [NOTHING_USED, '0 tokens in 0 runs'],
  [{ ...NOTHING_USED, runs: 1, inputTokens: 999, outputTokens: 1 }, '1,000 tokens (999 in, 1 out) in 1 run'],
  [
    {
      ...{ ...NOTHING_USED, runs: 1, inputTokens: 9_000, outputTokens: 1 },
      estimated: { inputTokens: 1_000, outputTokens: 1, cost: null },
    },
    '9,001 tokens (9,000 in, 1 out; 1,001 estimated) in 1 run',
  ],
  [{ ...NOTHING_USED, speechSeconds: 1_200.4, cost: 0.12 }, '0 tokens in 0 runs, 1,201 s of speech, cost 0.12'],
  [
    { ...NOTHING_USED, runs: 1_000, inputTokens: 1_234_567, cost: 0.00123 },
    '1,234,567 tokens (1,234,567 in, 0 out) in 1,000 runs, cost 0.0012',
  ],
])('%o in words', (totals, text) => expect(usageText(totals)).toBe(text))

test.each([
  [0, '0.00'],
  [0.1, '0.10'],
  [12.345, '12.35'],
  [0.0456, '0.046'],
])('a cost of %d is %s', (cost, text) => expect(costText(cost)).toBe(text))
