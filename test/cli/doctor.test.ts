// Doctor: what it asks, what it says of each answer, and that it leaves nothing behind.

import { readdirSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { loadText } from '../../src/config/load.ts'
import { createLog } from '../../src/log.ts'
import { probe } from '../../src/start.ts'
import { realWorld, type World } from '../../src/world.ts'
import { startBotApi } from '../support/bot-api/server.ts'
import { begin, folderWith, type Ran, troupe, TWO } from './child.ts'

const TOKEN = `700001:${'r'.repeat(35)}`
const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
  }
})

test('everything is as it should be: a line each, 0, and nothing left behind', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO })
  const { code, out, err } = await troupe(['doctor'], { folder })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  for (const about of [
    'Node',
    'configuration',
    'variables',
    'executables',
    'data folder',
    'port',
    'channel cfo',
    'agent ops',
  ])
    expect(out).toMatch(new RegExp(`^✓ +${about} `, 'm'))
  expect(out).toMatch(/Everything is as it should be\.\n$/)
  expect(readdirSync(folder)).toEqual(['gateway.yaml'])
})

test('S05 each credential is asked who it is: the right one by name, the wrong one with what to do', async () => {
  const api = await startBotApi()
  const bot = api.addBot({ token: TOKEN, username: 'cfo_bot' })
  const wrong = `700002:${'w'.repeat(35)}`
  const file = `${TWO}  good: { platform: telegram, agent: cfo, allowed_users: [1], token: "${TOKEN}", api_root: "${api.url}" }
  bad: { platform: telegram, agent: cfo, allowed_users: [1], token: "${wrong}", api_root: "${api.url}" }
  none: { platform: telegram, agent: cfo, allowed_users: [1], token: "\${NO_TOKEN}" }
`
  const { code, out, err } = await troupe(['doctor'], { folder: folderWith({ 'gateway.yaml': file }) })
  const methods = bot.calls.map(({ method }) => method)
  await api.close()
  expect(code).toBe(1)
  expect(out).toMatch(/^✓ +channel good +telegram, @cfo_bot$/m)
  expect(out).toMatch(/^✗ +channel bad +the token of bad was refused by Telegram\. .*@BotFather.*\.$/m)
  expect(out).toMatch(/^✗ +channel none +NO_TOKEN is not set\. /m)
  expect(out).toMatch(/^✗ +variables +gateway\.yaml:12:\d+ .*NO_TOKEN/m)
  expect(methods).toEqual(['getMe'])
  expect(out + err).not.toMatch(/r{35}|w{35}/)
})

test('each model’s endpoint is asked; one that nobody serves is named with its agent', async () => {
  const url = await listening((_, response) =>
    response.end('{"object":"list","data":[{"id":"small","object":"model"}]}'),
  )
  const model = (address: string) => `model: { provider: openai-compatible, name: small, base_url: "${address}/v1" }`
  const spare = `fallback_models: [{ ${model('http://127.0.0.1:1').slice('model: { '.length)}]`
  const file = TWO.replace('model: echo', `${model(url)}, ${spare}`).replace('model: echo', model('http://127.0.0.1:1'))
  const { code, out } = await troupe(['doctor', '--json'], { folder: folderWith({ 'gateway.yaml': file }) })
  expect(code).toBe(1)
  const { ok, checks } = JSON.parse(out)
  expect(ok).toBe(false)
  expect(checks).toContainEqual({ about: 'agent cfo', phase: 'connect', ok: true, said: 'openai-compatible:small' })
  const away = { phase: 'connect', ok: false, said: expect.stringMatching(/\.$/) }
  expect(checks).toContainEqual({ about: 'fallback of cfo', ...away })
  expect(checks).toContainEqual({ about: 'agent ops', ...away })
})

test('while the gateway runs its port and its data folder are no complaint', async () => {
  const folder = folderWith({ 'gateway.yaml': TWO })
  const gateway = begin(['start'], { folder })
  const url = await gateway.address()
  const { code, out } = await troupe(['doctor'], { folder })
  expect(code).toBe(0)
  expect(out).toContain(`runs already: process ${gateway.process.pid} at ${url}`)
  expect(out).not.toMatch(/ (port|data folder) /)
})

test('a taken port and a data folder that is a file', async () => {
  const port = new URL(await listening(() => {})).port
  const file = TWO.replace('port: 0', `port: ${port}\n  data: ./gateway.yaml`)
  const { code, out } = await troupe(['doctor'], { folder: folderWith({ 'gateway.yaml': file }) })
  expect(code).toBe(1)
  expect(out).toMatch(new RegExp(`^✗ +port +port ${port} on 127\\.0\\.0\\.1 is taken`, 'm'))
  expect(out).toMatch(/^✗ +data folder +.*gateway\.yaml is a file\./m)
})

test('problems of the file come first: each a line, and 78', async () => {
  const wrong: Ran = await troupe(['doctor'], { folder: folderWith({ 'gateway.yaml': TWO.replace('drain', 'drian') }) })
  expect(wrong).toMatchObject({
    code: 78,
    out: expect.stringMatching(/^✗ +configuration +gateway\.yaml:3:3 gateway\.drian/),
  })
})

test('who never answers is given up at the deadline, and holds up nobody else', async () => {
  const url = await listening(() => {})
  const channel = `  tg: { platform: telegram, agent: cfo, allowed_users: [1], token: "${TOKEN}", api_root: "${url}" }\n`
  const result = loadText({ file: join(folderWith(), 'gateway.yaml'), text: TWO + channel, environment: {} })
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  const { loaded } = result
  const { host, port, data } = loaded.definition.gateway
  const log = createLog({ level: 'silent', stacks: 'none', redact: (line) => line, destination: { write: () => {} } })
  const probed = await probe({ loaded, world: fivefold(), log, host, port, data, gateway: 'isStopped' })
  expect(probed.map(({ about, failure }) => [about, failure?.reason ?? 'fine'])).toEqual([
    ['clock', 'fine'],
    ['executables', 'fine'],
    ['data folder', 'fine'],
    ['port', 'fine'],
    ['channel cfo', 'fine'],
    ['channel ops', 'fine'],
    ['channel tg', 'timeout'],
    ['agent cfo', 'fine'],
    ['agent ops', 'fine'],
  ])
})

/** A world whose clock runs five times as fast: what answers at once has two seconds for it. */
function fivefold(): World {
  const world = realWorld({})
  const { setTimeout, clearTimeout } = world.clock
  return { ...world, clock: { setTimeout: (fn, delayMs) => setTimeout(fn, delayMs / 5), clearTimeout } }
}

async function listening(answer: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer({}, answer)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
