// Rounds: a loaded gateway, the real binary on a real file, is killed again and again and started again; at the end everything
// must be answered. Many towns, some at a time: each is killed some tens of times, settles, and is counted.
//   Moments are seeded; what the machine does in them is not: the same seed is a similar run, not the same one.

import { availableParallelism } from 'node:os'
import { seededRandom } from '../support/bot-api/random.ts'
import { Aims, type Death } from './aims.ts'
import { BROKEN } from './broken.ts'
import { count, type Figures, isSound, NOTHING, together } from './count.ts'
import { type End, lastLife, oneLife } from './lives.ts'
import type { Point } from './points.ts'
import { openTown } from './town.ts'

export interface CrashOptions {
  readonly rounds: number
  readonly seed: number
  /** A broken subject: see broken.ts. */
  readonly broken?: string
  readonly onRound?: (round: number, said: number) => void
}

export interface CrashResult extends Figures {
  readonly ends: ReadonlyMap<End, number>
  /** Kills at each named point. */
  readonly points: ReadonlyMap<Point, number>
  readonly towns: number
  readonly seconds: number
  /** Folders of towns whose store somebody should look at. */
  readonly kept: readonly string[]
}

/** Histories stay short, a finding comes early, and what it was made of is small. */
const TOWN_ROUNDS_MAX = 25

/** Most of a life is waiting. */
const TOWNS_AT_ONCE = 2 * availableParallelism()

/** On a machine that is busy enough a life may not come to its point. */
const MISSES_MAX = 5

/** What has not moved for so long after the last kill is lost. A broken subject has shown what it does much sooner. */
const STALL_MS = 30_000
const BROKEN_STALL_MS = 1_000

export async function crashRounds(options: CrashOptions): Promise<CrashResult> {
  const startedAt = performance.now()
  const aims = new Aims(seededRandom(options.seed))
  const ends = new Map<End, number>()
  const kept: string[] = []
  const sizes = townSizes(options.rounds)
  let figures: Figures = NOTHING
  let round = 0
  let said = 0
  const lane = async (): Promise<void> => {
    for (let rounds = sizes.shift(); rounds !== undefined; rounds = sizes.shift()) {
      const town = await crashTown(
        { ...options, rounds, seed: options.seed * 1_000 + sizes.length },
        aims,
        (end, more) => {
          ends.set(end, (ends.get(end) ?? 0) + 1)
          round += 1
          said += more
          options.onRound?.(round, said)
        },
      )
      figures = together(figures, town.figures)
      if (town.kept !== null) kept.push(town.kept)
    }
  }
  const towns = sizes.length
  await Promise.all(Array.from({ length: TOWNS_AT_ONCE }, lane))
  const seconds = (performance.now() - startedAt) / 1_000
  return { ...figures, ends, points: aims.hits, towns, seconds, kept }
}

/** As equal as can be: the last town is not a small one. */
function townSizes(rounds: number): number[] {
  const towns = Math.ceil(rounds / TOWN_ROUNDS_MAX)
  return Array.from({ length: towns }, (_, index) => Math.floor((rounds + index) / towns))
}

type OnLife = (end: End, said: number) => void

async function crashTown(
  options: CrashOptions,
  aims: Aims,
  onLife: OnLife,
): Promise<{ figures: Figures; kept: string | null }> {
  const broken = options.broken ?? null
  const asksModel = broken === null || BROKEN[broken]?.asksModel === true
  const town = await openTown(options.seed, { asksModel })
  let keepStore = true
  try {
    for (let round = 0, left = options.rounds; left > 0; round += 1) {
      const before = saidIn(town.ledger)
      const death = broken === null ? aims.next({ newStore: round === 0 }) : deathOf(broken)
      const end = await oneLife({ town, name: `r${round}`, death, broken })
      if (death.kind === 'at a point') aims.met(death.point, end === 'at a point')
      onLife(end, saidIn(town.ledger) - before)
      // A broken subject shows itself only at its point: a life that did not come there is lived again.
      if (broken === null || end === death.kind || round >= MISSES_MAX) left -= 1
    }
    await lastLife(town, broken, broken === null ? STALL_MS : BROKEN_STALL_MS)
    const figures = count(town)
    keepStore = broken === null && !isSound(figures)
    return { figures, kept: keepStore ? town.folder : null }
  } finally {
    await town.close({ keepStore })
  }
}

/** A broken subject dies where it is worst. */
function deathOf(broken: string): Death {
  const dies = BROKEN[broken]?.dies ?? null
  return dies === null ? { kind: 'under load', afterMs: 400 } : { kind: 'at a point', ...dies }
}

function saidIn({
  telegram,
  web,
  undos,
}: { readonly [Name in 'telegram' | 'web' | 'undos']: readonly unknown[] }): number {
  return telegram.length + web.length + undos.length
}
