// Start: the composition root, the one file that knows both actors and implementations.
// Phases, in order, each named in its failure: store, tokens, http, actors. What a phase opened is closed in reverse.
//   Nothing is opened before startGateway is called, and nothing stays open after `ended` has settled.

import { buildAgent } from './agents/catalog.ts'
import { createGateway, type GatewayActor } from './actors/gateway.ts'
import type { Parts } from './actors/parts.ts'
import { Said } from './actors/said.ts'
import { platforms } from './channels/catalog.ts'
import type { Adapter } from './channels/adapter.ts'
import type { Loaded } from './config/load.ts'
import type { GatewaySettings, SecretReference } from '../machines/definitions.ts'
import type { ChannelStatus, GatewayPort, InspectionWish } from './http/port.ts'
import { type HttpServer, startHttp } from './http/server.ts'
import type { Log } from './log.ts'
import { createBoard } from './start/board.ts'
import { createInspection } from './start/inspection.ts'
import { createMetrics } from './start/metrics.ts'
import { gatewayPort } from './start/port.ts'
import { lockTokens, type TokenLocks } from './start/token-locks.ts'
import { openStore, updateHolder } from './store/sqlite.ts'
import type { Store } from './store/store.ts'
import type { World } from './world.ts'

export type {
  DeadLetterView,
  GatewayPort,
  InspectionView,
  InspectionWish,
  PairingView,
  SessionView,
  Status,
  UsagePeriods,
  UsageTotalsView,
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
  /** Loads the file again, for credentials that were replaced; null when it does not load now. */
  readonly reload: () => Promise<Loaded | null>
  /** What the Stately inspector may see from the start; null: nothing until somebody asks, and nothing is paid for it. */
  readonly inspect: InspectionWish | null
}

export interface RunningGateway {
  readonly url: string
  /** Where the inspector's page is; null when it was not asked for at the start. */
  readonly inspectUrl: string | null
  readonly port: GatewayPort
  /** Every channel, in the order of the file, once each has gone live or failed its first try. */
  readonly rollCall: Promise<readonly ChannelStatus[]>
  /** Takes nothing new, finishes, and ends by the deadline; a second call changes nothing. */
  drain(): void
  /** Settles when everything is closed; rejects when the root failed by a defect. */
  readonly ended: Promise<void>
}

/** Throws StoreLockedError, LockHeldError, StoreVersionError or another FailureError when it cannot start at all. */
export async function startGateway(options: StartOptions): Promise<RunningGateway> {
  const { loaded, world, log, version } = options
  const settings = { ...loaded.definition.gateway, ...options.settings }
  const definition = { ...loaded.definition, gateway: settings }
  const startedAtMs = world.nowMs()
  const holder = { pid: process.pid, url: null, startedAt: new Date(startedAtMs).toISOString() }
  const opened: (() => void | Promise<void>)[] = []
  try {
    const store = openStore({ folder: settings.data, holder, world })
    opened.push(() => store.close())
    const tokens = lockTokens(definition, loaded.secrets, holder)
    opened.push(() => tokens.release())

    const board = createBoard({ definition, world, log })
    const adapters = new Map<string, Adapter>()
    const secret = (reference: SecretReference): string => loaded.secrets.resolve(reference)
    const live = { adapters, said: new Said(), toolboxes: new Map() }
    const implementations = { store, platforms, buildAgent, ...NO_TOOLS }
    const gateway = createGateway({ definition, world, log, secret, ...implementations, ...live, ...board })
    const channels = (): string[] => Object.keys(definition.channels)
    const inspection = createInspection({ root: gateway, channels, world, log })
    const port = gatewayPort({
      definition,
      gateway,
      store,
      adapters,
      world,
      version,
      startedAtMs,
      channels: board.channels,
      metrics: createMetrics(),
      inspection,
      beforeReconnect: () => renewSecrets(options, tokens),
    })
    const http = await listen(options, settings, port)
    opened.push(() => http.close())
    updateHolder(settings.data, { ...holder, url: http.url })

    opened.push(() => inspection.close())
    const inspectUrl = options.inspect === null ? null : (await inspection.open(options.inspect)).url

    const ended = untilEnded(gateway, () => close(opened))
    gateway.start()
    return {
      url: http.url,
      inspectUrl,
      port,
      rollCall: board.rollCall,
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

function listen(
  { loaded, world, log }: StartOptions,
  settings: GatewaySettings,
  gateway: GatewayPort,
): Promise<HttpServer> {
  const { host, port, token } = settings
  return startHttp({ host, port, gateway, log, world, token: () => token && loaded.secrets.resolve(token) })
}

async function renewSecrets({ loaded, reload, log }: StartOptions, tokens: TokenLocks): Promise<void> {
  try {
    const newer = await reload()
    if (newer === null) return
    tokens.renew(newer.secrets)
    loaded.secrets.adopt(newer.secrets)
  } catch (error) {
    log.warn({ err: error }, 'the credentials could not be renewed and stay as they were')
  }
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

/** No definition names a tool yet: the configuration refuses the key. */
const NO_TOOLS: Pick<Parts, 'buildTools' | 'notes'> = {
  buildTools: () => Promise.reject(new Error('there are no tools')),
  notes: {
    list: async () => [],
    add: () => Promise.reject(new Error('there are no notes')),
    remove: async () => false,
  },
}
