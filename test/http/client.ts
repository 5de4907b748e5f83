// A client for the port's tests: real sockets, and server-sent events as they come.

import { request } from 'node:http'
import { type HttpOptions, type HttpServer, startHttp } from '../../src/http/server.ts'
import { realWorld } from '../../src/world.ts'
import { createGatewayDouble, type GatewayDouble, silentLog } from './double.ts'

export interface Running {
  readonly server: HttpServer
  readonly gateway: GatewayDouble
}

const running: HttpServer[] = []

export async function start(options: Partial<HttpOptions> = {}): Promise<Running> {
  const world = options.world ?? realWorld({})
  const gateway = createGatewayDouble(world, ['a', 'b'])
  const server = await startHttp({
    host: '127.0.0.1',
    port: 0,
    token: () => null,
    allowedOrigins: () => [],
    gateway,
    log: silentLog,
    world,
    ...options,
  })
  running.push(server)
  return { server, gateway }
}

export async function closeAll(): Promise<void> {
  await Promise.all(running.splice(0).map((server) => server.close()))
}

/** fetch with JSON both ways. `Connection: close`, so that a test leaves no socket. */
export async function ask(url: string, init: RequestInit & { json?: unknown } = {}) {
  const { json, ...rest } = init
  const headers = new Headers(rest.headers)
  if (json !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json')
  const response = await fetch(url, {
    ...rest,
    headers,
    ...(json === undefined ? {} : { method: rest.method ?? 'POST', body: JSON.stringify(json) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: parse(text) }
}

/** With headers that fetch does not let a program set (Host, Origin, Sec-Fetch-Site). */
export function raw(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer },
) {
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
    const sent = request(
      url,
      { method: options.method ?? 'GET', headers: options.headers ?? {}, agent: false },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk) => (text += chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
        response.on('error', reject)
      },
    )
    sent.on('error', reject)
    sent.end(options.body)
  })
}

export interface Frame {
  readonly event: string
  readonly id: string | null
  readonly data: Record<string, unknown>
}

export async function events(url: string, headers: Record<string, string> = {}) {
  const aborter = new AbortController()
  const response = await fetch(url, { headers, signal: aborter.signal })
  const frames: Frame[] = []
  const comments: string[] = []
  let wake = () => {}
  const ended = (async () => {
    let rest = ''
    const decoder = new TextDecoder()
    try {
      for await (const chunk of response.body ?? []) {
        rest += decoder.decode(chunk, { stream: true })
        const blocks = rest.split('\n\n')
        rest = blocks.pop() ?? ''
        for (const block of blocks) {
          const parsed = frame(block)
          if (parsed === null) comments.push(block)
          else frames.push(parsed)
        }
        wake()
      }
    } catch {
      // The test, or the server, ended it.
    }
  })()
  return {
    response,
    frames,
    comments,
    ended,
    leave: () => aborter.abort(),
    /** Resolves when `count` frames have come; the test's own time limit ends a wait in vain. */
    async until(count: number): Promise<readonly Frame[]> {
      while (frames.length < count) await new Promise<void>((resolve) => (wake = resolve))
      return frames
    },
  }
}

function frame(block: string): Frame | null {
  const lines = block.split('\n')
  const value = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? null
  const event = value('event')
  return event === null ? null : { event, id: value('id'), data: JSON.parse(value('data') ?? '') }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
