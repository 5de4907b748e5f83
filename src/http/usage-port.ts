// Usage port: what was used, as the port tells it.

export interface UsageView {
  readonly agents: readonly (UsagePeriods & { readonly agent: string })[]
  readonly users: readonly (UsagePeriods & { readonly agent: string; readonly user: string })[]
}

export interface UsagePeriods {
  /** Since midnight UTC. */
  readonly today: UsageTotalsView
  readonly last_30_days: UsageTotalsView
}

export interface UsageTotalsView extends AmountView {
  readonly runs: number
  /** As much of it as no provider told: of requests that were cut, above all. */
  readonly estimated: AmountView
  /** How much speech was made text. */
  readonly speech_seconds: number
}

export interface AmountView {
  readonly input_tokens: number
  readonly output_tokens: number
  /** null: no model that was used has prices. */
  readonly cost: number | null
}
