// Reset: when a conversation begins anew by itself, and the word about it. Pure.
//   What is compared is when somebody wrote and when the conversation was last at work, both as they are on disk: a restart or a long
//   wait for a slot begins nothing anew.

import type { ResetPolicy } from './definitions.ts'

/** Why a conversation begins anew with what was written now; null: it goes on. */
export type Due = 'idle' | 'daily' | null

export function resetDue({ idleMs, daily }: ResetPolicy, lastAtMs: number, writtenAtMs: number): Due {
  if (idleMs !== null && writtenAtMs - lastAtMs >= idleMs) return 'idle'
  return daily !== null && dayBegun(daily, lastAtMs) < dayBegun(daily, writtenAtMs) ? 'daily' : null
}

/** What the person is told, once. */
export function resetText({ idleMs, daily }: ResetPolicy, due: Exclude<Due, null>): string {
  const why =
    due === 'idle' ? `after ${spanText(idleMs ?? 0)} of silence` : `each day at ${clockText(daily?.atHour ?? 0)}`
  return `A new conversation begins ${why}. What was said before is kept and not used any more; /undo does not bring it back.`
}

type Daily = NonNullable<ResetPolicy['daily']>

/** The number of the day that a moment belongs to, when days begin at that hour of that zone. */
function dayBegun({ atHour, timeZone }: Daily, atMs: number): number {
  const { year, month, day, hour } = wallClock(timeZone, atMs)
  return dayNumber(year, month, day) - (hour < atHour ? 1 : 0)
}

function wallClock(timeZone: string, atMs: number) {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, calendar: 'iso8601', hourCycle: 'h23' },
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric' },
  })
  const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]))
  const of = (type: 'year' | 'month' | 'day' | 'hour') => parts.get(type) ?? 0
  return { year: of('year'), month: of('month'), day: of('day'), hour: of('hour') }
}

/** Of a date of the Gregorian calendar; a year begins with March here, so that its leap day is its last. */
function dayNumber(year: number, month: number, day: number): number {
  const years = month > 2 ? year : year - 1
  const months = (month + 9) % 12
  const leaps = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400)
  return years * 365 + leaps + Math.floor((months * 153 + 2) / 5) + day
}

function spanText(ms: number): string {
  const minutes = Math.round(ms / 60_000)
  const [count, unit] =
    minutes % 1_440 === 0 ? [minutes / 1_440, 'day'] : minutes % 60 === 0 ? [minutes / 60, 'hour'] : [minutes, 'minute']
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

function clockText(hour: number): string {
  return `${String(hour).padStart(2, '0')}:00`
}
