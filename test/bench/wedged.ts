// Wedged: what somebody feels of other people's runs that never end. Two gateways on one Bot API server and one model server;
// in one of them the model holds some requests for ever, and the inboxes of those sessions are full. They take turns.

import { type ModelServer, startModelServer } from '../support/model-server.ts'
import type { BotApiCalls } from './child-bot-api.ts'
import { untilLeft } from './port.ts'
import { Bench, startBotApiProcess, startGateway, type Subject, type SubjectOptions } from './processes.ts'
import { type MeasureOptions, median, quantile, type Row, type Section } from './report.ts'
import { telegramBots } from './start.ts'

/** One, and all slots but one. */
const WEDGED = [1, 63]

/** The usual `queue_limit`; each of the wedged says more than that, and is refused. */
const INBOX = 32
const REFUSED = 3

const BEHIND_MS_MAX = 2

export interface WedgedOptions extends MeasureOptions, Pick<SubjectOptions, 'nodeFlags'> {
  /** Overrides. */
  readonly wedged?: readonly number[]
  readonly messages?: number
}

export async function measureWedged(options: WedgedOptions): Promise<Section> {
  await using bench = new Bench()
  const calls = startBotApiProcess(bench)
  const model = await startModelServer()
  bench.onEnd(() => model.close())
  model.always(() => 'an answer')
  const { url, tokens } = await calls.open({ bots: 2 })
  const asked = { provider: 'openai-compatible', name: 'bench', base_url: model.baseUrl }
  const configuration = (token: string | undefined) => telegramBots(url, token === undefined ? [] : [token], asked)
  await startGateway(configuration(tokens[0]), { bench })
  const wedged = await startGateway(configuration(tokens[1]), { bench, nodeFlags: options.nodeFlags ?? [] })
  const messages = options.messages ?? (options.size === 'quick' ? 40 : 50)
  const blocks = options.size === 'quick' ? 1 : 4
  await Promise.all([0, 1].map((bot) => calls.latency({ bot, messages })))
  const rows: Row[] = []
  let already = 0
  for (const count of options.wedged ?? WEDGED) {
    await wedge({ calls, model, subject: wedged }, { count: count - already, already })
    already = count
    const rounds: Round[] = []
    for (let round = 0; round < options.rounds; round += 1) rounds.push(await measureRound(calls, blocks, messages))
    rows.push(...rowsOf(count, rounds))
  }
  return {
    name: 'wedged',
    about:
      'Telegram, a model over HTTP; one person’s update to reply while other sessions hang in their run, inbox full',
    rows,
  }
}

interface Wedging {
  readonly calls: BotApiCalls
  readonly model: ModelServer
  readonly subject: Subject
}

async function wedge(
  { calls, model, subject }: Wedging,
  { count, already }: { readonly count: number; readonly already: number },
): Promise<void> {
  if (subject.url === null) throw new Error('The gateway did not say where it listens.')
  const held = Array.from({ length: count }, () => model.next())
  await calls.say({ bot: 1, people: count, messages: 1 + INBOX + REFUSED })
  await Promise.all(held.map(({ arrived }) => arrived))
  await untilLeft(subject.url, ({ queued, outbox }) => queued === (count + already) * INBOX && outbox === 0)
}

interface Round {
  readonly wedged: readonly number[]
  readonly free: readonly number[]
}

async function measureRound(calls: BotApiCalls, blocks: number, messages: number): Promise<Round> {
  const [free, wedged]: [number[], number[]] = [[], []]
  for (let block = 0; block < blocks; block += 1) {
    free.push(...(await calls.latency({ bot: 0, messages })))
    wedged.push(...(await calls.latency({ bot: 1, messages })))
  }
  return { free, wedged }
}

function rowsOf(count: number, rounds: readonly Round[]): Row[] {
  const of = (who: keyof Round, share: number) => rounds.map((round) => quantile(round[who], share))
  const behind = rounds.map(({ wedged, free }) => quantile(wedged, 0.5) - quantile(free, 0.5))
  const target = {
    says: `within ${BEHIND_MS_MAX} ms of none wedged (${median(behind).toFixed(2)} ms behind)`,
    met: median(behind) <= BEHIND_MS_MAX,
  }
  const row = (share: number): Row => ({
    what: `update to reply, p${share * 100}, ${count} wedged`,
    unit: 'ms',
    rounds: of('wedged', share),
    beside: { label: 'none', rounds: of('free', share) },
  })
  return [{ ...row(0.5), target }, row(0.95)]
}
