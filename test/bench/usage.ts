// Usage: how long everybody waits while one asks who used how much, and how long that one waits. The real port and the real store in
// this process, over rows of very many people; beside it the least that could be: the same rows, added up and ordered by one query,
// for the length of which the process does nothing else.

import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { dayOf, NOTHING_USED, type UsageEntry } from '../../machines/usage.ts'
import type { GatewayPort } from '../../src/http/port.ts'
import { startHttp } from '../../src/http/server.ts'
import { usageViews } from '../../src/start/usage-view.ts'
import { storePath } from '../../src/store/files.ts'
import { openStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { realWorld, type World } from '../../src/world.ts'
import { silentLog } from '../support/world.ts'
import { longestTurn, processorMs } from './clocks.ts'
import { Bench, dataIn } from './processes.ts'
import { atMost, type MeasureOptions, type Section } from './report.ts'

const PEOPLE = 100_000

/** Who looks at usage is alone with it; nobody else notices a twentieth of a second. */
const BLOCKED_MS_MAX = 50

export interface UsageOptions extends MeasureOptions {
  readonly people?: number
  /** Wraps the store: a test slows it. */
  readonly wrap?: (store: Store) => Store
}

export async function measureUsage(options: UsageOptions): Promise<Section> {
  await using bench = new Bench()
  const world = realWorld({})
  const folder = dataIn(bench.folder())
  const holder = { pid: process.pid, url: null, startedAt: new Date().toISOString() }
  const opened = openStore({ folder, holder, world })
  bench.onEnd(() => opened.close())
  const people = options.people ?? (options.size === 'quick' ? PEOPLE / 10 : PEOPLE)
  await fill(opened, people, world)
  const ask = await asking(options.wrap?.(opened) ?? opened, { bench, world })
  const query = new DatabaseSync(storePath(folder), { readOnly: true })
  bench.onEnd(() => query.close())
  const quietMs = options.size === 'quick' ? 20 : 200
  const subject = { ask, query: () => addUp(query, world), people, quietMs }
  // The first round compiles, and brings the file into memory.
  await measureRound(subject)
  const rounds: Round[] = []
  for (let round = 0; round < options.rounds; round += 1) rounds.push(await measureRound(subject))
  const of = (figure: keyof Round): number[] => rounds.map((round) => round[figure])
  const blocked = of('blockedProcessorMs')
  return {
    name: 'usage',
    about: `GET /usage, ${people.toLocaleString('en')} people, each on two of thirty days`,
    rows: [
      {
        what: 'the whole answer',
        unit: 'ms',
        rounds: of('answerMs'),
        beside: { label: ONE_QUERY, rounds: of('queryMs') },
      },
      {
        what: 'the longest block of the event loop meanwhile',
        unit: 'ms',
        rounds: of('blockedMs'),
        beside: { label: 'when nobody asks', rounds: of('idleMs') },
      },
      {
        what: 'the longest block, in processor time',
        unit: 'ms',
        rounds: blocked,
        beside: { label: ONE_QUERY, rounds: of('queryProcessorMs') },
        target: atMost(blocked, BLOCKED_MS_MAX, `at most ${BLOCKED_MS_MAX} ms`),
      },
    ],
  }
}

const ONE_QUERY = 'one query'

interface Round {
  readonly answerMs: number
  readonly blockedMs: number
  readonly blockedProcessorMs: number
  readonly idleMs: number
  readonly queryMs: number
  readonly queryProcessorMs: number
}

interface Subject {
  readonly ask: () => Promise<number>
  readonly query: () => number
  readonly people: number
  /** So long nobody asks, in each round. */
  readonly quietMs: number
}

async function measureRound({ ask, query, people, quietMs }: Subject): Promise<Round> {
  const idle = await longestTurn(sleep(quietMs))
  const startedAt = performance.now()
  const answered = ask().then((rows) => ({ rows, ms: performance.now() - startedAt }))
  const blocked = await longestTurn(answered)
  const { rows, ms: answerMs } = await answered
  const [queriedAt, usedMs] = [performance.now(), processorMs()]
  const queried = query()
  const [queryMs, queryProcessorMs] = [performance.now() - queriedAt, processorMs() - usedMs]
  const expected = Math.min(people, ROWS)
  if (rows !== expected || queried !== expected) throw new Error(`Of ${expected} people ${rows} and ${queried} came.`)
  const blocks = { blockedMs: blocked.ms, blockedProcessorMs: blocked.processorMs, idleMs: idle.ms }
  return { answerMs, ...blocks, queryMs, queryProcessorMs }
}

/** As many as an operator is shown when nothing else is asked for. */
const ROWS = 100

/** The real port; answers with how many people it told of. */
async function asking(store: Store, { bench, world }: { bench: Bench; world: World }): Promise<() => Promise<number>> {
  const gateway = { usage: usageViews(store) } as unknown as GatewayPort // Nothing else of it is asked.
  const settings = { host: '127.0.0.1', port: 0, token: () => null, allowedOrigins: () => [] }
  const http = await startHttp({ ...settings, gateway, log: silentLog, world })
  bench.onEnd(() => http.close())
  return async () => {
    const response = await fetch(`${http.url}/usage?limit=${ROWS}`)
    const { users } = (await response.json()) as { users: readonly unknown[] } // As routes.test.ts holds it.
    return users.length
  }
}

function addUp(database: DatabaseSync, world: World): number {
  return database
    .prepare(
      `SELECT agent, user, sum(input_tokens), sum(output_tokens), sum(input_tokens + output_tokens) AS tokens FROM usage
       WHERE day > ? AND session_key = '' AND user <> '' GROUP BY agent, user ORDER BY tokens DESC LIMIT ?`,
    )
    .all(dayOf(world.nowMs()) - 30, ROWS).length
}

const AT_ONCE = 1_000

async function fill(store: Store, people: number, world: World): Promise<void> {
  const today = dayOf(world.nowMs())
  for (let first = 0; first < people; first += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, people - first) }, (_, index) => first + index)
    const usage = some.flatMap((person) => [entryOf(person, today), entryOf(person, today - 1 - (person % 29))])
    await store.commit({ channel: 'bench', sessionKey: 'bench/all', settled: [], entries: [], replies: [], usage })
  }
}

/** Nobody used as much as the one before, so that the order is one. */
function entryOf(person: number, day: number): UsageEntry {
  const account = { day, agent: person % 2 === 0 ? 'cfo' : 'ops', user: `telegram_cfo/${900_000_000 + person}` }
  return { ...account, ...NOTHING_USED, runs: 1, inputTokens: 1_000 + person, outputTokens: 100 }
}
