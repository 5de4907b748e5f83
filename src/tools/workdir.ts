// Work folders: where the tools of an agent work. Made for a run or a session under the data folder, or given by the file.
//   Only its owner may look into a folder that is made here. A given folder is used as it is, and never made or removed.
//   A run's folder has its name from session and turn, so that a run that goes on after a crash finds its files.
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
  /** Removes a folder that was made for the run alone. */
  close(): Promise<void>
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
  if (workdir === 'per_session') return { path: await make(parts, sessionName(parts)), kind: 'own', close: nothing }
  if (workdir === 'per_run') {
    const path = await make(parts, `run-${sessionName(parts)}-${digest(parts.turn)}`)
    return { path, kind: 'own', close: () => rm(path, { recursive: true, force: true, maxRetries: 2 }) }
  }
  const path = await usableFolder(workdir.path)
  for (const hidden of parts.hidden) {
    const real = await realpath(hidden).catch(() => hidden)
    if (isWithin(real, path) || isWithin(path, real)) throw holdsSecrets(workdir.path)
  }
  return { path, kind: 'given', close: nothing }
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

/** Removes folders that were made here and that nobody used for so long; answers with how many. Never rejects. */
export async function sweepWorkdirs({ data, keepMs, world }: Sweep): Promise<{ removed: number; failed: number }> {
  const folder = join(data, FOLDER)
  const names = await readdir(folder).catch((): string[] => [])
  const outcome = { removed: 0, failed: 0 }
  for (const name of names) {
    const path = join(folder, name)
    try {
      const { mtimeMs } = await lstat(path)
      if (world.nowMs() - mtimeMs < keepMs) continue
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
  const readable = session.replace(/[^A-Za-z0-9-]+/g, '_').slice(0, 40)
  return `${readable}-${digest(session)}`
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

async function nothing(): Promise<void> {}
