// Model server: the double that all suites lean on refuses what a real server refuses, and reports what really happened.

import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ModelServer, startModelServer } from '../support/model-server.ts'

let server: ModelServer

beforeEach(async () => {
  server = await startModelServer({ key: 'sk-right', model: 'llama3.3' })
})

afterEach(() => server.close())

const user = (content: unknown) => ({ role: 'user', content })
const proper = { model: 'llama3.3', messages: [user('hello')], stream: true }

test.each([
  ['no model', { ...proper, model: undefined }, 400],
  ['a model that is not there', { ...proper, model: 'other' }, 404],
  ['no messages', { ...proper, messages: [] }, 400],
  ['a role that nobody knows', { ...proper, messages: [{ role: 'human', content: 'hello' }] }, 400],
  ['an empty text', { ...proper, messages: [user(' ')] }, 400],
  ['a text that is none', { ...proper, messages: [user(7)] }, 400],
  ['two texts of the user in a row', { ...proper, messages: [user('a'), user('b')] }, 400],
  ['an answer that nobody asked for', { ...proper, messages: [{ role: 'assistant', content: 'a' }, user('b')] }, 400],
  ['an answer at the end', { ...proper, messages: [user('a'), { role: 'assistant', content: 'b' }] }, 400],
  ['instructions in the middle', { ...proper, messages: [user('a'), { role: 'system', content: 'b' }] }, 400],
  ['a key that nobody knows', { ...proper, conversation: 'c' }, 400],
  ['usage without a stream', { ...proper, stream: false, stream_options: { include_usage: true } }, 400],
])('refuses %s', async (_name, body, status) => {
  const response = await post(JSON.stringify(body))
  expect([response.status, server.requests.length, server.refused.length]).toEqual([status, 0, 1])
})

test('refuses bad JSON, another content type, another route, another method, a wrong key and none', async () => {
  const statuses = [
    await post('{"model": '),
    await post('[]'),
    await post(JSON.stringify(proper), { 'content-type': 'text/plain' }),
    await fetch(`${server.baseUrl}/completions`, { headers: { authorization: 'Bearer sk-right' } }),
    await fetch(`${server.baseUrl}/chat/completions`, { headers: { authorization: 'Bearer sk-right' } }),
    await post(JSON.stringify(proper), { authorization: 'Bearer sk-wrong' }),
    await fetch(`${server.baseUrl}/models`),
  ].map((response) => response.status)
  expect(statuses).toEqual([400, 400, 415, 404, 405, 401, 401])
  expect(server.requests).toEqual([])
})

test('a proper request is taken, in the order of arrival, whether its handle was there before or not', async () => {
  const early = server.next()
  const first = post(JSON.stringify({ ...proper, stream: false }))
  await early.respond('one')
  expect(await (await first).json()).toMatchObject({
    choices: [{ message: { content: 'one' }, finish_reason: 'stop' }],
  })
  const second = post(JSON.stringify({ ...proper, messages: [user([{ type: 'text', text: 'parts' }])] }))
  while (server.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 1))
  const late = server.next()
  expect((await late.arrived).messages).toEqual([{ role: 'user', content: 'parts' }])
  await late.respond({ chunks: ['t', 'wo'] })
  const body = await (await second).text()
  expect([...body.matchAll(/"content":"([^"]+)"/g)].map(([, text]) => text)).toEqual(['t', 'wo'])
  expect(body.trimEnd().endsWith('data: [DONE]')).toBe(true)
})

test('a held request stays open until somebody ends it; who did is told apart', async () => {
  const stop = new AbortController()
  const call = server.next()
  const held = post(JSON.stringify(proper), {}, stop.signal)
  const { atMs } = await call.arrived
  stop.abort()
  await expect(held).rejects.toThrow()
  expect(await call.closedByClient).toBeGreaterThan(atMs)

  const cut = server.next()
  const broken = post(JSON.stringify(proper))
  await cut.cut()
  await expect(broken).rejects.toThrow()
  const nobody = new Promise((resolve) => setTimeout(resolve, 30, 'nobody'))
  expect(await Promise.race([cut.closedByClient, nobody])).toBe('nobody')
})

function post(body: string, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
  return fetch(`${server.baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer sk-right', ...headers },
    body,
    ...(signal === undefined ? {} : { signal }),
  })
}
