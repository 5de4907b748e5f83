// Cron: the times that a pattern means, and what is wrong with one that means none. The only file that imports croner, which computes
// and keeps no timer.
//   An hour that the clocks leave out: what is due in it is due when it would have ended. An hour that they repeat: a time of day is
//   due once, in the first of the two; a pattern that goes through all hours goes through both.

import { Cron } from 'croner'

/** Times of a pattern in a time zone; both are known to be good. */
export interface CronTimes {
  /** The newest that is not later; null: there is none. */
  newestUntil(untilMs: number): number | null
  /** The first that is later; null: there is none. */
  nextAfter(afterMs: number): number | null
}

export function cronTimes({ cron, timeZone }: { readonly cron: string; readonly timeZone: string }): CronTimes {
  const times = patternOf(cron, timeZone)
  return {
    newestUntil: (untilMs) => times.previousRuns(1, new Date(untilMs + 1))[0]?.getTime() ?? null,
    nextAfter: (afterMs) => times.nextRun(new Date(afterMs))?.getTime() ?? null,
  }
}

/** What is wrong with a pattern, and what was expected; null: it means times that come. */
export function cronMistake(pattern: string): string | null {
  const fields = pattern.trim().split(/\s+/)
  if (fields.length !== FIELDS.length) return `${EXPECTED}${fields.length === 6 ? '; there are no seconds' : ''}`
  const wrong = FIELDS.findIndex((_, index) => {
    return !isGood(FIELDS.map((_, other) => (other === index ? (fields[index] ?? '') : '*')).join(' '))
  })
  const field = FIELDS[wrong]
  if (field !== undefined) return `${JSON.stringify(fields[wrong]?.slice(0, SHOWN_UNITS_MAX))} is no ${field}`
  if (!isGood(pattern)) return EXPECTED
  return cronTimes({ cron: pattern, timeZone: 'UTC' }).nextAfter(0) === null ? 'no day is like this' : null
}

const FIELDS = [
  'minute: expected 0 to 59, such as 0, */15 or 0,30',
  'hour: expected 0 to 23, such as 9, 8-17 or */2',
  'day of the month: expected 1 to 31, L for the last one, or *',
  'month: expected 1 to 12, JAN to DEC, or *',
  'weekday: expected 0 to 7 (Sunday is both), SUN to SAT, or *',
]

const EXPECTED = 'expected five fields (minute, hour, day of the month, month, weekday) such as "0 9 * * 1-5"'

/** A field is a few signs; what is longer is a mistake and not shown whole. */
const SHOWN_UNITS_MAX = 30

/** A question mark would stand for the moment of reading. */
function isGood(pattern: string): boolean {
  if (pattern.includes('?')) return false
  try {
    patternOf(pattern, 'UTC')
    return true
  } catch {
    return false
  }
}

function patternOf(pattern: string, timezone: string): Cron {
  return new Cron(pattern, { timezone, mode: '5-part', paused: true })
}
