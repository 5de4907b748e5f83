// What the inspector's suites share: a house that is inspected, and clients that hear what is on the wire.

import { WebSocket } from 'ws'
import { onTestFinished } from 'vitest'
import { createInspector, type Inspector } from '../../src/inspect/inspector.ts'
import { type Relay, startRelay } from '../../src/inspect/relay.ts'
import type { Watch } from '../../src/inspect/watch.ts'
import { realWorld } from '../../src/world.ts'
import { type House, openHouse } from '../support/house.ts'
import { settled, silentLog } from '../support/world.ts'

/** A message as a reader sees it. */
export interface Heard {
  readonly type: string
  readonly sessionId: string
  readonly rootId: string
  readonly name?: string
  readonly parentId?: string
  readonly sourceId?: string
  readonly definition?: string
  readonly createdAt: string
  readonly id: null
  readonly _version: string
  readonly event?: { readonly type: string }
  readonly snapshot?: {
    readonly status: string
    readonly value?: unknown
    readonly context?: Readonly<Record<string, unknown>>
    readonly children?: Readonly<Record<string, unknown>>
  }
}

export interface Client {
  readonly heard: Heard[]
  readonly raw: string[]
  readonly socket: WebSocket
  /** Resolves once what was told is here. */
  caughtUp(): Promise<void>
  readonly closed: Promise<number>
}

export async function openHouseOfTwo(): Promise<House> {
  const house = await openHouse({ channels: { cfo: {}, ops: {} } })
  onTestFinished(() => house.kill())
  return house
}

/** One message asked, thought about, answered and delivered. */
export async function converse(house: House, channel: string, text = 'how are we doing?'): Promise<void> {
  await house.says(channel, text)
  await house.thoughts.at(-1)?.answer(`an answer to ${text}`)
  await settled()
}

export function inspectorOf(house: House, options: { watch?: Watch; texts?: boolean } = {}): Inspector {
  const { watch = 'everything', texts = false } = options
  return createInspector({ root: house.gateway, watch, texts, world: realWorld({}), log: silentLog })
}

export async function relayOf(
  inspector: Inspector,
  given: Partial<Parameters<typeof startRelay>[0]> = {},
): Promise<Relay> {
  const relay = await startRelay({
    host: '127.0.0.1',
    port: 0,
    inspector,
    view: { watch: 'everything', texts: false },
    world: realWorld({}),
    log: silentLog,
    ...given,
  })
  onTestFinished(() => relay.close())
  return relay
}

export async function clientOf(relay: Pick<Relay, 'url'>, headers: Record<string, string> = {}): Promise<Client> {
  const socket = new WebSocket(relay.url.replace('http', 'ws'), { headers })
  const heard: Heard[] = []
  const raw: string[] = []
  socket.on('message', (data: Buffer) => {
    raw.push(data.toString())
    heard.push(JSON.parse(data.toString()) as Heard)
  })
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve())
    socket.once('error', reject)
    socket.once('unexpected-response', (_, response) => reject(new Error(`refused with ${response.statusCode}`)))
  })
  onTestFinished(() => socket.terminate())
  const client: Client = {
    heard,
    raw,
    socket,
    closed,
    // A pong comes after everything that was sent before it.
    caughtUp: async () => {
      await settled()
      await new Promise<void>((resolve) => {
        socket.once('pong', () => resolve())
        socket.ping()
      })
    },
  }
  await client.caughtUp()
  return client
}

export function namesOf(heard: readonly Heard[]): string[] {
  return heard.flatMap(({ type, name }) => (type === '@xstate.actor' ? [name ?? ''] : []))
}

/** Messages about an actor, from one or below one that was not introduced before. */
export function strangers(heard: readonly Heard[]): string[] {
  const known = new Set<string>()
  return heard.flatMap(({ type, sessionId, parentId, sourceId }) => {
    const named = type === '@xstate.actor' ? [parentId] : [sessionId, sourceId]
    if (type === '@xstate.actor') known.add(sessionId)
    return named.filter((id) => id !== undefined && !known.has(id)).map((id) => `${type} names ${id}`)
  })
}
