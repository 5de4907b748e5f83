// Shown: a chat as a person's client shows it.

import { type Conversation, GENERAL_TOPIC } from './chats.ts'
import type { ShownMessage } from './control.ts'
import type { Message } from './wire.ts'

/** Oldest first; service messages are left out. `topicId` narrows a forum to one topic. */
export function shownMessages(conversation: Conversation | undefined, topicId?: number): readonly ShownMessage[] {
  const messages = [...(conversation?.messages.values() ?? [])]
  return messages
    .filter((message) => !isService(message))
    .filter((message) => topicId === undefined || (message.message_thread_id ?? GENERAL_TOPIC) === topicId)
    .map(shown)
}

function shown(message: Message): ShownMessage {
  const keyboard = message.reply_markup?.inline_keyboard ?? []
  const answered = message.reply_to_message
  return {
    messageId: message.message_id,
    from: { id: message.from.id, username: message.from.username, isBot: message.from.is_bot },
    text: message.text ?? message.caption ?? '',
    entities: message.entities ?? message.caption_entities ?? [],
    edited: message.edit_date !== undefined,
    replyTo: answered === undefined || isService(answered) ? undefined : answered.message_id,
    topicId: message.message_thread_id,
    buttons: keyboard.map((row) => row.map((button) => ({ text: button.text, data: button.callback_data }))),
    message: structuredClone(message),
  }
}

function isService(message: Message): boolean {
  return [message.new_chat_members, message.left_chat_member, message.forum_topic_created].some(
    (content) => content !== undefined,
  )
}
