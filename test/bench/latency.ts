// Latency: from an update to the request that answers it, and messages per second, beside a bare grammY echo bot on the same
// Bot API server. Server, gateway and bare bot are three processes; the two subjects take turns in short blocks, so that
// whatever else the machine does meanwhile meets both.

import type { BotApiCalls } from './child-bot-api.ts'
import { Bench, startBareBots, startBotApiProcess, startGateway, type Subject } from './processes.ts'
import { type MeasureOptions, median, quantile, type Section, type Target } from './report.ts'
import { telegramBots } from './start.ts'

const BEHIND_MS_MAX = 5

/** People who talk at once. */
const PEOPLE = 32

export interface LatencyOptions extends MeasureOptions {
  /** A test slows one of the two. */
  readonly gatewayDelayMs?: number
  readonly bareDelayMs?: number
  /** Overrides of the size. */
  readonly messages?: number
  readonly crowdMessages?: number
}

export async function measureLatency(options: LatencyOptions): Promise<Section> {
  await using bench = new Bench()
  const calls = startBotApiProcess(bench)
  const { url, tokens } = await calls.open({ bots: 2 })
  const model =
    options.gatewayDelayMs === undefined ? 'echo' : { provider: 'echo', delay: `${options.gatewayDelayMs}ms` }
  const gateway = await startGateway(telegramBots(url, tokens.slice(0, 1), model), { bench })
  const bare = await startBareBots({ url, tokens: tokens.slice(1), delayMs: options.bareDelayMs ?? 0 }, { bench })
  const sizes = sizesOf(options)
  // Code that was never run is slow in both.
  const subjects = { gateway: { calls, bot: 0, subject: gateway }, bare: { calls, bot: 1, subject: bare } }
  await measureRound(subjects, { ...sizes, blocks: 1 })
  const rounds: Round[] = []
  for (let round = 0; round < options.rounds; round += 1) rounds.push(await measureRound(subjects, sizes))
  return {
    name: 'latency',
    about: 'Telegram, echo, one Bot API server; “reply” is the arrival of its request at the server',
    rows: rowsOf(rounds),
  }
}

interface Bot {
  readonly calls: BotApiCalls
  readonly bot: number
  readonly subject: Subject
}

interface Sizes {
  readonly blocks: number
  readonly messages: number
  readonly crowdMessages: number
}

interface Answered {
  readonly latencies: readonly number[]
  readonly perSecond: readonly number[]
  readonly processorMs: readonly number[]
}

interface Round {
  readonly gateway: Answered
  readonly bare: Answered
}

function sizesOf(options: LatencyOptions): Sizes {
  const [blocks, messages, crowdMessages] = options.size === 'quick' ? [1, 40, 200] : [4, 50, 500]
  return {
    blocks,
    messages: options.messages ?? messages,
    crowdMessages: options.crowdMessages ?? crowdMessages,
  }
}

async function measureRound(bots: { readonly gateway: Bot; readonly bare: Bot }, sizes: Sizes): Promise<Round> {
  const gateway: Answered[] = []
  const bare: Answered[] = []
  for (let block = 0; block < sizes.blocks; block += 1) {
    gateway.push(await turn(bots.gateway, sizes))
    bare.push(await turn(bots.bare, sizes))
  }
  return { gateway: together(gateway), bare: together(bare) }
}

async function turn({ calls, bot, subject }: Bot, { messages, crowdMessages }: Sizes): Promise<Answered> {
  const latencies = await calls.latency({ bot, messages })
  const usedMs = subject.processorMs()
  const perSecond = await calls.throughput({ bot, people: Math.min(PEOPLE, crowdMessages), messages: crowdMessages })
  const processorMs = (subject.processorMs() - usedMs) / crowdMessages
  return { latencies, perSecond: [perSecond], processorMs: [processorMs] }
}

function together(blocks: readonly Answered[]): Answered {
  return {
    latencies: blocks.flatMap((block) => block.latencies),
    perSecond: blocks.flatMap((block) => block.perSecond),
    processorMs: blocks.flatMap((block) => block.processorMs),
  }
}

function rowsOf(rounds: readonly Round[]): Section['rows'] {
  const of = (who: 'gateway' | 'bare', figure: (answered: Answered) => number) =>
    rounds.map((round) => figure(round[who]))
  const label = 'bare grammY'
  const p50 = (answered: Answered): number => quantile(answered.latencies, 0.5)
  const p95 = (answered: Answered): number => quantile(answered.latencies, 0.95)
  const perSecond = (answered: Answered): number => median(answered.perSecond)
  const processorMs = (answered: Answered): number => median(answered.processorMs)
  const behind = of('gateway', p50).map((ms, round) => ms - (of('bare', p50)[round] ?? Number.NaN))
  const target: Target = {
    says: `p50 within ${BEHIND_MS_MAX} ms of the bare bot (${median(behind).toFixed(2)} ms behind)`,
    met: median(behind) <= BEHIND_MS_MAX,
  }
  return [
    {
      what: 'update to reply, p50',
      unit: 'ms',
      rounds: of('gateway', p50),
      beside: { label, rounds: of('bare', p50) },
      target,
    },
    {
      what: 'update to reply, p95',
      unit: 'ms',
      rounds: of('gateway', p95),
      beside: { label, rounds: of('bare', p95) },
    },
    {
      what: `messages answered, ${PEOPLE} people at once`,
      unit: 'per second',
      rounds: of('gateway', perSecond),
      beside: { label, rounds: of('bare', perSecond) },
    },
    {
      what: 'processor time per message answered so',
      unit: 'ms',
      rounds: of('gateway', processorMs),
      beside: { label, rounds: of('bare', processorMs) },
    },
  ]
}
