// Groups: a group as a test holds it.

import type { BotStatus, GroupChat } from './chats.ts'
import { nowSeconds } from './chats.ts'
import type { BotHandle, Group, Person, Said, SaysOptions, ShownMessage } from './control.ts'
import { PersonHandle } from './people.ts'
import { shownMessages } from './shown.ts'
import { ownBot } from './speak.ts'
import type { Telegram } from './telegram.ts'
import type { User } from './wire.ts'

export class GroupHandle implements Group {
  readonly chat: GroupChat
  readonly #telegram: Telegram

  constructor(telegram: Telegram, chat: GroupChat) {
    this.#telegram = telegram
    this.chat = chat
  }

  get id(): number {
    return this.chat.id
  }

  get title(): string {
    return this.chat.title
  }

  get members(): readonly Person[] {
    return [...this.chat.people.values()]
  }

  says(person: Person, text: string, options?: SaysOptions): Said {
    return person.says(this, text, options)
  }

  addBot(handle: BotHandle): void {
    this.changeBot(handle, 'member')
  }

  kicks(handle: BotHandle): void {
    this.changeBot(handle, 'kicked')
  }

  /** The bot learns of it by a `my_chat_member` update, as on Telegram. */
  changeBot(handle: BotHandle, status: BotStatus): void {
    const bot = ownBot(handle)
    const before = this.chat.bots.get(bot.id) ?? 'left'
    if (before === status) return
    this.chat.bots.set(bot.id, status)
    bot.receive({
      my_chat_member: {
        chat: this.chat.chat(),
        from: status === 'left' ? bot.user() : this.#someMember(),
        date: nowSeconds(),
        old_chat_member: this.chat.member(bot.user(), before),
        new_chat_member: this.chat.member(bot.user(), status),
      },
    })
  }

  join(person: Person): void {
    if (!(person instanceof PersonHandle)) throw new Error('Only a person of this server can join its group.')
    this.chat.people.set(person.id, person)
  }

  topic(name: string): number {
    if (!this.chat.forum) throw new Error('Only a forum has topics: make the group with `forum: true`.')
    const message = this.chat.newMessage(this.#someMember(), {
      forum_topic_created: { name, icon_color: 7322096 },
      is_topic_message: true,
    })
    message.message_thread_id = message.message_id
    this.chat.topics.set(message.message_id, name)
    return message.message_id
  }

  shown(topicId?: number): readonly ShownMessage[] {
    return shownMessages(this.chat, topicId)
  }

  #someMember(): User {
    const member = [...this.chat.people.values()][0] ?? this.#telegram.addPerson()
    this.chat.people.set(member.id, member)
    return member.user()
  }
}
