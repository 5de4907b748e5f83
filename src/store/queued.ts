// Queued store: the contract over a database whose tables are there. It says which calls write; group-commit.ts does the rest.

import type { Failure } from '../../machines/failure.ts'
import type { World } from '../world.ts'
import type { Database } from './database.ts'
import { GroupCommit } from './group-commit.ts'
import { operations } from './operations.ts'
import type { Store } from './store.ts'

export interface QueuedStoreParts {
  readonly database: Database
  readonly world: World
  /** Called before each commit of writes; throws when the store's file is not where it was. */
  readonly beforeCommit: () => void
  /** How long a transaction of writes took. */
  readonly onCommit?: (ms: number) => void
  /** A write that is not there because of the disk. */
  readonly onFailure?: (failure: Failure) => void
  /** Called once, after the database was closed. */
  readonly onClosed: () => void
}

export function queuedStore(parts: QueuedStoreParts): Store {
  const { database, world, beforeCommit, onCommit = () => {}, onFailure = () => {}, onClosed } = parts
  const tables = operations(database, world)
  const line = new GroupCommit({ database, beforeCommit, onCommit, onFailure, nowMs: () => world.nowMs() })
  let closed: Promise<void> | null = null
  const close = async () => {
    await line.close()
    database.close()
    onClosed()
  }
  return {
    accept: (message) => line.write(() => tables.accept(message)),
    begin: (sessionKey, turn, seqs) => line.write(() => tables.begin(sessionKey, turn, seqs)),
    release: (seqs) => line.write(() => tables.release(seqs)),
    commit: (commit) => line.write(() => tables.commit(commit)),
    commitUndo: (commits) => line.write(() => tables.commitUndo(commits)),
    unfinished: (channel, afterSeq, limit) => line.read(() => tables.unfinished(channel, afterSeq, limit)),
    unfinishedOf: (sessionKey) => line.read(() => tables.unfinishedOf(sessionKey)),
    attachments: (deadSinceMs) => line.read(() => tables.attachments(deadSinceMs)),
    owed: (channel) => line.read(() => tables.owed(channel)),
    nextOwed: (channel, conversation) => line.read(() => tables.nextOwed(channel, conversation)),
    attempt: (outboxId) => line.write(() => tables.attempt(outboxId)),
    unattempt: (outboxId) => line.write(() => tables.unattempt(outboxId)),
    receipt: (outboxId, receipt, last) => line.write(() => tables.receipt(outboxId, receipt, last)),
    undeliverable: (outboxId, failure) => line.write(() => tables.undeliverable(outboxId, failure)),
    history: (sessionKey) => line.read(() => tables.history(sessionKey)),
    transcript: (sessionKey) => line.read(() => tables.transcript(sessionKey)),
    sessions: (limit, filter) => line.read(() => tables.sessions(limit, filter)),
    record: (sessionKey, before, limit) => line.read(() => tables.record(sessionKey, before, limit)),
    forget: (what) => line.write(() => tables.forget(what)),
    deadLetters: (limit) => line.read(() => tables.deadLetters(limit)),
    retryDeadLetter: (id) => line.write(() => tables.retryDeadLetter(id)),
    pairingCode: (channel, user) => line.write(() => tables.pairingCode(channel, user)),
    pairings: () => line.read(() => tables.pairings()),
    approvePairing: (code) => line.write(() => tables.approvePairing(code)),
    revokePairing: (channel, user) => line.write(() => tables.revokePairing(channel, user)),
    isPaired: (channel, user) => line.read(() => tables.isPaired(channel, user)),
    notes: (agent, user) => line.read(() => tables.notes(agent, user)),
    addNote: (agent, user, text) => line.write(() => tables.addNote(agent, user, text)),
    removeNote: (agent, user, number) => line.write(() => tables.removeNote(agent, user, number)),
    appendJournal: (entry) => line.write(() => tables.appendJournal(entry)),
    journalAfter: (place, id, limit) => line.read(() => tables.journalAfter(place, id, limit)),
    recallSchedule: (name, times, nowMs) => line.write(() => tables.recallSchedule(name, times, nowMs)),
    acceptDue: (due, message) => line.write(() => tables.acceptDue(due, message)),
    forgetSchedules: (names) => line.write(() => tables.forgetSchedules(names)),
    schedules: () => line.read(() => tables.schedules()),
    usageOn: (day, of) => line.read(() => tables.usageOn(day, of)),
    usageOfSession: (sessionKey, days) => line.read(() => tables.usageOfSession(sessionKey, days)),
    usageOfPeople: (back, after, limit) => line.read(() => tables.usageOfPeople(back, after, limit)),
    counts: () => line.read(() => tables.counts()),
    close: () => (closed ??= close()),
  }
}
