// Fallback: over real HTTP, with one server for each model. Who is asked when the first is away, who is not, and how often.

import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ModelDefinition } from '../../machines/definitions.ts'
import type { Step } from '../../machines/steps.ts'
import type { Agent, ThinkRequest } from '../../src/agents/agent.ts'
import { buildAgent } from '../../src/agents/catalog.ts'
import { FIRST_TEXT_MS_MAX } from '../../src/agents/model.ts'
import { PLAIN_MODEL } from '../support/definitions.ts'
import { type ModelServer, type Refusal, startModelServer } from '../support/model-server.ts'
import { asking, failureFrom, partsFor, type TestParts } from './parts.ts'

type Local = Extract<ModelDefinition, { provider: 'openai-compatible' }>

let first: ModelServer
let second: ModelServer
let parts: TestParts

beforeEach(async () => {
  first = await startModelServer()
  second = await startModelServer()
  parts = partsWith(local('first', first), local('second', second))
})

afterEach(() => Promise.all([first.close(), second.close()]))

function local(name: string, { baseUrl }: ModelServer): Local {
  return { provider: 'openai-compatible', name, baseUrl, apiKey: null, ...PLAIN_MODEL }
}

function partsWith(model: ModelDefinition, ...fallbackModels: ModelDefinition[]): TestParts {
  const made = partsFor(model)
  return { ...made, definition: { ...made.definition, fallbackModels } }
}

const asked = (): number[] => [first.requests.length, second.requests.length]

const AWAY: Refusal[] = [{ status: 429 }, { status: 500 }, { status: 503 }, { status: 529, message: 'overloaded' }]

test.each(AWAY)('$status: the next one answers, after one request to the first, and that is said', async (refusal) => {
  first.always(() => ({ fail: refusal }))
  second.always(() => 'here I am')
  const request = asking()
  const thought = await (await buildAgent(parts)).think(request)
  expect([thought.text, thought.model, request.deltas.join('')]).toEqual([
    'here I am',
    parts.definition.fallbackModels[0],
    'here I am',
  ])
  expect(asked()).toEqual([1, 1])
  const lines = parts.lines.map((line) => JSON.parse(line))
  expect(lines.map(({ level, model, next }) => [level, model, next])).toEqual([
    ['warn', 'openai-compatible:first', 'openai-compatible:second'],
    ['info', 'openai-compatible:second', undefined],
  ])
})

test('the first one answers: it is named, and nobody else is asked', async () => {
  first.always(() => 'fine')
  expect((await (await buildAgent(parts)).think(asking())).model).toBe(parts.definition.model)
  expect(asked()).toEqual([1, 0])
  expect(parts.lines).toEqual([])
})

test('a server that is not there, one that hangs up, and one that is silent for too long: the next one answers', async () => {
  second.always(() => 'here I am')
  const gone = { ...local('gone', first), baseUrl: 'http://127.0.0.1:9/v1' }
  expect((await (await buildAgent(partsWith(gone, local('second', second)))).think(asking())).text).toBe('here I am')

  const agent = await buildAgent(parts)
  const cut = first.next()
  const afterCut = agent.think(asking())
  await cut.cut()
  expect((await afterCut).text).toBe('here I am')

  const silent = first.next()
  const afterSilence = agent.think(asking())
  await silent.arrived
  parts.clock.advance(FIRST_TEXT_MS_MAX)
  expect((await afterSilence).text).toBe('here I am')
  await silent.closedByClient
})

test.each([400, 401, 402, 403, 404, 413])(
  '%d is told and hidden by nobody: the next one is not asked',
  async (status) => {
    first.always(() => ({ fail: { status } }))
    second.always(() => 'here I am')
    const { failure } = await failureFrom((await buildAgent(parts)).think(asking()))
    expect(failure.kind).toBe('permanent')
    expect(asked()).toEqual([1, 0])
  },
)

test('only the last one repeats a request: no retry stacks on another', async () => {
  for (const server of [first, second]) server.always(() => ({ fail: { status: 503 } }))
  const { failure } = await failureFrom((await buildAgent(parts)).think(asking()))
  expect(failure).toMatchObject({ kind: 'retryable', reason: 'unavailable' })
  expect(asked()).toEqual([1, 3])
})

test('a fallback that refuses is for the log: the person is told what began it', async () => {
  first.always(() => ({ fail: { status: 429, headers: { 'retry-after': '7' } } }))
  second.always(() => ({ fail: { status: 401 } }))
  const { failure } = await failureFrom((await buildAgent(parts)).think(asking()))
  expect(failure).toMatchObject({ reason: 'rateLimited', retryAfterMs: 7_000 })
  expect(asked()).toEqual([1, 1])
})

test('the third is asked when the second is away too', async () => {
  const third = await startModelServer()
  for (const server of [first, second]) server.always(() => ({ fail: { status: 503 } }))
  third.always(() => 'here I am')
  const three = partsWith(local('first', first), local('second', second), local('third', third))
  expect((await (await buildAgent(three)).think(asking())).text).toBe('here I am')
  expect([...asked(), third.requests.length]).toEqual([1, 1, 1])
  await third.close()
})

test('a run stays with the model that answered in it, and asks the others after it', async () => {
  const look = { id: 'c1', tool: 'look', input: {}, policy: 'allow', idempotent: true } as const
  const tools = [{ name: 'look', description: 'looks', parameters: { type: 'object', properties: {} } }]
  const steps: readonly Step[] = [
    { kind: 'answer', text: '', calls: [look], atMs: 0, seqs: [1], model: 'openai-compatible:second', spent: null },
    { kind: 'result', call: 'c1', text: 'nothing', failed: false },
  ]
  second.always(() => 'still me')
  const agent = await buildAgent(parts)
  expect((await agent.think(asking({ steps, tools }))).text).toBe('still me')
  expect(asked()).toEqual([0, 1])
  second.always(() => ({ fail: { status: 503 } }))
  first.always(() => 'back again')
  expect((await agent.think(asking({ steps, tools }))).text).toBe('back again')
  expect(asked()).toEqual([1, 2])
})

test('after a piece of an answer was shown nobody else is asked', async () => {
  await expectOneVoice(await buildAgent(parts))
})

test('a broken fallback that goes on in the middle of an answer is caught', async () => {
  const one = await buildAgent(partsFor(local('first', first)))
  const other = await buildAgent(partsFor(local('second', second)))
  const broken: Agent = { ...one, think: (request) => one.think(request).catch(() => other.think(request)) }
  await expect(expectOneVoice(broken)).rejects.toThrow()
})

async function expectOneVoice(agent: Agent): Promise<void> {
  second.always(() => 'and I say this')
  const call = first.next()
  const request: ThinkRequest & { deltas: string[] } = asking()
  const answer = agent.think(request)
  await call.chunk('I say that')
  while (request.deltas.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  await call.cut()
  const { failure } = await failureFrom(answer)
  expect(failure.reason).toBe('unavailable')
  expect([request.deltas, asked()]).toEqual([['I say that'], [1, 0]])
}

test.each(['the first', 'the fallback'])(
  'a cancel while %s is asked closes its request, and none follows',
  async (which) => {
    if (which === 'the fallback') first.always(() => ({ fail: { status: 503 } }))
    const server = which === 'the first' ? first : second
    const call = server.next()
    const cancel = new AbortController()
    const answer = failureFrom((await buildAgent(parts)).think(asking({ signal: cancel.signal })))
    await call.arrived
    cancel.abort()
    expect((await answer).failure.reason).toBe('cancelled')
    await call.closedByClient
    expect(asked()).toEqual(which === 'the first' ? [1, 0] : [1, 1])
  },
)

test('a fallback whose context has no room is not asked; a larger one is, and without one that is said', async () => {
  first.always(() => ({ fail: { status: 503 } }))
  second.always(() => 'here I am')
  const small = { ...local('small', second), contextTokens: 1_000 }
  const messages = [{ text: 'x'.repeat(6_000), kind: 'dm', sender: { id: '1', name: null, handle: null } }] as const
  const larger = await buildAgent(partsWith(local('first', first), small, local('second', second)))
  expect((await larger.think(asking({ messages }))).model).toMatchObject({ name: 'second' })
  expect(second.requests.map(({ model }) => model)).toEqual(['second'])

  parts = partsWith(local('first', first), small)
  const { failure } = await failureFrom((await buildAgent(parts)).think(asking({ messages })))
  expect(failure).toMatchObject({ reason: 'unavailable' })
  expect(failure.message).toContain(
    '(503). Not asked, because the conversation has no room in their context: openai-compatible:small.',
  )
  expect(parts.lines.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ level: 'warn', models: ['openai-compatible:small'] }),
  )
  expect((await (await buildAgent(parts)).think(asking())).text).toBe('here I am')
})
