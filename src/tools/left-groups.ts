// Left groups: ends what an earlier gateway on a data folder was killed over: its servers, commands and hooks that did not end with it.
//   Only what is certainly theirs is ended. A number alone says nothing, for the system may have given it to a stranger since: the
//   first process of a group is known by the time of its start, any other by the mark that it carries. Whatever cannot be told from a
//   stranger's is named, and left alone.
//   Each is asked to end, and ended when it does not; it is looked at anew before each signal.
// Why a record, and not a guard that needs none: the kernel's own (setpriv --pdeathsig) ends the first process of a group and none below
// it, is not everywhere, and gives a server that listens no moment; namespaces would take from a server what it is there for; a process
// that waits for the gateway's end would cost memory for each, or be one more that can be killed with it.

import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../log.ts'
import type { World } from '../world.ts'
import { type GroupRecord, groupsFolder, signalGroup } from './groups.ts'
import { type ProcessTable, processTable, type Running } from './processes.ts'

export interface LeftParts {
  readonly data: string
  readonly world: World
  readonly log: Log
  readonly processes?: ProcessTable
}

/** What an earlier gateway had on record. */
interface Left extends GroupRecord {
  readonly mark: string
}

/** Between asking and ending. */
const GRACE_MS = 500

/** What is dead by then will not die: a process in the hands of a broken disk. */
const DEATH_MS_MAX = 2_000

/** Between two looks at what runs. */
const LOOK_MS = 20

/** Resolves when nothing is left that can be ended; never rejects. Only for whoever holds the data folder, before it starts anything. */
export async function endLeftGroups({ data, world, log, processes = processTable }: LeftParts): Promise<void> {
  const folder = groupsFolder(data)
  const names = await readdir(folder).catch((): string[] => [])
  const all = await Promise.all(names.filter((name) => name.endsWith(SUFFIX)).map((name) => read(folder, name)))
  if (all.length === 0) return
  const boot = processes.boot()
  // Of an earlier start of the machine nothing runs. What does not say which one it was of is known by its mark.
  const recent = all.filter((left) => boot !== null && (left.boot ?? boot) === boot)
  const alive = await endAll(recent, { processes, world, log })
  if (boot === null) for (const left of all) tellUnknown(left, log)
  for (const { mark } of all.filter((left) => !alive.includes(left)))
    await rm(join(folder, `${mark}${SUFFIX}`), { force: true }).catch(() => {})
}

const SUFFIX = '.json'

async function read(folder: string, name: string): Promise<Left> {
  const mark = name.slice(0, -SUFFIX.length)
  const text = await readFile(join(folder, name), 'utf8').catch(() => '')
  try {
    const { what, boot, pid, started } = JSON.parse(text) as GroupRecord // as: nobody else writes there
    return { mark, what, boot, pid, started }
  } catch {
    // The gateway was killed while it wrote this: its process has the mark, if there is one.
    return { mark, what: 'a process', boot: null, pid: null, started: null }
  }
}

interface Parts {
  readonly processes: ProcessTable
  readonly world: World
  readonly log: Log
}

/** Answers with those that cannot be ended. */
async function endAll(lefts: readonly Left[], { processes, world, log }: Parts): Promise<readonly Left[]> {
  const before = await processes.all()
  const there = lefts.filter((left) => membersOf(left, before).ours.length > 0)
  const asked = await ended(there, 'SIGTERM', { processes, world, withinMs: GRACE_MS })
  const alive = await ended(asked, 'SIGKILL', { processes, world, withinMs: DEATH_MS_MAX })
  for (const left of lefts) {
    const { what, pid } = left
    const { doubtful } = membersOf(left, before)
    if (alive.includes(left)) log.error({ pid }, `an earlier gateway left ${what} running, and it cannot be ended`)
    else if (there.includes(left)) log.warn({ pid }, `an earlier gateway left ${what} running: it was ended`)
    if (doubtful.length > 0)
      log.warn(
        { pid, pids: doubtful.map((one) => one.pid) },
        `an earlier gateway may have left ${what} running${DOUBT}`,
      )
  }
  return alive
}

const DOUBT =
  ': these processes cannot be told from a stranger’s, and are left alone. End them by hand if they are not needed'

interface Round extends Pick<Parts, 'processes' | 'world'> {
  readonly withinMs: number
}

/** Signals them, and waits; answers with those of which something runs still. However slow the machine is, each has its signal. */
async function ended(lefts: readonly Left[], signal: NodeJS.Signals, round: Round): Promise<readonly Left[]> {
  const { processes, world, withinMs } = round
  const untilMs = world.nowMs() + withinMs
  for (let isFirst = true; ; isFirst = false) {
    const running = await processes.all()
    const alive = lefts.filter((left) => membersOf(left, running).ours.length > 0)
    if (alive.length === 0 || (!isFirst && world.nowMs() >= untilMs)) return alive
    // Asked once; ended again and again, for one may start another meanwhile.
    if (isFirst || signal === 'SIGKILL') for (const left of alive) tellGroup(left, running, signal)
    await new Promise<void>((resolve) => world.clock.setTimeout(resolve, LOOK_MS))
  }
}

interface Members {
  /** Its first process is there, so that all of the group are. */
  readonly isKnown: boolean
  readonly ours: readonly Running[]
  /** Perhaps. */
  readonly doubtful: readonly Running[]
}

/** What of a group runs. */
function membersOf(left: Left, running: readonly Running[]): Members {
  const living = running.filter(({ isDead }) => !isDead)
  const first = running.find(({ pid }) => pid === left.pid)
  const isKnown = left.started !== null && first?.started === left.started && first.group === first.pid
  const inGroup = living.filter(({ group, session }) => group === left.pid && session === left.pid)
  const ours = living.filter((one) => one.mark === left.mark || (isKnown && inGroup.includes(one)))
  // A gateway that one of them started would end itself.
  if (ours.some(({ pid }) => pid === process.pid)) return { isKnown: false, ours: [], doubtful: [] }
  // The number of a group is not given to anybody while one of the group is there: another first process means that none was.
  const doubtful = first === undefined ? inGroup.filter((one) => !ours.includes(one)) : []
  return { isKnown, ours, doubtful }
}

function tellGroup(left: Left, running: readonly Running[], signal: NodeJS.Signals): void {
  const { isKnown, ours } = membersOf(left, running)
  if (isKnown && left.pid !== null) signalGroup(left.pid, signal)
  for (const { pid } of ours) {
    try {
      process.kill(pid, signal)
    } catch {
      // It ended by itself.
    }
  }
}

/** Where the system does not say when a process was started. */
function tellUnknown({ what, pid }: Left, log: Log): void {
  if (pid === null || !isThere(pid)) return
  log.warn({ pid }, `an earlier gateway may have left ${what} running${UNKNOWN}${pid}`)
}

const UNKNOWN =
  ': this system does not tell its processes from a stranger’s, so they are left alone. End them by hand: kill -9 -'

function isThere(pid: number): boolean {
  try {
    process.kill(-pid, 0)
    return true
  } catch {
    return false
  }
}
