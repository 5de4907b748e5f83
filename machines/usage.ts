// Usage: what model answers took, in tokens as the providers count them, and whose account it goes to. Pure.
//   A day is UTC's, as in the providers' own bills. What a turn takes goes to the day on which it began.
//   Counted is what was answered: what a provider bills for a request that was cut or cancelled nobody tells us.

import type { Sender } from './messages.ts'

/** What one answer took. */
export interface Spent {
  readonly inputTokens: number
  readonly outputTokens: number
  /** In the currency of the definition's prices; null: it gives none. */
  readonly cost: number | null
}

/** Who gave an answer, and what it took; null where the provider does not say. */
export interface Credit {
  readonly model: string
  readonly spent: Spent | null
}

/** What is added up. */
export interface UsageTotals extends Spent {
  /** Turns that came to an answer or a failure. */
  readonly runs: number
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

export const NOTHING_USED: UsageTotals = { runs: 0, inputTokens: 0, outputTokens: 0, cost: null }

export function sum(totals: readonly UsageTotals[]): UsageTotals {
  return totals.reduce(
    (all, one) => ({
      runs: all.runs + one.runs,
      inputTokens: all.inputTokens + one.inputTokens,
      outputTokens: all.outputTokens + one.outputTokens,
      cost: all.cost === null ? one.cost : all.cost + (one.cost ?? 0),
    }),
    NOTHING_USED,
  )
}

export function tokensOf({ inputTokens, outputTokens }: Spent): number {
  return inputTokens + outputTokens
}

/** The entry of a commit; nothing when there is nothing to add. */
export function usageEntries(account: Account, runs: number, spent: readonly (Spent | null)[]): UsageEntry[] {
  const added = sum(spent.flatMap((one) => (one === null ? [] : [{ ...one, runs: 0 }])))
  return runs === 0 && tokensOf(added) === 0 ? [] : [{ ...account, ...added, runs }]
}

/** For people: `1,234 tokens (1,000 in, 234 out) in 3 runs`. */
export function usageText({ runs, inputTokens, outputTokens, cost }: UsageTotals): string {
  const tokens = inputTokens + outputTokens
  const split = tokens === 0 ? '' : ` (${grouped(inputTokens)} in, ${grouped(outputTokens)} out)`
  const cents = cost === null ? '' : `, cost ${costText(cost)}`
  return `${grouped(tokens)} tokens${split} in ${grouped(runs)} ${runs === 1 ? 'run' : 'runs'}${cents}`
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
