// Store: what the disk gives. One accept alone, and how many accepts and commits a second when many are asked for at once and
// share a flush; beside the least that durability can cost, one write and its flush.

import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openStore } from '../../src/store/sqlite.ts'
import type { NewMessage, Store } from '../../src/store/store.ts'
import { realWorld } from '../../src/world.ts'
import { Bench } from './processes.ts'
import { type MeasureOptions, quantile, type Section } from './report.ts'

/** Calls that wait at once, as in a busy gateway. */
const AT_ONCE = 64

export interface StoreOptions extends MeasureOptions {
  /** Wraps the store: a test slows it. */
  readonly wrap?: (store: Store) => Store
  readonly calls?: number
}

export async function measureStore(options: StoreOptions): Promise<Section> {
  await using bench = new Bench()
  const folder = bench.folder()
  const holder = { pid: process.pid, url: null, startedAt: new Date().toISOString() }
  const opened = openStore({ folder: join(folder, 'data'), holder, world: realWorld({}) })
  bench.onEnd(() => opened.close())
  const store = options.wrap?.(opened) ?? opened
  const calls = options.calls ?? (options.size === 'quick' ? 200 : 2_000)
  await measureRound(store, calls, folder)
  const rounds: Round[] = []
  for (let round = 0; round < options.rounds; round += 1) rounds.push(await measureRound(store, calls, folder))
  const of = (figure: (round: Round) => number): number[] => rounds.map(figure)
  const flush = { label: 'write and flush', rounds: of((round) => quantile(round.flushes, 0.5)) }
  const p95 = { label: 'write and flush', rounds: of((round) => quantile(round.flushes, 0.95)) }
  return {
    name: 'store',
    about: `SQLite, every commit flushed, in ${folder.replace(/\/[^/]*$/, '')}`,
    rows: [
      { what: 'one accept alone, p50', unit: 'ms', rounds: of((round) => quantile(round.accepts, 0.5)), beside: flush },
      { what: 'one accept alone, p95', unit: 'ms', rounds: of((round) => quantile(round.accepts, 0.95)), beside: p95 },
      { what: `accepts, ${AT_ONCE} at once`, unit: 'per second', rounds: of((round) => round.acceptsPerSecond) },
      { what: `commits, ${AT_ONCE} at once`, unit: 'per second', rounds: of((round) => round.commitsPerSecond) },
    ],
  }
}

interface Round {
  /** Milliseconds, each. */
  readonly flushes: readonly number[]
  readonly accepts: readonly number[]
  readonly acceptsPerSecond: number
  readonly commitsPerSecond: number
}

async function measureRound(store: Store, calls: number, folder: string): Promise<Round> {
  const flushes = flush(join(folder, 'flushed'), Math.ceil(calls / 10))
  const accepts: number[] = []
  for (let call = 0; call < calls / 10; call += 1) {
    const startedAt = performance.now()
    await store.accept(message())
    accepts.push(performance.now() - startedAt)
  }
  const seqs: number[] = []
  const acceptsPerSecond = await perSecond(calls, async () => {
    seqs.push((await store.accept(message())).seq)
  })
  const commitsPerSecond = await perSecond(calls, () => store.commit(turn(seqs.pop() ?? 0)))
  return { flushes, accepts, acceptsPerSecond, commitsPerSecond }
}

function flush(path: string, times: number): number[] {
  const page = Buffer.alloc(4_096, 'x')
  const file = openSync(path, 'w')
  const measured = Array.from({ length: times }, () => {
    const startedAt = performance.now()
    writeSync(file, page)
    fdatasyncSync(file)
    return performance.now() - startedAt
  })
  closeSync(file)
  return measured
}

async function perSecond(calls: number, call: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  let left = calls
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      await call()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  return (calls * 1_000) / (performance.now() - startedAt)
}

let written = 0

function message(): NewMessage {
  written += 1
  return {
    channel: 'bench',
    conversation: `c${written % 1_000}`,
    platformMessageId: String(written),
    kind: 'dm',
    sender: { id: '1', name: 'Anna', handle: '@anna' },
    text: `message ${written}`,
    addressed: true,
    album: null,
    attachments: [],
    continues: false,
    sessionKey: `bench/c${written % 1_000}`,
    agent: 'echo',
    command: null,
    journaled: false,
  }
}

/** What a turn leaves: a question, an answer, and the reply that is owed. */
function turn(seq: number) {
  const conversation = `c${seq % 1_000}`
  const entry = { turn: `turn-${seq}`, text: `message ${seq}` }
  return {
    channel: 'bench',
    sessionKey: `bench/${conversation}`,
    settled: [{ seq, outcome: 'answered', reason: null }],
    entries: [
      { ...entry, role: 'user', sender: { id: '1', name: 'Anna', handle: '@anna' } },
      { ...entry, role: 'assistant', sender: null },
    ],
    replies: [{ conversation, text: `echo heard: message ${seq}`, replyTo: null }],
  } as const
}
