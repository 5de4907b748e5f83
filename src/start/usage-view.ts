// Usage view: what was used, as people see it: by agent and by person, today and in thirty days, those who used most first.

import { sum, tokensOf, type UsageTotals } from '../../machines/usage.ts'
import type { UsagePeriods, UsageTotalsView, UsageView } from '../http/port.ts'
import type { Store, UsageRow } from '../store/store.ts'

const DAYS = 30

export async function usageView(store: Store, limit: number): Promise<UsageView> {
  const [today, lately] = await Promise.all([store.usageByUser(1), store.usageByUser(DAYS)])
  return {
    agents: listed(today, lately, byAgent).slice(0, limit),
    users: listed(today, lately, byUser).slice(0, limit),
  }
}

export async function sessionUsageView(store: Store, key: string): Promise<UsagePeriods> {
  const [today, lately] = await Promise.all([store.usageOfSession(key, 1), store.usageOfSession(key, DAYS)])
  return periods(today, lately)
}

const byAgent = ({ agent }: UsageRow) => ({ agent })
const byUser = ({ agent, user }: UsageRow) => ({ agent, user })

function listed<Name>(
  today: readonly UsageRow[],
  lately: readonly UsageRow[],
  nameOf: (row: UsageRow) => Name,
): (Name & UsagePeriods)[] {
  const group = (rows: readonly UsageRow[]) => Map.groupBy(rows, (row) => JSON.stringify(nameOf(row)))
  const newest = group(today)
  return [...group(lately)]
    .map(([key, rows]) => ({ key, rows, total: sum(rows) }))
    .toSorted((a, b) => tokensOf(b.total) - tokensOf(a.total))
    .flatMap(({ key, rows: [first], total }) => {
      return first === undefined ? [] : [{ ...nameOf(first), ...periods(sum(newest.get(key) ?? []), total) }]
    })
}

function periods(today: UsageTotals, lately: UsageTotals): UsagePeriods {
  return { today: totalsView(today), last_30_days: totalsView(lately) }
}

function totalsView({ runs, inputTokens, outputTokens, cost }: UsageTotals): UsageTotalsView {
  return { runs, input_tokens: inputTokens, output_tokens: outputTokens, cost }
}
