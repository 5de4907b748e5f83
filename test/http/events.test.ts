// Server-sent events: shapes, resumption, heartbeats, slow readers and limits, over real sockets.

import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createStreams, type Subscription } from '../../src/http/events.ts'
import { HEARTBEAT_MS, STALL_MS_MAX, STREAMS_MAX } from '../../src/http/limits.ts'
import { ask, closeAll, events, start } from './client.ts'
import { manualWorld, silentLog } from './double.ts'

afterEach(closeAll)

const path = '/channels/a/conversations/c/events'

/** What has not moved for so many looks does not move: the sockets of a busy machine take some milliseconds. */
const LOOKS_AT_REST = 5

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('the three kinds of frames have the promised shapes; only messages move the id', async () => {
  const { server, gateway } = await start()
  const stream = await events(`${server.url}${path}`)
  const channel = gateway.channels.get('a')
  await ask(`${server.url}/channels/a/messages`, { json: { conversation: 'c', user: 'u', text: 'two\nlines' } })
  await stream.until(1)
  channel?.state('c', 'running')
  channel?.delta('c', 't1', 'wor')
  await stream.until(3)
  await channel?.reply('c', 'works')
  expect(await stream.until(4)).toEqual([
    { event: 'message', id: '1', data: { id: '1', role: 'user', text: 'two\nlines' } },
    { event: 'state', id: null, data: { session: 's:c', state: 'running' } },
    { event: 'delta', id: null, data: { turn: 't1', text: 'wor' } },
    { event: 'message', id: '2', data: { id: '2', role: 'assistant', text: 'works' } },
  ])
  stream.leave()
})

test('the first bytes come at once, in an empty conversation too', async () => {
  // On a clock that stands still: none of them waited for anything.
  const { server } = await start({ world: manualWorld() })
  const stream = await events(`${server.url}${path}`)
  await until(() => stream.comments.length > 0)
  expect(stream.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(stream.response.headers.get('cache-control')).toBe('no-store')
  expect(stream.comments[0]).toBe('retry: 1000')
  stream.leave()
})

test('history comes first; Last-Event-ID resumes after it, by header or by query; nonsense is 400', async () => {
  const { server, gateway } = await start()
  for (let i = 1; i <= 250; i++) gateway.channels.get('a')?.journal.write('c', 'user', `m${i}`, `${i}`)
  const ids = async (query: string, headers: Record<string, string>, count: number) => {
    const stream = await events(`${server.url}${path}${query}`, headers)
    const frames = await stream.until(count)
    stream.leave()
    return frames.map((frame) => Number(frame.id))
  }
  const range = (from: number) => Array.from({ length: 251 - from }, (_, i) => from + i)
  expect(await ids('', {}, 250)).toEqual(range(1))
  expect(await ids('', { 'last-event-id': '247' }, 3)).toEqual(range(248))
  expect(await ids('?last_event_id=248', {}, 2)).toEqual(range(249))
  expect(await ids('?last_event_id=1', { 'last-event-id': '249' }, 1)).toEqual(range(250))
  for (const id of ['x', '-1', '1.5', '99999999999999999999']) {
    expect((await ask(`${server.url}${path}`, { headers: { 'last-event-id': id } })).status).toBe(400)
  }
})

test('a reader that leaves at every frame and comes back misses nothing and sees nothing twice', async () => {
  const { server, gateway } = await start()
  const seen: string[] = []
  const writer = (async () => {
    for (let i = 1; i <= 60; i++) {
      await gateway.channels.get('a')?.reply('c', `r${i}`)
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  while (seen.length < 60) {
    const stream = await events(`${server.url}${path}`, { 'last-event-id': String(seen.length) })
    await stream.until(1)
    stream.leave()
    for (const frame of stream.frames) seen.push(String(frame.data.text))
  }
  await writer
  expect(seen).toEqual(Array.from({ length: 60 }, (_, i) => `r${i + 1}`))
})

test('any conversation name comes through the address', async () => {
  const { server, gateway } = await start()
  for (const name of ['a/b', '100%', 'ä ö', '?#&=', '%2F', '😀', '...']) {
    gateway.channels.get('a')?.journal.write(name, 'user', name, name)
    const stream = await events(`${server.url}/channels/a/conversations/${encodeURIComponent(name)}/events`)
    expect((await stream.until(1))[0]?.data.text).toBe(name)
    stream.leave()
  }
  expect((await ask(`${server.url}/channels/a/conversations/${'x'.repeat(257)}/events`)).status).toBe(400)
})

test('a heartbeat comes while nothing else does', async () => {
  const world = manualWorld()
  const { server } = await start({ world })
  const stream = await events(`${server.url}${path}`)
  await until(() => stream.comments.length === 1)
  world.advance(HEARTBEAT_MS)
  await until(() => stream.comments.length === 2)
  world.advance(HEARTBEAT_MS)
  await until(() => stream.comments.length === 3)
  expect(stream.comments[2]).toBe(': still here')
  stream.leave()
})

test('a reader that leaves is forgotten at once, its heartbeat too', async () => {
  const world = manualWorld()
  const { server, gateway } = await start({ world })
  const stream = await events(`${server.url}${path}`)
  expect(world.timers).toBe(1)
  stream.leave()
  await until(() => world.timers === 0)
  const reads = gateway.channels.get('a')?.journal.reads
  await gateway.channels.get('a')?.reply('c', 'x')
  expect(gateway.channels.get('a')?.journal.reads).toBe(reads)
})

test('H2: a stuck reader holds a bounded part of a long history and is cut; it resumes where it was', async () => {
  const world = manualWorld()
  const { server, gateway } = await start({ world })
  const journal = gateway.channels.get('a')?.journal
  const text = 'x'.repeat(50_000)
  for (let i = 1; i <= 2_000; i++) journal?.write('c', 'user', text, String(i))
  const socket = connect(server.port, '127.0.0.1')
  let closed = false
  socket.on('close', () => (closed = true)).on('error', () => {})
  socket.pause()
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  // 100 MB wait for it; what is read of them stops where the socket's own buffers end.
  let [reads, looks] = [0, 0]
  await until(() => {
    looks = reads === journal?.reads ? looks + 1 : 0
    reads = journal?.reads ?? 0
    return reads > 0 && looks >= LOOKS_AT_REST && world.timers > 1
  })
  expect(reads).toBeLessThan(10)
  world.advance(STALL_MS_MAX)
  await until(() => world.timers === 0)
  socket.resume()
  await until(() => closed)
  const resumed = await events(`${server.url}${path}`, { 'last-event-id': '1998' })
  expect((await resumed.until(2)).map((frame) => frame.id)).toEqual(['1999', '2000'])
  resumed.leave()
})

test('H2: a reader that is slow but alive gets all of a long history', async () => {
  const { server, gateway } = await start()
  const text = 'x'.repeat(50_000)
  for (let i = 1; i <= 200; i++) gateway.channels.get('a')?.journal.write('c', 'user', text, String(i))
  const socket = connect(server.port, '127.0.0.1')
  let received = ''
  socket.setEncoding('utf8')
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  for await (const chunk of slowly(socket)) {
    received += chunk
    if (received.includes('id: 200\n') && received.endsWith('\n\n\r\n')) break
  }
  socket.destroy()
  expect([...received.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]))).toEqual(
    Array.from({ length: 200 }, (_, i) => i + 1),
  )
})

async function* slowly(socket: Socket) {
  let chunks = 0
  for await (const chunk of socket) {
    if (++chunks % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    yield chunk
  }
}

test('H2: a port that does not wait for its reader cannot fill the memory', () => {
  let emitted = 0
  let cut = 0
  const careless: Subscription['follow'] = async (emit, signal) => {
    while (!signal.aborted && emitted < 10_000)
      void emit({ name: 'message', id: String(++emitted), data: 'x'.repeat(10_000) })
  }
  const streams = createStreams({ world: manualWorld(), log: silentLog })
  streams.open({ follow: careless, cut: () => cut++ })
  expect(cut).toBe(1)
  expect(emitted).toBeLessThan(200)
  expect(streams.count).toBe(0)
})

test('H1: one stream more than the limit is 503, and a place is free when one ends', () => {
  const patient: Subscription['follow'] = (_emit, signal) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
  const world = manualWorld()
  const streams = createStreams({ world, log: silentLog })
  const open = () => streams.open({ follow: patient, cut() {} })
  const responses = Array.from({ length: STREAMS_MAX }, open)
  expect(open).toThrow('1000 event streams are open')
  void responses[0]?.body?.cancel()
  expect(open).not.toThrow()
  streams.endAll()
  expect(streams.count).toBe(0)
  expect(world.timers).toBe(0)
})

test('a journal that fails ends the stream, so that the client comes back', async () => {
  const { server, gateway } = await start()
  const journal = gateway.channels.get('a')?.journal
  if (journal !== undefined) journal.after = () => Promise.reject(new Error('the disk is gone'))
  const stream = await events(`${server.url}${path}`)
  await stream.ended
  expect(stream.frames).toEqual([])
})
