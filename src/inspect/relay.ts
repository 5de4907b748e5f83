// Relay: a small port of its own, on loopback, where inspectors listen to a running gateway. The only file that knows ws.
// Owns the listening socket and its connections. Nothing that a client says is listened to.
//   I5. Only pages of this machine and Stately's own page are answered.
//   I7. `close` ends everything that is open and resolves within a second.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { FailureError } from '../../machines/failure.ts'
import type { Log } from '../log.ts'
import type { World } from '../world.ts'
import { type Audience, createAudience } from './audience.ts'
import { isHostAllowed, isOriginAllowed } from './guards.ts'
import { createInspector, type Inspector, type InspectorOptions } from './inspector.ts'
import { CLIENT_MESSAGE_BYTES_MAX, CLIENTS_MAX, CLOSE_MS_MAX, PING_MS } from './limits.ts'
import { answerPage, answerText } from './page.ts'

/** What there is to see. */
export interface Shown {
  readonly inspector: Inspector
  /** For people: what is watched, and whether texts leave. */
  readonly view: View
}

export interface View {
  readonly watch: string
  readonly texts: boolean
}

export interface RelayOptions extends Shown {
  readonly host: '127.0.0.1' | '::1'
  /** 0: any free port. */
  readonly port: number
  /** The Stately inspector's page; a test has its own. */
  readonly page?: string
  readonly world: World
  readonly log: Log
}

export interface Relay {
  /** The page. The same address with `ws:` is what an inspector listens to. */
  readonly url: string
  readonly port: number
  /** The Stately inspector's own, which the page holds in its frame. */
  readonly page: string
  /** Shows something else at the same address. Everybody is sent away, and may come again at once. */
  change(shown: Shown): void
  /** Says goodbye to everybody, cuts who does not go, stops looking at the tree. A second call is the same end. */
  close(): Promise<void>
}

const STATELY_PAGE = 'https://stately.ai/inspect'

/** What an inspector sees of `root`, and how that is said. */
export function shownOf(options: InspectorOptions): Shown {
  const { watch, texts } = options
  return { inspector: createInspector(options), view: { watch: watch === 'everything' ? watch : watch.address, texts } }
}

/** Resolves once the port listens. Rejects with a FailureError; `conflict` when somebody else has the port. */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { world, log, page = STATELY_PAGE } = options
  let { view } = options
  let audience = createAudience(options)
  const sockets = new WebSocketServer({ noServer: true, maxPayload: CLIENT_MESSAGE_BYTES_MAX })
  const server = createServer((request, response) => void answer(request, response, { view, page, log }))
  server.on('upgrade', (request, socket, head) => {
    const refusal = refusalOf(request, page) ?? roomFor(sockets)
    if (refusal !== null) refuse(socket, refusal)
    else sockets.handleUpgrade(request, socket, head, (client) => admit(client, { audience, log }))
  })
  await listen(server, options)
  server.on('error', (error) => log.error({ err: error }, 'the inspector’s port reports an error'))
  const stopPinging = pinging(sockets, world)
  const { port } = server.address() as AddressInfo // A TCP server that listens has one.
  const name = options.host === '::1' ? '[::1]' : options.host
  let closed: Promise<void> | null = null
  return {
    url: `http://${name}:${port}/`,
    port,
    page,
    change(shown) {
      audience.end()
      view = shown.view
      audience = createAudience({ inspector: shown.inspector, world, log })
      for (const client of sockets.clients) client.close(1012, 'something else is watched now')
    },
    close() {
      audience.end()
      stopPinging()
      closed ??= closing(server, sockets, world)
      return closed
    },
  }
}

interface Refusal {
  readonly status: string
  readonly sentence: string
}

function refusalOf({ headers, url }: IncomingMessage, page: string): Refusal | null {
  if (!isHostAllowed(headers.host)) {
    return { status: '403 Forbidden', sentence: 'The inspector answers to the local names of this machine only.' }
  }
  if (!isOriginAllowed(headers.origin, page)) {
    return { status: '403 Forbidden', sentence: 'Other web pages may not inspect this gateway.' }
  }
  return headers.upgrade === undefined || url === '/' ? null : { status: '404 Not Found', sentence: 'Connect to /.' }
}

function roomFor(sockets: WebSocketServer): Refusal | null {
  if (sockets.clients.size < CLIENTS_MAX) return null
  const sentence = `${CLIENTS_MAX} inspectors are connected; close one of them.`
  return { status: '503 Service Unavailable', sentence }
}

function refuse(socket: Duplex, { status, sentence }: Refusal): void {
  const body = `${sentence}\n`
  socket.on('error', () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  )
}

function admit(client: WebSocket, { audience, log }: { audience: Audience; log: Log }): void {
  client.on('error', (error) => log.debug({ err: error }, 'an inspector’s connection broke'))
  client.on('close', () => audience.leave(client))
  audience.join(client)
}

interface Answering {
  readonly view: View
  readonly page: string
  readonly log: Log
}

async function answer(request: IncomingMessage, response: ServerResponse, answering: Answering): Promise<void> {
  const { view, page, log } = answering
  const refusal = refusalOf(request, page)
  if (refusal !== null) return answerText(response, 403, refusal.sentence)
  if (request.method !== 'GET') return answerText(response, 405, 'This address takes GET.')
  try {
    const path = new URL(request.url ?? '/', 'http://relay').pathname
    await answerPage(path, response, { ...view, page, host: request.headers.host ?? '' })
  } catch (error) {
    log.error({ err: error }, 'a request to the inspector failed')
    response.destroy()
  }
}

/** Ends connections whose other side is gone without a word. */
function pinging(sockets: WebSocketServer, { clock }: World): () => void {
  const silent = new Set<WebSocket>()
  const round = (): void => {
    for (const client of sockets.clients) {
      if (silent.delete(client)) client.terminate()
      else {
        silent.add(client)
        client.once('pong', () => silent.delete(client))
        client.ping()
      }
    }
    timer = clock.setTimeout(round, PING_MS)
  }
  let timer = clock.setTimeout(round, PING_MS)
  return () => clock.clearTimeout(timer)
}

function closing(server: Server, sockets: WebSocketServer, { clock }: World): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(() => {
      for (const client of sockets.clients) client.terminate()
      server.closeAllConnections()
    }, CLOSE_MS_MAX)
    server.close(() => {
      clock.clearTimeout(timer)
      resolve()
    })
    for (const client of sockets.clients) client.close(1001, 'the gateway ends')
    server.closeIdleConnections()
  })
}

function listen(server: Server, { host, port }: RelayOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE'
      reject(
        new FailureError({
          kind: 'permanent',
          reason: taken ? 'conflict' : 'refused',
          message: taken
            ? `Port ${port} on ${host} is taken by another program.`
            : `The inspector cannot listen on ${host}, port ${port} (${error.code ?? 'unknown reason'}).`,
          remedy: 'Choose another port for the inspector, or leave it out: any free one is taken then.',
        }),
      )
    }
    server.once('error', failed)
    server.listen({ host, port }, () => {
      server.off('error', failed)
      resolve()
    })
  })
}
