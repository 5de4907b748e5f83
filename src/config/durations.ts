// Durations: how a file writes a length of time, and its milliseconds. Pure.

export const DURATION = /^\d{1,12}(ms|s|m|h|d)$/

/** The longest there may be, by what it is for: a timer that is set to more would fire at once. */
export const LONGEST = {
  timer: { ms: 2_147_483_647, days: 24 },
  age: { ms: 3_650 * 86_400_000, days: 3_650 },
} as const

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** For a text that looks like DURATION. */
export function milliseconds(written: string): number {
  const unit = written.replace(/^\d+/, '')
  return Number.parseInt(written, 10) * (UNIT_MS[unit as keyof typeof UNIT_MS] ?? Number.NaN) // as: the pattern admits only units
}
