// Messages: the durable accept, the tries and the end of everything people wrote.
//   S4. A message is settled once: what is settled stays as it is until its dead letter is retried.

import { type Attachment, UNKNOWN_ATTACHMENT, writtenText } from '../../machines/media.ts'
import type { AcceptedMessage, Command, Settlement } from '../../machines/messages.ts'
import { isToBlame } from '../../machines/restart.ts'
import type { World } from '../world.ts'
import {
  type Database,
  flagOf,
  numberOf,
  optionalTextOf,
  type Row,
  type Statement,
  textOf,
  theRow,
} from './database.ts'
import type { NewMessage } from './store.ts'

export interface Accepted {
  /** Of the message; of a duplicate that of the message that was there before. */
  readonly seq: number
  readonly duplicate: boolean
  /** The one that was there before is another sender's: this one was not accepted, and is the same as none. */
  readonly taken?: true
}

export interface Messages {
  accept(message: NewMessage): Accepted
  /** Returns the messages that were tried too often. */
  countTries(seqs: readonly number[]): number[]
  release(seqs: readonly number[]): void
  /** False: it was settled before. */
  settle(settlement: Settlement): boolean
  /** Takes its end back, and its tries. */
  reopen(seq: number): AcceptedMessage
  /** What it begins from now on is a turn of another name. */
  renew(seq: number): AcceptedMessage
  unfinished(channel: string, afterSeq: number, limit: number): AcceptedMessage[]
  unfinishedOf(sessionKey: string): AcceptedMessage[]
}

export function messages(database: Database, world: World): Messages {
  const insert = database.prepare(INSERT)
  const known = database.prepare(
    'SELECT seq, sender_id FROM messages WHERE channel = ? AND conversation = ? AND platform_message_id = ?',
  )
  const countTry = database.prepare('UPDATE messages SET tries = tries + 1 WHERE seq = ? AND outcome IS NULL')
  const triesOf = database.prepare('SELECT tries, session_key FROM messages WHERE seq = ? AND outcome IS NULL')
  const triesOfOthers = database.prepare(
    'SELECT max(tries) AS tries FROM messages WHERE outcome IS NULL AND tries >= 2 AND session_key <> ?',
  )
  const releaseOne = database.prepare(
    'UPDATE messages SET tries = tries - 1 WHERE seq = ? AND outcome IS NULL AND tries > 0',
  )
  const settleOne = database.prepare(
    'UPDATE messages SET outcome = ?, reason = ?, settled_at_ms = ? WHERE seq = ? AND outcome IS NULL',
  )
  const ofChannel = database.prepare(
    'SELECT * FROM messages WHERE channel = ? AND seq > ? AND outcome IS NULL ORDER BY seq LIMIT ?',
  )
  const ofSession = database.prepare('SELECT * FROM messages WHERE session_key = ? AND outcome IS NULL ORDER BY seq')

  function isExhausted(seq: number): boolean {
    const row = triesOf.get(seq)
    if (row === undefined) return false
    const company = triesOfOthers.get(textOf(row, 'session_key'))?.tries
    return isToBlame(numberOf(row, 'tries'), typeof company === 'number' ? company : 0)
  }

  return {
    accept(message) {
      const { changes, lastInsertRowid } = insert.run(columnsOf(message, world.nowMs()))
      if (changes === 1) return { seq: Number(lastInsertRowid), duplicate: false }
      const row = theRow(known.get(message.channel, message.conversation, message.platformMessageId))
      const found = { seq: numberOf(row, 'seq'), duplicate: true }
      return textOf(row, 'sender_id') === message.sender.id ? found : { ...found, taken: true }
    },
    countTries(seqs) {
      const exhausted = seqs.filter(isExhausted)
      for (const seq of seqs) if (!exhausted.includes(seq)) countTry.run(seq)
      return exhausted
    },
    release(seqs) {
      for (const seq of seqs) releaseOne.run(seq)
    },
    settle({ seq, outcome, reason }) {
      return settleOne.run(outcome, reason, world.nowMs(), seq).changes === 1
    },
    ...reopening(database),
    unfinished: (channel, afterSeq, limit) => ofChannel.all(channel, afterSeq, limit).map(messageOf),
    unfinishedOf: (sessionKey) => ofSession.all(sessionKey).map(messageOf),
  }
}

function reopening(database: Database): Pick<Messages, 'reopen' | 'renew'> {
  const reopenOne = database.prepare(
    'UPDATE messages SET outcome = NULL, reason = NULL, settled_at_ms = NULL, tries = 0 WHERE seq = ?',
  )
  const renewOne = database.prepare('UPDATE messages SET renewed = renewed + 1 WHERE seq = ?')
  const one = database.prepare('SELECT * FROM messages WHERE seq = ?')
  const changed = (statement: Statement, seq: number): AcceptedMessage => {
    statement.run(seq)
    return messageOf(theRow(one.get(seq)))
  }
  return { reopen: (seq) => changed(reopenOne, seq), renew: (seq) => changed(renewOne, seq) }
}

const INSERT = `
  INSERT INTO messages (
    channel, conversation, platform_message_id, session_key, agent, kind, sender_id, sender_name, sender_handle,
    text, addressed, album, attachments, media, continues, command_name, command_text, accepted_at_ms
  ) VALUES (
    :channel, :conversation, :platformMessageId, :sessionKey, :agent, :kind, :senderId, :senderName, :senderHandle,
    :text, :addressed, :album, :attachments, :media, :continues, :commandName, :commandText, :acceptedAtMs
  ) ON CONFLICT DO NOTHING`

function columnsOf(message: NewMessage, acceptedAtMs: number) {
  return {
    channel: message.channel,
    conversation: message.conversation,
    platformMessageId: message.platformMessageId,
    sessionKey: message.sessionKey,
    agent: message.agent,
    kind: message.kind,
    senderId: message.sender.id,
    senderName: message.sender.name,
    senderHandle: message.sender.handle,
    text: message.text,
    addressed: Number(message.addressed),
    album: message.album,
    attachments: message.attachments.length,
    media: message.attachments.length === 0 ? null : JSON.stringify(message.attachments),
    continues: Number(message.continues),
    commandName: message.command?.name ?? null,
    commandText: message.command?.text ?? null,
    acceptedAtMs,
  }
}

function messageOf(row: Row): AcceptedMessage {
  const renewed = numberOf(row, 'renewed')
  return {
    seq: numberOf(row, 'seq'),
    channel: textOf(row, 'channel'),
    conversation: textOf(row, 'conversation'),
    platformMessageId: textOf(row, 'platform_message_id'),
    sessionKey: textOf(row, 'session_key'),
    agent: textOf(row, 'agent'),
    kind: textOf(row, 'kind') === 'dm' ? 'dm' : 'group',
    sender: {
      id: textOf(row, 'sender_id'),
      name: optionalTextOf(row, 'sender_name'),
      handle: optionalTextOf(row, 'sender_handle'),
    },
    text: textOf(row, 'text'),
    addressed: flagOf(row, 'addressed'),
    album: optionalTextOf(row, 'album'),
    attachments: attachmentsOf(row),
    continues: flagOf(row, 'continues'),
    command: commandOf(row),
    acceptedAtMs: numberOf(row, 'accepted_at_ms'),
    ...(renewed === 0 ? {} : { renewed }),
  }
}

/** Text and what came with it, for people. */
export function writtenIn(row: Row): string {
  return writtenText({ text: textOf(row, 'text'), attachments: attachmentsOf(row) })
}

/** What came with messages that may still be prepared. */
export function attachmentsInUse(database: Database): (deadSinceMs: number) => Attachment[] {
  const unsettled = database.prepare(
    'SELECT media, attachments FROM messages WHERE outcome IS NULL AND media IS NOT NULL',
  )
  const dead = database.prepare(
    `SELECT media, attachments FROM dead_letters JOIN messages ON messages.seq = dead_letters.message_seq
     WHERE dead_letters.message_seq IS NOT NULL AND dead_letters.at_ms >= ? AND media IS NOT NULL`,
  )
  return (deadSinceMs) => [...unsettled.all(), ...dead.all(deadSinceMs)].flatMap(attachmentsOf)
}

/** Of a message that an earlier version kept, only how many there were is known. */
function attachmentsOf(row: Row): readonly Attachment[] {
  const media = optionalTextOf(row, 'media')
  // As `columnsOf` wrote it.
  if (media !== null) return JSON.parse(media) as Attachment[]
  return Array.from({ length: numberOf(row, 'attachments') }, () => UNKNOWN_ATTACHMENT)
}

function commandOf(row: Row): Command | null {
  const name = optionalTextOf(row, 'command_name')
  return name === null ? null : { name, text: textOf(row, 'command_text') }
}
