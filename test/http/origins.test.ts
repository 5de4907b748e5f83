// Web pages from elsewhere: what the pages of gateway.allowed_origins get through, and nobody else's; and a check of the check on a
// server that lets everybody in.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { ROUTES } from '../../src/http/routes.ts'
import { closeAll, raw, start } from './client.ts'

afterEach(closeAll)

const PAGE = 'https://chat.example'
const TOKEN = { authorization: 'Bearer token' }
const JSON_TYPE = { 'content-type': 'application/json' }
const ALLOW = 'access-control-allow-origin'

const stage = () => start({ token: () => 'token', allowedOrigins: () => ['https://other.example', PAGE] })

/** What a browser asks before a page's request with a token. */
const ahead = (origin: string, headers: Record<string, string> = {}) => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'sec-fetch-site': 'cross-site',
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type,x-stainless-lang',
    ...headers,
  },
})

/** H6: the operator's routes are told to no page, and the shared ones to no page but those that are named, character by character. */
async function checkOrigins(url: string): Promise<void> {
  const others = [
    `${PAGE}/`,
    `${PAGE}:443`,
    PAGE.toUpperCase(),
    'http://chat.example',
    'https://x.chat.example',
    'null',
  ]
  for (const { method, path, shared } of ROUTES) {
    const target = `${url}${path.replace(':file', 'console.js').replace(/:\w+/g, 'a')}`
    for (const origin of shared === true ? others : [PAGE]) {
      for (const asked of [ahead(origin), { method, headers: { origin, ...TOKEN } }]) {
        const { headers } = await raw(target, asked)
        const told = Object.keys(headers).filter((name) => name.startsWith('access-control-'))
        expect(told, `${asked.method} ${path} of ${origin}`).toEqual([])
      }
    }
  }
}

test('H6 a page that is not named, or asks for what is the operator’s alone, is told nothing', async () => {
  const { server } = await stage()
  await checkOrigins(server.url)
  expect(ROUTES.filter(({ shared }) => shared === true).map(({ path }) => path)).toEqual([
    '/channels/:channel/messages',
    '/channels/:channel/conversations/:conversation/events',
    '/v1/models',
    '/v1/models/:model',
    '/v1/chat/completions',
  ])
})

test('the check of the origins catches a server that lets any page in', async () => {
  const careless = createServer(({ headers }, response) => {
    response.setHeader('Access-Control-Allow-Origin', headers.origin ?? '*').end('{}')
  })
  await new Promise<void>((resolve) => careless.listen(0, '127.0.0.1', resolve))
  const { port } = careless.address() as AddressInfo // A TCP server that listens has one.
  await expect(checkOrigins(`http://127.0.0.1:${port}`)).rejects.toThrow('/healthz')
  careless.closeAllConnections()
  careless.close()
})

test('H6 a named page is let in, and its browser told so, also of a refusal', async () => {
  const { server, gateway } = await stage()
  const from = (headers: Record<string, string>) => ({
    headers: { origin: PAGE, 'sec-fetch-site': 'cross-site', ...headers },
  })
  const preflight = await raw(`${server.url}/v1/chat/completions`, ahead(PAGE))
  expect([preflight.status, preflight.text]).toEqual([204, ''])
  expect(preflight.headers).toMatchObject({
    [ALLOW]: PAGE,
    'access-control-allow-headers': 'authorization,content-type,x-stainless-lang',
    'access-control-allow-methods': 'GET, POST',
    'x-content-type-options': 'nosniff',
    vary: 'Origin',
  })
  expect(preflight.headers).not.toHaveProperty('access-control-allow-credentials')

  const message = { method: 'POST', body: JSON.stringify({ conversation: 'c', user: 'u', text: 'x' }) }
  const posted = await raw(`${server.url}/channels/a/messages`, { ...message, ...from({ ...TOKEN, ...JSON_TYPE }) })
  expect([posted.status, posted.headers[ALLOW], gateway.channels.get('a')?.received.length]).toEqual([202, PAGE, 1])

  for (const [path, headers, status] of [
    ['/v1/models', {}, 401],
    ['/v1/models', TOKEN, 404],
    ['/v1/models/none', TOKEN, 404],
    ['/v1/embeddings', TOKEN, 404],
    ['/channels/none/conversations/c/events', TOKEN, 404],
  ] as const) {
    const answer = await raw(`${server.url}${path}`, from(headers))
    expect([answer.status, answer.headers[ALLOW], answer.headers['vary']], path).toEqual([status, PAGE, 'Origin'])
  }
  const events = `${server.url}/channels/a/conversations/c/events`
  const stream = await raw(events, { method: 'HEAD', ...from(TOKEN) })
  expect([stream.status, stream.headers[ALLOW]]).toEqual([200, PAGE])
  expect((await raw(events, { method: 'HEAD', headers: { ...TOKEN, origin: 'https://evil.example' } })).status).toBe(
    403,
  )
})

test('a foreign name of this machine stays refused, whichever page asks', async () => {
  const { server } = await stage()
  for (const asked of [ahead(PAGE, { host: 'chat.example' }), { headers: { origin: PAGE, host: 'chat.example' } }]) {
    const answer = await raw(`${server.url}/v1/models`, asked)
    expect([answer.status, answer.headers[ALLOW]]).toEqual([403, undefined])
  }
})

test('a page that is taken out of the file is refused with its next request', async () => {
  let allowed = [PAGE]
  const { server } = await start({ allowedOrigins: () => allowed })
  const asked = { method: 'POST', headers: { origin: PAGE, ...JSON_TYPE }, body: '{}' }
  expect((await raw(`${server.url}/channels/a/messages`, asked)).status).toBe(400)
  allowed = []
  expect((await raw(`${server.url}/channels/a/messages`, asked)).status).toBe(403)
})
