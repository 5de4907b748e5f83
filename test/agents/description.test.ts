// Description, against a strict server: what the model that looks is sent, how it is closed, and what is said when it fails.

import { describe, expect, onTestFinished, test } from 'vitest'
import type { DescriberDefinition } from '../../machines/definitions.ts'
import { buildDescription } from '../../src/agents/description.ts'
import { realWorld } from '../../src/world.ts'
import { PLAIN_MODEL, testAgent } from '../support/definitions.ts'
import { startModelServer } from '../support/model-server.ts'
import { jpeg } from '../support/received.ts'
import { silentLog } from '../support/world.ts'
import { failureFrom } from './parts.ts'

const KEY = 'key-of-the-describing-model'
const PICTURE = { bytes: jpeg(), mediaType: 'image/jpeg', words: 'what is it?' }

async function open(given: Partial<DescriberDefinition> = {}) {
  const server = await startModelServer({ key: KEY, model: 'eyes' })
  onTestFinished(() => server.close())
  const apiKey = { secret: 'agents.cfo.vision.describe_with.api_key' }
  const shape = {
    provider: 'openai-compatible',
    name: 'eyes',
    baseUrl: server.baseUrl,
    apiKey,
    ...PLAIN_MODEL,
  } as const
  const describeWith = { ...shape, ...given } as DescriberDefinition // as: a test gives the parts of one of them.
  const definition = testAgent('cfo', { instructions: 'Keep the secret of the house.', tools: ['files'], describeWith })
  const parts = { definition, secret: () => KEY, log: silentLog, world: realWorld({}) }
  return { server, describeWith, built: await buildDescription(parts) }
}

const never = (): AbortSignal => new AbortController().signal

test('one request with the picture, what came with it and the key, and nothing else of the agent', async () => {
  const { server, built, describeWith } = await open()
  server.always(() => 'A cat.')
  expect(await built.describe(PICTURE, never())).toEqual({
    text: 'A cat.',
    calls: [],
    usage: { inputTokens: 11, outputTokens: 7 },
    model: describeWith,
  })
  const [request, ...more] = server.requests
  expect(more).toEqual([])
  expect(request).toMatchObject({ model: 'eyes', key: KEY, tools: [] })
  expect(request?.messages.map(({ role, content, images }) => [role, content, images])).toEqual([
    ['system', expect.stringMatching(/^You describe a picture[\s\S]*Do not answer the message/), undefined],
    ['user', 'The message that came with it:\n\nwhat is it?', [Buffer.from(PICTURE.bytes)]],
  ])
  expect(JSON.stringify(request)).not.toContain('secret of the house')
  expect(server.refused).toEqual([])
})

test('nothing that is written with a picture is made up', async () => {
  const { server, built } = await open()
  server.always(() => 'A cat.')
  await built.describe({ ...PICTURE, words: ' ' }, never())
  expect(server.requests[0]?.messages[1]?.content).toBe('No message came with it.')
})

test('a probe asks for the list of models, finds a name that is not in it, and shows nothing', async () => {
  const { server, built } = await open()
  await built.probe(never())
  const wrong = await open({ name: 'eyse' })
  expect((await failureFrom(wrong.built.probe(never()))).failure.message).toContain('"eyse" is not known')
  expect([server.requests, wrong.server.requests]).toEqual([[], []])
})

describe('what fails is said in words, without the key', () => {
  test.each([
    [401, `wrong key ${KEY}`, "the describing model's credential was refused (401)"],
    [400, 'invalid image', "the describing model's server refused the request (400)"],
    [413, 'too large', 'the describing model does not take it'],
    [404, 'gone', 'the describing model "eyes" is not known at its provider (404)'],
    [402, 'insufficient_quota', "the account at the describing model's provider has no credit left"],
  ] as const)('%d', async (status, message, said) => {
    const { server, built } = await open()
    server.always(() => ({ fail: { status, message } }))
    const { failure, error } = await failureFrom(built.describe(PICTURE, never()))
    expect(failure).toMatchObject({ kind: 'permanent', message: said })
    expect(`${JSON.stringify(failure)} ${error.stack} ${String(error.cause)}`).not.toContain(KEY)
    expect(server.requests).toHaveLength(1)
  })

  test('what is refused has no remedy of a conversation', async () => {
    const { server, built } = await open()
    server.always(() => ({ fail: { status: 400 } }))
    expect((await failureFrom(built.describe(PICTURE, never()))).failure.remedy).toBe(undefined)
  })
})

test('an abort closes the request at once', async () => {
  const { server, built } = await open()
  const controller = new AbortController()
  const exchange = server.next()
  const describing = failureFrom(built.describe(PICTURE, controller.signal))
  await exchange.arrived
  controller.abort()
  expect((await describing).failure.reason).toBe('cancelled')
  await exchange.closedByClient
})
