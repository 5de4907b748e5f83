// File: which configuration a command works with, loaded; or all its problems, printed.

import { lstatSync } from 'node:fs'
import { resolve } from 'node:path'
import { demoDefinition } from '../config/demo.ts'
import { type Loaded, loadFile } from '../config/load.ts'
import { formatProblem, type Problem } from '../config/problems.ts'
import type { Context, Options } from './command.ts'

export const USUAL_FILE = 'gateway.yaml'

export interface OpenedFile {
  readonly loaded: Loaded
  readonly isDemo: boolean
  /** The data folder: the command line's, or the file's. */
  readonly data: string
  /** The same file again; its problems when it does not load now. */
  reload(): Promise<Loaded | readonly Problem[]>
}

/** null: the file has problems, and they are on standard error. Without a file and without --config: the demo workforce. */
export async function openFile(context: Context, options: Options): Promise<OpenedFile | null> {
  const { world, terminal } = context
  const path = options.text('config') ?? USUAL_FILE
  const isDemo = options.text('config') === undefined && !exists(path)
  const load = async (): Promise<Loaded | readonly Problem[]> => {
    if (isDemo) return demoDefinition(world.environment)
    const result = await loadFile(path, world.environment)
    return result.ok ? result.loaded : result.problems
  }
  const loaded = await load()
  if (!isLoaded(loaded)) {
    printProblems(context, loaded)
    return null
  }
  terminal.hide((text) => loaded.secrets.redact(text))
  const given = options.text('data')
  return { loaded, isDemo, data: given === undefined ? loaded.definition.gateway.data : resolve(given), reload: load }
}

export function isLoaded(loaded: Loaded | readonly Problem[]): loaded is Loaded {
  return 'definition' in loaded
}

export function printProblems({ terminal }: Context, problems: readonly Problem[]): void {
  for (const problem of problems) terminal.err(formatProblem(problem))
}

/** Also a link that leads nowhere: whoever made it does not want the demo. */
function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}
