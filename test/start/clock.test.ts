// Clock: one that was never set is waited for; a store that is ahead of it is told of, and stops nothing.

import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { clockWarning, requireClock } from '../../src/start/clock.ts'

const NOW_MS = Date.UTC(2026, 4, 6, 12)
const DAY_MS = 24 * 60 * 60_000

test('a clock of before there was a Troupe is named with what it says, and trying again can help', () => {
  expect(() => requireClock(NOW_MS)).not.toThrow()
  expect(() => requireClock(DAY_MS)).toThrow(
    expect.objectContaining({
      failure: expect.objectContaining({
        kind: 'retryable',
        phase: 'requires',
        message: 'The clock of this machine says 1970-01-02 00:00.',
      }),
    }),
  )
})

test.each([
  ['troupe.db', DAY_MS / 2, null],
  ['troupe.db', 2 * DAY_MS, '2026-05-08 12:00'],
  ['troupe.db-wal', 2 * DAY_MS, '2026-05-08 12:00'],
  ['other.db', 2 * DAY_MS, null],
])('%s that is %i ms ahead of the clock: %s', (name, aheadMs, said) => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-clock-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, name), '')
  const at = new Date(NOW_MS + aheadMs)
  utimesSync(join(folder, name), at, at)
  const warning = clockWarning(folder, NOW_MS)
  if (said === null) expect(warning).toBeNull()
  else expect(warning).toMatch(new RegExp(`written at ${said}, and the clock of this machine says 2026-05-06 12:00`))
})

test('a folder without a store is ahead of nothing', () => {
  expect(clockWarning('/no/such/folder', NOW_MS)).toBeNull()
})
