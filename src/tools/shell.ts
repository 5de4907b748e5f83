// Shell: the tool that runs a command line in the working folder (confinement.ts says in what, child.ts for how long).
//   Its environment is its own: PATH, HOME, LANG, TERM and TMPDIR; nothing of the gateway's.
//   It has no input. Nothing that it starts outlives the call.

import { createHash } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { World } from '../world.ts'
import { numberOf, textOf } from './arguments.ts'
import { type ChildEnd, runChild } from './child.ts'
import { type Confined, confinementOf } from './confinement.ts'
import { findExecutable, pathOf } from './executables.ts'
import { cancelled, refused } from './failures.ts'
import type { Groups } from './groups.ts'
import type { Tool, ToolParts } from './tool.ts'
import type { Workdir } from './workdir.ts'

export interface ShellParts {
  readonly agent: string
  readonly workdir: string
  /** Where a command puts what it needs for a moment; gone with the toolbox. */
  readonly temporary: string
  readonly hidden: readonly string[]
  readonly groups: Groups
  readonly world: World
}

const SHELL_MS_USUAL = 60_000
const SHELL_MS_MAX = 600_000

/** More output ends the command; reading on would only keep the gateway busy. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/** Of the output's beginning and of its end, each: together about 8,000 tokens. */
const KEPT_BYTES = 16 * 1024

export function shellTool(parts: ShellParts): { readonly tool: Tool; close(): Promise<void> } {
  let confined: Promise<Confined> | null = null
  return {
    tool: {
      name: 'shell',
      description:
        'Runs a command line with sh in the working folder and answers with its output and exit code. It has no input; what it leaves in the background is ended with it.',
      parameters: {
        type: 'object',
        properties: {
          command: { type: 'string', minLength: 1, maxLength: COMMAND_UNITS_MAX },
          timeout_s: { type: 'integer', minimum: 1, maximum: SHELL_MS_MAX / 1_000, default: SHELL_MS_USUAL / 1_000 },
        },
        required: ['command'],
        additionalProperties: false,
      },
      changes: true,
      idempotent: false,
      async call(input, { signal }) {
        const command = textOf(input, 'command')
        if (command.includes('\0')) throw refused('a command has no NUL character')
        const folders = foldersOf(parts)
        const environment = environmentOf(parts, folders)
        await mkdir(parts.temporary, { recursive: true, mode: 0o700 })
        const shell = (await findExecutable('bash', folders)) ?? 'sh'
        confined ??= confinementOf({ ...parts, environment, signal: NEVER })
        const { confinement, wrap } = await confined
        const timeMs = numberOf(input, 'timeout_s', SHELL_MS_USUAL / 1_000) * 1_000
        const ended = await runChild({
          argv: wrap([shell, '-c', command]),
          workdir: parts.workdir,
          environment,
          groups: parts.groups,
          what: `a command of ${parts.agent}`,
          world: parts.world,
          signal,
          limits: { timeMs, bytesMax: OUTPUT_BYTES_MAX, keptBytes: KEPT_BYTES },
          strays: confinement === 'group' ? 'marked' : 'none',
        })
        return said(ended, timeMs)
      },
    },
    close: () => rm(parts.temporary, { recursive: true, force: true }),
  }
}

/** The system takes about 128 KB for one argument. */
const COMMAND_UNITS_MAX = 32_768

/** What is asked once for all calls does not end with the first of them. */
const NEVER = new AbortController().signal

/** Without those that a command may write to: what confines it is found there too, and must not be its own. */
function foldersOf({ workdir, world }: ShellParts): readonly string[] {
  return pathOf(world.environment).filter((folder) => !`${resolve(folder)}/`.startsWith(`${workdir}/`))
}

function environmentOf({ workdir, temporary }: ShellParts, folders: readonly string[]): Record<string, string> {
  return { PATH: folders.join(':'), HOME: workdir, LANG: 'C.UTF-8', TERM: 'dumb', TMPDIR: temporary }
}

function said({ how, code, output }: ChildEnd, timeMs: number): string {
  if (how === 'aborted') throw cancelled()
  if (how === 'notStarted') throw refused('there is no shell on this machine, or its working folder is gone')
  const text = output.text()
  const gap = text === '' || text.endsWith('\n') ? '' : '\n'
  const notes = {
    exited: `[exit code ${code}]`,
    tooLong: `[it took longer than ${timeMs / 1_000} s and was ended]`,
    tooMuch: `[it wrote more than ${OUTPUT_BYTES_MAX} bytes and was ended]`,
  }
  return `${text}${gap}${notes[how]}`
}

/** The folder for what the commands of a run need for a moment; the same for a run that goes on after a crash. */
export function temporaryIn(workdir: string, run: Pick<ToolParts, 'data' | 'session' | 'turn'>): string {
  return join(workdir, `${ofSession(run)}${digest(run.turn).slice(0, 6)}`)
}

/** What the names of all of a session's begin with; another gateway may have a session of that key, with data of its own. */
function ofSession({ data, session }: Pick<ToolParts, 'data' | 'session'>): string {
  return `${TEMPORARY}${digest(`${data} ${session}`).slice(0, 10)}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

const TEMPORARY = '.tmp-'

/** Removes those of its session's earlier runs, for it has one at a time (S1): a process that is killed leaves them. */
export async function removeOtherTemporaries(
  { path, kind }: Workdir,
  run: Pick<ToolParts, 'data' | 'session' | 'turn'>,
): Promise<void> {
  const [workdir, own] = [path, temporaryIn(path, run)]
  // In a folder of its own there are no others.
  const beginning = kind === 'own' ? TEMPORARY : ofSession(run)
  const names = (await readdir(workdir)).filter((name) => name.startsWith(beginning) && join(workdir, name) !== own)
  for (const name of names) await rm(join(workdir, name), { recursive: true, force: true }).catch(() => {})
}
