// Catalogue: what is loaded for which provider, and that agents of one definition have nothing in common but data.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import type { ModelDefinition } from '../../machines/definitions.ts'
import { buildAgent } from '../../src/agents/catalog.ts'
import { PLAIN_MODEL, testAgent } from '../support/definitions.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { asking, failureFrom, KEY, partsFor } from './parts.ts'

const LOCAL: Extract<ModelDefinition, { provider: 'openai-compatible' }> = {
  provider: 'openai-compatible',
  name: 'm',
  baseUrl: 'http://127.0.0.1:9/v1',
  apiKey: null,
  ...PLAIN_MODEL,
}
const run = promisify(execFile)
let server: ModelServer | null = null

afterEach(async () => {
  await server?.close()
  server = null
})

test('an echo agent is built and answers without one file of a model library', async () => {
  expect(await librariesLoadedBy({ provider: 'echo', delayMs: 0 })).toEqual([])
})

test('a model loads the one provider that its definition names', async () => {
  const loaded = await librariesLoadedBy(LOCAL)
  // The same trace as above sees a library when there is one to see.
  expect(loaded).toEqual(expect.arrayContaining(['ai', '@ai-sdk/openai-compatible']))
  expect(loaded).not.toContain('@ai-sdk/anthropic')
  expect(loaded).not.toContain('@ai-sdk/google')
  expect(loaded).not.toContain('@ai-sdk/openai')
})

test('A2 two agents of one frozen definition share nothing: each its own key, its own request, its own end', async () => {
  server = await startModelServer()
  const model = Object.freeze({ ...LOCAL, baseUrl: server.baseUrl, apiKey: Object.freeze({ ...KEY }) })
  const first = await buildAgent(partsFor(model, { [KEY.secret]: 'sk-first' }))
  const second = await buildAgent(partsFor(model, { [KEY.secret]: 'sk-second' }))
  expect(Object.values(first).filter((part) => Object.values(second).includes(part))).toEqual([])

  const stop = new AbortController()
  const [firstCall, secondCall] = [server.next(), server.next()]
  const firstAnswer = failureFrom(first.think(asking({ signal: stop.signal })))
  expect((await firstCall.arrived).key).toBe('sk-first')
  const secondRequest = asking()
  const secondAnswer = second.think(secondRequest)
  expect((await secondCall.arrived).key).toBe('sk-second')
  await firstCall.chunk('one')
  await secondCall.chunk('two')
  stop.abort()
  expect((await firstAnswer).failure.reason).toBe('cancelled')
  await firstCall.closedByClient
  await secondCall.chunk(' three')
  await secondCall.end()
  expect((await secondAnswer).text).toBe('two three')
  expect(secondRequest.deltas).toEqual(['two', ' three'])
})

test('A3 a key is resolved for each request: a replaced one is used at once, a missing one fails by its name', async () => {
  server = await startModelServer()
  server.always(() => 'fine')
  const secrets: Record<string, string> = { [KEY.secret]: 'sk-old' }
  const agent = await buildAgent(partsFor({ ...LOCAL, baseUrl: server.baseUrl, apiKey: KEY }, secrets))
  await agent.think(asking())
  secrets[KEY.secret] = 'sk-new'
  await agent.think(asking())
  delete secrets[KEY.secret]
  const { failure } = await failureFrom(agent.think(asking()))
  expect(failure).toMatchObject({ reason: 'missing', message: expect.stringContaining(KEY.secret) })
  expect(server.requests.map((request) => request.key)).toEqual(['sk-old', 'sk-new'])
})

/** The packages of the model library that a fresh process loads to build and use an agent. */
async function librariesLoadedBy(model: ModelDefinition): Promise<string[]> {
  const script = `
    import { registerHooks } from 'node:module'
    const loaded = new Set()
    registerHooks({ load(url, context, next) { loaded.add(url); return next(url, context) } })
    const { buildAgent } = await import(${JSON.stringify(new URL('../../src/agents/catalog.ts', import.meta.url).href)})
    const unused = () => { throw new Error('not needed') }
    const agent = await buildAgent({
      definition: ${JSON.stringify(testAgent('cfo', { instructions: '', model }))},
      secret: unused, log: {}, world: { clock: { setTimeout: unused, clearTimeout: unused } },
    })
    if (${model.provider === 'echo'}) await agent.think({
      history: [], onDelta() {}, signal: new AbortController().signal,
      messages: [{ text: 'hi', kind: 'dm', sender: { id: '1', name: null, handle: null } }],
    })
    console.log(JSON.stringify([...loaded]))
  `
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script])
  const urls: string[] = JSON.parse(stdout)
  expect(urls.some((url) => url.endsWith('/src/agents/echo.ts'))).toBe(true)
  const packages = urls.map((url) => /node_modules\/(ai|@ai-sdk\/[^/]+)\//.exec(url)?.[1])
  return [...new Set(packages.filter((name) => name !== undefined))].sort()
}
