// The real actor of an MCP server, with the server, the clock and everybody who asks in the test's hand.

import { expect } from 'vitest'
import { createActor, type SnapshotFrom } from 'xstate'
import { FailureError } from '../../machines/failure.ts'
import { MCP_ASKS_MAX } from '../../machines/limits.ts'
import type { McpAsk, McpOutcome, ToMcp } from '../../machines/mcp-messages.ts'
import { mcpActor } from '../../src/actors/mcp.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import type { McpServer, McpTold, RunMcp } from '../../src/tools/tool.ts'
import { testParts } from '../support/parts.ts'
import type { Subject } from '../support/paths.ts'
import type { Taken } from '../support/transitions.ts'
import { type Held, held, settled, testWorld } from '../support/world.ts'
import type { Fate, McpEvent, mcpModel, Seen } from './mcp-model.ts'

type McpLogic = ReturnType<typeof mcpActor>

export interface McpOptions {
  readonly taken?: Taken
  readonly broken?: (real: McpLogic) => McpLogic
}

interface Life {
  readonly live: (server: McpServer) => void
  readonly signal: AbortSignal
  readonly end: Held<void>
}

interface Waiting {
  readonly id: string
  readonly what: 'list' | 'call'
  isOpen: boolean
}

const store = openMemoryStore({ world: testWorld() })

export function mcpSubject({ taken, broken = (real) => real }: McpOptions): Subject<typeof mcpModel> {
  const world = testWorld()
  const lives: Life[] = []
  let asked: Waiting[] = []
  let crowd: Waiting[] = []
  /** What was told since the last event, and whether to one of a crowd. */
  let told: { readonly fate: Fate; readonly inCrowd: boolean }[] = []
  let twice = 0
  /** Calls that the server was given and has not ended, in their order; an input is an asking's id. */
  const calls = new Map<string, Held<McpTold>>()
  const given: string[] = []
  let [throws, definitions] = [false, 0]

  const runMcp: RunMcp = (_, live, signal) => {
    if (throws) {
      throws = false
      throw new Error('broken')
    }
    const life = { live, signal, end: held<void>() }
    lives.push(life)
    return life.end.promise.finally(() => lives.splice(lives.indexOf(life), 1))
  }
  const parts = testParts({ world, store, runMcp })
  const definition = () =>
    ({ transport: 'http', url: { secret: 'u' }, headers: {}, timeoutMs: 1_000 + definitions }) as const
  const actor = createActor(broken(mcpActor(parts)), {
    clock: world.clock,
    input: { channel: 'a', agent: 'ops', server: 's', definition: definition() },
  })
  actor.subscribe({ error: () => {} })
  taken?.watch(actor)
  actor.start()

  const server: McpServer = {
    tools: [],
    call(_, { id }, signal) {
      const call = held<McpTold>()
      given.push(String(id))
      calls.set(String(id), call)
      signal.addEventListener('abort', () => {
        calls.delete(String(id))
        call.reject(new FailureError({ kind: 'permanent', reason: 'cancelled', message: 'the call was ended' }))
      })
      return call.promise
    },
  }
  const send = (event: ToMcp): void => actor.send(event)
  function ask(what: 'list' | 'call', inCrowd = false): void {
    const id = world.id()
    const one: Waiting = { id, what, isOpen: true }
    ;(inCrowd ? crowd : asked).push(one)
    const settle = (outcome: McpOutcome): void => {
      if (!one.isOpen) twice += 1
      one.isOpen = false
      told.push({ fate: fateOf(outcome), inCrowd })
    }
    parts.asked.set(id, { channel: 'a', agent: 'ops', server: 's', settle })
    const ask: McpAsk = what === 'list' ? { id, what } : { id, what, tool: 't', input: { id }, idempotent: false }
    send({ type: 'mcp.asked', ask })
  }
  function end(how: (end: Held<void>) => void): void {
    const life = lives[0]
    calls.clear()
    if (life !== undefined) how(life.end)
  }

  const play: { [T in McpEvent['type']]: () => void | Promise<void> } = {
    list: () => ask('list'),
    listThrows() {
      throws = true
      ask('list')
    },
    call: () => ask('call'),
    crowd() {
      for (let n = 0; n <= MCP_ASKS_MAX; n += 1) ask('call', true)
    },
    drop() {
      const one = asked.find(({ isOpen }) => isOpen)
      if (one === undefined) return
      one.isOpen = false
      parts.asked.delete(one.id)
      send({ type: 'mcp.dropped', id: one.id })
    },
    ready: () => lives[0]?.live(server),
    answer() {
      const one = asked.find(({ id, isOpen }) => isOpen && calls.has(id))
      if (one === undefined) return
      calls.get(one.id)?.resolve({ text: 'done', failed: false })
      calls.delete(one.id)
    },
    dies: () => end(({ reject }) => reject(new FailureError(AWAY))),
    ends: () => end(({ resolve }) => resolve()),
    time: () => world.advance(world.pending()[0] ?? 0),
    redefine() {
      definitions += 1
      send({ type: 'mcp.redefined', definition: definition() })
    },
    unneed: () => send({ type: 'mcp.unneeded' }),
  }

  return {
    async play(event) {
      told = []
      await play[event.type]()
      await settled()
      asked = asked.filter(({ isOpen }) => isOpen)
      crowd = crowd.filter(({ isOpen }) => isOpen)
    },
    compare(state) {
      const [first] = crowd
      const ofCrowd = told.filter(({ inCrowd }) => inCrowd).map(({ fate }) => fate)
      expect({
        status: actor.getSnapshot().status,
        clients: lives.length,
        closed: lives[0]?.signal.aborted ?? false,
        open: asked.map(({ id, what }) => ({ what, isWithIt: calls.has(id) })),
        crowd: first === undefined ? null : [crowd.length, calls.has(first.id) ? 'with it' : 'waits'],
        said: [...told.filter(({ inCrowd }) => !inCrowd).map(({ fate }) => fate), ...new Set(ofCrowd)],
        // What is with a server that is being ended ends with it.
        calls: state.context.at === 'ready' ? calls.size : 0,
        twice,
        repeated: given.length - new Set(given).size,
        definition: actor.getSnapshot().context.definition.timeoutMs,
        pending: world.pending(),
      }).toEqual(expected(state))
    },
    async close() {
      actor.stop()
    },
  }
}

function fateOf(outcome: McpOutcome): Fate {
  if (outcome.kind !== 'failed') return outcome.kind
  const { message } = outcome.failure
  if (message.includes('too much is asked')) return 'full'
  if (message.includes('was changed in the file')) return 'changed'
  return message.startsWith('The outcome of this call is unknown') ? 'unknown' : 'not done'
}

function expected({ context }: SnapshotFrom<typeof mcpModel>) {
  const { at, open, crowd, definitions, said } = context
  return {
    status: 'active',
    clients: at === 'starting' || at === 'ready' || at === 'closing' ? 1 : 0,
    closed: at === 'closing',
    open,
    crowd: crowd === null ? null : [MCP_ASKS_MAX, crowd],
    said,
    calls: open.filter(({ isWithIt }) => isWithIt).length + (crowd === 'with it' ? MCP_ASKS_MAX : 0),
    twice: 0,
    repeated: 0,
    definition: 1_000 + definitions,
    pending: pendingIn(context),
  }
}

/** What the promises say of waits: a start has half a minute, a wait doubles from a second, a rest is ten minutes. */
function pendingIn({ at, failures, stable }: Seen): number[] {
  switch (at) {
    case 'starting':
      return [30_000]
    case 'ready':
      return stable ? [] : [60_000]
    case 'backingOff':
      return [Math.min(60_000, 1_000 * 2 ** (failures - 1))]
    case 'failed':
      return [600_000]
    default:
      return []
  }
}

const AWAY = { kind: 'retryable', reason: 'unavailable', message: 'it ended (exit 1)' } as const
