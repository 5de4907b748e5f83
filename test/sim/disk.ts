// Disk: the real store on ':memory:', with a line of operations in front of it that the simulation lets through.
//   An operation takes effect in the order in which it was asked for, or rejects and nothing of it is there: as the contract says.
//   What takes effect is told to the ledger in that moment, whether or not the process that asked lives to see the result.

import { FailureError } from '../../machines/failure.ts'
import type { Store } from '../../src/store/store.ts'
import type { DiskAct } from './steps.ts'

export interface Effect {
  readonly name: keyof Store
  readonly input: readonly unknown[]
  readonly result: unknown
}

interface Asked {
  readonly name: keyof Store
  readonly input: readonly unknown[]
  readonly owner: Owner
  readonly atMs: number
  resolve(value: unknown): void
  reject(error: unknown): void
}

/** Whoever asks: when it is lost, nothing reaches it and nothing of it is done any more. */
export interface Owner {
  readonly alive: boolean
}

const READS: ReadonlySet<string> = new Set([
  'unfinished',
  'unfinishedOf',
  'owed',
  'nextOwed',
  'history',
  'transcript',
  'sessions',
  'deadLetters',
  'counts',
  'isPaired',
])

export class Disk {
  fast = true
  failing: 'nothing' | 'writes' | 'everything' = 'nothing'
  /** Every fault so far. */
  faulted = 0
  /** Told of what is asked for, before it takes effect. */
  onAsked: (name: keyof Store, input: readonly unknown[]) => void = () => {}
  readonly #store: Store
  readonly #onEffect: (effect: Effect, owner: Owner) => void
  #failNext = 0
  #line: Asked[] = []
  readonly #nowMs: () => number

  constructor(store: Store, nowMs: () => number, onEffect: (effect: Effect, owner: Owner) => void) {
    this.#store = store
    this.#nowMs = nowMs
    this.#onEffect = onEffect
  }

  /** The store as one process holds it. */
  handleOf(owner: Owner): Store {
    const names = Object.keys(this.#store) as (keyof Store)[] // Object.keys forgets the keys' type.
    const ask =
      (name: keyof Store) =>
      (...input: readonly unknown[]) =>
        new Promise<unknown>((resolve, reject) => {
          if (!owner.alive) return
          this.onAsked(name, input)
          this.#line.push({ name, input, owner, atMs: this.#nowMs(), resolve, reject })
        })
    // One way for all methods: TypeScript cannot see that each keeps its own signature.
    return Object.fromEntries(names.map((name) => [name, ask(name)])) as unknown as Store
  }

  get waiting(): number {
    return this.#line.length
  }

  /** Whether it goes on by itself: it is fast, or its slowness has lasted as long as it may. */
  get due(): boolean {
    const first = this.#line[0]
    return first !== undefined && (this.fast || this.#nowMs() - first.atMs >= SLOW_MS_MAX)
  }

  /** Names of the operations that wait, first first. */
  get names(): readonly string[] {
    return this.#line.map((asked) => asked.name)
  }

  turn(how: DiskAct): void {
    if (how === 'slow') this.fast = false
    else if (how === 'fast') this.fast = true
    else if (how === 'failWrites') this.failing = 'writes'
    else if (how === 'failAll') this.failing = 'everything'
    else if (how === 'failNext') this.#failNext += 1
    else this.heal()
  }

  heal(): void {
    this.failing = 'nothing'
    this.#failNext = 0
  }

  /** Lets the first operations take effect, as one batch, and gives their results to whoever still lives. */
  async flush(count: number): Promise<void> {
    const batch = this.#line.splice(0, count)
    const broken = this.#failNext > 0 && batch.some(({ name }) => !READS.has(name))
    if (broken) this.#failNext -= 1
    const done = batch.map((asked) =>
      this.#fails(asked, broken ? 'writes' : this.failing) ? Promise.reject(new FailureError(FULL)) : this.#run(asked),
    )
    const results = await Promise.allSettled(done)
    results.forEach((result, index) => {
      const { name, input, owner, resolve, reject } = batch[index]!
      if (result.status === 'fulfilled') this.#onEffect({ name, input, result: result.value }, owner)
      if (!owner.alive) return
      if (result.status === 'fulfilled') resolve(result.value)
      else reject(result.reason)
    })
  }

  /** Lets the first operations of a process that is being lost take effect, and drops the rest. */
  async lose(owner: Owner, effective: number): Promise<void> {
    await this.flush(effective)
    this.#line = this.#line.filter((asked) => asked.owner !== owner)
  }

  /** As the engine does: when the disk fails, every write of a batch does. */
  #fails({ name }: Asked, failing: Disk['failing']): boolean {
    const fails = failing === 'everything' || (failing === 'writes' && !READS.has(name))
    if (fails) this.faulted += 1
    return fails
  }

  #run({ name, input }: Asked): Promise<unknown> {
    const method = this.#store[name] as (...input: readonly unknown[]) => Promise<unknown>
    return method(...input)
  }
}

/** The store's engine runs on the event loop: an operation waits for turns of the loop, never for minutes. */
const SLOW_MS_MAX = 200

const FULL = { kind: 'retryable', reason: 'storage', message: 'The disk of the store is full.' } as const
