// Soak: one gateway, used in every way for lap after lap; after each it rests, and is looked at. What grows from lap to lap is kept by
// mistake.
//   The first laps are not compared: code is compiled and libraries are loaded in them.

import { seededRandom } from '../support/bot-api/random.ts'
import { type Look, lookAtRest } from './looks.ts'
import { TALKS } from './talks.ts'
import { openTown, type Town } from './town.ts'

export interface SoakOptions {
  readonly laps: number
  /** In one lap; each kind is among them when there are as many as kinds. */
  readonly talks: number
  readonly seed: number
  readonly nodeFlags?: readonly string[]
  readonly onLap?: (lap: number, look: Look) => void
}

export interface Soaked {
  readonly looks: readonly Look[]
  /** How many of each kind. */
  readonly talks: ReadonlyMap<string, number>
  /** What grew, in words; empty: nothing did. */
  readonly grown: readonly string[]
}

/** Of all laps, so many come before the first that counts. */
const WARM = 1 / 3

const AT_ONCE = 8

export async function soak({ laps, talks, seed, nodeFlags = [], onLap = () => {} }: SoakOptions): Promise<Soaked> {
  const town = await openTown({ seed, nodeFlags })
  const random = seededRandom(seed)
  const count = new Map(Object.keys(TALKS).map((kind) => [kind, 0]))
  const looks: Look[] = []
  try {
    for (let lap = 1; lap <= laps; lap += 1) {
      const kinds = shuffled(
        Array.from({ length: talks }, (_, index) => kindAt(index)),
        random,
      )
      for (const kind of kinds) count.set(kind, (count.get(kind) ?? 0) + 1)
      await play(town, kinds, lap)
      const look = await lookAtRest(town)
      looks.push(look)
      onLap(lap, look)
    }
  } finally {
    await town.close()
  }
  return { looks, talks: count, grown: growth(looks.slice(Math.ceil(laps * WARM)), talks) }
}

function kindAt(index: number): string {
  const kinds = Object.keys(TALKS)
  return kinds[index % kinds.length] ?? ''
}

function shuffled<T>(items: T[], random: ReturnType<typeof seededRandom>): T[] {
  return items
    .map((item) => ({ item, at: random.integer(0, 2 ** 30) }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

async function play(town: Town, kinds: readonly string[], lap: number): Promise<void> {
  const waiting = kinds.entries()
  const lane = async (): Promise<void> => {
    for (const [index, kind] of waiting) await TALKS[kind]?.(town, `lap-${lap}-${index}`)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
}

/**
 * What has a bound may not be full yet: each web channel remembers 1,024 conversations, the inspector 4,096 transitions, and V8 keeps what
 * it has compiled.
 */
const HEAP_NOISE_BYTES = 3_000_000

/** For each talk. */
const HEAP_BYTES_MAX = 100

/** A kept connection more or less. */
const DESCRIPTORS_NOISE = 16

function growth(looks: readonly Look[], talks: number): string[] {
  const [first, last] = [looks[0], looks.at(-1)]
  if (first === undefined || last === undefined) return ['there were too few laps to compare any']
  const more = (what: keyof Look): number => last[what] - first[what]
  const heapMax = HEAP_NOISE_BYTES + HEAP_BYTES_MAX * talks * (looks.length - 1)
  const megabytes = (more('heapBytes') / 1e6).toFixed(1)
  return [
    ...(more('heapBytes') > heapMax ? [`the heap, by ${megabytes} MB`] : []),
    ...(more('descriptors') > DESCRIPTORS_NOISE ? [`what is open, by ${more('descriptors')}`] : []),
    ...(more('processes') > 0 ? [`processes, by ${more('processes')}`] : []),
    ...(last.folders > 0 ? [`folders of runs, to ${last.folders}`] : []),
  ]
}
