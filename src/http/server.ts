// Server: the one HTTP port. Puts the guards before the routes, and the socket limits before both.
// Owns the listening socket, its connections and the open event streams. The only file that knows Hono.
//   H3. Nothing but the open routes answers without the token; nothing changes at the wish of a web page that is not let in.
//   H4. `close` ends everything that is open and resolves within a second.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { type Context, Hono, type MiddlewareHandler } from 'hono'
import { FailureError } from '../../machines/failure.ts'
import type { Log } from '../log.ts'
import type { World } from '../world.ts'
import { errorBody, json, Refusal, refusalOf } from './answers.ts'
import { completionError } from './completion-answer.ts'
import { createStreams, type Streams } from './events.ts'
import { checkHost, checkOrigin, checkToken } from './guards.ts'
import { CLOSE_MS_MAX, HEADERS_MS_MAX, KEEP_ALIVE_MS, REQUEST_MS_MAX, SOCKETS_MAX } from './limits.ts'
import { isPreflight, letIn, preflight, tellBrowser } from './origins.ts'
import type { GatewayPort } from './port.ts'
import { isOfOpenAi, nothingAt, ROUTES, type Route, SHARED_PATHS } from './routes.ts'

export interface HttpOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Asked at each request; null: none is configured. */
  readonly token: () => string | null
  /** Asked at each request: pages from elsewhere that may use what is shared with them. */
  readonly allowedOrigins: () => readonly string[]
  readonly gateway: GatewayPort
  readonly log: Log
  readonly world: World
}

export interface HttpServer {
  /** With the port that was really taken; a name that this machine can open. */
  readonly url: string
  readonly port: number
  /** Takes no further connection, ends the event streams, lets short requests finish, cuts the rest. */
  close(): Promise<void>
}

/** Resolves once the port listens. Rejects with a FailureError; `conflict` when somebody else has the port. */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const streams = createStreams(options)
  const application = createApplication(options, streams)
  const listener = getRequestListener((request, env) => application.fetch(request, env), {
    overrideGlobalObjects: false,
    // In HTTP/1.0 nobody has to name the host: health checks of load balancers do not.
    hostname: 'localhost',
    // Reached only by requests that are not HTTP enough to become a Request.
    errorHandler: () => hardened(json(400, errorBody('bad_request', 'The request is not valid HTTP.'))),
  })
  const server = createServer(
    {
      headersTimeout: HEADERS_MS_MAX,
      requestTimeout: REQUEST_MS_MAX,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
    },
    (incoming, outgoing) => {
      // A connection whose last answer is out would otherwise be kept for a next request that will not be taken.
      outgoing.once('close', () => setImmediate(() => server.listening || server.closeIdleConnections()))
      void listener(incoming, outgoing)
    },
  )
  server.maxConnections = SOCKETS_MAX
  server.on('clientError', answerBrokenRequest)
  await listen(server, options)
  server.on('error', (error) => options.log.error({ err: error }, 'the HTTP port reports an error'))
  const { port } = boundAddress(server)
  return { url: `http://${reachable(options.host)}:${port}`, port, close: closing(server, streams, options.world) }
}

type Environment = { Bindings: HttpBindings }

function createApplication(options: HttpOptions, streams: Streams): Hono<Environment> {
  const application = new Hono<Environment>()
  application.use(async (context, next) => {
    checkHost(context.req.header('host') ?? null, options.host)
    checkPath(context)
    await next()
    hardened(context.res)
  })
  for (const path of SHARED_PATHS) application.use(path, sharing(options))
  for (const path of new Set(ROUTES.map((route) => route.path))) {
    const routes = ROUTES.filter((route) => route.path === path)
    for (const route of routes) {
      application.on(route.method, path, (context) => {
        admit(context.req.raw.headers, route, options)
        return answer(context, route, { options, streams })
      })
    }
    application.all(path, (context) => {
      if (routes.every((route) => route.access !== 'open')) admit(context.req.raw.headers, { access: 'read' }, options)
      const allowed = routes.flatMap((route) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method])).join(', ')
      throw new Refusal(405, 'method_not_allowed', `This address takes ${allowed}.`).with({ Allow: allowed })
    })
  }
  application.notFound((context) => {
    try {
      admit(context.req.raw.headers, { access: 'read' }, options)
      throw nothingAt(context.req.path)
    } catch (error) {
      return refuse(error, context, options.log)
    }
  })
  application.onError((error, context) => refuse(error, context, options.log))
  return application
}

/** H6. A preflight is answered before the token is asked for: a browser sends none with it. Refusals are for the page to read, too. */
function sharing({ allowedOrigins }: HttpOptions): MiddlewareHandler {
  return async (context, next) => {
    const { raw } = context.req
    const origin = letIn(raw.headers, allowedOrigins())
    if (origin !== null && isPreflight(raw)) context.res = preflight(raw)
    else await next()
    tellBrowser(context.res.headers, origin)
  }
}

function admit(headers: Headers, route: Pick<Route, 'access' | 'shared'>, options: HttpOptions): void {
  const { access, shared = false } = route
  if (access === 'open') return
  checkToken(headers.get('authorization'), options.token())
  const isLetIn = shared && letIn(headers, options.allowedOrigins()) !== null
  if (access === 'guarded' && !isLetIn) checkOrigin(headers)
}

function answer(
  context: Context<Environment>,
  route: Route,
  { options, streams }: { options: HttpOptions; streams: Streams },
): Response | Promise<Response> {
  return route.answer({
    request: context.req.raw,
    gateway: options.gateway,
    streams,
    world: options.world,
    part: (name) => context.req.param(name) ?? '',
    query: (name) => context.req.query(name) ?? null,
    cut: () => context.env.outgoing.destroy(),
  })
}

function refuse(thrown: unknown, context: Context<Environment>, log: Log): Response {
  const refusal = refusalOf(thrown)
  if (refusal.status >= 500 && !(thrown instanceof Refusal)) log.error({ err: thrown }, 'a request failed')
  // Clients of the OpenAI API read its errors, whatever refused them: the token, the route, the body, the run.
  const body = isOfOpenAi(context.req.path) ? completionError(refusal) : errorBody(refusal.code, refusal.message)
  return hardened(json(refusal.status, body, refusal.headers))
}

/** Parts of the path are decoded by Hono, which leaves what cannot be decoded as it is; here that is an error. */
function checkPath(context: Context<Environment>): void {
  try {
    decodeURIComponent(new URL(context.req.url).pathname)
  } catch {
    throw new Refusal(400, 'bad_request', 'The address holds a broken percent sign.')
  }
}

/** What every answer tells a browser: take it as what it says it is, show it in no frame, keep and pass on nothing. */
function hardened(response: Response): Response {
  const { headers } = response
  if (!headers.has('Content-Security-Policy')) {
    headers.set('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'")
  }
  if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'no-store')
  headers.set('X-Content-Type-Options', 'nosniff')
  headers.set('X-Frame-Options', 'DENY')
  headers.set('Referrer-Policy', 'no-referrer')
  headers.set('Cross-Origin-Resource-Policy', 'same-origin')
  headers.set('Cross-Origin-Opener-Policy', 'same-origin')
  return response
}

function listen(server: Server, { host, port }: HttpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(listenFailure(error.code ?? '', host, port))
    server.once('error', failed)
    // Node's usual backlog of 511 makes a burst of reconnecting pages wait a second for the kernel's next try.
    server.listen({ host, port, backlog: SOCKETS_MAX }, () => {
      server.off('error', failed)
      resolve()
    })
  })
}

function listenFailure(code: string, host: string, port: number): FailureError {
  switch (code) {
    case 'EADDRINUSE':
      return new FailureError({
        kind: 'permanent',
        reason: 'conflict',
        message: `Port ${port} on ${host} is taken by another program.`,
        remedy: 'Stop that program, or choose another port with --port or gateway.port.',
      })
    case 'EACCES':
      return new FailureError({
        kind: 'permanent',
        reason: 'forbidden',
        message: `This user may not listen on port ${port} of ${host}.`,
        remedy: 'Choose a port of 1024 or above.',
      })
    default:
      return new FailureError({
        kind: 'permanent',
        reason: 'refused',
        message: `The gateway cannot listen on ${host}, port ${port} (${code || 'unknown reason'}).`,
        remedy: 'Check gateway.host: it must be an address of this machine.',
      })
  }
}

function closing(server: Server, streams: Streams, world: World): () => Promise<void> {
  let closed: Promise<void> | null = null
  return () => {
    closed ??= new Promise((resolve) => {
      const timer = world.clock.setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX)
      server.close(() => {
        world.clock.clearTimeout(timer)
        resolve()
      })
      streams.endAll()
      server.closeIdleConnections()
    })
    return closed
  }
}

/** What Node could not read as a request is answered in the port's own shape. */
function answerBrokenRequest(
  error: NodeJS.ErrnoException,
  socket: { writable: boolean; end(text: string): void; destroy(): void },
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy()
  const [line, code, message] = brokenRequest(error.code)
  const body = `${JSON.stringify(errorBody(code, message))}\n`
  socket.end(
    `HTTP/1.1 ${line}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  )
}

function brokenRequest(code: string | undefined): [line: string, code: string, message: string] {
  if (code === 'HPE_HEADER_OVERFLOW')
    return ['431 Request Header Fields Too Large', 'too_large', 'The headers are too large.']
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return ['408 Request Timeout', 'timeout', 'The request was not complete in time.']
  return ['400 Bad Request', 'bad_request', 'The request is not valid HTTP.']
}

function boundAddress(server: Server): AddressInfo {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address with a port')
  return address
}

/** The name under which this machine reaches what listens on `host`. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
