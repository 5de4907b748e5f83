// MCP through the binary, with the reference servers and with one that does what a test says: tools used, asked for, broken off and
// given up; what a server gets to see; and nothing left behind.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { expect } from 'vitest'
import { troupe } from '../support/gateway-process.ts'
import type { ModelServer } from '../support/model-server.ts'
import { bareFolder, isAlive, processesWith } from '../support/processes.ts'
import {
  answered,
  addBot,
  ask,
  eventually,
  modelAgents,
  openModel,
  openTelegram,
  scenario,
  started,
  statusOf,
  telegram,
  temporaryFolder,
  whenDone,
  writeFile,
} from '../support/scenario.ts'

const require = createRequire(import.meta.url)
const EVERYTHING = require.resolve('@modelcontextprotocol/server-everything/dist/index.js')
const FILESYSTEM = require.resolve('@modelcontextprotocol/server-filesystem/dist/index.js')
const SCRIPTED = join(import.meta.dirname, '..', 'support', 'child-mcp-server.ts')

/** A server that is run by the Node of the tests. */
const node = (script: string, ...args: string[]) => ({ command: process.execPath, args: [script, ...args] })

/** A bot whose agent has these servers. */
async function serving(
  mcp: (folder: string) => Readonly<Record<string, unknown>>,
  more: { readonly keys?: Readonly<Record<string, unknown>>; readonly env?: string; readonly PATH?: string } = {},
) {
  const [api, model, folder] = [await openTelegram(), await openModel(), temporaryFolder()]
  const bot = addBot(api)
  writeFileSync(join(folder, '.env'), more.env ?? '')
  const agent = { ...modelAgents(model)['cfo'], mcp: mcp(folder), ...more.keys }
  writeFile(folder, { agents: { cfo: agent }, channels: { tg: telegram(api, bot) } })
  const PATH = more.PATH === undefined ? {} : { PATH: more.PATH }
  const gateway = await started(folder, { environment: { GATEWAYS_OWN: 'private', ...PATH } })
  const anna = api.person({ username: 'anna' })
  return { model, bot, folder, gateway, anna }
}

/** Listens where it is told to, on this machine alone, and says where. */
const ON_LOOPBACK = `
import { Server } from 'node:net'
const { listen } = Server.prototype
Server.prototype.listen = function (_, done) {
  this.once('listening', () => console.error('port ' + this.address().port))
  return listen.call(this, { port: 0, host: '127.0.0.1' }, done)
}`

/** The reference server over HTTP; its address. */
async function overHttp(): Promise<string> {
  const args = ['--import', `data:text/javascript,${encodeURIComponent(ON_LOOPBACK)}`, EVERYTHING, 'streamableHttp']
  const server = spawn(process.execPath, args, { env: { PATH: '' }, stdio: ['ignore', 'ignore', 'pipe'] })
  whenDone(() => server.kill('SIGKILL'))
  return new Promise((resolve) => {
    server.stderr.on('data', (said: Buffer) => {
      const port = /port (\d+)/.exec(String(said))?.[1]
      if (port !== undefined) resolve(`http://127.0.0.1:${port}/mcp`)
    })
  })
}

/** One that nobody listens on. */
function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo // as: it listens on TCP
      server.close(() => resolve(port))
    })
  })
}

type Call = readonly [tool: string, input: object]

/** The model asks for these, one answer after the other, and then says "done". */
function asking(model: ModelServer, ...answers: readonly (readonly Call[])[]): void {
  model.always(({ messages }) => {
    const said = messages.slice(messages.findLastIndex(({ role }) => role === 'user'))
    const step = said.filter(({ role }) => role === 'assistant').length
    const calls = (answers[step] ?? []).map(([name, input], index) => ({
      id: `call-${messages.length}-${index}`,
      name,
      arguments: JSON.stringify(input),
    }))
    return step < answers.length ? { chunks: [], calls } : 'done'
  })
}

/** What the model was told of the calls of its last turn. */
function told(model: ModelServer): string[] {
  const { messages = [] } = model.requests.at(-1) ?? {}
  const said = messages.slice(messages.findLastIndex(({ role }) => role === 'user'))
  return said.filter(({ role }) => role === 'tool').map(({ content }) => content ?? '')
}

/** The processes of scripted servers that ran in a folder. */
function pidsIn(folder: string): number[] {
  return readdirSync(folder).flatMap((name) => (name.startsWith('pid-') ? [Number(name.slice(4))] : []))
}

/** The process of a scripted server, once it runs. */
function pidIn(folder: string, not: readonly number[] = []): Promise<number> {
  return eventually(async () => pidsIn(folder).find((pid) => !not.includes(pid)))
}

/** What scripted servers noted there. */
function notesIn(folder: string): string[] {
  return readdirSync(folder).includes('notes.txt')
    ? readFileSync(join(folder, 'notes.txt'), 'utf8').trim().split('\n')
    : []
}

scenario(
  'reference servers over stdio: tools are used, what changes something is asked for, nothing else of the environment is seen',
  async () => {
    const { model, bot, anna, folder, gateway } = await serving(
      (home) => ({
        all: { ...node(EVERYTHING), env: { TICKETS: '${TICKETS_KEY}' } },
        disk: node(FILESYSTEM, home),
      }),
      { env: 'TICKETS_KEY=tickets-key-0123\nOTHER=also-private\n' },
    )
    writeFileSync(join(folder, 'hello.txt'), 'hello from the disk')
    asking(
      model,
      [
        ['all__echo', { message: 'hi' }],
        ['all__get-env', {}],
        ['disk__read_text_file', { path: join(folder, 'hello.txt') }],
        ['disk__read_text_file', { path: '/etc/hostname' }],
        ['all__get-tiny-image', {}],
        ['all__get-sum', { a: 'not a number', b: 1 }],
      ],
      [['disk__write_file', { path: join(folder, 'new.txt'), content: 'x' }]],
    )
    anna.says(bot, 'go')
    const [question = ''] = await answered(bot, anna, 1)
    expect(question).toContain('cfo asks to use disk.write_file')
    const [echo, env = '', read, outside, picture, wrong] = told(model)
    expect([echo, read]).toEqual(['Echo: hi', 'hello from the disk'])
    expect(
      Object.keys(JSON.parse(env))
        .filter((name) => name !== 'TROUPE_CALL')
        .toSorted(),
    ).toEqual(['HOME', 'LANG', 'PATH', 'TICKETS', 'TMPDIR'])
    expect(env).toContain('"TICKETS": "[secret]"')
    expect(outside).toMatch(/denied|outside/i)
    expect(picture).toMatch(/\[a picture, image\/png, \d+ bytes: not shown\]/)
    expect(wrong).toMatch(/invalid|expected/i)
    anna.says(bot, '/deny')
    await answered(bot, anna, 3)
    expect(readdirSync(folder)).not.toContain('new.txt')
    await gateway.stop()
    expect(gateway.output() + gateway.errors()).not.toContain('tickets-key-0123')
  },
)

// Before anybody asks, log, status and `doctor` name what does not start: the deployment mcp-servers-that-do-not-start.
scenario(
  'a reference server over HTTP is used with its headers; those that do not start take nothing from it, and say why to the model',
  async () => {
    const docs = await overHttp()
    const { model, bot, anna, gateway } = await serving(
      (home) => ({
        docs: { url: docs, headers: { authorization: 'Bearer ${DOCS}' } },
        gone: { url: 'http://127.0.0.1:${GONE}/mcp' },
        dying: { ...node(SCRIPTED, home, 'dies-at-start'), env: { LEAK: '${LEAK}' } },
      }),
      { env: `DOCS=docs-key-0123\nGONE=${await freePort()}\nLEAK=leaked-secret-0123\n` },
    )
    asking(model, [
      ['docs__echo', { message: 'over HTTP' }],
      ['gone__status', {}],
      ['dying__status', {}],
    ])
    expect(await ask(bot, anna, 'go')).toBe('done')
    const [echo, gone, dying] = told(model)
    expect(echo).toBe('Echo: over HTTP')
    expect(gone).toMatch(
      /the MCP server gone does not run \(it could not be reached \(ECONNREFUSED\)\); it is started again in/,
    )
    expect(dying).toMatch(
      /the MCP server dying does not run \(it ended \(exit 3\): cannot find my settings, only \[secret\]\)/,
    )
    expect(gateway.output() + gateway.errors()).not.toContain('leaked-secret-0123')
  },
)

scenario(
  'S42 a server is killed in the middle of a call: the model reads that the outcome is unknown, and the next call works',
  async () => {
    const { model, bot, anna, folder, gateway } = await serving(
      (home) => ({ tickets: node(SCRIPTED, home, 'hangs-in-write') }),
      { keys: { approval: { 'tickets.*': 'allow' } } },
    )
    asking(model, [['tickets__write', { text: 'one' }]], [['tickets__echo', { text: 'at once' }]])
    anna.says(bot, 'write it')
    const called = () => notesIn(folder).flatMap((line) => /^call write .* in (\d+)$/.exec(line)?.[1] ?? [])
    const [pid = ''] = await eventually(async () => called().length === 1 && called(), gateway)
    process.kill(Number(pid), 'SIGKILL')
    await answered(bot, anna, 1)
    const [broken, refused] = told(model)
    expect(broken).toMatch(
      /^The outcome of this call is unknown: the MCP server tickets does not run \(it ended \(SIGKILL\)\); it is started again in 1 s\. It may have happened/,
    )
    // A slow machine has started another one by then.
    expect(refused).toMatch(/^Not done: the MCP server tickets does not run|^echo: at once$/)
    await pidIn(folder, [Number(pid)])
    asking(model, [['tickets__echo', { text: 'again' }]])
    await eventually(async () => {
      await ask(bot, anna, 'and now?')
      return told(model)[0] === 'echo: again'
    }, gateway)
    expect(called()).toEqual([pid])
    const metrics = await (await gateway.request('/metrics')).text()
    expect(metrics).toContain('troupe_mcp_servers_total{agent="cfo",server="tickets",became="ended"} 1')
    expect(gateway.errors()).toContain('an MCP server does not run and is started again')
  },
)

scenario(
  'after kill -9 the next start ends what is left of servers and commands; /stop tells the server; after a stop nothing of it runs',
  async () => {
    const bin = bareFolder()
    whenDone(() => rmSync(bin, { recursive: true }))
    const { model, bot, anna, folder, gateway } = await serving(
      (home) => ({ tickets: node(SCRIPTED, home, 'ignores-signals', 'leaves-a-daemon', 'lives-on') }),
      // Where there are no namespaces: there the kernel takes commands along.
      { keys: { tools: ['shell'], approval: { shell: 'allow' } }, PATH: bin },
    )
    const words = `sleep 4568.${process.pid}`
    asking(model, [
      ['tickets__hang', {}],
      ['shell', { command: `echo $$ > pid; ${words} & ${words}` }],
    ])
    anna.says(bot, 'go')
    const hanging = () => notesIn(folder).flatMap((line) => /^call hang .* in (\d+)$/.exec(line)?.[1] ?? [])
    const [server] = await eventually(async () => hanging().length === 1 && hanging(), gateway)
    const commands = () => processesWith(words)
    await eventually(async () => commands().length === 3, gateway)
    await gateway.kill9()
    expect([isAlive(Number(server)), commands().length]).toEqual([true, 3])

    const next = await started(folder)
    expect([isAlive(Number(server)), commands(), processesWith(`sleep 4567.${server}`)]).toEqual([false, [], []])
    for (const what of ['the MCP server tickets of cfo', 'a command of cfo'])
      expect(next.errors()).toContain(`an earlier gateway left ${what} running: it was ended`)

    // Its run goes on, with a server of its own.
    await eventually(async () => hanging().length === 2, next)
    anna.says(bot, '/stop')
    expect(await answered(bot, anna, 1)).toEqual(['Stopped.'])
    await eventually(async () => notesIn(folder).some((line) => /^cancelled \d+$/.test(line)), next)
    expect(await next.stop()).toMatchObject({ code: 0 })
    expect(pidsIn(folder).filter(isAlive)).toEqual([])
    expect(readdirSync(join(folder, '.troupe', 'groups'))).toEqual([])
  },
)

scenario(
  'an executable that is not there fails its channels by name; a start and doctor try a server once each, and end it',
  async () => {
    const folder = temporaryFolder()
    const agents = {
      cfo: { model: 'echo', mcp: { tickets: node(SCRIPTED, folder) } },
      ops: { model: 'echo', mcp: { lost: { command: 'no-such-server' } } },
    }
    const channels = { one: { platform: 'web', agent: 'cfo' }, two: { platform: 'web', agent: 'ops' } }
    const file = writeFile(folder, { agents, channels })
    const gateway = await started(folder)
    expect((await gateway.rollCall()).text).toMatch(
      /two is failed: requires: no-such-server is not in PATH, which the MCP server lost needs\. Install no-such-server, or correct/,
    )
    const tried = await pidIn(folder)
    await eventually(async () => !isAlive(tried), gateway)
    expect((await statusOf(gateway)).mcp_servers).toEqual([])
    const doctor = await troupe(['doctor', '--config', file])
    expect(doctor.output).toMatch(/✓ +mcp cfo\.tickets +6 tools/)
    expect(pidsIn(folder)).toHaveLength(2)
    expect(pidsIn(folder).filter(isAlive)).toEqual([])
  },
)
