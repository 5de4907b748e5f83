// File: which configuration a command works with, loaded; or all its problems.

import { lstatSync } from 'node:fs'
import { resolve } from 'node:path'
import type { GatewayDefinition, GatewaySettings } from '../../machines/definitions.ts'
import type { Loaded, LoadResult, Settings } from '../config/load.ts'
import type { Problem } from '../config/problems.ts'
import type { Phase } from '../../machines/phases.ts'
import type { Watch } from '../config/watch.ts'
import type { PhaseTime } from '../start.ts'
import type { Context, Options } from './command.ts'
import { sayProblems, tellProblems } from './problems.ts'

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
  const opened = await open(context, options, pathOf(options))
  if (!isProblems(opened)) return opened
  await tellProblems(opened, context, options)
  return null
}

/** The file itself; that there is none is a problem. */
export function openOwnFile(context: Context, options: Options): Promise<OpenedFile | readonly Problem[]> {
  return open(context, options, nameOfFile(options))
}

/** What leads to a running gateway and to its data. */
export interface Way extends Settings {
  /** The data folder: the command line's, or the file's. */
  readonly data: string
  /** What the file says; null: it has problems. */
  readonly definition: GatewayDefinition | null
  /** Of the file, which then leads to a gateway that goes on by an earlier one, and to nothing else. */
  readonly problems: readonly Problem[]
}

/** Whoever broke the file of a running gateway must still be able to look. null: no way; the problems are on standard error. */
export async function openWay(context: Context, options: Options): Promise<Way | null> {
  const result = await read(context, pathOf(options))
  const settings = settingsOf(result)
  const { definition, problems } = result.ok ? { ...result.loaded, problems: [] } : { ...result, definition: null }
  if (settings === null) {
    sayProblems(problems, context)
    return null
  }
  context.terminal.hide((text) => settings.secrets.redact(text))
  return { ...settings, definition, problems, data: dataOf(settings.gateway, options) }
}

/** Of the file itself; null when it is not there, or nothing of it can be relied on. */
export async function ownSettings(context: Context, options: Options): Promise<Settings | null> {
  return settingsOf(await read(context, nameOfFile(options)))
}

export function isProblems<T extends object>(opened: T | readonly Problem[]): opened is readonly Problem[] {
  return Array.isArray(opened)
}

async function open(context: Context, options: Options, path: string | null): Promise<OpenedFile | readonly Problem[]> {
  const watch = path === null ? null : (await import('../config/watch.ts')).watchFile(path)
  const phases: PhaseTime[] = []
  const nowMs = (): number => context.world.nowMs()
  let beganMs = nowMs()
  const passed = (phase: PhaseTime['phase']): void => {
    phases.push({ phase, ms: nowMs() - beganMs })
    beganMs = nowMs()
  }
  const load = async (told?: typeof passed): Promise<Loaded | readonly Problem[]> => {
    await watch?.reading()
    const result = await read(context, path, told)
    if (!result.ok) return result.problems
    await watch?.alsoRead(result.loaded.alsoRead)
    return result.loaded
  }
  const loaded = await load(passed)
  if (isProblems(loaded)) return loaded
  context.terminal.hide((text) => loaded.secrets.redact(text))
  const data = dataOf(loaded.definition.gateway, options)
  return { loaded, isDemo: path === null, data, reload: () => load(), watch, phases }
}

/** Loads the YAML library and the schema at this moment: `--help` and wrong usage need neither. null: the demo workforce. */
async function read({ world }: Context, path: string | null, passed?: (phase: Phase) => void): Promise<LoadResult> {
  const { environment } = world
  if (path !== null) return (await import('../config/load.ts')).loadFile(path, environment, passed)
  return { ok: true, loaded: (await import('../config/demo.ts')).demoDefinition(environment, passed) }
}

function pathOf(options: Options): string | null {
  return options.text('config') === undefined && !exists(USUAL_FILE) ? null : nameOfFile(options)
}

function dataOf({ data }: GatewaySettings, options: Options): string {
  const given = options.text('data')
  return given === undefined ? data : resolve(given)
}

function settingsOf(result: LoadResult): Settings | null {
  if (!result.ok) return result.settings
  const { definition, secrets } = result.loaded
  return { gateway: definition.gateway, secrets }
}

/** Also a link that leads nowhere: whoever made it does not want the demo. */
function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}
