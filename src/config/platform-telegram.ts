// Telegram in gateway.yaml: the keys of a bot, and how people, chats and tokens are written there.

import { agentId, choice, secret, url, z } from './kinds.ts'
import { channelShape, type Person, type PlatformKeys, routeDefault, strangers } from './platform.ts'

const API_ROOT = 'https://api.telegram.org'

export const telegram = {
  schema: z.strictObject({
    platform: z.literal('telegram').describe('A Telegram bot.'),
    ...channelShape,
    token: secret("the bot's token").describe(
      "The bot's token from @BotFather. Best given as a variable: ${CFO_BOT_TOKEN}.",
    ),
    api_root: url.prefault(API_ROOT).describe('Another Bot API server.'),
    routes: z
      .strictObject({
        default: routeDefault,
        dm: agentId.optional().describe('The agent for direct messages.'),
        group: agentId.optional().describe('The agent for groups.'),
      })
      .optional()
      .describe('Agents by kind of conversation.'),
    unknown_user_policy: strangers
      .prefault('deny')
      .describe(
        'Somebody who is not in allowed_users. deny: no answer. pair: gets a code for the operator to approve. allow: may talk.',
      ),
    group_policy: choice(['mention_only', 'respond_all', 'command_only'])
      .prefault('mention_only')
      .describe(
        'Which messages of a group are answered. mention_only: those that name the bot or reply to it. respond_all: all. command_only: commands.',
      ),
  }),
  withoutEffect: {},
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
