// Broken: programs that are each wrong in one way, made of the real one. The count must catch every one, by the figure that is
// named. Put in by doors.ts, in the process under test.

import type { Commit } from '../../machines/messages.ts'
import type { Door } from '../../src/channels/adapter.ts'
import type { UpdateSource } from '../../src/channels/telegram-poll.ts'
import type { Database } from '../../src/store/database.ts'
import type { Store } from '../../src/store/store.ts'
import type { Point } from './points.ts'

/** Names the broken subject, in the environment of the process under test. */
export const BREAK = 'TROUPE_TEST_BREAK'

export interface Broken {
  readonly database?: (database: Database) => Database
  readonly store?: (store: Store) => Store
  readonly door?: (door: Door) => Door
  readonly source?: (source: UpdateSource) => UpdateSource
}

export interface BrokenSubject {
  /** The figure of count.ts in which it must show. */
  readonly shows: 'lost' | 'doubledTurns' | 'unmarkedDoubles' | 'sentAgain' | 'outOfOrder' | 'doneTwice'
  /** Where a life ends for that; null: at any moment under load. */
  readonly dies: { readonly point: Point; readonly passage: number } | null
  /** It shows only where a model is asked; without one a life costs half. */
  readonly asksModel?: true
  readonly subject: () => Broken
}

/** So late comes what should have come first: no life is so long. */
const LATE_MS = 60_000

/** What the environment names; nothing is broken when it names nothing. */
export function brokenSubject(name: string | undefined): Broken {
  if (name === undefined) return {}
  const named = BROKEN[name]
  if (named === undefined) throw new Error(`There is no broken subject "${name}".`)
  return named.subject()
}

export const BROKEN: Readonly<Record<string, BrokenSubject>> = {
  'an accept that tells the platform before the write': {
    shows: 'lost',
    dies: { point: 'after confirm', passage: 1 },
    subject: () => ({
      door: (door) => ({
        live: door.live,
        receive: async (message) => {
          late(() => door.receive(message))
          return { accepted: true, duplicate: false, seq: 0 }
        },
      }),
    }),
  },
  'a poll that confirms its offset before the write': {
    shows: 'lost',
    dies: { point: 'after confirm', passage: 1 },
    subject: () => ({
      source: (source) => ({ ...source, receive: async (update) => late(() => source.receive(update)) }),
    }),
  },
  'a write that is answered before it is on disk': {
    shows: 'lost',
    dies: { point: 'after confirm', passage: 1 },
    subject: () => ({ database: flushedLate }),
  },
  'a commit whose replies are written after it': {
    shows: 'lost',
    dies: { point: 'after commit', passage: 1 },
    subject: () => ({
      store: (store) => ({
        ...store,
        async commit(content) {
          await store.commit({ ...content, replies: [] })
          await store.commit({ ...content, settled: [], entries: [], steps: [] })
        },
      }),
    }),
  },
  'a start that does not look for what was left': {
    shows: 'lost',
    dies: { point: 'before commit', passage: 5 },
    subject: () => ({ store: (store) => ({ ...store, unfinished: async () => [] }) }),
  },
  'an accept that knows no message again': {
    shows: 'doubledTurns',
    dies: { point: 'after receive', passage: 5 },
    subject: () => ({
      store: (store) => ({
        ...store,
        accept: (message) =>
          store.accept({ ...message, platformMessageId: `${message.platformMessageId}/${Math.random()}` }),
      }),
    }),
  },
  'a send whose attempt is not written first': {
    shows: 'unmarkedDoubles',
    dies: { point: 'after send', passage: 5 },
    subject: () => ({ store: (store) => ({ ...store, attempt: async () => {} }) }),
  },
  'a delivery that forgets a receipt': {
    shows: 'sentAgain',
    dies: null,
    subject: () => ({ store: forgetful }),
  },
  'a tool that begins before that is on disk': {
    shows: 'doneTwice',
    asksModel: true,
    dies: { point: 'after tool', passage: 1 },
    subject: () => ({
      store: (store) => ({ ...store, commit: async (content) => store.commit(withoutBegin(content)) }),
    }),
  },
  'an outbox that is read from its end': {
    shows: 'outOfOrder',
    dies: null,
    subject: () => ({
      database: (database) =>
        withPrepare(database, (sql) =>
          database.prepare(sql.replace('ORDER BY id LIMIT 1', 'ORDER BY id DESC LIMIT 1')),
        ),
    }),
  },
}

function late(act: () => Promise<unknown>): void {
  setTimeout(() => void act().catch(() => {}), LATE_MS).unref()
}

function withoutBegin(content: Commit): Commit {
  return { ...content, steps: (content.steps ?? []).filter(({ step }) => step.kind !== 'begin') }
}

/** The first receipt of each reply is lost on the way. */
function forgetful(store: Store): Store {
  const known = new Set<number>()
  return {
    ...store,
    async receipt(outboxId, ...more) {
      if (known.has(outboxId)) return store.receipt(outboxId, ...more)
      known.add(outboxId)
    },
  }
}

/** Everything is flushed together, long after its writers were told. */
function flushedLate(database: Database): Database {
  let open = false
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  const nothing = { changes: 0, lastInsertRowid: 0 }
  const lateBegin = () => {
    if (open) return nothing
    open = true
    setTimeout(() => {
      open = false
      commit.run()
    }, LATE_MS).unref()
    return begin.run()
  }
  return {
    ...withPrepare(database, (sql) => {
      const statement = database.prepare(sql)
      const { get, all } = { get: statement.get.bind(statement), all: statement.all.bind(statement) }
      if (sql.startsWith('BEGIN')) return { run: lateBegin, get, all }
      return sql === 'COMMIT' ? { run: () => nothing, get, all } : statement
    }),
    get isTransaction() {
      return false
    },
  }
}

function withPrepare(database: Database, prepare: Database['prepare']): Database {
  return {
    get isTransaction() {
      return database.isTransaction
    },
    exec: (sql) => database.exec(sql),
    prepare,
    close: () => database.close(),
  }
}
