// Start: the composition root, the one file that knows both actors and implementations.
// Its phases (machines/phases.ts) come in their order, each named in its failures: `requires` and `construct` open nothing, `store` and
// `connect` do. What was opened is closed in reverse.
//   Nothing is opened before startGateway is called, and nothing stays open after `ended` has settled.

import type { GatewayContext } from '../machines/gateway-context.ts'
import { withOpenAi } from '../machines/openai.ts'
import { buildAgent } from './agents/catalog.ts'
import { buildDescription } from './agents/description.ts'
import { buildTranscription } from './agents/transcription.ts'
import { createGateway, type GatewayActor } from './actors/gateway.ts'
import type { Parts } from './actors/parts.ts'
import { platforms } from './channels/catalog.ts'
import type { Adapter } from './channels/adapter.ts'
import { cronTimes } from './config/cron.ts'
import type { Loaded } from './config/load.ts'
import type { Problem } from './config/problems.ts'
import type { Watch } from './config/watch.ts'
import type { GatewayDefinition, GatewaySettings, Lack, SecretReference } from '../machines/definitions.ts'
import type { ChannelStatus, GatewayPort, InspectionWish } from './http/port.ts'
import { type HttpServer, startHttp } from './http/server.ts'
import { createTransitions } from './inspect/transitions.ts'
import type { Log } from './log.ts'
import { createBoard } from './start/board.ts'
import { requireClock } from './start/clock.ts'
import { endWaiting, tellingWaiting } from './start/completions.ts'
import { withConstruction } from './start/construct.ts'
import { sayingLacks } from './start/hooks.ts'
import { createInspection } from './start/inspection.ts'
import { type Kept, openKept } from './start/kept.ts'
import { beginObserving, type Observing } from './start/observing.ts'
import { type PhasesOptions, startPhases } from './start/phases.ts'
import { gatewayPort } from './start/port.ts'
import { withLacks } from './start/needs.ts'
import { openMcp } from './start/mcp.ts'
import type { McpTrials } from './start/mcp-trials.ts'
import { liveParts } from './start/live.ts'
import { createReloading } from './start/reload.ts'
import { lockTokens, type TokenLocks } from './start/token-locks.ts'
import { toolParts } from './start/tools.ts'
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
export { ownerOfStray } from './tools/own-scope.ts'
export { probe } from './start/doctor.ts'
export { configurationOf, describeMachine, machineNames, mermaidOf } from './start/machines.ts'
export { nobodyLives, recordsPort, type RecordsPort, schedulesIn } from './start/records.ts'
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

/** Throws a FailureError that names its phase when it cannot start at all. */
export async function startGateway(options: StartOptions): Promise<RunningGateway> {
  const { loaded, world, log, version } = options
  const phases = startPhases({ ...options.phases, world, log })
  const secret = (reference: SecretReference): string => loaded.secrets.resolve(reference)
  const required = async (file: GatewayDefinition) => withOpenAi(await withLacks(overridden(file, options), world))
  const said = sayingLacks(log)
  const constructed = async (needed: GatewayDefinition) => said(await withConstruction(needed, { secret, world, log }))
  const startedAtMs = world.nowMs()
  await phases.attempt('requires', () => requireClock(startedAtMs))
  const needed = await phases.whole('requires', () => required(loaded.definition))
  const { gateway: settings } = needed
  const holder = { pid: process.pid, url: null, startedAt: new Date(startedAtMs).toISOString() }
  const opened: (() => void | Promise<void>)[] = []
  try {
    const observing = await beginObserving({ definition: needed, world, log, version })
    opened.push(() => observing.stop())
    const kept = await openKept({ ...options, phases, observing, definition: needed, holder, opened })
    const { hooking, groups } = kept
    const definition = await phases.whole('construct', () => constructed(needed))

    const locking = { definition, secrets: loaded.secrets, holder, clock: world.clock }
    const tokens = await phases.attempt('connect', () => lockTokens(locking))
    opened.push(() => tokens.release())
    const inForce = async (file: GatewayDefinition) => constructed(await required(file))
    // Its servers end when the actors that own them are gone.
    const mcp = openMcp(loaded, { definition: () => root().definition, secret, groups, world, log })
    opened.push(() => mcp.close())
    const built = {
      ...{ ...kept, definition, data: settings.data, tokens, observing, secret, startedAtMs, inForce },
      ...{ hooks: hooking.hooks, mcp },
    }
    const { gateway, root, board, reloading, inspection, port, adapters } = assemble(options, built)
    const http = await phases.attempt('connect', () => listen(options, settings, { port, root, adapters }))
    opened.push(() => http.close())
    updateHolder(settings.data, { ...holder, url: http.url })

    opened.push(() => inspection.close())
    const inspectUrl = options.inspect === null ? null : (await inspection.open(options.inspect)).url

    const ended = untilEnded(gateway, () => close(opened))
    const started = { at: holder.startedAt, version, url: http.url, rollCall: board.rollCall }
    hooking.begin(() => root().definition, started)
    gateway.start()
    void board.rollCall.then((called) => phases.ready(called))
    mcp.begin(board.rollCall)
    options.watch?.begin(world, () => void reloading.refresh())
    opened.push(() => options.watch?.end())
    const drain = (): void => {
      // Nobody waits for what is being tried.
      void mcp.close()
      gateway.send({ type: 'drain' })
    }
    const ending = { drainMs: () => root().definition.gateway.drainMs, drain }
    const called = { rollCall: board.rollCall, lacking: () => root().definition.lacking }
    return { url: http.url, inspectUrl, port, ...called, refresh: () => void reloading.refresh(), ...ending, ended }
  } catch (error) {
    await close(opened)
    throw error
  }
}

/** What the phases before have opened and built. */
interface Built extends Pick<Parts, 'definition' | 'secret' | 'hooks'>, Kept {
  readonly tokens: TokenLocks
  readonly data: string
  readonly observing: Observing
  readonly startedAtMs: number
  /** What of a newer file holds on this machine. */
  readonly inForce: (file: GatewayDefinition) => Promise<GatewayDefinition>
  readonly mcp: McpTrials
}

/** The root actor with all that it is made of, and what stands around it. Nothing of it runs yet. */
function assemble(options: StartOptions, built: Built) {
  const { loaded, world, log, version } = options
  const { definition, data, groups, store, disk, uploads, tokens } = built
  const { observing, secret, hooks, startedAtMs, inForce, mcp } = built
  const live = liveParts()
  const { adapters } = live
  const root = (): GatewayContext => gateway.getSnapshot().context
  const board = createBoard({ root, world, log })
  const lasting = { store: tellingWaiting(store, adapters), tokens }
  const own = { cronTimes, hooks, uploads, runMcp: mcp.run, ...toolParts({ loaded, store, data, groups }) }
  const thinking = { buildAgent, buildTranscription, buildDescription }
  const implementations = { platforms, ...thinking, observe: observing.observe, ...own }
  const gateway = createGateway({ definition, world, log, secret, ...implementations, ...live, ...lasting, ...board })
  const reading = { loaded, read: options.reload, inForce, onTaken: () => mcp.look() }
  const reloading = createReloading({ gateway, tokens, world, log, channels: board.channels, ...reading })
  const channels = (): string[] => Object.keys(root().definition.channels)
  const inspection = createInspection({ root: gateway, channels, world, log })
  const transitions = createTransitions({ root: gateway, world, log })
  const told = { board, mcp, reloading, inspection, transitions, metrics: observing.metrics }
  const port = gatewayPort({ gateway, store, disk, uploads, adapters, world, version, startedAtMs, ...told })
  return { gateway, root, board, reloading, inspection, port, adapters }
}

/** A store of a data folder that no gateway has open; throws StoreLockedError when one has. */
export function openOffline(folder: string, world: World): Store {
  return openStore({ folder, world, holder: { pid: process.pid, url: null, startedAt: '' } })
}

/** What the command line says stands over what the file says, now and after it was read anew. */
function overridden(definition: GatewayDefinition, { settings }: StartOptions): GatewayDefinition {
  return { ...definition, gateway: { ...definition.gateway, ...settings } }
}

interface Answering {
  readonly port: GatewayPort
  readonly root: () => GatewayContext
  readonly adapters: ReadonlyMap<string, Adapter>
}

async function listen(
  { loaded, world, log }: StartOptions,
  { host, port }: GatewaySettings,
  running: Answering,
): Promise<HttpServer> {
  const token = (): string | null => {
    const reference = running.root().definition.gateway.token
    return reference && loaded.secrets.resolve(reference)
  }
  const allowedOrigins = (): readonly string[] => running.root().definition.gateway.allowedOrigins
  const http = await startHttp({ host, port, gateway: running.port, log, world, token, allowedOrigins })
  const close = async (): Promise<void> => {
    // Who waits for an answer is told that it comes after the next start, before the connection is closed.
    endWaiting(running.adapters)
    await http.close()
  }
  return { ...http, close }
}

/** The first that was opened is closed last. */
async function close(opened: (() => void | Promise<void>)[]): Promise<void> {
  for (const shut of opened.splice(0).reverse()) await shut()
}

function untilEnded(gateway: GatewayActor, shut: () => Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    gateway.subscribe({
      error: (error) => void shut().finally(() => reject(error)),
      complete: () => void shut().then(resolve, reject),
    })
  })
}
