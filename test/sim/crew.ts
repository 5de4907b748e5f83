// Crew: the worlds of one run, played by so many threads. Each world follows from the seed and its number alone, so the report is the same
// whoever played what: hits are sums, and of the worlds that fail the first by number is told.

import { Worker } from 'node:worker_threads'
import { add, type Failed, type Hits, type Played, playWorld, type Report, type RunOptions, worldsOf } from './run.ts'

export type CrewOptions = Omit<RunOptions, 'breakage'> & {
  readonly workers: number
  readonly onProgress: (progress: Progress) => void
}

export interface Progress {
  readonly worlds: number
  readonly worldsAll: number
  readonly steps: number
  readonly failures: number
}

type Player = (world: number) => Promise<Played>

export async function runWithCrew(options: CrewOptions): Promise<Report> {
  const { seed, steps, sessions = null, workers } = options
  const round = new Round(options)
  if (workers <= 1) {
    await round.hand((world) => playWorld(options, world))
    return round.report()
  }
  const threads = Array.from({ length: workers }, () => new Thread({ seed, steps, sessions }))
  try {
    await Promise.all(threads.map((thread) => round.hand((world) => thread.play(world))))
  } finally {
    await Promise.all(threads.map((thread) => thread.end()))
  }
  return round.report()
}

/** Hands out the worlds in order; after a failure only those before it. */
class Round {
  readonly #options: CrewOptions
  readonly #worlds: number
  #next = 0
  #done = 0
  #last: number
  #steps = 0
  readonly #hits: Hits = new Map()
  readonly #failed: Failed[] = []

  constructor(options: CrewOptions) {
    this.#options = options
    this.#worlds = worldsOf(options)
    this.#last = this.#worlds - 1
  }

  async hand(play: Player): Promise<void> {
    while (this.#next <= this.#last) {
      const world = this.#next
      this.#next += 1
      this.#note(world, await play(world))
    }
  }

  #note(world: number, { steps, hits, failed }: Played): void {
    if (world > this.#last) return
    this.#done += 1
    this.#steps += steps
    add(this.#hits, hits)
    if (failed !== null) {
      this.#failed.push(failed)
      if (this.#options.onFailure?.(failed) !== true) this.#last = world
    }
    const failures = this.#failed.length
    this.#options.onProgress({ worlds: this.#done, worldsAll: this.#worlds, steps: this.#steps, failures })
  }

  report(): Report {
    return { worlds: this.#done, steps: this.#steps, failures: this.#failed.length, hits: this.#hits }
  }
}

/** A thread of its own for one world after the other. */
class Thread {
  readonly #worker: Worker
  readonly #failure: Promise<never>

  constructor(workerData: Pick<RunOptions, 'seed' | 'steps' | 'sessions'>) {
    this.#worker = new Worker(new URL('./player.ts', import.meta.url), { workerData })
    this.#failure = new Promise((_, reject) => this.#worker.once('error', reject))
    this.#failure.catch(() => {})
  }

  play(world: number): Promise<Played> {
    const played = new Promise<Played>((resolve) => this.#worker.once('message', resolve))
    this.#worker.postMessage(world)
    return Promise.race([played, this.#failure])
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }
}
