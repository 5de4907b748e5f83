// Start: seconds from the start of the process to `N of N … live`, and its memory a moment later, for 1, 3 and 50 bots.

import { setTimeout as sleep } from 'node:timers/promises'
import {
  Bench,
  startBareBots,
  startBotApiProcess,
  startGateway,
  type Subject,
  type SubjectOptions,
} from './processes.ts'
import { atMost, type MeasureOptions, type Row, type Section } from './report.ts'

const MOST_BOTS = 50
const LIVE_SECONDS_MAX = 2
const RESIDENT_MB_MAX = 150

/** After the roll call every bot holds its poll, and its list of commands is registered. */
const SETTLE_MS = 1_000

export interface StartMeasureOptions extends MeasureOptions, Pick<SubjectOptions, 'nodeFlags'> {
  readonly bots?: readonly number[]
}

export async function measureStart(options: StartMeasureOptions): Promise<Section> {
  const rows: Row[] = []
  for (const bots of options.bots ?? [1, 3, MOST_BOTS]) rows.push(...(await measureBots(bots, options)))
  return {
    name: 'start',
    about: 'from starting the process to “N of N channels live”, and resident memory a second later; echo agents',
    rows,
  }
}

async function measureBots(bots: number, options: StartMeasureOptions): Promise<Row[]> {
  await using bench = new Bench()
  const api = await startBotApiProcess(bench).open({ bots })
  const gateway: Started[] = []
  const bare: Started[] = []
  const { nodeFlags = [] } = options
  for (let round = 0; round < options.rounds; round += 1) {
    gateway.push(await observe(startGateway(telegramBots(api.url, api.tokens), { bench, nodeFlags })))
    bare.push(await observe(startBareBots(api, { bench })))
  }
  const label = 'bare grammY'
  const name = bots === 1 ? '1 bot' : `${bots} bots`
  const seconds = gateway.map((started) => started.seconds)
  const megabytes = gateway.map((started) => started.megabytes)
  const [live, resident] =
    bots === MOST_BOTS
      ? [
          { target: atMost(seconds, LIVE_SECONDS_MAX, `within ${LIVE_SECONDS_MAX} s`) },
          { target: atMost(megabytes, RESIDENT_MB_MAX, `under ${RESIDENT_MB_MAX} MB`) },
        ]
      : [{}, {}]
  return [
    {
      what: `${name}, all live after`,
      unit: 's',
      rounds: seconds,
      beside: { label, rounds: bare.map((started) => started.seconds) },
      ...live,
    },
    {
      what: `${name}, resident memory`,
      unit: 'MB',
      rounds: megabytes,
      beside: { label, rounds: bare.map((started) => started.megabytes) },
      ...resident,
    },
  ]
}

interface Started {
  readonly seconds: number
  readonly megabytes: number
}

async function observe(starting: Promise<Subject>): Promise<Started> {
  const subject = await starting
  await sleep(SETTLE_MS)
  const megabytes = subject.residentBytes() / 1_000_000
  await subject.stop()
  return { seconds: subject.liveSeconds, megabytes }
}

/** A configuration with one Telegram channel per token. */
export function telegramBots(url: string, tokens: readonly string[], model: object | string = 'echo'): object {
  const channel = (token: string) => ({
    platform: 'telegram',
    agent: 'echo',
    token,
    api_root: url,
    unknown_user_policy: 'allow',
  })
  return {
    agents: { echo: { instructions: 'Answer.', model } },
    channels: Object.fromEntries(tokens.map((token, index) => [`bot_${index + 1}`, channel(token)])),
  }
}
