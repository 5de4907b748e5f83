// Model: one answer over real HTTP, from a server whose every step the test holds: the wire, the cancel, the silences.

import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ModelDefinition } from '../../machines/definitions.ts'
import type { Step } from '../../machines/steps.ts'
import type { Agent } from '../../src/agents/agent.ts'
import { buildAgent } from '../../src/agents/catalog.ts'
import { FIRST_TEXT_MS_MAX, NEXT_TEXT_MS_MAX } from '../../src/agents/model.ts'
import { type Exchange, type ModelServer, startModelServer } from '../support/model-server.ts'
import { PLAIN_MODEL } from '../support/definitions.ts'
import { asking, failureFrom, KEY, partsFor, said, sender, type TestParts } from './parts.ts'

const SENT = 'sent to openai-compatible:llama3.3'

/** The promise is 100 ms; a busy machine that runs the tests gets more. Measured: 3 to 30 ms. */
const CLOSED_WITHIN_MS = 5_000

let server: ModelServer
let parts: TestParts
let agent: Agent

beforeEach(async () => {
  server = await startModelServer({ key: 'sk-right', model: 'llama3.3' })
  parts = partsFor(definition(), { [KEY.secret]: 'sk-right' })
  agent = await buildAgent(parts)
})

afterEach(() => server.close())

test('one request: instructions, history, the turn, the key; its pieces come as they are written', async () => {
  const call = server.next()
  const request = asking({
    history: [
      { role: 'user', text: 'what is left?', sender: sender('2', 'Ben') },
      { role: 'assistant', text: '40 euros' },
    ],
    messages: [said('spend it', 'group'), said('no', 'group', sender('2', 'Ben'))],
  })
  const answer = agent.think(request)
  expect(await call.arrived).toMatchObject({
    model: 'llama3.3',
    key: 'sk-right',
    stream: true,
    messages: [
      { role: 'system', content: 'You answer questions about money.' },
      { role: 'user', content: 'Ben: what is left?' },
      { role: 'assistant', content: '40 euros' },
      { role: 'user', content: 'Anna: spend it\n\nBen: no' },
    ],
  })
  await call.chunk('Ask ')
  await until(() => request.deltas.length === 1)
  await call.chunk('each other.')
  await until(() => request.deltas.length === 2)
  await call.end()
  expect(await answer).toEqual({ text: 'Ask each other.', calls: [], usage: { inputTokens: 11, outputTokens: 7 } })
  expect(request.deltas).toEqual(['Ask ', 'each other.'])
  expect([server.requests.length, server.refused, parts.clock.timers()]).toEqual([1, [], 0])
  expect(request.metered).toEqual([SENT, 'wrote Ask ', 'wrote each other.', 'counted 11 7'])
  expect(getEventListeners(request.signal, 'abort')).toEqual([])
})

test('S42: tools go out with their schemas; what the model asks for comes back and is done by nobody here', async () => {
  const call = server.next()
  const tools = [{ name: 'docs.look', description: 'looks', parameters: { type: 'object', properties: {} } }]
  const request = asking({ tools })
  const answer = agent.think(request)
  expect(await call.arrived).toMatchObject({ tools: ['docs__look'], mayCall: true })
  await call.respond({
    chunks: ['Let me look.'],
    calls: [
      { id: 'c1', name: 'docs__look', arguments: '{"at":"it"}' },
      { id: 'c2', name: 'unknown', arguments: '{}' },
      { id: 'c3', name: 'docs__look', arguments: 'not json' },
    ],
  })
  const thought = await answer
  expect(thought.text).toBe('Let me look.')
  expect(thought.calls.map(({ id, tool }) => [id, tool])).toEqual([
    ['c1', 'docs.look'],
    ['c2', 'unknown'],
    ['c3', 'docs.look'],
  ])
  expect(thought.calls[0]?.input).toEqual({ at: 'it' })
  // What it writes for tools is written like any other text.
  expect(request.metered.slice(0, 3)).toEqual([SENT, 'wrote Let me look.', 'wrote {"at":"it"}'])
  expect([typeof thought.calls[2]?.input, server.requests.length]).toEqual(['string', 1])
})

test('S42: the steps of a run go back to the model as a strict server takes them', async () => {
  const tools = [{ name: 'look', description: 'looks', parameters: { type: 'object', properties: {} } }]
  const asked: Step = {
    ...{ kind: 'answer', text: '', atMs: 0, seqs: [] },
    calls: [{ id: 'c1', tool: 'look', input: { at: 'it' }, policy: 'allow', idempotent: true }],
  }
  const steps: readonly Step[] = [asked, { kind: 'result', call: 'c1', text: 'nothing', failed: false }]
  const call = server.next()
  const answer = agent.think(asking({ tools, steps, mayCall: false }))
  expect(await call.arrived).toMatchObject({
    mayCall: false,
    messages: [
      { role: 'system' },
      { role: 'user', content: 'hello' },
      { role: 'assistant', calls: [{ id: 'c1', name: 'look', arguments: '{"at":"it"}' }] },
      { role: 'tool', answers: 'c1', content: 'nothing' },
    ],
  })
  await call.respond('There is nothing.')
  expect((await answer).text).toBe('There is nothing.')
  expect(server.refused).toEqual([])
})

test('S42: what a run called and does not have any more, or never had, goes back as a strict server takes it', async () => {
  const call = (tool: string) => ({ id: tool, tool, input: {}, policy: 'allow', idempotent: true }) as const
  const asked: Step = { kind: 'answer', text: '', atMs: 0, seqs: [], calls: [call('tickets.find'), call('loook')] }
  const results = asked.calls.map(({ id }): Step => ({ kind: 'result', call: id, text: 'gone', failed: true }))
  for (const tools of [[], [{ name: 'look', description: 'looks', parameters: { type: 'object', properties: {} } }]]) {
    const exchange = server.next()
    const answer = agent.think(asking({ tools, steps: [asked, ...results] }))
    const { messages } = await exchange.arrived
    expect(messages.slice(-2)).toMatchObject([{ answers: 'tickets.find' }, { answers: 'loook' }])
    await exchange.respond('It is gone.')
    expect((await answer).text).toBe('It is gone.')
  }
  expect(server.refused).toEqual([])
})

test('without instructions there is no system message; without a key there is no credential', async () => {
  const open = await startModelServer()
  open.always(() => 'fine')
  const bare = partsFor({ ...definition(), baseUrl: `${open.baseUrl}/`, apiKey: null })
  const bareAgent = await buildAgent({ ...bare, definition: { ...bare.definition, instructions: ' ' } })
  expect(await bareAgent.think(asking())).toMatchObject({ text: 'fine' })
  expect(open.requests).toMatchObject([{ key: null, messages: [{ role: 'user', content: 'hello' }] }])
  await open.close()
})

test('a cancel closes the request at once, and nothing of the answer follows', async () => {
  await checkCancelCloses(agent)
})

test('the check of the cancel catches an agent that only turns its back', async () => {
  const deaf: Agent = {
    ...agent,
    // Settles at the cancel as it should, but leaves its request open.
    think: (request) =>
      new Promise((resolve, reject) => {
        request.signal.addEventListener('abort', () => {
          agent.think(asking({ signal: request.signal })).catch(reject)
        })
        agent.think({ ...request, signal: new AbortController().signal }).then(resolve, reject)
      }),
  }
  await expect(checkCancelCloses(deaf, 300)).rejects.toThrow('the server did not see the close')
})

test('a cancel before the start: no request is ever made', async () => {
  expect((await failureFrom(agent.think(asking({ signal: AbortSignal.abort() })))).failure.reason).toBe('cancelled')
  await agentAnswers('the next one')
  expect(server.requests.length).toBe(1)
})

test('a cancel in the same tick as the start: rejected, and nothing stays open', async () => {
  const stop = new AbortController()
  const request = asking({ signal: stop.signal })
  const answer = failureFrom(agent.think(request))
  stop.abort()
  expect((await answer).failure.reason).toBe('cancelled')
  await new Promise((resolve) => setImmediate(resolve))
  expect([parts.clock.timers(), request.metered]).toEqual([0, []])
})

test('a cancel before the first byte closes the request', async () => {
  const stop = new AbortController()
  const call = server.next()
  const request = asking({ signal: stop.signal })
  const answer = failureFrom(agent.think(request))
  await call.arrived
  stop.abort()
  expect((await answer).failure.reason).toBe('cancelled')
  await closed(call)
  expect(request.metered).toEqual([SENT])
})

test('what a request takes: one that did not get through owes nothing, and one that breaks off owes what had come', async () => {
  const [unheard, broken] = [server.next(), server.next()]
  const request = asking()
  const answer = failureFrom(agent.think(request))
  await unheard.cut()
  await broken.chunk('half an')
  await until(() => request.deltas.length === 1)
  await broken.cut()
  expect((await answer).failure.reason).toBe('unavailable')
  expect(request.metered).toEqual([SENT, 'refused', SENT, 'wrote half an'])
})

test('what a model thinks aloud is written too; what its server counts with each piece is not counted again', async () => {
  const call = server.next()
  const request = asking()
  const answer = agent.think(request)
  await call.begin()
  const piece = (delta: object, more = {}) => `data: ${JSON.stringify({ choices: [{ index: 0, delta }], ...more })}\n\n`
  await call.raw(piece({ reasoning_content: 'Hm.' }))
  await call.raw(piece({ content: 'Yes' }, { usage: { prompt_tokens: 5, completion_tokens: 3 } }))
  await call.raw(piece({ content: '.' }))
  await call.end()
  expect(await answer).toMatchObject({ text: 'Yes.' })
  expect(request.metered).toEqual([SENT, 'wrote Hm.', 'counted 5 3', 'wrote .', 'counted 11 7'])
})

test('a cancel while a repeat is waited for: no further request is made', async () => {
  const stop = new AbortController()
  const call = server.next()
  const answer = failureFrom(agent.think(asking({ signal: stop.signal })))
  await call.fail({ status: 429, headers: { 'retry-after-ms': '150' } })
  await new Promise((resolve) => setTimeout(resolve, 30))
  stop.abort()
  expect((await answer).failure.reason).toBe('cancelled')
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(server.requests.length).toBe(1)
})

test('a cancel from within a delta: that was the last one', async () => {
  const stop = new AbortController()
  const heard: string[] = []
  const call = server.next()
  const onDelta = (text: string): void => {
    heard.push(text)
    stop.abort()
  }
  const answer = failureFrom(agent.think(asking({ signal: stop.signal, onDelta })))
  await call.begin()
  // All in one packet: they lie ready when the first is heard.
  await call.raw(['one', 'two', 'three'].map(eventOf).join(''))
  await call.end()
  expect((await answer).failure.reason).toBe('cancelled')
  expect(heard).toEqual(['one'])
})

test('an error in the reader of the deltas is a defect, not the model’s, and closes the request', async () => {
  const call = server.next()
  const onDelta = (): void => {
    throw new TypeError('a mistake of ours')
  }
  const answer = agent.think(asking({ onDelta }))
  const outcome = expect(answer).rejects.toThrow(new TypeError('a mistake of ours'))
  await call.chunk('one')
  await outcome
  await closed(call)
})

test('a model that never begins ends as a timeout, at its limit and not before', async () => {
  const call = server.next()
  let settled = false
  const answer = failureFrom(agent.think(asking())).finally(() => (settled = true))
  await call.arrived
  parts.clock.advance(FIRST_TEXT_MS_MAX - 1)
  await new Promise((resolve) => setImmediate(resolve))
  expect(settled).toBe(false)
  parts.clock.advance(1)
  expect((await answer).failure).toMatchObject({
    kind: 'retryable',
    reason: 'timeout',
    message: 'The model said nothing for 120 seconds.',
  })
  await closed(call)
})

test('a model that stalls within its answer ends as a timeout; each piece begins the wait anew', async () => {
  const call = server.next()
  const request = asking()
  const answer = failureFrom(agent.think(request))
  await call.chunk('one')
  await until(() => request.deltas.length === 1)
  parts.clock.advance(NEXT_TEXT_MS_MAX - 1)
  await call.chunk('two')
  await until(() => request.deltas.length === 2)
  parts.clock.advance(NEXT_TEXT_MS_MAX - 1)
  // A piece with nothing of an answer in it is none.
  await call.raw('data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n')
  await until(() => request.metered.includes('counted 1 1'))
  parts.clock.advance(1)
  expect((await answer).failure).toMatchObject({ reason: 'timeout', message: 'The model said nothing for 60 seconds.' })
  await closed(call)
  expect([request.deltas, parts.clock.timers()]).toEqual([['one', 'two'], 0])
})

test('neither warnings nor errors of the library are printed', async () => {
  const printed: unknown[] = []
  const [error, warn] = [console.error, console.warn]
  console.error = console.warn = (...words: unknown[]) => void printed.push(words)
  try {
    server.always(() => ({ fail: { status: 500 } }))
    await failureFrom(agent.think(asking()))
  } finally {
    console.error = error
    console.warn = warn
  }
  expect([printed, globalThis.AI_SDK_LOG_WARNINGS]).toEqual([[], false])
})

async function checkCancelCloses(subject: Agent, withinMs = CLOSED_WITHIN_MS): Promise<void> {
  const events: string[] = []
  const stop = new AbortController()
  const call = server.next()
  const onDelta = (text: string): void => void events.push(`delta ${text}`)
  const answer = failureFrom(subject.think(asking({ signal: stop.signal, onDelta })))
  await call.chunk('one')
  await until(() => events.length === 1)
  const cancelledAtMs = performance.now()
  events.push('cancelled')
  stop.abort()
  events.push((await answer).failure.reason)
  expect((await closed(call, withinMs)) - cancelledAtMs).toBeLessThan(withinMs)
  await call.chunk('two')
  await call.end()
  await agentAnswers('afterwards')
  expect(events).toEqual(['delta one', 'cancelled', 'cancelled'])
}

/** When the server saw the client close the connection. */
async function closed(call: Exchange, withinMs = CLOSED_WITHIN_MS): Promise<number> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error('the server did not see the close')), withinMs)
  return await Promise.race([call.closedByClient, late.promise]).finally(() => clearTimeout(timer))
}

function eventOf(content: string): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`
}

async function agentAnswers(text: string): Promise<void> {
  const call = server.next()
  const answer = agent.think(asking())
  await call.respond(text)
  expect((await answer).text).toBe(text)
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1))
}

function definition(): Extract<ModelDefinition, { provider: 'openai-compatible' }> {
  return { provider: 'openai-compatible', name: 'llama3.3', baseUrl: server.baseUrl, apiKey: KEY, ...PLAIN_MODEL }
}
