// Processes: what is measured runs in processes of its own, so that nobody's figure has another's work in it.
//   Every process that was started here is ended here, also when a measurement fails.

import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { BotApiCalls } from './child-bot-api.ts'

/** What was opened for a measurement; closed in reverse, whatever happens. */
export class Bench implements AsyncDisposable {
  readonly #opened: (() => void | Promise<void>)[] = []

  onEnd(close: () => void | Promise<void>): void {
    this.#opened.push(close)
  }

  /** A folder that is gone afterwards. */
  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-bench-'))
    this.onEnd(() => rmSync(folder, { recursive: true, force: true }))
    return folder
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#opened.splice(0).reverse()) await close()
  }
}

export interface Subject {
  /** From its start to its line `N of N … live`. */
  readonly liveSeconds: number
  /** Where it listens; null when it says nothing of that. */
  readonly url: string | null
  /** Memory of the process as the operating system counts it. */
  residentBytes(): number
  /** Processor time that it has used since its start, in steps of ten milliseconds. */
  processorMs(): number
  stop(): Promise<void>
  /** As `kill -9`. */
  kill(): Promise<void>
  /** Bytes of its heap that are in use, after everything that can go has gone; only with `collects`. */
  liveBytes(): Promise<number>
}

export interface SubjectOptions {
  readonly bench: Bench
  /** For Node, before the program: a test slows a subject with `--import`. */
  readonly nodeFlags?: readonly string[]
  /** Its garbage can be collected on demand, so that `liveBytes` can be asked. */
  readonly collects?: boolean
}

const BIN = fileURLToPath(new URL('../../src/bin.js', import.meta.url))
const BARE_BOTS = fileURLToPath(new URL('./child-bare-bots.ts', import.meta.url))
const BOT_API = new URL('./child-bot-api.ts', import.meta.url)

/** The real program, with this configuration, from a folder that is gone afterwards. */
export function startGateway(configuration: object, options: SubjectOptions): Promise<Subject> {
  return startGatewayIn(options.bench.folder(), configuration, options)
}

/** The same, in a folder where it may have been before; its data are in `data` there. */
export function startGatewayIn(folder: string, configuration: object, options: SubjectOptions): Promise<Subject> {
  const file = join(folder, 'gateway.yaml')
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(configuration))
  return start([BIN, 'start', '--config', file, '--data', dataIn(folder), '--port', '0'], options)
}

export function dataIn(folder: string): string {
  return join(folder, 'data')
}

export interface BareBots {
  readonly url: string
  readonly tokens: readonly string[]
  /** Each answer waits this long. */
  readonly delayMs?: number
}

/** grammY echo bots without a gateway: the least that could be. */
export function startBareBots({ url, tokens, delayMs = 0 }: BareBots, options: SubjectOptions): Promise<Subject> {
  return start([BARE_BOTS, url, String(delayMs), ...tokens], options)
}

/** A Bot API server in its own process, asked by its calls. */
export function startBotApiProcess(bench: Bench): BotApiCalls {
  const child = fork(BOT_API, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  bench.onEnd(() => end(child))
  let asked = 0
  const ask = (call: string, argument: unknown): Promise<never> => {
    const id = (asked += 1)
    const answer = Promise.withResolvers<never>()
    const onExit = (): void => answer.reject(new Error('The Bot API server ended before it answered.'))
    const onMessage = (message: { id: number; result?: never; error?: string }): void => {
      if (message.id !== id) return
      child.off('message', onMessage).off('exit', onExit)
      if (message.error === undefined)
        answer.resolve(message.result as never) // The other side has the same types.
      else answer.reject(new Error(message.error))
    }
    child.on('message', onMessage).on('exit', onExit)
    child.send({ id, call, argument })
    return answer.promise
  }
  return {
    open: (options) => ask('open', options),
    latency: (options) => ask('latency', options),
    throughput: (options) => ask('throughput', options),
    say: (options) => ask('say', options),
    firstAnswer: (options) => ask('firstAnswer', options),
  }
}

/** A cold start on a busy machine is done by then. */
const LIVE_MS_MAX = 60_000

/** A subject that does not stop by then is killed. */
const STOP_MS_MAX = 10_000

async function start(arguments_: readonly string[], options: SubjectOptions): Promise<Subject> {
  const { bench, nodeFlags = [], collects = false } = options
  const said = join(bench.folder(), 'live-bytes')
  const flags = collects ? ['--expose-gc', '--import', collector(said), ...nodeFlags] : nodeFlags
  const startedAt = performance.now()
  const child = spawn(process.execPath, [...flags, ...arguments_], { stdio: ['ignore', 'pipe', 'pipe'] })
  bench.onEnd(() => end(child))
  const output = await untilLive(child)
  const liveSeconds = (performance.now() - startedAt) / 1_000
  return {
    liveSeconds,
    url: /https?:\/\/[^\s/]+/.exec(output)?.[0] ?? null,
    residentBytes: () => residentBytes(child),
    processorMs: () => processorMs(child),
    stop: () => end(child),
    kill: () => end(child, 'SIGKILL'),
    liveBytes() {
      if (!collects) throw new Error('This subject does not collect on demand.')
      return liveBytes(child, said)
    },
  }
}

/** A module that collects garbage at SIGUSR2, and writes to the file what is left. */
function collector(path: string): string {
  const source = `
    import { renameSync, writeFileSync } from 'node:fs'
    process.on('SIGUSR2', () => {
      gc()
      writeFileSync(${JSON.stringify(`${path}-unfinished`)}, String(process.memoryUsage().heapUsed))
      renameSync(${JSON.stringify(`${path}-unfinished`)}, ${JSON.stringify(path)})
    })`
  return `data:text/javascript,${encodeURIComponent(source)}`
}

const COLLECTION_MS_MAX = 10_000
const COLLECTION_LOOK_MS = 5

async function liveBytes(child: ChildProcess, path: string): Promise<number> {
  rmSync(path, { force: true })
  child.kill('SIGUSR2')
  for (let waited = 0; waited < COLLECTION_MS_MAX; waited += COLLECTION_LOOK_MS) {
    if (existsSync(path)) return Number(readFileSync(path, 'utf8'))
    await sleep(COLLECTION_LOOK_MS)
  }
  throw new Error('The subject did not collect its garbage.')
}

/** Resolves with what it said up to the line; the rest is read and dropped, or its pipe would fill up. */
function untilLive(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    const fail = (how: string): void => reject(new Error(`The subject ${how}. It said:\n${said.slice(-2_000)}`))
    const timer = setTimeout(() => fail(`was not live within ${LIVE_MS_MAX / 1_000} s`), LIVE_MS_MAX)
    const hear = (chunk: Buffer): void => {
      said = (said + chunk.toString('utf8')).slice(-100_000)
      const [, live, all] = /^(\d+) of (\d+)\b.*live/m.exec(said) ?? []
      if (live === undefined) return
      clearTimeout(timer)
      child.stdout?.off('data', hear).resume()
      if (live === all) resolve(said)
      else fail(`went live with ${live} of ${all}`)
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-100_000)
    })
    child.once('exit', (code) => fail(`ended with exit code ${code}`))
  })
}

function residentBytes(child: ChildProcess): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readProcess(child, 'status')) ?? []
  return Number(kilobytes) * 1_024
}

/** The kernel's unit for processor time in /proc; the same on every Linux that Node runs on. */
const TICK_MS = 10

function processorMs(child: ChildProcess): number {
  // The name, in brackets, may hold spaces; user and system time are the 12th and 13th value behind it.
  const [, values = ''] = readProcess(child, 'stat').split(') ')
  const [user, system] = values.split(' ').slice(11, 13)
  return (Number(user) + Number(system)) * TICK_MS
}

function readProcess({ pid }: ChildProcess, name: 'status' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    throw new Error('The memory and time of a process are read from /proc, which this system does not have.')
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
  if (child.connected) child.disconnect()
  else child.kill(signal)
  await ended
  clearTimeout(timer)
}
