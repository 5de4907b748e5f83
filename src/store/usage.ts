// Usage: what runs took, added up by day, agent, person and session.
// A day is read through the key, and several days are read one by one: no question sorts or reads what it does not add up.

import { dayOf, NOTHING_USED, sum, type UsageEntry, type UsageTotals } from '../../machines/usage.ts'
import type { World } from '../world.ts'
import { type Database, numberOf, type Row, textOf } from './database.ts'
import type { UsageOf, UsageRow } from './store.ts'

export interface UsageTable {
  add(sessionKey: string, entries: readonly UsageEntry[]): void
  onDay(day: number, of: UsageOf): UsageTotals
  ofSession(sessionKey: string, days: number): UsageTotals
  byUser(days: number): UsageRow[]
}

const SUMS =
  'sum(runs) AS runs, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, sum(cost) AS cost'

export function usageTable(database: Database, world: World): UsageTable {
  const add = database.prepare(
    `INSERT INTO usage (day, agent, user, session_key, runs, input_tokens, output_tokens, cost)
     VALUES (:day, :agent, :user, :sessionKey, :runs, :inputTokens, :outputTokens, :cost)
     ON CONFLICT (day, agent, user, session_key) DO UPDATE SET
       runs = runs + excluded.runs,
       input_tokens = input_tokens + excluded.input_tokens,
       output_tokens = output_tokens + excluded.output_tokens,
       cost = coalesce(cost + excluded.cost, cost, excluded.cost)`,
  )
  const ofAgent = database.prepare(`SELECT ${SUMS} FROM usage WHERE day = ? AND agent = ?`)
  const ofUser = database.prepare(`SELECT ${SUMS} FROM usage WHERE day = ? AND agent = ? AND user = ?`)
  const ofSession = database.prepare(`SELECT ${SUMS} FROM usage WHERE session_key = ? AND day >= ?`)
  const byUser = database.prepare(`SELECT agent, user, ${SUMS} FROM usage WHERE day = ? GROUP BY agent, user`)
  const today = () => dayOf(world.nowMs())
  const sinceDay = (sessionKey: string, since: number) => totalsOf(ofSession.get(sessionKey, since))

  return {
    add(sessionKey, entries) {
      for (const { day, agent, user, runs, inputTokens, outputTokens, cost } of entries)
        add.run({ day, agent, user, sessionKey, runs, inputTokens, outputTokens, cost })
    },
    onDay(day, of) {
      if (of.per === 'session') return sinceDay(of.session, day)
      return totalsOf(of.per === 'agent' ? ofAgent.get(day, of.agent) : ofUser.get(day, of.agent, of.user))
    },
    ofSession: (sessionKey, days) => sinceDay(sessionKey, today() - days + 1),
    byUser(days) {
      const until = today()
      const rows = Array.from({ length: days }, (_, back) => byUser.all(until - back).map(rowOf)).flat()
      const groups = Map.groupBy(rows, ({ agent, user }) => JSON.stringify([agent, user]))
      return [...groups.values()].map((group) => ({ agent: '', user: '', ...group[0], ...sum(group) }))
    },
  }
}

function rowOf(row: Row): UsageRow {
  return { agent: textOf(row, 'agent'), user: textOf(row, 'user'), ...totalsOf(row) }
}

/** Sums over nothing are NULL. */
function totalsOf(row: Row | undefined): UsageTotals {
  if (row === undefined || row['runs'] === null) return NOTHING_USED
  return {
    runs: numberOf(row, 'runs'),
    inputTokens: numberOf(row, 'input_tokens'),
    outputTokens: numberOf(row, 'output_tokens'),
    cost: row['cost'] === null ? null : numberOf(row, 'cost'),
  }
}
