// Hook executable: an operator's program as a hook: the document on its standard input, an exit code and perhaps JSON as its answer.
//   Its environment is its own: PATH, HOME, LANG and the event's name; nothing else of the gateway's. It works in the folder of the
//   configuration. When it ends, or its time does, everything that it started is ended; a gateway that is killed takes it along, and the
//   next ends what is left (left-groups.ts).

import { type HookDocument, mayRefuse } from '../../machines/hooks.ts'
import { HOOK_OUTPUT_BYTES_MAX } from '../../machines/limits.ts'
import type { World } from '../world.ts'
import { type ChildEnd, runChild } from './child.ts'
import { findExecutable, pathOf } from './executables.ts'
import { cancelled, missing, refused, tookTooLong } from './failures.ts'
import type { Groups } from './groups.ts'

export interface ExecutableCall {
  readonly path: string
  readonly document: HookDocument
  readonly folder: string
  readonly groups: Groups
  readonly world: World
  readonly timeMs: number
  readonly signal: AbortSignal
}

/** EX_NOPERM of sysexits: no shell, interpreter or signal ends with it by accident. */
const REFUSED = 77

export async function callExecutable(call: ExecutableCall): Promise<unknown> {
  const { path, document, folder, groups, world, timeMs, signal } = call
  const folders = pathOf(world.environment)
  const program = await findExecutable(path, folders)
  if (program === null) throw missing(`${path} is not there, or not executable`, `Make it executable: chmod +x ${path}`)
  const environment = { PATH: folders.join(':'), HOME: world.environment['HOME'] ?? folder, LANG: 'C.UTF-8' }
  const ended = await runChild({
    argv: [...(await withGateway(folders)), program],
    workdir: folder,
    environment: { ...environment, TROUPE_EVENT: document.event },
    groups,
    what: `the hook ${path}`,
    world,
    signal,
    limits: { timeMs, bytesMax: HOOK_OUTPUT_BYTES_MAX, keptBytes: HOOK_OUTPUT_BYTES_MAX },
    strays: 'marked',
    input: `${JSON.stringify(document)}\n`,
  })
  return answerOf(ended, call)
}

/** The kernel ends the hook with the gateway, where there is a program that asks it to. */
async function withGateway(folders: readonly string[]): Promise<readonly string[]> {
  const setpriv = await findExecutable('setpriv', folders)
  return setpriv === null ? [] : [setpriv, '--pdeathsig', 'KILL']
}

function answerOf({ how, code, output, errors }: ChildEnd, { document, timeMs }: ExecutableCall): unknown {
  if (how === 'aborted') throw cancelled()
  if (how === 'tooLong') throw tookTooLong('it', timeMs)
  if (how === 'tooMuch') throw refused(`it wrote more than ${HOOK_OUTPUT_BYTES_MAX} bytes`)
  if (how === 'notStarted') throw refused('it could not be started')
  const said = output.text().trim()
  const complained = errors.text().trim()
  if (code === REFUSED && mayRefuse(document.event)) {
    const answer = said.startsWith('{') ? parsed(said) : { refuse: said === '' ? complained : said }
    return { refuse: 'no reason was given', ...Object(answer) }
  }
  if (code !== 0)
    throw refused(`it ended with exit code ${code}${complained === '' ? '' : `: ${firstLine(complained)}`}`)
  // What a program prints besides is for nobody.
  return said.startsWith('{') ? parsed(said) : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw refused('its answer is no JSON')
  }
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.slice(0, LINE_UNITS_MAX) ?? ''
}

const LINE_UNITS_MAX = 200
