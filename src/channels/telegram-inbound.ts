// Telegram inbound: one update → one Inbound, or null when it is none of ours. Pure.
// Owns the encoding of a Telegram conversation. Reads from `unknown`: an update that is not as documented throws, so that
// the poll can skip that one alone.

import { parseCommand } from '../../machines/commands.ts'
import type { Inbound, Sender } from '../../machines/messages.ts'
import { attachmentsIn } from './telegram-attachments.ts'

/** Who the bot is, as getMe says. */
export interface Self {
  readonly id: number
  /** Without the @. */
  readonly username: string
}

/** A place on Telegram. `topic` is null outside of forum topics. */
export interface Place {
  readonly chat: number
  readonly topic: number | null
}

type Fields = Readonly<Record<string, unknown>>

/** Clients split a text at 4,096 units, some a little before it, to keep a word whole. */
const CONTINUES_UNITS_MIN = 4_000

/** Null: an update that carries nothing for us (edits, service messages, other bots, channel posts). Throws: unreadable. */
export function readInbound(update: unknown, self: Self, channel: string): Inbound | null {
  const message = fieldsOf(fieldsOf(update, 'the update').message, 'the message', 'optional')
  if (message === null) return null
  const chat = fieldsOf(message.chat, 'the chat')
  const kind = chat.type === 'private' ? 'dm' : chat.type === 'group' || chat.type === 'supergroup' ? 'group' : null
  const sender = senderOf(message, self)
  if (kind === null || sender === null) return null
  const written = writtenOf(message)
  const attachments = attachmentsIn(message)
  if (written.trim() === '' && attachments.length === 0) return null
  return {
    channel,
    conversation: encodeConversation({ chat: integerOf(chat.id, 'the chat id'), topic: topicOf(message) }),
    platformMessageId: encodeMessage(self, integerOf(message.message_id, 'the message id')),
    kind,
    sender,
    text: kind === 'dm' ? written : withoutOwnMention(written, self),
    addressed: kind === 'dm' || isAddressed(message, written, self),
    album: typeof message.media_group_id === 'string' ? message.media_group_id : null,
    attachments,
    continues: written.length >= CONTINUES_UNITS_MIN,
  }
}

/** Somebody pressed a button under one of our messages: they said its text. Null and throws as `readInbound`. */
export function readPress(update: unknown, self: Self, channel: string): { id: string; message: Inbound } | null {
  const press = fieldsOf(fieldsOf(update, 'the update').callback_query, 'the press', 'optional')
  // A message too old for Telegram to show comes without a chat type that could be read.
  const under = press === null ? null : fieldsOf(press.message, 'the message', 'optional')
  if (press === null || under === null || typeof press.data !== 'string' || typeof press.id !== 'string') return null
  const chat = fieldsOf(under.chat, 'the chat')
  const sender = senderOf({ from: press.from }, self)
  if (sender === null) return null
  const place = { chat: integerOf(chat.id, 'the chat id'), topic: topicOf(under) }
  const message: Inbound = {
    channel,
    conversation: encodeConversation(place),
    platformMessageId: `${self.id}:press-${press.id}`,
    kind: chat.type === 'private' ? 'dm' : 'group',
    sender,
    text: press.data,
    addressed: true,
    album: null,
    attachments: [],
    continues: false,
  }
  return { id: press.id, message }
}

/** `CHATID`, or `CHATID:TOPICID` for a topic of a forum. */
export function encodeConversation(place: Place): string {
  return place.topic === null ? String(place.chat) : `${place.chat}:${place.topic}`
}

/**
 * `BOTID:MESSAGEID`: each bot counts the messages of its private chats by itself, so a channel that is given another bot
 * meets the same numbers again, and they are not duplicates.
 */
function encodeMessage(self: Self, id: number): string {
  return `${self.id}:${id}`
}

/** The message's own number, without the bot; null: not a Telegram message. */
export function decodeMessage(message: string): number | null {
  const number = /^(?:\d+:)?([1-9]\d{0,15})$/.exec(message)?.[1]
  return number === undefined ? null : Number(number)
}

/** Null: not a Telegram conversation. */
export function decodeConversation(conversation: string): Place | null {
  const match = /^(-?[1-9]\d{0,15})(?::([1-9]\d{0,15}))?$/.exec(conversation)
  if (match === null) return null
  return { chat: Number(match[1]), topic: match[2] === undefined ? null : Number(match[2]) }
}

/** Null: nobody whom we answer. An anonymous admin or a channel that writes in a group speaks as `sender_chat`. */
function senderOf(message: Fields, self: Self): Sender | null {
  if (message.is_automatic_forward === true) return null
  const chat = fieldsOf(message.sender_chat, 'the sender', 'optional')
  if (chat !== null) {
    return { id: String(integerOf(chat.id, 'the sender id')), name: nameOf([chat.title]), handle: handleOf(chat) }
  }
  const from = fieldsOf(message.from, 'the sender', 'optional')
  if (from === null || from.is_bot === true || from.id === self.id) return null
  const id = String(integerOf(from.id, 'the sender id'))
  return { id, name: nameOf([from.first_name, from.last_name]), handle: handleOf(from) }
}

function nameOf(parts: readonly unknown[]): string | null {
  const name = parts.filter((part) => typeof part === 'string' && part !== '').join(' ')
  return name === '' ? null : name
}

function handleOf(person: Fields): string | null {
  return typeof person.username === 'string' && person.username !== '' ? `@${person.username.toLowerCase()}` : null
}

function writtenOf(message: Fields): string {
  const written = message.text ?? message.caption ?? ''
  if (typeof written !== 'string') throw new Error('the text is not a string')
  return written
}

function topicOf(message: Fields): number | null {
  // Replies in groups without topics carry a thread id as well; only a topic is a place of its own.
  return message.is_topic_message === true ? integerOf(message.message_thread_id, 'the topic id') : null
}

function isAddressed(message: Fields, written: string, self: Self): boolean {
  const command = parseCommand(withoutOwnMention(written, self), self.username)
  if (command === 'theirs') return false
  return command !== null || mentionsSelf(message, written, self) || repliesToSelf(message, self)
}

function mentionsSelf(message: Fields, written: string, self: Self): boolean {
  const pattern = ownMention(self, '(?<![\\w@])', '')
  if (pattern?.test(written)) return true
  const entities = message.entities ?? message.caption_entities
  if (!Array.isArray(entities)) return false
  return entities.some((entity: unknown) => {
    const { type, user } = fieldsOf(entity, 'an entity')
    return type === 'text_mention' && fieldsOf(user, 'the mentioned user', 'optional')?.id === self.id
  })
}

function repliesToSelf(message: Fields, self: Self): boolean {
  const replied = fieldsOf(message.reply_to_message, 'the replied message', 'optional')
  if (replied === null) return false
  // Every message of a topic without a reply of its own "replies" to the message that opened the topic.
  if (replied.forum_topic_created !== undefined) return false
  if (message.is_topic_message === true && replied.message_id === message.message_thread_id) return false
  return fieldsOf(replied.from, 'the replied sender', 'optional')?.id === self.id
}

/** The text as written, but for the bot's own name at its beginning or end; a bare mention stays, or nothing would be left. */
function withoutOwnMention(written: string, self: Self): string {
  const leading = ownMention(self, '^\\s*', '[\\s,:]*')
  const trailing = ownMention(self, '\\s+', '\\s*$')
  if (leading === null || trailing === null) return written
  const rest = written.replace(leading, '').replace(trailing, '')
  return rest.trim() === '' ? written : rest
}

function ownMention(self: Self, before: string, after: string): RegExp | null {
  return /^\w+$/.test(self.username) ? new RegExp(`${before}@${self.username}(?!\\w)${after}`, 'i') : null
}

function fieldsOf(value: unknown, what: string): Fields
function fieldsOf(value: unknown, what: string, presence: 'optional'): Fields | null
function fieldsOf(value: unknown, what: string, presence?: 'optional'): Fields | null {
  if (presence === 'optional' && (value === undefined || value === null)) return null
  if (!isFields(value)) throw new Error(`${what} is not an object`)
  return value
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function integerOf(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value)) throw new Error(`${what} is not an integer`)
  return Number(value)
}
