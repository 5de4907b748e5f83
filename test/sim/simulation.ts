// Simulation: the world of one run: people, platforms, a model, a disk, a clock, and one process after another on top of them.
//   It does one step at a time, lets everything come to rest, and asks the checks. The same schedule does the same things.

import type { Inbound } from '../../machines/messages.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { act } from './acts.ts'
import type { Breakage } from './broken-parts.ts'
import { calm } from './calm.ts'
import { checkAtRest } from './checks.ts'
import { VirtualClock } from './clock.ts'
import { Disk, type Effect } from './disk.ts'
import { GatewayFile } from './file.ts'
import { Ledger } from './ledger.ts'
import { Model } from './model.ts'
import { Moments } from './moments.ts'
import { Platform } from './platform.ts'
import { Process } from './process.ts'
import type { Change, Crash, Schedule } from './steps.ts'
import { Throws } from './throws.ts'
import { Toolshed } from './tools.ts'
import { Verdict, type Violation } from './violation.ts'
import { Witness } from './witness.ts'

export interface Outcome {
  readonly violation: Violation | null
  /** Index of the step at which it was seen; the number of steps when it was the calm at the end. */
  readonly at: number
  readonly events: readonly string[]
}

export interface SimulationOptions {
  readonly hit?: (event: string) => void
  readonly breakage?: Breakage | null
  /** Put around the store of each process. */
  readonly around?: (store: Store) => Store
}

export class Simulation {
  readonly clock = new VirtualClock()
  readonly verdict = new Verdict()
  readonly platforms = new Map<string, Platform>()
  readonly ledger: Ledger
  readonly model: Model
  readonly disk: Disk
  readonly toolshed: Toolshed
  readonly throws: Throws
  /** Sessions of which something happened since the last rest. */
  readonly touched = new Set<string>()
  /** Actors that failed by a defect, by their addresses. */
  readonly broke = new Set<string>()
  readonly file: GatewayFile
  process: Process | null = null
  /** The process is lost when so many more effects are there. */
  fuse: (Crash & { left: number }) | null = null
  readonly said = new Map<number, Inbound>()
  readonly schedule: Schedule
  readonly store: Store
  readonly #breakage: Breakage | null
  readonly #around: (store: Store) => Store
  readonly hit: (event: string) => void
  readonly #witness: Witness
  readonly #moments = new Moments(this)

  constructor(schedule: Schedule, options: SimulationOptions = {}) {
    this.schedule = schedule
    this.hit = options.hit ?? (() => {})
    this.#breakage = options.breakage ?? null
    this.#around = options.around ?? ((store) => store)
    this.file = new GatewayFile(schedule.plan)
    const { verdict, clock, file } = this
    const hit = this.hit
    this.throws = new Throws(() => this.ledger, hit)
    this.#witness = new Witness({
      verdict,
      hit,
      keepsPartial: (channel) => file.channel(channel).map(({ partialAnswers }) => partialAnswers === 'keep'),
      onMessage: ({ message }, state) => this.#moments.onMessage(message, state),
      ledger: () => this.ledger,
      model: () => this.model,
      process: () => this.process,
    })
    const { seed } = schedule
    const maySteer = (channel: string): boolean => file.channel(channel).some(({ busyMode }) => busyMode === 'steer')
    this.ledger = new Ledger(verdict, {
      queueLimitOf: (channel) => Math.min(...file.channel(channel).map(({ queueLimit }) => queueLimit)),
      interruptsIn: (channel) => file.channel(channel).some(({ busyMode }) => busyMode === 'interrupt'),
      onCommit: (commit) => this.#witness.onCommit(commit),
      agent: () => file.plan.agent,
      nowMs: () => clock.nowMs,
      ending: (session) => this.process === null || this.process.draining || file.hasLeft(session.slice(0, 1)),
      draining: () => this.process?.draining === true,
      maySteer,
      hit,
    })
    this.toolshed = new Toolshed({
      seed,
      turns: this.ledger.turns,
      verdict,
      hit,
      throws: this.throws,
    })
    this.model = new Model({
      seed,
      slots: () => file.slots,
      ledger: this.ledger,
      verdict,
      hit,
      mayBegin: (caller) => !(caller instanceof Process && caller.drained),
      maySteer,
      steers: (channel) => file.channel(channel).every(({ busyMode }) => busyMode === 'steer'),
      atWork: () => this.toolshed.running,
    })
    const world = {
      nowMs: () => clock.nowMs,
      id: () => 'id',
      random: () => 0.5,
      clock: clock.faceOf(this),
      environment: {},
    }
    this.store = openMemoryStore({ world })
    this.disk = new Disk(
      this.store,
      () => clock.nowMs,
      (effect, owner) => {
        this.#witness.onEffect(effect, owner)
        this.#moments.onEffect(effect)
        const key = sessionIn(effect)
        if (key !== null) this.touched.add(key)
      },
    )
    this.disk.onAsked = (name, input) => this.#moments.onAsked(name, input)
    for (const channel of Object.keys(file.definition.channels)) {
      const onTaken = (outgoing: { text: string }): void => this.#witness.onTaken(channel, outgoing.text)
      const { ledger, throws } = this
      this.platforms.set(channel, new Platform({ channel, ledger, verdict, hit, onTaken, throws }))
    }
  }

  async run(): Promise<Outcome> {
    const { steps } = this.schedule
    this.start()
    await this.settle()
    for (const [index, step] of steps.entries()) {
      this.#witness.note(() => `${index} ${JSON.stringify(step)}`)
      await act(this, step)
      if (step.loose !== true) {
        await this.settle()
        checkAtRest(this)
      }
      if (this.verdict.first !== null) return this.#outcome(index)
    }
    await calm(this)
    return this.#outcome(steps.length)
  }

  async close(): Promise<void> {
    this.process?.lose()
    await this.store.close()
  }

  start(): void {
    if (this.process !== null) return
    const faultsAtStart = this.disk.faulted
    this.process = new Process({
      faultsAtStart,
      definition: this.file.definition,
      clock: this.clock,
      platforms: this.platforms,
      model: this.model,
      toolshed: this.toolshed,
      throws: this.throws,
      breakage: this.#breakage,
      storeFor: (process) => this.#around(this.disk.handleOf(process)),
      onShow: (_, progress) => {
        this.touched.add(progress.session)
        if (progress.kind === 'delta') this.#witness.onDelta(progress.session, progress.text)
      },
      onFailure: (_, actor) => {
        this.#witness.note(() => `  ${actor} failed`)
        this.broke.add(actor)
        this.hit(`${actor.slice(0, actor.indexOf(':'))} failed`)
        if (!actor.startsWith('session:')) return
        const session = actor.slice('session:'.length)
        this.#moments.meets('a failure of its session', session)
        this.ledger.blame(this.ledger.unsettledOf(session))
        this.ledger.turns.lost(session)
      },
      onBroken: (rule, text) => this.verdict.broken(rule, text),
    })
  }

  /** Lets everything that can happen now happen. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20_000; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      if (this.disk.due) await this.#flush()
      else {
        this.#moments.pass()
        if (this.process?.draining === true) this.process.drained = true
        if (this.process?.ended === true) await this.#end()
        return
      }
    }
    this.verdict.broken('LIVELOCK', 'it does not come to rest')
  }

  async #flush(): Promise<void> {
    const { fuse } = this
    if (fuse === null) return this.disk.flush(Number.POSITIVE_INFINITY)
    await this.disk.flush(1)
    fuse.left -= 1
    if (fuse.left > 0) return
    this.fuse = null
    await this.crash(fuse)
  }

  note(event: string): void {
    this.#witness.note(() => event)
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.clock.nowMs + ms
    // Twins have other timers: what one of them is about to write must not land at another time for it.
    if (this.schedule.victim !== undefined) await this.settle()
    while (this.clock.step(untilMs)) await this.settle()
    await this.settle()
  }

  /** A newer file; a broken subject keeps the one that it was made with. */
  reload(change: Change): void {
    if (this.#breakage !== null) return
    this.file.change(change)
    for (const channel of this.platforms.keys()) this.#moments.meets('a newer file', channel)
    if (this.model.running.length > 0) this.hit('a newer file while a run is at work')
    this.ledger.turns.reloaded()
    this.tellFile()
  }

  tellFile(): void {
    if (this.#breakage !== null) return
    this.process?.gateway.send({ type: 'definition.changed', definition: this.file.definition })
  }

  control(channel: string, control: 'pause' | 'resume' | 'reconnect'): void {
    this.process?.gateway.send({ type: 'channel.control', channel, control })
  }

  async crash({ effective, down }: Crash): Promise<void> {
    const { process } = this
    if (process === null) return
    const { names } = this.disk
    if (names.length === 0) this.hit('crash with nothing on its way to the disk')
    for (const name of names.slice(0, effective)) this.hit(`crash after the effect and before the result of ${name}`)
    for (const name of names.slice(effective)) this.hit(`crash before ${name}`)
    process.lose()
    this.process = null
    await this.disk.lose(process, effective)
    process.forget()
    this.ledger.blame(this.ledger.unsettled())
    this.ledger.turns.lost(null)
    if (down === 0) this.start()
  }

  drain(): void {
    if (this.process === null || this.process.draining) return
    this.hit('drain')
    this.process.draining = true
    this.process.gateway.send({ type: 'drain' })
  }

  /** The gateway has ended by itself: the store finishes what was asked for, then the process is gone. */
  async #end(): Promise<void> {
    const { process } = this
    if (process === null) return
    this.hit('a drain came to its end')
    await this.disk.flush(Number.POSITIVE_INFINITY)
    for (const written of this.ledger.unsettled()) {
      const counts = written.tries > written.culpable
      if (
        counts &&
        (this.disk.failing !== 'nothing' ||
          this.disk.faulted > process.faultsAtStart ||
          this.throws.thrown > process.thrownAtStart)
      )
        written.culpable = written.tries
      else this.verdict.check(!counts, 'S44', () => `message ${written.seq}: a try that the drain ended was counted`)
    }
    process.lose()
    this.process = null
    await this.disk.lose(process, Number.POSITIVE_INFINITY)
    process.forget()
    for (const written of this.ledger.unsettled()) Object.assign(written, { open: false, recovered: true })
    this.ledger.turns.lost(null)
  }

  #outcome(at: number): Outcome {
    return { violation: this.verdict.first, at, events: this.#witness.events }
  }
}

/** The session that an effect is about. */
function sessionIn({ name, input, result }: Effect): string | null {
  const [first] = input
  if (name === 'retryDeadLetter')
    return (result as { message?: { sessionKey: string } } | null)?.message?.sessionKey ?? null
  if (name === 'begin') return String(first)
  if (name === 'accept' || name === 'commit') return (first as { sessionKey: string | null }).sessionKey
  return name === 'commitUndo' ? (first as { done: { sessionKey: string | null } }).done.sessionKey : null
}
