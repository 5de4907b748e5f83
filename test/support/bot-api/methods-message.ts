// Methods about messages: sending, changing and deleting them.
// Simplified: a message can be changed and deleted at any age, bots have no administrator's rights, files are never fetched
// from an address, and reply quotes are ignored.

import type { Bot } from './bot.ts'
import { type Conversation, GroupChat, nowSeconds } from './chats.ts'
import type { FormattedText } from './entities.ts'
import type { StoredFile } from './files.ts'
import { readInlineKeyboard } from './keyboard.ts'
import { readCaption, readMessageText } from './markup.ts'
import { captionFields, fileObject, photoSizes } from './media.ts'
import type { Method, Request } from './methods.ts'
import { badRequest } from './refusal.ts'
import { readChat, readMessage, readReply, readTopic } from './targets.ts'
import type { Message } from './wire.ts'

const sendMessage: Method = (request) => {
  const formatted = readMessageText(request.parameters)
  return send(request, () => textFields(formatted))
}

const sendPhoto: Method = (request) => {
  const caption = captionFields(readCaption(request.parameters))
  const file = readFile(request, 'photo')
  return send(request, () => ({ photo: photoSizes(request.bot.telegram, file), ...caption }))
}

const sendDocument: Method = (request) => {
  const caption = captionFields(readCaption(request.parameters))
  const file = readFile(request, 'document')
  return send(request, () => ({ document: fileObject(file), ...caption }))
}

const sendVoice: Method = (request) => {
  const caption = captionFields(readCaption(request.parameters))
  const file = readFile(request, 'voice')
  return send(request, () => ({ voice: { ...fileObject(file), duration: 0 }, ...caption }))
}

const editMessageText: Method = (request) => {
  const formatted = readMessageText(request.parameters)
  return change(request, (message) => {
    if (message.text === undefined) throw badRequest('There is no text in the message to edit')
    return { ...without(message, 'text', 'entities'), ...textFields(formatted) }
  })
}

const editMessageCaption: Method = (request) => {
  const caption = captionFields(readCaption(request.parameters))
  return change(request, (message) => {
    if (message.text !== undefined) throw badRequest('There is no caption in the message to edit')
    return { ...without(message, 'caption', 'caption_entities'), ...caption }
  })
}

const editMessageReplyMarkup: Method = (request) => change(request, (message) => message)

const deleteMessage: Method = ({ bot, parameters }) => {
  if (!parameters.has('chat_id')) throw badRequest('Chat identifier is not specified')
  if (parameters.integer('message_id') === 0) throw badRequest('Message identifier is not specified')
  const conversation = readChat(bot, parameters, 'write')
  const message = readMessage(conversation, parameters, 'message to delete')
  if (!mayDelete(bot, conversation, message)) throw badRequest("message can't be deleted")
  conversation.messages.delete(message.message_id)
  bot.log.changed()
  return { result: true }
}

const deleteMessages: Method = ({ bot, parameters }) => {
  const ids = parameters.json('message_ids', 'message identifiers')
  if (ids === undefined) throw badRequest('Message identifiers are not specified')
  if (!Array.isArray(ids)) throw badRequest('Expected an Array of message identifiers')
  if (ids.length > 100) throw badRequest('Too many message identifiers specified')
  const conversation = readChat(bot, parameters, 'write')
  for (const id of ids.map(Number)) {
    const message = conversation.messages.get(id)
    if (message !== undefined && mayDelete(bot, conversation, message)) conversation.messages.delete(id)
  }
  bot.log.changed()
  return { result: true }
}

/** Everything is checked before anything happens; `content` is made last. */
function send({ bot, parameters }: Request, content: () => Partial<Message>): { result: Message } {
  const keyboard = readInlineKeyboard(parameters)
  const conversation = readChat(bot, parameters, 'write')
  const topicId = readTopic(conversation, parameters)
  const replyTo = readReply(conversation, parameters)
  bot.flood.admit(conversation.id)
  const message = conversation.newMessage(bot.user(), {
    ...conversation.placement({ topicId, replyTo }),
    ...content(),
    ...(keyboard === undefined ? {} : { reply_markup: keyboard }),
  })
  if (conversation instanceof GroupChat) conversation.lastBotId = bot.id
  bot.drafts.delete(conversation.id)
  bot.log.changed()
  return { result: structuredClone(message) }
}

/** A keyboard that the request does not name again is taken away, as on Telegram. */
function change({ bot, parameters }: Request, changed: (message: Message) => Message): { result: Message } {
  const keyboard = readInlineKeyboard(parameters)
  if (!parameters.has('chat_id')) throw badRequest('Message identifier is not specified')
  const conversation = readChat(bot, parameters, 'read')
  const message = readMessage(conversation, parameters, 'message to edit')
  if (message.from.id !== bot.id) throw badRequest("message can't be edited")
  const content = without(changed(message), 'reply_markup')
  const after: Message = keyboard === undefined ? content : { ...content, reply_markup: keyboard }
  if (fingerprint(after) === fingerprint(message)) throw badRequest(NOT_MODIFIED)
  bot.flood.admit(conversation.id)
  after.edit_date = nowSeconds()
  conversation.messages.set(message.message_id, after)
  bot.log.changed()
  return { result: structuredClone(after) }
}

function textFields(formatted: FormattedText): Partial<Message> {
  return { text: formatted.text, ...(formatted.entities.length === 0 ? {} : { entities: formatted.entities }) }
}

function readFile({ bot, parameters }: Request, kind: 'photo' | 'document' | 'voice'): StoredFile {
  const upload = parameters.file(kind)
  if (upload !== undefined) {
    if (upload.content.length === 0) throw badRequest('File must be non-empty')
    return bot.telegram.files.add(FOLDERS[kind], upload)
  }
  if (!parameters.has(kind)) throw badRequest(`There is no ${kind} in the request`)
  const file = bot.telegram.files.byId(parameters.text(kind))
  if (file === undefined) throw badRequest('Wrong file identifier/HTTP URL specified')
  return file
}

function mayDelete(bot: Bot, conversation: Conversation, message: Message): boolean {
  return message.from.id === bot.id || !(conversation instanceof GroupChat)
}

/** What counts when Telegram asks whether an edit changes anything. */
function fingerprint(message: Message): string {
  const { text, entities, caption, caption_entities, reply_markup } = message
  return JSON.stringify([text, entities, caption, caption_entities, reply_markup])
}

function without(
  message: Message,
  ...fields: ('text' | 'entities' | 'caption' | 'caption_entities' | 'reply_markup')[]
) {
  const copy = { ...message }
  for (const field of fields) delete copy[field]
  return copy
}

const FOLDERS = { photo: 'photos', document: 'documents', voice: 'voice' } as const

const NOT_MODIFIED =
  'message is not modified: specified new message content and reply markup are exactly the same as a current content ' +
  'and reply markup of the message'

export const messageMethods = {
  sendMessage,
  sendPhoto,
  sendDocument,
  sendVoice,
  editMessageText,
  editMessageCaption,
  editMessageReplyMarkup,
  deleteMessage,
  deleteMessages,
} satisfies Record<string, Method>
