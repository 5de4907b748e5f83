// MCP over HTTP: what every request to a server goes through.
//   No redirect is followed: the headers hold secrets, and are for the address in the file alone.
//   A body is bounded. A stream that ends without an answer is one: a call never waits for what cannot come.
//   A server that is not reached, or has forgotten us, is one that ended.

import type { Failure } from '../../machines/failure.ts'
import { codeOf } from './failures.ts'

/** All that one answer may take, its progress and logs included. */
const BODY_BYTES_MAX = 32 * 1024 * 1024

/** What is told in passing is not waited for. */
const ASIDE_MS_MAX = 1_000

interface Door {
  readonly fetch: typeof fetch
  /** Why it is over; never rejects. */
  readonly ended: Promise<Failure>
}

export function httpDoor(): Door {
  const ended = Promise.withResolvers<Failure>()
  const door: typeof fetch = async (address, init = {}) => {
    // A second stream, for what nobody asked for; nobody would hear it.
    if (init.method === 'GET') return new Response(null, { status: 405 })
    const request = requestIn(init)
    if (request !== null && request.method === 'tools/call') tellWhenDropped(address, init, request)
    try {
      const response = await fetch(address, { ...init, redirect: 'error' })
      if (response.status === 404 && headerOf(init, 'mcp-session-id') !== null) ended.resolve(FORGOTTEN)
      return bounded(response, request)
    } catch (error) {
      if (init.signal?.aborted !== true && init.method !== 'DELETE') ended.resolve(notReached(error))
      throw error
    }
  }
  return { fetch: door, ended: ended.promise }
}

interface Request {
  readonly id: string | number
  readonly method: string
}

/** The request in a body; null: it is none, or one that nobody waits for. */
function requestIn({ body }: RequestInit): Request | null {
  const message: unknown = typeof body === 'string' ? JSON.parse(body) : null
  if (typeof message !== 'object' || message === null || !('id' in message) || !('method' in message)) return null
  return message as Request // as: made by the client library, which names both
}

function headerOf({ headers }: RequestInit, name: string): string | null {
  return new Headers(headers).get(name)
}

/** Older servers go on with a call whose connection is gone; newer ones take its end for a word. */
function tellWhenDropped(address: string | URL | globalThis.Request, init: RequestInit, { id }: Request): void {
  if (headerOf(init, 'mcp-method') !== null) return
  const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } }
  init.signal?.addEventListener('abort', () => {
    const signal = AbortSignal.timeout(ASIDE_MS_MAX)
    fetch(address, { ...init, body: JSON.stringify(cancelled), signal, redirect: 'error' }).then(
      (response) => response.body?.cancel(),
      () => {},
    )
  })
}

/** The same answer, no longer than it may be. */
function bounded(response: Response, request: Request | null): Response {
  const { status, headers, body } = response
  if (body === null) return response
  const isStream = (headers.get('content-type') ?? '').includes('text/event-stream')
  const last = isStream && request !== null ? lastWord(request) : null
  return new Response(body.pipeThrough(limited(last)), { status, headers })
}

function limited(last: Uint8Array | null): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length
      if (bytes <= BODY_BYTES_MAX) return controller.enqueue(chunk)
      if (last === null) return controller.error(new Error(TOO_MUCH))
      controller.enqueue(last)
      controller.terminate()
    },
    flush(controller) {
      if (last !== null) controller.enqueue(last)
    },
  })
}

/** Answers what was not answered; of a request that was, nobody reads another answer. */
function lastWord({ id }: Request): Uint8Array {
  const error = { code: NO_ANSWER, message: 'the answer broke off, or was too long' }
  return new TextEncoder().encode(`\n\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, error })}\n\n`)
}

/** In the part of JSON-RPC's codes that is free for us. */
const NO_ANSWER = -32_099

const TOO_MUCH = `an answer has more than ${BODY_BYTES_MAX / 1024 ** 2} MB`

const FORGOTTEN: Failure = { kind: 'retryable', reason: 'unavailable', message: 'it has forgotten our session' }

function notReached(error: unknown): Failure {
  const cause = error instanceof Error ? error.cause : null
  const code =
    codeOf(cause) || (cause instanceof Error && /redirect/.test(cause.message) ? 'it redirects' : 'no answer')
  const message = `it could not be reached (${code})`
  return { kind: 'retryable', reason: 'unavailable', message, remedy: 'Check its url in the file, and that it runs' }
}
