// Schema: every key of gateway.yaml, what it takes, its default and its explanation.
//   One source: reading, the JSON Schema for editors and the suggestions all come from here.
//   A platform or provider has exactly the keys that have an effect on it; a secret is read as its reference, never as its value.

import { agentId, choice, decimal, duration, options, people, secret, text, url, wholeNumber, z } from './kinds.ts'
import { ORIGIN } from './origins.ts'
import { hooksForEditors } from './hook-schema.ts'
import { mcpServers } from './mcp-schema.ts'
import { modelSchemas, shortModel } from './model-schema.ts'
import { shortTranscription, transcriptionSchemas } from './transcription.ts'
import { scheduleSchema } from './schedule-schema.ts'
import { visionForEditors } from './vision.ts'

/** Ids stand in URLs, log lines and file names. */
export const ID = /^[A-Za-z0-9_.-]{1,64}$/

/** A session that leaves memory right after its answer would be loaded for each message; a tenth of a blink is enough. */
const PASSIVATE_MS_MIN = 10

const RUNS_MAX = 10_000
const QUEUE_MAX = 100_000
const STEPS_MAX = 1_000

/** More than any account can pay for. */
const TOKENS_MAX = 1_000_000_000_000

// --- gateway ------------------------------------------------------------------------------------------------------

export const gatewaySchema = z
  .strictObject({
    host: text('expected a host name or address')
      .prefault('127.0.0.1')
      .describe('Where the port listens. An address beyond loopback needs a token.'),
    port: wholeNumber(0, 65_535)
      .prefault(8765)
      .describe('The one port: health, status, console and web channels. 0: any free port, printed at start.'),
    token: secret('a token')
      .optional()
      .describe('Bearer token for everything but /healthz and /readyz. Best given as a variable: ${TROUPE_TOKEN}.'),
    data: text('expected a folder')
      .prefault('./.troupe')
      .describe('Folder for the store and working folders; relative to this file.'),
    drain: duration(0, '20s').prefault('20s').describe('How long running turns get to finish at shutdown.'),
    concurrent_runs: wholeNumber(1, RUNS_MAX)
      .prefault(64)
      .describe('Agent runs at once in this process; further sessions wait as pending.'),
    passivate_after: duration(PASSIVATE_MS_MIN, '5m')
      .prefault('5m')
      .describe('An idle session leaves memory after this time; its next message brings it back.'),
    workdir_keep: duration(0, '30d', 'age')
      .prefault('30d')
      .describe("A session's working folder that nobody used for so long is removed at the next start."),
    openai_api: z
      .boolean({ error: 'expected true or false' })
      .prefault(true)
      .describe('Clients of the OpenAI API may talk to the agents at /v1, each agent a model. false: there is no /v1.'),
    allowed_origins: z
      .array(text(`expected ${ORIGIN}`), { error: 'expected a list such as ["https://chat.example"]' })
      .prefault([])
      .describe(
        'Web pages from elsewhere that may use /v1 and the web channels, by their exact origins such as https://chat.example.',
      ),
  })
  .describe('Settings of the whole process.')

// --- agents -------------------------------------------------------------------------------------------------------

const instructions = z.string({ error: 'expected text, or a file such as { file: ./ops.md }' }).prefault('')

const instructionsFile = z.strictObject({
  file: text('expected the path of a file').describe('A text file; a relative path begins beside this one.'),
})

const TOOL = 'expected files, shell, http, memory, or the path of a module such as ./tools/invoice.ts'
const FOLDER = 'expected per_run, per_session, or a path such as ./work'
const HOST = 'expected hosts such as ["127.0.0.1:8080", "intranet.example"]'

const agentShape = {
  compact_at: decimal(0.1, 0.95)
    .prefault(0.8)
    .describe(
      'From this part of the model’s context on the history is summarised before a run. The whole of it is kept.',
    ),
  budget: z
    .strictObject({
      tokens_per_day: wholeNumber(1, TOKENS_MAX).describe('Tokens read and written together. A day is UTC’s.'),
      per: choice(['user', 'session', 'agent'])
        .prefault('user')
        .describe('user: for each person of a channel. session: for each conversation. agent: for all together.'),
    })
    .optional()
    .describe('What may be used in a day. Who is over it is told when it begins anew, and no model is asked.'),
  tools: z
    .array(text(TOOL), { error: 'expected a list such as [files, ./tools/invoice.ts]' })
    .prefault([])
    .describe('What it can do besides talking: files, shell, http, memory, or the path of a module of your own.'),
  mcp: mcpServers,
  approval: z
    .record(z.string(), choice(['ask', 'allow', 'deny']))
    .prefault({})
    .describe(
      'By tool, by a word of tools, or by SERVER.*. ask: a person is asked first. Default: ask when it changes something.',
    ),
  approval_timeout: duration(1_000, '5m').prefault('5m').describe('An approval that nobody gave by then is a no.'),
  approvers: people.describe('Who may approve, as in allowed_users. Default: whoever may speak in the conversation.'),
  max_steps: wholeNumber(1, STEPS_MAX).prefault(16).describe('Answers of the model in one run; each may use tools.'),
  run_timeout: duration(1_000, '10m')
    .prefault('10m')
    .describe('A run that takes longer is ended, and its sender told.'),
  workdir: text(FOLDER)
    .prefault('per_session')
    .describe('Where its tools work. per_run: a new folder each time. per_session: one for each session. Or a path.'),
  shared_workdir: z
    .boolean({ error: 'expected true or false' })
    .prefault(false)
    .describe('true: this agent and another one work in the same folder, on purpose.'),
  requires: z
    .array(text("expected an executable's name or path"), { error: 'expected a list such as [git, pandoc]' })
    .prefault([])
    .describe('Executables that its tools need; without one of them its channels do not start.'),
  http: z
    .strictObject({ allow: z.array(text(HOST), { error: HOST }).describe('Hosts, each with or without a port.') })
    .optional()
    .describe('Hosts that are not public and that its http tools may reach all the same.'),
}

/** An agent without its models, which are read by provider. */
export const agentSchema = z.strictObject({
  ...agentShape,
  instructions,
  model: z.unknown().optional(),
  hooks: z.unknown().optional(),
  fallback_models: z.unknown().optional(),
  vision: z.unknown().optional(),
  transcription: z.unknown().optional(),
})

/** The same when its instructions are a mapping. */
export const agentWithFileSchema = agentSchema.extend({ instructions: instructionsFile })

// --- channels -----------------------------------------------------------------------------------------------------

const MINUTES_OF_A_YEAR = 525_600

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

const channelShape = {
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

const strangers = choice(['deny', 'pair', 'allow'])
const routeDefault = agentId.optional().describe('The agent for everything that has no route of its own.')

/** A channel's keys, by platform. */
export const channelSchemas = {
  telegram: z.strictObject({
    platform: z.literal('telegram').describe('A Telegram bot.'),
    ...channelShape,
    token: secret("the bot's token").describe(
      "The bot's token from @BotFather. Best given as a variable: ${CFO_BOT_TOKEN}.",
    ),
    api_root: url.prefault('https://api.telegram.org').describe('Another Bot API server.'),
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
  web: z.strictObject({
    platform: z.literal('web').describe("A channel on the gateway's own port and console page."),
    ...channelShape,
    routes: z.strictObject({ default: routeDefault }).optional().describe('Agents by kind of conversation.'),
    unknown_user_policy: strangers
      .optional()
      .describe(
        'Somebody who is not in allowed_users. Default: deny when allowed_users is given; otherwise allow, for the port lets people in.',
      ),
  }),
}

export const PLATFORMS = Object.keys(channelSchemas) as (keyof typeof channelSchemas)[] // as: its own keys

// --- the whole file -----------------------------------------------------------------------------------------------

export const FILE_KEYS = ['gateway', 'agents', 'channels', 'schedules', 'hooks'] as const

/** The file's schema as JSON, as it stands; gateway.schema.json is made from it. */
export function plainJsonSchema(): Record<string, unknown> {
  const model = z.union([shortModel, z.discriminatedUnion('provider', options(modelSchemas))])
  const fallbackModels = z
    .array(model)
    .optional()
    .describe('Models that answer in its place, in this order, when it is overloaded, asked too often or away.')
  const agent = z.strictObject({
    instructions: z
      .union([instructions, instructionsFile])
      .optional()
      .describe('What the agent is told before every conversation: text, or a file with it.'),
    ...agentShape,
    model: model.describe('What the agent thinks with.'),
    fallback_models: fallbackModels,
    vision: visionForEditors().optional(),
    transcription: z
      .union([shortTranscription, z.discriminatedUnion('provider', options(transcriptionSchemas))])
      .optional()
      .describe('What makes text of voice messages and recordings. Without it their sender is told to write.'),
    hooks: hooksForEditors.agent,
  })
  const channel = z.discriminatedUnion('platform', options(channelSchemas))
  const id = z.string().regex(ID)
  const file = z.strictObject({
    gateway: gatewaySchema.optional(),
    agents: z.record(id, agent.describe('An agent definition: plain data.')).describe('The agents, by id.'),
    channels: z
      .record(id, channel.describe('A way in and out.'))
      .describe('The channels, by id, in the order of the roll call.'),
    schedules: z.array(scheduleSchema).optional().describe('Texts that agents are told at times of their own.'),
    hooks: hooksForEditors.all,
  })
  return { ...z.toJSONSchema(file, { io: 'input', target: 'draft-7' }) }
}

export type GatewayKeys = z.infer<typeof gatewaySchema>
export type AgentKeys = z.infer<typeof agentSchema> | z.infer<typeof agentWithFileSchema>
export type ChannelKeys = z.infer<(typeof channelSchemas)[keyof typeof channelSchemas]>
