// Operations: every call of the store as one synchronous step over the tables. What belongs together stands in one function,
// and the group commit makes it one savepoint: it happens whole or not at all.

import type { AcceptedMessage, Commit, Reply } from '../../machines/messages.ts'
import { turnIdOf } from '../../machines/steps.ts'
import { usageLine } from '../../machines/usage.ts'
import type { World } from '../world.ts'
import { type Database, numberOf, textOf } from './database.ts'
import { deadLetters } from './dead-letters.ts'
import { entriesBefore } from './earlier.ts'
import { forget } from './forget.ts'
import { type Journal, journal } from './journal.ts'
import { type Messages, messages } from './messages.ts'
import { notes } from './notes.ts'
import { type Outbox, outbox } from './outbox.ts'
import { pairings } from './pairings.ts'
import { record } from './record.ts'
import { schedules } from './schedules.ts'
import { sessionList } from './session-list.ts'
import { type Steps, steps } from './steps.ts'
import type { RetriedDeadLetter, Store, StoreCounts } from './store.ts'
import { type Transcripts, transcripts } from './transcripts.ts'
import { type UsageTable, usageTable } from './usage.ts'

export type Operations = {
  readonly [Name in Exclude<keyof Store, 'close'>]: (
    ...input: Parameters<Store[Name]>
  ) => Awaited<ReturnType<Store[Name]>>
}

export function operations(database: Database, world: World): Operations {
  const taken = steps(database, world)
  const parts: Parts = {
    messages: messages(database, world),
    transcripts: transcripts(database, { world, steps: taken }),
    steps: taken,
    outbox: outbox(database, world),
    dead: deadLetters(database, world),
    journal: journal(database, world),
    usage: usageTable(database, world),
  }
  const people = { ...pairingOperations(database, world), ...noteOperations(database, world) }
  const past = {
    record: record(database),
    sessions: sessionList(database),
    counts: counts(database),
    forget: forget(database),
  }
  const arriving = arrivals(parts)
  const timed = scheduleOperations(database, arriving.accept)
  const { onDay: usageOn, ofSession: usageOfSession, ofPeople: usageOfPeople } = parts.usage
  const used = { usageOn, usageOfSession, usageOfPeople }
  return { ...arriving, ...departures(parts), ...people, ...past, ...used, ...timed }
}

interface Parts {
  readonly messages: Messages
  readonly transcripts: Transcripts
  readonly steps: Steps
  readonly outbox: Outbox
  readonly dead: ReturnType<typeof deadLetters>
  readonly journal: Journal
  readonly usage: UsageTable
}

function arrivals({ messages, transcripts, steps, outbox, dead, journal, usage }: Parts) {
  function commit(content: Commit): void {
    for (const settlement of content.settled) {
      const settled = messages.settle(settlement)
      if (settled && settlement.outcome === 'dead') {
        dead.addMessage(settlement.seq, settlement.reason ?? 'no reason was given')
      }
    }
    if (content.sessionKey !== null) {
      steps.append(content.sessionKey, content.steps ?? [])
      transcripts.append(content.sessionKey, content.entries)
      usage.add(content.sessionKey, content.usage ?? [])
    }
    for (const reply of content.replies) outbox.add(content, whole(content, reply))
  }

  function whole({ sessionKey }: Commit, reply: Reply): Reply {
    if (reply.adds === undefined || sessionKey === null) return reply
    return { ...reply, text: `${reply.text}\n${usageLine(usage.ofSession(sessionKey, 1))}` }
  }

  return {
    accept(message) {
      const accepted = messages.accept(message)
      if (accepted.duplicate) return accepted
      transcripts.touch(message)
      const before = entriesBefore(message, accepted.seq, () => transcripts.history(message.sessionKey))
      if (before.length > 0) transcripts.append(message.sessionKey, before)
      if (message.journaled) journal.addUser(message)
      return accepted
    },
    begin(sessionKey, turn, seqs) {
      const exhausted = messages.countTries(seqs)
      return { history: transcripts.history(sessionKey), exhausted, steps: steps.ofTurn(sessionKey, turn) }
    },
    release: messages.release,
    commit,
    commitUndo({ done, nothing }) {
      const turns = done.sessionKey === null ? [] : transcripts.history(done.sessionKey)
      commit(turns.length > 0 ? done : nothing)
    },
    unfinished: (channel, afterSeq, limit) => messages.unfinished(channel, afterSeq, limit).map(resuming(steps)),
    unfinishedOf: (sessionKey) => messages.unfinishedOf(sessionKey).map(resuming(steps)),
    history: transcripts.history,
    transcript: transcripts.transcript,
  } satisfies Partial<Operations>
}

/** A message whose turn has steps begins a turn that was at work before. */
function resuming(steps: Steps): (message: AcceptedMessage) => AcceptedMessage {
  return (message) => (steps.has(message.sessionKey, turnIdOf(message)) ? { ...message, resumes: true } : message)
}

function departures({ messages, transcripts, steps, outbox, dead, journal }: Parts) {
  /** A turn that broke again and again goes on where its steps end; one that ended with the others of it is over. */
  function reopened(seq: number): AcceptedMessage {
    const message = messages.reopen(seq)
    const isOver = transcripts.hasEnded(message.sessionKey, turnIdOf(message))
    return resuming(steps)(isOver ? messages.renew(seq) : message)
  }

  return {
    owed: outbox.owed,
    nextOwed: outbox.nextOwed,
    attempt: outbox.attempt,
    unattempt: outbox.unattempt,
    receipt: outbox.receipt,
    undeliverable(outboxId, failure) {
      if (outbox.giveUp(outboxId, failure.uncertain === true)) dead.addReply(outboxId, failure.message)
    },
    deadLetters: dead.newest,
    retryDeadLetter(id): RetriedDeadLetter | null {
      const origin = dead.take(id)
      if (origin === null) return null
      if (origin.kind === 'message') return { kind: 'message', message: reopened(origin.seq) }
      outbox.reopen(origin.outboxId)
      return { kind: 'reply', channel: origin.channel, conversation: origin.conversation }
    },
    appendJournal: journal.append,
    journalAfter: journal.after,
  } satisfies Partial<Operations>
}

function pairingOperations(database: Database, world: World) {
  const known = pairings(database, world)
  return {
    pairingCode: known.code,
    pairings: known.list,
    approvePairing: known.approve,
    revokePairing: known.revoke,
    isPaired: known.isPaired,
  } satisfies Partial<Operations>
}

function noteOperations(database: Database, world: World) {
  const noted = notes(database, world)
  return { notes: noted.list, addNote: noted.add, removeNote: noted.remove } satisfies Partial<Operations>
}

function scheduleOperations(database: Database, accept: Operations['accept']) {
  const known = schedules(database)
  return {
    recallSchedule: known.recall,
    acceptDue: (due, message) => known.acceptDue(due, message, accept),
    forgetSchedules: known.forget,
    schedules: known.list,
  } satisfies Partial<Operations>
}

function counts(database: Database): () => StoreCounts {
  const all = database.prepare('SELECT name, value FROM counters')
  return () => {
    const counted = new Map(all.all().map((row) => [textOf(row, 'name'), numberOf(row, 'value')]))
    const of = (name: string) => counted.get(name) ?? 0
    return {
      sessions: of('sessions'),
      outbox: of('outbox'),
      deadLetters: of('dead_letters'),
      messages: {
        waiting: of('waiting'),
        answered: of('answered'),
        discarded: of('discarded'),
        dead: of('dead'),
      },
    }
  }
}
