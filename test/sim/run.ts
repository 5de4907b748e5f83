// Run: many small worlds from one seed. Each has its own plan, its own people and a few hundred steps, and ends in a calm.

import type { Breakage } from './broken-parts.ts'
import { diceOf, seedOf } from './random.ts'
import { play } from './play.ts'
import type { Outcome } from './simulation.ts'
import { crowdsOf, scheduleOf, twinsOf } from './deal.ts'
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
  readonly hits: Hits
}

export type Hits = Map<string, number>

const WORLD_STEPS = 500

/** One world in so many is played twice, with throws in one conversation and without. */
const TWINS_EVERY = 8

/** One world in so many has thousands of conversations. */
const CROWDS_EVERY = 200

export async function run(options: RunOptions): Promise<Report> {
  const hits: Hits = new Map()
  const worlds = worldsOf(options)
  let [steps, failures] = [0, 0]
  for (let world = 0; world < worlds; world += 1) {
    const played = await playWorld(options, world)
    add(hits, played.hits)
    steps += played.steps
    if (played.failed === null) continue
    failures += 1
    if (options.onFailure?.(played.failed) !== true) return { worlds: world + 1, steps, failures, hits }
  }
  return { worlds, steps, failures, hits }
}

export function worldsOf({ steps }: RunOptions): number {
  return Math.ceil(steps / WORLD_STEPS)
}

export interface Played {
  readonly steps: number
  readonly hits: Hits
  readonly failed: Failed | null
}

/** One world: what becomes of it follows from the seed and its number alone, whoever plays it and when. */
export async function playWorld(options: RunOptions, world: number): Promise<Played> {
  const hits: Hits = new Map()
  const hit = (event: string): void => add(hits, [[event, 1]])
  const schedule = worldOf(options, world)
  const outcome = await play(schedule, { hit, breakage: options.breakage })
  // A crowd is so many people who say something.
  const steps = schedule.steps.reduce((all, step) => all + (step.do === 'crowd' ? step.count : 1), 0)
  return { steps, hits, failed: outcome.violation === null ? null : { schedule, outcome, world } }
}

export function add(hits: Hits, more: Iterable<readonly [string, number]>): void {
  for (const [event, times] of more) hits.set(event, (hits.get(event) ?? 0) + times)
}

/** The schedule of one world of a run. */
export function worldOf({ seed, steps, sessions }: RunOptions, world: number): Schedule {
  const worldSeed = seedOf(seed, world)
  const count = Math.min(WORLD_STEPS, steps - world * WORLD_STEPS)
  const crowds = sessions != null || world % CROWDS_EVERY === 38
  const deal = crowds ? crowdsOf : world % TWINS_EVERY === TWINS_EVERY - 1 ? twinsOf : scheduleOf
  return deal(diceOf(worldSeed), { seed: worldSeed, count, conversations: sessions ?? null })
}
