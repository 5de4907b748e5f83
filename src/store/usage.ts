// Usage: what runs took, added up by day, agent, person and session.
// Each amount is written three times: for its session, its person and its agent, so that none of the three is ever added up from
// the others' rows. Several days are read one by one.

import { dayOf, NOTHING_USED, sum, type UsageEntry, type UsageOf, type UsageTotals } from '../../machines/usage.ts'
import type { World } from '../world.ts'
import { type Database, numberOf, type Row, textOf } from './database.ts'
import type { UsagePlace, UsageRow } from './store.ts'

export interface UsageTable {
  add(sessionKey: string, entries: readonly UsageEntry[]): void
  onDay(day: number, of: UsageOf): UsageTotals
  ofSession(sessionKey: string, days: number): UsageTotals
  ofPeople(back: number, after: UsagePlace | null, limit: number): UsageRow[]
}

export function usageTable(database: Database, world: World): UsageTable {
  const add = database.prepare(
    `INSERT INTO usage (day, agent, user, session_key, runs, input_tokens, output_tokens, cost,
       estimated_input_tokens, estimated_output_tokens, estimated_cost, speech_seconds)
     VALUES (:day, :agent, :user, :sessionKey, :runs, :inputTokens, :outputTokens, :cost,
       :estimatedInput, :estimatedOutput, :estimatedCost, :speechSeconds)
     ON CONFLICT (day, agent, user, session_key) DO UPDATE SET
       runs = runs + excluded.runs,
       input_tokens = input_tokens + excluded.input_tokens,
       output_tokens = output_tokens + excluded.output_tokens,
       cost = coalesce(cost + excluded.cost, cost, excluded.cost),
       estimated_input_tokens = estimated_input_tokens + excluded.estimated_input_tokens,
       estimated_output_tokens = estimated_output_tokens + excluded.estimated_output_tokens,
       estimated_cost = coalesce(estimated_cost + excluded.estimated_cost, estimated_cost, excluded.estimated_cost),
       speech_seconds = speech_seconds + excluded.speech_seconds`,
  )
  const together = database.prepare(`SELECT * FROM usage WHERE day = ? AND agent = ? AND user = ? AND session_key = ''`)
  const ofSession = database.prepare(`SELECT * FROM usage WHERE session_key = ? AND session_key <> '' AND day >= ?`)
  const people = database.prepare(
    `SELECT * FROM usage INDEXED BY usage_of_people
     WHERE day = ? AND session_key = '' AND user <> '' AND (agent, user) > (?, ?)
     ORDER BY agent, user LIMIT ?`,
  )
  const today = () => dayOf(world.nowMs())
  const sinceDay = (sessionKey: string, since: number) => sum(ofSession.all(sessionKey, since).map(totalsOf))

  return {
    add(sessionKey, entries) {
      for (const { day, agent, user, runs, inputTokens, outputTokens, cost, estimated, speechSeconds } of entries) {
        const ofThem = {
          estimatedInput: estimated.inputTokens,
          estimatedOutput: estimated.outputTokens,
          estimatedCost: estimated.cost,
        }
        const totals = { day, agent, runs, inputTokens, outputTokens, cost, ...ofThem, speechSeconds }
        add.run({ ...totals, user, sessionKey })
        add.run({ ...totals, user, sessionKey: '' })
        add.run({ ...totals, user: '', sessionKey: '' })
      }
    },
    onDay(day, of) {
      if (of.per === 'session') return sinceDay(of.session, day)
      const row = together.get(day, of.agent, of.per === 'user' ? of.user : '')
      return row === undefined ? NOTHING_USED : totalsOf(row)
    },
    ofSession: (sessionKey, days) => sinceDay(sessionKey, today() - days + 1),
    ofPeople: (back, after, limit) =>
      people.all(today() - back, after?.agent ?? '', after?.user ?? '', limit).map(rowOf),
  }
}

function rowOf(row: Row): UsageRow {
  return { agent: textOf(row, 'agent'), user: textOf(row, 'user'), ...totalsOf(row) }
}

function totalsOf(row: Row): UsageTotals {
  return {
    runs: numberOf(row, 'runs'),
    inputTokens: numberOf(row, 'input_tokens'),
    outputTokens: numberOf(row, 'output_tokens'),
    cost: costOf(row, 'cost'),
    estimated: {
      inputTokens: numberOf(row, 'estimated_input_tokens'),
      outputTokens: numberOf(row, 'estimated_output_tokens'),
      cost: costOf(row, 'estimated_cost'),
    },
    speechSeconds: numberOf(row, 'speech_seconds'),
  }
}

function costOf(row: Row, column: 'cost' | 'estimated_cost'): number | null {
  return row[column] === null ? null : numberOf(row, column)
}
