// Overload: ten times the messages that can be served. Slots and the model's time say what can be: the rest must wait, and what
// finds no room must be refused aloud. Memory is what the operating system counts; it may not go on growing.

import { DatabaseSync } from 'node:sqlite'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { figuresOf, postMessage } from './port.ts'
import { Bench, dataIn, startGatewayIn, type Subject, type SubjectOptions } from './processes.ts'
import { atMost, type MeasureOptions, quantile, type Row, type Section } from './report.ts'

const SLOTS = 8
const THINKING_MS = 100
const SERVED_PER_SECOND = (SLOTS * 1_000) / THINKING_MS
const TIMES = 10

/** Together their inboxes are full within a third of the measurement. */
const CONVERSATIONS = 60

const GROWTH_MB_MAX = 16
const STATUS_MS_MAX = 100

export interface OverloadOptions extends MeasureOptions, Pick<SubjectOptions, 'nodeFlags'> {
  readonly seconds?: number
}

export async function measureOverload(options: OverloadOptions): Promise<Section> {
  const seconds = options.seconds ?? (options.size === 'quick' ? 6 : 20)
  const rounds: Round[] = []
  for (let round = 0; round < options.rounds; round += 1) rounds.push(await measureRound(options, seconds))
  return {
    name: 'overload',
    about: `web, ${SERVED_PER_SECOND} messages a second can be served, ${TIMES} times that are offered for ${seconds} s`,
    rows: rowsOf(rounds),
  }
}

interface Round {
  readonly servedMb: number
  readonly overloadedMb: number
  /** From the middle of the overload to its end. */
  readonly growthMb: number
  readonly statusMs: readonly number[]
  readonly acceptedPerSecond: number
  readonly refusedPerSecond: number
  /** Accepted, and neither waiting nor answered nor refused. */
  readonly missing: number
  /** Refused, and nobody was told. */
  readonly untold: number
}

async function measureRound(options: OverloadOptions, seconds: number): Promise<Round> {
  await using bench = new Bench()
  const folder = bench.folder()
  const gateway = await startGatewayIn(folder, CONFIGURATION, { bench, nodeFlags: options.nodeFlags ?? [] })
  const { url } = gateway
  if (url === null) throw new Error('The gateway did not say where it listens.')
  const served = await offer({ gateway, url, perSecond: SERVED_PER_SECOND / 2, seconds: seconds / 4 })
  const overloaded = await offer({ gateway, url, perSecond: SERVED_PER_SECOND * TIMES, seconds })
  const figure = await figuresOf(url)
  const dead = figure('troupe_messages{outcome="dead"}')
  const kept = ['waiting', 'answered', 'discarded'].map((outcome) => figure(`troupe_messages{outcome="${outcome}"}`))
  await gateway.kill()
  const memory = overloaded.megabytes
  return {
    servedMb: quantile(last(served.megabytes, 0.5), 0.5),
    overloadedMb: quantile(last(memory, 0.25), 0.5),
    growthMb: quantile(last(memory, 0.25), 0.5) - quantile(last(memory, 0.5).slice(0, memory.length / 4), 0.5),
    statusMs: overloaded.statusMs,
    acceptedPerSecond: overloaded.accepted / seconds,
    refusedPerSecond: dead / seconds,
    missing: served.accepted + overloaded.accepted - dead - kept.reduce((sum, count) => sum + count, 0),
    untold: dead - toldIn(folder),
  }
}

const CONFIGURATION = {
  gateway: { concurrent_runs: SLOTS },
  agents: { echo: { instructions: 'Answer.', model: { provider: 'echo', delay: `${THINKING_MS}ms` } } },
  channels: { bench: { platform: 'web', agent: 'echo', unknown_user_policy: 'allow' } },
}

interface Offering {
  readonly gateway: Subject
  readonly url: string
  readonly perSecond: number
  readonly seconds: number
}

interface Offered {
  readonly accepted: number
  readonly megabytes: readonly number[]
  readonly statusMs: readonly number[]
}

const LOOK_MS = 100
const TICK_MS = 10

/** Offers messages at this rate whether or not they are answered, and looks at the gateway meanwhile. */
async function offer({ gateway, url, perSecond, seconds }: Offering): Promise<Offered> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const endAt = performance.now() + seconds * 1_000
  const startedAt = performance.now()
  const posting: Promise<void>[] = []
  const looking = look({ gateway, url, endAt })
  while (performance.now() < endAt) {
    const due = ((performance.now() - startedAt) * perSecond) / 1_000
    while (posting.length < due) posting.push(postNext(url, agent))
    await sleep(TICK_MS)
  }
  await Promise.all(posting)
  agent.destroy()
  return { accepted: posting.length, ...(await looking) }
}

let posted = 0

function postNext(url: string, agent: Agent): Promise<void> {
  posted += 1
  const message = { conversation: `c${posted % CONVERSATIONS}`, text: `message ${posted}` }
  return postMessage(`${url}/channels/bench/messages`, agent, message)
}

async function look({ gateway, url, endAt }: Pick<Offering, 'gateway' | 'url'> & { readonly endAt: number }) {
  const megabytes: number[] = []
  const statusMs: number[] = []
  while (performance.now() < endAt) {
    const askedAt = performance.now()
    const response = await fetch(`${url}/status`)
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`The status was answered with ${response.status}.`)
    statusMs.push(performance.now() - askedAt)
    megabytes.push(gateway.residentBytes() / 1_000_000)
    await sleep(LOOK_MS)
  }
  return { megabytes, statusMs }
}

function last(values: readonly number[], share: number): readonly number[] {
  return values.slice(Math.floor(values.length * (1 - share)))
}

/** How many were told that their message was not kept: what is written is shown, now or after the next start. */
function toldIn(folder: string): number {
  const store = new DatabaseSync(join(dataIn(folder), 'troupe.db'), { readOnly: true })
  try {
    const row = store.prepare("SELECT count(*) AS count FROM outbox WHERE text LIKE '%was not kept%'").get()
    return Number(row?.['count'])
  } finally {
    store.close()
  }
}

function rowsOf(rounds: readonly Round[]): Row[] {
  const of = (figure: (round: Round) => number) => rounds.map(figure)
  const growth = of(({ growthMb }) => growthMb)
  const statusMs = of((round) => quantile(round.statusMs, 0.95))
  const unaccounted = of(({ missing, untold }) => Math.abs(missing) + Math.abs(untold))
  return [
    { what: 'messages accepted', unit: 'per second', rounds: of(({ acceptedPerSecond }) => acceptedPerSecond) },
    { what: 'of them refused aloud', unit: 'per second', rounds: of(({ refusedPerSecond }) => refusedPerSecond) },
    {
      what: 'neither waiting nor answered nor refused aloud',
      unit: 'messages',
      rounds: unaccounted,
      target: atMost(unaccounted, 0, 'none'),
    },
    {
      what: 'resident memory under ten times the load',
      unit: 'MB',
      rounds: of(({ overloadedMb }) => overloadedMb),
      beside: { label: 'under half of it', rounds: of(({ servedMb }) => servedMb) },
    },
    {
      what: 'and grown in the second half of it by',
      unit: 'MB',
      rounds: growth,
      target: atMost(growth, GROWTH_MB_MAX, `at most ${GROWTH_MB_MAX} MB`),
    },
    {
      what: '/status answers meanwhile, p95',
      unit: 'ms',
      rounds: statusMs,
      target: atMost(statusMs, STATUS_MS_MAX, `within ${STATUS_MS_MAX} ms`),
    },
  ]
}
