// Stop: how soon a person's /stop reaches whom it is for, while the model is in the middle of an answer that would never end: the person, in
// whose chat it is confirmed, and the model's server, whose request is closed. The servers are in this process, on one clock.

import { startBotApi } from '../support/bot-api/server.ts'
import { startModelServer } from '../support/model-server.ts'
import { Bench, startGateway, type SubjectOptions } from './processes.ts'
import { type MeasureOptions, quantile, type Row, type Section } from './report.ts'
import { telegramBots } from './start.ts'

const CLOSED_MS_MAX = 100

export interface StopMeasureOptions extends MeasureOptions, Pick<SubjectOptions, 'nodeFlags'> {
  /** Overrides: how often somebody says it in a round. */
  readonly stops?: number
}

export async function measureStop(options: StopMeasureOptions): Promise<Section> {
  const { rounds, size, stops = size === 'quick' ? 10 : 50, nodeFlags = [] } = options
  await using bench = new Bench()
  const [api, model] = await Promise.all([startBotApi(), startModelServer()])
  bench.onEnd(() => Promise.all([api.close(), model.close()]).then(() => {}))
  const token = `123456789:${'A'.repeat(35)}`
  const bot = api.addBot({ token, username: 'stopped_bot' })
  const asked = { provider: 'openai-compatible', name: 'bench', base_url: model.baseUrl }
  await startGateway(telegramBots(api.url, [token], asked), { bench, nodeFlags })

  async function once(): Promise<Stopped> {
    const person = api.person()
    const exchange = model.next()
    person.says(bot, 'hello')
    await exchange.arrived
    await exchange.chunk('This is the beginning of')
    const saidMs = performance.now()
    person.says(bot, '/stop')
    const confirmed = bot.waitFor(() => bot.shown(person.id).some(({ text }) => text.startsWith('Stopped')))
    const [closedMs] = await Promise.all([exchange.closedByClient, confirmed])
    const { at = Number.NaN } = bot.calls.findLast(({ payload }) => String(payload['text']).startsWith('Stopped')) ?? {}
    return { closedMs: closedMs - saidMs, confirmedMs: at - saidMs }
  }

  await once()
  const measured: Stopped[][] = []
  for (let round = 0; round < rounds; round += 1) {
    const all: Stopped[] = []
    for (let stop = 0; stop < stops; stop += 1) all.push(await once())
    measured.push(all)
  }
  return {
    name: 'stop',
    about: 'Telegram, a model that never ends its answer; from /stop to its arrival with each',
    rows: rowsOf(measured),
  }
}

interface Stopped {
  readonly closedMs: number
  readonly confirmedMs: number
}

function rowsOf(measured: readonly (readonly Stopped[])[]): Row[] {
  const of = (what: keyof Stopped, share: number) =>
    measured.map((all) =>
      quantile(
        all.map((stopped) => stopped[what]),
        share,
      ),
    )
  const slowest = of('closedMs', 1)
  const target = { says: `within ${CLOSED_MS_MAX} ms, each`, met: Math.max(...slowest) <= CLOSED_MS_MAX }
  return [
    { what: 'the model’s request is closed, p50', unit: 'ms', rounds: of('closedMs', 0.5) },
    { what: 'the model’s request is closed, slowest', unit: 'ms', rounds: slowest, target },
    { what: 'the person is told, p50', unit: 'ms', rounds: of('confirmedMs', 0.5) },
    { what: 'the person is told, slowest', unit: 'ms', rounds: of('confirmedMs', 1) },
  ]
}
