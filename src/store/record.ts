// Record: what became of a session's messages, turns, steps and replies, read from the tables that hold them, a page at a time.
// Each table is read newest first through an index; the newest of all of them are the page. A dead letter stands on the page
// of what it was.

import type { Outcome } from '../../machines/messages.ts'
import { type Database, flagOf, numberOf, optionalTextOf, type Row, type Statement, textOf } from './database.ts'
import { writtenIn } from './messages.ts'
import type { DeadEntry, DeliveryEntry, MessageEntry, RecordEntry, RecordPage, RecordPlace } from './store.ts'
import { stepOf } from './steps.ts'
import { entryOf } from './transcripts.ts'

type Kind = keyof RecordPlace

/** One row of a table, with its number there and all that it says. */
interface Found {
  readonly kind: Kind
  readonly number: number
  readonly atMs: number
  readonly entries: readonly RecordEntry[]
}

/** Of one moment in this order: that is how they come about. A dead letter follows what it was. */
const KINDS: readonly Kind[] = ['message', 'step', 'transcript', 'delivery']

const NEWEST: RecordPlace = {
  message: Number.MAX_SAFE_INTEGER,
  transcript: Number.MAX_SAFE_INTEGER,
  step: Number.MAX_SAFE_INTEGER,
  delivery: Number.MAX_SAFE_INTEGER,
}

export function record(database: Database) {
  const statements: Readonly<Record<Kind, Statement>> = {
    message: database.prepare(
      `SELECT messages.*, ${DEAD_COLUMNS} FROM messages LEFT JOIN dead_letters ON dead_letters.message_seq = messages.seq
       WHERE messages.session_key = ? AND messages.seq < ? ORDER BY messages.seq DESC LIMIT ?`,
    ),
    transcript: database.prepare(
      'SELECT * FROM transcript WHERE session_key = ? AND seq < ? ORDER BY seq DESC LIMIT ?',
    ),
    step: database.prepare('SELECT * FROM steps WHERE session_key = ? AND seq < ? ORDER BY seq DESC LIMIT ?'),
    delivery: database.prepare(
      `SELECT outbox.*, ${DEAD_COLUMNS} FROM outbox LEFT JOIN dead_letters ON dead_letters.outbox_id = outbox.id
       WHERE outbox.session_key = ? AND outbox.id < ? ORDER BY outbox.id DESC LIMIT ?`,
    ),
  }

  return (sessionKey: string, before: RecordPlace | null, limit: number): RecordPage => {
    const place = before ?? NEWEST
    const found = KINDS.flatMap((kind) =>
      statements[kind].all(sessionKey, place[kind], limit + 1).map((row) => FOUND[kind](row)),
    ).sort(newestFirst)
    const shown = found.slice(0, limit)
    const entries = shown.toReversed().flatMap((each) => each.entries)
    return { entries: entries.sort(inTime), older: found.length > limit ? placeBefore(shown, place) : null }
  }
}

function newestFirst(left: Found, right: Found): number {
  return right.atMs - left.atMs || KINDS.indexOf(right.kind) - KINDS.indexOf(left.kind) || right.number - left.number
}

/** Those of one moment stay as they stand, but for dead letters: what was settled is said before what became of it. */
function inTime(left: RecordEntry, right: RecordEntry): number {
  return left.atMs - right.atMs || Number(left.kind === 'deadLetter') - Number(right.kind === 'deadLetter')
}

function placeBefore(shown: readonly Found[], place: RecordPlace): RecordPlace {
  const oldest = (kind: Kind) =>
    shown.reduce((least, each) => (each.kind === kind ? Math.min(least, each.number) : least), place[kind])
  return {
    message: oldest('message'),
    transcript: oldest('transcript'),
    step: oldest('step'),
    delivery: oldest('delivery'),
  }
}

const DEAD_COLUMNS = 'dead_letters.id AS dead_id, dead_letters.reason AS dead_reason, dead_letters.at_ms AS dead_at_ms'

const FOUND: Readonly<Record<Kind, (row: Row) => Found>> = {
  message(row) {
    const entry = messageOf(row)
    return { kind: 'message', number: entry.seq, atMs: entry.atMs, entries: [entry, ...deadOf(row, 'message')] }
  },
  transcript(row) {
    const entry = entryOf(row)
    return { kind: 'transcript', number: entry.seq, atMs: entry.atMs, entries: [{ kind: 'transcript', ...entry }] }
  },
  step(row) {
    const entry = {
      seq: numberOf(row, 'seq'),
      turn: textOf(row, 'turn'),
      step: stepOf(row),
      atMs: numberOf(row, 'at_ms'),
    }
    return { kind: 'step', number: entry.seq, atMs: entry.atMs, entries: [{ kind: 'step', ...entry }] }
  },
  delivery(row) {
    const entry = deliveryOf(row)
    return { kind: 'delivery', number: entry.id, atMs: entry.atMs, entries: [entry, ...deadOf(row, 'reply')] }
  },
}

function messageOf(row: Row): MessageEntry {
  return {
    kind: 'message',
    seq: numberOf(row, 'seq'),
    text: writtenIn(row),
    sender: {
      id: textOf(row, 'sender_id'),
      name: optionalTextOf(row, 'sender_name'),
      handle: optionalTextOf(row, 'sender_handle'),
    },
    command: optionalTextOf(row, 'command_name'),
    tries: numberOf(row, 'tries'),
    outcome: outcomeOf<Outcome>(row),
    reason: optionalTextOf(row, 'reason'),
    settledAtMs: optionalNumberOf(row, 'settled_at_ms'),
    atMs: numberOf(row, 'accepted_at_ms'),
  }
}

function deliveryOf(row: Row): DeliveryEntry {
  return {
    kind: 'delivery',
    id: numberOf(row, 'id'),
    text: textOf(row, 'text'),
    partsSent: numberOf(row, 'parts_sent'),
    outcome: outcomeOf<'delivered' | 'dead'>(row),
    deliveredAtMs: optionalNumberOf(row, 'delivered_at_ms'),
    uncertain: flagOf(row, 'uncertain'),
    atMs: numberOf(row, 'created_at_ms'),
  }
}

function deadOf(row: Row, of: DeadEntry['of']): DeadEntry[] {
  const id = optionalNumberOf(row, 'dead_id')
  if (id === null) return []
  const text = textOf(row, 'text')
  return [{ kind: 'deadLetter', id, of, text, reason: textOf(row, 'dead_reason'), atMs: numberOf(row, 'dead_at_ms') }]
}

/** The table's own CHECK says which words there are. */
function outcomeOf<Word extends string>(row: Row): Word | null {
  return optionalTextOf(row, 'outcome') as Word | null
}

function optionalNumberOf(row: Row, column: string): number | null {
  return row[column] === null ? null : numberOf(row, column)
}
