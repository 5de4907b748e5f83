// Privacy: which messages of a group a bot is shown. With privacy mode off, all. With it on:
//   - messages that name it: a command with its user name, a mention, a reply to one of its messages, a press of its button;
//   - commands without a name, unless another bot wrote last;
//   - service messages.
// Only people's messages are asked about: bots never see each other's.
// Simplified: administrators' rights and inline messages do not exist here; Telegram's pages disagree about plain mentions,
// and this server follows BotFather, which promises them.

import type { Bot } from './bot.ts'
import type { GroupChat } from './chats.ts'
import type { Message } from './wire.ts'

export function sees(bot: Bot, group: GroupChat, message: Message): boolean {
  if (bot.canReadAllGroupMessages || isService(message)) return true
  if (message.reply_to_message?.from.id === bot.id) return true
  const text = message.text ?? message.caption ?? ''
  const names = (message.entities ?? message.caption_entities ?? [])
    .filter((entity) => entity.type === 'bot_command' || entity.type === 'mention')
    .map((entity) => ({ ...entity, text: text.slice(entity.offset, entity.offset + entity.length).toLowerCase() }))
  const own = `@${bot.username.toLowerCase()}`
  if (names.some((name) => name.text.endsWith(own))) return true
  const general = names.some((name) => name.type === 'bot_command' && !name.text.includes('@'))
  return general && (group.lastBotId === undefined || group.lastBotId === bot.id)
}

function isService(message: Message): boolean {
  return message.new_chat_members !== undefined || message.left_chat_member !== undefined
}
