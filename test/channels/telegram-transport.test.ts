// The transport's connections are kept from request to request for days; what was asked on one of them must not stay with it.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test } from 'vitest'
import { createTransport } from '../../src/channels/telegram-transport.ts'

const REQUESTS = 20

test('a connection that stays open holds no request that was answered', async () => {
  let connections = 0
  const server = createServer((_, response) => void response.end('{"ok":true,"result":[]}'))
  server.on('connection', () => (connections += 1))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo // as: it listens on a port

  const ask = createTransport()
  const asked: WeakRef<AbortSignal>[] = []
  for (let request = 0; request < REQUESTS; request += 1) {
    const { signal } = new AbortController()
    asked.push(new WeakRef(signal))
    const options = { method: 'POST', headers: {}, body: '{}', signal }
    await (await ask(`http://127.0.0.1:${port}/getUpdates`, options)).json()
  }
  expect(connections).toBe(1)

  // What a turn of the event loop still holds is let go with its end.
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  const held = asked.filter((signal) => signal.deref() !== undefined)
  // The first one opened the connection, and the last one is where this function is.
  expect(held.length).toBeLessThanOrEqual(2)
})

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') collect()
}
