// Executables: whether a program is there, as a shell would find it.

import { access, constants, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** Where programs are when the environment does not say. */
const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The folders in which programs are looked for; never a relative one, which would be wherever somebody works. */
export function pathOf(environment: Environment): readonly string[] {
  return (environment['PATH'] || USUAL_PATH).split(':').filter(isAbsolute)
}

/** The absolute path of a program, given by its name or by its absolute path; null: there is none. */
export async function findExecutable(name: string, folders: readonly string[]): Promise<string | null> {
  const candidates = name.includes('/') ? [name] : folders.map((folder) => join(folder, name))
  for (const candidate of candidates) if (await isExecutable(candidate)) return candidate
  return null
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
