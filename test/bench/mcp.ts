// MCP: what it costs that a server is an actor's: from the first asking to its list of tools, and one call, beside the same server
// spoken to through a bare pipe. A reference server from npm, over stdio; the two take turns.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { createActor } from 'xstate'
import type { McpDefinition } from '../../machines/definitions.ts'
import type { McpAsk, McpOutcome } from '../../machines/mcp-messages.ts'
import { mcpActor } from '../../src/actors/mcp.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import { unrecorded } from '../../src/tools/groups.ts'
import { mcpClients } from '../../src/tools/mcp-client.ts'
import { realWorld } from '../../src/world.ts'
import { testParts } from '../support/parts.ts'
import { type MeasureOptions, median, type Section } from './report.ts'

const require = createRequire(import.meta.url)
const REFERENCE = require.resolve('@modelcontextprotocol/server-everything/dist/index.js')

export interface McpBenchOptions extends MeasureOptions {
  /** Node's flags for the server behind the actor; a test slows it. */
  readonly nodeFlags?: readonly string[]
}

interface Measured {
  readonly startMs: number
  readonly callMs: number
}

export async function measureMcp({ rounds, size, nodeFlags = [] }: McpBenchOptions): Promise<Section> {
  const calls = size === 'quick' ? 20 : 200
  const [ours, bare]: [Measured[], Measured[]] = [[], []]
  // The first start reads the disk, and the library.
  await throughActor(1, nodeFlags)
  await throughPipe(1)
  for (let round = 0; round < rounds; round += 1) {
    ours.push(await throughActor(calls, nodeFlags))
    bare.push(await throughPipe(calls))
  }
  const of = (all: readonly Measured[], figure: keyof Measured) => all.map((each) => each[figure])
  const label = 'bare pipe'
  return {
    name: 'mcp',
    about: 'a reference server over stdio, asked by messages; beside it the same one through a pipe',
    rows: [
      {
        what: 'first asking to its list of tools',
        unit: 'ms',
        rounds: of(ours, 'startMs'),
        beside: { label, rounds: of(bare, 'startMs') },
      },
      { what: 'one call', unit: 'ms', rounds: of(ours, 'callMs'), beside: { label, rounds: of(bare, 'callMs') } },
    ],
  }
}

async function throughActor(calls: number, nodeFlags: readonly string[]): Promise<Measured> {
  const world = realWorld({ PATH: process.env['PATH'] })
  const clients = mcpClients({ redact: (text) => text, groups: unrecorded })
  const parts = testParts({
    world,
    store: openMemoryStore({ world }),
    runMcp: clients.run,
    secret: ({ secret }) => secret,
  })
  const args = [...nodeFlags, REFERENCE].map((secret) => ({ secret }))
  const definition: McpDefinition = {
    transport: 'stdio',
    command: process.execPath,
    args,
    env: {},
    folder: tmpdir(),
    timeoutMs: 60_000,
  }
  const actor = createActor(mcpActor(parts), { input: { channel: 'a', agent: 'a', server: 's', definition } })
  actor.start()
  const ask = (ask: McpAsk): Promise<McpOutcome> =>
    new Promise((resolve) => {
      parts.asked.set(ask.id, { channel: 'a', agent: 'a', server: 's', settle: resolve })
      actor.send({ type: 'mcp.asked', ask })
    })
  const startMs = await timed(async () => {
    const outcome = await ask({ id: 'list', what: 'list' })
    if (outcome.kind !== 'listed') throw new Error('The server did not start.')
  })
  const each: number[] = []
  for (let call = 0; call < calls; call += 1) {
    const input = { message: 'hello' }
    each.push(await timed(() => ask({ id: `${call}`, what: 'call', tool: 'echo', input, idempotent: true })))
  }
  actor.stop()
  await clients.ended()
  return { startMs, callMs: median(each) }
}

type Child = ChildProcessByStdio<Writable, Readable, null>

/** As little as the protocol allows. */
async function throughPipe(calls: number): Promise<Measured> {
  const beganMs = performance.now()
  const child: Child = spawn(process.execPath, [REFERENCE], { stdio: ['pipe', 'pipe', 'ignore'] })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (id: number, method: string, params: object): Promise<void> => {
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
    for (;;) {
      const { value, done } = await answers.next()
      if (done === true) throw new Error('The server ended.')
      if ((JSON.parse(value) as { id?: number }).id === id) return // An answer of JSON-RPC.
    }
  }
  const clientInfo = { name: 'bench', version: '1' }
  await ask(1, 'initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo })
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`)
  await ask(2, 'tools/list', {})
  const startMs = performance.now() - beganMs
  const each: number[] = []
  for (let call = 0; call < calls; call += 1)
    each.push(await timed(() => ask(3 + call, 'tools/call', { name: 'echo', arguments: { message: 'hello' } })))
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
  return { startMs, callMs: median(each) }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now()
  await work()
  return performance.now() - beganMs
}
