// Database: what the store needs of an SQL engine, in five methods, and the way from its rows to plain values.
// It names no library: sqlite.ts is the one file that knows which engine stands behind it, and a test can put a broken one there.

import { assert } from '../../machines/failure.ts'

export interface Database {
  /** True between BEGIN and COMMIT or ROLLBACK; the engine may end a transaction by itself when the disk fails. */
  readonly isTransaction: boolean
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

export interface Statement {
  run(...values: Value[]): Changes
  run(named: Record<string, Value>): Changes
  get(...values: Value[]): Row | undefined
  all(...values: Value[]): Row[]
}

export interface Changes {
  readonly changes: number | bigint
  readonly lastInsertRowid: number | bigint
}

export type Value = string | number | null

/** As the engine gives it: with no prototype, so it must not leave the store. */
export type Row = Readonly<Record<string, unknown>>

export type OpenDatabase = (path: string, options: OpenOptions) => Database

export interface OpenOptions {
  readonly readOnly: boolean
  /** How long a statement waits for another process that has the file, in milliseconds. It waits on the event loop. */
  readonly busyMs: number
}

export function textOf(row: Row, column: string): string {
  const value = row[column]
  assert(typeof value === 'string', `column ${column} holds text`)
  return value
}

export function optionalTextOf(row: Row, column: string): string | null {
  return row[column] === null ? null : textOf(row, column)
}

export function numberOf(row: Row, column: string): number {
  const value = row[column]
  assert(typeof value === 'number', `column ${column} holds a number`)
  return value
}

export function flagOf(row: Row, column: string): boolean {
  return numberOf(row, column) === 1
}

/** The one row of a query that always has one. */
export function theRow(row: Row | undefined): Row {
  assert(row !== undefined, 'a query that always has a row has one')
  return row
}
