// Processes: what the system says of those that run here. Linux says when each was started, which tells it from a later one with its
// number; other systems do not say it to us, and there nothing is certain of a process that is no child of ours.
//   What the system says is in memory: it is read at once, which costs a tenth of waiting for each; and in parts, so that no other
//   waits for long where thousands run.

import { readdirSync, readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'

/** The variable that carries the mark of a call, or of a server. */
export const MARK = 'TROUPE_CALL'

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
  find(pid: number): Running | null
  all(): Promise<readonly Running[]>
}

export const processTable: ProcessTable = {
  boot: () => textOf('sys/kernel/random/boot_id')?.trim() ?? null,
  find,
  all: () => ofEach(find),
}

/** Numbers of the processes that carry a mark. */
export function marked(mark: string): Promise<number[]> {
  return ofEach((pid) => (markOf(pid) === mark ? pid : null))
}

/** As many as are a millisecond. */
const AT_ONCE = 64

async function ofEach<T>(look: (pid: number) => T | null): Promise<T[]> {
  const found: T[] = []
  for (const [index, pid] of pids().entries()) {
    if (index % AT_ONCE === AT_ONCE - 1) await setImmediate()
    const one = look(pid)
    if (one !== null) found.push(one)
  }
  return found
}

function pids(): number[] {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []))
  } catch {
    return []
  }
}

/** Fields 3, 5, 6 and 22 of proc(5). The second is the program's name in brackets, and may hold anything. */
function find(pid: number): Running | null {
  const stat = textOf(`${pid}/stat`) ?? ''
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, , group, session] = fields
  const started = fields[19]
  if (state === undefined || started === undefined) return null
  const isDead = state === 'Z' || state === 'X'
  return { pid, group: Number(group), session: Number(session), started, isDead, mark: markOf(pid) }
}

function markOf(pid: number): string | null {
  const environment = textOf(`${pid}/environ`) ?? ''
  const mark = environment.split('\0').find((variable) => variable.startsWith(`${MARK}=`))
  return mark?.slice(MARK.length + 1) ?? null
}

/** Of a process that is gone, or somebody else's, there is nothing to read. */
function textOf(place: string): string | null {
  try {
    return readFileSync(`/proc/${place}`, 'latin1')
  } catch {
    return null
  }
}
