// Shared gateway: one process for scenarios that need none of their own. Each has a channel there with a bot, and an agent with a
// model server that nobody else asks, and says beforehand which keys they have; the first scenario starts the gateway with all of
// them. It ends with the file.
//   To start a gateway takes the processor half a second, and what a scenario does on it mostly a tenth of that.
//   Whoever kills, stops or reloads a gateway, or needs other keys of `gateway:`, has one of its own.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BotApiServer, BotHandle } from './bot-api/server.ts'
import type { GatewayProcess } from './gateway-process.ts'
import type { ModelServer } from './model-server.ts'
import {
  addBot,
  ECHO,
  type GatewayFile,
  modelAgents,
  openModel,
  openTelegram,
  scenario,
  scenarioInTurn,
  shared,
  started,
  telegram,
  temporaryFolder,
  writeFile,
} from './scenario.ts'

export interface Place {
  readonly api: BotApiServer
  readonly bot: BotHandle
  readonly model: ModelServer
  readonly gateway: GatewayProcess
  /** Of this place alone, beside gateway.yaml. */
  readonly folder: string
  readonly channel: string
  /** The agent's name; its instructions say that it is cfo. */
  readonly agent: string
}

export interface PlaceKeys {
  /** Over those of a Telegram channel where everybody may talk. */
  readonly channel?: Readonly<Record<string, unknown>>
  /** Over those of an agent on its model server; paths begin in the place's folder, which is here by its name. */
  readonly agent?: (folder: string) => Readonly<Record<string, unknown>>
  /** What lies in the place's folder before the start. */
  readonly files?: Readonly<Record<string, string>>
}

type Prove = (place: Place) => Promise<void>

export interface SharedGateway {
  /** Beside the others of the file: what the gateway counts is of all of them. */
  scenario(title: string, keys: PlaceKeys, prove: Prove): void
  /** When those before it have ended: what the gateway counts is its own, as long as nobody leaves work behind. */
  inTurn(title: string, keys: PlaceKeys, prove: Prove): void
}

export function sharedGateway(gatewayKeys: GatewayFile['gateway'] = {}): SharedGateway {
  const all: PlaceKeys[] = []
  const town = shared(() => open(gatewayKeys, all))
  /** Its number is that of the channel in the file. */
  const taking = (keys: PlaceKeys, prove: Prove): (() => Promise<void>) => {
    const index = all.push(keys) - 1
    return async () => {
      const place = (await town())[index]
      if (place === undefined) throw new Error('the gateway was started before this scenario was known')
      await prove(place)
    }
  }
  return {
    scenario: (title, keys, prove) => scenario(title, taking(keys, prove)),
    inTurn: (title, keys, prove) => scenarioInTurn(title, taking(keys, prove)),
  }
}

async function open(gatewayKeys: GatewayFile['gateway'], all: readonly PlaceKeys[]): Promise<readonly Place[]> {
  const folder = temporaryFolder()
  const grounds = await Promise.all(all.map((keys, index) => ground(folder, keys, index)))
  writeFile(folder, {
    gateway: gatewayKeys ?? {},
    agents: { ...ECHO, ...Object.fromEntries(grounds.map(({ place, agentKeys }) => [place.agent, agentKeys])) },
    channels: Object.fromEntries(grounds.map(({ place, channelKeys }) => [place.channel, channelKeys])),
  })
  const gateway = await started(folder)
  return grounds.map(({ place }) => ({ ...place, gateway }))
}

/** What a place is before there is a gateway, and what the file says of it. */
async function ground(home: string, keys: PlaceKeys, index: number) {
  const [api, model] = [await openTelegram(), await openModel()]
  const [bot, channel, agent, name] = [addBot(api), `tg_${index}`, `cfo_${index}`, `place_${index}`]
  const folder = join(home, name)
  mkdirSync(folder)
  for (const [file, text] of Object.entries(keys.files ?? {})) writeFileSync(join(folder, file), text)
  return {
    place: { api, bot, model, folder, channel, agent },
    agentKeys: { ...modelAgents(model)['cfo'], ...keys.agent?.(`./${name}`) },
    channelKeys: telegram(api, bot, { agent, ...keys.channel }),
  }
}
