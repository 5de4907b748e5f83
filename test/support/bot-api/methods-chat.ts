// Methods about chats: looking at them, showing that the bot is at work, leaving.
// Simplified: nobody is an administrator, and the exact text for a draft id of zero is not known.

import { GroupChat } from './chats.ts'
import { readDraftText } from './markup.ts'
import type { Method } from './methods.ts'
import { badRequest } from './refusal.ts'
import { readChat, readTopic, readTopicOfAction } from './targets.ts'
import type { ChatMember } from './wire.ts'

const sendChatAction: Method = ({ bot, parameters }) => {
  if (!ACTIONS.includes(parameters.text('action'))) throw badRequest('Wrong parameter action in request')
  readTopicOfAction(readChat(bot, parameters, 'write'), parameters)
  return { result: true }
}

/** Streams a text that is still being written; private chats only. The draft goes when a message is sent. */
const sendMessageDraft: Method = ({ bot, parameters }) => {
  const formatted = readDraftText(parameters)
  const conversation = readChat(bot, parameters, 'write')
  if (conversation instanceof GroupChat) throw badRequest('TEXTDRAFT_PEER_INVALID')
  readTopic(conversation, parameters)
  const draftId = parameters.integer('draft_id')
  if (draftId === 0) throw badRequest('RANDOM_ID_INVALID')
  bot.drafts.set(conversation.id, { draftId, ...formatted })
  bot.log.changed()
  return { result: true }
}

const getChat: Method = ({ bot, parameters }) => {
  const conversation = readChat(bot, parameters, 'read')
  return { result: { ...conversation.chat(), accent_color_id: 0, max_reaction_count: 11 } }
}

const getChatMember: Method = ({ bot, parameters }) => {
  const userId = parameters.integer('user_id')
  if (userId <= 0) throw badRequest('Invalid user_id specified')
  const conversation = readChat(bot, parameters, 'read')
  const other = [...bot.telegram.bots.values()].find((candidate) => candidate.id === userId)
  const user = other?.user() ?? bot.telegram.people.get(userId)?.user()
  if (user === undefined) throw badRequest('user not found')
  return { result: { user, status: statusIn(conversation, userId) } }
}

const getChatMemberCount: Method = ({ bot, parameters }) => {
  const conversation = readChat(bot, parameters, 'read')
  if (!(conversation instanceof GroupChat)) return { result: 2 }
  const bots = [...conversation.bots.values()].filter((status) => status === 'member')
  return { result: conversation.people.size + bots.length }
}

const getChatAdministrators: Method = ({ bot, parameters }) => {
  if (readChat(bot, parameters, 'read') instanceof GroupChat) return { result: [] }
  throw badRequest('there are no administrators in the private chat')
}

const leaveChat: Method = ({ bot, parameters }) => {
  const conversation = readChat(bot, parameters, 'read')
  if (!(conversation instanceof GroupChat)) {
    throw badRequest("chat member status can't be changed in private chats")
  }
  bot.telegram.groups.get(conversation.id)?.changeBot(bot, 'left')
  return { result: true }
}

function statusIn(conversation: ReturnType<typeof readChat>, userId: number): ChatMember['status'] {
  if (!(conversation instanceof GroupChat)) return 'member'
  return conversation.people.has(userId) ? 'member' : (conversation.bots.get(userId) ?? 'left')
}

const ACTIONS = [
  ...['typing', 'upload_photo', 'record_video', 'upload_video', 'record_voice', 'upload_voice', 'record_audio'],
  ...['upload_audio', 'upload_document', 'choose_sticker', 'find_location', 'pick_up_location', 'record_video_note'],
  ...['upload_video_note', 'cancel'],
]

export const chatMethods = {
  sendChatAction,
  sendMessageDraft,
  getChat,
  getChatMember,
  getChatMemberCount,
  getChatAdministrators,
  leaveChat,
} satisfies Record<string, Method>
