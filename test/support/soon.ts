// Soon: waits until something is so that nobody tells of: what other processes do, and what they leave on the disk.

import { vi } from 'vitest'

/** A busy machine gets its time; what takes longer is stuck. */
const SOON_MS = 10_000

/** Looks again every few milliseconds until `look` no longer throws. `withinMs`: for a look that must be in vain. */
export function soon<T>(look: () => T | Promise<T>, withinMs = SOON_MS): Promise<T> {
  return vi.waitFor(look, { timeout: withinMs, interval: 10 })
}
