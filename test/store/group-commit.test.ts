// Group commit, over a real database whose statements can be made to fail: what the engine does when a disk breaks.

import { expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import type { Database } from '../../src/store/database.ts'
import { BATCH_OPERATIONS_MAX, GroupCommit, WAITING_OPERATIONS_MAX } from '../../src/store/group-commit.ts'
import { openFile } from '../../src/store/sqlite.ts'
import { temporaryFolder } from './parts.ts'

interface Bench {
  readonly line: GroupCommit
  readonly database: Database
  readonly statements: string[]
  /** What was said of the disk so far: the message of each failure, and each transaction that is on disk. */
  readonly said: string[]
  /** Statements beginning with this text fail once, as the engine's own errors do. */
  failNext(sql: string, errcode: number): void
  write(value: number): Promise<void>
  values(): Promise<readonly unknown[]>
}

test('G1 operations take effect in the order in which they were asked for, and reads see the writes before them', async () => {
  const { write, values } = bench()
  const [, first, , second] = await Promise.all([write(1), values(), write(2), values(), write(3)])
  expect([first, second, await values()]).toEqual([[1], [1, 2], [1, 2, 3]])
})

test('G2 nothing resolves before its transaction is committed, and one moment shares one commit', async () => {
  const { write, statements } = bench()
  const committed = () => statements.filter((each) => each === 'COMMIT').length
  const seen = await Promise.all([1, 2, 3].map((n) => write(n).then(committed)))
  expect(seen).toEqual([1, 1, 1])
  expect(await write(4).then(committed)).toBe(2)
})

test('G3 a write that fails by itself rejects alone', async () => {
  const { line, write, values, said } = bench()
  const mistake = new Error('a mistake')
  const half = line.write(() => {
    throw mistake
  })
  const results = await Promise.allSettled([write(1), half, write(2)])
  expect(results).toMatchObject([{ status: 'fulfilled' }, { reason: mistake }, { status: 'fulfilled' }])
  expect(await values()).toEqual([1, 2])
  // It is no mistake of the disk.
  expect(said).toEqual(['written'])
})

test.each([
  ['the disk is full', 13, 'The disk of the store is full.'],
  ['an input/output error', 10 | (4 << 8), 'The disk did not do what the store asked of it (input/output error).'],
  ['the disk became read-only', 8, 'The store cannot be written.'],
])(
  'G3 S46 when the commit fails (%s) every write of the batch rejects, reads answer, and the next batch is written',
  async (...row) => {
    const [, errcode, message] = row
    const { line, write, values, failNext, said } = bench()
    await write(1)
    failNext('COMMIT', errcode)
    const own = new Error('a mistake of its own')
    const mistaken = line.write(() => {
      throw own
    })
    const results = await Promise.allSettled([write(2), values(), mistaken, write(3)])
    const rejected = { status: 'rejected', reason: { failure: { kind: 'retryable', reason: 'storage', message } } }
    expect(results).toMatchObject([rejected, { status: 'fulfilled', value: [1] }, { reason: own }, rejected])
    expect(results[0]?.status === 'rejected' && results[0].reason).toBeInstanceOf(FailureError)
    await write(4)
    expect(await values()).toEqual([1, 4])
    expect(said).toEqual(['written', message, 'written'])
  },
)

test('G3 S46 when a full disk ends the transaction in the middle of a batch, all of its writes reject', async () => {
  const { line, write, values, database } = bench()
  // What the engine does by itself when it cannot take back a single statement.
  const breaking = line.write(() => {
    database.exec('ROLLBACK')
    throw engineError(13)
  })
  const results = await Promise.allSettled([write(1), breaking, write(2), values()])
  const full = { status: 'rejected', reason: { failure: { message: 'The disk of the store is full.' } } }
  expect(results).toMatchObject([full, full, full, { value: [] }])
  await write(3)
  expect(await values()).toEqual([3])
})

test('S46 when the transaction cannot even begin, or its end cannot be taken back, writing recovers too', async () => {
  const { write, values, failNext } = bench()
  failNext('BEGIN IMMEDIATE', 10)
  await expect(write(1)).rejects.toMatchObject({ failure: { reason: 'storage' } })
  failNext('COMMIT', 13)
  failNext('ROLLBACK', 10)
  await expect(write(2)).rejects.toMatchObject({ failure: { reason: 'storage' } })
  await write(3)
  expect(await values()).toEqual([3])
})

test('M2 a batch has a bound, and between two batches the event loop runs', async () => {
  const { write, statements } = bench()
  let turns = 0
  const count = setInterval(() => (turns += 1), 0)
  await Promise.all(Array.from({ length: BATCH_OPERATIONS_MAX * 3 }, (_, n) => write(n)))
  clearInterval(count)
  expect(statements.filter((each) => each === 'COMMIT')).toHaveLength(3)
  expect(turns).toBeGreaterThanOrEqual(1)
})

test('M2 what waits has a bound, and more is refused aloud', async () => {
  const { line } = bench()
  const waiting = Array.from({ length: WAITING_OPERATIONS_MAX }, () => line.read(() => 1))
  await expect(line.read(() => 1)).rejects.toMatchObject({ failure: { kind: 'retryable', reason: 'storage' } })
  await Promise.all(waiting)
  expect(await line.read(() => 1)).toBe(1)
})

function bench(): Bench {
  const statements: string[] = []
  const failing = new Map<string, number>()
  const note = (sql: string) => {
    statements.push(sql)
    const errcode = failing.get(sql)
    if (errcode === undefined) return
    failing.delete(sql)
    throw engineError(errcode)
  }
  const database = spied(openFile(`${temporaryFolder()}/bench.db`, ['CREATE TABLE numbers (value INTEGER)']), note)
  const said: string[] = []
  const line = new GroupCommit({
    database,
    beforeCommit: () => {},
    onCommit: () => said.push('written'),
    onFailure: ({ message }) => said.push(message),
    nowMs: () => 0,
  })
  const insert = database.prepare('INSERT INTO numbers VALUES (?)')
  const all = database.prepare('SELECT value FROM numbers ORDER BY rowid')
  return {
    line,
    database,
    statements,
    said,
    failNext: (sql, errcode) => void failing.set(sql, errcode),
    write: (value) => line.write(() => void insert.run(value)),
    values: () => line.read(() => all.all().map((row) => row['value'])),
  }
}

function engineError(errcode: number): Error {
  return Object.assign(new Error('planted'), { code: 'ERR_SQLITE_ERROR', errcode })
}

/** The same database; each statement is noted before it runs. */
function spied(database: Database, note: (sql: string) => void): Database {
  return {
    get isTransaction() {
      return database.isTransaction
    },
    exec(sql) {
      note(sql)
      database.exec(sql)
    },
    prepare(sql) {
      const statement = database.prepare(sql)
      return {
        run(...values: never[]) {
          note(sql)
          return statement.run(...values)
        },
        get: (...values) => statement.get(...values),
        all: (...values) => statement.all(...values),
      }
    },
    close: () => database.close(),
  }
}
