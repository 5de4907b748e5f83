// Web: durable messages per second. Each is one HTTP POST, and its 202 means that it is on disk. The gateway answers them
// meanwhile, as it would: what is measured is not a gateway that only takes.

import { Agent } from 'node:http'
import { postMessage, untilQuiet } from './port.ts'
import { Bench, startGateway } from './processes.ts'
import { type MeasureOptions, median, type Row, type Section } from './report.ts'

const PER_SECOND_MIN = 1_000

/** So many that no session's inbox is full, however far the answers are behind. */
const CONVERSATIONS = 2_000

export interface WebOptions extends MeasureOptions {
  /** Where to post; default: a gateway of its own. */
  readonly url?: string
  readonly inFlight?: readonly number[]
  readonly milliseconds?: number
}

export async function measureWeb(options: WebOptions): Promise<Section> {
  await using bench = new Bench()
  const gateway = options.url === undefined ? await startGateway(CONFIGURATION, { bench }) : null
  const url = options.url ?? gateway?.url ?? null
  if (url === null) throw new Error('The gateway did not say where it listens.')
  const posting: Posting = {
    url,
    inFlight: 1,
    milliseconds: options.milliseconds ?? (options.size === 'quick' ? 500 : 2_000),
  }
  const levels = options.inFlight ?? [1, 16, 64]
  const accepted = new Map<number, number[]>(levels.map((level) => [level, []]))
  const answered: number[] = []
  const processorMs: number[] = []
  await post({ ...posting, inFlight: 16 })
  for (let round = 0; round < options.rounds; round += 1) {
    for (const inFlight of levels) {
      await untilQuiet(url)
      const usedMs = gateway?.processorMs() ?? 0
      const startedAt = performance.now()
      const count = await post({ ...posting, inFlight })
      accepted.get(inFlight)?.push((count * 1_000) / posting.milliseconds)
      await untilQuiet(url)
      if (inFlight !== levels.at(-1)) continue
      answered.push((count * 1_000) / (performance.now() - startedAt))
      if (gateway !== null) processorMs.push((gateway.processorMs() - usedMs) / count)
    }
  }
  return {
    name: 'web',
    about: 'HTTP POST to a web channel; each 202 is on disk; echo',
    rows: [...rowsOf(accepted, answered), ...processorRows(processorMs)],
  }
}

const CONFIGURATION = {
  agents: { echo: { instructions: 'Answer.', model: 'echo' } },
  channels: { bench: { platform: 'web', agent: 'echo', unknown_user_policy: 'allow' } },
}

interface Posting {
  readonly url: string
  readonly inFlight: number
  readonly milliseconds: number
}

/** Keeps so many requests in flight for that long; resolves with how many 202 came in that time. */
async function post({ url, inFlight, milliseconds }: Posting): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight })
  const endAt = performance.now() + milliseconds
  let accepted = 0
  const one = async (): Promise<void> => {
    while (performance.now() < endAt) {
      await postNext(`${url}/channels/bench/messages`, agent)
      if (performance.now() < endAt) accepted += 1
    }
  }
  await Promise.all(Array.from({ length: inFlight }, one))
  agent.destroy()
  return accepted
}

let posted = 0

function postNext(url: string, agent: Agent): Promise<void> {
  posted += 1
  return postMessage(url, agent, { conversation: `c${posted % CONVERSATIONS}`, text: `message ${posted}` })
}

function rowsOf(accepted: ReadonlyMap<number, readonly number[]>, answered: readonly number[]): Row[] {
  const levels = [...accepted]
  const [, alone = []] = levels[0] ?? []
  return [
    ...levels.map(([level, rounds], index): Row => {
      const isLast = index === levels.length - 1
      return {
        what: `accepted, ${level} in flight`,
        unit: 'per second',
        rounds,
        ...(index === 0 ? {} : { beside: { label: `${levels[0]?.[0]} in flight`, rounds: alone } }),
        ...(isLast
          ? { target: { says: `at least ${PER_SECOND_MIN} a second`, met: median(rounds) >= PER_SECOND_MIN } }
          : {}),
      }
    }),
    { what: `answered and delivered, ${levels.at(-1)?.[0]} in flight`, unit: 'per second', rounds: answered },
  ]
}

function processorRows(rounds: readonly number[]): Row[] {
  return rounds.length === 0 ? [] : [{ what: 'processor time per message, accepted and answered', unit: 'ms', rounds }]
}
