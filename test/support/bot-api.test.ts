// The Bot API server's polling and HTTP surface, with plain fetch. The last part shows that the checks used here fail on a
// server that reads destructively and never holds a poll.

import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Call, envelope, plainClient } from './bot-api/client.ts'
import { type BotApiServer, type BotHandle, type Person, startBotApi } from './bot-api/server.ts'

let api: BotApiServer
let bot: BotHandle
let anna: Person
let call: Call

beforeEach(async () => {
  api = await startBotApi()
  bot = api.addBot({ token: '100:alpha', username: 'alpha_bot' })
  anna = api.person({ id: 7, username: 'anna', firstName: 'Anna', languageCode: 'de' })
  call = plainClient(api.url, bot.token)
})

afterEach(() => api.close())

describe('updates', () => {
  test('a held poll is answered at once when an update comes', async () => {
    const poll = call('getUpdates', { timeout: 30 })
    await bot.waitFor((b) => b.activePolls === 1)
    const saidAt = performance.now()
    const { updateId, messageId } = anna.says(bot, 'Hello')
    const answer = await poll
    expect(performance.now() - saidAt).toBeLessThan(5_000)
    expect(answer.result).toMatchObject([
      {
        update_id: updateId,
        message: {
          message_id: messageId,
          text: 'Hello',
          from: { id: 7, is_bot: false, first_name: 'Anna', username: 'anna', language_code: 'de' },
          chat: { id: 7, type: 'private', first_name: 'Anna', username: 'anna' },
        },
      },
    ])
    const [update] = answer.result as [{ message: { date: number } }]
    expect(Math.abs(update.message.date - Date.now() / 1000)).toBeLessThan(5)
  })

  test('a poll without updates is held for its timeout', async () => {
    const startedAt = performance.now()
    expect(await call('getUpdates', { timeout: 1 })).toEqual({ ok: true, result: [] })
    expect(performance.now() - startedAt).toBeGreaterThan(950)
  })

  test('an unconfirmed update is offered again, a confirmed one is not', async () => {
    await checkRedelivery(call, (text) => anna.says(bot, text))
    expect(bot.pendingUpdates).toBe(0)
  })

  test('a negative offset keeps the end of the queue and forgets the rest; limit cuts', async () => {
    for (const text of ['a', 'b', 'c', 'd']) anna.says(bot, text)
    expect(texts(await call('getUpdates', { limit: 3 }))).toEqual(['a', 'b', 'c'])
    expect(texts(await call('getUpdates', { limit: 0 }))).toEqual(['a'])
    expect(texts(await call('getUpdates', { offset: -2 }))).toEqual(['c', 'd'])
    expect(texts(await call('getUpdates'))).toEqual(['c', 'd'])
  })

  test('a second poll ends the earlier one with 409', async () => {
    const first = call('getUpdates', { timeout: 30 })
    await bot.waitFor((b) => b.activePolls === 1)
    const second = call('getUpdates', { timeout: 30 })
    expect(await first).toEqual({
      ok: false,
      error_code: 409,
      description: 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
    })
    anna.says(bot, 'Who gets it?')
    expect(texts(await second)).toEqual(['Who gets it?'])
    expect([bot.pollConflicts, bot.maxSimultaneousPolls, bot.activePolls]).toEqual([1, 2, 0])
  })

  test('a client that leaves its poll and asks again is no second client', async () => {
    for (let round = 0; round < 20; round += 1) {
      const leaving = new AbortController()
      const poll = call('getUpdates', { timeout: 30 }, leaving.signal).catch(() => 'left')
      await bot.waitFor((b) => b.activePolls === 1)
      leaving.abort()
      expect(await poll).toBe('left')
      await call('getUpdates', { timeout: 0 })
    }
    expect([bot.pollConflicts, bot.maxSimultaneousPolls]).toEqual([0, 1])
    expect(bot.calls.filter((entry) => entry.aborted)).toHaveLength(20)
  })

  test('allowed_updates is remembered until it is set again', async () => {
    await call('getUpdates', { allowed_updates: ['edited_message'] })
    const { messageId, updateId } = anna.says(bot, 'not wanted')
    expect(updateId).toBe(0)
    anna.edits(bot, messageId, 'wanted')
    expect((await call('getUpdates')).result).toMatchObject([{ edited_message: { text: 'wanted' } }])
    await call('getUpdates', { allowed_updates: [] })
    anna.says(bot, 'again')
    expect((await call('getUpdates', { offset: -1 })).result).toMatchObject([{ message: { text: 'again' } }])
  })

  test('redeliver offers a confirmed update once more, under its own id or a new one', async () => {
    const { updateId, messageId } = anna.says(bot, 'twice')
    await call('getUpdates', { offset: updateId + 1 })
    expect([bot.confirmedUpdateId, bot.pendingUpdates]).toEqual([updateId, 0])
    bot.redeliver(updateId)
    const renewed = bot.redeliver(updateId, { asNewUpdate: true })
    expect(renewed.updateId).toBeGreaterThan(updateId)
    expect((await call('getUpdates', { offset: updateId + 1 })).result).toMatchObject([
      { update_id: updateId, message: { message_id: messageId } },
      { update_id: renewed.updateId, message: { message_id: messageId } },
    ])
  })

  test('a stalled poll gets no answer, not even at its timeout; a dropped one loses its socket', async () => {
    bot.stallPolls()
    const stalled = call('getUpdates', { timeout: 1 })
    await bot.waitFor((b) => b.activePolls === 1)
    anna.says(bot, 'nobody hears me')
    const first = await Promise.race([stalled, new Promise((resolve) => setTimeout(resolve, 1200, 'silence'))])
    expect(first).toBe('silence')
    bot.releasePolls()
    expect(texts(await stalled)).toEqual(['nobody hears me'])
    const held = call('getUpdates', { timeout: 30, offset: 2 ** 31 - 1 })
    await bot.waitFor((b) => b.activePolls === 1)
    bot.dropPolls()
    await expect(held).rejects.toThrow()
    expect(bot.calls.at(-1)).toMatchObject({ status: null, aborted: false })
  })

  test('a webhook excludes polling and gets every update in order, with its secret', async () => {
    const received: { secret: unknown; text: unknown }[] = []
    let refusals = 1
    const hook = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => (body += String(chunk)))
      request.on('end', () => {
        refusals -= 1
        if (refusals >= 0) {
          response.writeHead(500).end()
          return
        }
        const secret = request.headers['x-telegram-bot-api-secret-token']
        received.push({ secret, text: JSON.parse(body).message.text })
        response.end()
      })
    })
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
    const address = hook.address()
    const port = typeof address === 'object' ? address?.port : 0
    const poll = call('getUpdates', { timeout: 30 })
    await bot.waitFor((b) => b.activePolls === 1)
    const url = `http://127.0.0.1:${port}/hook`
    expect(await call('setWebhook', { url, secret_token: 's3cret' })).toMatchObject({ description: 'Webhook was set' })
    expect((await poll).description).toBe('Conflict: terminated by setWebhook request')
    expect(await call('getUpdates')).toMatchObject({ error_code: 409 })
    for (const text of ['one', 'two']) anna.says(bot, text)
    await bot.waitFor((b) => b.pendingUpdates === 0)
    hook.close()
    hook.closeAllConnections()
    expect(received).toEqual([
      { secret: 's3cret', text: 'one' },
      { secret: 's3cret', text: 'two' },
    ])
    expect((await call('getWebhookInfo')).result).toMatchObject({ url, pending_update_count: 0 })
    anna.says(bot, 'dropped')
    await call('deleteWebhook', { drop_pending_updates: true })
    expect(await call('getUpdates')).toEqual({ ok: true, result: [] })
    expect(await call('setWebhook', { url: 'http://example.com/' })).toMatchObject({ error_code: 400 })
  })
})

describe('the bot and the wire', () => {
  test('getMe tells bots apart; unknown and revoked tokens are 401, and a held poll ends', async () => {
    const beta = api.addBot({ token: '200:beta', username: 'beta_bot', canReadAllGroupMessages: true })
    expect((await call('getMe')).result).toMatchObject({ id: 100, is_bot: true, username: 'alpha_bot' })
    expect((await plainClient(api.url, beta.token)('getme')).result).toMatchObject({
      id: 200,
      can_read_all_group_messages: true,
      supports_inline_queries: false,
    })
    const refused = { ok: false, error_code: 401, description: 'Unauthorized' }
    expect(await plainClient(api.url, '300:nobody')('getMe')).toEqual(refused)
    const poll = call('getUpdates', { timeout: 30 })
    await bot.waitFor((b) => b.activePolls === 1)
    bot.revoke()
    expect(await poll).toEqual(refused)
    expect(await call('sendMessage', { chat_id: 7, text: 'x' })).toEqual(refused)
    expect(bot.calls.at(-1)).toMatchObject({ method: 'sendMessage', status: 401, description: 'Unauthorized' })
    bot.reinstate()
    expect((await call('getMe')).ok).toBe(true)
  })

  test('GET, forms and multipart mean the same as JSON; other methods and paths are refused', async () => {
    anna.says(bot, 'hi')
    const base = `${api.url}/bot${bot.token}`
    const form = new FormData()
    form.set('chat_id', '7')
    form.set('text', 'multipart')
    const answers = [
      await fetch(`${base}/sendMessage?chat_id=7&text=query`),
      await fetch(`${base}/SENDMESSAGE`, { method: 'POST', body: new URLSearchParams({ chat_id: '7', text: 'form' }) }),
      await fetch(`${base}/sendMessage`, { method: 'POST', body: form }),
    ]
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200])
    expect(bot.shown(7).map((message) => message.text)).toEqual(['hi', 'query', 'form', 'multipart'])
    expect(await call('sendTelepathy')).toEqual({
      ok: false,
      error_code: 404,
      description: 'Not Found: method not found',
    })
    expect(envelope(await (await fetch(`${api.url}/nothing`)).json())).toMatchObject({ error_code: 404 })
  })

  test('commands are checked, and kept by scope and language', async () => {
    const commands = [{ command: '/help', description: ' Lists the commands ' }]
    const refusal = async (list: unknown) => (await call('setMyCommands', { commands: list })).description
    expect((await call('setMyCommands', { commands })).ok).toBe(true)
    expect((await call('getMyCommands')).result).toEqual([{ command: 'help', description: 'Lists the commands' }])
    expect((await call('getMyCommands', { scope: { type: 'all_group_chats' } })).result).toEqual([])
    expect(await refusal([{ command: 'Help', description: 'x' }])).toBe('Bad Request: BOT_COMMAND_INVALID')
    expect(await refusal([{ command: 'help', description: '' }])).toBe(
      'Bad Request: command description must be non-empty',
    )
    expect(await refusal([{ command: 'h'.repeat(33), description: 'x' }])).toBe(
      'Bad Request: command length must not exceed 32',
    )
    expect(await refusal([{ command: 'help' }])).toBe('Bad Request: can\'t find field "description"')
    expect(await refusal('[{')).toBe("Bad Request: can't parse commands JSON object")
  })

  test('the same seed gives the same ids', async () => {
    const run = async (seed: number): Promise<unknown> => {
      const server = await startBotApi({ seed })
      const someone = server.person()
      const said = someone.says(server.addBot({ token: '1:x', username: 'x_bot' }), 'hi')
      await server.close()
      return [someone.id, said.updateId, server.group().id]
    }
    expect(await run(5)).toEqual(await run(5))
    expect(await run(5)).not.toEqual(await run(6))
  })
})

test('the checks of this suite fail on a server that reads destructively and answers every poll at once', async () => {
  const waiting: { update_id: number; message: { text: string } }[] = []
  const broken = createServer((_request, response) => {
    response.end(JSON.stringify({ ok: true, result: waiting.splice(0) }))
  })
  await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve))
  const address = broken.address()
  const port = typeof address === 'object' ? address?.port : 0
  const client = plainClient(`http://127.0.0.1:${port}`, '1:x')
  const say = (text: string): void => void waiting.push({ update_id: waiting.length + 1, message: { text } })
  await expect(checkRedelivery(client, say)).rejects.toThrow()
  broken.close()
  broken.closeAllConnections()
})

async function checkRedelivery(client: Call, say: (text: string) => unknown): Promise<void> {
  say('first')
  say('second')
  const once = await client('getUpdates')
  expect(texts(once)).toEqual(['first', 'second'])
  expect(await client('getUpdates')).toEqual(once)
  const [first] = once.result as [{ update_id: number }]
  expect(texts(await client('getUpdates', { offset: first.update_id + 1 }))).toEqual(['second'])
  expect(texts(await client('getUpdates', { offset: first.update_id + 2 }))).toEqual([])
}

function texts(answer: { readonly result?: unknown }): unknown[] {
  const updates = answer.result as { message?: { text?: string } }[]
  return updates.map((update) => update.message?.text)
}
