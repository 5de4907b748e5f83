// The MCP server's statechart: who is answered and when, what is repeated, how often it is started again.

import { expect, test } from 'vitest'
import { assign, createActor, fromCallback, SimulatedClock } from 'xstate'
import type { McpDefinition } from '../../machines/definitions.ts'
import { mcpMachine } from '../../machines/mcp.ts'
import type { McpContext } from '../../machines/mcp-words.ts'
import type { McpAnswer, McpEvent, McpTool, ToMcp, ToMcpClient } from '../../machines/mcp-messages.ts'
import { MCP_ASKS_MAX, MCP_REST_MS, MCP_START_MS_MAX } from '../../machines/limits.ts'

const DEFINITION: McpDefinition = { transport: 'http', url: { secret: 'a' }, headers: {}, timeoutMs: 60_000 }
const TOOLS: readonly McpTool[] = [
  { name: 's.t', tool: 't', description: '', parameters: { type: 'object' }, changes: true, idempotent: false },
]
const AWAY = { kind: 'retryable', reason: 'unavailable', message: 'it ended (exit 1)' } as const

const list = (id: string): ToMcp => ({ type: 'mcp.asked', ask: { id, what: 'list' } })
const call = (id: string, idempotent = false): ToMcp => ({
  type: 'mcp.asked',
  ask: { id, what: 'call', tool: 't', input: {}, idempotent },
})

function rig(machine = mcpMachine) {
  const told: ToMcpClient[] = []
  const answers: McpAnswer[] = []
  const noted: (number | null)[] = []
  const clients: { readonly say: (event: McpEvent) => void }[] = []
  let living = 0
  const clock = new SimulatedClock()
  const actor = createActor(
    machine.provide({
      actors: {
        client: fromCallback(({ sendBack, receive }) => {
          living += 1
          if (living > 1) throw new Error('X1: a second client beside a living one')
          receive((event) => told.push(event))
          clients.push({ say: sendBack })
          return () => void (living -= 1)
        }),
      },
      actions: {
        answer: (_, params) => answers.push(...params.answers),
        noteEnd: (_, { restartAfterMs }) => noted.push(restartAfterMs),
      },
    }),
    { clock, input: { channel: 'a', agent: 'ops', server: 's', definition: DEFINITION } },
  )
  actor.start()
  const say = (event: McpEvent): void => clients.at(-1)?.say(event)
  const words = (id: string): string[] =>
    answers
      .filter((answer) => answer.id === id)
      .map(({ outcome }) => (outcome.kind === 'failed' ? outcome.failure.message : outcome.kind))
  return { actor, clock, told, answers, noted, clients, say, words, state: () => actor.getSnapshot().value }
}

function ready(machine = mcpMachine) {
  const all = rig(machine)
  all.actor.send(list('first'))
  all.say({ type: 'mcp.ready', tools: TOOLS })
  return all
}

test('nothing is started before somebody asks; who asks while it starts waits, and is answered when it is ready', () => {
  const { actor, clients, say, told, words, state } = rig()
  expect([state(), clients.length]).toEqual(['idle', 0])
  actor.send(list('1'))
  actor.send(call('2'))
  expect([state(), clients.length, words('1')]).toEqual([{ open: 'starting' }, 1, []])
  say({ type: 'mcp.ready', tools: TOOLS })
  expect(words('1')).toEqual(['listed'])
  expect(told).toMatchObject([{ type: 'mcp.call', call: { id: '2' } }])
})

test('an answer of the server goes to whoever asked, once', () => {
  const { actor, say, words } = ready()
  actor.send(call('1'))
  const answer = { id: '1', outcome: { kind: 'told', text: 'done', failed: false } } as const
  say({ type: 'mcp.answered', answer })
  say({ type: 'mcp.answered', answer })
  expect(words('1')).toEqual(['told'])
})

test('a call that nobody waits for any more is told to the server, and its late answer to nobody', () => {
  const { actor, say, told, words } = ready()
  actor.send(call('1'))
  actor.send({ type: 'mcp.dropped', id: '1' })
  say({ type: 'mcp.answered', answer: { id: '1', outcome: { kind: 'told', text: 'late', failed: false } } })
  expect(told.at(-1)).toEqual({ type: 'mcp.dropped', id: '1' })
  expect(words('1')).toEqual([])
})

test('X3: a call that was with the server when it ended is not repeated, and its outcome is said to be unknown', () =>
  expectNoRepeat(mcpMachine))

test('a broken machine that gives it to the next server is caught', () => {
  const keeping = assign(({ context }: { context: McpContext }) => ({ waiting: context.calls, calls: [] }))
  // The words of the chart's own actions are not known out here.
  expect(() => expectNoRepeat(mcpMachine.provide({ actions: { forgetAsks: keeping as never } }))).toThrow(
    /toHaveLength|length/,
  )
})

function expectNoRepeat(machine: typeof mcpMachine): void {
  const { actor, clock, say, told, words } = ready(machine)
  actor.send(call('1'))
  say({ type: 'mcp.ended', failure: AWAY })
  expect(words('1')).toEqual([
    'The outcome of this call is unknown: the MCP server s does not run (it ended (exit 1)); it is started again in 1 s. It may have happened, and was not repeated',
  ])
  clock.increment(1_000)
  say({ type: 'mcp.ready', tools: TOOLS })
  expect(told.filter(({ type }) => type === 'mcp.call')).toHaveLength(1)
}

test('of a call that changes nothing it is said that it can be made again', () => {
  const { actor, say, words } = ready()
  actor.send(call('1', true))
  say({ type: 'mcp.ended', failure: AWAY })
  expect(words('1')[0]).toMatch(/It can be called again$/)
})

test('while it does not run a call is refused at once, and what it had is still known', () => {
  const { actor, say, words } = ready()
  say({ type: 'mcp.ended', failure: AWAY })
  actor.send(call('1'))
  actor.send(list('2'))
  expect(words('1')).toEqual([
    'Not done: the MCP server s does not run (it ended (exit 1)); it is started again in 1 s',
  ])
  expect(words('2')).toEqual(['listed'])
})

test('it is started again with a growing wait, so often and no more; after a rest the next who asks starts it', () =>
  expectIntensity(mcpMachine))

test('a broken machine that starts it again for ever is caught', () => {
  expect(() => expectIntensity(mcpMachine.provide({ guards: { givesUp: () => false } }))).toThrow()
})

function expectIntensity(machine: typeof mcpMachine): void {
  const { actor, clock, clients, noted, say, state, words } = rig(machine)
  actor.send(list('1'))
  for (let start = 0; start < 12 && state() !== 'failed'; start += 1) {
    say({ type: 'mcp.ended', failure: AWAY })
    clock.increment(60_000)
  }
  expect([state(), clients.length]).toEqual(['failed', 11])
  expect(noted).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000, null])
  actor.send(list('2'))
  expect(words('2')[0]).toMatch(/it failed too often and is left alone for 10 minutes$/)
  clock.increment(MCP_REST_MS)
  expect(state()).toBe('idle')
  actor.send(list('3'))
  expect(clients).toHaveLength(12)
}

test('X2: one that says nothing is ended at its deadline, and whoever waited is told', () => {
  const { actor, clock, say, told, words } = rig()
  actor.send(list('1'))
  clock.increment(MCP_START_MS_MAX)
  expect(told).toEqual([{ type: 'close' }])
  expect(words('1')).toEqual([])
  say({ type: 'mcp.ended', failure: null })
  expect(words('1')[0]).toContain('it was not ready within 30 s')
})

test('who begins while it is being started again does not wait for it', () => {
  const { actor, clock, say, words, state } = rig()
  actor.send(list('1'))
  say({ type: 'mcp.ended', failure: AWAY })
  clock.increment(1_000)
  expect(state()).toEqual({ open: 'starting' })
  actor.send(list('2'))
  expect(words('2')).toHaveLength(1)
})

test('one that stayed up has earned a fresh backoff', () => {
  const { clock, noted, say } = ready()
  say({ type: 'mcp.ended', failure: AWAY })
  clock.increment(1_000)
  say({ type: 'mcp.ready', tools: TOOLS })
  clock.increment(60_000)
  say({ type: 'mcp.ended', failure: AWAY })
  expect(noted).toEqual([1_000, 1_000])
})

test('X1: another definition ends the client, and only then is there another; who asked meanwhile has the new one', () => {
  const { actor, clients, say, told, words, state } = ready()
  actor.send(call('1'))
  const definition = { ...DEFINITION, timeoutMs: 1 }
  actor.send({ type: 'mcp.redefined', definition })
  actor.send(call('2'))
  expect(words('1')[0]).toContain('was changed in the file since this run began')
  expect([state(), clients.length]).toEqual([{ open: 'closing' }, 1])
  say({ type: 'mcp.ended', failure: null })
  expect([clients.length, actor.getSnapshot().context.definition]).toEqual([2, definition])
  say({ type: 'mcp.ready', tools: TOOLS })
  expect(told.at(-1)).toMatchObject({ type: 'mcp.call', call: { id: '2' } })
})

test('one that the file does not name any more is ended, and is not started again by itself', () => {
  const { actor, clients, say, state } = ready()
  actor.send({ type: 'mcp.unneeded' })
  say({ type: 'mcp.ended', failure: null })
  expect([state(), clients.length]).toEqual(['idle', 1])
})

test('a change of the file brings back one that failed too often', () => {
  const { actor, clock, say, state } = rig()
  actor.send(list('1'))
  for (let start = 0; start < 11; start += 1) {
    say({ type: 'mcp.ended', failure: AWAY })
    clock.increment(60_000)
  }
  actor.send({ type: 'mcp.redefined', definition: { ...DEFINITION, timeoutMs: 1 } })
  expect(state()).toBe('idle')
})

test('M2: what is asked at once is bounded, and who finds no room is told', () => {
  const { actor, words } = ready()
  for (let asked = 0; asked <= MCP_ASKS_MAX; asked += 1) actor.send(call(`c${asked}`))
  expect(words(`c${MCP_ASKS_MAX}`)[0]).toContain('too much is asked of the MCP server s at once')
  expect(actor.getSnapshot().context.calls).toHaveLength(MCP_ASKS_MAX)
})
