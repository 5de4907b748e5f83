// Transcripts: the append-only record of each session, and the history that is read out of it.
// `reset` and `undo` are entries like any other; nothing is ever changed or removed. A session runs one run at a time (S1),
// so the entries of one turn stand together.

import { assert } from '../../machines/failure.ts'
import { HISTORY_ENTRIES_MAX } from '../../machines/limits.ts'
import type { ShownFile } from '../../machines/media.ts'
import type { NewTranscriptEntry, Sender, TranscriptEntry, TranscriptRole } from '../../machines/messages.ts'
import type { Amount, Credit } from '../../machines/usage.ts'
import type { World } from '../world.ts'
import { type Database, numberOf, optionalTextOf, type Row, type Statement, textOf } from './database.ts'
import type { Steps } from './steps.ts'
import type { NewMessage } from './store.ts'

export interface Transcripts {
  /** A message was accepted for this session. */
  touch(message: NewMessage): void
  append(sessionKey: string, entries: readonly NewTranscriptEntry[]): void
  history(sessionKey: string): TranscriptEntry[]
  transcript(sessionKey: string): TranscriptEntry[]
  /** Whether an entry closes that turn: it was answered, it failed or it was cancelled. */
  hasEnded(sessionKey: string, turn: string): boolean
}

export function transcripts(database: Database, { world, steps }: { world: World; steps: Steps }): Transcripts {
  const touchSession = database.prepare(
    `INSERT INTO sessions (key, channel, conversation, agent, updated_at_ms) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET agent = excluded.agent, updated_at_ms = excluded.updated_at_ms`,
  )
  const insert = database.prepare(
    `INSERT INTO transcript (
       session_key, role, turn, text, sender_id, sender_name, sender_handle, at_ms, model, input_tokens, output_tokens, cost,
       estimated, shown
     ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const countTurn = database.prepare(
    'UPDATE sessions SET turns = turns + 1, last_turn = ?2 WHERE key = ?1 AND last_turn IS NOT ?2',
  )
  const update = database.prepare('UPDATE sessions SET updated_at_ms = ? WHERE key = ?')
  const all = database.prepare('SELECT * FROM transcript WHERE session_key = ? ORDER BY seq')
  const older = database.prepare('SELECT * FROM transcript WHERE session_key = ? AND seq < ? ORDER BY seq DESC LIMIT ?')

  const rolesOf = database.prepare('SELECT role FROM transcript WHERE session_key = ? AND turn = ?')

  return {
    touch({ sessionKey, channel, conversation, agent }) {
      touchSession.run(sessionKey, channel, conversation, agent, world.nowMs())
    },
    append(sessionKey, entries) {
      const atMs = world.nowMs()
      for (const { role, turn, text, sender, model = null, spent, shown } of entries) {
        const { id, name, handle } = sender ?? NO_SENDER
        const { inputTokens, outputTokens, cost, estimated } = { estimated: undefined, ...(spent ?? NOT_COUNTED) }
        const credit = [model, inputTokens, outputTokens, cost, jsonOf(estimated)]
        insert.run(sessionKey, role, turn, text, id, name, handle, atMs, ...credit, jsonOf(shown))
        if (role !== 'reset' && role !== 'undo') countTurn.run(sessionKey, turn)
      }
      update.run(atMs, sessionKey)
    },
    history: (sessionKey) => withSteps(steps, sessionKey, wholeTurns(newestFirst(older, sessionKey))),
    transcript: (sessionKey) => withSteps(steps, sessionKey, all.all(sessionKey).map(entryOf)),
    hasEnded: (sessionKey, turn) =>
      rolesOf.all(sessionKey, turn).some((row) => CLOSING.includes(roleOf(textOf(row, 'role')))),
  }
}

function jsonOf(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value)
}

/** What a turn's run did stands at the entry that closes the turn. */
function withSteps(steps: Steps, sessionKey: string, entries: TranscriptEntry[]): TranscriptEntry[] {
  if (!steps.any(sessionKey)) return entries
  return entries.map((entry) =>
    CLOSING.includes(entry.role) ? { ...entry, steps: steps.ofTurn(sessionKey, entry.turn) } : entry,
  )
}

const CLOSING: readonly TranscriptRole[] = ['assistant', 'partial', 'failure']

const NO_SENDER = { id: null, name: null, handle: null }
const NOT_COUNTED = { inputTokens: null, outputTokens: null, cost: null }

/** Most histories are one read. */
const PAGE_ENTRIES = HISTORY_ENTRIES_MAX + 1

/** Walks back to the last reset, or to the last summary and with it; an `undo` on the way takes the nearest turn before it that no later undo has taken. */
function* newestFirst(older: Statement, sessionKey: string): Generator<TranscriptEntry> {
  let undos = 0
  let undoneTurn: string | null = null
  for (const entry of backwards(older, sessionKey)) {
    if (entry.role === 'reset') return
    if (entry.role === 'summary' && undos === 0) {
      yield entry
      return
    }
    if (entry.role === 'undo') {
      undos += 1
    } else if (undos > 0 && entry.turn !== undoneTurn) {
      undos -= 1
      undoneTurn = entry.turn
    } else if (entry.turn !== undoneTurn) yield entry
  }
}

function* backwards(older: Statement, sessionKey: string): Generator<TranscriptEntry> {
  let before = Number.MAX_SAFE_INTEGER
  for (;;) {
    const page = older.all(sessionKey, before, PAGE_ENTRIES).map(entryOf)
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE_ENTRIES) return
    assert(last.seq < before, 'each page is older than the one before')
    before = last.seq
  }
}

/** At most HISTORY_ENTRIES_MAX, oldest first; a history does not begin in the middle of a turn, unless that turn is all of it. */
function wholeTurns(newestEntries: Iterator<TranscriptEntry> & Iterable<TranscriptEntry>): TranscriptEntry[] {
  const entries: TranscriptEntry[] = []
  for (const entry of newestEntries) {
    if (entries.length === HISTORY_ENTRIES_MAX) {
      const whole = entries.filter((each) => each.turn !== entry.turn)
      return (whole.length > 0 ? whole : entries).reverse()
    }
    entries.push(entry)
  }
  return entries.reverse()
}

export function entryOf(row: Row): TranscriptEntry {
  return {
    seq: numberOf(row, 'seq'),
    role: roleOf(textOf(row, 'role')),
    turn: textOf(row, 'turn'),
    text: textOf(row, 'text'),
    sender: senderOf(row),
    atMs: numberOf(row, 'at_ms'),
    steps: [],
    ...creditOf(row),
    ...shownOf(row),
  }
}

function shownOf(row: Row): Pick<TranscriptEntry, 'shown'> {
  const shown = optionalTextOf(row, 'shown')
  // As `append` wrote it.
  return shown === null ? {} : { shown: JSON.parse(shown) as ShownFile[] }
}

function creditOf(row: Row): Partial<Credit> {
  const model = optionalTextOf(row, 'model')
  if (model === null) return {}
  if (row['input_tokens'] === null) return { model, spent: null }
  const cost = row['cost'] === null ? null : numberOf(row, 'cost')
  const spent = { inputTokens: numberOf(row, 'input_tokens'), outputTokens: numberOf(row, 'output_tokens'), cost }
  const estimated = optionalTextOf(row, 'estimated')
  // As `append` wrote it.
  return { model, spent: estimated === null ? spent : { ...spent, estimated: JSON.parse(estimated) as Amount } }
}

const ROLES: readonly TranscriptRole[] = ['user', 'assistant', 'partial', 'failure', 'summary', 'reset', 'undo']

function roleOf(text: string): TranscriptRole {
  const role = ROLES.find((each) => each === text)
  assert(role !== undefined, 'a transcript entry has a known role')
  return role
}

function senderOf(row: Row): Sender | null {
  const id = optionalTextOf(row, 'sender_id')
  return id === null
    ? null
    : { id, name: optionalTextOf(row, 'sender_name'), handle: optionalTextOf(row, 'sender_handle') }
}
