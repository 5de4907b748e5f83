// Town: where a soak happens: a folder with its gateway.yaml and its store, a Telegram, a model server, and one gateway, the real binary.
// Owns all of them; nothing is left after `close`.

import { randomInt } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '../support/bot-api/random.ts'
import { type BotApiServer, type BotHandle, startBotApi } from '../support/bot-api/server.ts'
import { type GatewayProcess, launch } from '../support/gateway-process.ts'
import { INSPECTED } from '../support/heap.ts'
import { startModelServer } from '../support/model-server.ts'
import { answerAll } from './model.ts'

export interface Town {
  readonly folder: string
  readonly api: BotApiServer
  readonly bot: BotHandle
  readonly gateway: GatewayProcess
  /** Writes the file anew, with another agent in it. */
  changeFile(): void
  close(): Promise<void>
}

export interface TownOptions {
  readonly seed: number
  /** For Node, before the binary: what a broken subject does besides. */
  readonly nodeFlags: readonly string[]
}

export async function openTown({ seed, nodeFlags }: TownOptions): Promise<Town> {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-soak-'))
  const [api, model] = await Promise.all([startBotApi({ seed }), startModelServer()])
  void answerAll(model)
  // Random and not seeded: no two runs meet.
  const token = `${randomInt(100_000_000, 1_000_000_000)}:${seededRandom(randomInt(2 ** 31)).token(35)}`
  const bot = api.addBot({ token, username: 'soak_bot' })
  let changes = 0
  const changeFile = (): void => {
    const file = fileOf({ folder, token, apiRoot: api.url, baseUrl: model.baseUrl, changes: (changes += 1) })
    // Whole at each moment: several people change it at once.
    const draft = join(folder, `draft-${changes}`)
    writeFileSync(draft, `${JSON.stringify(file, null, 2)}\n`)
    renameSync(draft, join(folder, 'gateway.yaml'))
  }
  changeFile()
  const gateway = launch({ folder, environment: { ...INSPECTED, TMPDIR: folder }, nodeFlags })
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  process.once('exit', remove)
  await gateway.rollCall()
  return {
    folder,
    api,
    bot,
    gateway,
    changeFile,
    async close() {
      await gateway.stop()
      await Promise.all([api.close(), model.close()])
      process.off('exit', remove)
      remove()
    },
  }
}

interface FileParts {
  readonly folder: string
  readonly token: string
  readonly apiRoot: string
  readonly baseUrl: string
  readonly changes: number
}

/** Sessions rest for a moment only: what they leave behind is what is looked for. */
function fileOf({ folder, token, apiRoot, baseUrl, changes }: FileParts): object {
  const model = { provider: 'openai-compatible', name: 'test', base_url: baseUrl }
  const server = join(import.meta.dirname, '..', 'support', 'child-mcp-server.ts')
  return {
    gateway: { drain: '1s', passivate_after: '200ms' },
    agents: {
      talker: { instructions: `You talk. This is change ${changes}.`, model },
      worker: {
        instructions: 'You work.',
        model,
        tools: ['files', 'shell', 'memory'],
        approval: { files_write: 'allow', shell: 'allow' },
        workdir: 'per_run',
        mcp: { toy: { command: process.execPath, args: [server, folder] } },
      },
      echo: { model: 'echo' },
    },
    channels: {
      tg: { platform: 'telegram', agent: 'worker', token, api_root: apiRoot, unknown_user_policy: 'allow' },
      web: { platform: 'web', agent: 'talker', busy_mode: 'interrupt' },
      echo: { platform: 'web', agent: 'echo' },
      aside: { platform: 'web', agent: 'echo' },
    },
  }
}
