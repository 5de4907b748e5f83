// MCP trials: each server of the file is started once beside the start, judged, named when it does not start, and let go; a run that comes
// meanwhile has the same one. Each broken subject is caught by the check that stands beside it.

import { expect, test } from 'vitest'
import type { AgentDefinition, GatewayDefinition, McpDefinition } from '../../machines/definitions.ts'
import { type Failure, FailureError } from '../../machines/failure.ts'
import { MCP_START_MS_MAX, MCP_TRIALS_AFTER_MS, MCP_TRIALS_AT_ONCE } from '../../machines/limits.ts'
import { withOpenAi } from '../../machines/openai.ts'
import type { Log, LogFields } from '../../src/log.ts'
import { createMcpTrials, type McpTrialsParts } from '../../src/start/mcp-trials.ts'
import type { McpParts, McpServer, RunMcp } from '../../src/tools/tool.ts'
import { testAgent, testSchedule } from '../support/definitions.ts'
import { testDefinition } from '../support/house.ts'
import { type Held, held, settled, silentLog, testWorld } from '../support/world.ts'

interface Life {
  readonly name: string
  readonly parts: McpParts
  readonly live: (server: McpServer) => void
  readonly signal: AbortSignal
  readonly end: Held<void>
}

type Subject = (parts: McpTrialsParts) => ReturnType<typeof createMcpTrials>

const ENDED: Failure = { kind: 'retryable', reason: 'unavailable', message: 'it ended (exit 3): no table tickets' }
const HTTP: McpDefinition = { transport: 'http', url: { secret: 'u' }, headers: {}, timeoutMs: 5_000 }
const SERVER: McpServer = { tools: [], call: () => Promise.reject(new Error('nobody calls it')) }

function stdio(command: string): McpDefinition {
  return { transport: 'stdio', command, args: [], env: {}, folder: '/', timeoutMs: 5_000 }
}

const NEVER = new AbortController().signal

/** The trials of a file with these servers, by agent; every life of one is in the test's hand. */
function rig(subject: Subject, first: Readonly<Record<string, AgentDefinition['mcp']>>) {
  const world = testWorld()
  const lives: Life[] = []
  const said: LogFields[] = []
  const roll = held<void>()
  // A server takes a moment to end.
  const runMcp: RunMcp = (parts, live, signal) => {
    const life = { name: `${parts.agent}.${parts.name}`, parts, live, signal, end: held<void>() }
    lives.push(life)
    return life.end.promise
  }
  const write = (level: string) => (fields: LogFields, text: string) => void said.push({ level, ...fields, text })
  const log: Log = { ...silentLog, warn: write('warn'), info: write('info'), child: () => log }
  const fileOf = (mcp: typeof first) =>
    testDefinition({
      channels: { a: {}, b: {}, c: { routes: { default: 'cfo', dm: null, group: 'ops' } } },
      workforce: Object.entries(mcp).map(([id, servers]) => testAgent(id, { mcp: servers })),
    })
  let file = fileOf(first)
  const trials = subject({ runMcp, definition: () => file, secret: ({ secret }) => secret, world, log })
  trials.begin(roll.promise)
  const find = (name: string): Life => {
    const life = lives.findLast((one) => one.name === name)
    if (life === undefined) throw new Error(`${name} was not started`)
    return life
  }
  return {
    ...{ world, trials, said, find },
    names: () => lives.map(({ name }) => name),
    failing: () => trials.failing().map(({ agent, server }) => `${agent}.${server}`),
    async rollCall() {
      roll.resolve()
      await settled()
    },
    async ready(name: string) {
      find(name).live(SERVER)
      await settled()
    },
    async ends(name: string, failure: Failure | null = null) {
      const { end } = find(name)
      if (failure === null) end.resolve()
      else end.reject(new FailureError(failure))
      await settled()
    },
    /** A run that needs it. */
    async needs(name: string) {
      const { parts } = find(name)
      const [ending, servers] = [new AbortController(), [] as McpServer[]]
      const life = trials.run(parts, (server) => void servers.push(server), ending.signal)
      life.catch(() => {})
      await settled()
      return { ending, servers, life }
    },
    async saves(newer: typeof first) {
      file = fileOf(newer)
      trials.look()
      await settled()
    },
  }
}

/** By what is promised. */
const CHECKS: Readonly<Record<string, (subject: Subject) => Promise<void>>> = {
  async 'nothing runs before the roll was called; then each once, whatever channels, so many at a time'(subject) {
    const servers = Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`s${n}`, HTTP]))
    const { names, rollCall, ready, ends, find } = rig(subject, { cfo: servers })
    await settled()
    expect(names()).toEqual([])
    await rollCall()
    expect(names()).toHaveLength(MCP_TRIALS_AT_ONCE)
    await ready('cfo.s1')
    // The place is free when nothing of it runs any more.
    expect([find('cfo.s1').signal.aborted, names().length]).toEqual([true, MCP_TRIALS_AT_ONCE])
    await ends('cfo.s1')
    expect(names()).toEqual(['cfo.s0', 'cfo.s1', 'cfo.s2', 'cfo.s3', 'cfo.s4'])
    await ends('cfo.s2', ENDED)
    expect(names()).toHaveLength(6)
    expect(new Set(names()).size).toBe(6)
  },

  async 'a channel that keeps everybody waiting does not hold them up for long'(subject) {
    const { names, world } = rig(subject, { cfo: { s: HTTP } })
    await world.advance(MCP_TRIALS_AFTER_MS - 1)
    expect(names()).toEqual([])
    await world.advance(1)
    expect(names()).toEqual(['cfo.s'])
  },

  async 'one that does not start is named with its phase, why, and what to do, in the log and in the status'(subject) {
    const { rollCall, ends, ready, said, trials, world } = rig(subject, { cfo: { s: stdio('x') }, ops: { s: HTTP } })
    await rollCall()
    await ends('cfo.s', ENDED)
    await ready('ops.s')
    await ends('ops.s')
    const reason =
      'requires: the MCP server s of cfo did not start: it ended (exit 3): no table tickets. Start it by hand to see why, and mend it or agents.cfo.mcp.s in the file; "troupe reload" tries it again.'
    expect(said).toEqual([
      { level: 'warn', phase: 'requires', agent: 'cfo', mcp: 's', reason: 'unavailable', text: reason },
    ])
    const since = new Date(world.nowMs()).toISOString()
    expect(trials.failing()).toEqual([{ agent: 'cfo', server: 's', reason, phase: 'requires', since }])
  },

  async 'what a failure itself says is to be done goes first'(subject) {
    const { rollCall, ends, said } = rig(subject, { cfo: { s: HTTP, t: HTTP } })
    await rollCall()
    const refused: Failure = { kind: 'permanent', reason: 'unauthorized', message: 'no (401)', remedy: 'Give a key' }
    await ends('cfo.s', refused)
    await ends('cfo.t', { ...ENDED, message: 'it answers 503' })
    expect(said.map(({ text }) => text)).toEqual([
      expect.stringContaining('did not start: no (401). Give a key; "troupe reload"'),
      expect.stringContaining(
        'it answers 503. See that it runs, and that agents.cfo.mcp.t.url in the file is its address;',
      ),
    ])
  },

  async 'slow is not broken: nothing is said for as long as a run would wait'(subject) {
    const { rollCall, ready, failing, said, world, find } = rig(subject, { cfo: { s: stdio('x'), t: stdio('x') } })
    await rollCall()
    await world.advance(MCP_START_MS_MAX - 1)
    await ready('cfo.t')
    expect([failing(), said]).toEqual([[], []])
    await world.advance(1)
    expect(failing()).toEqual(['cfo.s'])
    expect(said.map(({ text }) => text).join()).toMatch(
      /did not start: it was not ready within 30 s\. What it downloads/,
    )
    expect(find('cfo.s').signal.aborted).toBe(true)
  },

  async 'a run that comes meanwhile has the one that is tried; one that comes later starts its own'(subject) {
    const { rollCall, ready, needs, names, find, ends } = rig(subject, { cfo: { s: HTTP } })
    await rollCall()
    const one = await needs('cfo.s')
    expect([names().length, one.servers.length]).toEqual([1, 0])
    await ready('cfo.s')
    expect([one.servers, find('cfo.s').signal.aborted]).toEqual([[SERVER], false])
    const other = await needs('cfo.s')
    expect(names()).toHaveLength(2)
    one.ending.abort()
    await settled()
    expect(other.servers).toEqual([])
    await ends('cfo.s')
    await other.life
  },

  async 'a run that comes while it is let go waits until nothing of it runs'(subject) {
    const { rollCall, ready, needs, names, ends } = rig(subject, { cfo: { s: HTTP } })
    await rollCall()
    await ready('cfo.s')
    await needs('cfo.s')
    expect(names()).toHaveLength(1)
    await ends('cfo.s')
    expect(names()).toHaveLength(2)
  },

  async 'also in the very moment in which it is let go'(subject) {
    const { rollCall, needs, names, find, ends } = rig(subject, { cfo: { s: HTTP } })
    await rollCall()
    find('cfo.s').live(SERVER)
    const run = await needs('cfo.s')
    await ends('cfo.s')
    expect([names().length, run.servers]).toEqual([2, []])
    find('cfo.s').live(SERVER)
    expect(run.servers).toEqual([SERVER])
  },

  async 'what a run starts is not tried in its turn'(subject) {
    const servers = Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`s${n}`, HTTP]))
    const { rollCall, ready, ends, trials, names, find } = rig(subject, { cfo: servers })
    await rollCall()
    const parts = { ...find('cfo.s0').parts, name: 's4' }
    void trials.run(parts, () => {}, NEVER)
    await ready('cfo.s0')
    await ends('cfo.s0')
    expect(names().filter((name) => name === 'cfo.s4')).toHaveLength(1)
  },

  async 'what a run finds out is known too, and needs no trial'(subject) {
    const { rollCall, ready, needs, ends, failing, said } = rig(subject, { cfo: { s: HTTP } })
    await rollCall()
    await ends('cfo.s', ENDED)
    const run = await needs('cfo.s')
    await ends('cfo.s', ENDED)
    await expect(run.life).rejects.toThrow(ENDED.message)
    expect([failing(), said.length]).toEqual([['cfo.s'], 1])
    await needs('cfo.s')
    await ready('cfo.s')
    expect(failing()).toEqual([])
    expect(said.at(-1)).toMatchObject({ level: 'info', text: 'the MCP server s of cfo starts now' })
  },

  async 'after a newer file those are tried that are new, changed, or did not start'(subject) {
    const { rollCall, ready, ends, saves, names, failing, find } = rig(subject, {
      cfo: { fine: HTTP, bad: HTTP, gone: HTTP, slow: stdio('old') },
    })
    await rollCall()
    await ready('cfo.fine')
    await ends('cfo.fine')
    await ends('cfo.bad', ENDED)
    await ends('cfo.gone', ENDED)
    expect(failing()).toEqual(['cfo.bad', 'cfo.gone'])
    const old = find('cfo.slow')
    await saves({ cfo: { fine: HTTP, bad: HTTP, slow: stdio('new'), other: HTTP } })
    expect(names().slice(4)).toEqual(['cfo.bad', 'cfo.other'])
    expect([failing(), old.signal.aborted]).toEqual([['cfo.bad'], true])
    // The same file again does not try again what is being tried.
    await saves({ cfo: { fine: HTTP, bad: HTTP, slow: stdio('new'), other: HTTP } })
    // What an earlier file's server says at its end is nobody's concern.
    old.end.reject(new FailureError(ENDED))
    await settled()
    expect(names().slice(4)).toEqual(['cfo.bad', 'cfo.other', 'cfo.slow'])
    expect(failing()).toEqual(['cfo.bad'])
    await ready('cfo.bad')
    await ends('cfo.bad')
    expect([failing(), names().length]).toEqual([[], 7])
  },

  async 'when it is closed, what is tried is ended, and nothing more begins'(subject) {
    const servers = Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`s${n}`, HTTP]))
    const { rollCall, trials, names, find, ends, said, world } = rig(subject, { cfo: servers })
    await rollCall()
    const closed = trials.close()
    await settled()
    expect(names().every((name) => find(name).signal.aborted)).toBe(true)
    for (const name of names()) await ends(name)
    await closed
    expect([names().length, said, world.pending()]).toEqual([MCP_TRIALS_AT_ONCE, [], []])
  },
}

for (const [promise, check] of Object.entries(CHECKS)) test(promise, () => check(createMcpTrials))

const PARROT = testAgent('parrot')

/** Whose servers are tried, of a file as it stands. */
const TRIED: Readonly<Record<string, readonly [GatewayDefinition, readonly string[]]>> = {
  'an agent whose channels cannot start has nobody who would use its servers': [
    testDefinition({ workforce: [{ ...testAgent('cfo', { mcp: { s: HTTP } }), missing: ['KEY'] }, PARROT] }),
    [],
  ],
  'nor has one that no channel leads to': [
    testDefinition({ workforce: [testAgent('cfo', { mcp: { s: HTTP } }), testAgent('ops', { mcp: { s: HTTP } })] }),
    ['cfo.s'],
  ],
  'a schedule leads to its agent': [
    testDefinition({
      workforce: [PARROT, testAgent('ops', { mcp: { s: HTTP } })],
      schedules: [testSchedule({ agent: 'ops' })],
    }),
    ['ops.s'],
  ],
  'clients of the OpenAI API reach every agent': [
    withOpenAi(
      testDefinition({ gateway: { openaiApi: true }, workforce: [PARROT, testAgent('ops', { mcp: { s: HTTP } })] }),
    ),
    ['ops.s'],
  ],
}

test.each(Object.entries(TRIED))('%s', async (_, [definition, tried]) => {
  const started: string[] = []
  const runMcp: RunMcp = async ({ agent, name }) => void started.push(`${agent}.${name}`)
  createMcpTrials({ runMcp, definition: () => definition, secret: () => '', world: testWorld(), log: silentLog }).look()
  await settled()
  expect(started).toEqual(tried)
})

/** Each with the promise that it breaks. */
const BROKEN: Readonly<Record<string, readonly [promise: keyof typeof CHECKS, subject: Subject]>> = {
  'keeps what it tried': [
    'nothing runs before the roll was called; then each once, whatever channels, so many at a time',
    (parts) => createMcpTrials({ ...parts, runMcp: (given, live) => parts.runMcp(given, live, NEVER) }),
  ],
  'does not wait for the roll call': [
    'nothing runs before the roll was called; then each once, whatever channels, so many at a time',
    (parts) => {
      const trials = createMcpTrials(parts)
      return { ...trials, begin: () => trials.look() }
    },
  ],
  'starts a second one beside it': [
    'a run that comes meanwhile has the one that is tried; one that comes later starts its own',
    (parts) => ({ ...createMcpTrials(parts), run: parts.runMcp }),
  ],
  'calls a slow one broken': [
    'slow is not broken: nothing is said for as long as a run would wait',
    (parts) => {
      const { clock } = parts.world
      const hasty = { ...clock, setTimeout: (fn: () => void, ms: number) => clock.setTimeout(fn, ms / 3) }
      return createMcpTrials({ ...parts, world: { ...parts.world, clock: hasty } })
    },
  ],
  'knows the first file alone': [
    'after a newer file those are tried that are new, changed, or did not start',
    (parts) => {
      const first = parts.definition()
      return createMcpTrials({ ...parts, definition: () => first })
    },
  ],
}

for (const [name, [promise, subject]] of Object.entries(BROKEN)) {
  test(`a subject that ${name} is caught`, async () => {
    await expect(CHECKS[promise]?.(subject)).rejects.toThrow()
  })
}
