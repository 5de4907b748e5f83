// Start: the composition root: with start/, the only place that knows both actors and implementations.
// Its phases (machines/phases.ts) come in their order, each named in its failures: `requires` and `construct` open nothing, `store` and
// `connect` do. What was opened is closed in reverse.
//   Nothing is opened before startGateway is called, and nothing stays open after `ended` has settled.

import type { GatewayDefinition, GatewaySettings, Lack } from '../machines/definitions.ts'
import type { GatewayContext } from '../machines/gateway-context.ts'
import { createGateway, type GatewayActor } from './actors/gateway.ts'
import type { Adapter } from './channels/adapter.ts'
import type { Loaded } from './config/load.ts'
import type { Problem } from './config/problems.ts'
import type { Watch } from './config/watch.ts'
import type { ChannelStatus, GatewayPort, InspectionWish } from './http/port.ts'
import { type HttpServer, startHttp } from './http/server.ts'
import { createTransitions } from './inspect/transitions.ts'
import type { Log } from './log.ts'
import { createBoard } from './start/board.ts'
import { requireClock } from './start/clock.ts'
import { endWaiting } from './start/completions.ts'
import { createInspection } from './start/inspection.ts'
import { type Judge, judgeOf } from './start/judge.ts'
import { type Kept, openKept } from './start/kept.ts'
import { openMcp } from './start/mcp.ts'
import { beginObserving, type Observing } from './start/observing.ts'
import { partsOf } from './start/parts.ts'
import { type PhasesOptions, startPhases } from './start/phases.ts'
import { gatewayPort } from './start/port.ts'
import { createReloading } from './start/reload.ts'
import { secretFrom } from './start/secret.ts'
import { lockTokens, type TokenLocks } from './start/token-locks.ts'
import { openStore, updateHolder } from './store/sqlite.ts'
import type { Store } from './store/store.ts'
import type { World } from './world.ts'

export type {
  ChannelStatus,
  DeadLetterView,
  GatewayPort,
  InspectionView,
  InspectionWish,
  PairingView,
  Reloaded,
  ScheduleView,
  SessionView,
  Status,
} from './http/port.ts'
export type { AmountView, UsagePeriods, UsageTotalsView } from './http/usage-port.ts'
export type { WebEvent, WebPort } from './http/web-port.ts'
export type { PhaseTime } from './start/phases.ts'
export { probe } from './start/doctor.ts'
export { configurationOf, describeMachine, machineNames, mermaidOf } from './start/machines.ts'
export { nobodyLives, recordsPort, type RecordsPort, schedulesIn } from './start/records.ts'
export { ownerOfStray } from './start/strays.ts'
export { readHolder } from './store/sqlite.ts'

export interface StartOptions {
  readonly loaded: Loaded
  /** Over the file's own: `--host`, `--port`, `--data`. */
  readonly settings: Partial<Pick<GatewaySettings, 'host' | 'port' | 'data'>>
  readonly world: World
  readonly log: Log
  readonly version: string
  /** Loads the file again; its problems when it does not load now. */
  readonly reload: () => Promise<Loaded | readonly Problem[]>
  /** Says when the file has changed, so that it is taken anew; null: nobody does. */
  readonly watch: Watch | null
  /** What the Stately inspector may see from the start; null: nothing until somebody asks, and nothing is paid for it. */
  readonly inspect: InspectionWish | null
  readonly phases: PhasesOptions
}

export interface RunningGateway {
  readonly url: string
  /** Where the inspector's page is; null when it was not asked for at the start. */
  readonly inspectUrl: string | null
  readonly port: GatewayPort
  /** Every channel, in the order of the file, once each has gone live or failed its first try. */
  readonly rollCall: Promise<readonly ChannelStatus[]>
  /** What the gateway itself lacks at this moment; no channel fails for it. */
  lacking(): readonly Lack[]
  /** Takes the configuration anew, changed or not. */
  refresh(): void
  /** What runs get at shutdown, by the definition of this moment. */
  drainMs(): number
  /** Takes nothing new, finishes, and ends by the deadline; a second call changes nothing. */
  drain(): void
  /** Settles when everything is closed; rejects when the root failed by a defect. */
  readonly ended: Promise<void>
}

/** Throws a FailureError that names its phase when it cannot start at all; what was opened by then is closed again. */
export async function startGateway(options: StartOptions): Promise<RunningGateway> {
  const { loaded, world, log, version } = options
  const phases = startPhases({ ...options.phases, world, log })
  const judge = judgeOf({ ...options, secret: secretFrom(loaded) })
  const startedAtMs = world.nowMs()
  await using opened = new AsyncDisposableStack()

  await phases.attempt('requires', () => requireClock(startedAtMs))
  const required = await phases.whole('requires', () => judge.required(loaded.definition))
  const { gateway: settings } = required
  const holder = { pid: process.pid, url: null, startedAt: new Date(startedAtMs).toISOString() }

  const observing = await beginObserving({ definition: required, world, log, version })
  opened.defer(() => observing.stop())
  const kept = await openKept({ loaded, world, log, phases, observing, definition: required, holder, opened })

  const definition = await phases.whole('construct', () => judge.constructed(required))

  const locking = { definition, secrets: loaded.secrets, holder, clock: world.clock }
  const tokens = await phases.attempt('connect', () => lockTokens(locking))
  opened.defer(() => tokens.release())
  const assembly = assemble(options, { ...kept, definition, tokens, observing, startedAtMs, judge, opened })
  const { gateway, board, mcp, port } = assembly
  const http = await phases.attempt('connect', () => listen(options, settings, assembly))
  opened.defer(() => http.close())
  updateHolder(settings.data, { ...holder, url: http.url })
  opened.defer(() => assembly.inspection.close())
  const inspectUrl = options.inspect === null ? null : (await assembly.inspection.open(options.inspect)).url

  // From here on nothing of the start can fail: it ends with the gateway.
  const newest = (): GatewayDefinition => assembly.root().definition
  const refresh = (): void => void assembly.reloading.refresh()
  kept.hooking.begin(newest, { at: holder.startedAt, version, url: http.url, rollCall: board.rollCall })
  opened.defer(() => options.watch?.end())
  const closing = opened.move()
  const ended = untilEnded(gateway, () => closing.disposeAsync())
  gateway.start()
  void board.rollCall.then((called) => phases.ready(called))
  mcp.begin(board.rollCall)
  options.watch?.begin(world, refresh)
  return {
    url: http.url,
    inspectUrl,
    port,
    rollCall: board.rollCall,
    lacking: () => newest().lacking,
    refresh,
    drainMs: () => newest().gateway.drainMs,
    drain() {
      // Nobody waits for what is being tried.
      void mcp.close()
      gateway.send({ type: 'drain' })
    },
    ended,
  }
}

/** What the phases before have opened. */
interface Opened extends Kept {
  readonly definition: GatewayDefinition
  readonly tokens: TokenLocks
  readonly observing: Observing
  readonly startedAtMs: number
  readonly judge: Judge
  readonly opened: AsyncDisposableStack
}

/** The root actor with all that it is made of, and what stands around it. Nothing of it runs yet. */
function assemble(options: StartOptions, before: Opened) {
  const { loaded, world, log, version } = options
  const { store, disk, uploads, groups, tokens, observing, startedAtMs, judge, opened } = before
  const root = (): GatewayContext => gateway.getSnapshot().context
  const board = createBoard({ root, world, log })
  const mcp = openMcp(loaded, { definition: () => root().definition, secret: secretFrom(loaded), groups, world, log })
  // Its servers end when the actors that own them are gone.
  opened.defer(() => mcp.close())
  const parts = partsOf({ loaded, world, log, ...before, observe: observing.observe, board, mcp })
  const { adapters } = parts
  const gateway = createGateway(parts)
  const reloading = createReloading({
    loaded,
    read: options.reload,
    inForce: async (file) => judge.constructed(await judge.required(file)),
    onTaken: () => mcp.look(),
    gateway,
    channels: board.channels,
    tokens,
    world,
    log,
  })
  const inspection = createInspection({
    root: gateway,
    channels: () => Object.keys(root().definition.channels),
    world,
    log,
  })
  const transitions = createTransitions({ root: gateway, world, log })
  const { metrics } = observing
  const told = { board, mcp, reloading, inspection, transitions, metrics }
  const port = gatewayPort({ gateway, store, disk, uploads, adapters, world, version, startedAtMs, ...told })
  return { gateway, root, board, mcp, reloading, inspection, port, adapters }
}

/** A store of a data folder that no gateway has open; throws StoreLockedError when one has. */
export function openOffline(folder: string, world: World): Store {
  return openStore({ folder, world, holder: { pid: process.pid, url: null, startedAt: '' } })
}

interface Answering {
  readonly port: GatewayPort
  readonly root: () => GatewayContext
  readonly adapters: ReadonlyMap<string, Adapter>
}

async function listen(
  { loaded, world, log }: StartOptions,
  { host, port }: GatewaySettings,
  answering: Answering,
): Promise<HttpServer> {
  const settings = (): GatewaySettings => answering.root().definition.gateway
  const http = await startHttp({
    host,
    port,
    gateway: answering.port,
    token: () => {
      const reference = settings().token
      return reference && loaded.secrets.resolve(reference)
    },
    allowedOrigins: () => settings().allowedOrigins,
    log,
    world,
  })
  return {
    ...http,
    async close() {
      // Who waits for an answer is told that it comes after the next start, before the connection is closed.
      endWaiting(answering.adapters)
      await http.close()
    },
  }
}

function untilEnded(gateway: GatewayActor, shut: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    gateway.subscribe({
      error: (error) => void shut().finally(() => reject(error)),
      complete: () => void shut().then(resolve, reject),
    })
  })
}
