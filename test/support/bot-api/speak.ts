// Speak: people's actions become messages in a chat and updates for the bots that may see them.

import { setTimeout as sleep } from 'node:timers/promises'
import { Bot } from './bot.ts'
import { type Conversation, GroupChat, nowSeconds, type PrivateChat } from './chats.ts'
import type { Album, AlbumOptions, BotHandle, Place, Said, SaysOptions } from './control.ts'
import { GroupHandle } from './groups.ts'
import { photoContent } from './media.ts'
import { type PersonHandle, textContent } from './people.ts'
import { sees } from './privacy.ts'
import type { Message, MessageOrigin, UpdateContent } from './wire.ts'

interface Utterance {
  readonly person: PersonHandle
  readonly to: Place
  readonly content: Partial<Message>
  readonly options: SaysOptions
}

export function speak({ person, to, content, options }: Utterance): Said {
  const conversation = conversationWith(person, to)
  const message = conversation.newMessage(person.user(), {
    ...conversation.placement({ topicId: topicOf(conversation, options), replyTo: answered(conversation, options) }),
    ...(options.forward === undefined ? {} : { forward_origin: origin(options.forward.from) }),
    ...content,
  })
  return publish({ person, conversation, to }, { message }, options.updateId)
}

export function sendAlbum(album: {
  person: PersonHandle
  to: Place
  count: number
  caption: string | undefined
  options: AlbumOptions
}): Album {
  const { person, to, count, options } = album
  const mediaGroupId = String(person.telegram.random.integer(10 ** 15, 9 * 10 ** 15))
  const parts: Said[] = []
  const all = Promise.withResolvers<void>()
  const release = (): Said | undefined => {
    if (parts.length >= count) return undefined
    const caption = parts.length === 0 && album.caption !== undefined ? { caption: album.caption } : {}
    const content = { ...photoContent(person.telegram, caption), media_group_id: mediaGroupId }
    const said = speak({ person, to, content, options: parts.length === 0 ? options : withoutUpdateId(options) })
    parts.push(said)
    if (parts.length >= count) all.resolve()
    return said
  }
  release()
  if (options.held !== true) void releaseRest(release, options.gapMs ?? 0, person.telegram.closing.signal)
  return { mediaGroupId, parts, release, sent: all.promise }
}

export function edit(change: { person: PersonHandle; to: Place; messageId: number; text: string }): Said {
  const { person, to, messageId, text } = change
  const conversation = conversationWith(person, to)
  const message = conversation.messages.get(messageId)
  if (message?.from.id !== person.id) throw new Error(`Message ${messageId} is not one of ${person.firstName}'s.`)
  const { text: newText = '', entities } = textContent(text)
  if (message.text === undefined) {
    delete message.caption_entities
    Object.assign(message, { caption: newText, ...(entities === undefined ? {} : { caption_entities: entities }) })
  } else {
    delete message.entities
    Object.assign(message, { text: newText, ...(entities === undefined ? {} : { entities }) })
  }
  message.edit_date = nowSeconds()
  return publish({ person, conversation, to }, { edited_message: message })
}

export function pressButton(press: { person: PersonHandle; to: Place; data: string }): {
  readonly updateId: number
  readonly queryId: string
} {
  const { person, to, data } = press
  const conversation = conversationWith(person, to)
  const message = [...conversation.messages.values()].toReversed().find((candidate) => showsButton(candidate, data))
  const bot = [...person.telegram.bots.values()].find((candidate) => candidate.id === message?.from.id)
  if (message === undefined || bot === undefined) {
    throw new Error(`No message of the chat shows a button with the callback data "${data}".`)
  }
  const queryId = String(person.telegram.random.integer(10 ** 15, 9 * 10 ** 15))
  bot.openQueries.add(queryId)
  const chat_instance = String(conversation.id)
  const updateId = bot.receive({ callback_query: { id: queryId, from: person.user(), message, chat_instance, data } })
  return { updateId, queryId }
}

export function changeBlock(change: { person: PersonHandle; bot: BotHandle; blocked: boolean }): void {
  const bot = ownBot(change.bot)
  const chat = bot.privateChat(change.person)
  if (chat.blocked === change.blocked) return
  chat.blocked = change.blocked
  const [before, after] = change.blocked ? (['member', 'kicked'] as const) : (['kicked', 'member'] as const)
  bot.receive({
    my_chat_member: {
      chat: chat.chat(),
      from: change.person.user(),
      date: nowSeconds(),
      old_chat_member: { status: before, user: bot.user() },
      new_chat_member: { status: after, user: bot.user() },
    },
  })
}

/** The class behind a handle; a handle of another server is a mistake of the test. */
export function ownBot(handle: BotHandle): Bot {
  if (handle instanceof Bot) return handle
  throw new Error('This handle is none that `addBot` of a Bot API server returned.')
}

function publish(
  said: { person: PersonHandle; conversation: Conversation; to: Place },
  content: UpdateContent & ({ message: Message } | { edited_message: Message }),
  updateId?: number,
): Said {
  const message = 'message' in content && content.message !== undefined ? content.message : content.edited_message
  if (message === undefined) throw new Error('There is no message to publish.')
  const readers = said.conversation instanceof GroupChat ? readersOf(said, said.conversation, message) : [said.to]
  const updateIds = new Map<string, number>()
  for (const reader of readers) {
    const bot = reader instanceof Bot ? reader : undefined
    const id = bot?.receive(content, updateId) ?? 0
    if (bot !== undefined && id !== 0) updateIds.set(bot.username, id)
  }
  return { messageId: message.message_id, updateId: [...updateIds.values()][0] ?? 0, updateIds }
}

function readersOf(said: { person: PersonHandle }, group: GroupChat, message: Message): Bot[] {
  const bots = [...said.person.telegram.bots.values()]
  return bots.filter((bot) => group.bots.get(bot.id) === 'member' && sees(bot, group, message))
}

function conversationWith(person: PersonHandle, to: Place): Conversation {
  if (to instanceof GroupHandle) {
    to.join(person)
    return to.chat
  }
  if (!(to instanceof Bot)) throw new Error('A person can write to a bot or a group of this server, to nothing else.')
  const chat: PrivateChat = to.privateChat(person)
  if (chat.blocked)
    throw new Error(`${person.firstName} has blocked ${to.username} and must unblock it to write to it.`)
  chat.started = true
  return chat
}

function topicOf(conversation: Conversation, options: SaysOptions): number | undefined {
  const { topicId } = options
  if (topicId === undefined || conversation.topics.has(topicId)) return topicId
  if (conversation instanceof GroupChat && conversation.forum && topicId === 1) return topicId
  throw new Error(`The chat has no topic ${topicId}.`)
}

function answered(conversation: Conversation, options: SaysOptions): Message | undefined {
  if (options.replyTo === undefined) return undefined
  const message = conversation.messages.get(options.replyTo)
  if (message === undefined) throw new Error(`The chat has no message ${options.replyTo} to reply to.`)
  return message
}

function origin(from: { readonly id: number; readonly firstName: string } | undefined): MessageOrigin {
  const date = nowSeconds()
  if (from === undefined) return { type: 'hidden_user', sender_user_name: 'Somebody', date }
  return { type: 'user', sender_user: { id: from.id, is_bot: false, first_name: from.firstName }, date }
}

function showsButton(message: Message, data: string): boolean {
  return message.reply_markup?.inline_keyboard.flat().some((button) => button.callback_data === data) ?? false
}

async function releaseRest(release: () => Said | undefined, gapMs: number, closing: AbortSignal): Promise<void> {
  try {
    do {
      if (gapMs > 0) await sleep(gapMs, undefined, { signal: closing })
    } while (release() !== undefined)
  } catch {
    // The server closed: nobody is left to see the other parts.
  }
}

function withoutUpdateId(options: SaysOptions): SaysOptions {
  const { updateId: _, ...rest } = options
  return rest
}
