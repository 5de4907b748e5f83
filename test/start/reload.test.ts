// Reload, in one process with a real store and a real port: what is taken, what is said of it, and what leaves all as it was.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { loadText, type Loaded } from '../../src/config/load.ts'
import type { Problem } from '../../src/config/problems.ts'
import type { Log, LogFields } from '../../src/log.ts'
import { type RunningGateway, startGateway } from '../../src/start.ts'
import { realWorld } from '../../src/world.ts'
import { soon } from '../support/soon.ts'

const FILE = `gateway: { port: 0, drain: 100ms }
agents:
  cfo: { instructions: Money., model: echo }
  ops: { instructions: Machines., model: echo }
channels:
  a: { platform: web, agent: cfo }
  b: { platform: web, agent: ops }
`

const opened: (() => unknown)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

interface Rig {
  readonly gateway: RunningGateway
  readonly lines: string[]
  /** The file as it is from now on, and its variables. */
  writes(text: string, variables?: Readonly<Record<string, string>>): void
  read: () => Promise<Loaded | readonly Problem[]>
  status(): Promise<{
    channels: string[]
    problems: readonly string[]
    needs_restart: readonly string[]
    kept: string[]
  }>
  post(path: string, token?: string): Promise<{ status: number; body: unknown }>
}

async function running(text = FILE, variables: Readonly<Record<string, string>> = {}): Promise<Rig> {
  const data = mkdtempSync(join(tmpdir(), 'troupe-reload-'))
  opened.push(() => rmSync(data, { recursive: true, force: true }))
  let file = { text, variables }
  const read = async (): Promise<Loaded | readonly Problem[]> => {
    const result = loadText({ file: 'g.yaml', text: file.text, environment: file.variables })
    return result.ok ? result.loaded : result.problems
  }
  const loaded = await read()
  if (!('secrets' in loaded)) throw new Error('the first file has problems')
  const lines: string[] = []
  const rig: Partial<Rig> = { read }
  const gateway = await startGateway({
    loaded,
    settings: { data },
    world: realWorld({}),
    log: logInto(lines),
    version: '0.0.0',
    reload: () => (rig.read ?? read)(),
    watch: null,
    inspect: null,
    phases: { earlier: [], level: 'debug' },
  })
  opened.push(async () => {
    gateway.drain()
    await gateway.ended
  })
  await gateway.rollCall
  return Object.assign(rig, {
    gateway,
    lines,
    read,
    writes: (newer: string, newerVariables = {}) => void (file = { text: newer, variables: newerVariables }),
    async status() {
      const { channels, configuration } = await gateway.port.status()
      const { problems, needs_restart, kept } = configuration
      const ids = channels.map(({ id, state }) => `${id} ${state}`)
      return { channels: ids, problems, needs_restart, kept: kept.map(({ id, reason }) => `${id}: ${reason}`) }
    },
    async post(path: string, token?: string) {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const response = await fetch(`${gateway.url}${path}`, { method: 'POST', headers })
      return { status: response.status, body: await response.json() }
    },
  }) satisfies Rig
}

function logInto(lines: string[]): Log {
  const line = (_: LogFields, message: string): void => void lines.push(message)
  const log: Log = { debug: () => {}, info: line, warn: line, error: line, child: () => log }
  return log
}

const PUT_BACK = { channels: ['a live', 'b live'], problems: [], needs_restart: [], kept: [] }

test('C3: what a newer file adds, changes and takes away is said by name, over HTTP and in the log', async () => {
  const rig = await running()
  expect(await rig.gateway.port.metrics()).toContain('troupe_channel_state{channel="a",state="live"} 1')
  rig.writes(
    FILE.replace('  a: { platform: web, agent: cfo }', '  c: { platform: web, agent: new }')
      .replace('agent: ops }', 'agent: ops, queue_limit: 3 }')
      .replace('Machines.', 'Be brief.')
      .replace('  cfo: {', '  new: {')
      .replace('100ms', '200ms'),
  )
  expect(await rig.post('/reload')).toEqual({
    status: 200,
    body: {
      changes: [
        { id: 'gateway.drain', change: 'changed', reason: null },
        { id: 'agents.new', change: 'added', reason: null },
        { id: 'agents.cfo', change: 'removed', reason: null },
        { id: 'agents.ops', change: 'changed', reason: null },
        { id: 'channels.a', change: 'stopped', reason: null },
        { id: 'channels.b', change: 'redefined', reason: null },
        { id: 'channels.c', change: 'started', reason: null },
      ],
      needs_restart: [],
    },
  })
  expect(await rig.status()).toEqual({ ...PUT_BACK, channels: ['c live', 'b live'] })
  expect(rig.lines.at(-1)).toMatch(/^gateway\.drain changed, .*channels\.c started; 2 of 2 channels live$/)
  expect(rig.gateway.drainMs()).toBe(200)
  expect(await rig.post('/channels/a/pause')).toMatchObject({
    status: 404,
    body: { error: { code: 'unknown_channel' } },
  })
  const metrics = await rig.gateway.port.metrics()
  expect(metrics).toContain('troupe_channel_state{channel="c",state="live"} 1')
  expect(metrics).not.toContain('troupe_channel_state{channel="a"')
  expect(await rig.post('/reload')).toEqual({ status: 200, body: { changes: [], needs_restart: [] } })
})

const BROKEN = FILE.replace('platform: web, agent: cfo', 'platform: wep, agent: cfo').replace(
  'agent: ops }',
  'agent: opss }',
)
const PROBLEMS = [
  'g.yaml:6:18 channels.a.platform: unknown platform "wep": expected telegram, web or module (did you mean "web"?)',
  'g.yaml:7:30 channels.b.agent: unknown agent "opss" (did you mean "ops"?)',
]

test('a file with problems leaves everything as it is, and each is in status, answer, metrics and log; a later one clears them', () =>
  expectUntouched(BROKEN))

test('a broken file that is none is caught', async () => {
  await expect(expectUntouched(FILE.replace('agent: ops', 'agent: cfo'))).rejects.toThrow()
})

async function expectUntouched(broken: string): Promise<void> {
  const rig = await running()
  rig.writes(broken)
  expect(await rig.post('/reload')).toEqual({
    status: 422,
    body: { error: { code: 'invalid_configuration', message: PROBLEMS.join('\n') } },
  })
  expect(await rig.status()).toEqual({ ...PUT_BACK, problems: PROBLEMS })
  expect(rig.lines).toEqual(expect.arrayContaining(PROBLEMS))
  expect(await rig.gateway.port.metrics()).toContain('troupe_configuration_problems 2')
  rig.writes(FILE)
  expect(await rig.post('/reload')).toMatchObject({ status: 200, body: { changes: [] } })
  expect(await rig.status()).toEqual(PUT_BACK)
}

test('what needs a restart is named until it is put back, and is not in force', async () => {
  const rig = await running()
  rig.writes(FILE.replace('port: 0', 'port: 9, host: localhost'))
  expect(await rig.post('/reload')).toMatchObject({ body: { needs_restart: ['gateway.host', 'gateway.port'] } })
  // The command line stands over the file's `data`, before and after.
  rig.writes(FILE.replace('port: 0', 'port: 9, data: ./elsewhere'))
  await rig.post('/reload')
  expect(await rig.status()).toMatchObject({ needs_restart: ['gateway.port'] })
  rig.writes(FILE)
  await rig.post('/reload')
  expect(await rig.status()).toEqual(PUT_BACK)
})

test('a token that is set is asked for at once; one that is replaced opens at once; one that is taken away stays', async () => {
  const rig = await running()
  const guarded = FILE.replace('port: 0', 'port: 0, token: "${T}"')
  rig.writes(guarded, { T: 'first-token' })
  expect((await rig.post('/reload')).status).toBe(200)
  expect((await rig.post('/reload')).status).toBe(401)
  rig.writes(guarded, { T: 'second-token' })
  expect((await rig.post('/reload', 'first-token')).body).toMatchObject({ changes: [{ id: 'gateway.token' }] })
  expect((await rig.post('/reload', 'first-token')).status).toBe(401)
  rig.writes(FILE)
  expect(await rig.post('/reload', 'second-token')).toEqual({
    status: 200,
    body: { changes: [], needs_restart: ['gateway.token'] },
  })
  expect((await rig.post('/reload')).status).toBe(401)
})

test('an agent that lacks its variable keeps its earlier definition, by name; its channels serve', async () => {
  const rig = await running()
  const keyed = FILE.replace('Money., model: echo', 'Brief., model: { provider: openai, name: x, api_key: "${KEY}" }')
  rig.writes(keyed)
  expect((await rig.post('/reload')).body).toMatchObject({ changes: [{ id: 'agents.cfo', change: 'kept' }] })
  expect(await rig.status()).toEqual({
    ...PUT_BACK,
    kept: [expect.stringMatching(/^agents\.cfo: secrets: KEY is not set/)],
  })
  rig.writes(keyed, { KEY: 'a-key' })
  expect((await rig.post('/reload')).body).toMatchObject({ changes: [{ id: 'agents.cfo', change: 'changed' }] })
  // Its key alone: a changed value is a change of its agent.
  rig.writes(keyed, { KEY: 'another-key' })
  expect((await rig.post('/reload')).body).toMatchObject({ changes: [{ id: 'agents.cfo', change: 'changed' }] })
})

test('what is missing or doubtful in a newer file is warned of, once', async () => {
  const rig = await running()
  rig.writes(`${FILE}  tg: { platform: telegram, agent: cfo, token: "\${TOKEN}" }\n`)
  expect((await rig.post('/reload')).body).toMatchObject({ changes: [{ id: 'channels.tg', change: 'started' }] })
  await rig.post('/reload')
  const warned = rig.lines.filter((line) => line.startsWith('g.yaml:8:'))
  expect(warned).toEqual([
    expect.stringContaining('nobody may talk to this bot'),
    expect.stringContaining('TOKEN is not set'),
  ])
})

test('an MCP server of a newer file is tried with it: one that does not start is named, until it does or is taken out', async () => {
  const rig = await running()
  const served = (script: string) =>
    FILE.replace('Money., model: echo', `Money., model: echo, mcp: { t: { command: sh, args: [-c, '${script}'] } }`)
  const failing = async () => (await rig.gateway.port.status()).mcp_servers.map(({ reason }) => reason)
  rig.writes(served('echo no table >&2; exit 3'))
  await rig.post('/reload')
  await soon(async () =>
    expect(await failing()).toEqual([
      expect.stringMatching(
        /^requires: the MCP server t of cfo did not start: it ended \(exit 3\): no table\. Start it/,
      ),
    ]),
  )
  expect((await rig.status()).channels).toEqual(PUT_BACK.channels)
  rig.writes(served('echo nor this >&2; exit 4'))
  await rig.post('/reload')
  await soon(async () => expect((await failing()).join()).toContain('it ended (exit 4): nor this'))
  rig.writes(FILE)
  await rig.post('/reload')
  expect(await failing()).toEqual([])
})

test('two at once are taken one after the other', async () => {
  const rig = await running()
  const reading: string[] = []
  const { read } = rig
  rig.read = async () => {
    reading.push('begins')
    const loaded = await read()
    await new Promise((resolve) => setTimeout(resolve, 20))
    reading.push('ends')
    return loaded
  }
  rig.writes(FILE.replace('agent: ops', 'agent: cfo'))
  const answers = await Promise.all([rig.post('/reload'), rig.post('/reload')])
  expect(reading).toEqual(['begins', 'ends', 'begins', 'ends'])
  expect(answers.map(({ body }) => body)).toMatchObject([{ changes: [{ id: 'channels.b' }] }, { changes: [] }])
})

test('a defect while the file is read changes nothing, and the next reload is taken', async () => {
  const rig = await running()
  const { read } = rig
  rig.read = () => Promise.reject(new TypeError('bug'))
  rig.gateway.refresh()
  expect((await rig.post('/reload')).status).toBe(500)
  expect(await rig.status()).toEqual(PUT_BACK)
  expect(rig.lines).toContain('the configuration could not be read anew')
  rig.read = read
  expect((await rig.post('/reload')).status).toBe(200)
})

test('S44: while draining a file is not taken, and the answer says so', async () => {
  const rig = await running(
    FILE.replace('100ms', '5s').replace('Money., model: echo', 'x, model: { provider: echo, delay: 300ms }'),
  )
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ conversation: 'c', user: 'u', text: 'hi' })
  await fetch(`${rig.gateway.url}/channels/a/messages`, { method: 'POST', headers, body })
  while ((await rig.gateway.port.status()).sessions.running === 0) await new Promise((resolve) => setImmediate(resolve))
  rig.gateway.drain()
  expect(await rig.post('/reload')).toMatchObject({ status: 503, body: { error: { code: 'draining' } } })
})
