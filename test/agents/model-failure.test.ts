// Failures: each way in which a model can fail, over real HTTP, and the sentence that its sender reads.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ModelDefinition } from '../../machines/definitions.ts'
import type { Failure } from '../../machines/failure.ts'
import type { Agent } from '../../src/agents/agent.ts'
import { buildAgent } from '../../src/agents/catalog.ts'
import { failureFor } from '../../src/agents/model-failure.ts'
import {
  type Answer,
  type Exchange,
  type ModelServer,
  type Refusal,
  startModelServer,
} from '../support/model-server.ts'
import { PLAIN_MODEL } from '../support/definitions.ts'
import { asking, failureFrom, KEY, partsFor, type TestParts } from './parts.ts'

// With characters that JSON and URLs spell differently.
const SECRET = 'sk-"secret"\\value/123'

let server: ModelServer
let parts: TestParts
let agent: Agent

beforeEach(async () => {
  server = await startModelServer()
  parts = partsFor(definition(), { [KEY.secret]: SECRET })
  agent = await buildAgent(parts)
})

afterEach(async () => {
  vi.useRealTimers()
  await server.close()
})

interface Case {
  readonly name: string
  readonly answer: Answer | ((call: Exchange) => Promise<void>)
  readonly failure: Partial<Failure>
  /** How many requests the model's server sees. */
  readonly requests?: number
}

// Each provider's words repeat the key, as some do.
const QUOTES = `your key ${SECRET} at https://host/?key=${encodeURIComponent(SECRET)}`
const fail = (status: number, more: Partial<Refusal> = {}): Answer => ({ fail: { status, message: QUOTES, ...more } })
const now = { 'retry-after-ms': '1' }

const CASES: readonly Case[] = [
  {
    name: '401',
    answer: fail(401),
    failure: { kind: 'permanent', reason: 'unauthorized', remedy: `Check ${KEY.secret}.` },
  },
  { name: '403', answer: fail(403), failure: { kind: 'permanent', reason: 'unauthorized' } },
  { name: '402', answer: fail(402), failure: { kind: 'permanent', reason: 'refused' } },
  { name: '404', answer: fail(404), failure: { kind: 'permanent', reason: 'notFound' } },
  { name: '400', answer: fail(400), failure: { kind: 'permanent', reason: 'refused' } },
  { name: '422', answer: fail(422), failure: { kind: 'permanent', reason: 'refused' } },
  {
    name: '413',
    answer: fail(413),
    failure: { reason: 'refused', remedy: 'Send /new to begin with an empty history.' },
  },
  {
    name: '429',
    answer: fail(429),
    failure: { kind: 'retryable', reason: 'rateLimited', retryAfterMs: 1 },
    requests: 3,
  },
  {
    name: '429 of an account without credit',
    answer: fail(429, { code: 'insufficient_quota', headers: now }),
    failure: { kind: 'permanent', reason: 'refused' },
    requests: 3,
  },
  { name: '500', answer: fail(500), failure: { kind: 'retryable', reason: 'unavailable' }, requests: 3 },
  { name: '409', answer: fail(409), failure: { kind: 'retryable', reason: 'unavailable' }, requests: 3 },
  { name: '503', answer: fail(503), failure: { kind: 'retryable', reason: 'unavailable' }, requests: 3 },
  { name: '504', answer: fail(504), failure: { kind: 'retryable', reason: 'timeout' }, requests: 3 },
  {
    name: 'a context that is too long',
    answer: fail(400, { code: 'context_length_exceeded' }),
    failure: { kind: 'permanent', reason: 'refused', remedy: 'Send /new to begin with an empty history.' },
  },
  {
    name: 'a content filter',
    answer: { chunks: ['well, '], finish: 'content_filter' },
    failure: { kind: 'permanent', reason: 'refused', remedy: 'Put the question in other words.' },
  },
  { name: 'an empty answer', answer: '', failure: { kind: 'retryable', message: 'The model gave an empty answer.' } },
  { name: 'an answer of spaces', answer: ' \n ', failure: { message: 'The model gave an empty answer.' } },
  {
    name: 'only tool calls',
    answer: { chunks: [], finish: 'tool_calls' },
    failure: { message: 'The model gave an empty answer.' },
  },
  {
    name: 'an answer that is no stream',
    answer: async (call) => {
      await call.raw('{"choices":[{"message":{"content":"all of it at once"}}]}')
      await call.end(null)
    },
    failure: { kind: 'retryable', message: expect.stringContaining('or does not stream answers') },
  },
  {
    name: 'a stream that ends without saying so',
    answer: { chunks: ['half an'], finish: null },
    failure: { kind: 'retryable', reason: 'unavailable', message: "The model's answer broke off in the middle." },
  },
  {
    name: 'a connection that is cut in the middle',
    answer: async (call) => {
      await call.chunk('half an')
      await new Promise((resolve) => setTimeout(resolve, 20))
      await call.cut()
    },
    failure: { kind: 'retryable', reason: 'unavailable' },
  },
  {
    name: 'an error in the middle of a stream',
    answer: async (call) => {
      await call.chunk('half an')
      await call.failInStream({ status: 500, message: QUOTES })
    },
    failure: { kind: 'retryable', reason: 'unavailable' },
  },
  {
    name: 'a piece that is no JSON',
    answer: async (call) => {
      await call.chunk('half an')
      await call.raw(`data: {"choices": ${QUOTES}\n\n`)
      await call.end()
    },
    failure: { kind: 'retryable', reason: 'unavailable' },
  },
]

test.each(CASES)('$name: a failure in plain words, no key in it (A3)', async ({ answer, failure, requests = 1 }) => {
  const made = typeof answer === 'function' ? answerByHand(answer) : server.always(() => answer)
  const { failure: got, error } = await failureFrom(agent.think(asking()))
  await made
  expect(got).toMatchObject(failure)
  expect(server.requests.length).toBe(requests)
  expect(server.requests[0]?.key).toBe(SECRET)
  expect(got.message).toMatch(/^(The|There) .+\.$/)
  expect(got.remedy).toMatch(/^[A-Z].+\.$/)
  expect(leaksIn(got, error)).toEqual([])
  expect(parts.clock.timers()).toBe(0)
})

test('A3 the search for leaks finds a key in a message, in a cause, in the log, and in every spelling', () => {
  const bad = new Error('x', { cause: new Error(`refused ${SECRET}`) })
  expect(
    leaksIn({ kind: 'permanent', reason: 'refused', message: `see ?key=${encodeURIComponent(SECRET)}` }, bad),
  ).toEqual(['failure', 'error'])
  parts.log.warn({ said: SECRET }, 'oops')
  expect(leaksIn({ kind: 'permanent', reason: 'refused', message: 'x' }, new Error('x'))).toEqual(['log'])
})

test('nobody listens at the address: tried three times, then told plainly', async () => {
  const gone = await startModelServer()
  await gone.close()
  const lost = await buildAgent(partsFor({ ...definition(), baseUrl: gone.baseUrl, apiKey: null }))
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  let settled = false
  const answer = failureFrom(lost.think(asking())).finally(() => (settled = true))
  // The library waits 2 s and 4 s between its tries.
  while (!settled) {
    await vi.advanceTimersByTimeAsync(100)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect((await answer).failure).toMatchObject({ kind: 'retryable', reason: 'unavailable' })
})

test('a 503 that passes is not noticed: the repeat is answered', async () => {
  const answer = agent.think(asking())
  await server.next().fail({ status: 503 })
  await server.next().respond('here I am')
  expect((await answer).text).toBe('here I am')
})

test('a model that refuses in words has answered', async () => {
  const answer = agent.think(asking())
  const call = server.next()
  await call.begin()
  const delta = { choices: [{ index: 0, delta: { refusal: 'I would rather not.' }, finish_reason: null }] }
  await call.raw(`data: ${JSON.stringify(delta)}\n\n`)
  await call.end()
  expect((await answer).text).toBe('I would rather not.')
})

test('an answer that was cut at the longest length is an answer, and the log says so', async () => {
  server.always(() => ({ chunks: ['a long story'], finish: 'length' }))
  expect(await agent.think(asking())).toMatchObject({ text: 'a long story', isCut: true })
  expect(parts.lines.join()).toContain('longest answer')
})

test.each([
  ['ftp://host/v1', 'is not an http'],
  ['not an address', 'is not an http'],
  [`http://user:${encodeURIComponent(SECRET)}@127.0.0.1:9/v1`, 'holds a user name or a password'],
  [`http://127.0.0.1:9/v1?key=${encodeURIComponent(SECRET)}`, 'holds a ? or a #'],
])('A3 the address %s is refused without being quoted', async (baseUrl, why) => {
  const lost = await buildAgent(partsFor({ ...definition(), baseUrl, apiKey: null }))
  for (const attempt of [lost.think(asking()), lost.probe(new AbortController().signal)]) {
    const { failure, error } = await failureFrom(attempt)
    expect(failure.message).toContain(why)
    expect(leaksIn(failure, error)).toEqual([])
  }
})

test('a key with a line break at its end, as files have it, is that key', async () => {
  const sloppy = await buildAgent(partsFor(definition(), { [KEY.secret]: `${SECRET}\n` }))
  server.always(() => 'fine')
  await sloppy.think(asking())
  expect(server.requests.map((request) => request.key)).toEqual([SECRET])
})

test('the cause has the status and the provider’s words, for the log, cut short', async () => {
  server.always(() => fail(400, { message: 'x'.repeat(100_000) }))
  const { error } = await failureFrom(agent.think(asking()))
  expect(String(error.cause)).toMatch(/^Error: 400: x{400,600}/)
  expect(String(error.cause).length).toBeLessThan(1_000)
})

test.each([`${SECRET}\nX-Other: 1`, `“${SECRET}”`, ' '])(
  'A3 a key that no header can hold is refused without being quoted',
  async (key) => {
    const odd = await buildAgent(partsFor(definition(), { [KEY.secret]: key }))
    const { failure, error } = await failureFrom(odd.think(asking()))
    expect(failure).toMatchObject({ reason: 'unauthorized', remedy: expect.stringContaining(KEY.secret) })
    expect(leaksIn(failure, error)).toEqual([])
    expect(server.requests.length).toBe(0)
  },
)

test('a wait that the provider names is taken over: seconds, milliseconds or a date; nonsense is not', () => {
  const nowMs = Date.UTC(2026, 0, 1)
  const wait = (headers: Record<string, string>) =>
    failureFor({ status: 429, headers, said: '', begun: false }, definition(), nowMs).retryAfterMs
  expect(wait({ 'retry-after': '30' })).toBe(30_000)
  expect(wait({ 'retry-after-ms': '1500', 'retry-after': '2' })).toBe(1_500)
  expect(wait({ 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT' })).toBe(60_000)
  expect(wait({})).toBeUndefined()
  expect(wait({ 'retry-after': 'soon' })).toBeUndefined()
  expect(wait({ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' })).toBeUndefined()
  expect(wait({ 'retry-after': '99999999' })).toBeUndefined()
})

async function answerByHand(by: (call: Exchange) => Promise<void>): Promise<void> {
  await by(server.next())
}

/** Where the key stands, in any spelling: in the failure, in the error with its causes, in the log. */
function leaksIn(failure: Failure, error: Error): string[] {
  const places = { failure: JSON.stringify(failure), error: wholeOf(error), log: parts.lines.join('') }
  const spellings = [SECRET, JSON.stringify(SECRET).slice(1, -1), encodeURIComponent(SECRET)]
  const twice = JSON.stringify(JSON.stringify(SECRET)).slice(3, -3)
  return Object.entries(places)
    .filter(([, text]) => [...spellings, twice].some((spelling) => text.includes(spelling)))
    .map(([place]) => place)
}

function wholeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(JSON.stringify(error))
  return [
    error.message,
    error.stack,
    JSON.stringify(error),
    error.cause === undefined ? '' : wholeOf(error.cause),
  ].join('\n')
}

function definition(): Extract<ModelDefinition, { provider: 'openai-compatible' }> {
  return { provider: 'openai-compatible', name: 'llama3.3', baseUrl: server.baseUrl, apiKey: KEY, ...PLAIN_MODEL }
}
