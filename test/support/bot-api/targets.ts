// Targets: which chat, topic and message a request means, and whether the bot may use them.

import type { Bot } from './bot.ts'
import { type Conversation, GENERAL_TOPIC, GroupChat, PrivateChat } from './chats.ts'
import { isObject, type Parameters, requiredInteger } from './parameters.ts'
import { badRequest, forbidden } from './refusal.ts'
import type { Message } from './wire.ts'

/** `write`: to send; `read`: to look at or change what is there. */
export function readChat(bot: Bot, parameters: Parameters, access: 'write' | 'read'): Conversation {
  const text = parameters.text('chat_id')
  if (text === '') throw badRequest('chat_id is empty')
  const chatId = parameters.integer('chat_id')
  const conversation = text.startsWith('@') ? undefined : bot.conversation(chatId)
  if (conversation instanceof GroupChat) return memberOf(bot, conversation)
  if (conversation instanceof PrivateChat && conversation.started) {
    if (conversation.blocked && access === 'write') throw forbidden('bot was blocked by the user')
    return conversation
  }
  return unopened(bot, chatId, access)
}

/** The topic to send to; undefined outside topics. A group without topics ignores the parameter, as on Telegram. */
export function readTopic(conversation: Conversation, parameters: Parameters): number | undefined {
  const topicId = parameters.integer('message_thread_id')
  if (topicId === 0 || (conversation instanceof GroupChat && !conversation.forum)) return undefined
  if (conversation.topics.has(topicId)) return topicId
  throw badRequest('message thread not found')
}

/** As `readTopic`, for the one method that takes the general topic by its id. */
export function readTopicOfAction(conversation: Conversation, parameters: Parameters): void {
  if (parameters.integer('message_thread_id') !== GENERAL_TOPIC) readTopic(conversation, parameters)
}

/** The message that the new one answers; undefined when none is asked for, or it is gone and need not be there. */
export function readReply(conversation: Conversation, parameters: Parameters): Message | undefined {
  const reply = parameters.json('reply_parameters', 'reply parameters')
  if (reply !== undefined && !isObject(reply)) throw badRequest('Object expected as reply parameters')
  const isEmpty = reply === undefined || Object.keys(reply).length === 0
  const messageId = isEmpty ? parameters.integer('reply_to_message_id') : requiredInteger(reply, 'message_id')
  if (messageId <= 0) return undefined
  const message = conversation.messages.get(messageId)
  const optional = isEmpty
    ? parameters.flag('allow_sending_without_reply')
    : ['true', '1'].includes(String(reply['allow_sending_without_reply']))
  if (message === undefined && !optional) throw badRequest('message to be replied not found')
  return message
}

/** `purpose` is what Telegram calls the message in its refusal. */
export function readMessage(conversation: Conversation, parameters: Parameters, purpose: string): Message {
  const message = conversation.messages.get(parameters.integer('message_id'))
  if (message === undefined) throw badRequest(`${purpose} not found`)
  return message
}

function memberOf(bot: Bot, group: GroupChat): GroupChat {
  const status = group.bots.get(bot.id)
  if (status === 'kicked') throw forbidden(`bot was kicked from the ${group.type} chat`)
  if (status === 'left') throw forbidden(`bot is not a member of the ${group.type} chat`)
  return group
}

/** The chat was never opened: whether the bot may even know of it decides how it is refused. */
function unopened(bot: Bot, chatId: number, access: 'write' | 'read'): Conversation {
  const bots = [...bot.telegram.bots.values()]
  if (bots.some((other) => other.id === chatId)) throw forbidden("the bot can't send messages to the bot")
  const groups = [...bot.telegram.groups.values()].map((group) => group.chat)
  const met = groups.some((group) => group.people.has(chatId) && group.bots.get(bot.id) === 'member')
  const person = bot.telegram.people.get(chatId)
  if (!met || person === undefined) throw badRequest('chat not found')
  if (access === 'write') throw forbidden("bot can't initiate conversation with a user")
  return bot.privateChat(person)
}
