// Town: where one crash run happens: a folder with its gateway.yaml and its store, a Telegram, a model server, and the people.
// Owns all of them; everything is gone after `close`, but a store that somebody should look at.

import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '../support/bot-api/random.ts'
import { type BotApiServer, startBotApi } from '../support/bot-api/server.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { answerAll, MODELS } from './models.ts'
import type { Crowd, Places } from './people.ts'
import { writeTools } from './tools.ts'

export interface Town extends Crowd {
  readonly folder: string
  readonly store: string
  readonly model: ModelServer
  close(options: { readonly keepStore: boolean }): Promise<void>
}

/** An answer is under way for a moment, so that kills meet it there. */
const SENDING_MS = 4

const PEOPLE_OF_A_BOT = 2

/** With `asksModel: false` the agents are all echoes. */
export async function openTown(seed: number, { asksModel }: { readonly asksModel: boolean }): Promise<Town> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-crash-'))
  const [api, model] = await Promise.all([startBotApi({ seed }), startModelServer()])
  void answerAll(model)
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  process.once('exit', remove)
  return {
    ...settle({ api, model: asksModel ? model : null, folder }),
    random: seededRandom(seed),
    ledger: { telegram: [], web: [], undos: [], lives: [] },
    folder,
    model,
    store: join(folder, '.troupe', 'troupe.db'),
    async close({ keepStore }) {
      await Promise.all([api.close(), model.close()])
      process.off('exit', remove)
      if (!keepStore) remove()
    },
  }
}

interface Ground {
  readonly api: BotApiServer
  readonly model: ModelServer | null
  readonly folder: string
}

/** Three bots with two people each, two web channels, and the file of their gateway. */
function settle({ api, model, folder }: Ground): Places {
  const channels: Record<string, object> = {
    web: { ...OPEN, platform: 'web', agent: 'echo' },
    asking: { ...OPEN, platform: 'web', agent: 'acting' },
  }
  const bots = BOTS.map(({ channel, ...more }) => {
    // Random and not seeded: no two runs meet.
    const token = `${randomInt(100_000_000, 1_000_000_000)}:${seededRandom(randomInt(2 ** 31)).token(35)}`
    const bot = api.addBot({ token, username: `${channel}_bot` })
    bot.faults.always('sendMessage', { kind: 'delay', ms: SENDING_MS })
    channels[channel] = { ...OPEN, ...more, platform: 'telegram', token, api_root: api.url }
    return { channel, bot, people: Array.from({ length: PEOPLE_OF_A_BOT }, () => api.person()) }
  })
  const file = {
    gateway: { concurrent_runs: 6, passivate_after: '100ms', drain: '60ms' },
    agents: { echo: ECHO, ...(model === null ? echoes() : asking(model, folder)) },
    channels,
  }
  writeFileSync(join(folder, 'gateway.yaml'), `${JSON.stringify(file, null, 2)}\n`)
  return {
    bots,
    web: [
      { channel: 'web', conversations: ['one', 'two'] },
      { channel: 'asking', conversations: ['three', 'four'] },
    ],
    undo: { channel: 'web', conversation: 'undone' },
  }
}

const ECHO = { model: { provider: 'echo', delay: '20ms' } }

function echoes(): Readonly<Record<string, object>> {
  return Object.fromEntries(MODELS.map((name) => [name, ECHO]))
}

function asking({ baseUrl }: ModelServer, folder: string): Readonly<Record<string, object>> {
  const tools = writeTools(folder)
  const agent = (name: string) => ({
    instructions: `You are ${name}.`,
    model: { provider: 'openai-compatible', name, base_url: baseUrl },
    ...(name === 'acting' ? { tools } : {}),
  })
  return Object.fromEntries(MODELS.map((name) => [name, agent(name)]))
}

/** Everybody may speak, and nothing is refused for want of room: what is accepted must be answered. */
const OPEN = { queue_limit: 100_000, unknown_user_policy: 'allow' }

const BOTS = [
  { channel: 'queue', agent: 'echo', busy_mode: 'queue' },
  { channel: 'collect', agent: 'echo', busy_mode: 'collect' },
  { channel: 'streaming', agent: 'streaming', busy_mode: 'queue' },
]
