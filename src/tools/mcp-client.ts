// MCP client: one MCP server, from its start to its end, behind the contract of tool.ts. The one file that knows the client library,
// which speaks the protocol; what carries it (mcp-stdio.ts, mcp-http.ts) is ours, and bounded.
//   A3. What a server says is searched for secrets' values before it leaves: its tools, its answers, its last words.
//   Nothing of a server runs when its promise settles.

import { createMCPClient, type MCPClient, MCPClientError, type MCPTransport } from '@ai-sdk/mcp'
import type { McpDefinition, SecretReference } from '../../machines/definitions.ts'
import { type Failure, FailureError } from '../../machines/failure.ts'
import { cancelled } from './failures.ts'
import type { Groups } from './groups.ts'
import { httpDoor } from './mcp-http.ts'
import { type RawTool, TOOLS_MAX, toolsIn } from './mcp-listing.ts'
import { bounded, toldBy } from './mcp-result.ts'
import { startStdio } from './mcp-stdio.ts'
import type { Wire } from './mcp-wire.ts'
import type { McpParts, McpServer, McpTold, RunMcp, ToolInput } from './tool.ts'

export interface McpClients {
  readonly run: RunMcp
  /** Resolves when no server runs. */
  ended(): Promise<void>
}

export interface ClientsParts {
  readonly redact: (text: string) => string
  readonly groups: Groups
}

/** What is shared by all servers is only the count of those that run. */
export function mcpClients({ redact, groups }: ClientsParts): McpClients {
  const running = new Set<Promise<void>>()
  return {
    run(parts, live, signal) {
      const life = lifeOf({ ...parts, redact, groups }, live, signal)
      const settled = life.catch(() => {}).finally(() => running.delete(settled))
      running.add(settled)
      return life
    },
    async ended() {
      await Promise.all(running)
    },
  }
}

interface Parts extends McpParts, ClientsParts {}

/** How a server is connected. */
interface Link {
  readonly transport: Parameters<typeof createMCPClient>[0]['transport']
  readonly ended: Promise<Failure>
  /** Ends it, and resolves when it has ended. */
  close(client: MCPClient | null): Promise<void>
  /** It has other tools now. */
  onChange(listener: () => void): void
}

async function lifeOf(parts: Parts, live: (server: McpServer) => void, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const link = linkTo(parts)
  const closing = new AbortController()
  const aborted = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }))
  let client: MCPClient | null = null
  const reached = reach(parts, link, closing.signal).then((opened) => {
    client = opened.client
    live(opened.server)
    const again = (): void =>
      void listed(parts, opened.client, closing.signal).then(
        (tools) => live({ ...opened.server, tools }),
        () => {},
      )
    link.onChange(again)
    return new Promise<never>(() => {})
  })
  try {
    const failure = await Promise.race([link.ended, aborted, reached])
    if (failure !== null) throw new FailureError(failure)
  } catch (error) {
    // A server that ends while it is being reached says why; the client only that it is gone.
    const known = error instanceof FailureError ? null : await Promise.race([link.ended, soon(parts)])
    const { failure } = known === null ? failureFrom(error, parts) : { failure: known }
    throw new FailureError({ ...failure, message: parts.redact(failure.message) }, { cause: error })
  } finally {
    closing.abort()
    await link.close(client)
  }
}

/** How long the end of a process may come after that of its connection. */
const SOON_MS = 100

function soon({ world }: Parts): Promise<null> {
  return new Promise((resolve) => void world.clock.setTimeout(() => resolve(null), SOON_MS))
}

async function reach(parts: Parts, { transport, ended }: Link, signal: AbortSignal) {
  const client = await createMCPClient({
    transport,
    clientName: 'troupe',
    initializationOptions: { signal },
    // What a server says without being asked is nobody's concern.
    onUncaughtError: () => {},
  })
  const tools = await listed(parts, client, signal)
  const server: McpServer = {
    tools,
    call: (tool, input, callSignal) => call({ parts, client, ended }, { tool, input }, callSignal),
  }
  return { client, server }
}

/** Pages of a list; a server that never comes to its end is cut. */
const PAGES_MAX = 32

async function listed({ name: server, redact, log }: Parts, client: MCPClient, signal: AbortSignal) {
  const tools: RawTool[] = []
  let cursor: string | undefined
  for (let page = 0; page < PAGES_MAX && tools.length <= TOOLS_MAX; page += 1) {
    const params = cursor === undefined ? {} : { params: { cursor } }
    const list = await client.listTools({ ...params, options: { signal } })
    tools.push(...list.tools)
    cursor = list.nextCursor
    if (cursor === undefined) break
  }
  return toolsIn(tools, { server, redact, log })
}

interface Reached {
  readonly parts: Parts
  readonly client: MCPClient
  readonly ended: Promise<Failure>
}

async function call(
  { parts, client, ended }: Reached,
  { tool, input }: { readonly tool: string; readonly input: ToolInput },
  signal: AbortSignal,
): Promise<McpTold> {
  try {
    return toldBy(await client.callTool({ name: tool, arguments: { ...input }, options: { signal } }), parts.redact)
  } catch (error) {
    if (signal.aborted) throw cancelled()
    // The server's end is told once, and for all calls, by whoever waits for it.
    if ((await Promise.race([ended, soon(parts)])) !== null) return new Promise(() => {})
    // An answer of the server: it did not do it.
    if (MCPClientError.isInstance(error) && error.code !== undefined)
      return { text: bounded(error.message, parts.redact), failed: true }
    throw failureFrom(error, parts)
  }
}

function failureFrom(error: unknown, { redact }: Parts): FailureError {
  if (error instanceof FailureError) return error
  if (!MCPClientError.isInstance(error)) return new FailureError(NOT_MCP, { cause: error })
  const { statusCode } = error
  if (statusCode === 401 || statusCode === 403)
    return new FailureError({ ...REFUSED, message: `it refuses us (${statusCode})` })
  if (statusCode !== undefined) {
    const message = `it answers ${statusCode}`
    return new FailureError({ kind: 'retryable', reason: 'unavailable', message, uncertain: true })
  }
  const message = redact(error.message.slice(0, MESSAGE_UNITS_MAX))
  return new FailureError({ kind: 'retryable', reason: 'unavailable', message }, { cause: error })
}

const MESSAGE_UNITS_MAX = 300

const NOT_MCP: Failure = { kind: 'retryable', reason: 'refused', message: 'it does not answer as an MCP server' }
const REFUSED: Failure = {
  kind: 'permanent',
  reason: 'unauthorized',
  message: '',
  remedy: 'Correct its headers in the file',
}

// --- links --------------------------------------------------------------------------------------------------------------

function linkTo(parts: Parts): Link {
  const { definition, secret } = parts
  const values: Values = (all) =>
    Object.fromEntries(Object.entries(all).map(([key, reference]) => [key, secret(reference)]))
  return definition.transport === 'stdio' ? stdioLink(parts, definition, values) : httpLink(parts, definition, values)
}

type Values = (all: Readonly<Record<string, SecretReference>>) => Record<string, string>

function stdioLink(parts: Parts, definition: Extract<McpDefinition, { transport: 'stdio' }>, values: Values): Link {
  const { command, folder } = definition
  const args = definition.args.map((argument) => parts.secret(argument))
  const what = `the MCP server ${parts.name} of ${parts.agent}`
  const wire = startStdio({ what, command, folder, args, env: values(definition.env) }, parts)
  const changes: (() => void)[] = []
  return {
    transport: transportOn(wire, () => changes.forEach((tell) => tell())),
    ended: wire.ended,
    onChange: (listener) => void changes.push(listener),
    async close() {
      wire.close()
      await wire.ended
    },
  }
}

function transportOn(wire: Wire, changed: () => void): MCPTransport {
  const transport: MCPTransport = {
    supportsProtocolVersionDiscovery: true,
    start: async () => {
      wire.onMessage((message) => {
        if (isNotification(message)) return changed()
        try {
          transport.onmessage?.(message as Parameters<NonNullable<MCPTransport['onmessage']>>[0]) // Looked at by the library.
        } catch {
          // An answer that nobody waits for any more.
        }
      })
      void wire.ended.then(() => transport.onclose?.())
    },
    send: async (message, options) => {
      wire.send(message)
      if (!('method' in message) || message.method !== 'tools/call' || !('id' in message)) return
      const { id: requestId } = message
      options?.signal?.addEventListener('abort', () =>
        wire.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }),
      )
    },
    close: async () => wire.close(),
  }
  return transport
}

function isNotification(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'method' in message && !('id' in message)
}

/** Ending a session at the other side is a courtesy. */
const FAREWELL_MS_MAX = 1_000

function httpLink(parts: Parts, definition: Extract<McpDefinition, { transport: 'http' }>, values: Values): Link {
  const door = httpDoor()
  const url = parts.secret(definition.url)
  return {
    transport: { type: 'http', url, headers: values(definition.headers), redirect: 'error', fetch: door.fetch },
    ended: door.ended,
    onChange: () => {},
    async close(client) {
      if (client === null) return
      const late = Promise.withResolvers<void>()
      const timer = parts.world.clock.setTimeout(() => late.resolve(), FAREWELL_MS_MAX)
      await Promise.race([client.close(), late.promise])
      parts.world.clock.clearTimeout(timer)
    },
  }
}
