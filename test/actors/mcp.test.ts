// MCP servers through the real actors: one for each agent's server in each channel, asked by runs that hold no client, ended with
// their channel, exchanged by a newer file; and what a run is told when there is nobody.

import { expect, test } from 'vitest'
import type { McpDefinition } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import type { McpTool } from '../../machines/mcp-messages.ts'
import { mcpTools } from '../../src/tools/mcp.ts'
import type { McpParts, McpServer, McpTold, RunMcp, Tool, ToolParts } from '../../src/tools/tool.ts'
import { testAgent } from '../support/definitions.ts'
import { type HouseOptions, openHouse } from '../support/house.ts'
import { type Held, held, settled } from '../support/world.ts'

interface Life {
  readonly parts: McpParts
  readonly live: (server: McpServer) => void
  readonly signal: AbortSignal
  readonly end: Held<void>
  readonly calls: (Held<McpTold> & { readonly tool: string; readonly signal: AbortSignal })[]
}

const TOOL: McpTool = {
  name: 's.t',
  tool: 't',
  description: 't',
  parameters: { type: 'object' },
  changes: false,
  idempotent: false,
}
const HTTP: McpDefinition = { transport: 'http', url: { secret: 'u' }, headers: {}, timeoutMs: 5_000 }
const CALL = { id: '1', tool: 's.t', input: { x: 1 } }
const AWAY = new FailureError({ kind: 'retryable', reason: 'unavailable', message: 'it ended (exit 1)' })

/** A house whose agents have the server `s`, with every life of a server in the test's hand. */
async function houseWith(options: HouseOptions = {}, definition = HTTP) {
  const lives: Life[] = []
  const runMcp: RunMcp = (parts, live, signal) => {
    const life: Life = { parts, live, signal, end: held(), calls: [] }
    lives.push(life)
    signal.addEventListener('abort', () => life.end.resolve())
    return life.end.promise
  }
  const buildTools = async (parts: ToolParts) => {
    const tools: Tool[] = await mcpTools(parts, new AbortController().signal)
    return { tools, workdir: '', close: async () => {} }
  }
  const mcp = { s: definition }
  const workforce = [testAgent('cfo', { mcp }), testAgent('ops', { mcp })]
  const house = await openHouse({ workforce, ...options, parts: { runMcp, buildTools } })
  const ready = async (life = 0): Promise<void> => {
    const { live, calls } = lives[life] ?? {}
    live?.({
      tools: [TOOL],
      call(tool, _, signal) {
        const call = Object.assign(held<McpTold>(), { tool, signal })
        signal.addEventListener('abort', () => call.reject(AWAY))
        calls?.push(call)
        return call.promise
      },
    })
    await settled()
  }
  return { house, lives, ready }
}

type Rig = Awaited<ReturnType<typeof houseWith>>

/** What the last thought was told of its calls. */
function results({ house }: Rig): string[] {
  const { steps = [] } = house.thoughts.at(-1)?.request ?? {}
  return steps.flatMap((step) => (step.kind === 'result' ? [step.text] : []))
}

/** A run that is thinking, with the server ready. */
async function thinking(options: HouseOptions = {}): Promise<Rig> {
  const rig = await houseWith(options)
  await rig.house.says('a', 'hello')
  await rig.ready()
  return rig
}

test('A2: a server is started by the first run that needs it; a run waits for it, and no other channel shares it (S2)', async () => {
  const { house, lives, ready } = await houseWith({ channels: { a: {}, b: {} } })
  expect(lives).toHaveLength(0)
  await house.says('a', 'hello')
  await house.says('a', 'hello', { conversation: 'c2' })
  expect([lives.length, house.thoughts.length]).toEqual([1, 0])
  await ready()
  expect(house.thoughts.map(({ request }) => request.tools.map(({ name }) => name))).toEqual([['s.t'], ['s.t']])
  await house.says('b', 'hello')
  expect(lives).toHaveLength(2)
})

test('a call goes to the server and its answer to the run; after the run the server stays', async () => {
  const rig = await thinking()
  await rig.house.thoughts[0]?.asks(CALL)
  rig.lives[0]?.calls[0]?.resolve({ text: 'seven', failed: false })
  await settled()
  expect(results(rig)).toEqual(['seven'])
  await rig.house.thoughts[1]?.answer('It is seven.')
  await rig.house.says('a', 'again')
  expect(rig.lives).toHaveLength(1)
})

test('S32: /stop tells the server that nobody waits for its call any more', async () => {
  const rig = await thinking()
  await rig.house.thoughts[0]?.asks(CALL)
  await rig.house.says('a', '/stop')
  expect(rig.lives[0]?.calls[0]?.signal.aborted).toBe(true)
})

test('a call that takes too long is given up in words, and the run goes on', async () => {
  const rig = await thinking()
  await rig.house.thoughts[0]?.asks(CALL)
  await rig.house.world.advance(5_000)
  expect(results(rig)).toEqual(['the MCP server s did not answer within 5 s; what was asked may have happened'])
  expect(rig.lives[0]?.calls[0]?.signal.aborted).toBe(true)
})

test('C1: a server that ends takes no run with it; it is started again', async () => {
  const rig = await thinking()
  await rig.house.thoughts[0]?.asks(CALL)
  rig.lives[0]?.end.reject(AWAY)
  await settled()
  expect(results(rig)[0]).toMatch(/^The outcome of this call is unknown: the MCP server s does not run \(it ended/)
  await rig.house.world.advance(1_000)
  expect(rig.lives).toHaveLength(2)
  await rig.house.thoughts[1]?.answer('I do not know.')
  expect(rig.house.platform('a').sent.map(({ text }) => text)).toEqual(['I do not know.'])
})

test('one that never starts is a tool that says so, and the run is not held up by it again', async () => {
  const rig = await houseWith()
  await rig.house.says('a', 'hello')
  rig.lives[0]?.end.reject(AWAY)
  await settled()
  const [tool] = rig.house.thoughts[0]?.request.tools ?? []
  expect(tool).toMatchObject({ name: 's.status', changes: false })
  expect(tool?.description).toContain('the MCP server s does not run (it ended (exit 1))')
  await rig.house.says('a', 'hello', { conversation: 'c2' })
  expect(rig.house.thoughts).toHaveLength(2)
})

test('a newer file ends the server; a run that goes on reads so, and the next one has the new server', async () => {
  const rig = await thinking()
  const newer = { s: { ...HTTP, timeoutMs: 6_000 } }
  await rig.house.redefine({ workforce: [testAgent('cfo', { mcp: newer }), testAgent('ops')] })
  expect(rig.lives[0]?.signal.aborted).toBe(true)
  await rig.house.thoughts[0]?.asks(CALL)
  expect(results(rig)).toEqual([
    'the MCP server s was changed in the file since this run began; the next turn uses it as it is now',
  ])
  await rig.house.thoughts[1]?.answer('Later.')
  await rig.house.says('a', 'now')
  await rig.ready(1)
  await rig.house.thoughts[2]?.asks(CALL)
  rig.lives[1]?.calls[0]?.resolve({ text: 'new', failed: false })
  await settled()
  expect(results(rig)).toEqual(['new'])
})

test('a server that the file does not name any more is ended, and those of others are not', async () => {
  const rig = await houseWith({ channels: { a: {}, b: { routes: { default: 'ops', dm: null, group: null } } } })
  await rig.house.says('a', 'hello')
  await rig.house.says('b', 'hello')
  const channels = { a: {}, b: { routes: { default: 'ops', dm: null, group: null } } }
  await rig.house.redefine({ channels, workforce: [testAgent('cfo'), testAgent('ops', { mcp: { s: HTTP } })] })
  expect(rig.lives.map(({ signal }) => signal.aborted)).toEqual([true, false])
})

test('nothing of a server runs when the gateway is gone', async () => {
  const rig = await thinking()
  rig.house.kill()
  expect(rig.lives[0]?.signal.aborted).toBe(true)
})

test('a defect of its actor is told to whoever asked, and the next who asks starts another', async () => {
  const rig = await houseWith()
  await rig.house.says('a', 'hello')
  // Something that no server says: the machine cannot go on.
  const broken = {
    type: 'mcp.ready',
    get tools(): never {
      throw new Error('broken')
    },
  }
  const actor = rig.house.gateway.system.get('channel:a')?.getSnapshot().children['mcp:cfo/s']
  actor?.send(broken)
  await settled()
  expect(rig.house.thoughts[0]?.request.tools[0]?.description).toContain('failed by a defect')
  expect(rig.lives[0]?.signal.aborted).toBe(true)
  await rig.house.says('a', 'hello', { conversation: 'c2' })
  expect(rig.lives).toHaveLength(2)
  expect(rig.house.reports.get('a')?.state).toBe('live')
})
