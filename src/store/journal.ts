// Journal: what a conversation showed, for platforms that keep none themselves; its ids are where a reader goes on.

import type { World } from '../world.ts'
import { type Database, numberOf, type Row, textOf, theRow } from './database.ts'
import type { ConversationPlace, NewJournalEntry, StoredJournalEntry } from './store.ts'

export interface Journal {
  addUser(entry: { channel: string; conversation: string; text: string }): void
  /** A part of a reply has one entry, however often it is written. */
  append(entry: NewJournalEntry): number
  after(place: ConversationPlace, id: number, limit: number): StoredJournalEntry[]
}

export function journal(database: Database, world: World): Journal {
  const insert = database.prepare(
    `INSERT INTO journal (channel, conversation, role, text, outbox_id, part, at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  )
  const idOf = database.prepare('SELECT id FROM journal WHERE outbox_id = ? AND part = ?')
  const after = database.prepare(
    'SELECT id, role, text FROM journal WHERE channel = ? AND conversation = ? AND id > ? ORDER BY id LIMIT ?',
  )
  return {
    addUser: ({ channel, conversation, text }) =>
      void insert.run(channel, conversation, 'user', text, null, null, world.nowMs()),
    append({ channel, conversation, text, outboxId, part }) {
      const added = insert.run(channel, conversation, 'assistant', text, outboxId, part, world.nowMs())
      if (added.changes === 1) return Number(added.lastInsertRowid)
      return numberOf(theRow(idOf.get(outboxId, part)), 'id')
    },
    after: ({ channel, conversation }, id, limit) => after.all(channel, conversation, id, limit).map(entryOf),
  }
}

function entryOf(row: Row): StoredJournalEntry {
  return {
    id: numberOf(row, 'id'),
    role: textOf(row, 'role') === 'user' ? 'user' : 'assistant',
    text: textOf(row, 'text'),
  }
}
