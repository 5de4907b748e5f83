// The words of the MCP server's statechart: its context, and every action, guard, actor and delay that mcp.ts names.
// What is said of a server that does not run is in mcp-failure.ts; effects are stubs that src/actors/mcp.ts provides.

import { assign, enqueueActions, fromCallback, sendTo, setup } from 'xstate'
import type { McpDefinition } from './definitions.ts'
import { type Failure, unprovided } from './failure.ts'
import { MCP_ASKS_MAX, MCP_REST_MS, MCP_START_MS_MAX, STABLE_MS } from './limits.ts'
import { brokenOff, CHANGED, endedFailure, FULL, notDone, TOO_SLOW, UNKNOWN_END } from './mcp-failure.ts'
import type { McpAnswer, McpAsk, McpCall, McpTool, ToMcp, ToMcpClient } from './mcp-messages.ts'
import { backoffMs, nextRestart } from './restart.ts'

export interface McpInput {
  readonly channel: string
  readonly agent: string
  /** What the file calls it. */
  readonly server: string
  readonly definition: McpDefinition
}

export interface McpContext extends McpInput {
  /** What it had when it was last reached; null: it never was. */
  readonly tools: readonly McpTool[] | null
  /** Asked while it was being started or exchanged. */
  readonly waiting: readonly McpAsk[]
  /** With the server now. */
  readonly calls: readonly McpCall[]
  /** Why it does not run. */
  readonly failure: Failure | null
  /** Ends in a row, since it last stayed up for STABLE_MS. */
  readonly failures: number
  /** Why it is being closed; null: it is not. */
  readonly closing: Failure | 'redefined' | 'unneeded' | null
}

export const words = setup({
  types: {
    context: {} as McpContext,
    events: {} as ToMcp,
    input: {} as McpInput,
  },
  actors: {
    /** Starts the server, says `mcp.ready`, makes the calls that it is told; ends the server on `close`, and at once when it is stopped. */
    client: fromCallback<ToMcpClient, McpInput>(() => unprovided('client')),
  },
  actions: {
    /** Tells whoever asked. Nobody may be waiting any more. */
    answer: (_, _params: { answers: readonly McpAnswer[] }) => unprovided('answer'),
    /** Says in the log why it does not run, and what becomes of it. */
    noteEnd: (_, _params: McpInput & { failure: Failure; restartAfterMs: number | null }) => unprovided('noteEnd'),

    keepWaiting: assign(({ context, event }) =>
      event.type === 'mcp.asked' ? { waiting: [...context.waiting, event.ask] } : {},
    ),
    dropWaiting: assign(({ context, event }) =>
      event.type === 'mcp.dropped' ? { waiting: context.waiting.filter(({ id }) => id !== event.id) } : {},
    ),
    keepTools: assign((_, params: { tools: readonly McpTool[] }) => ({ tools: params.tools, failure: null })),
    /** All that waited are with the server now, or were answered. */
    passWaiting: enqueueActions(({ context, enqueue }) => {
      const calls = context.waiting.filter((ask) => ask.what === 'call')
      enqueue.assign({ waiting: [], calls })
      for (const call of calls) enqueue.sendTo('client', { type: 'mcp.call', call })
    }),
    passCall: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'mcp.asked' || event.ask.what !== 'call') return
      enqueue.assign({ calls: [...context.calls, event.ask] })
      enqueue.sendTo('client', { type: 'mcp.call', call: event.ask })
    }),
    /** The server is told too: it may stop working on it. */
    dropCall: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== 'mcp.dropped') return
      enqueue.assign({ calls: context.calls.filter(({ id }) => id !== event.id) })
      enqueue.sendTo('client', { type: 'mcp.dropped', id: event.id })
    }),
    forgetCall: assign(({ context }, params: { id: string }) => ({
      calls: context.calls.filter(({ id }) => id !== params.id),
    })),
    forgetAsks: assign({ waiting: [], calls: [] }),
    close: sendTo('client', { type: 'close' }),
    redefine: assign(({ event }) =>
      event.type === 'mcp.redefined'
        ? { definition: event.definition, tools: null, failure: null, failures: 0, closing: 'redefined' as const }
        : {},
    ),
    thenIdle: assign({ closing: 'unneeded' }),
    forgetEnd: assign({ closing: null, failures: 0 }),
    becauseTooSlow: assign({ closing: TOO_SLOW }),
    keepFailure: assign(({ context }, params: { failure: Failure | null }) => ({
      failure: endOf(context, params.failure),
      failures: context.failures + 1,
      closing: null,
    })),
    forgetFailures: assign({ failures: 0 }),
  },
  guards: {
    isFull: ({ context }) => context.waiting.length + context.calls.length >= MCP_ASKS_MAX,
    isList: ({ event }) => event.type === 'mcp.asked' && event.ask.what === 'list',
    /** Who begins now does not wait for a server that failed before. */
    isListAgain: ({ context, event }) =>
      event.type === 'mcp.asked' && event.ask.what === 'list' && context.failures > 0,
    isOpen: ({ context }, params: { id: string }) => context.calls.some(({ id }) => id === params.id),
    /** It was closed on purpose. */
    isOver: ({ context }) => context.closing === 'redefined' || context.closing === 'unneeded',
    isAsked: ({ context }) => context.waiting.length > 0,
    givesUp: ({ context }) => nextRestart(context.failures) === 'giveUp',
  },
  delays: {
    startMsMax: MCP_START_MS_MAX,
    stableMs: STABLE_MS,
    backoff: ({ context }) => backoffMs(Math.max(1, context.failures), context.failure?.retryAfterMs),
    restMs: MCP_REST_MS,
  },
})

// --- answers ------------------------------------------------------------------------------------------------------------

interface Moment {
  readonly context: McpContext
  readonly event: ToMcp
}

/** Lists that waited for it; the calls are with the server. */
export function listsAnswered({ context }: Pick<Moment, 'context'>): { answers: readonly McpAnswer[] } {
  const lists = context.waiting.filter(({ what }) => what === 'list')
  return { answers: lists.map(({ id }) => ({ id, outcome: { kind: 'listed', tools: context.tools ?? [] } })) }
}

export function listed({ context, event }: Moment): { answers: readonly McpAnswer[] } {
  if (event.type !== 'mcp.asked') return { answers: [] }
  return { answers: [{ id: event.ask.id, outcome: { kind: 'listed', tools: context.tools ?? [] } }] }
}

/** It does not run: what it had is known, and nothing can be called. */
export function refused({ context, event }: Moment): { answers: readonly McpAnswer[] } {
  if (event.type !== 'mcp.asked') return { answers: [] }
  const { id, what } = event.ask
  if (what === 'list' && context.tools !== null)
    return { answers: [{ id, outcome: { kind: 'listed', tools: context.tools } }] }
  return { answers: [failed(id, notDone(endedFailure(context)))] }
}

export function refusedAsFull({ context, event }: Moment): { answers: readonly McpAnswer[] } {
  return { answers: event.type === 'mcp.asked' ? [failed(event.ask.id, FULL(context.server))] : [] }
}

/** Everybody who asked, when the server is being exchanged or taken away. */
export function changed({ context }: Pick<Moment, 'context'>): { answers: readonly McpAnswer[] } {
  const failure = CHANGED(context.server)
  return { answers: [...context.waiting, ...context.calls].map(({ id }) => failed(id, failure)) }
}

/** Everybody who asked, when it ended. What it was at work on may have been done, and is not repeated. */
export function ended(context: McpContext, failure: Failure | null): { answers: readonly McpAnswer[] } {
  const { server, tools, waiting, calls, failures } = context
  const why = endedFailure({ server, failure: endOf(context, failure), failures: failures + 1 })
  const told = waiting.map(({ id, what }): McpAnswer => {
    return what === 'list' && tools !== null ? { id, outcome: { kind: 'listed', tools } } : failed(id, notDone(why))
  })
  return { answers: [...told, ...calls.map((call) => failed(call.id, brokenOff(why, call)))] }
}

function failed(id: string, failure: Failure): McpAnswer {
  return { id, outcome: { kind: 'failed', failure } }
}

/** For the log: what is known of an end, and when there is another start. */
export function endNoted({ channel, agent, server, definition, failure, failures }: McpContext) {
  const next = nextRestart(failures)
  const restartAfterMs = next === 'giveUp' ? null : Math.max(next.restartAfterMs, failure?.retryAfterMs ?? 0)
  return { channel, agent, server, definition, failure: failure ?? UNKNOWN_END, restartAfterMs }
}

/** A server that was closed because it was too slow says that it ended; the reason is ours. */
function endOf({ closing }: McpContext, failure: Failure | null): Failure {
  return typeof closing === 'object' && closing !== null ? closing : (failure ?? UNKNOWN_END)
}
