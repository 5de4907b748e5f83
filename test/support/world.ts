// A world of a test: a clock that moves by hand, ids that count, dice that are seeded.

import { SimulatedClock } from 'xstate'
import type { Tokens } from '../../src/actors/parts.ts'
import type { Log } from '../../src/log.ts'
import type { World } from '../../src/world.ts'

export interface TestWorld extends World {
  /** Moves the clock, firing what falls due, then lets promises settle. */
  advance(ms: number): Promise<void>
  /** Milliseconds until each delay that somebody waits for, the next one first. */
  pending(): number[]
}

export function testWorld(seed = 1): TestWorld {
  const clock = new SimulatedClock()
  const due = new Map<unknown, number>()
  let ids = 0
  let state = seed
  return {
    nowMs: () => START_MS + clock.now(),
    id: () => `id-${++ids}`,
    random: () => {
      state = (state * 48_271) % 2_147_483_647
      return state / 2_147_483_647
    },
    clock: {
      setTimeout(fire, delayMs) {
        const timer = clock.setTimeout(() => {
          due.delete(timer)
          fire()
        }, delayMs)
        due.set(timer, clock.now() + delayMs)
        return timer
      },
      clearTimeout(timer) {
        due.delete(timer)
        clock.clearTimeout(timer as number) // One that was made above.
      },
    },
    environment: {},
    async advance(ms) {
      clock.increment(ms)
      await settled()
    },
    pending: () => [...due.values()].map((atMs) => atMs - clock.now()).sort((a, b) => a - b),
  }
}

/** Lets every promise that can settle now do so, the store's grouped commits too. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** A promise whose end the test holds in its hand. */
export interface Held<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
}

export function held<T>(): Held<T> {
  return Promise.withResolvers<T>()
}

export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
}

/** Nobody else is there who could have a token. */
export const freeTokens: Tokens = { claim: () => {}, hold: async () => () => {} }

/** 2026-01-01T00:00:00Z. */
const START_MS = 1_767_225_600_000
