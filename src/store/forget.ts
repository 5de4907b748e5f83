// Forget: sessions that are of no further use to anybody are taken out whole; what was used stays on the account of agent and person.
//   A session that is owed something, has something to do, or has a dead letter (M3) is not forgotten.

import { type Database, numberOf, textOf, theRow } from './database.ts'

export interface Forgetting {
  /** Their keys begin with this. */
  readonly prefix: string
  /** They have rested since then. */
  readonly beforeMs: number
  /** So many at once. */
  readonly limit: number
}

/** Answers with their keys. */
export function forget(database: Database): (what: Forgetting) => string[] {
  const resting = database.prepare(`
    SELECT key FROM sessions WHERE key >= ? AND key < ? AND updated_at_ms < ?
      AND NOT EXISTS (SELECT 1 FROM messages WHERE session_key = key AND (outcome IS NULL OR outcome = 'dead'))
      AND NOT EXISTS (SELECT 1 FROM outbox WHERE session_key = key AND (outcome IS NULL OR outcome = 'dead'))
    LIMIT ?`)
  const ended = database.prepare('SELECT count(*) AS count FROM messages WHERE session_key = ? AND outcome = ?')
  const countDown = database.prepare('UPDATE counters SET value = value - ? WHERE name = ?')
  const removals = [
    'DELETE FROM receipts WHERE outbox_id IN (SELECT id FROM outbox WHERE session_key = ?)',
    'DELETE FROM outbox WHERE session_key = ?',
    'DELETE FROM steps WHERE session_key = ?',
    'DELETE FROM transcript WHERE session_key = ?',
    'DELETE FROM messages WHERE session_key = ?',
    "DELETE FROM usage WHERE session_key = ? AND session_key <> ''",
    'DELETE FROM sessions WHERE key = ?',
  ].map((sql) => database.prepare(sql))

  return ({ prefix, beforeMs, limit }) => {
    const keys = resting.all(prefix, behind(prefix), beforeMs, limit).map((row) => textOf(row, 'key'))
    for (const key of keys) {
      for (const outcome of ['answered', 'discarded'])
        countDown.run(numberOf(theRow(ended.get(key, outcome)), 'count'), outcome)
      for (const removal of removals) removal.run(key)
    }
    if (keys.length > 0) countDown.run(keys.length, 'sessions')
    return keys
  }
}

/** The first text that stands behind every one that begins so. */
function behind(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1)
}
