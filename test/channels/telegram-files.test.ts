// Telegram files: fetched from a strict Bot API server, within a bound, closed at once, and without the token in anything that is said.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Failure, FailureError } from '../../machines/failure.ts'
import { type Attachment, UNKNOWN_ATTACHMENT } from '../../machines/media.ts'
import type { Fetching } from '../../src/channels/adapter.ts'
import { createTelegramAdapter } from '../../src/channels/telegram.ts'
import { download } from '../../src/channels/telegram-download.ts'
import { startBotApi } from '../support/bot-api/server.ts'
import { soon } from '../support/soon.ts'
import { telegramParts, TOKEN } from './telegram-support.ts'

async function open() {
  const api = await startBotApi()
  onTestFinished(() => api.close())
  const bot = api.addBot({ token: TOKEN, username: 'cfo_bot' })
  const { parts, lines } = telegramParts({ apiRoot: api.url })
  return { api, bot, lines, adapter: createTelegramAdapter(parts), anna: api.person() }
}

type Opened = Awaited<ReturnType<typeof open>>

/** What the update of the newest message names. */
function attachmentOf({ bot, anna }: Opened): Attachment {
  const message = bot.shown(anna.id).at(-1)?.message
  const reference = message?.document?.file_id ?? message?.voice?.file_id ?? message?.photo?.at(-1)?.file_id ?? ''
  return { ...UNKNOWN_ATTACHMENT, kind: 'document', reference }
}

interface Taken {
  readonly bytes: Buffer
  readonly failure: Failure | null
  readonly said: string
}

async function fetched(opened: Opened, given: Partial<Fetching> = {}): Promise<Taken> {
  const pieces: Uint8Array[] = []
  const take = async (piece: Uint8Array): Promise<void> => void pieces.push(piece)
  const fetching = { bytesMax: 1_000_000, withinMs: 5_000, signal: new AbortController().signal, take, ...given }
  const thrown = await opened.adapter.fetch(attachmentOf(opened), fetching).catch((error: unknown) => error)
  const failure = thrown instanceof FailureError ? thrown.failure : null
  if (thrown !== undefined && failure === null) throw new Error('not a failure', { cause: thrown })
  const said = thrown instanceof Error ? `${thrown.stack} ${JSON.stringify(thrown)} ${String(thrown.cause)}` : ''
  return { bytes: Buffer.concat(pieces), failure, said }
}

test('a file comes whole, once', async () => {
  const opened = await open()
  const content = Buffer.alloc(300_000, 'abc')
  opened.anna.sendsDocument(opened.bot, { content })
  const { bytes, failure } = await fetched(opened)
  expect(failure).toBe(null)
  expect(bytes.equals(content)).toBe(true)
  expect(opened.bot.calls.map(({ method }) => method)).toEqual(['getFile', 'download'])
})

test('S14 a file that is larger than it may be is cut off, before it is fetched when the server says so', async () => {
  const opened = await open()
  opened.anna.sendsDocument(opened.bot, { content: Buffer.alloc(50_001) })
  const { failure, bytes } = await fetched(opened, { bytesMax: 50_000 })
  expect(failure).toMatchObject({ reason: 'refused', message: 'it is larger than 50.0 KB' })
  expect(bytes.length).toBe(0)
})

test('the 20 MB that Telegram lets a bot fetch are said', async () => {
  const opened = await open()
  opened.anna.sendsVoice(opened.bot, { content: Buffer.alloc(21 * 1024 * 1024) })
  const { failure } = await fetched(opened)
  expect(failure).toEqual({
    kind: 'permanent',
    reason: 'refused',
    message: 'Telegram gives bots no file larger than 20 MB',
    remedy: 'Send a smaller one, or a link to it',
  })
})

describe('A3 what fails says no token', () => {
  test.each([
    ['getFile', { kind: 'error', code: 400, description: 'Bad Request: wrong file_id' }, 'permanent'],
    ['getFile', { kind: 'error', code: 401, description: 'Unauthorized' }, 'permanent'],
    ['getFile', { kind: 'cut' }, 'retryable'],
    ['download', { kind: 'cut' }, 'retryable'],
    ['download', { kind: 'cutAfter' }, 'retryable'],
    ['download', { kind: 'html', code: 502 }, 'retryable'],
    ['download', { kind: 'error', code: 404, description: 'Not Found' }, 'permanent'],
  ] as const)('%s, %j', async (method, fault, kind) => {
    const opened = await open()
    opened.anna.sendsDocument(opened.bot)
    opened.bot.faults.next(method, fault)
    const { failure, said } = await fetched(opened)
    expect(failure?.kind).toBe(kind)
    for (const spelling of [TOKEN, encodeURIComponent(TOKEN), TOKEN.slice(5)]) expect(said).not.toContain(spelling)
    expect(opened.lines.join()).not.toContain(TOKEN.slice(5))
  })

  test('a redirect is not followed with it', async () => {
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.writeHead(302, { location: `/elsewhere${request.url}` }).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file/bot${TOKEN}`
    const take = async (): Promise<void> => {}
    const fetching = { bytesMax: 10, signal: new AbortController().signal, take }
    await expect(download(root, 'a/b.txt', fetching)).rejects.toThrow('Telegram answered 302')
    expect(asked).toEqual([`/file/bot${TOKEN}/a/b.txt`])
  })
})

test('a file without end, whose size nobody says, is cut off at the bound', async () => {
  let closed = false
  const server = createServer((request, response) => {
    const timer = setInterval(() => response.write(Buffer.alloc(1_000)), 1)
    request.on('close', () => {
      clearInterval(timer)
      closed = true
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  let bytes = 0
  const take = async (piece: Uint8Array): Promise<void> => void (bytes += piece.length)
  const fetching = { bytesMax: 10_000, signal: new AbortController().signal, take }
  const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file/bot${TOKEN}`
  await expect(download(root, 'a', fetching)).rejects.toThrow('it is larger than 10.0 KB')
  expect(bytes).toBeLessThanOrEqual(10_000)
  await soon(() => expect(closed).toBe(true))
})

test.each(['/var/lib/bot/file.txt', '../../getMe', 'a//b', ''])('%j is no path of a file', async (path) => {
  const fetching = { bytesMax: 10, signal: new AbortController().signal, take: async () => {} }
  await expect(download('http://127.0.0.1:1/file/botX', path, fetching)).rejects.toThrow(/its own disk|named no file/)
})

test('an abort closes the download, and its deadline does', async () => {
  for (const how of ['abort', 'deadline'] as const) {
    const opened = await open()
    opened.anna.sendsDocument(opened.bot)
    opened.bot.faults.next('download', { kind: 'hang' })
    const controller = new AbortController()
    const fetching = fetched(opened, { signal: controller.signal, withinMs: how === 'abort' ? 5_000 : 100 })
    const call = await opened.bot.waitFor((bot) => bot.calls.find(({ method }) => method === 'download'))
    if (how === 'abort') controller.abort()
    expect((await fetching).failure?.kind).toBe('retryable')
    await opened.bot.waitFor(() => call.aborted)
  }
})

test('what cannot be taken ends the download with its own error', async () => {
  const opened = await open()
  opened.anna.sendsDocument(opened.bot)
  const full = new FailureError({ kind: 'permanent', reason: 'storage', message: 'the disk is full' })
  expect((await fetched(opened, { take: () => Promise.reject(full) })).failure).toBe(full.failure)
})
