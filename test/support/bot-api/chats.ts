// Chats: conversations with their messages, topics and members, as Telegram keeps them.
// A private chat belongs to one bot and one person; a group is shared by all its bots. Message ids count per chat, so the
// same id exists in many chats. (Telegram counts a bot's private chats together; counting per chat is the harder case.)

import type { PersonHandle } from './people.ts'
import type { Chat, ChatMember, Message, User } from './wire.ts'

export type BotStatus = 'member' | 'left' | 'kicked'

abstract class MessageList {
  readonly messages = new Map<number, Message>()
  /** Topic ids by name; the id is that of the message which opened the topic. */
  readonly topics = new Map<number, string>()
  abstract readonly id: number
  #lastMessageId: number

  constructor(options: { lastMessageId: number }) {
    this.#lastMessageId = options.lastMessageId
  }

  abstract chat(): Chat

  newMessage(from: User, content: Partial<Message>): Message {
    this.#lastMessageId += 1
    const message: Message = {
      message_id: this.#lastMessageId,
      from,
      chat: this.chat(),
      date: nowSeconds(),
      ...content,
    }
    this.messages.set(message.message_id, message)
    return message
  }

  /** The fields that put a message into a topic and make it an answer. */
  placement(options: { topicId: number | undefined; replyTo: Message | undefined }): Partial<Message> {
    const { topicId } = options
    const inTopic = topicId !== undefined && topicId !== GENERAL_TOPIC
    // A topic's messages answer the message that opened it, unless they answer another one.
    const answered = options.replyTo ?? (inTopic ? this.messages.get(topicId) : undefined)
    return {
      ...(inTopic ? { message_thread_id: topicId, is_topic_message: true } : {}),
      ...(answered === undefined ? {} : { reply_to_message: withoutReply(answered) }),
    }
  }
}

export class PrivateChat extends MessageList {
  readonly person: PersonHandle
  /** The person has written to the bot, which may answer from then on. */
  started = false
  blocked = false

  constructor(person: PersonHandle) {
    super({ lastMessageId: 0 })
    this.person = person
  }

  get id(): number {
    return this.person.id
  }

  chat(): Chat {
    const { first_name, username } = this.person.user()
    return { id: this.id, type: 'private', first_name, ...(username === undefined ? {} : { username }) }
  }
}

export class GroupChat extends MessageList {
  readonly id: number
  readonly title: string
  readonly type: 'group' | 'supergroup'
  readonly forum: boolean
  readonly people = new Map<number, PersonHandle>()
  readonly bots = new Map<number, BotStatus>()
  /** The bot that wrote last; privacy mode gives it the commands that name no bot. */
  lastBotId: number | undefined

  constructor(options: { id: number; title: string; type: 'group' | 'supergroup'; forum: boolean }) {
    // A forum's first message is the one that opened its general topic.
    super({ lastMessageId: options.forum ? GENERAL_TOPIC : 0 })
    this.id = options.id
    this.title = options.title
    this.type = options.type
    this.forum = options.forum
  }

  chat(): Chat {
    return { id: this.id, type: this.type, title: this.title, ...(this.forum ? { is_forum: true as const } : {}) }
  }

  member(user: User, status: ChatMember['status']): ChatMember {
    return { status, user, ...(status === 'kicked' ? { until_date: 0 } : {}) }
  }
}

export type Conversation = PrivateChat | GroupChat

/** The topic that every forum has; its messages look as if there were no topics. */
export const GENERAL_TOPIC = 1

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000)
}

function withoutReply(message: Message): Message {
  const { reply_to_message: _, ...rest } = message
  return rest
}
