// Usage view: what was used, as people see it: by agent and by person, today and in thirty days, those who used most first.
//   Nobody waits for it: the store is read a page at a time, and what is read is added up between two turns of the event loop. So it
//   is not of one moment: what is used while it is made may be in it or not.
//   Who asks while it is being made is given the same one.

import { setImmediate } from 'node:timers/promises'
import { type Amount, NOTHING_USED, sum, tokensOf, type UsageTotals } from '../../machines/usage.ts'
import type { AmountView, UsagePeriods, UsageTotalsView, UsageView } from '../http/usage-port.ts'
import type { Store, UsageRow } from '../store/store.ts'

const DAYS = 30

/** A read of so many takes a few milliseconds. */
const PAGE_ROWS = 500

/** As many as the port ever gives; so that everybody can be given the same. */
const ROWS_MAX = 1_000

/** Of one store. */
export function usageViews(store: Store): (limit: number) => Promise<UsageView> {
  let making: Promise<UsageView> | null = null
  return async (limit) => {
    if (limit > ROWS_MAX) return make(store, limit)
    making ??= make(store, ROWS_MAX).finally(() => (making = null))
    const { agents, users } = await making
    return { agents: agents.slice(0, limit), users: users.slice(0, limit) }
  }
}

export async function sessionUsageView(store: Store, key: string): Promise<UsagePeriods> {
  const [today, lately] = await Promise.all([store.usageOfSession(key, 1), store.usageOfSession(key, DAYS)])
  return periods({ today, lately })
}

interface Used {
  today: UsageTotals
  lately: UsageTotals
}

async function make(store: Store, limit: number): Promise<UsageView> {
  const people = new Map<string, UsageRow & Used>()
  const agents = new Map<string, Used>()
  for (let back = 0; back < DAYS; back += 1) {
    for await (const page of pagesOf(store, back)) {
      for (const row of page) {
        add(
          found(people, JSON.stringify([row.agent, row.user]), () => ({ ...row, ...nothing() })),
          row,
          back,
        )
        add(found(agents, row.agent, nothing), row, back)
      }
    }
  }
  const users = await most([...people.values()], limit)
  const named = [...agents].map(([agent, used]) => ({ agent, ...used }))
  return {
    agents: (await most(named, limit)).map(({ agent, ...used }) => ({ agent, ...periods(used) })),
    users: users.map(({ agent, user, ...used }) => ({ agent, user, ...periods(used) })),
  }
}

function found<T>(all: Map<string, T>, key: string, make: () => T): T {
  const known = all.get(key)
  if (known !== undefined) return known
  const made = make()
  all.set(key, made)
  return made
}

function nothing(): Used {
  return { today: NOTHING_USED, lately: NOTHING_USED }
}

function add(used: Used, row: UsageTotals, back: number): void {
  used.lately = sum([used.lately, row])
  if (back === 0) used.today = sum([used.today, row])
}

/** One day's people. */
async function* pagesOf(store: Store, back: number): AsyncGenerator<readonly UsageRow[]> {
  let last: UsageRow | undefined
  for (;;) {
    const page = await store.usageOfPeople(back, last ?? null, PAGE_ROWS)
    yield page
    last = page.at(-1)
    if (last === undefined || page.length < PAGE_ROWS) return
  }
}

/** To order 100,000 at once would take a tenth of a second. */
const ORDERED_AT_ONCE = 2_000

async function most<T extends Used>(all: readonly T[], limit: number): Promise<T[]> {
  let best: T[] = []
  for (let from = 0; from < all.length; from += ORDERED_AT_ONCE) {
    const more = all.slice(from, from + ORDERED_AT_ONCE)
    best = [...best, ...more].toSorted((a, b) => tokensOf(b.lately) - tokensOf(a.lately)).slice(0, limit)
    await setImmediate()
  }
  return best
}

function periods({ today, lately }: Used): UsagePeriods {
  return { today: totalsView(today), last_30_days: totalsView(lately) }
}

function totalsView({ runs, estimated, speechSeconds, ...all }: UsageTotals): UsageTotalsView {
  // Sums of fractions: to a tenth of a second they are what people would add up.
  const speech_seconds = Math.round(speechSeconds * 10) / 10
  return { runs, ...amountView(all), estimated: amountView(estimated), speech_seconds }
}

function amountView({ inputTokens, outputTokens, cost }: Amount): AmountView {
  return { input_tokens: inputTokens, output_tokens: outputTokens, cost }
}
