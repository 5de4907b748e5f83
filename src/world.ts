// World: the one door to time, ids, randomness and the environment. Nothing else in Troupe reads a clock or rolls dice.

import { randomBytes } from 'node:crypto'

export interface World {
  /** Milliseconds since 1970. */
  nowMs(): number
  /** A new id: 16 characters, unguessable, safe in URLs and file names. */
  id(): string
  /** Uniform in [0, 1). */
  random(): number
  readonly clock: Clock
  /** The process environment, or a test's. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** XState's clock: its actors' delays go through it. */
export interface Clock {
  setTimeout(fn: () => void, delayMs: number): unknown
  clearTimeout(id: unknown): void
}

/** Where days and hours of this machine are counted, as an IANA name. */
export function machineTimeZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}

export function realWorld(environment: Readonly<Record<string, string | undefined>>): World {
  return {
    nowMs: () => Date.now(),
    id: () => randomBytes(12).toString('base64url'),
    random: () => Math.random(),
    clock: {
      setTimeout: (fn, delayMs) => setTimeout(fn, delayMs),
      clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
    },
    environment,
  }
}
