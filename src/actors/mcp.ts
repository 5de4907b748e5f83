// MCP actor: the MCP server's machine with its effects. Owns the live client of one server, for one agent in one channel.
//   A2. No run holds the client: runs ask by messages, and each asking is answered by its id.
//   A3. What the server has and says was searched for secrets before it came here.

import { fromCallback } from 'xstate'
import { mcpAddress } from '../../machines/addresses.ts'
import { failureOf } from '../../machines/failure.ts'
import { mcpMachine } from '../../machines/mcp.ts'
import type { McpCall, McpEvent, McpOutcome } from '../../machines/mcp-messages.ts'
import type { McpInput } from '../../machines/mcp-words.ts'
import type { McpServer } from '../tools/tool.ts'
import { endingItsChildren } from './ending.ts'
import { observed } from './observed.ts'
import type { Parts } from './parts.ts'
import { lookAtServers } from './restarts.ts'

export function mcpActor(parts: Parts) {
  const machine = mcpMachine.provide({
    actors: {
      client: fromCallback(({ input, sendBack, receive }) => {
        const client = new Client(parts, input, sendBack)
        receive((event) => {
          if (event.type === 'close') client.close()
          else if (event.type === 'mcp.dropped') client.drop(event.id)
          else client.call(event.call)
        })
        return () => client.close()
      }),
    },
    actions: {
      answer: (_, { answers }) => {
        for (const { id, outcome } of answers) parts.asked.get(id)?.settle(outcome)
      },
      noteEnd: (_, { channel, agent, server, failure, restartAfterMs }) => {
        const log = parts.log.child({ channel, agent, mcp: server, reason: failure.reason })
        if (restartAfterMs === null)
          log.error({}, `an MCP server failed too often and is left alone: ${failure.message}`)
        else log.warn({ restartAfterMs }, `an MCP server does not run and is started again: ${failure.message}`)
      },
    },
  })
  return endingItsChildren(observed(machine, lookAtServers(parts.observe), parts.log))
}

/** One life of a server, from its start to the moment when nothing of it runs. */
class Client {
  readonly #ending = new AbortController()
  readonly #calls = new Map<string, AbortController>()
  readonly #sendBack: (event: McpEvent) => void
  #server: McpServer | null = null

  constructor(parts: Parts, { channel, agent, server, definition }: McpInput, sendBack: (event: McpEvent) => void) {
    this.#sendBack = sendBack
    const log = parts.log.child({ channel, agent, mcp: server })
    const { secret, world } = parts
    const opened = parts.runMcp(
      { agent, name: server, definition, secret, world, log },
      (live) => this.#live(live),
      this.#ending.signal,
    )
    opened.then(
      () => sendBack({ type: 'mcp.ended', failure: null }),
      (error: unknown) => {
        const failure = failureOf(error)
        if (failure.kind === 'defect') log.error({ err: error }, 'the client of an MCP server failed by a defect')
        sendBack({ type: 'mcp.ended', failure })
      },
    )
  }

  call(call: McpCall): void {
    const ending = new AbortController()
    this.#calls.set(call.id, ending)
    this.#outcomeOf(call, ending.signal).then(
      (outcome) => {
        this.#calls.delete(call.id)
        this.#sendBack({ type: 'mcp.answered', answer: { id: call.id, outcome } })
      },
      () => {},
    )
  }

  drop(id: string): void {
    this.#calls.get(id)?.abort()
  }

  close(): void {
    this.#ending.abort()
  }

  #live(server: McpServer): void {
    this.#server = server
    this.#sendBack({ type: 'mcp.ready', tools: server.tools })
  }

  async #outcomeOf({ tool, input }: McpCall, signal: AbortSignal): Promise<McpOutcome> {
    try {
      if (this.#server === null) throw new Error('X3: a call is given to a server that is ready')
      return { kind: 'told', ...(await this.#server.call(tool, input, signal)) }
    } catch (error) {
      return { kind: 'failed', failure: failureOf(error) }
    }
  }
}

/** For whoever asked a server whose actor failed by a defect. */
export function answerNothing(parts: Parts, channel: string, address: string): void {
  for (const asked of parts.asked.values()) {
    if (asked.channel !== channel || mcpAddress(asked.agent, asked.server) !== address) continue
    const message = `the MCP server ${asked.server} failed by a defect; the log has more`
    asked.settle({ kind: 'failed', failure: { kind: 'permanent', reason: 'defect', message, uncertain: true } })
  }
}
