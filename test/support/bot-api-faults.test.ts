// The Bot API server under faults: planned ones, floods, rubbish from clients, and its own end.

import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Call, plainClient } from './bot-api/client.ts'
import { type BotApiServer, type BotHandle, type Person, startBotApi } from './bot-api/server.ts'

let api: BotApiServer
let bot: BotHandle
let anna: Person
let call: Call

beforeEach(async () => {
  api = await startBotApi()
  bot = api.addBot({ token: '100:alpha', username: 'alpha_bot' })
  anna = api.person({ id: 7 })
  anna.says(bot, 'hi')
  call = plainClient(api.url, bot.token)
})

afterEach(() => api.close())

const texts = (): string[] => bot.shown(7).map((message) => message.text)
const send = (text: string, chat_id = 7) => call('sendMessage', { chat_id, text })

describe('faults', () => {
  test('an error comes as planned, as often as planned, with retry_after in body and header', async () => {
    bot.faults.next('sendMessage', { kind: 'error', code: 429, description: 'Too Many Requests', retryAfter: 9 }, 2)
    const refused = { ok: false, error_code: 429, description: 'Too Many Requests', parameters: { retry_after: 9 } }
    expect(await send('a')).toEqual(refused)
    const response = await fetch(`${api.url}/bot${bot.token}/sendMessage?chat_id=7&text=b`)
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '9'])
    expect((await send('c')).ok).toBe(true)
    expect(texts()).toEqual(['hi', 'c'])
    expect(bot.calls.map((entry) => entry.status)).toEqual([429, 429, 200])
  })

  test('a fault can be limited to a chat, stands until cleared, and `*` is any method', async () => {
    api.person({ id: 8 }).says(bot, 'hi')
    bot.faults.always('sendMessage', { kind: 'error', code: 500, description: 'Internal Server Error', chatId: 7 })
    expect([(await send('x')).ok, (await send('x')).ok, (await send('x', 8)).ok]).toEqual([false, false, true])
    bot.faults.clear()
    bot.faults.next('*', { kind: 'error', code: 500, description: 'x' })
    expect([(await call('getMe')).ok, (await send('x')).ok]).toEqual([false, true])
  })

  test('cut: nothing happened; cutAfter: it happened, and the client does not know', async () => {
    bot.faults.next('sendMessage', { kind: 'cut' })
    await expect(send('lost')).rejects.toThrow()
    expect(texts()).toEqual(['hi'])
    bot.faults.next('sendMessage', { kind: 'cutAfter' })
    await expect(send('uncertain')).rejects.toThrow()
    expect(texts()).toEqual(['hi', 'uncertain'])
    expect(bot.calls.map((entry) => [entry.status, entry.aborted])).toEqual([
      [null, false],
      [null, false],
    ])
  })

  test('hang never answers and sees the client go; delay acts first', async () => {
    bot.faults.next('sendMessage', { kind: 'hang' })
    const leaving = new AbortController()
    const hung = call('sendMessage', { chat_id: 7, text: 'x' }, leaving.signal)
    await bot.waitFor((b) => b.calls.length === 1)
    leaving.abort()
    await expect(hung).rejects.toThrow()
    await bot.waitFor((b) => b.calls[0]?.aborted)
    bot.faults.next('sendMessage', { kind: 'delay', ms: 100 })
    const startedAt = performance.now()
    const slow = send('slow')
    await bot.waitFor((b) => b.shown(7).length === 2)
    expect((await slow).ok).toBe(true)
    expect(performance.now() - startedAt).toBeGreaterThan(95)
  })

  test('garbage and a proxy page are no answers of Telegram', async () => {
    bot.faults.next('getMe', { kind: 'garbage' })
    bot.faults.next('getMe', { kind: 'html', code: 502 })
    await expect(call('getMe')).rejects.toThrow(SyntaxError)
    const page = await fetch(`${api.url}/bot${bot.token}/getMe`)
    expect([page.status, page.headers.get('content-type')]).toEqual([502, 'text/html'])
    expect(await page.text()).toMatch(/^<html>/)
  })

  test('flood control lets a burst of three pass, and others are not held up', async () => {
    const strict = await startBotApi({ floodControl: true })
    const strictBot = strict.addBot({ token: '1:x', username: 'x_bot' })
    for (const id of [7, 8]) strict.person({ id }).says(strictBot, 'hi')
    const client = plainClient(strict.url, strictBot.token)
    const answers = []
    for (const chat_id of [7, 7, 7, 7, 8]) answers.push(await client('sendMessage', { chat_id, text: 'x' }))
    expect(answers.map((answer) => answer.ok)).toEqual([true, true, true, false, true])
    expect(answers[3]).toEqual({
      ok: false,
      error_code: 429,
      description: 'Too Many Requests: retry after 1',
      parameters: { retry_after: 1 },
    })
    expect(strictBot.shown(7)).toHaveLength(4)
    await strict.close()
  })
})

describe('rubbish', () => {
  test('no body and no path stops the server', async () => {
    const base = `${api.url}/bot${bot.token}`
    const json = { 'content-type': 'application/json' }
    const form = { 'content-type': 'multipart/form-data; boundary=b' }
    const bodies: RequestInit[] = [
      ...[
        '{',
        '[]',
        '"x"',
        'null',
        '5',
        '\u0000',
        '{"chat_id":{"a":[1]},"text":{"b":null}}',
        '{"__proto__":{"x":1}}',
      ].map((body) => ({ body, headers: json })),
      ...['', '--b', '--b\r\n', '--b\r\n\r\n\r\n--b--', '--b\r\nx: y\r\n\r\nz\r\n--b--', 'zz'].map((body) => ({
        body,
        headers: form,
      })),
      { body: 'chat_id=%E0%A4%A&text=%', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      { body: '{}', headers: { 'content-type': 'multipart/form-data' } },
      { body: '{}', headers: { 'content-type': 'nonsense' } },
    ]
    for (const method of ['sendMessage', 'getUpdates', 'setMyCommands', 'editMessageText', 'setWebhook', 'toString']) {
      for (const init of bodies) {
        const response = await fetch(`${base}/${method}`, { method: 'POST', ...init })
        expect([method, init.body, response.status >= 500]).toEqual([method, init.body, false])
        expect(await response.json()).toHaveProperty('ok')
      }
    }
    for (const path of ['/', '/bot', '/bot/', '/bot%/getMe', `/bot${bot.token}`, '//', '/file/bot1/%', '/bot1:2/%ff']) {
      expect([401, 404]).toContain((await fetch(`${api.url}${path}`)).status)
    }
    expect((await fetch(`${base}/getMe`, { method: 'DELETE' })).status).toBe(501)
    expect((await call('getMe')).ok).toBe(true)
  })

  test('values of the wrong type are refused in Telegram words or read as it reads them', async () => {
    const values = [null, true, -1, 1e99, '', 'x', [], {}, [[]], { a: { b: [] } }]
    const names = ['chat_id', 'text', 'entities', 'reply_markup', 'reply_parameters', 'parse_mode', 'message_thread_id']
    for (const name of names) {
      for (const value of values) {
        const answer = await call('sendMessage', { chat_id: 7, text: 'x', [name]: value })
        expect([name, value, answer.error_code ?? 200]).not.toContain(500)
      }
    }
  })

  test('bytes that are no HTTP, and clients that leave in the middle, change nothing', async () => {
    const { port } = new URL(api.url)
    for (const bytes of [
      '\u0016\u0003\u0001',
      'GET',
      'POST /bot100:alpha/sendMessage HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{',
    ]) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () =>
          socket.write(bytes, () => setTimeout(() => socket.destroy(), 20)),
        )
        socket.on('error', () => {})
        socket.on('close', () => resolve())
      })
    }
    expect((await call('getMe')).ok).toBe(true)
    expect(texts()).toEqual(['hi'])
  })
})

test('B3: close ends held polls, hung calls and timers at once', async () => {
  bot.faults.next('getMe', { kind: 'hang' })
  bot.faults.next('sendMessage', { kind: 'delay', ms: 60_000 })
  const open = [
    call('getUpdates', { timeout: 50, offset: -1 }),
    call('getMe'),
    send('x'),
    call('getUpdates', { timeout: 50, offset: 2 ** 31 }),
  ]
  const ends = Promise.allSettled(open)
  await bot.waitFor((b) => b.calls.length === 4 && b.activePolls === 1)
  const startedAt = performance.now()
  await api.close()
  expect(performance.now() - startedAt).toBeLessThan(5_000)
  expect((await ends).filter((end) => end.status === 'rejected')).toHaveLength(3)
  expect(bot.activePolls).toBe(0)
})

test('B3: nothing goes on after close: the rest of an album never comes', async () => {
  const album = anna.sendsAlbum(bot, 3, undefined, { gapMs: 20 })
  await api.close()
  await api.close()
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect(album.parts).toHaveLength(1)
})

test('waitFor tells what it waited for, and which calls there were', async () => {
  await call('getMe', { a: 1 })
  await expect(bot.waitFor((b) => b.shown(7).length === 5, 30)).rejects.toThrow(
    /Waited 30 ms in vain for: .*length === 5[\s\S]*getMe \{"a":1\} → 200/,
  )
})
