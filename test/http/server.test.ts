// The socket under the port: taking it, giving it back, and clients that do not behave.

import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { CLOSE_MS_MAX, REQUEST_MS_MAX } from '../../src/http/limits.ts'
import { ask, closeAll, events, start } from './client.ts'
import { manualWorld } from './double.ts'

afterEach(closeAll)

test('port 0 is a free port, and the url is the one to open', async () => {
  const { server } = await start()
  expect(server.port).toBeGreaterThan(0)
  expect(server.url).toBe(`http://127.0.0.1:${server.port}`)
})

test('a port that is taken is a permanent conflict, in a plain sentence', async () => {
  const { server } = await start()
  const failure = await start({ port: server.port }).then(
    () => null,
    (error: unknown) => (error instanceof FailureError ? error.failure : null),
  )
  expect(failure).toMatchObject({ kind: 'permanent', reason: 'conflict' })
  expect(failure?.message).toBe(`Port ${server.port} on 127.0.0.1 is taken by another program.`)
})

test('an address that is not of this machine is refused in words', async () => {
  await expect(start({ host: '203.0.113.7' })).rejects.toThrow('cannot listen on 203.0.113.7')
})

test('H4: close ends streams and idle sockets at once, and the port is free', async () => {
  // A clock that stands still: nothing is ended by its deadline.
  const { server, gateway } = await start({ world: manualWorld() })
  const streams = await Promise.all([1, 2, 3].map(() => events(`${server.url}/channels/a/conversations/c/events`)))
  await fetch(`${server.url}/healthz`).then((response) => response.text())
  await Promise.all([server.close(), server.close()])
  await Promise.all(streams.map((stream) => stream.ended))
  await expect(ask(`${server.url}/healthz`)).rejects.toThrow()
  await gateway.channels.get('a')?.disconnect()
  const again = await start({ port: server.port })
  expect((await ask(`${again.server.url}/healthz`)).status).toBe(200)
})

test('H4: close resolves within a second when a request hangs', async () => {
  const world = manualWorld()
  const { server, gateway } = await start({ world })
  const asked = Promise.withResolvers<void>()
  gateway.status = () => {
    asked.resolve()
    return new Promise(() => {})
  }
  const hanging = ask(`${server.url}/status`).catch(() => 'cut')
  await asked.promise
  const closed = server.close()
  expect(CLOSE_MS_MAX).toBeLessThan(1_000)
  world.advance(CLOSE_MS_MAX)
  await closed
  expect(await hanging).toBe('cut')
})

test('H4: a request under way when the server closes gets its answer', async () => {
  const { server, gateway } = await start()
  const [status, asked, told] = [await gateway.status(), Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  gateway.status = async () => {
    asked.resolve()
    await told.promise
    return status
  }
  const slow = ask(`${server.url}/status`)
  await asked.promise
  const closed = server.close()
  told.resolve()
  expect((await slow).status).toBe(200)
  await closed
})

test('a body that does not come is not waited for; one that may have files gets longer', async () => {
  const world = manualWorld()
  const { server, gateway } = await start({ world })
  gateway.agents = { models: () => [], lacks: () => null, ask: () => new Promise(() => {}) }
  const half = (type: string, path = '/channels/a/messages') =>
    speak(
      server.port,
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${type}\r\nContent-Length: 100\r\n\r\n{`,
    )
  const late = half('application/json')
  let ended = 0
  const form = half('multipart/form-data; boundary=XX').finally(() => (ended += 1))
  const asked = half('application/json', '/v1/chat/completions').finally(() => (ended += 1))
  await expect.poll(() => world.timers).toBe(1)
  world.advance(REQUEST_MS_MAX)
  expect((await late).split('\r\n')[0]).toBe('HTTP/1.1 408 Request Timeout')
  expect([world.timers, ended]).toEqual([0, 0])
  const closed = server.close()
  world.advance(CLOSE_MS_MAX)
  await Promise.all([closed, form, asked])
})

test('what is not HTTP is answered with an error of the usual shape, and the server goes on', async () => {
  const { server } = await start()
  const cases = [
    ['nonsense\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost:\r\n\r\n', 403],
    ['GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ] as const
  for (const [text, status] of cases) {
    const answer = await speak(server.port, text)
    expect(answer.split('\r\n')[0], text.slice(0, 30)).toContain(String(status))
  }
  const broken = await speak(server.port, 'nonsense\r\n\r\n')
  expect(JSON.parse(broken.split('\r\n\r\n')[1] ?? '')).toMatchObject({ error: { code: 'bad_request' } })
  expect((await ask(`${server.url}/healthz`)).status).toBe(200)
})

test('a health check in HTTP/1.0, which names no host, is answered', async () => {
  const { server } = await start()
  expect(await speak(server.port, 'GET /healthz HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
})

/** Sends bytes and returns what comes back until the server hangs up. */
function speak(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => {
      answer += chunk
      if (answer.includes('\r\n\r\n')) socket.end()
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}
