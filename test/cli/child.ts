// Child: the binary as its users run it, in a folder of its own, with nothing of this process's environment but the path.
// Owns every child that it started: none outlives its test.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { COMPILED } from '../support/gateway-process.ts'

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface Options {
  /** Where it runs. */
  readonly folder: string
  readonly environment?: Readonly<Record<string, string>>
  /** Standard input, whole; without it there is none. */
  readonly input?: string
  /** A module that is loaded before the program. */
  readonly preload?: string
  /** As npm runs this script of package.json: in a shell, which is then the process that is signalled. */
  readonly script?: string
}

export interface Running {
  readonly process: ChildProcess
  readonly ended: Promise<Ran>
  /** The first match in standard output, now or later; fails when the child ends without it. */
  prints(pattern: RegExp): Promise<RegExpExecArray>
  /** Where it listens. */
  address(): Promise<string>
}

const ROOT = join(import.meta.dirname, '../..')
const BIN = join(ROOT, 'src/bin.js')
const children = new Set<ChildProcess>()
const folders = new Set<string>()

afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  folders.clear()
})

/** A new folder with these files; gone after the test. */
export function folderWith(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-cli-'))
  folders.add(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

/** A command, run to its end. */
export function troupe(args: readonly string[], options: Options): Promise<Ran> {
  return begin(args, options).ended
}

export function begin(args: readonly string[], { folder, environment = {}, input, preload, script }: Options): Running {
  const { PATH = '', HOME = '' } = process.env
  const before = preload === undefined ? [] : ['--import', preload]
  const [program, given] =
    script === undefined ? [process.execPath, [...before, BIN, ...args]] : ['sh', ['-c', [script, ...args].join(' ')]]
  const child = spawn(program, given, {
    cwd: script === undefined ? folder : ROOT,
    env: { PATH, HOME, NODE_COMPILE_CACHE: COMPILED, ...environment },
    stdio: 'pipe',
  })
  children.add(child)
  let out = ''
  let err = ''
  const changed = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
    for (const look of changed) look()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  // A child that has ended already reads no input.
  child.stdin.on('error', () => {})
  child.stdin.end(input ?? '')
  const ended = once(child, 'close').then(([code]): Ran => {
    children.delete(child)
    return { code, out, err }
  })
  const prints = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(out)
        if (found !== null) resolve(found)
      }
      changed.add(look)
      look()
      void ended.then(() => reject(new Error(`ended without ${String(pattern)}\n${out}${err}`)))
    })
  return {
    process: child,
    ended,
    prints,
    address: async () => (await prints(/^Listening on (\S+)$/m))[1] ?? '',
  }
}

/** Two agents, a web channel each, on any free port. */
export const TWO = `gateway:
  port: 0
  drain: 500ms
agents:
  cfo: { instructions: Money., model: echo }
  ops: { instructions: Machines., model: echo }
channels:
  cfo: { platform: web, agent: cfo }
  ops: { platform: web, agent: ops }
`

export async function post(url: string, channel: string, text: string): Promise<void> {
  const response = await fetch(`${url}/channels/${channel}/messages`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ conversation: 'lobby', user: 'anna', text }),
  })
  if (response.status !== 202) throw new Error(await response.text())
}

/** Asks until it is so. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20))
}
