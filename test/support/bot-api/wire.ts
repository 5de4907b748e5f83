// Wire: the Bot API's objects as far as this server speaks them. Names and shapes are Telegram's, not Troupe's.

export interface User {
  id: number
  is_bot: boolean
  first_name: string
  last_name?: string
  username?: string
  language_code?: string
}

export interface BotUser extends User {
  can_join_groups: boolean
  can_read_all_group_messages: boolean
  supports_inline_queries: boolean
  can_connect_to_business: boolean
  has_main_web_app: boolean
  has_topics_enabled: boolean
}

export interface Chat {
  id: number
  type: 'private' | 'group' | 'supergroup'
  title?: string
  username?: string
  first_name?: string
  is_forum?: true
}

export interface MessageEntity {
  type: string
  offset: number
  length: number
  url?: string
  user?: User
  language?: string
  custom_emoji_id?: string
}

export interface PhotoSize {
  file_id: string
  file_unique_id: string
  width: number
  height: number
  file_size: number
}

export interface FileObject {
  file_id: string
  file_unique_id: string
  file_size: number
  file_name?: string
  mime_type?: string
  duration?: number
}

export interface InlineKeyboardButton {
  text: string
  callback_data?: string
  url?: string
  [other: string]: unknown
}

export interface InlineKeyboardMarkup {
  inline_keyboard: InlineKeyboardButton[][]
}

export type MessageOrigin =
  | { type: 'user'; sender_user: User; date: number }
  | { type: 'hidden_user'; sender_user_name: string; date: number }

export interface Message {
  message_id: number
  message_thread_id?: number
  is_topic_message?: true
  from: User
  chat: Chat
  /** Seconds since 1970. */
  date: number
  edit_date?: number
  forward_origin?: MessageOrigin
  reply_to_message?: Message
  media_group_id?: string
  text?: string
  entities?: MessageEntity[]
  caption?: string
  caption_entities?: MessageEntity[]
  photo?: PhotoSize[]
  document?: FileObject
  voice?: FileObject
  reply_markup?: InlineKeyboardMarkup
  new_chat_members?: User[]
  left_chat_member?: User
  forum_topic_created?: { name: string; icon_color: number }
}

export interface CallbackQuery {
  id: string
  from: User
  message: Message
  chat_instance: string
  data: string
}

export interface ChatMemberUpdated {
  chat: Chat
  from: User
  date: number
  old_chat_member: ChatMember
  new_chat_member: ChatMember
}

export interface ChatMember {
  status: 'creator' | 'administrator' | 'member' | 'restricted' | 'left' | 'kicked'
  user: User
  until_date?: number
  [right: string]: unknown
}

export interface UpdateContent {
  message?: Message
  edited_message?: Message
  callback_query?: CallbackQuery
  my_chat_member?: ChatMemberUpdated
}

export interface Update extends UpdateContent {
  update_id: number
}
