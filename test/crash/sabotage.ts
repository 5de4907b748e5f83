// Sabotage: breaks the store of a killed gateway in one of the ways that a crash run must notice. The run's own broken subject.

import { DatabaseSync } from 'node:sqlite'
import type { Ledger } from './people.ts'

/** Each by the figure in which it must show. */
export const SABOTAGES = ['lost', 'doubledTurns', 'unmarkedDoubles'] as const
export type Sabotage = (typeof SABOTAGES)[number]

/** False: there was nothing to break yet. */
export function sabotage(kind: Sabotage, path: string, ledger: Ledger): boolean {
  const store = new DatabaseSync(path)
  try {
    return ACTS[kind](store, ledger)
  } finally {
    store.close()
  }
}

const ACTS: Readonly<Record<Sabotage, (store: DatabaseSync, ledger: Ledger) => boolean>> = {
  lost(store, ledger) {
    const unfinished = store.prepare("SELECT seq, text FROM messages WHERE outcome IS NULL AND channel = 'web'").all()
    const accepted = new Set(ledger.web.filter((said) => said.accepted).map(({ text }) => text))
    const victim = unfinished.find(({ text }) => accepted.has(String(text)))
    if (victim === undefined) return false
    // The counter too: an honest store would say that nothing waits any more.
    store.exec("UPDATE counters SET value = value - 1 WHERE name = 'waiting'")
    return store.prepare('DELETE FROM messages WHERE seq = ?').run(victim['seq'] ?? 0).changes === 1
  },
  doubledTurns: (store) =>
    store
      .prepare(
        `INSERT INTO transcript (session_key, role, turn, text, sender_id, sender_name, sender_handle, at_ms)
         SELECT session_key, role, turn, text, sender_id, sender_name, sender_handle, at_ms
         FROM transcript WHERE role = 'user' LIMIT 1`,
      )
      .run().changes === 1,
  unmarkedDoubles: (store) =>
    store
      .prepare(
        `INSERT INTO outbox (channel, conversation, session_key, text, reply_to, created_at_ms)
         SELECT channel, conversation, session_key, text, reply_to, created_at_ms
         FROM outbox WHERE outcome = 'delivered' AND uncertain = 0 AND channel <> 'web' AND text LIKE '% heard: %' LIMIT 1`,
      )
      .run().changes === 1,
}
