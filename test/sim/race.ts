// Race: the simulation's world, in which fast-check's scheduler decides what comes next: the next effect on disk, the word of it, the
// answer of a model, the end of a send, a person, a timer. Whatever lies in one race may come in any order that the contracts allow.
//   An operation takes effect in the order in which it was asked for, and so does the word of it: as the store's contract says.
//   Every check of the simulation holds here too; a broken one ends the race.

import type { Scheduler } from 'fast-check'
import type { Store } from '../../src/store/store.ts'
import { act } from './acts.ts'
import type { Breakage } from './broken-parts.ts'
import { calm } from './calm.ts'
import { Simulation } from './simulation.ts'
import type { AgentPlan, ChannelPlan, ModelAct, Place, Plan, SendAct, Step } from './steps.ts'
import type { Violation } from './violation.ts'

export interface Race {
  readonly channel?: Partial<ChannelPlan>
  readonly plan?: Partial<Plan>
  /** What has come to rest before the race begins. */
  readonly before: readonly Step[]
  /** What happens in the race, in any order; what stands in one list happens in this order. */
  readonly lines: readonly (readonly Step[])[]
  /** What the model does, answer by answer; then it answers. */
  readonly model?: readonly ModelAct[]
  /** What the platform does with each send, then it holds them and takes them. */
  readonly sends?: readonly SendAct[]
}

export interface Racing {
  readonly scheduler: Scheduler
  readonly breakage?: (() => Breakage) | undefined
  readonly hit?: (event: string) => void
}

export async function race(given: Race, racing: Racing): Promise<Violation | null> {
  const track = new Track(given, racing)
  try {
    return await track.run()
  } finally {
    await track.close()
  }
}

class Track {
  readonly #race: Race
  readonly #scheduler: Scheduler
  readonly #simulation: Simulation
  readonly #answering = new WeakSet<object>()
  readonly #sending = new Set<string>()
  readonly #model: ModelAct[]
  readonly #sends: SendAct[]
  #words = Promise.resolve()
  #flushing = false
  /** The race has begun: from now on the scheduler decides. */
  #begun = false

  constructor(given: Race, { scheduler, breakage, hit = () => {} }: Racing) {
    this.#race = given
    this.#scheduler = scheduler
    this.#model = [...(given.model ?? [])]
    this.#sends = [...(given.sends ?? [])]
    const around = (store: Store): Store => this.#around(store)
    this.#simulation = new Simulation(
      { plan: planOf(given), seed: SEED, steps: [] },
      { around, hit, breakage: breakage?.() ?? null },
    )
  }

  async run(): Promise<Violation | null> {
    const simulation = this.#simulation
    const { model, verdict, disk } = simulation
    model.byHand = true
    simulation.start()
    await simulation.settle()
    for (const step of this.#race.before) {
      await act(simulation, step)
      if (step.loose !== true) await simulation.settle()
    }
    disk.fast = false
    this.#begun = true
    for (const line of this.#race.lines) void this.#walk(line)
    for (let turn = 0; turn < TURNS_MAX && verdict.first === null; turn += 1) {
      this.#offer()
      if (this.#scheduler.count() === 0) break
      await this.#scheduler.waitNext(1)
      await rest()
    }
    this.#begun = false
    if (verdict.first !== null) return verdict.first
    model.byHand = false
    disk.fast = true
    await calm(simulation)
    return verdict.first
  }

  close(): Promise<void> {
    return this.#simulation.close()
  }

  async #walk(line: readonly Step[]): Promise<void> {
    for (const step of line) {
      await this.#comes(JSON.stringify(step))
      if (step.do === 'time') await this.#tick(step.ms)
      else await act(this.#simulation, step)
    }
  }

  /** Whatever is due meanwhile fires; nobody waits for what it sets off. */
  async #tick(ms: number): Promise<void> {
    const { clock } = this.#simulation
    const untilMs = clock.nowMs + ms
    while (clock.step(untilMs)) await rest()
  }

  /** Everything that could come next is put before the scheduler. */
  #offer(): void {
    const { disk, model, platforms } = this.#simulation
    if (disk.waiting > 0 && !this.#flushing) {
      this.#flushing = true
      void this.#comes(`disk: ${disk.names[0]}`).then(async () => {
        await disk.flush(1)
        this.#flushing = false
      })
    }
    for (const thinking of model.thinking) {
      if (this.#answering.has(thinking)) continue
      this.#answering.add(thinking)
      const how = this.#model.shift() ?? 'answer'
      void this.#comes(`model: ${how}`).then(() => thinking.act(how))
    }
    for (const [channel, platform] of platforms) {
      for (const conversation of platform.sending) {
        const place = `${channel}/${conversation}`
        if (this.#sending.has(place)) continue
        this.#sending.add(place)
        void this.#comes(`send to ${place}`).then(() => {
          this.#sending.delete(place)
          platform.release(conversation)
        })
      }
      for (const conversation of CONVERSATIONS) this.#expect(platform.behaviours, conversation)
    }
  }

  /** The next send of a conversation is held, unless it is said otherwise. */
  #expect(behaviours: Map<string, SendAct[]>, conversation: string): void {
    if ((behaviours.get(conversation) ?? []).length > 0) return
    behaviours.set(conversation, [this.#sends.shift() ?? 'holdBefore'])
  }

  #comes(what: string): Promise<void> {
    return this.#begun ? this.#scheduler.schedule(Promise.resolve(), what) : Promise.resolve()
  }

  /** The word of an effect comes later than the effect, and in its order. */
  #around(store: Store): Store {
    const names = Object.keys(store) as (keyof Store)[] // Object.keys forgets the keys' type.
    const told =
      (name: keyof Store) =>
      async (...input: readonly unknown[]): Promise<unknown> => {
        const method = store[name] as (...input: readonly unknown[]) => Promise<unknown>
        const result = method(...input)
        const there = result.then(passed, passed)
        this.#words = this.#words.then(() => there).then(() => this.#comes(`word of ${name}`))
        await this.#words
        return result
      }
    // One way for all methods: TypeScript cannot see that each keeps its own signature.
    return Object.fromEntries(names.map((name) => [name, told(name)])) as unknown as Store
  }
}

const passed = (): void => {}

async function rest(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** A model with this one asks for no tools by itself and gives answers of one part. */
const SEED = 3

const TURNS_MAX = 2_000

/** Where things happen in a race. */
const CONVERSATIONS = ['c0', 'c1']
export const HERE: Place = { ch: 0, conv: 0 }

const AGENT: AgentPlan = {
  approval: {},
  approvalTimeoutMs: 60_000,
  approvers: [],
  maxSteps: 16,
  runTimeoutMs: 600_000,
}

function planOf({ channel, plan }: Race): Plan {
  const plain: ChannelPlan = {
    busyMode: 'queue',
    sessionScope: 'per_chat',
    queueLimit: 32,
    group: false,
    agent: 'ops',
    partialAnswers: 'keep',
  }
  return {
    channels: [{ ...plain, ...channel }],
    agent: AGENT,
    conversations: CONVERSATIONS.length,
    concurrentRuns: 64,
    passivateAfterMs: 300_000,
    drainMs: 20_000,
    ...plan,
  }
}
