// Busy: messages answered per second with 1, 100 and 1,000 people who each speak again when they are answered, so that as many
// sessions are at work all the time; beside a bare grammY echo bot on the same Bot API server, in turns.

import type { BotApiCalls } from './child-bot-api.ts'
import { Bench, startBareBots, startBotApiProcess, startGateway, type Subject } from './processes.ts'
import { type MeasureOptions, median, type Row, type Section } from './report.ts'
import { telegramBots } from './start.ts'

const MOST = 1_000

/** Messages of one measurement, by the number of people. */
const MESSAGES: Readonly<Record<number, number>> = { 1: 200, 100: 2_000, [MOST]: 5_000 }

/** What is answered with MOST, of what is answered with 100. */
const SHARE_MIN = 0.8

export interface BusyOptions extends MeasureOptions {
  /** A test slows the gateway. */
  readonly delayMs?: number
  readonly messages?: Readonly<Record<number, number>>
}

export async function measureBusy(options: BusyOptions): Promise<Section> {
  await using bench = new Bench()
  const calls = startBotApiProcess(bench)
  const { url, tokens } = await calls.open({ bots: 2 })
  const model = options.delayMs === undefined ? 'echo' : { provider: 'echo', delay: `${options.delayMs}ms` }
  // A slot for each: nobody waits for anything but the machine.
  const gateway = await startGateway(
    { gateway: { concurrent_runs: MOST }, ...telegramBots(url, tokens.slice(0, 1), model) },
    { bench },
  )
  const bare = await startBareBots({ url, tokens: tokens.slice(1) }, { bench })
  const sizes = options.messages ?? MESSAGES
  await calls.throughput({ bot: 0, people: 1, messages: Math.min(100, sizes[1] ?? 1) })
  await calls.throughput({ bot: 1, people: 1, messages: Math.min(100, sizes[1] ?? 1) })
  const measured = new Map(Object.keys(sizes).map((people) => [Number(people), [] as Round[]]))
  for (let round = 0; round < options.rounds; round += 1) {
    for (const [people, rounds] of measured) {
      const messages = (sizes[people] ?? people) / (options.size === 'quick' ? 5 : 1)
      const crowd = { people: Math.min(people, messages), messages }
      rounds.push({
        gateway: await answer(calls, gateway, { bot: 0, ...crowd }),
        bare: await answer(calls, bare, { bot: 1, ...crowd }),
      })
    }
  }
  return {
    name: 'busy',
    about: 'Telegram, echo, one Bot API server; everybody speaks again when answered, so that all sessions are at work',
    rows: [...measured].flatMap(([people, rounds]) => rowsOf(people, rounds, measured.get(100))),
  }
}

interface Answered {
  readonly perSecond: number
  readonly processorMs: number
}

interface Round {
  readonly gateway: Answered
  readonly bare: Answered
}

async function answer(
  calls: BotApiCalls,
  subject: Subject,
  crowd: Parameters<BotApiCalls['throughput']>[0],
): Promise<Answered> {
  const usedMs = subject.processorMs()
  const perSecond = await calls.throughput(crowd)
  return { perSecond, processorMs: (subject.processorMs() - usedMs) / crowd.messages }
}

function rowsOf(people: number, rounds: readonly Round[], hundred: readonly Round[] | undefined): Row[] {
  const of = (who: keyof Round, figure: keyof Answered) => rounds.map((round) => round[who][figure])
  const label = 'bare grammY'
  const with100 = hundred?.map(({ gateway }) => gateway.perSecond) ?? []
  const share = median(of('gateway', 'perSecond')) / (with100.length === 0 ? Number.NaN : median(with100))
  const target = {
    says: `at least ${SHARE_MIN} of what 100 get (${share.toFixed(2)})`,
    met: share >= SHARE_MIN,
  }
  const sessions = people === 1 ? '1 session' : `${people.toLocaleString('en')} sessions`
  return [
    {
      what: `messages answered, ${sessions} busy`,
      unit: 'per second',
      rounds: of('gateway', 'perSecond'),
      beside: { label, rounds: of('bare', 'perSecond') },
      ...(people === MOST ? { target } : {}),
    },
    {
      what: `processor time per message, ${sessions} busy`,
      unit: 'ms',
      rounds: of('gateway', 'processorMs'),
      beside: { label, rounds: of('bare', 'processorMs') },
    },
  ]
}
