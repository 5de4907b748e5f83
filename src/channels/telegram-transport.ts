// Telegram transport: HTTP for grammY, with what its own transport does not tell: whether the request left, and when it is over.
// Owns one pool of connections per adapter; unused ones close by themselves.
//   A3. No error from here holds the URL, because the URL holds the token.
//   C2. A promise settles only when its request is closed: an aborted poll has ended before the next one can begin.

import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as SecureAgent, request as httpsRequest } from 'node:https'

/** A request without an answer of the Bot API. */
export class TransportError extends Error {
  /** True when the other side may have read the request. */
  readonly sent: boolean
  constructor(message: string, sent: boolean) {
    super(message)
    this.name = 'TransportError'
    this.sent = sent
  }
}

/** What grammY reads of an answer: a valid Bot API answer, or the promise was rejected. */
export interface Answer {
  json(): Promise<unknown>
}

interface RequestOptions {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body: string
  readonly signal: AbortSignal
}

/** A hundred updates of the longest messages with all their entities stay far below. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024

/** Shorter than servers keep an unused connection, so that a send seldom meets one that is being closed. */
const UNUSED_MS_MAX = 4_000

/** In place of grammY's `fetch`. Rejects with a TransportError. */
export function createTransport(): (url: string, options: RequestOptions) => Promise<Answer> {
  const pool = { keepAlive: true, timeout: UNUSED_MS_MAX, maxFreeSockets: 8 }
  const agent = new Agent(pool)
  const secureAgent = new SecureAgent(pool)
  return (url, { method, headers, body, signal }) => {
    if (signal.aborted) return Promise.reject(new TransportError('the request was ended before it began', false))
    // Node's own errors about a wrong URL would hold it, and with it the token.
    const protocol = URL.canParse(url) ? new URL(url).protocol : null
    if (protocol !== 'https:' && protocol !== 'http:') {
      return Promise.reject(new TransportError('the api_root is not an http or https URL', false))
    }
    const request =
      protocol === 'https:'
        ? httpsRequest(url, { method, headers, agent: secureAgent })
        : httpRequest(url, { method, headers, agent })
    return exchange(request, body, signal)
  }
}

function exchange(request: ClientRequest, body: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const connected = watchConnection(request)
    const chunks: Buffer[] = []
    let status = 0
    let problem: string | null = null
    const abort = () => request.destroy()
    signal.addEventListener('abort', abort)
    request.on('error', (error) => {
      problem = `the connection failed (${codeOf(error)})`
    })
    request.on('response', (response) => {
      status = response.statusCode ?? 0
      response.on('error', (error) => {
        problem = `the connection broke within the answer (${codeOf(error)})`
      })
      collect(response, chunks, () => request.destroy())
    })
    request.on('close', () => {
      signal.removeEventListener('abort', abort)
      if (signal.aborted) return reject(new TransportError('the request was ended', connected()))
      if (problem !== null) return reject(new TransportError(problem, connected()))
      const answer = parseAnswer(Buffer.concat(chunks).toString('utf8'))
      if (answer !== null) return resolve({ json: async () => answer })
      reject(new TransportError(`the answer was not one of the Bot API (HTTP status ${status})`, mayBeTaken(status)))
    })
    request.end(body)
  })
}

/**
 * The page of somebody between that refuses (4xx) or has nobody to ask (503) says that it was not done. Any other does not: a proxy
 * says 502 also of a server that took the request and broke off before its answer, and S49 allows no loop.
 */
function mayBeTaken(status: number): boolean {
  return status < 300 || (status >= 500 && status !== 503)
}

/** Before the connection stands nothing can have been read on the other side. */
function watchConnection(request: ClientRequest): () => boolean {
  let connected = false
  request.on('socket', (socket) => {
    connected = request.reusedSocket
    // A reused one connects no more: whoever waited for that on it would be kept for as long as it is open.
    if (connected) return
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', () => {
      connected = true
    })
  })
  return () => connected
}

function collect(response: IncomingMessage, chunks: Buffer[], giveUp: () => void): void {
  let bytes = 0
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > ANSWER_BYTES_MAX) return giveUp()
    chunks.push(chunk)
  })
}

function parseAnswer(text: string): object | null {
  try {
    const answer: unknown = JSON.parse(text)
    if (typeof answer !== 'object' || answer === null || !('ok' in answer)) return null
    if (answer.ok === true) return 'result' in answer ? answer : null
    return 'error_code' in answer && Number.isInteger(answer.error_code) ? answer : null
  } catch {
    return null
  }
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : 'no code'
}
