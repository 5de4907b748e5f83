// Group commit: one line of operations, and one transaction for all that were asked for in the same moment.
//   G1. Operations take effect in the order in which they were asked for; a read sees every write before it.
//   G2. A write resolves only after its transaction is on disk.
//   G3. A write that fails by itself rejects alone; when the commit fails, every write of the batch rejects and none is there.
// After a failed commit the next batch begins afresh, so that writing goes on as soon as the disk does.

import { setImmediate } from 'node:timers'
import { type Failure, FailureError } from '../../machines/failure.ts'
import type { Database, Statement } from './database.ts'
import { storageError } from './failures.ts'

/** A batch blocks the event loop: 512 accepts take about 17 ms, and their share of the disk's flush is small by then. */
export const BATCH_OPERATIONS_MAX = 512

/** More would only wait longer; every caller waits for its answer, so this is more than the callers there can be. */
export const WAITING_OPERATIONS_MAX = 100_000

export interface GroupCommitOptions {
  readonly database: Database
  /** Called before each commit of writes; throws when a commit would reach nothing that survives. */
  readonly beforeCommit: () => void
  /** How long a transaction of writes took, from its beginning to the disk; not called for one that failed. */
  readonly onCommit: (ms: number) => void
  /** A write that is not there because of the disk. */
  readonly onFailure: (failure: Failure) => void
  readonly nowMs: () => number
}

export class GroupCommit {
  readonly #database: Database
  readonly #beforeCommit: () => void
  readonly #onCommit: (ms: number) => void
  readonly #onFailure: (failure: Failure) => void
  readonly #nowMs: () => number
  readonly #begin: Record<Kind, Statement>
  readonly #commit: Statement
  readonly #savepoint: Statement
  readonly #rollbackTo: Statement
  readonly #release: Statement
  #waiting: Operation[] = []
  /** True from the first waiting operation until the line is empty again. */
  #flushing = false
  #closing: PromiseWithResolvers<void> | null = null

  constructor(options: GroupCommitOptions) {
    this.#database = options.database
    this.#beforeCommit = options.beforeCommit
    this.#onCommit = options.onCommit
    this.#onFailure = options.onFailure
    this.#nowMs = options.nowMs
    const prepare = (sql: string) => options.database.prepare(sql)
    this.#begin = { read: prepare('BEGIN'), write: prepare('BEGIN IMMEDIATE') }
    this.#commit = prepare('COMMIT')
    this.#savepoint = prepare('SAVEPOINT operation')
    this.#rollbackTo = prepare('ROLLBACK TO operation')
    this.#release = prepare('RELEASE operation')
  }

  read<T>(run: () => T): Promise<T> {
    return this.#ask('read', run)
  }

  write<T>(run: () => T): Promise<T> {
    return this.#ask('write', run)
  }

  /** Resolves when everything that was asked for has ended; from now on every call rejects. */
  close(): Promise<void> {
    const closing = (this.#closing ??= Promise.withResolvers<void>())
    if (!this.#flushing) closing.resolve()
    return closing.promise
  }

  #ask<T>(kind: Kind, run: () => T): Promise<T> {
    if (this.#closing !== null) return Promise.reject(new FailureError(CLOSED))
    if (this.#waiting.length >= WAITING_OPERATIONS_MAX) return Promise.reject(new FailureError(OVERLOADED))
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push(operation(kind, run, { resolve, reject }))
      if (this.#flushing) return
      this.#flushing = true
      // Not a microtask: what other sockets and actors ask for in this turn of the event loop shares the commit.
      setImmediate(() => this.#flush())
    })
  }

  #flush(): void {
    const batch = this.#waiting.splice(0, BATCH_OPERATIONS_MAX)
    this.#runBatch(batch)
    const failure = batch.flatMap((each) => storageFailures(each))[0]
    if (failure !== undefined) this.#onFailure(failure)
    for (const each of batch) each.settle()
    this.#flushing = this.#waiting.length > 0
    if (this.#flushing) setImmediate(() => this.#flush())
    else this.#closing?.resolve()
  }

  #runBatch(batch: readonly Operation[]): void {
    const kind = batch.some((each) => each.kind === 'write') ? 'write' : 'read'
    const begunAtMs = this.#nowMs()
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      this.#begin[kind].run()
      for (const each of batch) this.#runOne(each)
      if (kind === 'write') this.#beforeCommit()
      this.#commit.run()
    } catch (thrown) {
      return this.#abandon(batch, thrown)
    }
    if (kind === 'write') this.#onCommit(this.#nowMs() - begunAtMs)
  }

  #runOne(each: Operation): void {
    if (each.kind === 'read') return each.run()
    this.#savepoint.run()
    each.run()
    const failure = each.failure()
    if (failure !== null) {
      // A full disk can end the whole transaction here, and with it what the batch wrote before.
      if (!this.#database.isTransaction) throw failure.thrown
      this.#rollbackTo.run()
    }
    this.#release.run()
  }

  /** Nothing of the batch's writes is there; its reads are asked again of what is. */
  #abandon(batch: readonly Operation[], thrown: unknown): void {
    if (this.#database.isTransaction) quietly(() => this.#database.exec('ROLLBACK'))
    for (const each of batch) {
      if (each.kind === 'read') each.run()
      else each.fail(thrown)
    }
  }
}

type Kind = 'read' | 'write'

interface Operation {
  readonly kind: Kind
  /** Runs it and keeps its result or its error. */
  run(): void
  /** What it threw; null when it did not. */
  failure(): Thrown | null
  /** It did not happen, for this reason; a reason of its own stays. */
  fail(thrown: unknown): void
  /** Gives the caller what was kept. */
  settle(): void
}

interface Caller<T> {
  resolve(value: T): void
  reject(thrown: unknown): void
}

interface Thrown {
  readonly thrown: unknown
}

type Result<T> = { readonly value: T } | Thrown | null

function operation<T>(kind: Kind, run: () => T, caller: Caller<T>): Operation {
  let result: Result<T> = null
  return {
    kind,
    run() {
      try {
        result = { value: run() }
      } catch (thrown) {
        result = { thrown }
      }
    },
    failure: () => (result !== null && 'thrown' in result ? result : null),
    fail(thrown) {
      if (result === null || 'value' in result) result = { thrown }
    },
    settle() {
      if (result === null || 'thrown' in result) caller.reject(storageError(result?.thrown))
      else caller.resolve(result.value)
    },
  }
}

/** A write that was refused for what it is says nothing of the disk. */
function storageFailures(each: Operation): readonly Failure[] {
  const error = each.kind === 'write' ? storageError(each.failure()?.thrown) : null
  return error instanceof FailureError && error.failure.reason === 'storage' ? [error.failure] : []
}

function quietly(run: () => void): void {
  try {
    run()
  } catch {
    // The next batch tries again; until then every write rejects with the reason it finds.
  }
}

const CLOSED = { kind: 'permanent', reason: 'storage', message: 'The store is closed.' } as const

const OVERLOADED = {
  kind: 'retryable',
  reason: 'storage',
  message: 'The store has more to write than it can take.',
  remedy: 'Try again in a moment.',
} as const
