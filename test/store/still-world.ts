// A world whose clock stands still and whose dice fall the same way every time.

import type { World } from '../../src/world.ts'

export interface StillWorld extends World {
  pass(ms: number): void
}

/** Its time passes only when told to, its dice fall the same way every time. */
export function stillWorld(startMs = 1_750_000_000_000): StillWorld {
  let now = startMs
  let state = 1
  return {
    nowMs: () => now,
    pass(ms) {
      now += ms
    },
    id: () => `id-${now}-${state}`,
    random() {
      state = (state * 48_271) % 2_147_483_647
      return state / 2_147_483_647
    },
    clock: { setTimeout: () => 0, clearTimeout: () => {} },
    environment: {},
  }
}
