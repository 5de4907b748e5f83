// Usage: what requests to models took, in tokens, and whose account it goes to. Pure.
//   A day is UTC's, as in the providers' own bills. What a turn takes goes to the day on which it began.
//   What a provider told is counted as it says. What nobody told, above all of a request that was cut, is estimated (estimate.ts),
//   counted, and marked as an estimate wherever it is told.

import type { Sender } from './messages.ts'

export interface Amount {
  readonly inputTokens: number
  readonly outputTokens: number
  /** In the currency of the definition's prices; null: it gives none. */
  readonly cost: number | null
}

/** What one request took. */
export interface Spent extends Amount {
  /** As much of it as its provider did not tell; left out: nothing. */
  readonly estimated?: Amount
  /** So much speech was made text; left out: none. */
  readonly speechSeconds?: number
}

/** Whether the provider counted all of it. */
export function isTold(spent: Spent | null | undefined): spent is Spent {
  return spent != null && spent.estimated === undefined
}

/** Who gave an answer, and what it took; null where nobody can say. */
export interface Credit {
  readonly model: string
  readonly spent: Spent | null
}

/** What is added up. */
export interface UsageTotals extends Amount {
  /** Turns that came to an answer or a failure. */
  readonly runs: number
  /** As much of it as is an estimate. */
  readonly estimated: Amount
  /** How much speech was made text; its tokens are in the others. */
  readonly speechSeconds: number
}

/** Part of a commit: what is added to one account. */
export interface UsageEntry extends UsageTotals, Account {}

export interface Account {
  /** Counted from 1970. */
  readonly day: number
  readonly agent: string
  /** The person who asked for the turn, as `personOf` names them. */
  readonly user: string
}

export interface Asked {
  readonly agent: string
  readonly channel: string
  readonly sender: Sender
  readonly atMs: number
}

export function accountOf({ agent, channel, sender, atMs }: Asked): Account {
  return { day: dayOf(atMs), agent, user: personOf(channel, sender) }
}

/** A person on one channel: who has the same id elsewhere need not be the same person. */
function personOf(channel: string, { id }: Sender): string {
  return `${channel}/${encodeURIComponent(id.toWellFormed())}`
}

const DAY_MS = 86_400_000

export function dayOf(atMs: number): number {
  return Math.floor(atMs / DAY_MS)
}

/** How long until the next one begins. */
export function msUntilNextDay(atMs: number): number {
  return DAY_MS - (atMs - dayOf(atMs) * DAY_MS)
}

/** Whose use is asked for: an agent's, one person's with it, or one session's. */
export type UsageOf =
  | { readonly per: 'agent'; readonly agent: string }
  | { readonly per: 'user'; readonly agent: string; readonly user: string }
  | { readonly per: 'session'; readonly session: string }

const NOTHING: Amount = { inputTokens: 0, outputTokens: 0, cost: null }

export const NOTHING_USED: UsageTotals = { runs: 0, ...NOTHING, estimated: NOTHING, speechSeconds: 0 }

export function sum(totals: readonly UsageTotals[]): UsageTotals {
  return totals.reduce(
    (all, one) => ({
      runs: all.runs + one.runs,
      ...added(all, one),
      estimated: added(all.estimated, one.estimated),
      speechSeconds: all.speechSeconds + one.speechSeconds,
    }),
    NOTHING_USED,
  )
}

function added(all: Amount, one: Amount): Amount {
  return {
    inputTokens: all.inputTokens + one.inputTokens,
    outputTokens: all.outputTokens + one.outputTokens,
    cost: all.cost === null ? one.cost : all.cost + (one.cost ?? 0),
  }
}

export function tokensOf({ inputTokens, outputTokens }: Omit<Amount, 'cost'>): number {
  return inputTokens + outputTokens
}

/** The entry of a commit; nothing when there is nothing to add. */
export function usageEntries(account: Account, runs: number, spent: readonly (Spent | null)[]): UsageEntry[] {
  const all = sum(spent.flatMap((one) => (one === null ? [] : [{ ...NOTHING_USED, ...one }])))
  return runs === 0 && tokensOf(all) + all.speechSeconds === 0 ? [] : [{ ...account, ...all, runs }]
}

/** For people: `1,234 tokens (1,000 in, 234 out; 34 estimated) in 3 runs, 12 s of speech, cost 0.50`. */
export function usageText({ runs, inputTokens, outputTokens, cost, estimated, speechSeconds }: UsageTotals): string {
  const tokens = inputTokens + outputTokens
  const guessed = tokensOf(estimated) === 0 ? '' : `; ${grouped(tokensOf(estimated))} estimated`
  const split = tokens === 0 ? '' : ` (${grouped(inputTokens)} in, ${grouped(outputTokens)} out${guessed})`
  const cents = cost === null ? '' : `, cost ${costText(cost)}`
  const speech = speechSeconds === 0 ? '' : `, ${grouped(Math.ceil(speechSeconds))} s of speech`
  return `${grouped(tokens)} tokens${split} in ${grouped(runs)} ${runs === 1 ? 'run' : 'runs'}${speech}${cents}`
}

/** What `/status` ends with. */
export function usageLine(today: UsageTotals): string {
  return `Used today: ${usageText(today)}`
}

/** A small amount keeps the digits that say something. */
export function costText(cost: number): string {
  return cost === 0 || cost >= 0.1 ? cost.toFixed(2) : cost.toPrecision(2)
}

/** `1,234,567`. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',')
}
