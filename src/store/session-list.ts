// Session list: every session there ever was, newest first, searched and paged; or some of them, by their keys.
//   A search that finds little reads many keys on its way: 80 ms for 100,000 sessions, and one person waits for it. Some keys
//   are looked up one by one.

import { type Database, numberOf, type Row, textOf } from './database.ts'
import type { SessionsFilter, SessionSummary } from './store.ts'

export function sessionList(database: Database) {
  const newest = database.prepare(`
    SELECT *, ${WAITING} FROM sessions
    WHERE (?1 = '' OR instr(lower(key || char(10) || conversation || char(10) || agent), ?1) > 0)
      AND key NOT IN (SELECT value FROM json_each(?2))
    ORDER BY updated_at_ms DESC LIMIT ?3 OFFSET ?4`)
  const named = database.prepare(`SELECT *, ${WAITING} FROM sessions WHERE key IN (SELECT value FROM json_each(?))`)

  return (limit: number, { search = '', only, without = [], offset = 0 }: SessionsFilter = {}): SessionSummary[] => {
    if (only === undefined) {
      return newest.all(search.toLowerCase(), JSON.stringify(without), limit, offset).map(summaryOf)
    }
    return named
      .all(JSON.stringify(only.filter((key) => !without.includes(key))))
      .map(summaryOf)
      .filter(({ key, conversation, agent }) =>
        `${key}\n${conversation}\n${agent}`.toLowerCase().includes(search.toLowerCase()),
      )
      .sort((left, right) => right.updatedAtMs - left.updatedAtMs)
      .slice(offset, offset + limit)
  }
}

const WAITING = '(SELECT count(*) FROM messages WHERE session_key = sessions.key AND outcome IS NULL) AS waiting'

function summaryOf(row: Row): SessionSummary {
  return {
    key: textOf(row, 'key'),
    channel: textOf(row, 'channel'),
    conversation: textOf(row, 'conversation'),
    agent: textOf(row, 'agent'),
    turns: numberOf(row, 'turns'),
    waiting: numberOf(row, 'waiting'),
    updatedAtMs: numberOf(row, 'updated_at_ms'),
  }
}
