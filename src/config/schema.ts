// Schema: every key of gateway.yaml, what it takes, its default and its explanation. The only file that knows zod.
//   One source: reading, the JSON Schema for editors and the suggestions all come from here.
//   A platform or provider has exactly the keys that have an effect on it; a secret is read as its reference, never as its value.

import { z } from 'zod'
import { DURATION, LONGEST, milliseconds } from './durations.ts'
import type { Issue, Reading } from './reading.ts'

/** Ids stand in URLs, log lines and file names. */
export const ID = /^[A-Za-z0-9_.-]{1,64}$/

/** A session that leaves memory right after its answer would be loaded for each message; a tenth of a blink is enough. */
const PASSIVATE_MS_MIN = 10

const RUNS_MAX = 10_000
const QUEUE_MAX = 100_000
const STEPS_MAX = 1_000

// --- kinds of values ----------------------------------------------------------------------------------------------

function text(expected: string) {
  return z.string({ error: expected }).min(1, { error: expected })
}

/** Digits in text count too: that is what a variable gives. */
function wholeNumber(min: number, max: number) {
  const error = `expected a whole number from ${min} to ${max}`
  const toNumber = (value: unknown) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value)
  return z.preprocess(toNumber, z.int({ error }).min(min, { error }).max(max, { error }))
}

/** `timer`: as long as a timer can take; a longer one would fire at once. `age`: it is compared with the clock at a start. */
function duration(minMs: number, example: string, kind: keyof typeof LONGEST = 'timer') {
  const { ms: maxMs, days } = LONGEST[kind]
  const error = `expected a duration such as ${example} (units ms, s, m, h, d)`
  const bounds = `expected a duration from ${minMs}ms to ${days}d`
  return z
    .string({ error })
    .regex(DURATION, { error })
    .transform(milliseconds)
    .refine((ms) => ms >= minMs && ms <= maxMs, { error: bounds })
}

function choice<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values)
}

const secret = (what: string) => text(`expected ${what} in quotes, or a variable such as \${NAME}`)
const agentId = text('expected the id of an agent')
const url = text('expected an address that begins with http:// or https://')

const allowedUser = z.union([z.int(), z.string().min(1)], {
  error: 'expected a person\'s id (a whole number) or "@handle" in quotes',
})

const people = z.array(allowedUser, { error: 'expected a list such as [12345, "@anna"]' }).prefault([])

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
  })
  .describe('Settings of the whole process.')

// --- agents -------------------------------------------------------------------------------------------------------

/** Providers with an endpoint of their own, and the variables in which their keys usually are; the first that is set is used. */
export const PROVIDER_VARIABLES = {
  anthropic: ['ANTHROPIC_API_KEY'],
  openai: ['OPENAI_API_KEY'],
  google: ['GOOGLE_GENERATIVE_AI_API_KEY', 'GEMINI_API_KEY'],
} as const

const modelName = text("expected the model's name").describe("The provider's name of the model.")
const apiKey = secret('a key').optional().describe("The key. Default: the provider's usual variable.")

function hostedModel<const Provider extends keyof typeof PROVIDER_VARIABLES>(provider: Provider) {
  return z.strictObject({
    provider: z
      .literal(provider)
      .describe(`A model of this provider; its key is in ${PROVIDER_VARIABLES[provider][0]}.`),
    name: modelName,
    api_key: apiKey,
    base_url: url.optional().describe("Another endpoint than the provider's usual one."),
  })
}

/** A model as a mapping, by provider. */
export const modelSchemas = {
  echo: z.strictObject({
    provider: z.literal('echo').describe('Answers with what it heard; offline, needs nothing.'),
    delay: duration(0, '200ms').prefault('0ms').describe('How long an answer takes.'),
  }),
  'openai-compatible': z.strictObject({
    provider: z
      .literal('openai-compatible')
      .describe('Any server that speaks the OpenAI API, for example a local one.'),
    name: modelName,
    base_url: url.describe('The address of the API, for example http://127.0.0.1:11434/v1.'),
    api_key: secret('a key').optional().describe('The key, when the server wants one.'),
  }),
  anthropic: hostedModel('anthropic'),
  openai: hostedModel('openai'),
  google: hostedModel('google'),
}

/** What can stand before the colon of a model in short. */
export const SHORT_PROVIDERS = Object.keys(PROVIDER_VARIABLES) as (keyof typeof PROVIDER_VARIABLES)[] // as: its own keys

const shortModel = z
  .string()
  .regex(/^(echo|(anthropic|openai|google):\S.*)$/)
  .describe('"echo", or "anthropic:NAME", "openai:NAME", "google:NAME".')

const TOOL = 'expected files, shell, http, memory, or the path of a module such as ./tools/invoice.ts'
const FOLDER = 'expected per_run, per_session, or a path such as ./work'
const HOST = 'expected hosts such as ["127.0.0.1:8080", "intranet.example"]'

const agentShape = {
  instructions: z
    .string({ error: 'expected text' })
    .prefault('')
    .describe('What the agent is told before every conversation.'),
  tools: z
    .array(text(TOOL), { error: 'expected a list such as [files, ./tools/invoice.ts]' })
    .prefault([])
    .describe('What it can do besides talking: files, shell, http, memory, or the path of a module of your own.'),
  approval: z
    .record(z.string(), choice(['ask', 'allow', 'deny']))
    .prefault({})
    .describe('By tool, or by a word of tools. ask: a person is asked first. Default: ask when it changes something.'),
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

/** An agent without its model, which is read by provider. */
export const agentSchema = z.strictObject({ ...agentShape, model: z.unknown().optional() })

// --- channels -----------------------------------------------------------------------------------------------------

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

export const FILE_KEYS = ['gateway', 'agents', 'channels'] as const

/** The file's schema as JSON, as it stands; gateway.schema.json is made from it. */
export function plainJsonSchema(): Record<string, unknown> {
  const model = z.union([shortModel, z.discriminatedUnion('provider', options(modelSchemas))])
  const agent = z.strictObject({ ...agentShape, model: model.describe('What the agent thinks with.') })
  const channel = z.discriminatedUnion('platform', options(channelSchemas))
  const id = z.string().regex(ID)
  const file = z.strictObject({
    gateway: gatewaySchema.optional(),
    agents: z.record(id, agent.describe('An agent definition: plain data.')).describe('The agents, by id.'),
    channels: z
      .record(id, channel.describe('A way in and out.'))
      .describe('The channels, by id, in the order of the roll call.'),
  })
  return { ...z.toJSONSchema(file, { io: 'input', target: 'draft-7' }) }
}

function options<Schemas extends Record<string, z.core.$ZodTypeDiscriminable>>(schemas: Schemas) {
  return Object.values(schemas) as [Schemas[keyof Schemas], ...Schemas[keyof Schemas][]] // as: the tables are not empty
}

// --- reading ------------------------------------------------------------------------------------------------------

/** Holds a plain value against a schema; all issues at once. */
export function read<T>(schema: z.ZodType<T>, value: unknown): Reading<T> {
  const result = schema.safeParse(value)
  if (result.success) return { ok: true, value: result.data }
  return { ok: false, issues: result.error.issues.flatMap(issuesOf) }
}

/** The keys that a mapping schema knows. */
export function keysOf(schema: z.ZodObject): string[] {
  return Object.keys(schema.shape)
}

function issuesOf(issue: z.core.$ZodIssue): Issue[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ kind: 'unknownKey', path: [...path, key], key }))
  if (issue.code === 'invalid_value') return [{ kind: 'choice', path, values: issue.values.map(String) }]
  const mapping = issue.code === 'invalid_type' && (issue.expected === 'object' || issue.expected === 'record')
  return [{ kind: 'wrong', path, expected: mapping ? 'expected a mapping' : issue.message }]
}

export type GatewayKeys = z.infer<typeof gatewaySchema>
export type AgentKeys = z.infer<typeof agentSchema>
export type ModelKeys = z.infer<(typeof modelSchemas)[keyof typeof modelSchemas]>
export type ChannelKeys = z.infer<(typeof channelSchemas)[keyof typeof channelSchemas]>
