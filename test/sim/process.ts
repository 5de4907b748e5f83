// Process: one life of the gateway between two crashes: the real machines and actors on the disk, the platforms and the model.
//   When it is lost it acts no more, as after SIGKILL: its store handle resolves nothing, its sends reach nobody, its timers are gone.

import { createActor } from 'xstate'
import type { GatewayDefinition } from '../../machines/definitions.ts'
import type { ChannelReport, Progress } from '../../machines/messages.ts'
import { createGateway, type GatewayActor } from '../../src/actors/gateway.ts'
import type { Parts } from '../../src/actors/parts.ts'
import { cronTimes } from '../../src/config/cron.ts'
import type { Agent } from '../../src/agents/agent.ts'
import type { Log, LogFields } from '../../src/log.ts'
import type { Store } from '../../src/store/store.ts'
import { unobserved } from '../support/observing.ts'
import { noTools } from '../support/tools.ts'
import { freeTokens } from '../support/world.ts'
import type { ToolParts, Toolbox } from '../../src/tools/tool.ts'
import type { Breakage } from './broken-parts.ts'
import type { VirtualClock } from './clock.ts'
import type { Model } from './model.ts'
import type { Caller, Platform } from './platform.ts'
import type { Throws } from './throws.ts'
import type { Toolshed } from './tools.ts'

export interface ProcessParts {
  readonly definition: GatewayDefinition
  readonly clock: VirtualClock
  readonly platforms: ReadonlyMap<string, Platform>
  readonly model: Model
  readonly toolshed: Toolshed
  readonly throws: Throws
  readonly breakage: Breakage | null
  readonly faultsAtStart: number
  storeFor(process: Process): Store
  onShow(process: Process, progress: Progress): void
  onFailure(process: Process, actor: string, error: unknown): void
  onBroken(rule: string, text: string): void
}

export class Process implements Caller {
  alive = true
  draining = false
  /** Faults of the disk before this life: a try that a failing disk would not end or take back counts. */
  readonly faultsAtStart
  readonly thrownAtStart
  /** The drain has come to rest: from now on nothing begins. */
  drained = false
  readonly clock
  readonly gateway: GatewayActor
  readonly store: Store
  readonly reports = new Map<string, ChannelReport>()
  readonly shown = new Map<string, string>()
  rollCalls = 0
  /** Sessions that failed and were not seen since. */
  readonly failed = new Set<string>()
  readonly #parts: ProcessParts

  constructor(parts: ProcessParts) {
    this.#parts = parts
    this.faultsAtStart = parts.faultsAtStart
    this.thrownAtStart = parts.throws.thrown
    this.clock = parts.clock.faceOf(this)
    const store = parts.throws.around(parts.storeFor(this))
    this.store = parts.breakage?.store?.(store) ?? store
    const real = createGateway(this.#live())
    const machine = parts.breakage?.gateway?.(real.logic as never)
    this.gateway =
      machine === undefined
        ? real
        : createActor(machine as typeof real.logic, {
            systemId: 'gateway',
            clock: this.clock,
            input: { definition: parts.definition },
          })
    this.gateway.subscribe({ error: (error) => parts.onBroken('DEFECT', `the gateway failed: ${String(error)}`) })
    this.gateway.start()
  }

  onShow(_conversation: string, progress: Progress): void {
    this.failed.delete(progress.session)
    if (progress.kind === 'state') this.shown.set(progress.session, progress.state)
    this.#parts.onShow(this, progress)
  }

  get ended(): boolean {
    return this.gateway.getSnapshot().status !== 'active'
  }

  /** Where a session is, as a path; "nowhere" when nobody of that key lives. Only for the report of what was hit. */
  stateOf(sessionKey: string): string {
    const session = this.gateway.system.get(`session:${sessionKey}` as never) as { getSnapshot(): unknown } | undefined
    return session === undefined ? 'nowhere' : pathOf((session.getSnapshot() as { value: unknown }).value)
  }

  /** Whether a channel tries a newer definition, or ends its connection for one. Only for the report too. */
  isTrying(channel: string): boolean {
    const actor = this.gateway.system.get(`channel:${channel}` as never) as { getSnapshot(): unknown } | undefined
    const path = actor === undefined ? '' : pathOf((actor.getSnapshot() as { value: unknown }).value)
    return path.startsWith('open.live.trying') || path === 'open.closing'
  }

  /** Names of the children of each partition. Only for the report too. */
  partitions(): readonly (readonly string[])[] {
    const within = (actor: unknown): [string, unknown][] =>
      Object.entries((actor as { getSnapshot(): { children?: object } }).getSnapshot().children ?? {})
    return within(this.gateway)
      .flatMap(([, channel]) => within(channel))
      .filter(([id]) => id.startsWith('partition:'))
      .map(([, partition]) => within(partition).map(([id]) => id))
  }

  lose(): void {
    this.alive = false
    this.#parts.clock.forget(this)
    this.gateway.stop()
    for (const platform of this.#parts.platforms.values()) platform.lose(this)
  }

  /** What it had asked the disk for has taken effect or never will: nothing of it is heard of any more. */
  forget(): void {
    this.#parts.model.lose(this)
    this.#parts.toolshed.lose(this)
  }

  #live(): Parts {
    const { definition, clock, platforms, breakage } = this.#parts
    let ids = 0
    const door = breakage?.door
    return {
      definition,
      store: this.store,
      world: {
        nowMs: () => clock.nowMs,
        id: () => `id-${++ids}`,
        random: () => 0.5,
        clock: this.clock,
        environment: {},
      },
      log: this.#log({}),
      observe: unobserved,
      secret: () => 'secret',
      tokens: freeTokens,
      platforms: {
        sim: {
          name: 'sim',
          journaled: false,
          load:
            async () =>
            ({ definition: { id } }) => {
              const adapter = platforms.get(id)!.adapterFor(this)
              return door === undefined
                ? adapter
                : { ...adapter, run: (real, signal) => adapter.run(door(real), signal) }
            },
        },
      },
      buildAgent: async ({ log }) => this.#agent(log),
      ...noTools(),
      cronTimes,
      buildTools: (given) => this.#toolbox(given),
      adapters: new Map(),
      onRollCall: () => {
        this.rollCalls += 1
      },
      onReport: (report) => this.reports.set(report.id, report),
      onAnswer: () => {},
    }
  }

  /** The log that a run gives its agent says whose run it is. */
  #agent(log: Log): Agent {
    const { session, turn } = this.#fields.get(log) ?? {}
    const asker = { session: String(session), turn: String(turn) }
    this.#parts.throws.pass('agent', asker.session)
    const agent = this.#parts.model.agentFor(this, asker)
    return {
      ...agent,
      think: async (request) => {
        try {
          this.#parts.throws.pass('think', asker.session)
        } catch (error) {
          this.#parts.model.broke(asker.session)
          throw error
        }
        return agent.think(request)
      },
    }
  }

  #toolbox(given: ToolParts): Promise<Toolbox> {
    return this.alive ? this.#parts.toolshed.build(this, given) : new Promise(() => {})
  }

  readonly #fields = new WeakMap<Log, LogFields>()

  #log(given: LogFields): Log {
    const { onFailure, onBroken } = this.#parts
    const log: Log = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (fields, message) => {
        const all = { ...given, ...fields }
        const actor = typeof all['actor'] === 'string' ? all['actor'] : ''
        const error = all['err']
        if (actor.startsWith('session:')) this.failed.add(actor.slice('session:'.length))
        if (actor.startsWith('partition:')) onBroken('DEFECT', `${message}: ${String(error)}`)
        if (message.includes('channel failed by a defect')) onBroken('DEFECT', `${message}: ${String(error)}`)
        if (error instanceof Error && error.message.startsWith('invariant broken')) onBroken('DEFECT', error.message)
        if (actor !== '') onFailure(this, actor, error)
      },
      child: (fields) => this.#log({ ...given, ...fields }),
    }
    this.#fields.set(log, given)
    return log
  }
}

function pathOf(value: unknown): string {
  if (typeof value === 'string') return value
  return Object.entries(value ?? {})
    .map(([key, inner]) => `${key}.${pathOf(inner)}`)
    .join(',')
}
