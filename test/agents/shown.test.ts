// Shown: pictures and PDF files on each provider's own wire, as the models' servers are sent them.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { buildAgent } from '../../src/agents/catalog.ts'
import type { LiveModelDefinition } from '../../src/agents/model-failure.ts'
import { PLAIN_MODEL } from '../support/definitions.ts'
import { jpeg, pdf } from '../support/received.ts'
import { asking, failureFrom, KEY, partsFor, said } from './parts.ts'

let bodies: string[] = []

/** Refuses everything: what it was sent is all that is asked. */
const server = createServer((incoming, outgoing) => {
  const chunks: Buffer[] = []
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
  incoming.on('end', () => {
    bodies.push(Buffer.concat(chunks).toString('utf8'))
    outgoing.writeHead(400, { 'content-type': 'application/json' }).end('{}')
  })
})

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
beforeEach(() => void (bodies = []))
afterAll(() => void server.close())

async function sent(provider: LiveModelDefinition['provider'], name: string): Promise<string> {
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  const parts = partsFor({ provider, name, baseUrl, apiKey: KEY, ...PLAIN_MODEL }, { [KEY.secret]: 'sk-0123456789' })
  const shown = [
    { mediaType: 'image/jpeg', bytes: jpeg() },
    { mediaType: 'application/pdf', bytes: pdf() },
  ]
  await failureFrom((await buildAgent(parts)).think(asking({ messages: [{ ...said('look'), shown }] })))
  return bodies.join()
}

const [PICTURE, PAGE] = [jpeg(), pdf()].map((bytes) => Buffer.from(bytes).toString('base64')) as [string, string] // as: two of two

test.each([
  ['openai', 'gpt-4o'],
  ['anthropic', 'claude-sonnet-4-5'],
  ['google', 'gemini-2.5-flash'],
] as const)('%s is sent both', async (provider, name) => {
  const body = await sent(provider, name)
  expect(body).toContain(PICTURE)
  expect(body).toContain(PAGE)
})

test('a server of one’s own is sent pictures, when its model’s name says that it sees', async () => {
  const body = await sent('openai-compatible', 'llava')
  expect(body).toContain(`data:image/jpeg;base64,${PICTURE}`)
  expect(body).not.toContain(PAGE)
})

test.each([
  ['openai', 'gpt-3.5-turbo'],
  ['openai-compatible', 'llama3.3'],
] as const)('%s:%s is sent neither, but the text', async (provider, name) => {
  const body = await sent(provider, name)
  expect(body).toContain('look')
  for (const bytes of [PICTURE, PAGE]) expect(body).not.toContain(bytes)
})
