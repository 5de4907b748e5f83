// Overload: ten times the messages that can be served. Slots and the model's time say what can be: the rest must wait, and what
// finds no room must be refused aloud. What is alive in the heap may not go on growing once the inboxes are full.

import { DatabaseSync } from 'node:sqlite'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { figuresOf, postMessage } from './port.ts'
import { Bench, dataIn, startGatewayIn, type SubjectOptions } from './processes.ts'
import { atMost, type MeasureOptions, quantile, type Row, type Section } from './report.ts'

const SLOTS = 8
const THINKING_MS = 100
const SERVED_PER_SECOND = (SLOTS * 1_000) / THINKING_MS
const TIMES = 10

/** Together their inboxes are full within a third of the measurement. */
const CONVERSATIONS = 60

const GROWTH_MB_MAX = 8
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
  /** Alive in the heap under half of the load that can be served, in the middle of the overload and at its end. */
  readonly servedMb: number
  readonly middleMb: number
  readonly endMb: number
  readonly residentMb: number
  readonly residentServedMb: number
  readonly statusMs: readonly number[]
  readonly acceptedPerSecond: number
  readonly refusedPerSecond: number
  /** Accepted, and neither waiting nor answered nor refused. */
  readonly missing: number
  /** Refused, and nobody was told. */
  readonly untold: number
}

async function measureRound({ nodeFlags = [] }: OverloadOptions, seconds: number): Promise<Round> {
  await using bench = new Bench()
  const folder = bench.folder()
  const gateway = await startGatewayIn(folder, CONFIGURATION, { bench, nodeFlags, collects: true })
  const { url } = gateway
  if (url === null) throw new Error('The gateway did not say where it listens.')
  const megabytes = async () => [await gateway.liveBytes(), gateway.residentBytes()].map((bytes) => bytes / 1_000_000)
  const half = { url, perSecond: SERVED_PER_SECOND / 2, seconds: seconds / 4 }
  const over = { url, perSecond: SERVED_PER_SECOND * TIMES, seconds: seconds / 2 }
  const served = await offer(half)
  const [servedMb = 0, residentServedMb = 0] = await megabytes()
  const first = await offer(over)
  const [middleMb = 0] = await megabytes()
  const second = await offer(over)
  const [endMb = 0, residentMb = 0] = await megabytes()
  const figure = await figuresOf(url)
  const dead = figure('troupe_messages{outcome="dead"}')
  const kept = ['waiting', 'answered', 'discarded'].map((outcome) => figure(`troupe_messages{outcome="${outcome}"}`))
  await gateway.kill()
  const accepted = first.accepted + second.accepted
  return {
    servedMb,
    middleMb,
    endMb,
    residentMb,
    residentServedMb,
    statusMs: [...first.statusMs, ...second.statusMs],
    acceptedPerSecond: accepted / seconds,
    refusedPerSecond: dead / seconds,
    missing: served.accepted + accepted - dead - kept.reduce((sum, count) => sum + count, 0),
    untold: dead - toldIn(folder),
  }
}

const CONFIGURATION = {
  gateway: { concurrent_runs: SLOTS },
  agents: { echo: { instructions: 'Answer.', model: { provider: 'echo', delay: `${THINKING_MS}ms` } } },
  channels: { bench: { platform: 'web', agent: 'echo', unknown_user_policy: 'allow' } },
}

interface Offering {
  readonly url: string
  readonly perSecond: number
  readonly seconds: number
}

interface Offered {
  readonly accepted: number
  readonly statusMs: readonly number[]
}

const TICK_MS = 10

/** More wait for their 202 at once only when the machine cannot accept so much; then less is offered. */
const IN_FLIGHT_MAX = 64

/** Offers messages at this rate whether or not they are answered, and asks for the status meanwhile. */
async function offer({ url, perSecond, seconds }: Offering): Promise<Offered> {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT_MAX })
  const startedAt = performance.now()
  const endAt = startedAt + seconds * 1_000
  const open = new Set<Promise<void>>()
  let accepted = 0
  let offered = 0
  const post = (): void => {
    const posting = postNext(url, agent).then(() => {
      accepted += 1
      open.delete(posting)
    })
    open.add(posting)
  }
  const looking = askStatus(url, endAt)
  while (performance.now() < endAt) {
    const due = ((performance.now() - startedAt) * perSecond) / 1_000
    for (; offered < due; offered += 1) if (open.size < IN_FLIGHT_MAX) post()
    await sleep(TICK_MS)
  }
  await Promise.all(open)
  agent.destroy()
  return { accepted, statusMs: await looking }
}

let posted = 0

function postNext(url: string, agent: Agent): Promise<void> {
  posted += 1
  const message = { conversation: `c${posted % CONVERSATIONS}`, text: `message ${posted}` }
  return postMessage(`${url}/channels/bench/messages`, agent, message)
}

const STATUS_EVERY_MS = 100

async function askStatus(url: string, endAt: number): Promise<number[]> {
  const took: number[] = []
  while (performance.now() < endAt) {
    const askedAt = performance.now()
    const response = await fetch(`${url}/status`)
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`The status was answered with ${response.status}.`)
    took.push(performance.now() - askedAt)
    await sleep(STATUS_EVERY_MS)
  }
  return took
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
  const growth = of(({ middleMb, endMb }) => endMb - middleMb)
  const statusMs = of((round) => quantile(round.statusMs, 0.95))
  const unaccounted = of(({ missing, untold }) => Math.abs(missing) + Math.abs(untold))
  return [
    {
      what: 'messages accepted',
      unit: 'per second',
      rounds: of(({ acceptedPerSecond }) => acceptedPerSecond),
      beside: { label: 'can be served', rounds: [SERVED_PER_SECOND] },
    },
    { what: 'of them refused aloud', unit: 'per second', rounds: of(({ refusedPerSecond }) => refusedPerSecond) },
    {
      what: 'neither waiting nor answered nor refused aloud',
      unit: 'messages',
      rounds: unaccounted,
      target: atMost(unaccounted, 0, 'none'),
    },
    {
      what: 'alive in the heap under ten times the load',
      unit: 'MB',
      rounds: of(({ endMb }) => endMb),
      beside: { label: 'under half of it', rounds: of(({ servedMb }) => servedMb) },
    },
    {
      what: 'and grown in the second half of it by',
      unit: 'MB',
      rounds: growth,
      target: atMost(growth, GROWTH_MB_MAX, `at most ${GROWTH_MB_MAX} MB`),
    },
    {
      what: 'resident memory under ten times the load',
      unit: 'MB',
      rounds: of(({ residentMb }) => residentMb),
      beside: { label: 'under half of it', rounds: of(({ residentServedMb }) => residentServedMb) },
    },
    {
      what: '/status answers meanwhile, p95',
      unit: 'ms',
      rounds: statusMs,
      target: atMost(statusMs, STATUS_MS_MAX, `within ${STATUS_MS_MAX} ms`),
    },
  ]
}
