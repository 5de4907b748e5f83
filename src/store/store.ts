// Store: the contract of everything that must survive the process.
//   Calls take effect in the order in which they were made; a promise that resolved is on disk.
//   Writes that are asked for in one moment share one commit. A write either happens whole or rejects with FailureError
//   `storage`, and then nothing of it is there.

import type {
  AcceptedMessage,
  Commit,
  Inbound,
  Outcome,
  OutboxItem,
  Sender,
  TranscriptEntry,
} from '../../machines/messages.ts'
import type { Failure } from '../../machines/failure.ts'
import type { Attachment } from '../../machines/media.ts'
import type { Note } from '../../machines/notes.ts'
import type { Step } from '../../machines/steps.ts'
import type { UsageOf, UsageTotals } from '../../machines/usage.ts'
import type { Forgetting } from './forget.ts'
import type { Accepted } from './messages.ts'
import type { DueTime, ScheduleRecord } from './schedules.ts'

export interface Store {
  /**
   * Writes an inbound message down. A platform message id seen before in its conversation is a duplicate, and nothing is written; one
   * that somebody else has there is `taken`.
   */
  accept(message: NewMessage): Promise<Accepted>

  /**
   * Begins a turn: counts a try for each message, reads the history and what an earlier activation did for it. Messages that were tried MESSAGE_TRIES_MAX times
   * before are named in `exhausted`, and nothing is counted for them; in company (see MESSAGE_TRIES_IN_COMPANY_MAX) later.
   */
  begin(sessionKey: string, turn: string, seqs: readonly number[]): Promise<Begun>

  /** Takes back the try of messages whose run was ended by a drain and not by their own doing. */
  release(seqs: readonly number[]): Promise<void>

  /**
   * History, inbox, outbox and usage in one transaction. A message that is settled already stays as it is. A reply that `adds`
   * something gets its line from what is true when it is written.
   */
  commit(commit: Commit): Promise<void>

  /** Commits `done` when the session's history has a turn, and `nothing` when it is empty: one look and one write. */
  commitUndo(commits: { readonly done: Commit; readonly nothing: Commit }): Promise<void>

  /** Accepted messages of a channel that nobody settled, `seq` > `afterSeq`, oldest first. */
  unfinished(channel: string, afterSeq: number, limit: number): Promise<AcceptedMessage[]>
  /** The same for one session, all of them. */
  unfinishedOf(sessionKey: string): Promise<AcceptedMessage[]>
  /** What came with messages that may still be prepared: those that nobody settled, and dead letters since then. */
  attachments(deadSinceMs: number): Promise<Attachment[]>

  /** Conversations of a channel that are owed a reply. */
  owed(channel: string): Promise<string[]>
  /** The oldest undelivered reply of a conversation; null when nothing is owed. */
  nextOwed(channel: string, conversation: string): Promise<OutboxItem | null>
  /** Written before a part is sent, so that a crash in between is known as uncertain (D2). */
  attempt(outboxId: number): Promise<void>
  /** Clears the mark: the send failed and certainly did not arrive. */
  unattempt(outboxId: number): Promise<void>
  /** A part was delivered; with `last` the reply is. `uncertain` keeps in its record that a part may stand there twice. */
  receipt(outboxId: number, receipt: string, last: boolean): Promise<void>
  /** The reply becomes a dead letter. */
  undeliverable(outboxId: number, failure: Failure): Promise<void>

  /** History since the last reset, without undone turns, oldest first; at most HISTORY_ENTRIES_MAX entries. */
  history(sessionKey: string): Promise<TranscriptEntry[]>
  /** Everything that was ever written of a session, oldest first. */
  transcript(sessionKey: string): Promise<TranscriptEntry[]>
  /** Newest first. */
  sessions(limit: number, filter?: SessionsFilter): Promise<SessionSummary[]>
  /** What became of a session's messages, turns and replies: the newest `limit` entries before a place, oldest first. */
  record(sessionKey: string, before: RecordPlace | null, limit: number): Promise<RecordPage>

  /** Takes out sessions that have rested for long, are owed nothing and have no dead letter; answers with their keys. */
  forget(what: Forgetting): Promise<string[]>

  deadLetters(limit: number): Promise<DeadLetter[]>
  /** Puts it back where it came from; null when there is no such dead letter. */
  retryDeadLetter(id: number): Promise<RetriedDeadLetter | null>

  /** The code under which this person waits for an approval; the same code while it is valid (an hour). */
  pairingCode(channel: string, user: PairingUser): Promise<string>
  pairings(): Promise<Pairing[]>
  /** null: no such code, or it has expired. */
  approvePairing(code: string): Promise<Pairing | null>
  revokePairing(channel: string, user: string): Promise<boolean>
  isPaired(channel: string, user: string): Promise<boolean>

  /** What an agent noted about a person, oldest first. */
  notes(agent: string, user: string): Promise<Note[]>
  /** Returns the note's number, which is not given again; a text that stands there already keeps its number. */
  addNote(agent: string, user: string, text: string): Promise<number>
  /** False: there is no such note. */
  removeNote(agent: string, user: string, number: number): Promise<boolean>

  appendJournal(entry: NewJournalEntry): Promise<number>
  journalAfter(place: ConversationPlace, id: number, limit: number): Promise<StoredJournalEntry[]>

  /**
   * Up to when a schedule has said everything. One that is not on record, or stands there with other times, begins with this
   * moment: it has no past.
   */
  recallSchedule(name: string, times: string, nowMs: number): Promise<number>
  /**
   * Accepts the message of a time and puts the time on record, in one; a time that is not later than the record is a duplicate.
   * Nobody can have taken its id.
   */
  acceptDue(due: DueTime, message: NewMessage): Promise<Accepted>
  /** They were taken out of the file; should they come back, they have no past. */
  forgetSchedules(names: readonly string[]): Promise<void>
  /** What every schedule on record said last. */
  schedules(): Promise<ScheduleRecord[]>

  /** What was used on a day. */
  usageOn(day: number, of: UsageOf): Promise<UsageTotals>
  /** What a session has used in the last `days` days; 1: today. */
  usageOfSession(sessionKey: string, days: number): Promise<UsageTotals>
  /** What people used so many days ago (0: today), by agent and person in this order, behind a place: a page of it. */
  usageOfPeople(daysAgo: number, after: UsagePlace | null, limit: number): Promise<UsageRow[]>

  counts(): Promise<StoreCounts>
  /** Finishes what was asked for, then closes; every later call rejects. */
  close(): Promise<void>
}

export interface Begun {
  readonly history: TranscriptEntry[]
  readonly exhausted: number[]
  readonly steps: Step[]
}

export interface NewMessage extends Inbound, Pick<AcceptedMessage, 'sessionKey' | 'command'> {
  readonly agent: string
  /** Also a journal entry of its conversation, in the same transaction. */
  readonly journaled: boolean
}

export interface SessionSummary {
  readonly key: string
  readonly channel: string
  readonly conversation: string
  readonly agent: string
  readonly turns: number
  readonly waiting: number
  readonly updatedAtMs: number
}

/** What is left out holds nobody back. */
export interface SessionsFilter {
  /** Part of a key, a conversation or an agent's name, in any case of A to Z. */
  readonly search?: string
  readonly only?: readonly string[]
  readonly without?: readonly string[]
  readonly offset?: number
}

/** Between two entries of a record; each kind has a count of its own. */
export interface RecordPlace {
  readonly message: number
  readonly transcript: number
  readonly step: number
  readonly delivery: number
}

export interface RecordPage {
  readonly entries: readonly RecordEntry[]
  /** Where the next older page begins; null: there is nothing older. */
  readonly older: RecordPlace | null
}

/** One thing that happened in a session. Whoever shows them shows a kind that it does not know plainly. */
export type RecordEntry =
  | MessageEntry
  | ({ readonly kind: 'transcript' } & TranscriptEntry)
  | StepEntry
  | DeliveryEntry
  | DeadEntry

export interface MessageEntry {
  readonly kind: 'message'
  readonly seq: number
  readonly text: string
  readonly sender: Sender
  /** The name of the command that it is; null: it is none. */
  readonly command: string | null
  readonly tries: number
  /** null: not settled yet. */
  readonly outcome: Outcome | null
  readonly reason: string | null
  readonly settledAtMs: number | null
  readonly atMs: number
}

export interface StepEntry {
  readonly kind: 'step'
  readonly seq: number
  readonly turn: string
  readonly step: Step
  readonly atMs: number
}

export interface DeliveryEntry {
  readonly kind: 'delivery'
  readonly id: number
  readonly text: string
  readonly partsSent: number
  /** null: it is owed. */
  readonly outcome: 'delivered' | 'dead' | null
  readonly deliveredAtMs: number | null
  /** Some part may stand there twice. */
  readonly uncertain: boolean
  readonly atMs: number
}

export interface DeadEntry {
  readonly kind: 'deadLetter'
  readonly id: number
  readonly of: DeadLetter['kind']
  readonly text: string
  readonly reason: string
  readonly atMs: number
}

export interface DeadLetter {
  readonly id: number
  /** `message`: nobody answered it. `reply`: nobody received it. */
  readonly kind: 'message' | 'reply'
  readonly channel: string
  readonly conversation: string
  readonly text: string
  readonly reason: string
  readonly atMs: number
}

export type RetriedDeadLetter =
  | { readonly kind: 'message'; readonly message: AcceptedMessage }
  | { readonly kind: 'reply'; readonly channel: string; readonly conversation: string }

export interface PairingUser {
  readonly id: string
  readonly name: string | null
}

export interface Pairing {
  readonly channel: string
  readonly user: string
  readonly name: string | null
  /** null: approved. */
  readonly code: string | null
  readonly atMs: number
}

export interface ConversationPlace {
  readonly channel: string
  readonly conversation: string
}

export interface NewJournalEntry {
  readonly channel: string
  readonly conversation: string
  readonly text: string
  readonly outboxId: number
  readonly part: number
}

export interface StoredJournalEntry {
  readonly id: number
  readonly role: 'user' | 'assistant'
  readonly text: string
}

export interface UsageRow extends UsageTotals, UsagePlace {}

export interface UsagePlace {
  readonly agent: string
  readonly user: string
}

export interface StoreCounts {
  readonly sessions: number
  readonly outbox: number
  readonly deadLetters: number
  /** Accepted messages by how they ended; `waiting` ones did not yet. */
  readonly messages: Readonly<Record<Outcome | 'waiting', number>>
}
