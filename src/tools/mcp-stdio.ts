// MCP over stdio: a server as a child process in a group of its own, spoken to by lines of JSON.
//   Its environment is what the file gives it, and PATH, HOME, LANG and TMPDIR; nothing else of the gateway's.
//   What it sends is bounded: a line, and all that it sends between two answers. Over that it is ended.
//   When `ended` resolves nothing of its group runs, nor what it left behind; it dies with this process too, or with its next start.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { Failure } from '../../machines/failure.ts'
import type { Log } from '../log.ts'
import type { World } from '../world.ts'
import { pathOf } from './executables.ts'
import { type Groups, signalGroup } from './groups.ts'
import { Lines } from './lines.ts'
import type { Wire } from './mcp-wire.ts'
import { MARK } from './processes.ts'
import { endStrays } from './strays.ts'

export interface StdioServer {
  /** For people: what it is. */
  readonly what: string
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly folder: string
}

interface StdioParts {
  readonly world: World
  readonly log: Log
  readonly groups: Groups
}

/** Longest message of a server. */
const LINE_BYTES_MAX = 8 * 1024 * 1024

/** All that a server may send while it answers nothing. */
const UNASKED_BYTES_MAX = 32 * 1024 * 1024

/** What we have to tell a server that does not read. */
const UNREAD_BYTES_MAX = 8 * 1024 * 1024

/** Between asking a server to end and ending it. */
const GRACE_MS = 500

/** What is dead by then will not die: a process in the hands of a broken disk. */
const DEATH_MS_MAX = 5_000

type Child = ChildProcessByStdio<Writable, Readable, Readable>

export function startStdio(server: StdioServer, parts: StdioParts): Wire {
  const { world, log, groups } = parts
  const mark = world.id()
  const env = { ...usual(world), ...server.env, [MARK]: mark }
  const { what, command, args, folder: cwd } = server
  const child: Child = groups.start({ mark, what }, () =>
    spawn(command, args, { cwd, env, detached: true, stdio: 'pipe' }),
  )
  const ended = Promise.withResolvers<Failure>()
  const stderr = tell(child.stderr, log)
  let reason: Failure | null = null
  let unasked = 0
  /** Requests without an answer; what answers none of them is not read. */
  const open = new Set<unknown>()
  let receive: (message: unknown) => void = () => {}
  const end = (failure: Failure): void => {
    reason ??= failure
    void endGroup(child, { mark, world, groups }).then(() => ended.resolve(reason ?? failure))
  }
  const lines = new Lines(LINE_BYTES_MAX)
  child.stdout.on('data', (chunk: Buffer) => {
    unasked += chunk.length
    const heard = unasked > UNASKED_BYTES_MAX ? null : lines.add(chunk)
    if (heard === null) {
      child.stdout.destroy()
      return end(TOO_MUCH)
    }
    for (const line of heard) {
      const message = messageOf(line)
      if (message === null || (isAnswer(message) && !open.delete(message.id))) continue
      if (isAnswer(message)) unasked = 0
      receive(message)
    }
  })
  // A server that is gone is told by its end.
  child.stdin.on('error', () => {})
  child.once('error', (error: NodeJS.ErrnoException) => end(notStarted(server.command, error.code ?? 'unknown reason')))
  child.once('exit', (code, signal) => end(exited(code === null ? (signal ?? 'a signal') : `exit ${code}`, stderr())))
  return {
    ended: ended.promise,
    onMessage: (listener) => {
      receive = listener
    },
    send(message) {
      if (isRequest(message)) open.add(message.id)
      child.stdin.write(`${JSON.stringify(message)}\n`)
      if (child.stdin.writableLength > UNREAD_BYTES_MAX) end(NOT_READ)
    },
    close: () => end(CLOSED),
  }
}

/** What a process cannot do without: where programs, its home and its temporary files are, and how text is written. */
function usual({ environment }: World): Record<string, string> {
  const { HOME, TMPDIR } = environment
  return {
    PATH: pathOf(environment).join(':'),
    LANG: 'C.UTF-8',
    ...(HOME === undefined ? {} : { HOME }),
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
  }
}

/** Notifications are for whoever subscribes to them, and nobody here does: they are not even read. */
function messageOf(line: string): object | null {
  if (!line.includes('"id"')) return line.includes('tools/list_changed') ? parsed(line) : null
  return parsed(line)
}

function isAnswer(message: object): message is { id: unknown } {
  return 'id' in message && !('method' in message)
}

function isRequest(message: object): message is { id: unknown } {
  return 'id' in message && 'method' in message
}

function parsed(line: string): object | null {
  try {
    const message: unknown = JSON.parse(line)
    return typeof message === 'object' && message !== null && !Array.isArray(message) ? message : null
  } catch {
    // Many servers write a greeting there.
    return null
  }
}

// --- standard error -----------------------------------------------------------------------------------------------------

const SAID_LINES_MAX = 200
const SAID_UNITS_MAX = 500
const LAST_UNITS_MAX = 300

/** Writes what a server says there into the log, as far as it goes; the returned function knows the last of it. */
function tell(stream: Readable, log: Log): () => string {
  let [said, last] = [0, '']
  const lines = new Lines(64 * 1024, 'cut')
  stream.on('data', (chunk: Buffer) => {
    for (const line of lines.add(chunk) ?? []) {
      const text = line.replace(/\p{Cc}+/gu, ' ').trim()
      if (text === '') continue
      last = text.slice(0, LAST_UNITS_MAX).toWellFormed()
      said += 1
      if (said <= SAID_LINES_MAX)
        log.debug({ said: text.slice(0, SAID_UNITS_MAX).toWellFormed() }, 'an MCP server says')
      if (said === SAID_LINES_MAX)
        log.warn({}, 'an MCP server says too much on its standard error; the rest is left out')
    }
  })
  return () => last
}

// --- its end ------------------------------------------------------------------------------------------------------------

/** Asks, waits a moment, and then ends what is left of it. A second call changes nothing. */
async function endGroup(child: Child, { mark, world, groups }: Ending): Promise<void> {
  const { pid } = child
  if (pid === undefined) return groups.ended(mark)
  const gone = Promise.withResolvers<void>()
  if (child.exitCode === null && child.signalCode === null) {
    child.once('exit', () => gone.resolve())
    child.stdin.end()
    signalGroup(pid, 'SIGTERM')
    await within(gone.promise, GRACE_MS, world)
  } else gone.resolve()
  signalGroup(pid, 'SIGKILL')
  await endStrays(mark)
  await within(gone.promise, DEATH_MS_MAX, world)
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy()
  if (child.exitCode !== null || child.signalCode !== null) groups.ended(mark)
}

interface Ending extends Pick<StdioParts, 'world' | 'groups'> {
  readonly mark: string
}

async function within(promise: Promise<void>, ms: number, { clock }: World): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = clock.setTimeout(() => late.resolve(), ms)
  await Promise.race([promise, late.promise]).finally(() => clock.clearTimeout(timer))
}

// --- failures -----------------------------------------------------------------------------------------------------------

const CLOSED: Failure = { kind: 'permanent', reason: 'cancelled', message: 'it was ended' }
const TOO_MUCH: Failure = {
  kind: 'retryable',
  reason: 'refused',
  message: `it sent more than ${UNASKED_BYTES_MAX / 1024 ** 2} MB without an answer, or a message of more than ${LINE_BYTES_MAX / 1024 ** 2} MB`,
}
const NOT_READ: Failure = { kind: 'retryable', reason: 'unavailable', message: 'it does not read what it is told' }

function notStarted(command: string, code: string): Failure {
  const message = code === 'ENOENT' ? `there is no program ${command}` : `${command} cannot be started (${code})`
  return {
    kind: 'retryable',
    reason: 'missing',
    message,
    remedy: `Install ${command}, or correct its command in the file`,
  }
}

function exited(how: string, said: string): Failure {
  return {
    kind: 'retryable',
    reason: 'unavailable',
    message: said === '' ? `it ended (${how})` : `it ended (${how}): ${said}`,
  }
}
