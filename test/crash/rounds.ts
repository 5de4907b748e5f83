// Rounds: a loaded gateway, the real binary on a real file, is killed with SIGKILL at seeded moments and started again; at the
// end everything must be answered. Owns the folder, the Telegram and the processes of one run; all are gone when it resolves.
//   Moments are seeded; what the machine does in them is not: the same seed is a similar run, not the same one.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../support/bot-api/random.ts'
import { type BotApiServer, startBotApi } from '../support/bot-api/server.ts'
import { type GatewayProcess, launch } from '../support/gateway-process.ts'
import { count, type Figures } from './count.ts'
import { postWaiting, somebodySpeaks, type Town } from './people.ts'
import { type Sabotage, sabotage } from './sabotage.ts'

export interface CrashOptions {
  readonly rounds: number
  readonly seed: number
  readonly sabotage?: Sabotage
  readonly onRound?: (round: number, said: number) => void
}

export interface CrashResult extends Figures {
  readonly kills: number
  /** Kills before the gateway had said where it listens. */
  readonly killsInStart: number
  readonly seconds: number
}

const SABOTAGE_ROUNDS_MAX = 20

/** A life under load, from its address to its end. */
const LIFE_MS_MAX = 700

/** A start takes about this long; one round in five ends in it. */
const START_MS = 500

const SPEAK_MS = 8

/** Each holds its conversation up for a second, which is longer than a life: more of them, and nothing else is met. */
const CUT_ONE_IN = 150

/** After the last kill everything is answered by then, or it is lost. */
const SETTLE_MS_MAX = 60_000

export async function crashRounds(options: CrashOptions): Promise<CrashResult> {
  const startedAt = performance.now()
  const folder = mkdtempSync(join(tmpdir(), 'troupe-crash-'))
  const api = await startBotApi({ seed: options.seed })
  try {
    const random = seededRandom(options.seed)
    // A sabotage breaks what was delivered, so nothing stands in the way of that.
    const cutOneIn = options.sabotage === undefined ? CUT_ONE_IN : Number.MAX_SAFE_INTEGER
    const town: Town = { ...settle(api, folder), random, cutOneIn, ledger: { telegram: [], web: [] } }
    let killsInStart = 0
    let broken = options.sabotage === undefined
    let kills = 0
    // A sabotage needs something to break: a life may be too short for that.
    while (kills < options.rounds || (!broken && kills < options.rounds + SABOTAGE_ROUNDS_MAX)) {
      kills += 1
      const dies = await oneLife({ town, folder, name: `r${kills}`, isAnswering: !broken })
      if (dies === 'in its start') killsInStart += 1
      if (!broken && options.sabotage !== undefined) broken = sabotage(options.sabotage, storeOf(folder), town.ledger)
      options.onRound?.(kills, town.ledger.telegram.length + town.ledger.web.length)
    }
    if (!broken) throw new Error(`There was nothing to break for ${options.sabotage}: take another seed.`)
    await lastLife(town, folder)
    const seconds = (performance.now() - startedAt) / 1_000
    return { ...count(town.ledger, storeOf(folder)), kills, killsInStart, seconds }
  } finally {
    await api.close()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

function storeOf(folder: string): string {
  return join(folder, '.troupe', 'troupe.db')
}

/** Two bots with three people each, three web conversations, and the file of their gateway. */
function settle(api: BotApiServer, folder: string): Pick<Town, 'bots' | 'web'> {
  const bots = (['queue', 'collect'] as const).map((mode) => {
    // Random and not seeded: no two runs meet.
    const token = `${randomInt(100_000_000, 1_000_000_000)}:${seededRandom(randomInt(2 ** 31)).token(35)}`
    const bot = api.addBot({ token, username: `${mode}_bot` })
    // An answer is under way for a moment, so that kills meet it there.
    bot.faults.always('sendMessage', { kind: 'delay', ms: 4 })
    return { channel: mode, bot, people: Array.from({ length: 3 }, () => api.person()) }
  })
  const channel = { agent: 'echo', queue_limit: 100_000, unknown_user_policy: 'allow' }
  const file = {
    gateway: { concurrent_runs: 4, passivate_after: '100ms' },
    agents: { echo: { model: { provider: 'echo', delay: '20ms' } } },
    channels: {
      ...Object.fromEntries(
        bots.map(({ channel: mode, bot }) => [
          mode,
          { ...channel, platform: 'telegram', token: bot.token, api_root: api.url, busy_mode: mode },
        ]),
      ),
      web: { ...channel, platform: 'web' },
    },
  }
  writeFileSync(join(folder, 'gateway.yaml'), `${JSON.stringify(file, null, 2)}\n`)
  return { bots, web: { channel: 'web', conversations: ['one', 'two', 'three'] } }
}

interface Life {
  readonly town: Town
  readonly folder: string
  readonly name: string
  /** It is killed after its first answer, and not before: there is something to break then. */
  readonly isAnswering: boolean
}

async function oneLife({ town, folder, name, isAnswering }: Life): Promise<'in its start' | 'under load'> {
  const gateway = launched(folder)
  const speaking = new AbortController()
  const talk = talkUntil(town, gateway, { name, signal: speaking.signal })
  try {
    if (isAnswering) {
      await gateway.listens()
      await somebodyIsAnswered(town)
      await sleep(town.random.integer(100, LIFE_MS_MAX))
    } else if (town.random.integer(1, 5) === 1) {
      await sleep(town.random.integer(0, START_MS))
    } else {
      await gateway.listens()
      await sleep(town.random.integer(0, LIFE_MS_MAX))
    }
  } finally {
    await gateway.kill9()
    speaking.abort()
    await talk
  }
  return listens(gateway) ? 'under load' : 'in its start'
}

async function somebodyIsAnswered({ bots }: Town): Promise<void> {
  const [place] = bots
  await place?.bot.waitFor(
    (bot) => place.people.some(({ id }) => bot.shown(id).some(({ from }) => from.isBot)),
    SETTLE_MS_MAX,
  )
}

/** The locks on tokens lie in the run's folder too. */
function launched(folder: string): GatewayProcess {
  return launch({ folder, environment: { TMPDIR: folder } })
}

function listens(gateway: GatewayProcess): boolean {
  return gateway.output().includes('Listening on')
}

interface Talking {
  readonly name: string
  readonly signal: AbortSignal
}

/** People speak whether or not anybody listens; web clients post when there is somebody to post to. */
async function talkUntil(town: Town, gateway: GatewayProcess, { name, signal }: Talking): Promise<void> {
  let posting: Promise<void> | null = null
  for (let index = 0; !signal.aborted; index += 1) {
    somebodySpeaks(town, `${name}-${index}`)
    if (posting === null && listens(gateway)) {
      posting = postWaiting(gateway, town.ledger).finally(() => {
        posting = null
      })
    }
    await sleep(SPEAK_MS, undefined, { signal }).catch(() => {})
  }
  await posting
}

/** Nobody speaks any more; everything that was said is accepted, answered and delivered. */
async function lastLife(town: Town, folder: string): Promise<void> {
  const gateway = launched(folder)
  const deadline = performance.now() + SETTLE_MS_MAX
  try {
    await gateway.listens()
    while (town.ledger.web.some(({ accepted }) => !accepted) && performance.now() < deadline) {
      await postWaiting(gateway, town.ledger)
    }
    let quiet = 0
    while (quiet < 2 && performance.now() < deadline) {
      quiet = (await isQuiet(town, gateway)) ? quiet + 1 : 0
      await sleep(100)
    }
    await gateway.stop()
  } finally {
    if (!gateway.hasEnded) await gateway.kill9()
  }
}

async function isQuiet(town: Town, gateway: GatewayProcess): Promise<boolean> {
  if (town.bots.some(({ bot }) => bot.pendingUpdates > 0)) return false
  const metrics = await (await gateway.request('/metrics')).text()
  const value = (name: string) =>
    Number(
      metrics
        .split('\n')
        .find((line) => line.startsWith(`${name} `))
        ?.split(' ')[1],
    )
  return value('troupe_messages{outcome="waiting"}') === 0 && value('troupe_outbox') === 0
}
