// Schedules: up to when each has said everything, and the message that it said last.
//   A time is said once: what is not later than the record is refused as a duplicate, and a schedule with other times begins anew.

import { ownId } from '../../machines/message-ids.ts'
import type { Outcome } from '../../machines/messages.ts'
import { type Database, numberOf, optionalTextOf, type Row, textOf, theRow } from './database.ts'
import type { Accepted } from './messages.ts'
import type { NewMessage } from './store.ts'

export interface DueTime {
  /** The schedule's. */
  readonly name: string
  readonly times: string
  readonly dueAtMs: number
}

export interface ScheduleRecord {
  readonly name: string
  /** null: it has said nothing yet. */
  readonly last: {
    readonly dueAtMs: number
    readonly acceptedAtMs: number
    readonly sessionKey: string
    /** null: its message is not settled yet. */
    readonly outcome: Outcome | null
  } | null
}

export interface Schedules {
  recall(name: string, times: string, nowMs: number): number
  /** `accept` writes the message, if its time was not said before. */
  acceptDue(due: DueTime, message: NewMessage, accept: (message: NewMessage) => Accepted): Accepted
  forget(names: readonly string[]): void
  list(): ScheduleRecord[]
}

export function schedules(database: Database): Schedules {
  const one = database.prepare('SELECT * FROM schedules WHERE name = ?')
  const begin = database.prepare(
    `INSERT INTO schedules (name, times, after_ms) VALUES (?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET times = excluded.times, after_ms = excluded.after_ms`,
  )
  const say = database.prepare(
    `INSERT INTO schedules (name, times, after_ms, due_at_ms, message_seq) VALUES (?1, ?2, ?3, ?3, ?4)
     ON CONFLICT (name) DO UPDATE SET after_ms = ?3, due_at_ms = ?3, message_seq = ?4`,
  )
  const acceptedAt = database.prepare('SELECT accepted_at_ms FROM messages WHERE seq = ?')
  const acceptedAtMs = (seq: number) => numberOf(theRow(acceptedAt.get(seq)), 'accepted_at_ms')
  const remove = database.prepare('DELETE FROM schedules WHERE name = ?')
  const all = database.prepare(
    `SELECT schedules.*, messages.session_key, messages.accepted_at_ms, messages.outcome FROM schedules
     LEFT JOIN messages ON messages.seq = schedules.message_seq ORDER BY schedules.name`,
  )
  return {
    recall(name, times, nowMs) {
      const row = one.get(name)
      if (row !== undefined && textOf(row, 'times') === times) return numberOf(row, 'after_ms')
      begin.run(name, times, nowMs)
      return nowMs
    },
    acceptDue({ name, times, dueAtMs }, message, accept) {
      const row = one.get(name)
      const isSaid = row !== undefined && textOf(row, 'times') === times && numberOf(row, 'after_ms') >= dueAtMs
      if (isSaid) return { seq: row['message_seq'] === null ? 0 : numberOf(row, 'message_seq'), duplicate: true }
      const first = accept(message)
      // Whoever had its id before its time is no schedule: an earlier version let people call themselves one.
      const isTaken = first.duplicate && (first.taken === true || acceptedAtMs(first.seq) < dueAtMs)
      const accepted = isTaken ? accept({ ...message, platformMessageId: ownId(message) }) : first
      say.run(name, times, dueAtMs, accepted.seq)
      return accepted
    },
    forget(names) {
      for (const name of names) remove.run(name)
    },
    list: () => all.all().map(recordOf),
  }
}

function recordOf(row: Row): ScheduleRecord {
  const name = textOf(row, 'name')
  if (row['due_at_ms'] === null || row['accepted_at_ms'] === null) return { name, last: null }
  const outcome = optionalTextOf(row, 'outcome') as Outcome | null // The table's own CHECK says which words there are.
  return {
    name,
    last: {
      dueAtMs: numberOf(row, 'due_at_ms'),
      acceptedAtMs: numberOf(row, 'accepted_at_ms'),
      sessionKey: textOf(row, 'session_key'),
      outcome,
    },
  }
}
