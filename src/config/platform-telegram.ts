// Telegram in gateway.yaml: the keys of a bot, and how people, chats and tokens are written there.

import { secret, url, z } from './kinds.ts'
import { channelShape, outsideShape, type Person, type PlatformKeys } from './platform.ts'

const API_ROOT = 'https://api.telegram.org'

export const telegram = {
  schema: z.strictObject({
    platform: z.literal('telegram').describe('A Telegram bot.'),
    ...channelShape,
    token: secret("the bot's token").describe(
      "The bot's token from @BotFather. Best given as a variable: ${CFO_BOT_TOKEN}.",
    ),
    api_root: url.prefault(API_ROOT).describe('Another Bot API server.'),
    ...outsideShape,
  }),
  withoutEffect: {
    module: 'has no effect on a telegram channel: set platform: module for a channel of your own',
    settings: 'has no effect on a telegram channel: set platform: module for a channel of your own',
  },
  isOnPort: false,
  personOf,
  // A bot knows chats by their numbers alone.
  conversation: {
    pattern: /^-?[1-9]\d{0,15}(:[1-9]\d{0,15})?$/,
    expected: "expected a chat's number such as 12345, or CHAT:TOPIC",
  },
  token: {
    is: 'the token of a Telegram bot',
    pattern: /^\d+:[A-Za-z0-9_-]+$/,
    remedy: 'take the one that @BotFather gave, such as 123456789:AAE…',
    isFixed: true,
  },
  usualRoot: API_ROOT,
} as const satisfies PlatformKeys

function personOf(text: string): Person {
  if (/^[1-9]\d{0,19}$/.test(text)) return { user: text }
  // Handles do not begin with a digit, so a bare one cannot be taken for an id.
  const handle = /^@?([a-z]\w{0,31})$/i.exec(text)?.[1]
  if (handle !== undefined) return { user: `@${handle.toLowerCase()}` }
  return { mistake: 'expected a person\'s id (a whole number above 0) or "@handle"' }
}
