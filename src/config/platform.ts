// Platform: what gateway.yaml knows of one platform: its keys, and how people, conversations and tokens are written there. The contract
// of the files platform-*.ts, and the keys that every channel has. Nothing else in this folder knows a platform by its name.

import type { GroupPolicy, Setting, UnknownUserPolicy } from '../../machines/definitions.ts'
import { agentId, choice, people, text, wholeNumber, z } from './kinds.ts'

export interface PlatformKeys {
  /**
   * Every key that has an effect there: those of every channel (`channelShape`), and its own. One that no other platform has arrives in
   * the definition's `settings`, by its name; it takes a text, a number, or true or false.
   */
  readonly schema: z.ZodObject & z.ZodType<ChannelKeys>
  /** Keys that other platforms have and that would do nothing here, and why, by what is written below the channel: `routes.dm`. */
  readonly withoutEffect: Readonly<Record<string, string>>
  /** Its people come through the gateway's own port: the port's token lets them in, unless `allowed_users` is given. */
  readonly isOnPort: boolean
  /** An entry of `allowed_users`, in the form in which its senders come; it has no space around it, and is not empty. */
  personOf(text: string): Person
  /** How a schedule names a conversation; null: any name is one. */
  readonly conversation: { readonly pattern: RegExp; readonly expected: string } | null
  /** What its tokens look like, each of which is one bot's; null: it has none, or any text is one. */
  readonly token: CredentialForm | null
  /** The `api_root` of a channel that gives none. */
  readonly usualRoot: string
}

export type Person = { readonly user: string } | { readonly mistake: string }

export interface CredentialForm {
  /** As a person calls it. */
  readonly is: string
  readonly pattern: RegExp
  readonly remedy: string
  /** Whoever gives them has never changed the form: what is of another one cannot be right. */
  readonly isFixed: boolean
}

/** What can be read of a channel, whatever its platform; keys that some platforms lack may be left out. */
export interface ChannelKeys extends z.infer<z.ZodObject<typeof channelShape>> {
  readonly platform: string
  readonly routes?: { readonly [kind in 'default' | 'dm' | 'group']?: string | undefined } | undefined
  readonly unknown_user_policy?: UnknownUserPolicy | undefined
  readonly group_policy?: GroupPolicy | undefined
  readonly token?: string | undefined
  readonly api_root?: string | undefined
  readonly module?: string | undefined
  readonly settings?: Readonly<Record<string, Setting>> | undefined
}

const MINUTES_OF_A_YEAR = 525_600
const QUEUE_MAX = 100_000

const reset = z
  .strictObject({
    mode: choice(['idle', 'daily', 'both']).describe(
      'idle: after a silence. daily: at an hour of each day. both: whichever comes first.',
    ),
    idle_minutes: wholeNumber(1, MINUTES_OF_A_YEAR).prefault(1_440).describe('How long the silence is.'),
    at_hour: wholeNumber(0, 23).prefault(4).describe('The hour at which a day begins.'),
    time_zone: text('expected a time zone such as Europe/Berlin')
      .optional()
      .describe("Where that hour is, for example Europe/Berlin. Default: the machine's."),
  })
  .describe('When a conversation begins anew by itself; its next message is told so. The transcript is kept.')

/** The keys of every channel, whatever its platform. */
export const channelShape = {
  agent: agentId.optional().describe('The agent that answers here: short for routes: { default: … }.'),
  allowed_users: people.describe('Who may talk to the agent: ids, as numbers or in quotes, or "@handle".'),
  session_scope: choice(['per_chat', 'per_user'])
    .prefault('per_chat')
    .describe(
      'per_chat: everyone in a conversation shares one session; a topic is its own conversation. per_user: a session for each person.',
    ),
  busy_mode: choice(['queue', 'interrupt', 'steer', 'collect'])
    .prefault('queue')
    .describe(
      'Messages during a run. queue: each its own later turn. collect: all that wait become one turn. interrupt: the run is cancelled. steer: given to the run at its next step.',
    ),
  queue_limit: wholeNumber(1, QUEUE_MAX)
    .prefault(32)
    .describe('Messages that wait per session; over it the sender is told that the message was not kept.'),
  partial_answers: choice(['keep', 'drop'])
    .prefault('keep')
    .describe(
      'When /stop or an interrupt cancels a run. keep: the next turn knows what had been said until then. drop: it knows only what was asked.',
    ),
  session: z.strictObject({ reset }).optional().describe('How long a conversation is one.'),
}

export const strangers = choice(['deny', 'pair', 'allow'])
export const routeDefault = agentId.optional().describe('The agent for everything that has no route of its own.')

/** The keys of platforms to which people come from elsewhere, some of them in groups. */
export const outsideShape = {
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
}

const SHARED_KEYS: ReadonlySet<string> = new Set(
  [...Object.keys(channelShape), ...Object.keys(outsideShape)].concat(
    'platform',
    'token',
    'api_root',
    'module',
    'settings',
  ),
)

/** What only its platform knows of a channel. */
export function settingsOf(keys: ChannelKeys | null): Record<string, Setting> {
  const own = Object.entries<unknown>({ ...keys }).filter(([key]) => !SHARED_KEYS.has(key))
  return Object.fromEntries([...own, ...Object.entries(keys?.settings ?? {})].filter(isSetting))
}

function isSetting(entry: readonly [string, unknown]): entry is [string, Setting] {
  return ['string', 'number', 'boolean'].includes(typeof entry[1])
}
