// Who may ask: the token, other web pages, foreign names; and a check of the check on a server without guards.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { ROUTES } from '../../src/http/routes.ts'
import { ask, closeAll, raw, start } from './client.ts'

afterEach(closeAll)

const TOKEN = 'correct horse battery'
const address = (path: string) => path.replace(':file', 'console.js').replace(/:\w+/g, 'a')

/** H3: asks every route without the token, with wrong ones, and from another page; throws where it gets in. */
async function checkGuards(url: string): Promise<void> {
  for (const route of ROUTES) {
    const target = `${url}${address(route.path)}`
    const wrong = [{}, { authorization: 'Bearer wrong' }, { authorization: TOKEN }, { authorization: `Basic ${TOKEN}` }]
    for (const headers of wrong) {
      const answer = await ask(target, { method: route.method, headers })
      if (route.access === 'open') expect(answer.status, route.path).not.toBe(401)
      else {
        expect(answer.status, `${route.method} ${route.path}`).toBe(401)
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
        const code = route.path.startsWith('/v1/') ? 'invalid_api_key' : 'unauthorized'
        expect(answer.body).toMatchObject({ error: { code } })
      }
      expect(answer.text).not.toContain(TOKEN)
    }
    if (route.access !== 'guarded') continue
    const foreign = [
      { origin: 'https://example.com' },
      { origin: 'null' },
      { origin: url.replace('http:', 'file:') },
      { origin: url.replace(/:\d+$/, ':1') },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]
    for (const headers of foreign) {
      const answer = await raw(target, {
        method: route.method,
        headers: { ...headers, authorization: `Bearer ${TOKEN}` },
      })
      expect(answer.status, `${route.method} ${route.path} ${JSON.stringify(headers)}`).toBe(403)
    }
  }
}

test('H3: only the open routes answer without the token, and no other page gets anything done', async () => {
  const { server, gateway } = await start({ token: () => TOKEN })
  await checkGuards(server.url)
  expect(gateway.calls.filter((call) => call !== 'status')).toEqual([])
})

test('the check of the guards catches a server that has none', async () => {
  const careless = createServer((_request, response) => response.end('{"ok": true}'))
  await new Promise<void>((resolve) => careless.listen(0, '127.0.0.1', resolve))
  const { port } = careless.address() as AddressInfo // A TCP server that listens has one.
  await expect(checkGuards(`http://127.0.0.1:${port}`)).rejects.toThrow('/status')
  careless.closeAllConnections()
  careless.close()
})

test('with the token every route answers; the scheme is written in any case', async () => {
  const { server } = await start({ token: () => TOKEN })
  for (const scheme of ['Bearer', 'bearer']) {
    const answer = await ask(`${server.url}/status`, { headers: { authorization: `${scheme} ${TOKEN}` } })
    expect(answer.status).toBe(200)
  }
  expect((await ask(`${server.url}/nothing`)).status).toBe(401)
  expect((await ask(`${server.url}/status`, { method: 'PUT' })).status).toBe(401)
})

test('our own page, and programs that are no browser, get through', async () => {
  const { server } = await start()
  const body = JSON.stringify({ conversation: 'c', user: 'u', text: 'x' })
  const json = { 'content-type': 'application/json' }
  for (const headers of [
    {},
    { origin: server.url },
    { origin: server.url, 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
  ]) {
    const answer = await raw(`${server.url}/channels/a/messages`, {
      method: 'POST',
      headers: { ...headers, ...json },
      body,
    })
    expect(answer.status).toBe(202)
  }
})

test('a gateway on loopback answers only to local names', async () => {
  const { server } = await start()
  const host = (name: string) => raw(`${server.url}/status`, { headers: { host: name } })
  for (const name of ['localhost', `localhost:${server.port}`, '127.0.0.1', '127.8.9.1:80', '[::1]:80', 'LOCALHOST']) {
    expect((await host(name)).status, name).toBe(200)
  }
  for (const name of ['example.com', `example.com:${server.port}`, '127.0.0.1.example.com', '10.0.0.1', 'xlocalhost']) {
    const answer = await host(name)
    expect(answer.status, name).toBe(403)
    expect(JSON.parse(answer.text)).toHaveProperty('error.message')
  }
})

test('a gateway beyond loopback answers to any name', async () => {
  const { server } = await start({ host: '0.0.0.0', token: () => TOKEN })
  const headers = { host: 'gateway.example.com', authorization: `Bearer ${TOKEN}` }
  expect((await raw(`${server.url}/status`, { headers })).status).toBe(200)
})
