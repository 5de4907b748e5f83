// Http: the wire. One node:http server on 127.0.0.1 that finds the bot and the method of a request, applies planned faults,
// and answers in Telegram's envelope. Whatever a client sends, the server goes on serving.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import type { Bot } from './bot.ts'
import { readParameters } from './body.ts'
import type { RecordedCall } from './calls.ts'
import type { Fault } from './control.ts'
import { type Answer, findMethod, type NamedMethod } from './methods.ts'
import type { Parameters } from './parameters.ts'
import { Refusal, unauthorized } from './refusal.ts'
import type { Telegram } from './telegram.ts'

/** Two polls of a bot that overlap for less than this are one client's. */
const LEAVING_MS_MAX = 25

/** The end of a connection is read, answered and told in this many turns of the event loop at most. */
const TURNS_OF_AN_END = 4

/** Starts listening; resolves with the server and its address. */
export async function listen(telegram: Telegram): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    handle(telegram, request, response).catch(() => response.destroy())
  })
  // Longer than any client keeps an idle connection, so that none is closed under a request.
  server.keepAliveTimeout = 75_000
  server.headersTimeout = 80_000
  server.on('clientError', (_error, socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The Bot API server has no port.')
  return { server, url: `http://127.0.0.1:${address.port}` }
}

async function handle(telegram: Telegram, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.on('error', () => response.destroy())
  try {
    await route(telegram, request, response)
  } catch (error) {
    if (response.headersSent || response.destroyed) return
    reply(response, outcomeOf(error))
  }
}

async function route(telegram: Telegram, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const target = request.url ?? '/'
  const question = target.indexOf('?')
  const path = question < 0 ? target : target.slice(0, question)
  const query = new URLSearchParams(question < 0 ? '' : target.slice(question + 1))
  const file = /^\/file\/bot([^/]+)\/(.+)$/.exec(path)
  if (file !== null) {
    if (request.method !== 'GET') throw new Refusal(404, 'Not Found')
    const bot = findBot(telegram, file[1] ?? '')
    return download({ bot, response, path: file[2] ?? '', parameters: await readParameters(request, query) })
  }
  const call = /^\/bot([^/]+)\/([^/]+)\/?$/.exec(path)
  if (call === null) throw new Refusal(404, 'Not Found')
  if (request.method !== 'GET' && request.method !== 'POST') throw new Refusal(501, 'Not Implemented')
  const parameters = await readParameters(request, query)
  const bot = findBot(telegram, call[1] ?? '')
  await serve({ bot, method: findMethod(call[2] ?? ''), parameters, response })
}

interface Exchange {
  readonly bot: Bot
  readonly method: NamedMethod
  readonly parameters: Parameters
  readonly response: ServerResponse
}

async function serve(exchange: Exchange): Promise<void> {
  const { bot, method, parameters, response } = exchange
  const uploads = [...parameters.files].map(([name, { fileName, content }]) => [
    name,
    `${fileName} (${content.length} B)`,
  ])
  const call = bot.log.begin(method.name, { ...parameters.values, ...Object.fromEntries(uploads) })
  const gone = watch(exchange, call)
  const fault = bot.faults.take(method.name, parameters)
  if (fault !== undefined && (await actInstead(fault, response, call))) return
  const outcome = await perform(exchange, call, gone).catch(outcomeOf)
  if (fault?.kind === 'cutAfter') return cut(response, call)
  if (fault?.kind === 'delay') {
    await sleep(fault.ms, undefined, { signal: AbortSignal.any([gone, bot.telegram.closing.signal]) }).catch(() => {})
  }
  if (gone.aborted) return
  call.answered(outcome.status, outcome.body.ok ? undefined : outcome.body.description)
  reply(response, outcome)
}

async function perform(exchange: Exchange, call: RecordedCall, gone: AbortSignal): Promise<Outcome> {
  const { bot, method, parameters, response } = exchange
  if (bot.revoked) throw unauthorized()
  if (method.name !== 'getUpdates') return success(await method.act({ bot, parameters, gone }))
  // A client that ends one poll and begins the next is no second client, although its new request can overtake the end of
  // the old connection: wait until that was seen.
  if (bot.updates.held > 0) await bot.log.waitFor(() => bot.updates.held === 0, LEAVING_MS_MAX).catch(() => {})
  // On a busy machine the time is over before anybody has looked at the sockets again.
  for (let turn = 0; turn < TURNS_OF_AN_END && bot.updates.held > 0; turn += 1) await nextTurn()
  const drop = (): void => cut(response, call)
  bot.heldSockets.add(drop)
  try {
    return success(await method.act({ bot, parameters, gone }))
  } finally {
    bot.heldSockets.delete(drop)
  }
}

/** Faults that keep the server from acting; true when the request is dealt with. */
async function actInstead(fault: Fault, response: ServerResponse, call: RecordedCall): Promise<boolean> {
  switch (fault.kind) {
    case 'hang':
      return true
    case 'cut':
      cut(response, call)
      return true
    case 'garbage':
      call.answered(200, undefined)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":tru')
      return true
    case 'html':
      call.answered(fault.code, undefined)
      response.writeHead(fault.code, { 'content-type': 'text/html' })
      response.end(`<html><head><title>${fault.code}</title></head><body><center>nginx</center></body></html>`)
      return true
    case 'error': {
      const wait = fault.retryAfter === undefined ? undefined : { retry_after: fault.retryAfter }
      const outcome = outcomeOf(new Refusal(fault.code, fault.description, wait))
      call.answered(fault.code, fault.description)
      reply(response, outcome)
      return true
    }
    case 'cutAfter':
    case 'delay':
      return false
  }
}

/** Aborts when the connection ends before the answer was given. */
function watch({ bot, response }: Pick<Exchange, 'bot' | 'response'>, call: RecordedCall): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => {
    if (response.writableEnded) return
    // Whoever cuts on this side has ended the call already.
    if (bot.telegram.closing.signal.aborted) call.cut()
    else if (call.endedAt === null) call.abortedByClient()
    gone.abort()
  })
  return gone.signal
}

function cut(response: ServerResponse, call: RecordedCall): void {
  call.cut()
  response.destroy()
}

function findBot(telegram: Telegram, token: string): Bot {
  const bot = telegram.bots.get(unescaped(token))
  if (bot === undefined) throw unauthorized()
  return bot
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Recorded as a call, and failed as one, under the name `download`. */
async function download(file: Omit<Exchange, 'method'> & { readonly path: string }): Promise<void> {
  const { bot, response, path, parameters } = file
  const call = bot.log.begin('download', { path })
  const gone = watch(file, call)
  const fault = bot.faults.take('download', parameters)
  if (fault !== undefined && (await actInstead(fault, response, call))) return
  const stored = bot.telegram.files.byPath(unescaped(path))
  if (bot.revoked || stored === undefined) {
    const outcome = outcomeOf(bot.revoked ? unauthorized() : new Refusal(404, 'Not Found'))
    call.answered(outcome.status, undefined)
    return reply(response, outcome)
  }
  const { content } = stored
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': content.length })
  if (fault?.kind === 'cutAfter') {
    await new Promise<void>((resolve) => response.write(content.subarray(0, content.length / 2), () => resolve()))
    return cut(response, call)
  }
  if (fault?.kind === 'delay') await sleep(fault.ms, undefined, { signal: gone }).catch(() => {})
  if (gone.aborted) return
  call.answered(200, undefined)
  response.end(content)
}

interface Outcome {
  readonly status: number
  readonly retryAfter?: number
  readonly body:
    | ({ readonly ok: true } & Answer)
    | { readonly ok: false; readonly error_code: number; readonly description: string; readonly parameters?: unknown }
}

function success(answer: Answer): Outcome {
  return { status: 200, body: { ok: true, ...answer } }
}

function outcomeOf(error: unknown): Outcome {
  const refusal = error instanceof Refusal ? error : new Refusal(500, `Internal Server Error: ${String(error)}`)
  const { code, message, parameters } = refusal
  const more = parameters === undefined ? {} : { parameters }
  const body = { ok: false as const, error_code: code, description: message, ...more }
  const retryAfter = parameters?.retry_after
  return { status: code, body, ...(retryAfter === undefined ? {} : { retryAfter }) }
}

function reply(response: ServerResponse, outcome: Outcome): void {
  const body = JSON.stringify(outcome.body)
  if (outcome.retryAfter !== undefined) response.setHeader('retry-after', outcome.retryAfter)
  response.writeHead(outcome.status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
