// Work folders: where the tools of an agent work. Made for a run or a session under the data folder, or given by the file.
//   Only its owner may look into a folder that is made here. A given folder is used as it is, and never made or removed.
//   A run's folder has its name from session and turn, so that a run that goes on after a crash or a shutdown finds its files. It is
//   removed when its turn is over, by whoever knows that.
//   A session's folder stays until nobody used it for `workdir_keep`; /new empties the history and not the folder. That of a
//   conversation that is asked once goes with it.

import { createHash } from 'node:crypto'
import { access, constants, lstat, mkdir, readdir, realpath, rm, stat, utimes } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { AgentDefinition } from '../../machines/definitions.ts'
import type { World } from '../world.ts'
import { codeOf, missing } from './failures.ts'

export interface Workdir {
  /** Absolute, and no link itself. */
  readonly path: string
  readonly kind: 'own' | 'given'
}

export interface WorkdirParts {
  readonly definition: AgentDefinition
  readonly session: string
  readonly turn: string
  /** Absolute. */
  readonly data: string
  /** What must not lie in a given folder: the data folder, the configuration and what is beside it. */
  readonly hidden: readonly string[]
  readonly world: World
}

export async function openWorkdir(parts: WorkdirParts): Promise<Workdir> {
  const { workdir } = parts.definition
  if (workdir === 'per_session') return { path: await make(parts, sessionName(parts)), kind: 'own' }
  if (workdir === 'per_run') return { path: await make(parts, runFolderName(parts)), kind: 'own' }
  const path = await usableFolder(workdir.path)
  for (const hidden of parts.hidden) {
    const real = await realpath(hidden).catch(() => hidden)
    if (isWithin(real, path) || isWithin(path, real)) throw holdsSecrets(workdir.path)
  }
  return { path, kind: 'given' }
}

/** The folder that a session or the file gives, when it is there; null: there is none. Nothing is made. */
export async function standingFolder({ definition, data, session }: StandingParts): Promise<string | null> {
  const { workdir } = definition
  const path = typeof workdir === 'object' ? workdir.path : join(data, FOLDER, sessionName({ session }))
  try {
    const real = await realpath(path)
    return typeof workdir === 'object' || (await lstat(path)).isDirectory() ? real : null
  } catch {
    return null
  }
}

type StandingParts = Pick<WorkdirParts, 'definition' | 'data' | 'session'>

export async function removeRunFolder({
  data,
  ...run
}: Pick<WorkdirParts, 'data' | 'session' | 'turn'>): Promise<void> {
  await rm(join(data, FOLDER, runFolderName(run)), { recursive: true, force: true, maxRetries: 2 })
}

/** The real path of a folder that is there and can be written to; throws FailureError `missing` in words. */
export async function usableFolder(path: string): Promise<string> {
  const remedy = 'Make it, give this user the right to write there, or name another folder as workdir'
  try {
    if (!(await stat(path)).isDirectory()) throw missing(`the work folder ${path} is not a folder`, remedy)
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
    return await realpath(path)
  } catch (thrown) {
    const code = codeOf(thrown)
    if (code === '') throw thrown
    const why = code === 'ENOENT' ? 'is not there' : 'cannot be used'
    throw missing(`the work folder ${path} ${why}`, remedy, thrown)
  }
}

/**
 * Removes folders that were made here and that nobody used for so long, and those of runs that are over; answers with how many. Never
 * rejects.
 */
export async function sweepWorkdirs({ data, keepMs, world, runsOver }: Sweep): Promise<Swept> {
  const folder = join(data, FOLDER)
  const names = await readdir(folder).catch((): string[] => [])
  const runs = names.filter((name) => name.startsWith(OF_RUN))
  const over = runs.length === 0 ? new Set() : await runsOver(runs).catch(() => new Set())
  const outcome = { removed: 0, failed: 0 }
  for (const name of names) {
    const path = join(folder, name)
    try {
      const { mtimeMs } = await lstat(path)
      if (world.nowMs() - mtimeMs < keepMs && !over.has(name)) continue
      await rm(path, { recursive: true, force: true })
      outcome.removed += 1
    } catch {
      outcome.failed += 1
    }
  }
  return outcome
}

/** Removes the folder that a session had for itself, if it had one. One that cannot be removed goes with a sweep. */
export async function removeWorkdir({ data, session }: Pick<WorkdirParts, 'data' | 'session'>): Promise<void> {
  await rm(join(data, FOLDER, sessionName({ session })), { recursive: true, force: true }).catch(() => {})
}

interface Sweep {
  readonly data: string
  readonly keepMs: number
  readonly world: World
  /** Which of these folders of runs nobody will ask for any more. */
  readonly runsOver: (names: readonly string[]) => Promise<ReadonlySet<string>>
}

interface Swept {
  readonly removed: number
  readonly failed: number
}

/** Below the data folder. */
const FOLDER = 'work'

async function make({ data, world }: WorkdirParts, name: string): Promise<string> {
  const path = join(await realpath(data), FOLDER, name)
  await mkdir(path, { recursive: true, mode: 0o700 })
  // A command of an earlier run could have put something else in its place.
  if (!(await lstat(path)).isDirectory()) {
    throw missing('the work folder of this session is not a folder any more', `Remove ${path}`)
  }
  const now = new Date(world.nowMs())
  await utimes(path, now, now)
  return path
}

/** Readable for an operator, and different for different sessions. */
function sessionName({ session }: Pick<WorkdirParts, 'session'>): string {
  return `${readable(session)}-${digest(session)}`
}

const OF_RUN = 'run-'

export function runFolderName(run: Pick<WorkdirParts, 'session' | 'turn'>): string {
  return `${OF_RUN}${sessionName(run)}-${digest(run.turn)}`
}

/** What the names of the folders of a channel's runs begin with; those of other channels may, too. */
export function runFolderPrefix(channel: string): string {
  return `${OF_RUN}${readable(`${encodeURIComponent(channel)}/`)}`
}

function readable(text: string): string {
  return text.replace(/[^A-Za-z0-9-]+/g, '_').slice(0, 40)
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : `${outer}${sep}`)
}

function holdsSecrets(path: string) {
  return missing(`the work folder ${path} holds the configuration or the data folder`, 'Name another one as workdir')
}
