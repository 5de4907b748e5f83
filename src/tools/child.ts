// Child: one program in a process group of its own, from its start to the end of everything that it started.
//   It ends by its own doing, at its time limit, at its output limit, or when its caller aborts; the whole group is ended with it.
//   Output is read as it comes and kept as head and tail. Nothing of it runs when the promise settles.

import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { World } from '../world.ts'
import { type Groups, signalGroup } from './groups.ts'
import { HeadAndTail } from './head-and-tail.ts'
import { MARK } from './processes.ts'
import { endStrays } from './strays.ts'

export interface ChildOptions {
  readonly argv: readonly string[]
  readonly workdir: string
  /** All of it: nothing of the gateway's own is passed on. */
  readonly environment: Readonly<Record<string, string>>
  readonly world: World
  readonly signal: AbortSignal
  readonly limits: Limits
  readonly groups: Groups
  /** For people: what it is. */
  readonly what: string
  /** `marked`: a mark by which processes outside the group are found; `none`: there can be none. */
  readonly strays: 'marked' | 'none'
  /** Its standard input; left out: it has none, and both its outputs are one. */
  readonly input?: string
}

export interface Limits {
  readonly timeMs: number
  /** More output ends it. */
  readonly bytesMax: number
  /** Of the output's beginning, and of its end. */
  readonly keptBytes: number
}

export interface ChildEnd {
  /** `notStarted`: there is no such program. */
  readonly how: 'exited' | 'tooLong' | 'tooMuch' | 'aborted' | 'notStarted'
  /** As a shell counts it: 128 and more for a signal. */
  readonly code: number
  readonly output: HeadAndTail
  /** What it wrote to standard error, when it has an input. */
  readonly errors: HeadAndTail
}

/** Between asking a group to end and ending it. */
const GRACE_MS = 200

/** What is dead by then will not die: a process in the hands of a broken disk. */
const DEATH_MS_MAX = 5_000

export async function runChild(options: ChildOptions): Promise<ChildEnd> {
  const { argv, workdir, environment, groups, what, limits, world, signal, input } = options
  const output = new HeadAndTail(limits.keptBytes)
  const errors = input === undefined ? output : new HeadAndTail(limits.keptBytes)
  if (signal.aborted) return { how: 'aborted', code: 0, output, errors }
  const [program = '', ...rest] = argv
  const mark = world.id()
  const strays = options.strays === 'marked' ? mark : null
  const env = strays === null ? environment : { ...environment, [MARK]: strays }
  const stdio: StdioOptions = [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe']
  const child = groups.start({ mark, what }, () => spawn(program, rest, { cwd: workdir, env, detached: true, stdio }))
  give(child, input)
  const exited = exitOf(child)
  const limit = Promise.withResolvers<'tooLong' | 'tooMuch' | 'aborted'>()
  const timer = world.clock.setTimeout(() => limit.resolve('tooLong'), limits.timeMs)
  const abort = (): void => limit.resolve('aborted')
  signal.addEventListener('abort', abort, { once: true })
  for (const [stream, kept] of [[child.stdout, output] as const, [child.stderr, errors] as const]) {
    stream?.on('data', (chunk: Buffer) => {
      kept.add(chunk)
      if (kept.total > limits.bytesMax) limit.resolve('tooMuch')
    })
  }
  const first = await Promise.race([exited, limit.promise])
  world.clock.clearTimeout(timer)
  signal.removeEventListener('abort', abort)
  // Also after its own end: others of its group may still run.
  const last = await endGroup(child, { exited, strays, world })
  if (last !== null) groups.ended(mark)
  await drained(child, world)
  const how = typeof first === 'string' ? first : first.code === null ? 'notStarted' : 'exited'
  return { how, code: last?.code ?? 0, output, errors }
}

/** A program that does not read its input, or has ended, has no use for it. */
function give({ stdin }: ChildProcess, input: string | undefined): void {
  stdin?.on('error', () => {})
  stdin?.end(input)
}

interface Exit {
  /** null: it never ran. */
  readonly code: number | null
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: null }))
    child.once('exit', (code, name) => resolve({ code: code ?? 128 + (SIGNALS[name ?? 'SIGKILL'] ?? 9) }))
  })
}

/** Those by which programs commonly end. */
const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
}

interface Ending {
  readonly exited: Promise<Exit>
  readonly strays: string | null
  readonly world: World
}

/** Asks, waits a moment, and then ends what is left of it. */
async function endGroup(child: ChildProcess, { exited, strays, world }: Ending): Promise<Exit | null> {
  if (child.pid === undefined) return exited
  if (child.exitCode === null && child.signalCode === null) {
    signalGroup(child.pid, 'SIGTERM')
    await within(exited, GRACE_MS, world)
  }
  signalGroup(child.pid, 'SIGKILL')
  if (strays !== null) await endStrays(strays)
  return within(exited, DEATH_MS_MAX, world)
}

/** What was written before the end has been read; a stray that holds the pipe cannot hold us. */
async function drained({ stdout, stderr }: ChildProcess, world: World): Promise<void> {
  const streams = [stdout, stderr].filter((stream) => stream !== null)
  await within(Promise.all(streams.map(ended)), GRACE_MS, world)
  for (const stream of streams) stream.destroy()
}

function ended(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed || stream.readableEnded) resolve()
    else stream.once('close', resolve)
  })
}

/** null: not by then. */
async function within<T>(promise: Promise<T>, ms: number, { clock }: World): Promise<T | null> {
  const late = Promise.withResolvers<null>()
  const timer = clock.setTimeout(() => late.resolve(null), ms)
  return Promise.race([promise, late.promise]).finally(() => clock.clearTimeout(timer))
}
