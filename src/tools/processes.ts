// Processes: what the system says of those that run here. Linux says when each was started, which tells it from a later one with its
// number; other systems do not say it to us, and there nothing is certain of a process that is no child of ours.

import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { MARK } from './strays.ts'

export interface Running {
  readonly pid: number
  readonly group: number
  readonly session: number
  /** In ticks since the machine was started: with the number it names one process, and no other before the next boot. */
  readonly started: string
  /** It has ended, and its parent has not noticed. */
  readonly isDead: boolean
  /** null: it carries none, or is somebody else's. */
  readonly mark: string | null
}

export interface ProcessTable {
  /** The name of the time since the machine was started; null: nobody says it here. */
  boot(): string | null
  /** What runs under a number now; null: nothing, or nobody says it. */
  find(pid: number): Omit<Running, 'mark'> | null
  all(): Promise<readonly Running[]>
}

export const processTable: ProcessTable = {
  boot: () => textOf('/proc/sys/kernel/random/boot_id')?.trim() ?? null,
  find(pid) {
    const stat = textOf(`/proc/${pid}/stat`)
    return stat === null ? null : parsed(pid, stat)
  },
  async all() {
    const entries = await readdir('/proc').catch((): string[] => [])
    const found: Running[] = []
    for (const entry of entries.filter((name) => /^\d+$/.test(name))) {
      // Of a process that is gone, or of somebody else's environment, there is nothing to read.
      const stat = parsed(Number(entry), await readFile(`/proc/${entry}/stat`, 'latin1').catch(() => ''))
      if (stat === null) continue
      const environment = await readFile(`/proc/${entry}/environ`, 'latin1').catch(() => '')
      const mark = environment.split('\0').find((variable) => variable.startsWith(`${MARK}=`))
      found.push({ ...stat, mark: mark?.slice(MARK.length + 1) ?? null })
    }
    return found
  },
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null
  }
}

/** Fields 3, 5, 6 and 22 of proc(5). The second is the program's name in brackets, and may hold anything. */
function parsed(pid: number, stat: string): Omit<Running, 'mark'> | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, , group, session] = fields
  const started = fields[19]
  if (state === undefined || started === undefined) return null
  return { pid, group: Number(group), session: Number(session), started, isDead: state === 'Z' || state === 'X' }
}
