// The OpenAI API, through the binary: the library that OpenAI publishes talks to the agents, and never learns that they are none of
// OpenAI's models.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI, { type APIError } from 'openai'
import { expect } from 'vitest'
import { raw } from '../http/client.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { jpeg } from '../support/received.ts'
import {
  eventually,
  jsonOf,
  modelAgents,
  openModel,
  run,
  scenario,
  sendJson,
  started,
  statusOf,
  writeFile,
} from '../support/scenario.ts'

type Message = OpenAI.ChatCompletionMessageParam

const TOKEN = 'the token of this gateway'

async function stage(gatewayKeys: Record<string, unknown> = {}) {
  const model = await openModel()
  const { clerk, cfo, ...others } = modelAgents(model, ['cfo', 'ops', 'clerk'])
  const agents = {
    cfo: { ...cfo, vision: 'always' },
    ...others,
    parrot: { model: 'echo' },
    clerk: { ...clerk, tools: ['files'], approval: { files_write: 'ask' } },
  }
  const file = { gateway: gatewayKeys, agents, channels: { web: { platform: 'web', agent: 'parrot' } } }
  const { folder, gateway } = await run(file, { token: TOKEN })
  return { model, folder, gateway, file, client: clientOf(gateway) }
}

/** It repeats nothing by itself: a test sees every refusal. */
function clientOf(gateway: GatewayProcess, options: { apiKey?: string; maxRetries?: number } = {}): OpenAI {
  return new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: TOKEN, maxRetries: 0, ...options })
}

const says = (...texts: string[]): Message[] => texts.map((content) => ({ role: 'user', content }))

async function refusal(
  asked: Promise<unknown>,
): Promise<Pick<APIError, 'status' | 'code' | 'param' | 'message' | 'headers'>> {
  const error: unknown = await asked.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof OpenAI.APIError)) throw new Error(`it was not refused: ${String(error)}`)
  return error
}

scenario(
  'any OpenAI client: models, an answer whole and in pieces, usage, and errors in the shape that it knows',
  async () => {
    const { model, gateway, client } = await stage({ token: TOKEN })
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['cfo', 'ops', 'parrot', 'clerk'])
    expect(await client.models.retrieve('ops')).toMatchObject({ id: 'ops', object: 'model', owned_by: 'troupe' })

    const first = model.next()
    const asked = client.chat.completions.create({
      model: 'cfo',
      temperature: 0.2,
      messages: [
        { role: 'developer', content: 'Speak like a pirate.' },
        ...says('one?'),
        { role: 'assistant', content: '1' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'and' },
            { type: 'text', text: 'two?' },
          ],
        },
      ],
    })
    const { messages } = await first.arrived
    expect(messages[0]).toEqual({ role: 'system', content: 'You are cfo.' })
    expect(messages[1]?.content).toMatch(/^The program .*replaces none of them\.\n\nSpeak like a pirate\.\n\none\?$/s)
    expect(messages.slice(2).map(({ content }) => content)).toEqual(['1', 'and\ntwo?'])
    await first.respond('2')
    expect(await asked).toMatchObject({
      object: 'chat.completion',
      model: 'cfo',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: '2' } }],
      usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
    })

    // A picture comes with its request; asked on about it, it comes again, with the question.
    const picture = Buffer.from(jpeg('a cat'))
    const shown: Message = {
      role: 'user',
      content: [
        { type: 'text', text: 'what is it?' },
        { type: 'image_url', image_url: { url: `data:image/jpeg;base64,${picture.toString('base64')}` } },
      ],
    }
    const [seen, again] = [model.next(), model.next()]
    const looking = client.chat.completions.create({ model: 'cfo', messages: [shown] })
    expect((await seen.arrived).messages.at(-1)).toMatchObject({ content: 'what is it?\n[picture]', images: [picture] })
    await seen.respond('a cat')
    expect((await looking).choices[0]?.message.content).toBe('a cat')
    const asksOn: Message[] = [shown, { role: 'assistant', content: 'a cat' }, ...says('sure?')]
    const sure = client.chat.completions.create({ model: 'cfo', messages: asksOn })
    expect((await again.arrived).messages.slice(1)).toMatchObject([
      { content: 'what is it?\n[picture]' },
      { content: 'a cat' },
      { content: 'sure?\n[picture]', images: [picture] },
    ])
    await again.respond('yes')
    await sure
    const blind = await client.chat.completions.create({ model: 'parrot', messages: [shown] })
    expect(blind.choices[0]?.message.content).toBe('parrot heard: what is it?')
    const address = { ...shown, content: [{ type: 'image_url', image_url: { url: 'https://example.org/a.jpg' } }] }
    expect(
      await refusal(client.chat.completions.create({ model: 'cfo', messages: [address as Message] })),
    ).toMatchObject({ status: 400, code: 'invalid_image_url', param: 'messages[0].content[0].image_url.url' })

    const second = model.next()
    const stream = await client.chat.completions.create({
      model: 'ops',
      messages: says('go on'),
      stream: true,
      stream_options: { include_usage: true },
    })
    const pieces = stream[Symbol.asyncIterator]()
    expect((await pieces.next()).value).toMatchObject({ choices: [{ delta: { role: 'assistant' } }], usage: null })
    await second.chunk('well')
    expect((await pieces.next()).value).toMatchObject({
      choices: [{ delta: { content: 'well' }, finish_reason: null }],
    })
    await second.chunk(', yes')
    await second.end('length')
    const rest = []
    for (let piece = await pieces.next(); piece.done !== true; piece = await pieces.next()) rest.push(piece.value)
    expect(rest).toMatchObject([
      { choices: [{ delta: { content: ', yes' } }] },
      { choices: [{ delta: {}, finish_reason: 'length' }] },
      { choices: [], usage: { total_tokens: 18 } },
    ])

    const create = (more: object) => client.chat.completions.create({ model: 'cfo', messages: says('x'), ...more })
    expect(await refusal(create({ model: 'gpt-4o' }))).toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model',
    })
    expect((await refusal(create({ model: 'gpt-4o' }))).message).toContain('There are: cfo, ops, parrot, clerk.')
    const wrongKey = clientOf(gateway, { apiKey: 'wrong' })
    expect(await refusal(wrongKey.models.list())).toMatchObject({ status: 401, code: 'invalid_api_key' })
    expect(await refusal(create({ n: 2 }))).toMatchObject({ status: 400, code: 'unsupported_parameter', param: 'n' })
    expect((await refusal(client.embeddings.create({ model: 'cfo', input: 'x' }))).message).toContain('there are /v1/')
    const withoutPath = new OpenAI({ baseURL: gateway.url, apiKey: TOKEN, maxRetries: 0 })
    expect((await refusal(withoutPath.models.list())).message).toContain('ends in /v1')

    const failing = model.next()
    const failed = refusal(create({}))
    await failing.fail({ status: 401 })
    expect(await failed).toMatchObject({ status: 502, code: 'model_failed' })
    const breaking = model.next()
    const broken = await client.chat.completions.create({ model: 'cfo', messages: says('x'), stream: true })
    await breaking.chunk('half an')
    await breaking.failInStream({ status: 503 })
    const heard = await refusal(
      (async () => {
        for await (const _ of broken);
      })(),
    )
    expect(heard.message).toContain('broke off in the middle')

    // C3: what the file does not name is in no report of its channels.
    expect(gateway.output()).toContain('1 of 1 channels live')
    expect((await statusOf(gateway)).channels.map(({ id }) => id)).toEqual(['web'])
    expect(await jsonOf(await gateway.request('/readyz'))).toEqual({
      ready: true,
      channels: [{ id: 'web', state: 'live' }],
    })
    const { sessions } = await jsonOf<{ sessions: { key: string; state: string }[] }>(
      await gateway.request('/sessions'),
    )
    expect(sessions.map(({ key, state }) => [key.replace(/%2F.*/, ''), state])).toContainEqual([
      '%40openai/~cfo',
      'passivated',
    ])
  },
)

scenario(
  'a named conversation: each request has its own answer, a client that leaves ends its own run alone',
  async () => {
    const { model, folder, gateway, client } = await stage({ token: TOKEN })
    const say = (text: string, signal?: AbortSignal) =>
      client.chat.completions
        .create({ model: 'cfo', user: 'anna', messages: says(text) }, signal === undefined ? {} : { signal })
        .then(({ choices }) => choices[0]?.message.content)

    // Two at once: the second waits for its turn, and knows of the first.
    const [m1, m2] = [model.next(), model.next()]
    const first = say('M1')
    await m1.arrived
    const second = say('M2')
    await waiting(gateway, 1)
    await m1.respond('re: M1')
    expect(await first).toBe('re: M1')
    expect((await m2.arrived).messages.map(({ content }) => content)).toEqual(['You are cfo.', 'M1', 're: M1', 'M2'])
    await m2.respond('re: M2')
    expect(await second).toBe('re: M2')

    // The first of three leaves, and its run ends; then one that waits. The last is answered.
    const [m3, m5] = [model.next(), model.next()]
    const [leaves, leavesToo] = [new AbortController(), new AbortController()]
    const gone = [refusal(say('M3', leaves.signal))]
    await m3.arrived
    gone.push(refusal(say('M4', leavesToo.signal)))
    await waiting(gateway, 1)
    const third = say('M5')
    await waiting(gateway, 2)
    leavesToo.abort()
    await waiting(gateway, 1)
    const leftAt = performance.now()
    leaves.abort()
    // Some 20 ms where others are at work too; a busier machine gets its time.
    expect((await m3.closedByClient) - leftAt, 'milliseconds until the model’s request is closed').toBeLessThan(5_000)
    // As after /stop: what was asked stays in the history.
    expect((await m5.arrived).messages.at(-1)?.content).toBe('M3\n\nM5')
    await m5.respond('re: M5')
    expect(await third).toBe('re: M5')
    await Promise.all(gone)

    // /stop is a word like any other here; who waited for the run is told, and asks for it no second time.
    const m6 = model.next()
    const stopped = refusal(say('M6'))
    await m6.arrived
    expect(await say('/stop')).toBe('Stopped.')
    expect(await stopped).toMatchObject({ status: 409, code: 'stopped' })

    // 32 may wait. The next is refused, and may come again by itself.
    const m7 = model.next()
    const many = Array.from({ length: 33 }, (_, n) => say(`wait ${n}`).catch(() => 'stopped'))
    await m7.arrived
    await waiting(gateway, 32)
    const full = await refusal(say('too much'))
    expect(full).toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
    expect(full.headers?.get('retry-after')).toBe('2')
    await say('/stop')
    expect(new Set(await Promise.all(many))).toEqual(new Set(['stopped']))

    // Who is asked for a word says it in the conversation; asked once, nobody can say it, and that is a no.
    const write = { id: '1', name: 'files_write', arguments: '{"path":"a","content":"b"}' }
    const clerk = (text: string, more: object) =>
      client.chat.completions
        .create({ model: 'clerk', messages: says(text), ...more })
        .then(({ choices }) => choices[0]?.message.content ?? '')
    const [c1, c2, c3, c4] = [model.next(), model.next(), model.next(), model.next()]
    const question = clerk('write', { user: 'anna' })
    await c1.respond({ chunks: ['Let me.'], calls: [write] })
    const name = /\/approve (\S+)/.exec(await question)?.[1]
    const approved = clerk(`/approve ${name}`, { user: 'anna' })
    await c2.respond('written')
    expect(await approved).toBe(`Approved: files_write (${name}).\n\nwritten`)
    const denied = clerk('write', {})
    await c3.respond({ chunks: [], calls: [write] })
    expect((await c4.arrived).messages.at(-1)?.content).toContain('Not done')
    await c4.respond('I may not')
    expect(await denied).toBe('I may not')
    const folders = () => readdirSync(join(folder, '.troupe', 'work'))
    expect(folders()).toHaveLength(2)

    // A stream that is left ends its run too; with another name there is another history.
    const m8 = model.next()
    const options = { headers: { 'X-Conversation': 'another' } }
    const left = await client.chat.completions.create({ model: 'cfo', messages: says('M8'), stream: true }, options)
    expect((await m8.arrived).messages.map(({ content }) => content)).toEqual(['You are cfo.', 'M8'])
    await m8.chunk('a')
    left.controller.abort()
    await m8.closedByClient
    // What was asked once is over: its work folder is gone, and the named conversation's is not.
    await eventually(async () => folders().length === 1, gateway)
    expect(folders()[0]).toContain('clerk_2Fanna')
  },
)

scenario(
  'S41 a named conversation outlives the process, its answer too; a repeated request is the same one',
  async () => {
    const { model, folder, gateway, client, file } = await stage({ drain: '50ms' })
    const headers = { 'X-Conversation': 'a', 'Idempotency-Key': 'k1' }
    const ask = (of: OpenAI) => of.chat.completions.create({ model: 'cfo', messages: says('M1') }, { headers })
    const lost = model.next()
    const unanswered = refusal(ask(client))
    await lost.arrived
    await gateway.kill9()
    await unanswered
    const again = model.next()
    const next = await started(folder)
    await again.respond('re: M1')
    // Asked for again while it may be at work still, or afterwards: it is the same message, and has one answer.
    expect((await ask(clientOf(next))).choices[0]?.message.content).toBe('re: M1')
    expect((await ask(clientOf(next))).choices[0]?.message.content).toBe('re: M1')
    // Another request is not the same one, whoever makes it: nobody is given an answer to something else.
    const others = [{ messages: says('M1?') }, { messages: says('M1'), user: 'ben' }]
    for (const other of others)
      expect(
        await refusal(clientOf(next).chat.completions.create({ model: 'cfo', ...other }, { headers })),
      ).toMatchObject({ status: 422, code: 'idempotency_key_reused' })
    expect(await eventually(async () => (await statusOf(next)).outbox === 0 && statusOf(next), next)).toMatchObject({
      dead_letters: 0,
      outbox: 0,
    })
    const second = model.next()
    const asked = clientOf(next).chat.completions.create(
      { model: 'cfo', messages: says('M2') },
      { headers: { 'X-Conversation': 'a' } },
    )
    expect((await second.arrived).messages.map(({ content }) => content)).toEqual([
      'You are cfo.',
      'M1',
      're: M1',
      'M2',
    ])
    await second.respond('re: M2')
    await asked

    // A process that ends says so to whoever waits; what is at work then is answered after the next start.
    const third = model.next()
    const waits = refusal(clientOf(next).chat.completions.create({ model: 'ops', user: 'b', messages: says('M3') }))
    await third.arrived
    expect((await next.stop()).code).toBe(0)
    expect(await waits).toMatchObject({ status: 503, code: 'stopping' })
    writeFile(folder, { ...file, gateway: { openai_api: false } })
    const off = await started(folder)
    expect(await refusal(clientOf(off).models.list())).toMatchObject({ status: 404 })
    // A page from elsewhere is let in with the file that names it, and its browser is told so.
    const page = { origin: 'https://chat.example', 'access-control-request-method': 'POST' }
    const ahead = () => raw(`${off.url}/v1/chat/completions`, { method: 'OPTIONS', headers: page })
    expect((await ahead()).headers).not.toHaveProperty('access-control-allow-origin')
    writeFile(folder, { ...file, gateway: { allowed_origins: [page.origin] } })
    const fourth = model.next()
    const { changes } = await jsonOf<{ changes: unknown }>(await sendJson(off, '/reload', {}))
    const changed = ['gateway.openai_api', 'gateway.allowed_origins']
    expect(changes).toEqual(changed.map((id) => ({ id, change: 'changed', reason: null })))
    expect(await ahead()).toMatchObject({ status: 204, headers: { 'access-control-allow-origin': page.origin } })
    await fourth.respond('re: M3')
    expect((await clientOf(off).models.list()).data).toHaveLength(4)
  },
)

/** Resolves once so many messages wait. */
function waiting(gateway: GatewayProcess, count: number): Promise<unknown> {
  return eventually(async () => (await statusOf(gateway)).sessions.queued_messages === count, gateway)
}
