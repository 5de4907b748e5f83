// Definitions: the plain types of a loaded gateway.yaml.
//   A1. A definition is frozen plain data: JSON.parse(JSON.stringify(d)) equals d.
//   A3. A definition holds no secret's value: a secret is a reference to its place in the file.
// Optional keys of the file are filled with their defaults; "not given" is null, never undefined.

import type { AgentHookEvent, GatewayHookEvent, HooksOf } from './hooks.ts'
import type { Phase } from './phases.ts'

/** Where in the file a secret stands, for example `channels.telegram_cfo.token`; resolved when it is used. */
export interface SecretReference {
  readonly secret: string
  /** Which of the values that stood there since the start; left out: the first. A replaced value makes another definition. */
  readonly renewed?: number
}

export interface GatewayDefinition {
  readonly gateway: GatewaySettings
  readonly agents: Readonly<Record<string, AgentDefinition>>
  /** In the order of the file: the roll call keeps it. */
  readonly channels: Readonly<Record<string, ChannelDefinition>>
  /** By name, in the order of the file. */
  readonly schedules: Readonly<Record<string, ScheduleDefinition>>
  /** Those of every agent stand in each of them. */
  readonly hooks: HooksOf<GatewayHookEvent>
  /** What those hooks need and was not found at the start, or not as it must be. No channel fails for it: they are told after the fact. */
  readonly lacking: readonly Lack[]
}

/** A text that is said to an agent again and again, at times of its own. */
export interface ScheduleDefinition {
  readonly name: string
  /** Minute, hour, day of the month, month, weekday. */
  readonly cron: string
  /** Where its hours are counted; an IANA name. */
  readonly timeZone: string
  /** null: the channel's default. */
  readonly agent: string | null
  readonly channel: string
  readonly conversation: string
  readonly text: string
}

export interface GatewaySettings {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly token: SecretReference | null
  /** Absolute path of the data folder. */
  readonly data: string
  readonly drainMs: number
  readonly concurrentRuns: number
  readonly passivateAfterMs: number
  /** A working folder of a session that was not used for so long is removed at a start. */
  readonly workdirKeepMs: number
  /** Whether clients of the OpenAI API may talk to the agents: see openai.ts. */
  readonly openaiApi: boolean
  /** Origins of web pages, as a browser names them, that may use the OpenAI API and the web channels; empty: only our own page may. */
  readonly allowedOrigins: readonly string[]
}

export interface AgentDefinition {
  readonly id: string
  readonly instructions: string
  readonly model: ModelDefinition
  /** Asked in this order when the one before is overloaded, asked too often or away. */
  readonly fallbackModels: readonly ModelDefinition[]
  /** Whether its models are shown pictures; `auto`: those that are known to take them. */
  readonly vision: 'auto' | 'always' | 'never'
  /** What describes pictures where its own model is shown none; null: nothing does. */
  readonly describeWith: DescriberDefinition | null
  /** What makes text of speech; null: nothing does. */
  readonly transcription: TranscriptionDefinition | null
  /** From this part of the model's context on the history is summarised before a run. */
  readonly compactAt: number
  /** What may be used of it in a day; null: as much as anybody asks for. */
  readonly budget: Budget | null
  /** What it can do besides talking: names of built-in tools, or absolute paths of a user's own modules. */
  readonly tools: readonly string[]
  /** MCP servers whose tools it may use, by name. */
  readonly mcp: Readonly<Record<string, McpDefinition>>
  /** By tool name, or by `prefix.*`; what stands in neither is asked for when the tool changes something. */
  readonly approval: Readonly<Record<string, ApprovalPolicy>>
  /** After this long an approval that waits is a no. */
  readonly approvalTimeoutMs: number
  /** Who may approve, as in `allowedUsers`; empty: whoever may speak in the conversation. */
  readonly approvers: readonly string[]
  /** Model answers in one run. */
  readonly maxSteps: number
  readonly runTimeoutMs: number
  /** The working folder of its tools: made for each run, for each session, or a given absolute path. */
  readonly workdir: 'per_run' | 'per_session' | { readonly path: string }
  /** Executables that must be there: names in PATH, or absolute paths. */
  readonly requires: readonly string[]
  /** Hosts that its http tools may reach although they are not public: `host` or `host:port`, as a URL would name them. */
  readonly httpAllow: readonly string[]
  /** Programs that are told of its turns. */
  readonly hooks: HooksOf<AgentHookEvent>
  /** What it needs and was not found at the start, or not as it must be; not empty: its channels fail by name. */
  readonly lacking: readonly Lack[]
  /** Variables that the file names for this agent and that are not set; not empty: its channels fail by name. */
  readonly missing: readonly string[]
}

export interface Budget {
  readonly tokensPerDay: number
  readonly per: 'user' | 'session' | 'agent'
}

/** Something that a definition needs and that is not there, or not as it must be. */
export interface Lack {
  /** In which phase of a start it is looked for. */
  readonly phase: Phase
  /** For example `pandoc is not in PATH`. */
  readonly what: string
  /** What a person can do about it; one sentence. */
  readonly remedy: string
}

/** Whatever may hold a secret is a reference (A3): an address and an argument too. */
export type McpDefinition =
  | {
      readonly transport: 'stdio'
      /** An executable in PATH, or an absolute path. */
      readonly command: string
      readonly args: readonly SecretReference[]
      /** All of its environment but PATH, HOME, LANG and TMPDIR. */
      readonly env: Readonly<Record<string, SecretReference>>
      /** Where it is started: the folder of the file. */
      readonly folder: string
      readonly timeoutMs: number
    }
  | {
      readonly transport: 'http'
      readonly url: SecretReference
      readonly headers: Readonly<Record<string, SecretReference>>
      /** What a call may take. */
      readonly timeoutMs: number
    }

export type ApprovalPolicy = 'ask' | 'allow' | 'deny'

export type ModelDefinition =
  | { readonly provider: 'echo'; readonly delayMs: number }
  | {
      readonly provider: 'openai-compatible'
      readonly name: string
      readonly baseUrl: string
      readonly apiKey: SecretReference | null
      readonly contextTokens: number
      readonly prices: Prices | null
    }
  | {
      readonly provider: 'openai' | 'anthropic' | 'google'
      readonly name: string
      /** null: the provider's usual endpoint. */
      readonly baseUrl: string | null
      /** Defaults to the provider's usual variable (OPENAI_API_KEY, …), as a reference. */
      readonly apiKey: SecretReference
      /** How much it takes in at once. */
      readonly contextTokens: number
      readonly prices: Prices | null
    }

/** A model that looks at pictures for another one. */
export type DescriberDefinition = Exclude<ModelDefinition, { provider: 'echo' }>

export type TranscriptionDefinition =
  | {
      readonly provider: 'openai-compatible'
      readonly name: string
      readonly baseUrl: string
      readonly apiKey: SecretReference | null
      readonly prices: SpeechPrices | null
    }
  | {
      readonly provider: 'openai'
      readonly name: string
      /** null: the provider's usual endpoint. */
      readonly baseUrl: string | null
      readonly apiKey: SecretReference
      readonly prices: SpeechPrices | null
    }

/** What speech costs is the sum of it; what the file does not give is 0. */
export interface SpeechPrices extends Prices {
  readonly perMinute: number
}

/** For a million tokens, in whatever currency the operator counts. */
export interface Prices {
  readonly inputPerMillion: number
  readonly outputPerMillion: number
}

export type UnknownUserPolicy = 'deny' | 'pair' | 'allow'
export type GroupPolicy = 'mention_only' | 'respond_all' | 'command_only'
export type SessionScope = 'per_chat' | 'per_user'
export type BusyMode = 'queue' | 'interrupt' | 'steer' | 'collect'

export interface ResetPolicy {
  /** After so long a silence; null: no silence is too long. */
  readonly idleMs: number | null
  /** At this hour of each day, in this time zone (an IANA name); null: at none. */
  readonly daily: { readonly atHour: number; readonly timeZone: string } | null
}

export type Setting = string | number | boolean

export interface ChannelDefinition {
  readonly id: string
  readonly platform: string
  /** Agent ids; `dm` and `group` are null where `default` serves. */
  readonly routes: { readonly default: string; readonly dm: string | null; readonly group: string | null }
  /** Platform user ids as decimal strings, or `@handle` in lower case. */
  readonly allowedUsers: readonly string[]
  readonly unknownUserPolicy: UnknownUserPolicy
  readonly groupPolicy: GroupPolicy
  readonly sessionScope: SessionScope
  readonly busyMode: BusyMode
  /** Messages that may wait per session. */
  readonly queueLimit: number
  /** What becomes of as much of an answer as people had seen when its run was cancelled. */
  readonly partialAnswers: 'keep' | 'drop'
  /** When its conversations begin anew by themselves; null: never. */
  readonly reset: ResetPolicy | null
  /** What a connection is made of, beside the platform: another one of these, and the channel connects anew. */
  readonly token: SecretReference | null
  readonly apiRoot: string | null
  /** The user's own module that speaks to its platform, an absolute path; null: the platform is built in. */
  readonly module: string | null
  /** What only its platform knows, by its key in the file: of a module what stands under `settings`. */
  readonly settings: Readonly<Record<string, Setting>>
  /** What of it is there and cannot be right, such as a token of the wrong form; not empty: the channel fails by name. */
  readonly lacking: readonly Lack[]
  /** Variables that the file names for this channel and that are not set; not empty: the channel fails by name. */
  readonly missing: readonly string[]
}
