// One update → one Inbound: which ones are ours, who said it where, and whether it was said to the bot.

import { describe, expect, test } from 'vitest'
import { decodeConversation, encodeConversation, readInbound, type Self } from '../../src/channels/telegram-inbound.ts'

const self: Self = { id: 4711, username: 'Cfo_Bot' }
const anna = { id: 7, is_bot: false, first_name: 'Anna', last_name: 'Berg', username: 'AnnaB' }
const dm = { id: 7, type: 'private', first_name: 'Anna' }
const group = { id: -1001, type: 'supergroup', title: 'Team' }

function read(message: Record<string, unknown>) {
  return readInbound(
    { update_id: 1, message: { message_id: 5, date: 1, from: anna, ...message } },
    self,
    'telegram_cfo',
  )
}

const addressed = (message: Record<string, unknown>) => read({ chat: group, ...message })?.addressed

test('a private message', () => {
  expect(read({ chat: dm, text: 'hello' })).toEqual({
    channel: 'telegram_cfo',
    conversation: '7',
    platformMessageId: '4711:5',
    kind: 'dm',
    sender: { id: '7', name: 'Anna Berg', handle: '@annab' },
    text: 'hello',
    addressed: true,
    album: null,
    attachments: [],
    continues: false,
  })
})

describe('conversations', () => {
  test('a topic is a place of its own; a thread of replies and the general topic are not', () => {
    expect(read({ chat: group, text: 'x', message_thread_id: 44, is_topic_message: true })?.conversation).toBe(
      '-1001:44',
    )
    expect(read({ chat: group, text: 'x', message_thread_id: 44 })?.conversation).toBe('-1001')
    expect(read({ chat: group, text: 'x' })?.conversation).toBe('-1001')
  })

  test.each([
    [{ chat: 7, topic: null }, '7'],
    [{ chat: -1001234567890, topic: 44 }, '-1001234567890:44'],
  ])('%j is %j and back', (place, conversation) => {
    expect(encodeConversation(place)).toBe(conversation)
    expect(decodeConversation(conversation)).toEqual(place)
  })

  test.each(['', 'anna', '@anna', '7:', ':7', '7:x', '07', '7:0', '1e3', ' 7', '7:1:2', '99999999999999999999'])(
    '%j is no conversation',
    (conversation) => expect(decodeConversation(conversation)).toBeNull(),
  )
})

describe('S24 albums, long texts and attachments', () => {
  test('the parts of an album share its id, also when only one has the caption', () => {
    const parts = [{ caption: 'look' }, {}].map((more) =>
      read({ chat: dm, photo: [{}], media_group_id: '99', ...more }),
    )
    expect(parts.map((part) => [part?.album, part?.attachments.length, part?.text])).toEqual([
      ['99', 1, 'look'],
      ['99', 1, ''],
    ])
  })

  test('a text about as long as a message can be may continue', () => {
    expect(read({ chat: dm, text: 'a'.repeat(3_999) })?.continues).toBe(false)
    expect(read({ chat: dm, text: 'a'.repeat(4_000) })?.continues).toBe(true)
  })

  test.each(['photo', 'document', 'voice', 'video', 'audio', 'sticker', 'video_note', 'location', 'contact'])(
    'a %s without a text is a message with one attachment',
    (kind) => expect(read({ chat: dm, [kind]: {} })).toMatchObject({ text: '', attachments: [{}], album: null }),
  )

  test('an animation, which Telegram also lists as a document, is one attachment', () => {
    expect(read({ chat: dm, animation: {}, document: {} })?.attachments).toHaveLength(1)
  })
})

describe('files, as Telegram names them', () => {
  const file = { file_id: 'BQAC', file_unique_id: 'u', file_size: 1_234 }
  const nothing = { reference: null, name: null, mediaType: null, bytes: null, seconds: null }
  const only = (message: Record<string, unknown>) => read({ chat: dm, ...message })?.attachments[0]

  test('of a photo the largest size, which Telegram makes a JPEG', () => {
    const photo = [{ ...file, file_id: 'small' }, file]
    expect(only({ photo })).toEqual({
      ...nothing,
      kind: 'image',
      reference: 'BQAC',
      mediaType: 'image/jpeg',
      bytes: 1_234,
    })
  })

  test.each([
    ['voice', { duration: 3, mime_type: 'audio/ogg' }, { kind: 'voice', mediaType: 'audio/ogg', seconds: 3 }],
    ['audio', { duration: 3, file_name: 'a.mp3' }, { kind: 'audio', name: 'a.mp3', seconds: 3 }],
    ['video_note', { duration: 3 }, { kind: 'video', seconds: 3 }],
    [
      'document',
      { file_name: 'a.csv', mime_type: 'text/csv' },
      { kind: 'document', name: 'a.csv', mediaType: 'text/csv' },
    ],
    [
      'document',
      { file_name: 'a.png', mime_type: 'image/png' },
      { kind: 'image', name: 'a.png', mediaType: 'image/png' },
    ],
  ])('a %s with %j', (key, more, expected) => {
    expect(only({ [key]: { ...file, ...more } })).toEqual({ ...nothing, reference: 'BQAC', bytes: 1_234, ...expected })
  })

  test.each([
    [{ sticker: { ...file, emoji: '👍' } }, 'sticker 👍'],
    [{ location: { latitude: 1, longitude: 2 } }, 'location'],
    [{ video_note: { file_size: 1 } }, 'video note'],
    [{ photo: [] }, 'photo'],
  ])('%j has nothing that could be fetched, and was there', (message, name) => {
    expect(only(message)).toEqual({ ...nothing, kind: 'other', name })
  })

  test.each([{ file_size: -1 }, { file_size: 'many' }, { duration: 1.5 }, { file_name: 7 }, { mime_type: '' }])(
    '%j is nothing that is known',
    (more) =>
      expect(only({ voice: { file_id: 'BQAC', ...more } })).toEqual({ ...nothing, kind: 'voice', reference: 'BQAC' }),
  )
})

describe('S25 who speaks', () => {
  test('a person without a user name or a last name', () => {
    const from = { id: 8, is_bot: false, first_name: 'Bo' }
    expect(read({ chat: group, from, text: 'x' })?.sender).toEqual({ id: '8', name: 'Bo', handle: null })
  })

  test('an anonymous admin speaks as the group, a channel as itself', () => {
    const from = { id: 1087968824, is_bot: true, first_name: 'Group', username: 'GroupAnonymousBot' }
    expect(read({ chat: group, from, sender_chat: group, text: 'x' })?.sender).toEqual({
      id: '-1001',
      name: 'Team',
      handle: null,
    })
  })

  test.each([
    ['another bot', { chat: group, from: { id: 9, is_bot: true, first_name: 'B' }, text: 'x' }],
    ['itself', { chat: group, from: { id: 4711, is_bot: true, first_name: 'C' }, text: 'x' }],
    ['a channel post', { chat: { id: -5, type: 'channel' }, text: 'x' }],
    ['a post that a linked channel forwarded', { chat: group, is_automatic_forward: true, text: 'x' }],
    ['nobody', { chat: group, from: undefined, text: 'x' }],
    ['a join', { chat: group, new_chat_members: [anna] }],
    ['a pin', { chat: group, pinned_message: {} }],
    ['blanks only', { chat: dm, text: ' \n' }],
  ])('%s is ignored', (_, message) => expect(read(message)).toBeNull())

  test('an edit and a pressed button are ignored', () => {
    expect(readInbound({ update_id: 1, edited_message: { text: 'x' } }, self, 'c')).toBeNull()
    expect(readInbound({ update_id: 1, callback_query: {} }, self, 'c')).toBeNull()
  })
})

describe('said to the bot, in a group', () => {
  test.each([
    ['hello', false],
    ['@cfo_bot hello', true],
    ['hello @CFO_BOT', true],
    ['well, @cfo_bot, hello', true],
    ['@cfo_bot2 hello', false],
    ['mail to x@cfo_bot please', false],
    ['/status', true],
    ['/status@cfo_bot', true],
    ['/status@ops_bot', false],
    ['@cfo_bot /status', true],
    ['/etc/hosts', false],
  ])('%j: %s', (text, expected) => expect(addressed({ text })).toBe(expected))

  test('a mention without a user name, and a caption with one', () => {
    expect(addressed({ text: 'Cfo hello', entities: [{ type: 'text_mention', user: { id: 4711 } }] })).toBe(true)
    expect(addressed({ text: 'Ops hello', entities: [{ type: 'text_mention', user: { id: 9 } }] })).toBe(false)
    expect(addressed({ photo: [{}], caption: '@cfo_bot what is this?' })).toBe(true)
  })

  test('a reply to its own message, and not to anybody else', () => {
    expect(addressed({ text: 'x', reply_to_message: { message_id: 3, from: { id: 4711 } } })).toBe(true)
    expect(addressed({ text: 'x', reply_to_message: { message_id: 3, from: { id: 7 } } })).toBe(false)
    const toOther = { text: '/x@ops_bot', reply_to_message: { message_id: 3, from: { id: 4711 } } }
    expect(addressed(toOther)).toBe(false)
  })

  test('the message that opened a topic does not count as one, although the bot may have opened it', () => {
    const topic = { text: 'x', message_thread_id: 44, is_topic_message: true }
    const opened = { message_id: 44, from: { id: 4711 } }
    expect(addressed({ ...topic, reply_to_message: { ...opened, forum_topic_created: {} } })).toBe(false)
    expect(addressed({ ...topic, reply_to_message: opened })).toBe(false)
    expect(addressed({ ...topic, reply_to_message: { message_id: 45, from: { id: 4711 } } })).toBe(true)
  })

  test.each([
    ['@cfo_bot what now?', 'what now?'],
    ['@Cfo_Bot: what now?', 'what now?'],
    ['what now, @cfo_bot', 'what now,'],
    ['what does @cfo_bot say?', 'what does @cfo_bot say?'],
    ['@cfo_bot', '@cfo_bot'],
    ['@ops_bot what now?', '@ops_bot what now?'],
  ])('the text of %j is %j', (text, expected) => expect(read({ chat: group, text })?.text).toBe(expected))

  test('a private message stays as it was written', () => {
    expect(read({ chat: dm, text: '@cfo_bot hello' })?.text).toBe('@cfo_bot hello')
  })
})

describe('an update that is not as documented throws and is not half read', () => {
  test.each([
    ['nothing', null],
    ['a list', []],
    ['a message that is a text', { message: 'x' }],
    ['no chat', { message: { message_id: 1, from: anna, text: 'x' } }],
    ['a text that is a number', { message: { message_id: 1, from: anna, chat: dm, text: 5 } }],
    ['no message id', { message: { from: anna, chat: dm, text: 'x' } }],
    [
      'a chat id that is a text',
      { message: { message_id: 1, from: anna, chat: { id: '7', type: 'private' }, text: 'x' } },
    ],
    [
      'a topic without its id',
      { message: { message_id: 1, from: anna, chat: group, text: 'x', is_topic_message: true } },
    ],
  ])('%s', (_, update) => expect(() => readInbound(update, self, 'c')).toThrow())
})
