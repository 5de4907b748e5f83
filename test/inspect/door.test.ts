// The relay's door: who may come in, what the page's files may do, and how it ends.

import { connect, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { CLOSE_MS_MAX } from '../../src/inspect/limits.ts'
import { startRelay } from '../../src/inspect/relay.ts'
import { realWorld } from '../../src/world.ts'
import { silentLog, testWorld } from '../support/world.ts'
import { clientOf, converse, inspectorOf, namesOf, openHouseOfTwo, relayOf } from './support.ts'

test.each([
  ['a page of this machine', { origin: 'http://localhost:3000' }],
  ['a page of this machine by its address', { origin: 'http://127.0.0.1:1234' }],
  ['a page of this machine on IPv6', { origin: 'http://[::1]:80' }],
  ['Stately’s page', { origin: 'https://stately.ai' }],
  ['a program', {}],
])('I5: %s may listen', async (_, headers: Record<string, string>) => {
  const house = await openHouseOfTwo()
  const client = await clientOf(await relayOf(inspectorOf(house)), headers)
  expect(namesOf(client.heard)).toContain('gateway')
})

test.each([
  ['another page', { origin: 'https://example.com' }],
  ['a page that only looks like Stately’s', { origin: 'https://stately.ai.example.com' }],
  ['Stately’s page without encryption', { origin: 'http://stately.ai' }],
  ['a page that only looks local', { origin: 'http://localhost.example.com' }],
  ['a page from a file or a sandbox', { origin: 'null' }],
  ['an extension', { origin: 'chrome-extension://localhost' }],
  ['a name that was pointed at this machine', { host: 'rebound.example.com' }],
])('I5: %s may not', async (_, headers: Record<string, string>) => {
  const house = await openHouseOfTwo()
  await expect(clientOf(await relayOf(inspectorOf(house)), headers)).rejects.toThrow('403')
})

test('I5: the page answers to local names only, and serves its own files only', async () => {
  const house = await openHouseOfTwo()
  const { url, port } = await relayOf(inspectorOf(house))
  expect((await fetch(url)).status).toBe(200)
  for (const path of ['bridge.ts', '../console/console.js', '%2e%2e/package.json', 'constructor', 'bridge.js/']) {
    expect((await fetch(new URL(path, url))).status, path).toBe(404)
  }
  expect((await fetch(url, { method: 'POST' })).status).toBe(405)
  expect((await fetch(url, { headers: { origin: 'https://example.com' } })).status).toBe(403)
  expect(await rawAnswer(port, 'GET / HTTP/1.1\r\nHost: rebound.example.com\r\n\r\n')).toContain('403')
  expect(await rawAnswer(port, 'GET / HTTP/1.0\r\n\r\n')).toContain('403')
})

test('I6: the page may run its own script and hold Stately’s page, nothing else', async () => {
  const house = await openHouseOfTwo()
  const { url, port } = await relayOf(inspectorOf(house))
  const response = await fetch(url)
  const policy = response.headers.get('content-security-policy')
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
  expect(policy).toContain(`connect-src 'self' ws://127.0.0.1:${port}; frame-src https://stately.ai;`)
  expect(await response.text()).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|style=/)
})

test('I7: the end says goodbye, cuts who does not go, and takes less than a second', async () => {
  const [house, world] = [await openHouseOfTwo(), testWorld()]
  const relay = await relayOf(inspectorOf(house), { world })
  const [polite, stuck] = [await clientOf(relay), await clientOf(relay)]
  stuck.socket.pause()
  const idle = connect(relay.port, '127.0.0.1')
  idle.on('error', () => {})
  await new Promise((resolve) => idle.once('connect', resolve))
  const closed = Promise.all([relay.close(), relay.close()])
  expect(await polite.closed).toBe(1001)
  expect(CLOSE_MS_MAX).toBeLessThan(1_000)
  await world.advance(CLOSE_MS_MAX)
  await closed
  await expect(clientOf(relay)).rejects.toThrow()
  await converse(house, 'cfo')
  expect(house.platform('cfo').sent).toHaveLength(1)
})

test('after a loss a client comes again to the same address', async () => {
  const house = await openHouseOfTwo()
  const first = await relayOf(inspectorOf(house))
  const { port } = first
  await clientOf(first)
  await first.close()
  const second = await relayOf(inspectorOf(house), { port })
  expect(namesOf((await clientOf(second)).heard)).toContain('gateway')
})

test('a port that is taken is said in words', async () => {
  const holder = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => holder.once('listening', resolve))
  onTestFinished(() => void holder.close())
  const { port } = holder.address() as { port: number }
  const house = await openHouseOfTwo()
  const options = { inspector: inspectorOf(house), view: { watch: 'everything', texts: false }, log: silentLog }
  const start = startRelay({ host: '127.0.0.1', port, world: realWorld({}), ...options })
  await expect(start).rejects.toThrow(`Port ${port} on 127.0.0.1 is taken by another program.`)
  await expect(start).rejects.toBeInstanceOf(FailureError)
})

function rawAnswer(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    socket.once('data', (data) => {
      resolve(String(data))
      socket.destroy()
    })
    socket.once('error', reject)
  })
}
