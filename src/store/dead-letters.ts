// Dead letters: messages nobody answered and replies nobody received. Counted, kept, listed; a retry puts one back (M3).

import type { World } from '../world.ts'
import { type Database, numberOf, type Row, textOf } from './database.ts'
import type { DeadLetter } from './store.ts'

export interface DeadLetters {
  addMessage(seq: number, reason: string): void
  addReply(outboxId: number, reason: string): void
  newest(limit: number): DeadLetter[]
  /** Takes it off the list and says where it came from; null when there is no such dead letter. */
  take(id: number): Origin | null
}

export type Origin =
  | { readonly kind: 'message'; readonly seq: number }
  | { readonly kind: 'reply'; readonly outboxId: number; readonly channel: string; readonly conversation: string }

export function deadLetters(database: Database, world: World): DeadLetters {
  const addMessage = database.prepare(
    `INSERT INTO dead_letters (kind, message_seq, channel, conversation, text, reason, at_ms)
     SELECT 'message', seq, channel, conversation, text, ?2, ?3 FROM messages WHERE seq = ?1`,
  )
  const addReply = database.prepare(
    `INSERT INTO dead_letters (kind, outbox_id, channel, conversation, text, reason, at_ms)
     SELECT 'reply', id, channel, conversation, text, ?2, ?3 FROM outbox WHERE id = ?1`,
  )
  const newest = database.prepare('SELECT * FROM dead_letters ORDER BY id DESC LIMIT ?')
  const one = database.prepare('SELECT * FROM dead_letters WHERE id = ?')
  const remove = database.prepare('DELETE FROM dead_letters WHERE id = ?')

  return {
    addMessage: (seq, reason) => void addMessage.run(seq, reason, world.nowMs()),
    addReply: (outboxId, reason) => void addReply.run(outboxId, reason, world.nowMs()),
    newest: (limit) => newest.all(limit).map(deadLetterOf),
    take(id) {
      const row = one.get(id)
      if (row === undefined) return null
      remove.run(id)
      return originOf(row)
    },
  }
}

function originOf(row: Row): Origin {
  if (kindOf(row) === 'message') return { kind: 'message', seq: numberOf(row, 'message_seq') }
  return {
    kind: 'reply',
    outboxId: numberOf(row, 'outbox_id'),
    channel: textOf(row, 'channel'),
    conversation: textOf(row, 'conversation'),
  }
}

function deadLetterOf(row: Row): DeadLetter {
  return {
    id: numberOf(row, 'id'),
    kind: kindOf(row),
    channel: textOf(row, 'channel'),
    conversation: textOf(row, 'conversation'),
    text: textOf(row, 'text'),
    reason: textOf(row, 'reason'),
    atMs: numberOf(row, 'at_ms'),
  }
}

function kindOf(row: Row): 'message' | 'reply' {
  return textOf(row, 'kind') === 'message' ? 'message' : 'reply'
}
