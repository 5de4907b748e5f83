// Completions: what of a request reaches an agent, what is refused and how, and the bytes of a stream. The agents are the test's.

import { afterAll, describe, expect, test } from 'vitest'
import type { Question } from '../../machines/openai.ts'
import type { CompletionEnd, CompletionsPort, Hearing } from '../../src/http/completions-port.ts'
import { ask, closeAll, raw, start } from './client.ts'

afterAll(closeAll)

const SPENT = { inputTokens: 3, outputTokens: 2 }
const YES: CompletionEnd = { kind: 'answered', text: 'yes', spent: SPENT }

/** One server for the file; each test says what its agents do. */
const server = start({ token: () => 'token' })

class Agents implements CompletionsPort {
  readonly asked: Question[] = []
  readonly #answer: (hearing: Hearing, signal: AbortSignal) => Promise<CompletionEnd>

  constructor(answer: (hearing: Hearing, signal: AbortSignal) => Promise<CompletionEnd>) {
    this.#answer = answer
  }

  models() {
    return [{ id: 'cfo', sinceMs: 1_000_000 }]
  }

  lacks(agent: string): string | null {
    return agent === 'ops' ? 'KEY is not set' : null
  }

  ask(question: Question, hearing: Hearing, signal: AbortSignal): Promise<CompletionEnd> {
    this.asked.push(question)
    hearing.accepted(7)
    return this.#answer(hearing, signal)
  }
}

async function complete(
  body: object,
  options: { answer?: ConstructorParameters<typeof Agents>[0]; headers?: Record<string, string> } = {},
) {
  const { server: running, gateway } = await server
  const agents = new Agents(options.answer ?? (async () => YES))
  gateway.agents = agents
  const headers = { authorization: 'Bearer token', ...options.headers }
  const response = await ask(`${running.url}/v1/chat/completions`, {
    headers,
    json: { model: 'cfo', messages: [HI], ...body },
  })
  return { ...response, question: agents.asked[0] }
}

const HI = { role: 'user', content: 'hi' }

const error = (type: string, code: string, param: string | null = null) => ({
  error: { message: expect.any(String), type, code, param },
})

describe('what reaches an agent', () => {
  const CASES: readonly [string, object, Record<string, string>, object][] = [
    [
      'a plain question: asked once, by nobody in particular',
      {},
      {},
      {
        conversation: expect.stringMatching(/^~cfo\/.+/),
        user: 'anonymous',
        text: 'hi',
        earlier: [],
        brief: null,
        messageId: null,
      },
    ],
    [
      'what was said before',
      { messages: [{ role: 'user', content: 'a' }, { role: 'assistant', content: 'b' }, HI] },
      {},
      {
        text: 'hi',
        earlier: [
          { role: 'user', text: 'a' },
          { role: 'assistant', text: 'b' },
        ],
      },
    ],
    [
      'an answer without text, as clients give it back',
      {
        messages: [
          { role: 'user', content: 'a' },
          { role: 'assistant', content: null, refusal: 'I cannot' },
          { role: 'user', content: 'b' },
          { role: 'assistant', content: null },
          HI,
        ],
      },
      {},
      {
        text: 'hi',
        earlier: [
          { role: 'user', text: 'a' },
          { role: 'assistant', text: 'I cannot' },
          { role: 'user', text: 'b' },
        ],
      },
    ],
    [
      'several messages at the end are one',
      { messages: [HI, { role: 'user', content: 'there' }] },
      {},
      { text: 'hi\n\nthere' },
    ],
    [
      'parts of text',
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'a' },
              { type: 'text', text: 'b' },
            ],
          },
        ],
      },
      {},
      { text: 'a\nb' },
    ],
    [
      'a client’s own instructions, below the agent’s',
      { messages: [{ role: 'system', content: 'be brief' }, HI, { role: 'developer', content: 'in German' }] },
      {},
      { text: 'hi', brief: expect.stringMatching(/replaces none of them\.\n\nbe brief\n\nin German$/) },
    ],
    [
      'a named conversation has its own history',
      { user: 'anna', messages: [{ role: 'user', content: 'a' }, { role: 'assistant', content: 'b' }, HI] },
      {},
      { conversation: 'cfo/anna', user: 'anna', text: 'hi', earlier: [] },
    ],
    [
      'the header’s name goes before the person’s',
      { user: 'anna' },
      { 'X-Conversation': 'room 1' },
      { conversation: 'cfo/room 1', user: 'anna' },
    ],
    [
      'a person without a conversation',
      { safety_identifier: 'h4sh', user: '' },
      {},
      { conversation: expect.stringMatching(/^~/), user: 'h4sh' },
    ],
    ['a request that may come twice', {}, { 'Idempotency-Key': 'k' }, { conversation: '~cfo/k', messageId: 'k' }],
    [
      'what tunes an answer, and what nobody knows, does nothing',
      {
        temperature: 0,
        top_p: 1,
        max_tokens: 5,
        max_completion_tokens: 5,
        seed: 1,
        presence_penalty: 1,
        frequency_penalty: 1,
        metadata: {},
        store: true,
        prompt_cache_key: 'x',
        chat_id: 'y',
        parallel_tool_calls: true,
        tool_choice: 'none',
        reasoning_effort: 'low',
      },
      {},
      { text: 'hi' },
    ],
    [
      'nothing, said in full',
      {
        n: 1,
        tools: [],
        functions: [],
        stop: null,
        logprobs: false,
        logit_bias: {},
        response_format: { type: 'text' },
        modalities: ['text'],
        audio: null,
      },
      {},
      { text: 'hi' },
    ],
  ]
  const reaches = async (body: object, headers: Record<string, string>, question: object): Promise<void> => {
    const got = await complete(body, { headers })
    expect(got.status, got.text).toBe(200)
    expect(got.question).toMatchObject({ agent: 'cfo', ...question })
  }

  test.each(CASES)('%s', (_, body, headers, question) => reaches(body, headers, question))

  test.each([1, 2, 5, 6, 7, 8, 9])('case %i would notice that what it gives is lost on the way', async (number) => {
    const [, , , question] = CASES[number] ?? []
    await expect(reaches({}, {}, question ?? {})).rejects.toThrow(/to match object/)
  })
})

const REFUSED: readonly [string, object, number, string, string | null][] = [
  ['several answers', { n: 2 }, 400, 'unsupported_parameter', 'n'],
  ['its client’s tools', { tools: [{ type: 'function' }] }, 400, 'unsupported_parameter', 'tools'],
  ['another format', { response_format: { type: 'json_object' } }, 400, 'unsupported_parameter', 'response_format'],
  ['probabilities', { logprobs: true }, 400, 'unsupported_parameter', 'logprobs'],
  ['an answer that is cut', { stop: ['\n'] }, 400, 'unsupported_parameter', 'stop'],
  [
    'a picture',
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }] },
    400,
    'unsupported_parameter',
    'messages[0]',
  ],
  [
    'a tool’s result',
    { messages: [HI, { role: 'tool', content: 'x', tool_call_id: '1' }] },
    400,
    'unsupported_parameter',
    'messages[1]',
  ],
  [
    'an answer that is begun',
    { messages: [HI, { role: 'assistant', content: 'well' }] },
    400,
    'invalid_value',
    'messages',
  ],
  ['somebody who is called as a schedule', { user: 'schedule:a' }, 400, 'reserved_name', 'user'],
  ['a long name', { user: 'x'.repeat(257) }, 400, 'too_long', 'user'],
  ['nothing', { messages: [] }, 400, 'invalid_value', 'messages'],
  ['a blank', { messages: [{ role: 'user', content: ' ' }] }, 400, 'invalid_value', 'messages'],
  ['no messages', { messages: undefined }, 400, 'invalid_value', 'messages'],
  ['an unknown role', { messages: [{ role: 'boss', content: 'x' }] }, 400, 'invalid_value', 'messages[0]'],
  ['an agent that there is not', { model: 'gpt' }, 404, 'model_not_found', 'model'],
  [
    'a text over the limit',
    { messages: [{ role: 'user', content: 'x'.repeat(65_537) }] },
    413,
    'string_above_max_length',
    'messages',
  ],
]

test.each(REFUSED)('%s is refused, and reaches nobody', async (_, body, status, code, param) => {
  const got = await complete(body)
  expect([got.status, got.body]).toEqual([status, error('invalid_request_error', code, param)])
  expect(got.question).toBeUndefined()
})

test('an agent that lacks something is no model, and says what it lacks', async () => {
  const got = await complete({ model: 'ops' })
  expect([got.status, got.body]).toEqual([
    503,
    { error: { ...error('server_error', 'not_ready', 'model').error, message: 'KEY is not set' } },
  ])
})

const ENDS: readonly [string, CompletionEnd, number, string, string | null][] = [
  ['no room', { kind: 'full' }, 429, 'rate_limit_exceeded', null],
  ['stopped', { kind: 'stopped' }, 409, 'stopped', 'false'],
  ['set aside', { kind: 'broken' }, 500, 'broken', 'false'],
  ['the end of the process', { kind: 'kept' }, 503, 'stopping', 'false'],
  ['draining', { kind: 'turnedAway', reason: 'draining' }, 503, 'stopping', null],
  ['a key of another request', { kind: 'reused' }, 422, 'idempotency_key_reused', 'false'],
  ['a key of somebody else', { kind: 'turnedAway', reason: 'taken' }, 422, 'idempotency_key_reused', 'false'],
  [
    'over the budget',
    { kind: 'failed', failure: { kind: 'permanent', reason: 'rateLimited', message: 'm' } },
    429,
    'insufficient_quota',
    'false',
  ],
  [
    'a model that is away',
    { kind: 'failed', failure: { kind: 'retryable', reason: 'unavailable', message: 'm' } },
    503,
    'unavailable',
    'false',
  ],
  [
    'a model’s key',
    { kind: 'failed', failure: { kind: 'permanent', reason: 'unauthorized', message: 'm' } },
    502,
    'model_failed',
    'false',
  ],
]

test.each(ENDS)(
  '%s has a status of its own, whole and streamed; what cannot help is not repeated',
  async (_, end, status, code, retry) => {
    for (const stream of [false, true]) {
      const got = await complete({ stream }, { answer: async () => end })
      expect([got.status, got.body]).toMatchObject([status, { error: { code } }])
      expect(got.headers.get('x-should-retry')).toBe(retry)
      expect(got.headers.has('retry-after')).toBe(retry === null)
    }
  },
)

/** A stream to its end, as lines. */
async function streamed(body: object, answer: ConstructorParameters<typeof Agents>[0]): Promise<string[]> {
  const got = await complete({ stream: true, ...body }, { answer })
  expect([got.status, got.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
  return got.text.split('\n\n').filter((frame) => frame !== '')
}

const chunk = (delta: object, finish: string | null, more: object = {}) => ({
  id: 'chatcmpl-turn-7',
  object: 'chat.completion.chunk',
  created: expect.any(Number),
  model: 'cfo',
  choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  ...more,
})

function chunksIn(frames: readonly string[]): unknown[] {
  return frames.map((frame) => (frame === 'data: [DONE]' ? 'done' : JSON.parse(frame.replace(/^data: /, ''))))
}

test('a stream: the role, the pieces, the end, and usage for who asks for it; no line that is not data', async () => {
  const answer = async (hearing: Hearing): Promise<CompletionEnd> => {
    hearing.delta('ye')
    await new Promise((resolve) => setTimeout(resolve, 5))
    hearing.delta('s')
    return YES
  }
  const content = (chunks: readonly unknown[]) =>
    chunks.slice(1, -2).map((each) => (each as ReturnType<typeof chunk>).choices[0]?.delta)
  const plain = chunksIn(await streamed({}, answer))
  expect(plain[0]).toEqual(chunk({ role: 'assistant', content: '' }, null))
  expect(
    content(plain)
      .map((delta) => (delta as { content: string }).content)
      .join(''),
  ).toBe('yes')
  expect(plain.slice(-2)).toEqual([chunk({}, 'stop'), 'done'])
  const counted = chunksIn(await streamed({ stream_options: { include_usage: true } }, answer))
  expect(counted[0]).toHaveProperty('usage', null)
  expect(counted.slice(-2)).toEqual([
    { ...chunk({}, null), choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } },
    'done',
  ])
})

test('what fails in the middle of a stream is an error in it, and no end', async () => {
  const frames = chunksIn(
    await streamed({}, async (hearing) => {
      hearing.delta('ye')
      await new Promise((resolve) => setTimeout(resolve, 5))
      return { kind: 'stopped' }
    }),
  )
  expect(frames.at(-1)).toEqual(error('invalid_request_error', 'stopped'))
  expect(frames).not.toContain('done')
})

test('a defect is an error that says nothing of its inside, whole and streamed', async () => {
  const answer = (): Promise<CompletionEnd> => Promise.reject(new Error('the key is hunter2'))
  const whole = await complete({}, { answer })
  expect([whole.status, whole.body]).toEqual([500, error('server_error', 'internal')])
  const first = await complete({ stream: true }, { answer })
  expect(first.status).toBe(500)
  expect(whole.text + first.text).not.toContain('hunter2')
})

test('the token, the address and the method are refused in the shape of that API, and another page’s request too', async () => {
  const { server: running, gateway } = await server
  gateway.agents = new Agents(async () => YES)
  const url = `${running.url}/v1`
  const headers = { authorization: 'Bearer token' }
  expect((await ask(`${url}/models`)).body).toEqual(error('authentication_error', 'invalid_api_key'))
  expect((await ask(`${url}/models`, { headers })).body).toEqual({
    object: 'list',
    data: [{ id: 'cfo', object: 'model', created: 1_000, owned_by: 'troupe' }],
  })
  expect((await ask(`${url}/embeddings`, { headers, json: {} })).body).toEqual(
    error('invalid_request_error', 'not_found'),
  )
  expect((await ask(`${url}/chat/completions`, { headers })).body).toEqual(
    error('invalid_request_error', 'method_not_allowed'),
  )
  const foreign = { ...headers, origin: 'https://evil.example', 'content-type': 'application/json' }
  expect((await raw(`${url}/chat/completions`, { method: 'POST', headers: foreign, body: '{}' })).status).toBe(403)
  gateway.agents = null
  expect((await ask(`${url}/models`, { headers })).body).toEqual(error('invalid_request_error', 'not_found'))
  expect((await ask(`${running.url}/nothing`, { headers })).body).toEqual({
    error: { code: 'not_found', message: expect.any(String) },
  })
})

test('a body of a whole conversation is taken, a larger one is not read to its end', async () => {
  const long = Array.from({ length: 12 }, (_, n) => ({
    role: n % 2 === 0 ? 'user' : 'assistant',
    content: 'x'.repeat(60_000),
  }))
  const got = await complete({ messages: [...long, HI] })
  expect([got.status, got.question?.earlier.length]).toEqual([200, 12])
  const { body } = await complete({ messages: [...long, ...long, HI] })
  expect(body).toEqual(error('invalid_request_error', 'too_large'))
})

test('H5 a client that goes away is told of to the agent, whole and streamed', async () => {
  const { server: running, gateway } = await server
  for (const stream of [false, true]) {
    const left = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    gateway.agents = new Agents((hearing, signal) => {
      hearing.delta('a')
      begun.resolve()
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          left.resolve()
          resolve({ kind: 'left' })
        }),
      )
    })
    const client = new AbortController()
    const headers = { authorization: 'Bearer token', 'content-type': 'application/json' }
    const body = JSON.stringify({ model: 'cfo', messages: [HI], stream })
    const asked = fetch(`${running.url}/v1/chat/completions`, { method: 'POST', headers, body, signal: client.signal })
    asked.catch(() => {})
    await begun.promise
    if (stream) await asked
    client.abort()
    await left.promise
  }
})
