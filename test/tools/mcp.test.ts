// MCP servers, real ones, as child processes and over HTTP: what they may do to us, and what they get to see.
// The client is the real one; the server does what each test says (test/support/child-mcp-server.ts).

import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { McpDefinition } from '../../machines/definitions.ts'
import { RESULT_UNITS_MAX } from '../../machines/limits.ts'
import type { Log } from '../../src/log.ts'
import { unrecorded } from '../../src/tools/groups.ts'
import { Lines } from '../../src/tools/lines.ts'
import { mcpClients } from '../../src/tools/mcp-client.ts'
import { toolName, toolsIn } from '../../src/tools/mcp-listing.ts'
import { toldBy } from '../../src/tools/mcp-result.ts'
import type { McpServer } from '../../src/tools/tool.ts'
import { silentLog } from '../support/world.ts'
import { processesWith } from '../support/processes.ts'
import { soon } from '../support/soon.ts'
import { temporaryFolder, world } from './parts.ts'

const SERVER = join(import.meta.dirname, '..', 'support', 'child-mcp-server.ts')
const NOBODY_ENDS = new AbortController().signal
const plain = (text: string): string => text

interface Reached {
  readonly folder: string
  readonly log: { readonly level: string; readonly text: string }[]
  /** Rejects with why it ended. */
  readonly life: Promise<void>
  readonly server: McpServer
  /** Resolves when nothing of it runs. */
  end(): Promise<void>
}

/** Starts a server and waits until it has said what it has, or rejects as its life does. */
async function reached(definition: McpDefinition, folder: string, redact = plain): Promise<Reached> {
  const log: Reached['log'][number][] = []
  const ending = new AbortController()
  const clients = mcpClients({ redact, groups: unrecorded })
  const server = Promise.withResolvers<McpServer>()
  const life = clients.run(
    { agent: 'cfo', name: 's', definition, secret: ({ secret }) => secret, world: world(), log: recording(log) },
    server.resolve,
    ending.signal,
  )
  const end = (): Promise<void> => {
    ending.abort()
    return clients.ended()
  }
  onTestFinished(end)
  life.catch(server.reject)
  return { folder, log, life, server: await server.promise, end }
}

function recording(lines: Reached['log']): Log {
  const write = (level: string) => (fields: object, message: string) => {
    lines.push({ level, text: `${message} ${JSON.stringify(fields)}` })
  }
  const log: Log = { ...silentLog, debug: write('debug'), info: write('info'), warn: write('warn'), child: () => log }
  return log
}

/** A server as a child that behaves like this. */
function stdio(manners: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolder()
  const definition: McpDefinition = {
    transport: 'stdio',
    command: process.execPath,
    args: [SERVER, folder, ...manners].map((secret) => ({ secret })),
    env: Object.fromEntries(Object.entries(env).map(([name, secret]) => [name, { secret }])),
    folder,
    timeoutMs: 60_000,
  }
  return { folder, definition }
}

async function started(...manners: string[]): Promise<Reached> {
  const { definition, folder } = stdio(manners)
  return reached(definition, folder)
}

const runningIn = (folder: string): number[] => processesWith(folder)

describe('a server as a child', () => {
  test('a flood of notices, and of answers to nothing, ends it at a bound; memory stays where it was', async () => {
    const before = process.memoryUsage().rss
    const { life, folder } = await started('floods-stdout').catch((error: unknown) => ({
      life: Promise.reject(error),
      folder: '',
    }))
    await expect(life).rejects.toThrow(/it sent more than 32 MB without an answer/)
    expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000)
    if (folder !== '') expect(runningIn(folder)).toEqual([])
  })

  test('a flood on standard error is read, kept out of the log but for its beginning, and holds up no call', async () => {
    const { server, log } = await started('floods-stderr')
    expect(await server.call('echo', { text: 'hi' }, NOBODY_ENDS)).toEqual({ text: 'echo: hi', failed: false })
    await soon(() => expect(log.some(({ text }) => text.includes('the rest is left out'))).toBe(true))
    expect(log.length).toBeLessThanOrEqual(201)
  })

  test('an answer to what nobody asked changes nothing; a failure of its own is one', async () => {
    const { server } = await started('lies', 'fails')
    for (let call = 0; call < 2; call += 1)
      expect(await server.call('echo', {}, NOBODY_ENDS)).toEqual({ text: 'it did not work', failed: true })
  })

  test('one that hears no signal, and what it left behind, are gone when it has ended', async () => {
    const { folder, end } = await started('ignores-signals', 'leaves-a-daemon', 'lives-on')
    await soon(() => expect(runningIn(folder).length).toBeGreaterThan(0))
    await end()
    expect(runningIn(folder)).toEqual([])
    const pid = readdirSync(folder)
      .find((name) => name.startsWith('pid-'))
      ?.slice(4)
    expect(processesWith(`sleep 4567.${pid}`)).toEqual([])
  })

  test('an answer that is too long is cut; a call that is given up is told to it by its number; it lives on', async () => {
    const { server, folder } = await started()
    const { text } = await server.call('flood', { bytes: 5_000_000 }, NOBODY_ENDS)
    expect(text.length).toBeLessThanOrEqual(RESULT_UNITS_MAX)
    expect(text).toMatch(/\[5000000 characters in all; the rest is left out\]$/)
    const ending = new AbortController()
    const call = server.call('hang', {}, ending.signal)
    await soon(() => expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toContain('call hang'))
    ending.abort()
    await expect(call).rejects.toThrow('the call was ended')
    await soon(() => expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toMatch(/cancelled \d+/))
    expect(await server.call('echo', { text: 'x' }, NOBODY_ENDS)).toMatchObject({ failed: false })
  })

  test('what it is told last, it is told without a secret', async () => {
    const { definition, folder } = stdio(['dies-at-start'], { LEAK: 'a-secret-value' })
    const life = reached(definition, folder, (text) => text.replaceAll('a-secret-value', '[secret]'))
    await expect(life).rejects.toThrow('it ended (exit 3): cannot find my settings, only [secret]')
  })

  test('a program that is not there is named, with what to do', async () => {
    const { definition, folder } = stdio([])
    const missing = { ...definition, command: 'no-such-server' } as McpDefinition
    await expect(reached(missing, folder)).rejects.toMatchObject({
      failure: {
        reason: 'missing',
        message: 'there is no program no-such-server',
        remedy: expect.stringContaining('Install'),
      },
    })
  })
})

test('a line without end is refused, or cut, and keeps no more than its bound', () => {
  const [refusing, cutting] = [new Lines(10), new Lines(10, 'cut')]
  expect(refusing.add(Buffer.from('one\ntw'))).toEqual(['one'])
  expect(refusing.add(Buffer.from('o\n'))).toEqual(['two'])
  expect(refusing.add(Buffer.from('x'.repeat(11)))).toBeNull()
  for (let piece = 0; piece < 1_000; piece += 1) expect(cutting.add(Buffer.from('x'.repeat(7)))).toEqual([])
  expect(cutting.add(Buffer.from('\nnext\n'))).toEqual(['x'.repeat(10), 'next'])
})

describe('what a server says it has', () => {
  test('names, texts and schemas are bounded, and none is a built-in’s', async () => {
    const { definition, folder } = stdio(['hostile'], { LEAK: 'a-secret-value' })
    const { server, log } = await reached(definition, folder, (text) => text.replaceAll('a-secret-value', '[secret]'))
    expect(server.tools.length).toBeLessThanOrEqual(128)
    for (const { name, description, parameters } of server.tools) {
      expect(name.replace('.', '__')).toMatch(/^s__[A-Za-z0-9_-]{1,61}$/)
      expect(description.length).toBeLessThanOrEqual(2_001)
      expect(JSON.stringify(parameters).length).toBeLessThanOrEqual(32 * 1024)
      expect(description).not.toContain('a-secret-value')
    }
    const names = server.tools.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names).not.toContain('s.deep')
    expect(names).not.toContain('s.wide')
    expect(names).not.toContain('s.array')
    const left = log.filter(({ text }) => text.includes('left out')).map(({ text }) => text)
    expect(left.join()).toMatch(/deeper than 32[^]*longer than 32768[^]*no object[^]*more than 128 tools/)
  })

  test('a list without end is cut', async () => {
    const { definition, folder } = stdio(['endless-list'])
    const { server } = await reached(definition, folder)
    expect(server.tools).toHaveLength(6)
  })

  test('hints say who is asked, and never that somebody is not', () => {
    const raw = (annotations: object) => [{ name: 't', inputSchema: { type: 'object' }, annotations }]
    const flags = (annotations: object) => {
      const [tool] = toolsIn(raw(annotations), { server: 's', redact: plain, log: silentLog })
      return [tool?.changes, tool?.idempotent]
    }
    expect(flags({})).toEqual([true, false])
    expect(flags({ readOnlyHint: true })).toEqual([false, true])
    expect(flags({ destructiveHint: false, idempotentHint: true })).toEqual([true, true])
    expect(flags({ readOnlyHint: 'true' })).toEqual([true, false])
  })

  test('two names that would become one stay two', () => {
    expect(toolName('s', 'a.b')).not.toBe(toolName('s', 'a b'))
    expect(toolName('s', 'x'.repeat(100))).not.toBe(toolName('s', `${'x'.repeat(99)}y`))
    expect(toolName('s', 'plain-name_1')).toBe('s.plain-name_1')
  })
})

describe('an answer as text', () => {
  test.each<[string, object, string]>([
    ['text', { type: 'text', text: 'hello' }, 'hello'],
    ['a picture', { type: 'image', mimeType: 'image/png', data: 'AAAA' }, '[a picture, image/png, 3 bytes: not shown]'],
    ['a sound', { type: 'audio', mimeType: 'audio/wav', data: 'AAAA' }, '[a sound, audio/wav, 3 bytes: not shown]'],
    ['a resource', { type: 'resource', resource: { uri: 'file:a', text: 'in it' } }, '[file:a]\nin it'],
    [
      'a file',
      { type: 'resource', resource: { uri: 'file:a', mimeType: 'x/y', blob: 'AAAA' } },
      '[the file file:a, x/y, 3 bytes: not shown]',
    ],
    ['a link', { type: 'resource_link', name: 'a', uri: 'file:a' }, '[a file: a file:a]'],
    ['something new', { type: 'hologram' }, '[something of the kind hologram: not shown]'],
  ])('%s', (_, part, text) => expect(toldBy({ content: [part] }, plain)).toEqual({ text, failed: false }))

  test('data without text, and nothing', () => {
    expect(toldBy({ structuredContent: { a: 1 }, content: [] }, plain).text).toBe('{"a":1}')
    expect(toldBy({ content: [] }, plain).text).toBe('(nothing)')
  })

  test('a secret that lies across the cut is not said in part', () => {
    const text = `${'x'.repeat(RESULT_UNITS_MAX - 40)}a-secret-value${'x'.repeat(100_000)}`
    const { text: told } = toldBy({ content: [{ type: 'text', text }] }, (all) =>
      all.replaceAll('a-secret-value', '[secret]'),
    )
    expect(told).not.toContain('a-secret')
  })
})

describe('a server over HTTP', () => {
  type Answer = (request: Asked, response: ServerResponse) => void
  interface Asked {
    readonly method: string
    readonly id: number | undefined
    readonly headers: IncomingMessage['headers']
  }

  /** Speaks the protocol, but for the tools' calls. */
  async function http(onCall: Answer, before: Answer = () => {}) {
    const asked: Asked[] = []
    const server = createServer((incoming, response) => {
      let body = ''
      incoming.on('data', (chunk: Buffer) => (body += chunk))
      incoming.on('end', () => {
        const {
          method = incoming.method ?? '',
          id,
          params,
        } = JSON.parse(body || '{}') as Partial<Asked> & { params?: { protocolVersion?: string } }
        const request = { method, id, headers: incoming.headers }
        asked.push(request)
        before(request, response)
        if (response.headersSent) return
        const answer = (result: object) => {
          response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'x' })
          response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
        }
        if (method === 'initialize')
          answer({
            protocolVersion: params?.protocolVersion,
            capabilities: { tools: {} },
            serverInfo: { name: 'h', version: '1' },
          })
        else if (method === 'tools/list') answer({ tools: [{ name: 't', inputSchema: { type: 'object' } }] })
        else if (method === 'tools/call') onCall(request, response)
        else if (id === undefined) response.writeHead(202).end()
        else
          response
            .writeHead(200, { 'content-type': 'application/json' })
            .end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const close = (): void => {
      server.close()
      server.closeAllConnections()
    }
    onTestFinished(close)
    const { port } = server.address() as AddressInfo // as: it listens on TCP
    const url = `http://127.0.0.1:${port}/mcp`
    const definition: McpDefinition = {
      transport: 'http',
      url: { secret: url },
      headers: { authorization: { secret: 'Bearer key' } },
      timeoutMs: 60_000,
    }
    return { asked, url, definition, close }
  }

  test('every request has its headers; the session is ended with it', async () => {
    const { asked, definition } = await http((_, response) => response.writeHead(503).end())
    const { server, end } = await reached(definition, '')
    await expect(server.call('t', {}, NOBODY_ENDS)).rejects.toMatchObject({ failure: { message: 'it answers 503' } })
    await end()
    expect(asked.every(({ headers }) => headers.authorization === 'Bearer key')).toBe(true)
    expect(asked.at(-1)?.method).toBe('DELETE')
  })

  test('a redirect is not followed: the headers go nowhere else', async () => {
    const elsewhere = await http(() => {})
    const { definition } = await http(
      () => {},
      (_, response) => response.writeHead(307, { location: elsewhere.url }).end(),
    )
    await expect(reached(definition, '')).rejects.toMatchObject({
      failure: { message: 'it could not be reached (it redirects)' },
    })
    expect(elsewhere.asked).toEqual([])
  })

  test('a stream that ends without the answer is a failure, and not a wait', async () => {
    const { definition } = await http((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.end('data: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\n\n')
    })
    const { server } = await reached(definition, '')
    expect(await server.call('t', {}, NOBODY_ENDS)).toEqual({
      text: 'the answer broke off, or was too long',
      failed: true,
    })
  })

  test('a stream without end is cut', async () => {
    const { definition } = await http((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const write = (): void => {
        while (!response.destroyed && response.write(`: ${'x'.repeat(65_536)}\n`)) {
          // As fast as it goes.
        }
        if (!response.destroyed) response.once('drain', write)
      }
      write()
    })
    const { server } = await reached(definition, '')
    expect(await server.call('t', {}, NOBODY_ENDS)).toMatchObject({ failed: true })
  })

  test('a refused credential is named, with what to do', async () => {
    const { definition } = await http(
      () => {},
      (_, response) => response.writeHead(401).end('key is wrong'),
    )
    await expect(reached(definition, '')).rejects.toMatchObject({
      failure: { reason: 'unauthorized', message: 'it refuses us (401)', remedy: 'Correct its headers in the file' },
    })
  })

  test('something that is no MCP server is one that did not start', async () => {
    const { definition } = await http(
      () => {},
      (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    )
    await expect(reached(definition, '')).rejects.toMatchObject({ failure: { kind: 'retryable' } })
  })

  test('one that goes away in the middle of a call has ended', async () => {
    const { definition } = await http((_, response) => response.socket?.destroy())
    const { server, life } = await reached(definition, '')
    void server.call('t', {}, NOBODY_ENDS)
    await expect(life).rejects.toMatchObject({ failure: { message: expect.stringMatching(/it could not be reached/) } })
  })

  test('a call that is given up is told to it', async () => {
    const { asked, definition } = await http(() => {})
    const { server } = await reached(definition, '')
    const ending = new AbortController()
    const call = server.call('t', {}, ending.signal)
    await soon(() => expect(asked.at(-1)?.method).toBe('tools/call'))
    ending.abort()
    await expect(call).rejects.toThrow('the call was ended')
    await soon(() => expect(asked.at(-1)?.method).toBe('notifications/cancelled'))
  })
})
