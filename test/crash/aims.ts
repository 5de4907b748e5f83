// Aims: which life of a crash run dies where. Shared by all towns of a run, so that together they come to every point.
//   The point that was met least is next, except what somebody aims at this moment.

import type { Random } from '../support/bot-api/random.ts'
import { factsOf, type Need, type Point, POINT_NAMES } from './points.ts'

export type Death =
  | { readonly kind: 'at a point'; readonly point: Point; readonly passage: number }
  /** Some milliseconds after the process was started. */
  | { readonly kind: 'in its start'; readonly afterMs: number }
  /** Some milliseconds after it listened. */
  | { readonly kind: 'under load'; readonly afterMs: number }
  /** Some milliseconds after it was told to stop. */
  | { readonly kind: 'in its drain'; readonly afterMs: number }

/** A life under load, from its address to its end. */
const LIFE_MS_MAX = 700

/** A start takes about this long. */
const START_MS = 500

/** The drain of a town's file, and a little. */
const DRAIN_MS = 150

export class Aims {
  readonly #random: Random
  readonly #hits = new Map<Point, number>(POINT_NAMES.map((point) => [point, 0]))
  readonly #aimed = new Set<Point>()

  constructor(random: Random) {
    this.#random = random
  }

  get hits(): ReadonlyMap<Point, number> {
    return this.#hits
  }

  /** Six in ten die at a point, the others at any moment. `newStore`: it is the first life of its town. */
  next({ newStore }: { readonly newStore: boolean }): Death {
    const chance = this.#random.integer(1, 20)
    if (chance <= 12) return this.#atPoint(this.#leastHit((need) => (need === 'a new store') === newStore))
    if (chance <= 15) return { kind: 'in its start', afterMs: this.#random.integer(0, START_MS) }
    if (chance <= 16) return { kind: 'in its drain', afterMs: this.#random.integer(0, DRAIN_MS) }
    return this.anyMoment()
  }

  anyMoment(): Death {
    return { kind: 'under load', afterMs: this.#random.integer(0, LIFE_MS_MAX) }
  }

  /** The life that aimed at it is over. */
  met(point: Point, hit: boolean): void {
    this.#aimed.delete(point)
    if (hit) this.#hits.set(point, (this.#hits.get(point) ?? 0) + 1)
  }

  #atPoint(point: Point): Death {
    this.#aimed.add(point)
    return { kind: 'at a point', point, passage: this.#random.integer(1, factsOf(point).passages) }
  }

  #leastHit(fits: (need: Need | null) => boolean): Point {
    const all = POINT_NAMES.filter((point) => fits(factsOf(point).needs ?? null))
    const free = all.filter((point) => !this.#aimed.has(point))
    const candidates = free.length > 0 ? free : all
    const least = Math.min(...candidates.map((point) => this.#hits.get(point) ?? 0))
    const chosen = candidates.filter((point) => this.#hits.get(point) === least)
    const point = chosen[this.#random.integer(0, chosen.length - 1)]
    if (point === undefined) throw new Error('there is no point to aim at')
    return point
  }
}
