// Query plans: every statement that the store prepares is asked how it would be answered. With a million messages and
// 100,000 sessions a statement costs what it did with the first one when it reads through an index and sorts nothing.

import { expect, onTestFinished, test } from 'vitest'
import type { Database } from '../../src/store/database.ts'
import { operations } from '../../src/store/operations.ts'
import { MIGRATIONS } from '../../src/store/schema.ts'
import { openFile } from '../../src/store/sqlite.ts'
import { temporaryFolder } from './parts.ts'
import { stillWorld } from './still-world.ts'

/** Steps that read a table from one end, and why that is no matter of its size. */
const BOUNDED = new Map([
  ['SCAN counters', 'seven rows'],
  ['SCAN sessions USING INDEX sessions_updated', 'in the order of the index, up to its limit'],
  ['SCAN dead_letters', 'by id, up to its limit'],
  ['SCAN pairing_codes USING COVERING INDEX pairing_codes_asked', 'at most 1,000 are open'],
  ['SEARCH pairing_codes USING INDEX pairing_codes_asked (asked_at_ms<?)', 'at most 1,000 are open'],
  ['SEARCH pairing_codes USING INDEX pairing_codes_asked (asked_at_ms>?)', 'at most 1,000 are open'],
  ['SEARCH messages USING INDEX messages_tried (tries>?)', 'only what two lives did not finish'],
  ['SCAN json_each VIRTUAL TABLE INDEX 1:', 'the keys that were given: at most those in memory'],
  ['SEARCH sessions USING PRIMARY KEY (key>? AND key<?)', 'what was asked once, of an hour or a little more'],
  ['SCAN schedules', 'at most 1,000 are in a file'],
  ['SEARCH usage USING INDEX usage_of_people (day=? AND (agent,user)>(?,?))', 'one day’s people, up to its limit'],
  [
    'SCAN messages USING INDEX messages_unfinished_of_session',
    'only what is unfinished, once a minute while files wait',
  ],
  [
    'SEARCH dead_letters USING INDEX dead_letters_of_message (message_seq>?)',
    'the dead letters of messages, once a minute while files wait',
  ],
  ['SCAN pairings', 'the operator’s list of everybody who is paired'],
])

test('S53 with 100,000 sessions every statement finds its rows through an index and sorts nothing', () => {
  const database = migrated()
  const prepared: string[] = []
  const recording: Database = {
    isTransaction: false,
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
    prepare(sql) {
      prepared.push(sql)
      return database.prepare(sql)
    },
  }
  operations(recording, stillWorld())
  expect(prepared.length).toBeGreaterThan(30)
  const costly = prepared.flatMap((sql) => costlySteps(database, sql).map((step) => ({ sql, step })))
  expect(costly).toEqual([])
})

test.each([
  ['counts rows', 'SELECT count(*) FROM messages', 'SCAN messages'],
  ['filters without an index', 'SELECT * FROM messages WHERE text = ?', 'SCAN messages'],
  ['changes without an index', 'UPDATE outbox SET text = NULL WHERE reply_to = ?', 'SCAN outbox'],
  ['reads a range of everything', 'SELECT * FROM messages WHERE text = ? AND seq > ?', '(rowid>?)'],
  ['sorts', 'SELECT * FROM messages WHERE session_key = ? AND outcome IS NULL ORDER BY text', 'USE TEMP B-TREE'],
])('the check catches a statement that %s', (_, sql, step) => {
  const database = migrated()
  expect(costlySteps(database, sql).join()).toContain(step)
})

/** Steps that read a whole table, sort, or search by nothing but a range. */
function costlySteps(database: Database, sql: string): readonly string[] {
  const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()
  const steps = plan.map((row) => String(row['detail']))
  return steps.filter((step) => /^(SCAN|USE TEMP)|\([^=]*\)$/.test(step) && !BOUNDED.has(step))
}

function migrated(): Database {
  const database = openFile(`${temporaryFolder()}/troupe.db`, MIGRATIONS)
  onTestFinished(() => database.close())
  return database
}
