// Definitions: the plain types of a loaded gateway.yaml.
//   A1. A definition is frozen plain data: JSON.parse(JSON.stringify(d)) equals d.
//   A3. A definition holds no secret's value: a secret is a reference to its place in the file.
// Optional keys of the file are filled with their defaults; "not given" is null, never undefined.

/** Where in the file a secret stands, for example `channels.telegram_cfo.token`; resolved when it is used. */
export interface SecretReference {
  readonly secret: string
}

export interface GatewayDefinition {
  readonly gateway: GatewaySettings
  readonly agents: Readonly<Record<string, AgentDefinition>>
  /** In the order of the file: the roll call keeps it. */
  readonly channels: Readonly<Record<string, ChannelDefinition>>
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
}

export interface AgentDefinition {
  readonly id: string
  readonly instructions: string
  readonly model: ModelDefinition
  /** Variables that the file names for this agent and that are not set; not empty: its channels fail by name. */
  readonly missing: readonly string[]
}

export type ModelDefinition =
  | { readonly provider: 'echo'; readonly delayMs: number }
  | {
      readonly provider: 'openai-compatible'
      readonly name: string
      readonly baseUrl: string
      readonly apiKey: SecretReference | null
    }
  | {
      readonly provider: 'openai' | 'anthropic' | 'google'
      readonly name: string
      /** null: the provider's usual endpoint. */
      readonly baseUrl: string | null
      /** Defaults to the provider's usual variable (OPENAI_API_KEY, …), as a reference. */
      readonly apiKey: SecretReference
    }

export type UnknownUserPolicy = 'deny' | 'pair' | 'allow'
export type GroupPolicy = 'mention_only' | 'respond_all' | 'command_only'
export type SessionScope = 'per_chat' | 'per_user'
export type BusyMode = 'queue' | 'interrupt' | 'steer' | 'collect'

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
  /** What only this platform knows: for telegram `token` and `apiRoot`. */
  readonly token: SecretReference | null
  readonly apiRoot: string | null
  /** Variables that the file names for this channel and that are not set; not empty: the channel fails by name. */
  readonly missing: readonly string[]
}
