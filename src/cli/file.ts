// File: which configuration a command works with, loaded; or all its problems.

import { lstatSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Loaded } from '../config/load.ts'
import type { Problem } from '../config/problems.ts'
import type { Watch } from '../config/watch.ts'
import type { PhaseTime } from '../start.ts'
import type { Context, Options } from './command.ts'
import { tellProblems } from './problems.ts'

export interface OpenedFile {
  readonly loaded: Loaded
  readonly isDemo: boolean
  /** The data folder: the command line's, or the file's. */
  readonly data: string
  /** The same file again; its problems when it does not load now. */
  reload(): Promise<Loaded | readonly Problem[]>
  /** Looks whether it changed since it was loaded last; null for the demo workforce, which is no file. */
  readonly watch: Watch | null
  /** How long each phase of reading it took, the first time. */
  readonly phases: readonly PhaseTime[]
}

const USUAL_FILE = 'gateway.yaml'

export function nameOfFile(options: Options): string {
  return options.text('config') ?? USUAL_FILE
}

/** null: the file has problems, and they are on standard error. Without a file and without --config: the demo workforce. */
export async function openFile(context: Context, options: Options): Promise<OpenedFile | null> {
  const isDemo = options.text('config') === undefined && !exists(USUAL_FILE)
  const opened = await open(context, options, isDemo ? null : nameOfFile(options))
  if (!isProblems(opened)) return opened
  await tellProblems(opened, context, options)
  return null
}

/** The file itself; that there is none is a problem. */
export function openOwnFile(context: Context, options: Options): Promise<OpenedFile | readonly Problem[]> {
  return open(context, options, nameOfFile(options))
}

export function isProblems<T extends object>(opened: T | readonly Problem[]): opened is readonly Problem[] {
  return Array.isArray(opened)
}

async function open(
  { terminal, world }: Context,
  options: Options,
  path: string | null,
): Promise<OpenedFile | readonly Problem[]> {
  // Loaded at this moment: `--help` and wrong usage need neither the YAML library nor the schema.
  const watch = path === null ? null : (await import('../config/watch.ts')).watchFile(path)
  const phases: PhaseTime[] = []
  let beganMs = world.nowMs()
  const passed = (phase: PhaseTime['phase']): void => {
    phases.push({ phase, ms: world.nowMs() - beganMs })
    beganMs = world.nowMs()
  }
  const load = async (told?: typeof passed): Promise<Loaded | readonly Problem[]> => {
    if (path === null) return (await import('../config/demo.ts')).demoDefinition(world.environment, told)
    const { loadFile } = await import('../config/load.ts')
    await watch?.reading()
    const result = await loadFile(path, world.environment, told)
    if (!result.ok) return result.problems
    await watch?.alsoRead(result.loaded.alsoRead)
    return result.loaded
  }
  const loaded = await load(passed)
  if (isProblems(loaded)) return loaded
  terminal.hide((text) => loaded.secrets.redact(text))
  const given = options.text('data')
  return {
    loaded,
    isDemo: path === null,
    data: given === undefined ? loaded.definition.gateway.data : resolve(given),
    reload: () => load(),
    watch,
    phases,
  }
}

/** Also a link that leads nowhere: whoever made it does not want the demo. */
function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}
