// The Bot API server as grammY sees it: an independent client, so that the server is held to more than its own reading.

import { Bot, GrammyError, HttpError, InputFile } from 'grammy'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type BotApiServer, type BotHandle, startBotApi } from './bot-api/server.ts'

let api: BotApiServer
const running: Bot[] = []

beforeEach(async () => {
  api = await startBotApi()
})

afterEach(async () => {
  await Promise.all(running.splice(0).map((bot) => bot.stop().catch(() => {})))
  await api.close()
})

function grammy(handle: BotHandle): Bot {
  return new Bot(handle.token, { client: { apiRoot: api.url } })
}

test('three bots in one process: each person is answered by the bot that was asked', async () => {
  const anna = api.person({ id: 7 })
  const handles = ['cfo', 'ops', 'content'].map((name, index) =>
    api.addBot({ token: `${index + 1}00:${name}`, username: `${name}_bot` }),
  )
  for (const handle of handles) {
    const bot = grammy(handle)
    bot.on('message:text', (context) => context.reply(`${context.me.username} heard: ${context.msg.text}`))
    running.push(bot)
    void bot.start()
    anna.says(handle, `for ${handle.username}`)
  }
  for (const handle of handles) {
    const shown = await handle.waitFor((b) => b.shown(7).length === 2 && b.shown(7))
    const name = handle.username
    expect(shown.map((message) => message.text)).toEqual([`for ${name}`, `${name} heard: for ${name}`])
    await handle.waitFor((b) => b.pendingUpdates === 0)
    expect(handle.maxSimultaneousPolls).toBe(1)
  }
})

test('an idle bot asks once a poll timeout', async () => {
  const handle = api.addBot({ token: '1:x', username: 'x_bot' })
  const bot = grammy(handle)
  running.push(bot)
  void bot.start({ timeout: 1 })
  await handle.waitFor((b) => b.activePolls === 1)
  await new Promise((resolve) => setTimeout(resolve, 2100))
  const polls = handle.calls.filter((call) => call.method === 'getUpdates')
  expect(polls.length).toBeGreaterThanOrEqual(2)
  expect(polls.length).toBeLessThanOrEqual(3)
})

test('a second poller ends the first with a GrammyError 409; a revoked token with 401', async () => {
  const handle = api.addBot({ token: '1:x', username: 'x_bot' })
  const first = grammy(handle)
  const ended = first.start().catch((error: unknown) => error)
  await handle.waitFor((b) => b.activePolls === 1)
  const second = grammy(handle)
  running.push(second)
  const revoked = second.start().catch((error: unknown) => error)
  const takenOver = await ended
  expect(takenOver).toBeInstanceOf(GrammyError)
  expect(takenOver).toMatchObject({ error_code: 409, method: 'getUpdates' })
  await handle.waitFor((b) => b.activePolls === 1)
  handle.revoke()
  expect(await revoked).toMatchObject({ error_code: 401, description: 'Unauthorized' })
})

test('stop confirms what was handled; the next start gets only what is new', async () => {
  const handle = api.addBot({ token: '1:x', username: 'x_bot' })
  const anna = api.person({ id: 7 })
  const heard: string[] = []
  const start = (): Bot => {
    const bot = grammy(handle)
    bot.on('message:text', (context) => void heard.push(context.msg.text))
    void bot.start()
    return bot
  }
  const first = start()
  const said = anna.says(handle, 'one')
  await handle.waitFor(() => heard.length === 1)
  await first.stop()
  expect(handle.confirmedUpdateId).toBe(said.updateId)
  anna.says(handle, 'two')
  running.push(start())
  await handle.waitFor(() => heard.length === 2)
  expect(heard).toEqual(['one', 'two'])
  expect(handle.pollConflicts).toBe(0)
})

test('retry_after and refused markup arrive as GrammyError, a cut connection as HttpError with the message sent', async () => {
  const handle = api.addBot({ token: '1:x', username: 'x_bot' })
  api.person({ id: 7 }).says(handle, 'hi')
  const { api: client } = grammy(handle)
  handle.faults.next('sendMessage', { kind: 'error', code: 429, description: 'Too Many Requests', retryAfter: 3 })
  const flooded = await client.sendMessage(7, 'x').catch((error: unknown) => error)
  expect(flooded).toBeInstanceOf(GrammyError)
  expect(flooded).toMatchObject({ error_code: 429, parameters: { retry_after: 3 } })
  const markup = await client.sendMessage(7, 'a.b', { parse_mode: 'MarkdownV2' }).catch((error: unknown) => error)
  expect(markup).toMatchObject({ error_code: 400, description: expect.stringMatching(/can't parse entities/) })
  handle.faults.next('sendMessage', { kind: 'cutAfter' })
  expect(await client.sendMessage(7, 'uncertain').catch((error: unknown) => error)).toBeInstanceOf(HttpError)
  expect(handle.shown(7).at(-1)?.text).toBe('uncertain')
})

test('drafts, uploads, files and commands in the form in which grammY sends them', async () => {
  const handle = api.addBot({ token: '1:x', username: 'x_bot' })
  const anna = api.person({ id: 7 })
  anna.says(handle, 'hi')
  const group = handle.group({ members: [anna] })
  const { api: client } = grammy(handle)
  expect(await client.raw.sendMessageDraft({ chat_id: 7, draft_id: 1, text: 'thinking' })).toBe(true)
  await expect(client.raw.sendMessageDraft({ chat_id: group.id, draft_id: 1, text: 'x' })).rejects.toMatchObject({
    error_code: 400,
    description: 'Bad Request: TEXTDRAFT_PEER_INVALID',
  })
  const sent = await client.sendDocument(7, new InputFile(Buffer.from('a,b'), 'table.csv'), { caption: 'look' })
  expect(sent).toMatchObject({ caption: 'look', document: { file_name: 'table.csv', file_size: 3 } })
  const file = await client.getFile(sent.document.file_id)
  expect(await (await fetch(`${api.url}/file/bot${handle.token}/${file.file_path}`)).text()).toBe('a,b')
  await client.setMyCommands([{ command: 'help', description: 'Lists the commands' }])
  expect(await client.getMyCommands()).toEqual([{ command: 'help', description: 'Lists the commands' }])
})
