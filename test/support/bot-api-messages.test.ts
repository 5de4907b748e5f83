// The Bot API server's chats: sending, changing and deleting, who may write to whom, groups, topics, privacy mode, media.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Call, plainClient } from './bot-api/client.ts'
import { type BotApiServer, type BotHandle, type Message, type Person, startBotApi } from './bot-api/server.ts'

let api: BotApiServer
let bot: BotHandle
let anna: Person
let call: Call

beforeEach(async () => {
  api = await startBotApi()
  bot = api.addBot({ token: '100:alpha', username: 'alpha_bot' })
  anna = api.person({ id: 7, username: 'anna', firstName: 'Anna' })
  call = plainClient(api.url, bot.token)
})

afterEach(() => api.close())

async function refusal(method: string, payload: Record<string, unknown>): Promise<string | undefined> {
  const answer = await call(method, payload)
  return answer.ok ? 'not refused' : answer.description
}

async function sent(payload: Record<string, unknown>): Promise<Message> {
  const answer = await call('sendMessage', payload)
  expect(answer.description).toBeUndefined()
  return answer.result as Message
}

describe('a private chat', () => {
  test('must be opened by the person', async () => {
    expect(await refusal('sendMessage', { chat_id: 7, text: 'Hi' })).toBe('Bad Request: chat not found')
    bot.group({ members: [anna] })
    expect(await refusal('sendMessage', { chat_id: 7, text: 'Hi' })).toBe(
      "Forbidden: bot can't initiate conversation with a user",
    )
    anna.says(bot, '/start')
    expect(await sent({ chat_id: 7, text: 'Hi' })).toMatchObject({ from: { id: 100, is_bot: true }, chat: { id: 7 } })
    expect(await refusal('sendMessage', { chat_id: '', text: 'Hi' })).toBe('Bad Request: chat_id is empty')
    expect(await refusal('sendMessage', { chat_id: '@nobody', text: 'Hi' })).toBe('Bad Request: chat not found')
    expect(await refusal('sendMessage', { chat_id: 100, text: 'Hi' })).toMatch(/^Forbidden: the bot can't send/)
  })

  test('is closed by a block and opened again', async () => {
    anna.says(bot, 'hi')
    anna.blocks(bot)
    expect(await call('sendMessage', { chat_id: 7, text: 'x' })).toEqual({
      ok: false,
      error_code: 403,
      description: 'Forbidden: bot was blocked by the user',
    })
    expect(await refusal('sendChatAction', { chat_id: 7, action: 'typing' })).toMatch(/blocked/)
    expect(() => anna.says(bot, 'x')).toThrow(/unblock/)
    anna.unblocks(bot)
    await sent({ chat_id: 7, text: 'back' })
    const updates = (await call('getUpdates')).result as { my_chat_member?: { new_chat_member: { status: string } } }[]
    expect(updates.flatMap((update) => update.my_chat_member?.new_chat_member.status ?? [])).toEqual([
      'kicked',
      'member',
    ])
  })

  test('S07 counts its message ids by itself: two bots have the same id for different messages', async () => {
    const beta = api.addBot({ token: '200:beta', username: 'beta_bot' })
    expect(anna.says(bot, 'to alpha').messageId).toBe(1)
    expect(anna.says(beta, 'to beta').messageId).toBe(1)
    expect(bot.shown(7).map((message) => message.text)).toEqual(['to alpha'])
    expect(beta.shown(7).map((message) => message.text)).toEqual(['to beta'])
    expect(beta.pendingUpdates).toBe(1)
  })
})

describe('a message', () => {
  beforeEach(() => void anna.says(bot, 'question'))

  test('answers another one, if it is there', async () => {
    const answer = await sent({ chat_id: 7, text: 'answer', reply_parameters: { message_id: 1 } })
    expect(answer.reply_to_message).toMatchObject({ message_id: 1, text: 'question', from: { id: 7 } })
    expect(await refusal('sendMessage', { chat_id: 7, text: 'x', reply_parameters: { message_id: 99 } })).toBe(
      'Bad Request: message to be replied not found',
    )
    const lenient = { message_id: 99, allow_sending_without_reply: true }
    expect((await sent({ chat_id: 7, text: 'x', reply_parameters: lenient })).reply_to_message).toBeUndefined()
    expect(await refusal('sendMessage', { chat_id: 7, text: 'x', reply_parameters: { a: 1 } })).toBe(
      'Bad Request: can\'t find field "message_id"',
    )
    const said = anna.says(bot, 'and?', { replyTo: answer.message_id })
    const updates = (await call('getUpdates', { offset: said.updateId })).result
    expect(updates).toMatchObject([{ message: { reply_to_message: { from: { id: 100 } } } }])
    expect(bot.shown(7).at(-1)?.replyTo).toBe(answer.message_id)
  })

  test('is changed by its author only, and only when something changes', async () => {
    const { message_id } = await sent({ chat_id: 7, text: 'draft' })
    const edited = await call('editMessageText', { chat_id: 7, message_id, text: '*final*', parse_mode: 'MarkdownV2' })
    expect(edited.result).toMatchObject({ message_id, text: 'final', edit_date: expect.any(Number) })
    expect(await refusal('editMessageText', { chat_id: 7, message_id, text: '<b>final</b>', parse_mode: 'HTML' })).toBe(
      'Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a ' +
        'current content and reply markup of the message',
    )
    expect(await refusal('editMessageText', { chat_id: 7, message_id: 99, text: 'x' })).toBe(
      'Bad Request: message to edit not found',
    )
    expect(await refusal('editMessageText', { chat_id: 7, message_id: 1, text: 'x' })).toBe(
      "Bad Request: message can't be edited",
    )
    expect(bot.shown(7)).toMatchObject([
      { text: 'question', edited: false },
      { text: 'final', edited: true, from: { isBot: true, username: 'alpha_bot' } },
    ])
  })

  test('is deleted once', async () => {
    const { message_id } = await sent({ chat_id: 7, text: 'gone soon' })
    expect(await call('deleteMessage', { chat_id: 7, message_id })).toEqual({ ok: true, result: true })
    expect(await refusal('deleteMessage', { chat_id: 7, message_id })).toBe('Bad Request: message to delete not found')
    expect(bot.shown(7)).toHaveLength(1)
  })

  test('carries buttons; a press is a callback query, answered once', async () => {
    const row = [
      { text: 'Yes', callback_data: 'yes' },
      { text: 'Site', url: 'https://example.com' },
    ]
    await sent({ chat_id: 7, text: 'Sure?', reply_markup: { inline_keyboard: [row] } })
    expect(bot.shown(7).at(-1)?.buttons).toEqual([
      [
        { text: 'Yes', data: 'yes' },
        { text: 'Site', data: undefined },
      ],
    ])
    const { queryId, updateId } = anna.presses(bot, 'yes')
    expect((await call('getUpdates', { offset: updateId })).result).toMatchObject([
      { callback_query: { id: queryId, data: 'yes', from: { id: 7 }, message: { text: 'Sure?', from: { id: 100 } } } },
    ])
    expect((await call('answerCallbackQuery', { callback_query_id: queryId })).ok).toBe(true)
    expect(await refusal('answerCallbackQuery', { callback_query_id: queryId })).toMatch(/query is too old/)
    expect(() => anna.presses(bot, 'no')).toThrow(/"no"/)
    const markup = (button: unknown) => ({ chat_id: 7, text: 'x', reply_markup: { inline_keyboard: [[button]] } })
    expect(await refusal('sendMessage', markup({ text: 'x', callback_data: 'é'.repeat(33) }))).toBe(
      'Bad Request: BUTTON_DATA_INVALID',
    )
    expect(await refusal('sendMessage', markup({ text: 'x' }))).toMatch(/Text buttons are unallowed/)
    expect(await refusal('sendMessage', { chat_id: 7, text: 'x', reply_markup: '{' })).toBe(
      "Bad Request: can't parse reply keyboard markup JSON object",
    )
  })

  test('a draft is shown in private chats only, and goes with the message', async () => {
    expect((await call('sendMessageDraft', { chat_id: 7, draft_id: 3, text: 'thin' })).result).toBe(true)
    expect(bot.draft(7)).toMatchObject({ draftId: 3, text: 'thin' })
    expect(await refusal('sendMessageDraft', { chat_id: 7, draft_id: 0, text: 'x' })).toMatch(/^Bad Request/)
    const group = bot.group({ members: [anna] })
    expect(await refusal('sendMessageDraft', { chat_id: group.id, draft_id: 3, text: 'x' })).toBe(
      'Bad Request: TEXTDRAFT_PEER_INVALID',
    )
    await sent({ chat_id: 7, text: 'think' })
    expect(bot.draft(7)).toBeUndefined()
    expect(bot.shown(7).map((message) => message.text)).toEqual(['question', 'think'])
  })

  test('a chat action must be one', async () => {
    expect((await call('sendChatAction', { chat_id: 7, action: 'typing' })).result).toBe(true)
    expect(await refusal('sendChatAction', { chat_id: 7, action: 'dancing' })).toBe(
      'Bad Request: wrong parameter action in request',
    )
  })
})

describe('media', () => {
  test('an album arrives as parts of one media group, released by hand', async () => {
    const album = anna.sendsAlbum(bot, 3, 'Holiday /x', { held: true })
    expect([album.parts.length, bot.pendingUpdates]).toEqual([1, 1])
    while (album.release() !== undefined);
    await album.sent
    const updates = (await call('getUpdates')).result as { message: Message }[]
    expect(updates.map((update) => update.message.media_group_id)).toEqual(Array(3).fill(album.mediaGroupId))
    expect(updates.map((update) => update.message.caption)).toEqual(['Holiday /x', undefined, undefined])
    expect(updates[0]?.message).toMatchObject({ caption_entities: [{ type: 'bot_command', offset: 8 }] })
    const timed = anna.sendsAlbum(bot, 3, undefined, { gapMs: 20 })
    expect(timed.parts).toHaveLength(1)
    await timed.sent
    expect(timed.parts).toHaveLength(3)
  })

  test('a file is found by its id and downloaded by its path', async () => {
    anna.sendsDocument(bot, { content: 'a,b\n1,2', fileName: 'table.csv', mimeType: 'text/csv', caption: 'look' })
    anna.sendsVoice(bot)
    const [first, second] = (await call('getUpdates')).result as { message: Message }[]
    expect(second?.message.voice).toMatchObject({ duration: 2, mime_type: 'audio/ogg' })
    const document = first?.message.document
    expect(document).toMatchObject({ file_name: 'table.csv', mime_type: 'text/csv', file_size: 7 })
    const file = (await call('getFile', { file_id: document?.file_id })).result as { file_path: string }
    const download = await fetch(`${api.url}/file/bot${bot.token}/${file.file_path}`)
    expect(await download.text()).toBe('a,b\n1,2')
    expect((await fetch(`${api.url}/file/bot1:x/${file.file_path}`)).status).toBe(401)
    expect((await fetch(`${api.url}/file/bot${bot.token}/nothing`)).status).toBe(404)
    expect(await refusal('getFile', { file_id: 'made up' })).toMatch(/wrong file_id/)
  })

  test('a bot uploads, sends again by id, and is refused what is missing', async () => {
    anna.says(bot, 'picture!')
    const form = new FormData()
    form.set('chat_id', '7')
    form.set('caption', 'x'.repeat(1025))
    form.set('photo', new Blob([new Uint8Array([1, 2, 3])]), 'a.png')
    const upload = async () =>
      (await fetch(`${api.url}/bot${bot.token}/sendPhoto`, { method: 'POST', body: form })).json()
    expect(await upload()).toMatchObject({ description: 'Bad Request: message caption is too long' })
    form.set('caption', '<b>Here</b>')
    form.set('parse_mode', 'HTML')
    expect(await upload()).toMatchObject({ ok: true, result: { caption: 'Here', photo: [{ width: 90 }, {}] } })
    const fileId = bot.shown(7).at(-1)?.message.photo?.at(-1)?.file_id
    expect((await call('sendPhoto', { chat_id: 7, photo: fileId })).ok).toBe(true)
    expect(await refusal('sendPhoto', { chat_id: 7 })).toBe('Bad Request: there is no photo in the request')
    expect(await refusal('sendDocument', { chat_id: 7, document: 'http://example.com/x' })).toBe(
      'Bad Request: wrong file identifier/HTTP URL specified',
    )
    const { message_id } = bot.shown(7).at(-1)?.message ?? {}
    expect(await refusal('editMessageText', { chat_id: 7, message_id, text: 'x' })).toBe(
      'Bad Request: there is no text in the message to edit',
    )
  })

  test('a long paste arrives in parts of 4096', () => {
    const parts = anna.pastes(bot, 'x'.repeat(9000))
    expect(parts.map((part) => part.messageId)).toEqual([1, 2, 3])
    expect(bot.shown(7).map((message) => message.text.length)).toEqual([4096, 4096, 808])
    expect(() => anna.says(bot, 'x'.repeat(4097))).toThrow(/4096/)
  })
})
