// The routes of the port, over real sockets: what each answers, and how each says no.

import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { BODY_BYTES_MAX } from '../../src/http/limits.ts'
import { ask, closeAll, events, raw, start } from './client.ts'
import { channelStatus, sessionView } from './double.ts'

afterEach(closeAll)

const message = { conversation: 'c', user: 'u', text: 'hello' }
const error = (code: string) => ({ error: { code, message: expect.stringMatching(/\S.*[.;]/) } })

test('/healthz is 200 while the process serves', async () => {
  const { server } = await start()
  expect(await ask(`${server.url}/healthz`)).toMatchObject({ status: 200, body: { ok: true } })
})

test('S04 /readyz is 200 only when every channel is live, and lists each under its own id', async () => {
  const { server, gateway } = await start()
  const channels = [
    { id: 'a', state: 'live' },
    { id: 'b', state: 'live' },
  ]
  expect(await ask(`${server.url}/readyz`)).toMatchObject({ status: 200, body: { ready: true, channels } })
  gateway.others.set('t1', channelStatus('t1', 'telegram', 'failed', 'the token is wrong'))
  gateway.others.set('t2', channelStatus('t2', 'telegram', 'failed', 'the token is wrong'))
  const failed = ['t1', 't2'].map((id) => ({ id, state: 'failed' }))
  expect(await ask(`${server.url}/readyz`)).toMatchObject({
    status: 503,
    body: { ready: false, channels: [...channels, ...failed] },
  })
  gateway.others.clear()
  gateway.state = 'draining'
  expect(await ask(`${server.url}/readyz`)).toMatchObject({ status: 503 })
})

test('/status is the gateway’s own report; /metrics is its text', async () => {
  const { server, gateway } = await start()
  const status = await ask(`${server.url}/status`)
  expect(status.body).toEqual(await gateway.status())
  expect(status.headers.get('content-type')).toBe('application/json; charset=utf-8')
  const metrics = await ask(`${server.url}/metrics`)
  expect(metrics.text).toContain('troupe_up 1')
  expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
})

test('/reload: what was taken; a file with problems is 422 with each of them; while draining 503', async () => {
  const { server, gateway } = await start()
  const changes = [{ id: 'channels.a', change: 'restarted', reason: null }] as const
  gateway.reloaded = { outcome: 'taken', changes, needs_restart: ['gateway.port'] }
  const reload = () => ask(`${server.url}/reload`, { method: 'POST' })
  expect(await reload()).toMatchObject({ status: 200, body: { changes, needs_restart: ['gateway.port'] } })
  gateway.reloaded = { outcome: 'invalid', problems: ['g.yaml:1:1 a: is wrong', 'g.yaml:2:1 b: is wrong'] }
  expect(await reload()).toMatchObject({
    status: 422,
    body: { error: { code: 'invalid_configuration', message: 'g.yaml:1:1 a: is wrong\ng.yaml:2:1 b: is wrong' } },
  })
  gateway.reloaded = { outcome: 'draining' }
  expect(await reload()).toMatchObject({ status: 503, body: error('draining') })
})

test('S29 a message is accepted once: 202, then 202 with duplicate', async () => {
  const { server, gateway } = await start()
  const url = `${server.url}/channels/a/messages`
  const json = { ...message, message_id: 'm1' }
  expect(await ask(url, { json })).toMatchObject({ status: 202, body: { accepted: true, duplicate: false } })
  expect(await ask(url, { json })).toMatchObject({ status: 202, body: { accepted: true, duplicate: true } })
  expect(gateway.channels.get('a')?.received).toHaveLength(1)
})

const badBodies: [name: string, body: string, status: number, code: string][] = [
  ['nothing', '', 400, 'bad_json'],
  ['bad JSON', '{"conversation": ', 400, 'bad_json'],
  ['a list', '[]', 400, 'bad_type'],
  ['null', 'null', 400, 'bad_type'],
  ['no user', JSON.stringify({ conversation: 'c', text: 'x' }), 400, 'missing_key'],
  ['a number as user', JSON.stringify({ ...message, user: 5 }), 400, 'bad_type'],
  ['null as message_id', JSON.stringify({ ...message, message_id: null }), 400, 'bad_type'],
  ['an unknown key', JSON.stringify({ ...message, colour: 'red' }), 400, 'unknown_key'],
  ['__proto__', '{"__proto__": {}, "conversation": "c", "user": "u", "text": "x"}', 400, 'unknown_key'],
  ['an empty conversation', JSON.stringify({ ...message, conversation: '' }), 400, 'bad_value'],
  ['a long conversation', JSON.stringify({ ...message, conversation: 'x'.repeat(257) }), 400, 'too_long'],
  ['a long user', JSON.stringify({ ...message, user: 'x'.repeat(257) }), 400, 'too_long'],
  ['a conversation that is no address', JSON.stringify({ ...message, conversation: '..' }), 400, 'bad_value'],
  ['a control character', JSON.stringify({ ...message, user: 'a\u0000b' }), 400, 'bad_value'],
  ['half a character', '{"conversation": "\\ud800", "user": "u", "text": "x"}', 400, 'bad_value'],
  ['somebody who is called as a schedule', JSON.stringify({ ...message, user: 'schedule:a' }), 400, 'reserved_name'],
  ['a blank text', JSON.stringify({ ...message, text: ' \n' }), 400, 'bad_value'],
  ['a long text', JSON.stringify({ ...message, text: 'x'.repeat(65_537) }), 413, 'too_long'],
  ['a large body', JSON.stringify({ ...message, text: 'x'.repeat(BODY_BYTES_MAX) }), 413, 'too_large'],
]

test.each(badBodies)('a body with %s is refused by name, and nothing is stored', async (_name, body, status, code) => {
  const { server, gateway } = await start()
  const headers = { 'content-type': 'application/json' }
  const answer = await ask(`${server.url}/channels/a/messages`, { method: 'POST', headers, body })
  expect(answer).toMatchObject({ status, body: error(code) })
  expect(gateway.channels.get('a')?.journal.entries).toEqual([])
})

test('the longest text that is allowed is taken, in any script', async () => {
  const { server } = await start()
  for (const letter of ['x', 'ж', '語']) {
    const json = { ...message, text: letter.repeat(65_536) }
    expect((await ask(`${server.url}/channels/a/messages`, { json })).status).toBe(202)
  }
})

test('a body that is not UTF-8 is refused', async () => {
  const { server } = await start()
  const body = Buffer.concat([
    Buffer.from('{"conversation":"'),
    Buffer.from([0xff]),
    Buffer.from('","user":"u","text":"x"}'),
  ])
  const answer = await raw(`${server.url}/channels/a/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  expect(answer.status).toBe(400)
})

test('a large body without a length is refused before it is read to its end', async () => {
  const { server } = await start()
  let sent = 0
  const body = new ReadableStream({
    pull(sink) {
      sent += 65_536
      sink.enqueue(new Uint8Array(65_536).fill(0x20))
      if (sent > 64 * 1024 * 1024) sink.close()
    },
  })
  const init: RequestInit = { method: 'POST', body, duplex: 'half', headers: { 'content-type': 'application/json' } }
  const answer = await ask(`${server.url}/channels/a/messages`, init)
  expect(answer).toMatchObject({ status: 413, body: error('too_large') })
  expect(sent).toBeLessThan(32 * 1024 * 1024)
})

test('whoever is still sending a body that is too large reads why, and not that the connection is gone', async () => {
  const { server } = await start()
  const socket = connect(server.port, '127.0.0.1')
  const [half, size] = [Buffer.alloc(2 * BODY_BYTES_MAX), 4 * BODY_BYTES_MAX]
  const head = `POST /channels/a/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${size}`
  socket.write(`${head}\r\n\r\n`)
  // Nothing is read before all is sent, as many a client does it.
  for (const part of [half, half]) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    await new Promise<void>((resolve, reject) => socket.write(part, (error) => (error ? reject(error) : resolve())))
  }
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toMatch(/^HTTP\/1\.1 413 .*"too_large"/s)
  socket.destroy()
})

test('a body of another type, or compressed, is 415', async () => {
  const { server } = await start()
  const url = `${server.url}/channels/a/messages`
  for (const headers of [{ 'content-type': 'text/plain' }, { 'content-type': 'application/x-www-form-urlencoded' }]) {
    expect(await ask(url, { method: 'POST', headers, body: JSON.stringify(message) })).toMatchObject({ status: 415 })
  }
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
  expect(await ask(url, { method: 'POST', headers, body: 'x' })).toMatchObject({
    status: 415,
    body: error('bad_content_encoding'),
  })
  const parameters = { 'content-type': 'Application/JSON; charset=utf-8' }
  expect(await ask(url, { method: 'POST', headers: parameters, body: JSON.stringify(message) })).toMatchObject({
    status: 202,
  })
})

test('a channel that does not exist, is not web, or is not live says which', async () => {
  const { server, gateway } = await start()
  gateway.others.set('tg', channelStatus('tg', 'telegram', 'live'))
  await gateway.channels.get('b')?.disconnect()
  const cases: [string, number, string][] = [
    ['zz', 404, 'unknown_channel'],
    ['tg', 404, 'not_web'],
    ['b', 409, 'not_live'],
  ]
  for (const [id, status, code] of cases) {
    expect(await ask(`${server.url}/channels/${id}/messages`, { json: message })).toMatchObject({
      status,
      body: error(code),
    })
    expect(await ask(`${server.url}/channels/${id}/conversations/c/events`)).toMatchObject({
      status,
      body: error(code),
    })
  }
})

test('S25 S44 a message that is turned away says why, and is not stored', async () => {
  const { server, gateway } = await start()
  const channel = gateway.channels.get('a')
  const cases = [
    ['stranger', 403, 'not_allowed'],
    ['notAddressed', 403, 'not_addressed'],
    ['tooLong', 413, 'too_long'],
    ['taken', 409, 'taken'],
    ['paused', 409, 'not_live'],
    ['draining', 503, 'draining'],
  ] as const
  for (const [reason, status, code] of cases) {
    if (channel !== undefined) channel.refusal = reason
    const answer = await ask(`${server.url}/channels/a/messages`, { json: message })
    expect(answer).toMatchObject({ status, body: error(code) })
    if (status === 503) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  }
  expect(channel?.journal.entries).toEqual([])
})

test('S46 when the store cannot write, the message is 503 storage', async () => {
  const { server, gateway } = await start()
  const channel = gateway.channels.get('a')
  const failure = new FailureError({
    kind: 'retryable',
    reason: 'storage',
    message: 'The disk is full.',
    remedy: 'Free some space.',
  })
  if (channel !== undefined) channel.failure = failure
  const answer = await ask(`${server.url}/channels/a/messages`, { json: message })
  expect(answer).toMatchObject({
    status: 503,
    body: { error: { code: 'storage', message: 'The disk is full. Free some space.' } },
  })
})

test('A3: an error that nobody foresaw is 500 and tells nothing of its inside', async () => {
  const { server, gateway } = await start()
  gateway.failures.set('status', new Error('secret-123 at line 5 of store.ts'))
  const answer = await ask(`${server.url}/status`)
  expect(answer).toMatchObject({ status: 500, body: error('internal') })
  expect(answer.text).not.toMatch(/secret-123|store/)
})

test('send, pause, resume and reconnect reach the gateway; an unknown channel is 404', async () => {
  const { server, gateway } = await start()
  expect(await ask(`${server.url}/channels/a/send`, { json: { conversation: 'c', text: 'hey' } })).toMatchObject({
    status: 202,
  })
  for (const control of ['pause', 'resume', 'reconnect']) {
    expect(await ask(`${server.url}/channels/a/${control}`, { method: 'POST' })).toMatchObject({
      status: 202,
      body: { accepted: true },
    })
    expect(await ask(`${server.url}/channels/zz/${control}`, { method: 'POST' })).toMatchObject({
      status: 404,
      body: error('unknown_channel'),
    })
  }
  expect(await ask(`${server.url}/channels/zz/send`, { json: { conversation: 'c', text: 'hey' } })).toMatchObject({
    status: 404,
  })
  const withUser = { conversation: 'c', text: 'hey', user: 'u' }
  expect(await ask(`${server.url}/channels/a/send`, { json: withUser })).toMatchObject({
    status: 400,
    body: error('unknown_key'),
  })
  expect(gateway.calls.filter((call) => call.includes(' a '))).toEqual([
    'send a c hey',
    'control a pause',
    'control a resume',
    'control a reconnect',
  ])
})

test('sessions are listed, and one is shown by its key, whatever characters it has', async () => {
  const { server, gateway } = await start()
  expect(await ask(`${server.url}/sessions?limit=5`)).toMatchObject({ status: 200, body: { sessions: [] } })
  for (const key of ['a/c', 'a|c|per_user', '100% ä/ö?x#y&z', 'a%2Fb', '["a","c d",null]', '+ +']) {
    const answer = await ask(`${server.url}/sessions/${encodeURIComponent(key)}`)
    const at = '2026-01-02T03:04:05.000Z'
    expect(answer.body).toMatchObject({
      key,
      transcript: [{ seq: 1, turn: 't1', role: 'user', text: 'hello', sender: null, at, steps: [] }],
      usage: {
        today: { runs: 1, input_tokens: 20, estimated: { input_tokens: 0, output_tokens: 3, cost: null } },
        last_30_days: { runs: 9 },
      },
    })
  }
  expect(gateway.calls[0]).toMatch(/^sessions 6 /)
  expect(await ask(`${server.url}/sessions/no-such`)).toMatchObject({ status: 404, body: error('unknown_session') })
  for (const limit of ['0', '1001', 'x', '-1', '']) {
    expect(await ask(`${server.url}/sessions?limit=${limit}`)).toMatchObject({ status: 400 })
  }
})

test('usage, by agent and person', async () => {
  const { server, gateway } = await start()
  expect(await ask(`${server.url}/usage?limit=3`)).toMatchObject({
    status: 200,
    body: { agents: [{ agent: 'a' }], users: [] },
  })
  expect(gateway.calls).toEqual(['usage 3'])
  expect(await ask(`${server.url}/usage?limit=x`)).toMatchObject({ status: 400 })
})

test('sessions are searched, filtered and paged; one more row than was asked for says that there are more', async () => {
  const { server, gateway } = await start()
  const row = (n: number) => sessionView(`a/${n}`)
  gateway.sessions = async (limit, filter) => {
    gateway.calls.push(JSON.stringify([limit, filter]))
    return Array.from({ length: limit }, (_, n) => row(n))
  }
  const answer = await ask(`${server.url}/sessions?search=Anna%20B&state=running&offset=200&limit=2`)
  expect(answer.body).toEqual({ sessions: [row(0), row(1)], more: true })
  expect(gateway.calls).toEqual([JSON.stringify([3, { search: 'Anna B', offset: 200, state: 'running' }])])
  for (const query of ['state=asleep', 'offset=-1', 'offset=x', `search=${'x'.repeat(257)}`]) {
    expect(await ask(`${server.url}/sessions?${query}`), query).toMatchObject({ status: 400 })
  }
})

test('a session’s record is read a page at a time', async () => {
  const { server, gateway } = await start()
  const record = `${server.url}/sessions/${encodeURIComponent('a/c')}/record`
  expect((await ask(`${record}?limit=10`)).body).toMatchObject({
    key: 'a/c',
    entries: [{ kind: 'message' }],
    older: '1.2.3.4',
  })
  expect((await ask(`${record}?before=1.2.3.4`)).body).toMatchObject({ older: null })
  expect(gateway.calls).toEqual(['record a/c null 10', 'record a/c 1.2.3.4 100'])
  for (const before of ['x', '1.2', '1.2.3.x', '1.2.3.99999999999999999999']) {
    expect(await ask(`${record}?before=${before}`), before).toMatchObject({ status: 400 })
  }
  expect(await ask(`${server.url}/sessions/no/record`)).toMatchObject({ status: 404, body: error('unknown_session') })
})

test('a run is stopped by its session’s key: 202, 409 when there is none, 404 when there is no session', async () => {
  const { server } = await start()
  const stop = (key: string) => ask(`${server.url}/sessions/${key}/stop`, { method: 'POST' })
  expect(await stop('a%2Fc')).toMatchObject({ status: 202, body: { accepted: true } })
  expect(await stop('idle')).toMatchObject({ status: 409, body: error('not_at_work') })
  expect(await stop('no')).toMatchObject({ status: 404, body: error('unknown_session') })
})

test('machines are listed, and one is shown as it is drawn', async () => {
  const { server } = await start()
  expect((await ask(`${server.url}/machines`)).body).toMatchObject({ machines: [{ name: 'session' }] })
  expect(await ask(`${server.url}/machines/session`)).toMatchObject({
    status: 200,
    body: { name: 'session', arrows: [] },
  })
  expect(await ask(`${server.url}/machines/tea`)).toMatchObject({ status: 404, body: error('unknown_machine') })
})

test('the tree is shown from the top, or from a place, a page at a time', async () => {
  const { server, gateway } = await start()
  expect((await ask(`${server.url}/actors`)).body).toMatchObject({ actor: { id: 'gateway' }, rows: [], total: 0 })
  const under = encodeURIComponent('session:a%2Fc')
  expect(await ask(`${server.url}/actors?under=${under}&offset=64&limit=64&search=x`)).toMatchObject({
    status: 404,
    body: error('unknown_actor'),
  })
  expect(gateway.calls.at(-1)).toBe(
    `actors ${JSON.stringify({ under: 'session:a%2Fc', search: 'x', offset: 64, limit: 64 })}`,
  )
  expect(await ask(`${server.url}/actors?under=${'x'.repeat(5_000)}`)).toMatchObject({ status: 400 })
})

test('what an actor does comes as events, by its place; a HEAD opens no stream', async () => {
  const { server, gateway } = await start()
  const address = `${server.url}/actors/${encodeURIComponent('session:a%2Fc/run')}/events`
  expect(await ask(address, { method: 'HEAD' })).toMatchObject({ status: 200, text: '' })
  expect(gateway.calls).toEqual([])
  const stream = await events(address)
  expect(await stream.until(1)).toEqual([{ event: 'now', id: null, data: { place: 'session:a%2Fc/run' } }])
  stream.leave()
})

test('the layout of charts comes from the package of elkjs', async () => {
  const { server } = await start()
  const answer = await ask(`${server.url}/console/elk-worker.js`)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  expect(answer.text).toContain('layered')
})

test('dead letters and pairings', async () => {
  const { server, gateway } = await start()
  expect(await ask(`${server.url}/deadletters`)).toMatchObject({ status: 200, body: { dead_letters: [{ id: 7 }] } })
  expect(await ask(`${server.url}/deadletters/7/retry`, { method: 'POST' })).toMatchObject({ status: 202 })
  for (const id of ['8', 'x', '7.0', '-7']) {
    expect(await ask(`${server.url}/deadletters/${id}/retry`, { method: 'POST' })).toMatchObject({
      status: 404,
      body: error('unknown_dead_letter'),
    })
  }
  expect(await ask(`${server.url}/pairings`)).toMatchObject({ status: 200, body: { pairings: [{ code: 'ABC' }] } })
  expect(await ask(`${server.url}/pairings/ABC/approve`, { method: 'POST' })).toMatchObject({
    status: 200,
    body: { pairing: { user: 'u' } },
  })
  expect(await ask(`${server.url}/pairings/XYZ/approve`, { method: 'POST' })).toMatchObject({
    status: 404,
    body: error('unknown_pairing'),
  })
  expect(await ask(`${server.url}/pairings/a/u`, { method: 'DELETE' })).toMatchObject({
    status: 200,
    body: { revoked: true },
  })
  expect(await ask(`${server.url}/pairings/a/%40anna`, { method: 'DELETE' })).toMatchObject({ status: 404 })
  expect(gateway.calls.at(-1)).toBe('revokePairing a @anna')
})

test('an unknown address is 404; a wrong method is 405 and says which are right', async () => {
  const { server } = await start()
  for (const path of [
    '/nothing',
    '/status/',
    '/channels/a',
    '/console/../port.ts',
    '/console/%2e%2e%2fport.ts',
    '/console/port.ts',
  ]) {
    expect(await ask(`${server.url}${path}`)).toMatchObject({ status: 404, body: error('not_found') })
  }
  const cases: [string, string, string][] = [
    ['PUT', '/status', 'GET, HEAD'],
    ['GET', '/channels/a/messages', 'POST'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['GET', '/pairings/a/u', 'DELETE'],
    ['OPTIONS', '/channels/a/send', 'POST'],
  ]
  for (const [method, path, allow] of cases) {
    const answer = await ask(`${server.url}${path}`, { method })
    expect(answer).toMatchObject({ status: 405, body: error('method_not_allowed') })
    expect(answer.headers.get('allow')).toBe(allow)
  }
  expect((await ask(`${server.url}/channels/%E0%A4/messages`, { json: message })).status).toBe(400)
})

test('HEAD answers like GET without a body, and opens no stream', async () => {
  const { server, gateway } = await start()
  const answer = await ask(`${server.url}/status`, { method: 'HEAD' })
  expect(answer).toMatchObject({ status: 200, text: '' })
  const stream = await ask(`${server.url}/channels/a/conversations/c/events`, { method: 'HEAD' })
  expect(stream).toMatchObject({ status: 200, text: '' })
  expect(gateway.channels.get('a')?.journal.reads).toBe(0)
})

test('every answer carries the headers that keep a browser safe', async () => {
  const { server } = await start()
  for (const path of ['/', '/status', '/healthz', '/nothing', '/console/console.js', '/channels/a/messages']) {
    const { headers } = await ask(`${server.url}${path}`)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('content-security-policy')).not.toContain('unsafe')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  }
})
