// Schema: every key of gateway.yaml, what it takes, its default and its explanation.
//   One source: reading, the JSON Schema for editors and the suggestions all come from here.
//   A platform or provider has exactly the keys that have an effect on it; a secret is read as its reference, never as its value.

import { choice, decimal, duration, options, people, secret, text, wholeNumber, z } from './kinds.ts'
import { ORIGIN } from './origins.ts'
import { hooksForEditors } from './hook-schema.ts'
import { mcpServers } from './mcp-schema.ts'
import { modelSchemas, shortModel } from './model-schema.ts'
import { platforms } from './platforms.ts'
import { shortTranscription, transcriptionSchemas } from './transcription.ts'
import { scheduleSchema } from './schedule-schema.ts'
import { visionForEditors } from './vision.ts'

/** Ids stand in URLs, log lines and file names. */
export const ID = /^[A-Za-z0-9_.-]{1,64}$/

/** A session that leaves memory right after its answer would be loaded for each message; a tenth of a blink is enough. */
const PASSIVATE_MS_MIN = 10

const RUNS_MAX = 10_000
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
  const channelSchemas = [...platforms].map(([name, { schema }]) => [name, schema] as const)
  const channel = z.discriminatedUnion('platform', options(Object.fromEntries(channelSchemas)))
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
