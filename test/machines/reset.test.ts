// Reset: when a conversation begins anew, and what the person is told.

import { describe, expect, test } from 'vitest'
import type { ResetPolicy } from '../../machines/definitions.ts'
import { resetDue, resetText } from '../../machines/reset.ts'

const DAY: ResetPolicy = { idleMs: 86_400_000, daily: null }
const at = (time: string): number => Date.parse(time)
const daily = (timeZone: string, atHour = 4): ResetPolicy => ({ idleMs: null, daily: { atHour, timeZone } })

describe('after a silence', () => {
  test.each([
    ['2026-01-01T12:00:00.000Z', '2026-01-02T11:59:59.999Z', null],
    ['2026-01-01T12:00:00.000Z', '2026-01-02T12:00:00.000Z', 'idle'],
    ['2026-01-01T12:00:00.000Z', '2027-01-01T12:00:00.000Z', 'idle'],
    // Written while an earlier turn was at work.
    ['2026-01-01T12:00:00.000Z', '2026-01-01T11:59:00.000Z', null],
  ])('%s, then %s: %s', (last, written, due) => expect(resetDue(DAY, at(last), at(written))).toBe(due))
})

describe('at an hour of each day', () => {
  const CASES: [zone: string, hour: number, last: string, written: string, due: 'daily' | null][] = [
    ['UTC', 4, '2026-01-01T03:00Z', '2026-01-01T03:59Z', null],
    ['UTC', 4, '2026-01-01T03:59Z', '2026-01-01T04:00Z', 'daily'],
    ['UTC', 4, '2026-01-01T04:00Z', '2026-01-02T03:59Z', null],
    ['UTC', 4, '2026-01-01T04:00Z', '2026-01-09T03:59Z', 'daily'],
    ['UTC', 0, '2026-01-01T23:59Z', '2026-01-02T00:00Z', 'daily'],
    ['UTC', 23, '2026-01-01T22:59Z', '2026-01-01T23:00Z', 'daily'],
    // Over the ends of a month, a year and a February.
    ['UTC', 4, '2025-12-31T23:00Z', '2026-01-01T03:00Z', null],
    ['UTC', 4, '2025-12-31T23:00Z', '2026-01-01T04:00Z', 'daily'],
    ['UTC', 4, '2028-02-28T05:00Z', '2028-02-29T03:00Z', null],
    ['UTC', 4, '2028-02-29T05:00Z', '2028-03-01T05:00Z', 'daily'],
    ['UTC', 4, '2026-02-28T05:00Z', '2026-03-01T03:00Z', null],
    // 04:00 in Berlin is 03:00 UTC in winter and 02:00 UTC in summer.
    ['Europe/Berlin', 4, '2026-01-01T02:59Z', '2026-01-01T03:00Z', 'daily'],
    ['Europe/Berlin', 4, '2026-07-01T01:59Z', '2026-07-01T02:00Z', 'daily'],
    ['Europe/Berlin', 4, '2026-07-01T02:00Z', '2026-07-02T01:59Z', null],
    // The hour that a change of the clock leaves out, and the one that it repeats.
    ['Europe/Berlin', 2, '2026-03-29T00:59Z', '2026-03-29T01:00Z', 'daily'],
    ['Europe/Berlin', 2, '2026-10-25T00:30Z', '2026-10-25T01:30Z', null],
    ['America/New_York', 4, '2026-01-01T08:59Z', '2026-01-01T09:00Z', 'daily'],
    ['Pacific/Kiritimati', 4, '2026-01-01T13:59Z', '2026-01-01T14:00Z', 'daily'],
    ['Asia/Kathmandu', 4, '2025-12-31T22:14Z', '2025-12-31T22:15Z', 'daily'],
  ]

  test.each(CASES)('%s at %d: %s, then %s: %s', (zone, hour, last, written, due) => {
    expect(resetDue(daily(zone, hour), at(last), at(written))).toBe(due)
  })

  test('each day of eight years has one beginning', () => {
    const policy = daily('UTC', 0)
    for (let day = at('2024-01-01T00:00Z'); day < at('2032-01-01T00:00Z'); day += 86_400_000) {
      const verdicts = [resetDue(policy, day - 1, day), resetDue(policy, day, day + 86_399_999)]
      expect(verdicts, new Date(day).toISOString()).toEqual(['daily', null])
    }
  })
})

test('with both, whichever comes first', () => {
  const both: ResetPolicy = { idleMs: 3_600_000, daily: { atHour: 4, timeZone: 'UTC' } }
  expect(resetDue(both, at('2026-01-01T03:50Z'), at('2026-01-01T04:10Z'))).toBe('daily')
  expect(resetDue(both, at('2026-01-01T05:00Z'), at('2026-01-01T06:00Z'))).toBe('idle')
  expect(resetDue(both, at('2026-01-01T05:00Z'), at('2026-01-01T05:59Z'))).toBe(null)
})

test.each([
  [{ idleMs: 86_400_000, daily: null }, 'idle', 'after 1 day of silence'],
  [{ idleMs: 172_800_000, daily: null }, 'idle', 'after 2 days of silence'],
  [{ idleMs: 3_600_000, daily: null }, 'idle', 'after 1 hour of silence'],
  [{ idleMs: 5_400_000, daily: null }, 'idle', 'after 90 minutes of silence'],
  [daily('UTC', 4), 'daily', 'each day at 04:00'],
  [daily('UTC', 23), 'daily', 'each day at 23:00'],
] as const)('%o in words', (policy, due, why) => {
  expect(resetText(policy, due)).toBe(
    `A new conversation begins ${why}. What was said before is kept and not used any more; /undo does not bring it back.`,
  )
})
