// Providers: each provider's own wire against a server that we did not write, and the probe of each against its routes.

import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LLMock } from '@copilotkit/aimock'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Agent } from '../../src/agents/agent.ts'
import type { Step } from '../../machines/steps.ts'
import { buildAgent } from '../../src/agents/catalog.ts'
import { LIST_MS_MAX } from '../../src/agents/model-endpoint.ts'
import type { LiveModelDefinition } from '../../src/agents/model-failure.ts'
import { PLAIN_MODEL } from '../support/definitions.ts'
import { asking, failureFrom, KEY, partsFor } from './parts.ts'

type Provider = LiveModelDefinition['provider']

const SECRET = 'sk-0123456789abcdef'
const SECRETS = { [KEY.secret]: SECRET }
const PROVIDERS: readonly Provider[] = ['openai-compatible', 'openai', 'anthropic', 'google']
const PATHS = { 'openai-compatible': '/v1', openai: '/v1', anthropic: '/v1', google: '/v1beta' } as const
const TEXT = 'It is 7 degrees in Oslo, and it will rain.'

const OPENAI_HALF = [
  { type: 'response.created', response: { id: 'r', created_at: 1, model: 'gpt-4o' } },
  { type: 'response.output_item.added', output_index: 0, item: { type: 'message', id: 'm' } },
  { type: 'response.output_text.delta', item_id: 'm', output_index: 0, content_index: 0, delta: 'half an' },
]
const ANTHROPIC_HALF = [
  {
    type: 'message_start',
    message: {
      id: 'm',
      type: 'message',
      role: 'assistant',
      model: 'claude',
      content: [],
      usage: { input_tokens: 9, cache_read_input_tokens: 90, output_tokens: 1 },
    },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'half an' } },
]
const GOOGLE_HALF = [
  {
    candidates: [{ content: { role: 'model', parts: [{ text: 'half an' }] }, index: 0 }],
    usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 2 },
  },
]

let mock: LLMock

beforeAll(async () => {
  mock = new LLMock({ port: 0 })
  await mock.start()
})

beforeEach(() => mock.reset())
afterAll(() => mock.stop())

test.each(PROVIDERS)('%s: a streamed answer, whole, in pieces, counted', async (provider) => {
  mock.onMessage('weather', { content: TEXT }, { chunkSize: 5 })
  const request = asking({
    history: [
      { role: 'user', text: 'hi' },
      { role: 'assistant', text: 'good day' },
    ],
    messages: [{ text: 'the weather?', kind: 'dm', sender: { id: '1', name: null, handle: null } }],
  })
  const thought = await (await agentOf(provider, mock.url)).think(request)
  expect(thought.text).toBe(TEXT)
  expect(request.deltas.join('')).toBe(TEXT)
  expect(request.deltas.length).toBeGreaterThan(3)
  expect(thought.usage).toEqual({ inputTokens: expect.any(Number), outputTokens: expect.any(Number) })
  // What is counted on the way is what the library tells at the end.
  expect(countedBy(request.metered)).toEqual(thought.usage)
  // The server reads every provider's wire into one form.
  expect(messagesOf(mock.getLastRequest()?.body)).toEqual([
    ['system', 'You answer questions about money.'],
    ['user', 'hi'],
    ['assistant', 'good day'],
    ['user', 'the weather?'],
  ])
})

test.each(['openai', 'anthropic'] as const)(
  '%s: goes on as a fallback with calls that another model’s server gave ids of its own kind',
  async (provider) => {
    const id = 'functions.look:0'
    const call = { id, tool: 'look', input: {}, policy: 'allow', idempotent: true } as const
    const steps: readonly Step[] = [
      { kind: 'answer', text: '', calls: [call], atMs: 0, seqs: [] },
      { kind: 'result', call: id, text: 'it rains', failed: false },
    ]
    const tools = [{ name: 'look', description: 'looks', parameters: { type: 'object', properties: {} } }]
    mock.onMessage('hello', { content: TEXT })
    await (await agentOf(provider, mock.url)).think(asking({ tools, steps })).catch(() => {})
    const body = JSON.stringify(mock.getLastRequest()?.body)
    expect(body).toContain('it rains')
    expect(body).not.toContain(id)
  },
)

test.each(PROVIDERS)('%s: a refused credential is permanent and names its place, not its value', async (provider) => {
  mock.onMessage(/./, { error: { message: `bad key ${SECRET}` }, status: 401 })
  const request = asking()
  const { failure, error } = await failureFrom((await agentOf(provider, mock.url)).think(request))
  expect(request.metered).toEqual([sentTo(provider), 'refused'])
  expect(failure).toMatchObject({ kind: 'permanent', reason: 'unauthorized', remedy: `Check ${KEY.secret}.` })
  expect(`${JSON.stringify(failure)} ${error.stack} ${error.cause}`).not.toContain(SECRET)
  expect(mock.getRequests().length).toBe(1)
})

test.each(PROVIDERS)('%s: 429 is repeated twice, then says how long to wait', async (provider) => {
  mock.onMessage(/./, { error: { message: 'slow down' }, status: 429, retryAfter: 0 })
  const request = asking()
  const { failure } = await failureFrom((await agentOf(provider, mock.url)).think(request))
  expect(request.metered).toEqual(Array.from({ length: 3 }, () => [sentTo(provider), 'refused']).flat())
  expect(failure).toMatchObject({ kind: 'retryable', reason: 'rateLimited', retryAfterMs: 0 })
  expect(mock.getRequests().length).toBe(3)
})

test.each(PROVIDERS)('%s: a stream that is cut off is never an answer', async (provider) => {
  const slowly = { chunkSize: 5, truncateAfterChunks: 8, streamingProfile: { ttft: 1, tps: 200 } }
  mock.onMessage(/./, { content: TEXT.repeat(5) }, slowly)
  const request = asking()
  const { failure } = await failureFrom((await agentOf(provider, mock.url)).think(request))
  expect(failure).toMatchObject({ kind: 'retryable', reason: 'unavailable' })
  expect(request.deltas.length).toBeGreaterThan(0)
  expect(TEXT.repeat(5).startsWith(request.deltas.join(''))).toBe(true)
  // Nothing is repeated once a piece was shown.
  expect(mock.getRequests().length).toBe(1)
})

test.each(PROVIDERS)('%s: a cancel in the middle of the stream', async (provider) => {
  mock.onMessage(/./, { content: TEXT.repeat(20) }, { chunkSize: 2, streamingProfile: { ttft: 1, tps: 50 } })
  const stop = new AbortController()
  const heard: string[] = []
  const onDelta = (text: string): void => {
    if (heard.push(text) === 3) stop.abort()
  }
  const agent = await agentOf(provider, mock.url)
  const request = asking({ onDelta, signal: stop.signal })
  expect((await failureFrom(agent.think(request))).failure.reason).toBe('cancelled')
  const metered = [...request.metered]
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(heard.length).toBe(3)
  // What it took until then is owed, and nothing of it is heard afterwards.
  expect(metered[0]).toBe(sentTo(provider))
  expect(metered).not.toContain('refused')
  expect(request.metered).toEqual(metered)
})

test.each([
  ['openai', OPENAI_HALF, ['wrote half an']],
  ['anthropic', ANTHROPIC_HALF, ['counted 99 null', 'wrote half an']],
  ['google', GOOGLE_HALF, ['counted 11 2']],
] as const)(
  '%s: a stream that ends politely but without its last event is no answer',
  async (provider, events, told) => {
    respond = { status: 200, body: events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('') }
    const request = asking()
    const { failure } = await failureFrom((await agentOf(provider, url())).think(request))
    expect(request.deltas).toEqual(['half an'])
    expect(request.metered).toEqual([sentTo(provider), ...told])
    expect(failure).toMatchObject({ kind: 'retryable', reason: 'unavailable' })
  },
)

test('a provider that answers on another wire fails this suite’s first check', async () => {
  mock.onMessage('weather', { content: TEXT })
  const wrongWire = await agentOf('anthropic', `${mock.url}/elsewhere`)
  expect((await failureFrom(wrongWire.think(asking()))).failure.reason).toBe('notFound')
})

// --- the probe ------------------------------------------------------------------------------------------------------

let seen: IncomingMessage[] = []
/** What another path than the list of models answers. */
let route: { readonly url: string; readonly status: number } | null = null
let respond: { status: number; body: string; unfinished?: true } | null = { status: 200, body: '{}' }
const endpoint = createServer((incoming, outgoing) => {
  seen.push(incoming)
  if (respond === null) return
  if (route !== null && incoming.url === route.url) return void outgoing.writeHead(route.status).end()
  const type = respond.body.startsWith('data: ') ? 'text/event-stream' : 'application/json'
  outgoing.writeHead(respond.status, { 'content-type': type, location: '/elsewhere' })
  if (respond.unfinished) outgoing.write(respond.body)
  else outgoing.end(respond.body)
})

beforeAll(() => new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve)))
afterAll(() => endpoint.closeAllConnections())
afterAll(() => new Promise<void>((resolve) => endpoint.close(() => resolve())))
afterEach(() => {
  seen = []
  route = null
  respond = { status: 200, body: '{}' }
})

test.each([
  ['openai-compatible', '/v1/models', { authorization: `Bearer ${SECRET}` }],
  ['openai', '/v1/models', { authorization: `Bearer ${SECRET}` }],
  ['anthropic', '/v1/models?limit=1000', { 'x-api-key': SECRET, 'anthropic-version': '2023-06-01' }],
  ['google', '/v1beta/models?pageSize=1000', { 'x-goog-api-key': SECRET }],
] as const)(
  '%s: the probe asks for the models with the key in a header and generates nothing',
  async (provider, path, headers) => {
    await probe(provider)
    expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual([`GET ${path}`])
    expect(seen[0]?.headers).toMatchObject(headers)
  },
)

test('a probe tells a missing model list from a missing model, and takes a base_url that ends in a slash', async () => {
  respond = { status: 404, body: '{}' }
  const agent = await buildAgent(partsFor({ ...definitionOf('openai', url()), baseUrl: `${url()}/v1/` }, SECRETS))
  const { failure } = await failureFrom(agent.probe(new AbortController().signal))
  expect(failure.message).toContain('has no list of models')
  expect(seen[0]?.url).toBe('/v1/models')
})

test.each([
  [405, true],
  [400, true],
  [404, false],
  [401, false],
  [200, false],
])('a server of one’s own without a list of models is there when its route says %i: %s', async (status, isThere) => {
  respond = { status: 404, body: '{}' }
  route = { url: '/v1/chat/completions', status }
  const probing = probe('openai-compatible')
  if (isThere) await probing
  else expect((await failureFrom(probing)).failure.message).toContain('has no list of models')
  expect(seen.map(({ method, url: asked }) => `${method} ${asked}`)).toEqual([
    'GET /v1/models',
    'GET /v1/chat/completions',
  ])
})

test.each([
  [401, '{}', 'unauthorized'],
  [
    400,
    '{"error":{"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}',
    'unauthorized',
  ],
  [404, '{}', 'notFound'],
  [429, '{}', 'rateLimited'],
  [500, `your key ${SECRET}`, 'unavailable'],
  [302, '', 'unavailable'],
] as const)('the probe’s %i %s is %s', async (status, body, reason) => {
  respond = { status, body }
  const { failure, error } = await failureFrom(probe('google'))
  expect(failure.reason).toBe(reason)
  expect(`${JSON.stringify(failure)} ${error.stack} ${error.cause}`).not.toContain(SECRET)
  expect(seen.length).toBe(1)
})

test('a probe that is not answered ends at its limit; a cancelled one at once; each closes its request', async () => {
  respond = null
  const parts = partsFor(definitionOf('openai', url()), SECRETS)
  const agent = await buildAgent(parts)
  const silent = failureFrom(agent.probe(new AbortController().signal))
  await until(() => seen.length === 1)
  parts.clock.advance(10_000)
  expect((await silent).failure.reason).toBe('timeout')

  const stop = new AbortController()
  const cancelled = failureFrom(agent.probe(stop.signal))
  await until(() => seen.length === 2)
  stop.abort()
  expect((await cancelled).failure.reason).toBe('cancelled')
  await until(() => seen.every((request) => request.socket.destroyed))
  expect(parts.clock.timers()).toBe(0)
})

test('a probe leaves no connection behind, even of an answer that never ends', async () => {
  respond = { status: 200, body: '{', unfinished: true }
  const parts = partsFor(definitionOf('openai', url()), SECRETS)
  const probing = (await buildAgent(parts)).probe(new AbortController().signal)
  // The probe's own limit, and then that of the list, which is set once the answer has begun.
  await until(() => parts.clock.timers() === 2)
  parts.clock.advance(LIST_MS_MAX)
  await probing
  await until(() => seen.every((request) => request.socket.destroyed))
})

test.each([
  ['openai', '{"data":[{"id":"gpt-4o"},{"id":"gpt-5"}]}', null],
  ['openai', '{"data":[{"id":"gpt-5"}]}', 'The model "gpt-4o" is not known at its provider, which has gpt-5.'],
  ['anthropic', '{"data":[{"id":"claude-sonnet-4-5-20250929"}],"has_more":false}', null],
  ['anthropic', '{"data":[{"id":"claude-opus-9"}],"has_more":true}', null],
  ['anthropic', '{"data":[{"id":"claude-opus-9"}],"has_more":false}', 'which has claude-opus-9.'],
  ['google', '{"models":[{"name":"models/gemini-2.5-flash"}]}', null],
  ['google', '{"models":[{"name":"models/gemini-9"}]}', 'which has gemini-9.'],
  ['openai', '<html>a page</html>', null],
] as const)('a probe holds the model against what %s has: %s', async (provider, body, said) => {
  respond = { status: 200, body }
  if (said === null) return await probe(provider)
  const { failure } = await failureFrom(probe(provider))
  expect(failure).toMatchObject({ kind: 'permanent', reason: 'notFound', message: expect.stringContaining(said) })
})

test('a probe of an address where nobody listens says so', async () => {
  const agent = await agentOf('openai-compatible', 'http://127.0.0.1:1')
  expect((await failureFrom(agent.probe(new AbortController().signal))).failure.reason).toBe('unavailable')
})

async function probe(provider: Provider): Promise<void> {
  await (await agentOf(provider, url())).probe(new AbortController().signal)
}

function url(): string {
  // A listening TCP server has an AddressInfo; the other forms are for pipes.
  return `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}`
}

async function agentOf(provider: Provider, at: string): Promise<Agent> {
  return await buildAgent(partsFor(definitionOf(provider, at), SECRETS))
}

function nameAt(provider: Provider): string {
  return provider === 'anthropic' ? 'claude-sonnet-4-5' : provider === 'google' ? 'gemini-2.5-flash' : 'gpt-4o'
}

function sentTo(provider: Provider): string {
  return `sent to ${provider}:${nameAt(provider)}`
}

/** What a meter was told last of each of the two. */
function countedBy(metered: readonly string[]): object {
  const counts = metered.flatMap((words) => (words.startsWith('counted ') ? [words.split(' ').slice(1)] : []))
  const last = (index: number) => Number(counts.findLast((count) => count[index] !== 'null')?.[index])
  return { inputTokens: last(0), outputTokens: last(1) }
}

function definitionOf(provider: Provider, at: string): LiveModelDefinition {
  return { provider, name: nameAt(provider), baseUrl: `${at}${PATHS[provider]}`, apiKey: KEY, ...PLAIN_MODEL }
}

/** Role and text of each message in what the mock has written down. */
function messagesOf(body: unknown): [string, string][] {
  // The journal's type leaves open what the body of another kind of request looks like.
  const { messages } = body as { messages: { role: string; content: unknown }[] }
  return messages.map(({ role, content }) => [role, textOf(content)])
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  return Array.isArray(content) ? content.map((part: { text?: string }) => part.text ?? '').join('') : ''
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1))
}
