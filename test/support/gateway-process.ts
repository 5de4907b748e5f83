// Gateway process: the binary as a child process, as an operator runs it, with what it printed and a hand on its life.
// Owns every child that it started: none outlives this process. It knows nothing of vitest: the crash script uses it too.
//   Waits are driven by what the child prints or by its end, are bounded, and fail with the whole log.

import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface LaunchOptions {
  /** Where gateway.yaml lies. */
  readonly folder: string
  /** On top of a bare environment: the caller's own variables do not reach the child. Undefined takes one away. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** After `start --config FILE --port 0`. */
  readonly arguments?: readonly string[]
  /** Default: gateway.yaml. */
  readonly file?: string
  /** The gateway's bearer token, for the requests of this handle. */
  readonly token?: string
  /** For Node, before the binary. */
  readonly nodeFlags?: readonly string[]
  /** Default: this checkout's. */
  readonly binary?: string
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
  readonly errors: string
}

export interface RollCall {
  readonly live: number
  readonly of: number
  /** Everything from the first channel's line to the last reason. */
  readonly text: string
  /** Milliseconds from the launch. */
  readonly afterMs: number
}

export interface GatewayProcess {
  readonly pid: number
  /** Where it listens; throws while it has not said so. */
  readonly url: string
  /** Everything printed so far, standard output and standard error. */
  output(): string
  errors(): string
  /** The first match in what was printed, now or later; rejects when the child ends without it. */
  prints(pattern: RegExp, withinMs?: number): Promise<RegExpExecArray>
  listens(withinMs?: number): Promise<string>
  rollCall(withinMs?: number): Promise<RollCall>
  signal(name: NodeJS.Signals): void
  kill9(): Promise<Exit>
  /** SIGTERM, and its end. */
  stop(withinMs?: number): Promise<Exit>
  exited(withinMs?: number): Promise<Exit>
  readonly hasEnded: boolean
  request(path: string, init?: RequestInit): Promise<Response>
}

/** A start on a busy machine of two cores, one that waits for a platform in vain too; what takes longer is stuck. */
const START_MS_MAX = 40_000
const END_MS_MAX = 15_000

const ROOT = join(import.meta.dirname, '..', '..')

/** Node keeps compiled code here, by the content of each file: a start costs half of the processor's time. */
export const COMPILED = join(tmpdir(), 'troupe-test-compile-cache')

const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

/** Starts `troupe start`; nothing is awaited. */
export function launch(options: LaunchOptions): GatewayProcess {
  const { folder, file = 'gateway.yaml', environment = {} } = options
  const given = ['start', '--config', join(folder, file), '--port', '0', ...(options.arguments ?? [])]
  return new Child(spawnBinary(given, environment, options), options.token ?? null)
}

/** A command of the binary, run to its end. */
export function troupe(given: readonly string[], environment: LaunchOptions['environment'] = {}): Promise<Exit> {
  return new Child(spawnBinary(given, environment), null).exited(START_MS_MAX)
}

function spawnBinary(
  given: readonly string[],
  environment: LaunchOptions['environment'],
  { nodeFlags = [], binary = join(ROOT, 'src/bin.js') }: Pick<LaunchOptions, 'nodeFlags' | 'binary'> = {},
): ChildProcess {
  const { PATH = '', HOME = '', TMPDIR } = process.env
  const bare = { PATH, HOME, NODE_COMPILE_CACHE: COMPILED, ...(TMPDIR === undefined ? {} : { TMPDIR }) }
  const child = spawn(process.execPath, [...nodeFlags, binary, ...given], {
    cwd: ROOT,
    env: { ...bare, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.add(child)
  child.once('close', () => children.delete(child))
  return child
}

class Child implements GatewayProcess {
  readonly #child: ChildProcess
  readonly #token: string | null
  readonly #startedAt = performance.now()
  readonly #end: Promise<Exit>
  readonly #watchers = new Set<() => void>()
  #output = ''
  #errors = ''
  #exit: Exit | null = null

  constructor(child: ChildProcess, token: string | null) {
    this.#child = child
    this.#token = token
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text
      this.#changed()
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text
      this.#changed()
    })
    this.#end = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#exit = { code, signal, output: this.#output, errors: this.#errors }
        resolve(this.#exit)
        this.#changed()
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get url(): string {
    const url = LISTENING.exec(this.#output)?.[1]
    if (url === undefined) throw new Error(this.#report('The gateway has not said where it listens.'))
    return url
  }

  get hasEnded(): boolean {
    return this.#exit !== null
  }

  output(): string {
    return this.#output
  }

  errors(): string {
    return this.#errors
  }

  prints(pattern: RegExp, withinMs = START_MS_MAX): Promise<RegExpExecArray> {
    return this.#until(() => pattern.exec(this.#output) ?? pattern.exec(this.#errors), String(pattern), withinMs)
  }

  async listens(withinMs = START_MS_MAX): Promise<string> {
    await this.prints(LISTENING, withinMs)
    return this.url
  }

  async rollCall(withinMs = START_MS_MAX): Promise<RollCall> {
    const [, text = '', live, of] = await this.prints(ROLL_CALL, withinMs)
    return { live: Number(live), of: Number(of), text, afterMs: performance.now() - this.#startedAt }
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  kill9(): Promise<Exit> {
    this.#child.kill('SIGKILL')
    return this.exited()
  }

  stop(withinMs = END_MS_MAX): Promise<Exit> {
    this.#child.kill('SIGTERM')
    return this.exited(withinMs)
  }

  async exited(withinMs = END_MS_MAX): Promise<Exit> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      late.reject(new Error(this.#report(`The process had not ended after ${withinMs} ms.`)))
    }, withinMs)
    return await Promise.race([this.#end, late.promise]).finally(() => clearTimeout(timer))
  }

  request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (this.#token !== null) headers.set('authorization', `Bearer ${this.#token}`)
    return fetch(`${this.url}${path}`, { ...init, headers })
  }

  #changed(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }

  #until<T>(look: () => T | null, goal: string, withinMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer)
        this.#watchers.delete(watcher)
        act()
      }
      const watcher = (): void => {
        const found = look()
        if (found !== null) settle(() => resolve(found))
        else if (this.#exit !== null) settle(() => reject(new Error(this.#report(`It ended without ${goal}.`))))
      }
      const timer = setTimeout(
        () => settle(() => reject(new Error(this.#report(`Waited ${withinMs} ms in vain for ${goal}.`)))),
        withinMs,
      )
      this.#watchers.add(watcher)
      watcher()
    })
  }

  #report(sentence: string): string {
    const { code, signal } = this.#exit ?? { code: null, signal: null }
    const life = this.#exit === null ? 'It runs.' : `It ended with ${code ?? signal}.`
    return `${sentence} ${life}\n--- standard output\n${this.#output}--- standard error\n${this.#errors}`
  }
}

const LISTENING = /^Listening on (http:\/\/\S+)$/m
/** From the address to the page's: the channels, the count, the reasons. */
const ROLL_CALL = /^Listening on \S+\n([\s\S]*?^(\d+) of (\d+) channels live$[\s\S]*?)^Console page: /m
