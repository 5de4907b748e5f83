// Run: many small worlds from one seed. Each has its own plan, its own people and a few hundred steps, and ends in a calm.

import type { Breakage } from './broken.ts'
import { diceOf, seedOf } from './random.ts'
import { play } from './play.ts'
import type { Outcome } from './simulation.ts'
import { scheduleOf, twinsOf } from './deal.ts'
import type { Schedule } from './steps.ts'

export interface RunOptions {
  readonly seed: number
  readonly steps: number
  /** Conversations that people crowd into, in each channel of each world; null: as the dice say. */
  readonly sessions?: number | null
  readonly breakage?: () => Breakage
  /** Called for each world that fails; the run goes on while it answers true. */
  readonly onFailure?: (failure: Failed) => boolean
}

export interface Failed {
  readonly schedule: Schedule
  readonly outcome: Outcome
  readonly world: number
}

export interface Report {
  readonly worlds: number
  readonly steps: number
  readonly failures: number
  /** How often each thing was really hit. */
  readonly hits: ReadonlyMap<string, number>
}

const WORLD_STEPS = 500

/** One world in so many is played twice, with throws in one conversation and without. */
const TWINS_EVERY = 8

export async function run(options: RunOptions): Promise<Report> {
  const hits = new Map<string, number>()
  const hit = (event: string): void => void hits.set(event, (hits.get(event) ?? 0) + 1)
  const worlds = Math.ceil(options.steps / WORLD_STEPS)
  let failures = 0
  for (let world = 0; world < worlds; world += 1) {
    const schedule = worldOf(options, world)
    const outcome = await play(schedule, { hit, breakage: options.breakage })
    if (outcome.violation === null) continue
    failures += 1
    const goesOn = options.onFailure?.({ schedule, outcome, world }) ?? false
    if (!goesOn) return { worlds: world + 1, steps: (world + 1) * WORLD_STEPS, failures, hits }
  }
  return { worlds, steps: worlds * WORLD_STEPS, failures, hits }
}

/** The schedule of one world of a run. */
export function worldOf({ seed, steps, sessions }: RunOptions, world: number): Schedule {
  const worldSeed = seedOf(seed, world)
  const count = Math.min(WORLD_STEPS, steps - world * WORLD_STEPS)
  const deal = world % TWINS_EVERY === TWINS_EVERY - 1 ? twinsOf : scheduleOf
  return deal(diceOf(worldSeed), { seed: worldSeed, count, conversations: sessions ?? null })
}
