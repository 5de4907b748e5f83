// Scenario: everything around a gateway that an end-to-end test needs: a folder with its file, a Telegram, a model, and the
// binary itself. What a test opens here is ended with the test, also when it fails.
//   Tokens are random, and their locks lie in the scenario's own temporary folder: nothing of a test stays on the machine.
//   Scenarios of a file run side by side: most of their time is waiting. So what is to be ended is kept per scenario and not
//   in a hook of the test runner, which knows only one current test.

import { AsyncLocalStorage } from 'node:async_hooks'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, test } from 'vitest'
import type { Status } from '../../src/http/port.ts'
import {
  type BotApiOptions,
  type BotApiServer,
  type BotHandle,
  type BotOptions,
  type Person,
  startBotApi,
} from './bot-api/server.ts'
import { type GatewayProcess, launch, type LaunchOptions } from './gateway-process.ts'
import { type ModelServer, startModelServer } from './model-server.ts'

/** gateway.yaml as data: JSON is YAML. */
export interface GatewayFile {
  readonly gateway?: Readonly<Record<string, unknown>>
  readonly agents?: Readonly<Record<string, unknown>>
  readonly channels: Readonly<Record<string, unknown>>
  readonly schedules?: readonly unknown[]
}

/** What a busy machine may take for anything that should happen at once. */
export const SOON_MS = 12_000

/** Every wait in it has a limit of its own; this one is for what nobody waits for, on a machine that runs many at once. */
const SCENARIO_MS_MAX = 150_000

interface Stage {
  /** What ends with the scenario. */
  readonly acts: (() => unknown)[]
  /** The temporary folder of its gateways, where they keep the locks on tokens; shared, so that they meet there. */
  temporary: string | null
}

const stages = new AsyncLocalStorage<Stage>()

/** A test that runs beside the others of its file. */
export function scenario(title: string, prove: () => Promise<void>): void {
  test.concurrent(title, { timeout: SCENARIO_MS_MAX }, () => staged(prove))
}

/** One that runs when those before it have ended: they share a gateway, and what is counted there is of all of them. */
export function scenarioInTurn(title: string, prove: () => Promise<void>): void {
  test(title, { timeout: SCENARIO_MS_MAX }, () => staged(prove))
}

async function staged(prove: () => Promise<void>): Promise<void> {
  const acts: (() => unknown)[] = []
  await stages.run({ acts, temporary: null }, async () => {
    try {
      await prove()
    } finally {
      for (const act of acts.reverse()) await act()
    }
  })
}

/** What scenarios of a file share: the first that asks opens it, and it ends with the file. */
export function shared<T>(open: () => Promise<T>): () => Promise<T> {
  const acts: (() => unknown)[] = []
  let opened: Promise<T> | null = null
  afterAll(async () => {
    for (const act of acts.reverse()) await act()
  })
  return () => (opened ??= stages.run({ acts, temporary: null }, open))
}

/** Ends something with the scenario; the last that was opened goes first. */
export function whenDone(act: () => unknown): void {
  stage().acts.push(act)
}

function stage(): Stage {
  const current = stages.getStore()
  if (current === undefined) throw new Error('Only a scenario can end what it opened.')
  return current
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-e2e-'))
  whenDone(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

export async function openTelegram(options: BotApiOptions = {}): Promise<BotApiServer> {
  const api = await startBotApi(options)
  whenDone(() => api.close())
  return api
}

export async function openModel(): Promise<ModelServer> {
  const model = await startModelServer()
  whenDone(() => model.close())
  return model
}

/** Nine digits and 35 characters, as @BotFather's. */
export function randomToken(): string {
  const letter = () => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-'[randomInt(64)]
  return `${randomInt(100_000_000, 1_000_000_000)}:${Array.from({ length: 35 }, letter).join('')}`
}

let bots = 0

export function addBot(api: BotApiServer, name = 'bot', more: Partial<BotOptions> = {}): BotHandle {
  bots += 1
  return api.addBot({ token: randomToken(), username: `${name}_${bots}_bot`, ...more })
}

/** A telegram channel as the file has it; everybody may talk unless `more` says otherwise. */
export function telegram(api: BotApiServer, bot: BotHandle, more: Readonly<Record<string, unknown>> = {}) {
  const open = 'allowed_users' in more ? {} : { unknown_user_policy: 'allow' }
  return { platform: 'telegram', agent: 'cfo', token: bot.token, api_root: api.url, ...open, ...more }
}

export const ECHO = { cfo: { model: 'echo' }, ops: { model: 'echo' }, content: { model: 'echo' } }

/** Agents that ask the model server. */
export function modelAgents(model: ModelServer, names: readonly string[] = ['cfo']) {
  const asked = { provider: 'openai-compatible', name: 'test', base_url: model.baseUrl }
  return Object.fromEntries(names.map((name) => [name, { instructions: `You are ${name}.`, model: asked }]))
}

export function writeFile(folder: string, file: GatewayFile): string {
  const path = join(folder, 'gateway.yaml')
  writeFileSync(path, `${JSON.stringify({ agents: ECHO, ...file }, null, 2)}\n`)
  return path
}

/** A gateway that ends with the test. */
export function launched(options: LaunchOptions): GatewayProcess {
  const current = stage()
  current.temporary ??= temporaryFolder()
  const gateway = launch({ ...options, environment: { TMPDIR: current.temporary, ...options.environment } })
  whenDone(async () => {
    if (!gateway.hasEnded) await gateway.kill9()
  })
  return gateway
}

/** The same, once its roll was called. */
export async function started(folder: string, more: Partial<LaunchOptions> = {}): Promise<GatewayProcess> {
  const gateway = launched({ folder, ...more })
  await gateway.rollCall()
  return gateway
}

/** Writes the file into a new folder, starts, and waits for the roll call. */
export async function run(file: GatewayFile, more: Partial<LaunchOptions> = {}) {
  const folder = temporaryFolder()
  writeFile(folder, file)
  return { folder, gateway: await started(folder, more) }
}

// --- Telegram -------------------------------------------------------------------------------------------------------

/** What the bot has said to a person, oldest first. */
export function answers(bot: BotHandle, person: Person): string[] {
  return answersIn(bot, person.id)
}

export function answersIn(bot: BotHandle, chat: number): string[] {
  return bot
    .shown(chat)
    .filter(({ from }) => from.isBot)
    .map(({ text }) => text)
}

/** Resolves when the bot has said at least so many things to the person, with all of them. */
export function answered(bot: BotHandle, person: Person, count: number): Promise<string[]> {
  return bot.waitFor(() => answers(bot, person).length >= count && answers(bot, person), SOON_MS)
}

export function answeredIn(bot: BotHandle, chat: number, count: number): Promise<string[]> {
  return bot.waitFor(() => answersIn(bot, chat).length >= count && answersIn(bot, chat), SOON_MS)
}

/** Says it and resolves with the next answer. */
export async function ask(bot: BotHandle, person: Person, text: string): Promise<string> {
  const before = answers(bot, person).length
  person.says(bot, text)
  return (await answered(bot, person, before + 1))[before] ?? ''
}

/** How many requests of a method came. */
export function countCalls(bot: BotHandle, method: string): number {
  return bot.calls.filter((call) => call.method === method).length
}

// --- HTTP -----------------------------------------------------------------------------------------------------------

export async function statusOf(gateway: GatewayProcess): Promise<Status> {
  return jsonOf<Status>(await gateway.request('/status'))
}

export interface Post {
  readonly conversation: string
  readonly user?: string
  readonly text: string
  readonly message_id?: string
}

export async function post(gateway: GatewayProcess, channel: string, message: Post): Promise<Response> {
  return sendJson(gateway, `/channels/${channel}/messages`, { user: 'anna', ...message })
}

export async function control(gateway: GatewayProcess, channel: string, verb: string): Promise<number> {
  const response = await gateway.request(`/channels/${channel}/${verb}`, { method: 'POST' })
  await response.body?.cancel()
  return response.status
}

export function sendJson(gateway: GatewayProcess, path: string, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return gateway.request(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

/** The body as what the caller knows that it is: the routes' shapes are proved in test/http. */
export async function jsonOf<T>(response: Response): Promise<T> {
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status} ${text}`)
  return JSON.parse(text) as T // as: see above
}

/** The text of a response. */
export async function textOf(gateway: GatewayProcess, path: string): Promise<string> {
  return (await gateway.request(path)).text()
}

/** Asks again every few milliseconds until the answer is neither undefined nor false; for what can only be asked. */
export async function eventually<T>(
  look: () => Promise<T | undefined | false>,
  gateway?: GatewayProcess,
  withinMs = SOON_MS,
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const value = await look()
    if (value !== undefined && value !== false) return value
    if (performance.now() > deadline) {
      const log = gateway === undefined ? '' : `\n${gateway.output()}${gateway.errors()}`
      throw new Error(`Waited ${withinMs} ms in vain for: ${String(look)}${log}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 15))
  }
}

/** Resolves when the channel is in this state, with its entry. */
export function channelIs(gateway: GatewayProcess, id: string, state: string, withinMs = SOON_MS) {
  return eventually(
    async () => (await statusOf(gateway)).channels.find((channel) => channel.id === id && channel.state === state),
    gateway,
    withinMs,
  )
}
