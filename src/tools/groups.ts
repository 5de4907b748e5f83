// Groups: the process groups that this process has started: servers, commands, hooks. They end with it, however it ends in order; and
// those of a gateway are on record in its data folder, for the case that it is killed: then its next start ends them (left-groups.ts).
//   A record is there before its process is: under a mark that the process carries in its environment. Its number and the time of its
//   start, which tell it from a stranger's, are added at once.
//   It is written, and not flushed: it must outlive this process, and not the machine, for then there is nothing to be ended.
//   A record that cannot be written keeps nobody from working; it is said in the log.

import type { ChildProcess } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../log.ts'
import { processTable } from './processes.ts'

export interface Groups {
  /** Starts one with `spawn`, which makes it the first of a group of its own. */
  start<Child extends ChildProcess>(group: Group, spawn: () => Child): Child
  /** Nothing of it runs any more. */
  ended(mark: string): void
}

export interface Group {
  /** Unguessable, and a name that a file can have. */
  readonly mark: string
  /** For people: `the MCP server tickets of cfo`. */
  readonly what: string
}

/** What a record says; `null`: it was not known yet, or nobody says it here. */
export interface GroupRecord extends Pick<Group, 'what'> {
  readonly boot: string | null
  readonly pid: number | null
  readonly started: string | null
}

export function groupsFolder(data: string): string {
  return join(data, 'groups')
}

/** For what has no data folder of its own: it ends with this process, unless that is killed. */
export const unrecorded: Groups = {
  start({ mark }, spawn) {
    const child = spawn()
    if (child.pid !== undefined) keep(mark, child.pid)
    return child
  },
  ended: forget,
}

/** Only for whoever holds the data folder. */
export function recordedGroups(data: string, log: Log): Groups {
  const folder = groupsFolder(data)
  const pathOf = (mark: string): string => join(folder, `${mark}.json`)
  const boot = processTable.boot()
  let isSaid = false
  const write = (mark: string, record: GroupRecord): void => {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      writeFileSync(pathOf(mark), JSON.stringify(record), { mode: 0o600 })
      isSaid = false
    } catch (error) {
      if (!isSaid) log.warn({ err: error }, `${record.what} runs, and could not be put on record: see that it ends`)
      isSaid = true
    }
  }
  const ended = (mark: string): void => {
    forget(mark)
    try {
      rmSync(pathOf(mark), { force: true })
    } catch {
      // Nothing of it runs: the next start finds that out, and tries again.
    }
  }
  return {
    start(group, spawn) {
      const { mark, what } = group
      write(mark, { what, boot, pid: null, started: null })
      try {
        const child = unrecorded.start(group, spawn)
        const { pid } = child
        if (pid !== undefined) write(mark, { what, boot, pid, started: processTable.find(pid)?.started ?? null })
        return child
      } catch (error) {
        ended(mark)
        throw error
      }
    },
    ended,
  }
}

/** To all of a group; nobody of it may be left. */
export function signalGroup(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name)
  } catch {
    // Nobody is.
  }
}

// --- with this process ------------------------------------------------------------------------------------------------

/** By their marks. */
const alive = new Map<string, number>()

function endAll(): void {
  for (const pid of alive.values()) signalGroup(pid, 'SIGKILL')
}

function keep(mark: string, pid: number): void {
  if (alive.size === 0) process.once('exit', endAll)
  alive.set(mark, pid)
}

function forget(mark: string): void {
  if (alive.delete(mark) && alive.size === 0) process.removeListener('exit', endAll)
}
