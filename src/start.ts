// Start: the composition root, the one file that knows both actors and implementations.
// Phases, in order, each named in its failure: store, tokens, http, actors, watch. What a phase opened is closed in reverse.
//   Nothing is opened before startGateway is called, and nothing stays open after `ended` has settled.

import { resolve } from 'node:path'
import type { GatewayContext } from '../machines/gateway-context.ts'
import { buildAgent } from './agents/catalog.ts'
import { createGateway, type GatewayActor } from './actors/gateway.ts'
import { platforms } from './channels/catalog.ts'
import type { Adapter } from './channels/adapter.ts'
import type { Loaded } from './config/load.ts'
import type { Problem } from './config/problems.ts'
import { filesOf, watchFiles } from './config/watch.ts'
import type { GatewayDefinition, GatewaySettings, SecretReference } from '../machines/definitions.ts'
import type { ChannelStatus, GatewayPort } from './http/port.ts'
import { type HttpServer, startHttp } from './http/server.ts'
import type { Relay } from './inspect/relay.ts'
import type { Log } from './log.ts'
import { createBoard } from './start/board.ts'
import { createMetrics } from './start/metrics.ts'
import { gatewayPort } from './start/port.ts'
import { createReloading } from './start/reload.ts'
import { lockTokens } from './start/token-locks.ts'
import { openStore, updateHolder } from './store/sqlite.ts'
import type { Store } from './store/store.ts'
import type { World } from './world.ts'

export type {
  DeadLetterView,
  GatewayPort,
  PairingView,
  Reloaded,
  SessionView,
  Status,
  WebEvent,
  WebPort,
} from './http/port.ts'
export { probe } from './start/doctor.ts'
export { configurationOf, describeMachine, machineNames, mermaidOf } from './start/machines.ts'
export { NOBODY_LIVES, recordsPort, type RecordsPort } from './start/records.ts'
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
  /** The configuration that is taken anew when it changes; null: none is watched. */
  readonly watched: string | null
  /** What the Stately inspector may see, on a loopback port of its own; null: nothing, and nothing is paid for it. */
  readonly inspect: Inspection | null
}

export interface Inspection {
  /** Empty: everything; a channel's id; `session:KEY`. */
  readonly watch: string
  /** With the texts that people and models wrote. */
  readonly texts: boolean
}

export interface RunningGateway {
  readonly url: string
  /** Where the inspector's page is; null without one. */
  readonly inspectUrl: string | null
  readonly port: GatewayPort
  /** Every channel, in the order of the file, once each has gone live or failed its first try. */
  readonly rollCall: Promise<readonly ChannelStatus[]>
  /** Takes the configuration anew, changed or not. */
  refresh(): void
  /** What runs get at shutdown, by the definition of this moment. */
  drainMs(): number
  /** Takes nothing new, finishes, and ends by the deadline; a second call changes nothing. */
  drain(): void
  /** Settles when everything is closed; rejects when the root failed by a defect. */
  readonly ended: Promise<void>
}

/** Throws StoreLockedError, LockHeldError, StoreVersionError or another FailureError when it cannot start at all. */
export async function startGateway(options: StartOptions): Promise<RunningGateway> {
  const { loaded, world, log, version } = options
  const definition = overridden(loaded.definition, options)
  const { gateway: settings } = definition
  const startedAtMs = world.nowMs()
  const holder = { pid: process.pid, url: null, startedAt: new Date(startedAtMs).toISOString() }
  const opened: (() => void | Promise<void>)[] = []
  try {
    const store = openStore({ folder: settings.data, holder, world })
    opened.push(() => store.close())
    const tokens = lockTokens({ definition, secrets: loaded.secrets, holder, clock: world.clock })
    opened.push(() => tokens.release())

    const adapters = new Map<string, Adapter>()
    const secret = (reference: SecretReference): string => loaded.secrets.resolve(reference)
    const root = (): GatewayContext => gateway.getSnapshot().context
    const board = createBoard({ root, world, log })
    const made = { definition, store, world, log, tokens, platforms, buildAgent, adapters, secret }
    const gateway = createGateway({ ...made, ...board })
    const reloading = createReloading({
      ...{ loaded, gateway, tokens, world, log, channels: board.channels, read: options.reload },
      overridden: (newer) => overridden(newer, options),
    })
    const metrics = createMetrics()
    const port = gatewayPort({ gateway, store, adapters, world, version, startedAtMs, metrics, board, reloading })
    const http = await listen(options, settings, { port, root })
    opened.push(() => http.close())
    updateHolder(settings.data, { ...holder, url: http.url })

    const inspection = await inspected(options, gateway)
    if (inspection !== null) opened.push(() => inspection.close())

    const ended = untilEnded(gateway, () => close(opened))
    gateway.start()
    opened.push(watch(options, () => void reloading.refresh()))
    return {
      url: http.url,
      inspectUrl: inspection?.url ?? null,
      port,
      rollCall: board.rollCall,
      refresh: () => void reloading.refresh(),
      drainMs: () => root().definition.gateway.drainMs,
      drain: () => gateway.send({ type: 'drain' }),
      ended,
    }
  } catch (error) {
    await close(opened)
    throw error
  }
}

/** A store of a data folder that no gateway has open; throws StoreLockedError when one has. */
export function openOffline(folder: string, world: World): Store {
  return openStore({ folder, world, holder: { pid: process.pid, url: null, startedAt: '' } })
}

/** What the command line says stands over what the file says, now and after it was read anew. */
function overridden(definition: GatewayDefinition, { settings }: StartOptions): GatewayDefinition {
  return { ...definition, gateway: { ...definition.gateway, ...settings } }
}

function listen(
  { loaded, world, log }: StartOptions,
  { host, port }: GatewaySettings,
  running: { readonly port: GatewayPort; readonly root: () => GatewayContext },
): Promise<HttpServer> {
  const token = (): string | null => {
    const reference = running.root().definition.gateway.token
    return reference && loaded.secrets.resolve(reference)
  }
  return startHttp({ host, port, gateway: running.port, log, world, token })
}

function watch({ watched, world }: StartOptions, changed: () => void): () => void {
  return watched === null ? () => {} : watchFiles(filesOf(resolve(watched)), world, changed)
}

/** Its library is loaded by the first who wants to look. */
async function inspected({ inspect, loaded, world, log }: StartOptions, root: GatewayActor): Promise<Relay | null> {
  if (inspect === null) return null
  const { startInspection } = await import('./inspect/relay.ts')
  const { watchOf } = await import('./inspect/watch.ts')
  const watch = watchOf(inspect.watch, Object.keys(loaded.definition.channels))
  return startInspection({ root, watch, texts: inspect.texts, host: '127.0.0.1', port: 0, world, log })
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
