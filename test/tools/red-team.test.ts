// Red team: every attack of attacks.ts on an agent that has every tool, each as a run of its own. Nothing private is said,
// nothing outside is changed, nothing is left running, nobody waits. What was tried stands in README.md, and this file holds
// the two together. Tools as they are often written fall to the attacks that are after secrets.

import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secrets } from '../../src/config/secrets.ts'
import { httpTools } from '../../src/tools/http.ts'
import type { Resolve } from '../../src/tools/http-fetch.ts'
import type { Tool } from '../../src/tools/tool.ts'
import type { World } from '../../src/world.ts'
import { type Arena, ATTACKS, type Attack } from './attacks.ts'
import { mcpDoor } from './mcp-door.ts'
import { processesWith } from '../support/processes.ts'
import { soon } from '../support/soon.ts'
import { ANNA, hasNamespaces, memoryNotes, open, scope, temporaryFolder, world } from './parts.ts'

const KEY = 'KEY-PRIVATE-KEY-0123456789'
const servers: Server[] = []
let internal: Arena['internal']
let listed: Arena['listed']

beforeAll(async () => {
  const inside = await serve((_, response) => response.end('PRIVATE'))
  internal = { url: `http://127.0.0.1:${inside}`, port: inside }
  const bomb = gzipSync(Buffer.alloc(50_000_000))
  const outside = await serve((incoming, response) => {
    const [, way = '', to = ''] = /^\/(\w*)\??(.*)$/.exec(incoming.url ?? '') ?? []
    if (way === 'to') response.writeHead(302, { location: to }).end()
    else if (way === 'bomb') response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
    else if (way === 'headers') response.socket?.write(`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(100_000)}`)
    else if (way === 'endless') for (let n = 0; n < 200; n += 1) response.write('x'.repeat(65_536))
    else response.end('public')
  })
  listed = { url: `http://127.0.0.1:${outside}` }
})

afterAll(() => {
  for (const server of servers) {
    server.close()
    server.closeAllConnections()
  }
})

async function serve(answer: Parameters<typeof createServer>[1]): Promise<number> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port // as: it listens on TCP
}

const MODULES = {
  'talkative.ts': `export default {
    description: 'Says what it knows.',
    parameters: { type: 'object', properties: { fail: { type: 'boolean' } } },
    call({ fail }) { if (fail) throw new Error('401 for ${KEY}'); return { key: '${KEY}' } },
  }`,
  'endless.ts': `export default { description: 'Never returns.', timeoutMs: 500, call: () => new Promise(() => {}) }`,
}

interface Stage {
  readonly arena: Arena
  readonly tools: readonly Tool[]
  close(): Promise<void>
}

let numbers = 0

/** A machine with secrets on it, and an agent with every tool; the servers are strangers'. */
async function stage({ servers = {} }: Pick<Attack, 'servers'> = {}): Promise<Stage> {
  const home = temporaryFolder()
  const data = join(home, 'data')
  numbers += 1
  const long = `sleep 4${process.pid}.${numbers}`
  for (const folder of ['outside', 'data/work/other']) mkdirSync(join(home, folder), { recursive: true })
  const [file, variables] = [join(home, 'gateway.yaml'), join(home, '.env')]
  for (const path of ['outside/secret.txt', 'gateway.yaml', 'data/troupe.db', 'data/work/other/notes.txt']) {
    writeFileSync(join(home, path), 'PRIVATE')
  }
  writeFileSync(variables, `KEY=${KEY}\n`)
  for (const [name, source] of Object.entries(MODULES)) writeFileSync(join(home, name), source)
  const notes = memoryNotes()
  await notes.add('cfo', 'web/2', 'PRIVATE')
  const secrets = new Secrets([{ secret: 'agents.cfo.model.api_key', value: KEY, variable: 'KEY' }])
  const modules = Object.keys(MODULES).map((name) => join(home, name))
  const redact = (text: string): string => secrets.redact(text)
  const strangers = mcpDoor({ servers, home, secret: KEY, redact, world: hurried() })
  const { toolbox } = await open(
    { tools: ['files', 'shell', 'memory', ...modules], mcp: strangers.definitions },
    { data, notes, mcp: strangers.mcp, world: hurried(), hidden: [file, variables, data], redact },
  )
  const http = httpTools({ allow: [listed.url.slice(7)], world: world(), resolve: resolver() })
  const arena = { home, workdir: toolbox.workdir, internal, listed, long }
  const close = async (): Promise<void> => {
    await toolbox.close()
    await strangers.close()
  }
  return { arena, tools: [...toolbox.tools, ...http], close }
}

/** A second is a fifth of one. */
function hurried(): World {
  const real = world({ GATEWAY_SECRET: 'PRIVATE' })
  return { ...real, clock: { ...real.clock, setTimeout: (fn, ms) => real.clock.setTimeout(fn, ms / 5) } }
}

/** What the attackers' own name server says. */
function resolver(): Resolve {
  let asked = 0
  return async (name) => {
    asked += 1
    if (name === 'both.test') return ['127.0.0.1', '1.1.1.1']
    if (name === 'metadata.test') return ['169.254.169.254']
    // Public when it is judged, and ours when it is reached; nobody answers at the first.
    if (name === 'changing.test') return asked % 2 === 1 ? ['192.0.2.1'] : ['127.0.0.1']
    return ['127.0.0.1']
  }
}

const HAS_NAMESPACES = hasNamespaces()

/** Plays an attack and answers with everything that a model was told. */
async function play({ calls, needsNamespaces }: Attack, { arena, tools }: Stage): Promise<string> {
  const said: string[] = []
  for (const [name, input] of calls(arena)) {
    if (needsNamespaces === true && name === 'shell' && !HAS_NAMESPACES) continue
    const tool = tools.find((one) => one.name === name)
    // One that broke down before it said what it has is said to be away.
    const isAway = tools.some((one) => one.name === name.replace(/\..*/, '.status'))
    if (tool === undefined && isAway) continue
    if (tool === undefined) throw new Error(`there is no tool ${name}`)
    if (name.includes('.')) said.push(tool.description)
    const call = tool.call(input, { ...scope(arena.workdir), sender: ANNA })
    said.push(await call.catch((error: Error) => error.message))
  }
  return said.join('\n')
}

/** What an attack reached; empty: nothing. The paths that it asked for may be said. */
function spoils(said: string, { home }: Arena): string[] {
  const reached: string[] = []
  if (/(?<![\w-])PRIVATE/.test(said) || said.includes(KEY)) reached.push('something private was said')
  if (said.includes(Buffer.from(KEY).toString('base64').slice(4, 24))) reached.push('the key was said in base64')
  const outside = join(home, 'outside')
  if (readdirSync(outside).join() !== 'secret.txt') reached.push('something outside was made or removed')
  else if (readFileSync(join(outside, 'secret.txt'), 'utf8') !== 'PRIVATE')
    reached.push('something outside was changed')
  return reached
}

/** Longest that any of them may take; most take a tenth. */
const ATTACK_MS_MAX = 10_000
const GROWTH_BYTES_MAX = 200_000_000

describe.each([...new Set(ATTACKS.map(({ kind }) => kind))])('%s', (kind) => {
  test.each(ATTACKS.filter((attack) => attack.kind === kind))('$title', async (attack) => {
    const before = process.memoryUsage().rss
    const began = performance.now()
    const here = await stage(attack)
    const said = await play(attack, here)
    await here.close()
    expect(spoils(said, here.arena)).toEqual([])
    await soon(() => expect([...processesWith(here.arena.long), ...processesWith(here.arena.home)]).toEqual([]))
    expect(performance.now() - began).toBeLessThan(ATTACK_MS_MAX)
    expect(process.memoryUsage().rss - before).toBeLessThan(GROWTH_BYTES_MAX)
    expect(said.length).toBeLessThan(1_000_000)
  })
})

test('the list of what was tried is complete', () => {
  const page = readFileSync(new URL('README.md', import.meta.url), 'utf8')
  const listedThere = [...page.matchAll(/^- (.+)$/gm)].map(([, title]) => title)
  expect(listedThere).toEqual(
    ATTACKS.map(({ title, needsNamespaces }) => (needsNamespaces ? `${title} (namespaces)` : title)),
  )
})

test('tools as they are often written fall to the attacks that are after secrets', async () => {
  const attacks = ATTACKS.filter(({ aim }) => aim === 'secret')
  const playing = attacks.map(async (attack) => {
    const here = await stage(attack)
    await here.close()
    const said = await play(attack, { ...here, tools: [...naiveTools(here.arena), ...here.tools] })
    return spoils(said, here.arena).length > 0 ? [attack.title] : []
  })
  const fallen = (await Promise.all(playing)).flat()
  expect(fallen.length, fallen.join('; ')).toBeGreaterThan(attacks.length / 3)
})

/** Paths that are joined, commands with the gateway's variables, a fetch of whatever is asked for. */
function naiveTools({ workdir }: Arena): Tool[] {
  const tool = (name: string, call: Tool['call']): Tool => {
    return { name, description: name, parameters: {}, changes: false, idempotent: true, call }
  }
  const path = (input: Readonly<Record<string, unknown>>): string => join(workdir, String(input['path']))
  const run = promisify(execFile)
  return [
    tool('files_read', (input) => readFile(path(input), 'utf8')),
    tool('files_list', async (input) => readdirSync(path(input)).join()),
    tool('files_delete', async (input) => {
      rmSync(path(input), { recursive: true })
      return ''
    }),
    tool('shell', async ({ command }) => {
      const env = { ...process.env, GATEWAY_SECRET: 'PRIVATE' }
      const { stdout } = await run('bash', ['-c', `${String(command)}; true`], { cwd: workdir, env })
      return stdout
    }),
    tool('stranger.env', () => Promise.resolve(JSON.stringify({ ...process.env, GATEWAY_SECRET: 'PRIVATE' }))),
    tool('http_get', async ({ url }) => {
      // Where nobody is to be reached, waiting would prove nothing.
      if (!/^http:\/\/(127\.|localhost)/.test(new URL(String(url)).href)) throw new Error('nobody is there')
      const response = await fetch(String(url))
      return response.text()
    }),
  ]
}
