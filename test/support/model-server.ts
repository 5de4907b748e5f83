// Model server: an OpenAI-compatible model over real HTTP whose every step a test holds in its hand.
// Owns its port and the requests that arrived. Each `next()` is the handle of one request, in the order of arrival.
//   What a real server refuses, it refuses: see model-request.ts. A refused request is in `refused` and reaches no handle.
//   It never answers by itself, unless `always` says how; a request without a handle is held open.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { checkRequest, type ModelRequest, type WireCall } from './model-request.ts'

export type { ModelRequest } from './model-request.ts'

export interface ModelServer {
  /** For `base_url`: ends in /v1. */
  readonly baseUrl: string
  /** Well-formed requests in the order of arrival, answered or not. */
  readonly requests: readonly ModelRequest[]
  /** Why requests were refused by this server itself. */
  readonly refused: readonly string[]
  /** The handle of the next request that no handle has yet; it may arrive later. */
  next(): Exchange
  /** From now on every request without a handle is answered so. */
  always(answer: (request: ModelRequest) => Answer): void
  /** Cuts every connection and frees the port. */
  close(): Promise<void>
}

export type Answer = string | WholeAnswer | { readonly fail: Refusal }

export interface WholeAnswer {
  /** Sent as one piece each; joined they are the text. */
  readonly chunks: readonly string[]
  /** Tools that the model asks for after its text. */
  readonly calls?: readonly WireCall[]
  /** Default `stop`; null: the stream ends without one. */
  readonly finish?: 'stop' | 'length' | 'content_filter' | 'tool_calls' | null
}

export interface Refusal {
  readonly status: number
  readonly message?: string
  readonly code?: string
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * One request in the test's hand. Every verb waits for the request to arrive, and resolves once its bytes are handed to
 * the socket. Never answering is calling nothing.
 */
export interface Exchange {
  readonly arrived: Promise<ModelRequest>
  /** Resolves with the time (performance.now) at which the client closed the connection before the answer was complete. */
  readonly closedByClient: Promise<number>
  /** A whole answer. */
  respond(answer: string | WholeAnswer): Promise<void>
  /** Status and headers; the first piece follows whenever the test says. */
  begin(): Promise<void>
  /** One piece of a streamed answer; begins it when it is not begun. */
  chunk(text: string): Promise<void>
  /** A call, whole, as the next piece. */
  call(call: WireCall): Promise<void>
  /** The end of a streamed answer. */
  end(finish?: WholeAnswer['finish']): Promise<void>
  /**
   * An HTTP error. It says "retry after 1 ms": the client repeats 429 and 5xx twice, each repeat a request of its own.
   * Give `retry-after` in `headers` to say otherwise.
   */
  fail(refusal: Refusal): Promise<void>
  /** An error in the middle of a stream, as servers send it once the status is out. */
  failInStream(refusal: Refusal): Promise<void>
  /** Cuts the connection. Before `begin` the client takes it for "not reached" and repeats the request. */
  cut(): Promise<void>
  /** Bytes as they are, after `begin`; for what is no proper answer. */
  raw(bytes: string): Promise<void>
}

export interface ModelServerOptions {
  /** The bearer token that requests must carry; default: none is asked for. */
  readonly key?: string
  /** The only model there is; default: every name is a model. */
  readonly model?: string
  /** Default: any free port. */
  readonly port?: number
}

const WORKING_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }
const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }

export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const requests: ModelRequest[] = []
  const refused: string[] = []
  const waitingHandles: Line[] = []
  const waitingRequests: Line[] = []
  let automatic: ((request: ModelRequest) => Answer) | null = null

  const server = createServer((incoming, outgoing) => {
    // A client that leaves in the middle of its own request is no request.
    receive(incoming, outgoing).catch((error: unknown) => {
      refused.push(String(error))
      outgoing.destroy()
    })
  })

  async function receive(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const checked = await checkRequest(incoming, options)
    if ('refusal' in checked) {
      refused.push(checked.refusal.message)
      return sendJson(outgoing, checked.refusal.status, errorBody(checked.refusal))
    }
    if ('list' in checked) return sendJson(outgoing, 200, checked.list)
    requests.push(checked.request)
    const waiting = waitingHandles.shift()
    if (waiting !== undefined) return waiting.arrive({ request: checked.request, outgoing })
    const line = createLine()
    line.arrive({ request: checked.request, outgoing })
    if (automatic === null) waitingRequests.push(line)
    else await answer(exchangeOn(line), automatic(checked.request))
  }

  server.keepAliveTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  // A listening TCP server has an AddressInfo; the other forms are for pipes.
  const { port } = server.address() as AddressInfo

  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    refused,
    next() {
      const line = waitingRequests.shift() ?? createLine()
      if (!line.hasArrived()) waitingHandles.push(line)
      return exchangeOn(line)
    },
    always(newAnswer) {
      automatic = newAnswer
    },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    },
  }
}

interface Arrival {
  readonly request: ModelRequest
  readonly outgoing: ServerResponse
}

/** What connects a request with the handle that is made before or after it. */
interface Line {
  readonly arrival: Promise<Arrival>
  arrive(arrival: Arrival): void
  hasArrived(): boolean
  readonly closedByClient: Promise<number>
  /** The server is about to end this answer itself: a close after it is not the client's. */
  endedByUs(): void
}

function createLine(): Line {
  const arrival = Promise.withResolvers<Arrival>()
  const closed = Promise.withResolvers<number>()
  let arrived = false
  let ours = false
  return {
    arrival: arrival.promise,
    arrive(value) {
      arrived = true
      value.outgoing.on('close', () => {
        if (!ours) closed.resolve(performance.now())
      })
      arrival.resolve(value)
    },
    hasArrived: () => arrived,
    closedByClient: closed.promise,
    endedByUs() {
      ours = true
    },
  }
}

function exchangeOn(line: Line): Exchange {
  const write = async (text: string): Promise<void> => writeTo((await line.arrival).outgoing, text)
  const event = async (body: object): Promise<void> => write(`data: ${JSON.stringify(body)}\n\n`)

  let called = 0
  const exchange: Exchange = {
    arrived: line.arrival.then(({ request }) => request),
    closedByClient: line.closedByClient,
    async respond(answered) {
      const { chunks, calls = [], ...end } = typeof answered === 'string' ? { chunks: [answered] } : answered
      const { finish = calls.length > 0 ? 'tool_calls' : 'stop' }: Pick<WholeAnswer, 'finish'> = end
      const { request, outgoing } = await line.arrival
      if (!request.stream) {
        line.endedByUs()
        return sendJson(outgoing, 200, completion(request, chunks.join(''), finish))
      }
      for (const text of chunks) await exchange.chunk(text)
      for (const call of calls) await exchange.call(call)
      await exchange.end(finish)
    },
    async begin() {
      const { request } = await line.arrival
      await event(piece(request, { delta: { role: 'assistant', content: '' }, finish_reason: null }))
    },
    async chunk(text) {
      const { request, outgoing } = await line.arrival
      if (!outgoing.headersSent) await exchange.begin()
      await event(piece(request, { delta: { content: text }, finish_reason: null }))
    },
    async call({ id, name, arguments: given }) {
      const { request, outgoing } = await line.arrival
      if (!outgoing.headersSent) await exchange.begin()
      called += 1
      const call = { index: called - 1, id, type: 'function', function: { name, arguments: given } }
      await event(piece(request, { delta: { tool_calls: [call] }, finish_reason: null }))
    },
    async end(finish = 'stop') {
      const { request, outgoing } = await line.arrival
      if (!outgoing.headersSent) await exchange.begin()
      if (finish !== null) {
        await event(piece(request, { delta: {}, finish_reason: finish }))
        if (request.wantsUsage) await event({ ...piece(request, null), usage: USAGE })
        await write('data: [DONE]\n\n')
      }
      line.endedByUs()
      outgoing.end()
    },
    async fail(refusal) {
      const { outgoing } = await line.arrival
      line.endedByUs()
      outgoing.setHeaders(new Headers(refusal.headers ?? { 'retry-after-ms': '1' }))
      sendJson(outgoing, refusal.status, errorBody(refusal))
    },
    async failInStream(refusal) {
      await event(errorBody(refusal))
      const { outgoing } = await line.arrival
      line.endedByUs()
      outgoing.end()
    },
    async cut() {
      const { outgoing } = await line.arrival
      line.endedByUs()
      outgoing.socket?.resetAndDestroy()
    },
    raw: write,
  }
  return exchange
}

/** Resolves once the bytes are with the socket, or the client is gone. */
async function writeTo(outgoing: ServerResponse, text: string): Promise<void> {
  if (!outgoing.headersSent) outgoing.writeHead(200, WORKING_HEADERS)
  if (!outgoing.destroyed) await new Promise<void>((resolve) => outgoing.write(text, () => resolve()))
}

function answer(exchange: Exchange, answered: Answer): Promise<void> {
  return typeof answered === 'object' && 'fail' in answered ? exchange.fail(answered.fail) : exchange.respond(answered)
}

function piece(request: ModelRequest, choice: object | null): object {
  const choices = choice === null ? [] : [{ index: 0, ...choice }]
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: request.model, choices }
}

function completion(request: ModelRequest, content: string, finish: WholeAnswer['finish']): object {
  const choice = { index: 0, message: { role: 'assistant', content }, finish_reason: finish }
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: request.model,
    choices: [choice],
    usage: USAGE,
  }
}

function errorBody({ status, message, code }: Refusal): object {
  return { error: { message: message ?? `status ${status}`, type: 'error', param: null, code: code ?? null } }
}

function sendJson(outgoing: ServerResponse, status: number, body: object): void {
  outgoing.writeHead(status, { 'content-type': 'application/json' })
  outgoing.end(JSON.stringify(body))
}
