// Outbox: committed replies on their way out, and the record of how they arrived.
//   D2. A part whose earlier send ended in a way that nobody knows is marked; when it is sent again its record says "uncertain".

import type { Choice, OutboxItem, Reply } from '../../machines/messages.ts'
import type { World } from '../world.ts'
import { type Database, flagOf, numberOf, optionalTextOf, type Row, textOf } from './database.ts'

export interface Outbox {
  add(from: { channel: string; sessionKey: string | null }, reply: Reply): void
  owed(channel: string): string[]
  nextOwed(channel: string, conversation: string): OutboxItem | null
  attempt(id: number): void
  unattempt(id: number): void
  receipt(id: number, receipt: string, last: boolean): void
  /** False: it was delivered or given up before. With `uncertain` its last send may have arrived all the same. */
  giveUp(id: number, uncertain: boolean): boolean
  /** Owes it again, from the part at which it stopped. */
  reopen(id: number): void
}

export function outbox(database: Database, world: World): Outbox {
  const insert = database.prepare(
    `INSERT INTO outbox (channel, conversation, session_key, text, reply_to, choices, created_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  const owed = database.prepare('SELECT DISTINCT conversation FROM outbox WHERE channel = ? AND outcome IS NULL')
  const next = database.prepare(
    'SELECT * FROM outbox WHERE channel = ? AND conversation = ? AND outcome IS NULL ORDER BY id LIMIT 1',
  )
  const attempt = database.prepare(
    `UPDATE outbox SET in_doubt = in_doubt | attempting, uncertain = uncertain | attempting | in_doubt, attempting = 1
     WHERE id = ? AND outcome IS NULL`,
  )
  const unattempt = database.prepare('UPDATE outbox SET attempting = 0 WHERE id = ?')
  const keepReceipt = database.prepare(
    `INSERT INTO receipts (outbox_id, part, receipt, uncertain, at_ms)
     SELECT id, parts_sent, ?2, in_doubt, ?3 FROM outbox WHERE id = ?1 AND outcome IS NULL`,
  )
  const countPart = database.prepare(
    `UPDATE outbox SET parts_sent = parts_sent + 1, attempting = 0, in_doubt = 0, outcome = ?2, delivered_at_ms = ?3
     WHERE id = ?1 AND outcome IS NULL`,
  )
  const giveUp = database.prepare(
    `UPDATE outbox SET outcome = 'dead', attempting = attempting & ?2 WHERE id = ?1 AND outcome IS NULL`,
  )
  const reopen = database.prepare('UPDATE outbox SET outcome = NULL WHERE id = ?')

  return {
    add({ channel, sessionKey }, { conversation, text, replyTo, choices }) {
      const offered = choices === undefined ? null : JSON.stringify(choices)
      insert.run(channel, conversation, sessionKey, text, replyTo, offered, world.nowMs())
    },
    owed: (channel) => owed.all(channel).map((row) => textOf(row, 'conversation')),
    nextOwed(channel, conversation) {
      const row = next.get(channel, conversation)
      return row === undefined ? null : itemOf(row)
    },
    attempt: (id) => void attempt.run(id),
    unattempt: (id) => void unattempt.run(id),
    receipt(id, receipt, last) {
      const nowMs = world.nowMs()
      keepReceipt.run(id, receipt, nowMs)
      countPart.run(id, last ? 'delivered' : null, last ? nowMs : null)
    },
    giveUp: (id, uncertain) => giveUp.run(id, Number(uncertain)).changes === 1,
    reopen: (id) => void reopen.run(id),
  }
}

function itemOf(row: Row): OutboxItem {
  return {
    id: numberOf(row, 'id'),
    channel: textOf(row, 'channel'),
    conversation: textOf(row, 'conversation'),
    text: textOf(row, 'text'),
    replyTo: optionalTextOf(row, 'reply_to'),
    partsSent: numberOf(row, 'parts_sent'),
    uncertain: flagOf(row, 'attempting') || flagOf(row, 'in_doubt'),
    ...choicesOf(row),
  }
}

function choicesOf(row: Row): Pick<OutboxItem, 'choices'> {
  const choices = optionalTextOf(row, 'choices')
  return choices === null ? {} : { choices: JSON.parse(choices) as readonly Choice[] } // As `add` wrote it.
}
