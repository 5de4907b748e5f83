// Deployment world: what surrounds a broken deployment: the variables that its file names, and the machine as it is made for it.
//   Without root's rights, and nothing of it stays: what is made lies in folders that end with the scenario.

import { copyFileSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openOffline } from '../../src/start.ts'
import { realWorld } from '../../src/world.ts'
import type { BotApiServer } from './bot-api/server.ts'
import type { Expectation } from './deployments.ts'
import type { LaunchOptions } from './gateway-process.ts'
import { startModelServer } from './model-server.ts'
import { addBot, randomToken, started, temporaryFolder, whenDone } from './scenario.ts'

type More = Partial<LaunchOptions>

/** How the deployment in a folder is launched. */
export async function prepared(expected: Expectation, folder: string, api: BotApiServer): Promise<LaunchOptions> {
  const variables = await standard(api)
  const given = Object.entries(expected.environment ?? {}).map(([name, value]) => {
    const text = value?.replace(/\{(\w+)\}/g, (_, known: string) => variables[known] ?? '') ?? undefined
    return [name, text] as const
  })
  const environment = { ...variables, ...Object.fromEntries(given) }
  const file = expected.file === undefined ? {} : { file: expected.file }
  const make = expected.world === undefined ? undefined : WORLDS[expected.world]
  if (expected.world !== undefined && make === undefined) throw new Error(`there is no world "${expected.world}"`)
  const { arguments: more = [], environment: changed, ...rest } = (await make?.(folder, environment)) ?? {}
  const all = { ...environment, ...changed }
  return { folder, environment: all, ...file, ...rest, arguments: [...more, ...(expected.arguments ?? [])] }
}

/** What the file of any deployment may name. */
async function standard(api: BotApiServer): Promise<Record<string, string>> {
  const model = await startModelServer({ key: 'the-right-key', model: 'small' })
  whenDone(() => model.close())
  model.always(() => 'fine')
  return {
    TELEGRAM: api.url,
    GOOD_TOKEN: addBot(api).token,
    UNKNOWN_TOKEN: randomToken(),
    MODEL: model.baseUrl,
    MODEL_KEY: 'the-right-key',
    NOBODY: `http://127.0.0.1:${await freePort()}`,
  }
}

/** By what an expectation calls them. */
const WORLDS: Readonly<Record<string, (folder: string, environment: LaunchOptions['environment']) => Promise<More>>> = {
  'a taken port': async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    whenDone(() => server.close())
    return { arguments: ['--port', String((server.address() as AddressInfo).port)] }
  },
  'another gateway on the data': async (folder, environment) => {
    await started(folder, { environment: environment ?? {} })
    return {}
  },
  'another gateway on the token': async (folder, environment) => {
    await started(folder, { environment: environment ?? {}, arguments: ['--data', temporaryFolder()] })
    return {}
  },
  'a store of a newer version': async (folder) => {
    await withStore(folder, 'PRAGMA user_version = 99; PRAGMA journal_mode = DELETE')
    return {}
  },
  'a damaged store': async (folder) => {
    mkdirSync(join(folder, '.troupe'))
    writeFileSync(join(folder, '.troupe/troupe.db'), 'no database '.repeat(1_000))
    return {}
  },
  'a store from the future': async (folder) => {
    await withStore(folder, 'PRAGMA journal_mode = WAL')
    const later = new Date(Date.now() + 400 * 24 * 60 * 60_000)
    utimesSync(join(folder, '.troupe/troupe.db'), later, later)
    return {}
  },
  // The kernel's own "no space left on device", for the file that says who holds the folder.
  'a full disk': async (folder) => {
    mkdirSync(join(folder, '.troupe'))
    symlinkSync('/dev/full', join(folder, '.troupe/lock.json.next'))
    return {}
  },
  'a clock that was never set': async () => ({
    nodeFlags: ['--import', 'data:text/javascript,Date.now=()=>86400000'],
  }),
  'an old Node': async (folder) => {
    const checkout = join(folder, 'checkout')
    mkdirSync(join(checkout, 'src'), { recursive: true })
    copyFileSync(join(import.meta.dirname, '../../src/bin.js'), join(checkout, 'src/bin.js'))
    writeFileSync(join(checkout, 'package.json'), '{ "type": "module" }')
    const hidden = `Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.20.2'}})`
    return { binary: join(checkout, 'src/bin.js'), nodeFlags: ['--import', `data:text/javascript,${hidden}`] }
  },
  'a folder for temporary files that is a file': async (folder) => {
    writeFileSync(join(folder, 'tmp'), '')
    return { environment: { TMPDIR: join(folder, 'tmp') } }
  },
  'a model that is small': async () => {
    const model = await startModelServer({ key: 'the-right-key', model: 'small' })
    whenDone(() => model.close())
    const message = "This model's maximum context length is 1000 tokens."
    model.always(() => ({ fail: { status: 400, code: 'context_length_exceeded', message } }))
    return { environment: { MODEL: model.baseUrl } }
  },
  'a configuration that leads nowhere': async (folder) => {
    rmSync(join(folder, 'gateway.yaml'))
    symlinkSync(join(folder, 'gone.yaml'), join(folder, 'gateway.yaml'))
    return {}
  },
  'a configuration in UTF-16': async (folder) => {
    writeFileSync(join(folder, 'gateway.yaml'), Buffer.from('\uFEFFagents:\n', 'utf16le'))
    return {}
  },
}

/** A store of this version, changed by hand. */
async function withStore(folder: string, sql: string): Promise<void> {
  await openOffline(join(folder, '.troupe'), realWorld({})).close()
  const database = new DatabaseSync(join(folder, '.troupe/troupe.db'))
  database.exec(sql)
  database.close()
}

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}
