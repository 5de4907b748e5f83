// Looks: what a gateway holds when it rests: nothing is under way, nothing is owed, no session is in memory.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Status } from '../../src/http/port.ts'
import { heldHeapBytes } from '../support/heap.ts'
import type { Town } from './town.ts'

export interface Look {
  /** After a collection. */
  readonly heapBytes: number
  readonly residentBytes: number
  /** Files, sockets and pipes that are open. */
  readonly descriptors: number
  /** Child processes, and theirs. */
  readonly processes: number
  /** Work folders of runs, of which none is going on. */
  readonly folders: number
}

const LOOK_MS = 50

/** The longest that a rest may be in coming: after it something is stuck. */
const REST_MS_MAX = 30_000

/** Connections of people who are gone are closed by then, and an MCP server that a changed file took away has ended. */
const SETTLE_MS = 1_000

export async function lookAtRest(town: Town): Promise<Look> {
  const { gateway, folder } = town
  const deadline = performance.now() + REST_MS_MAX
  for (;;) {
    const status: Status = JSON.parse(await (await gateway.request('/status')).text())
    const { idle, pending, running, queued_messages } = status.sessions
    if (idle + pending + running + queued_messages + status.outbox === 0) break
    if (performance.now() > deadline) throw new Error(`It never came to rest: ${JSON.stringify(status)}`)
    await sleep(LOOK_MS)
  }
  await sleep(SETTLE_MS)
  const heapBytes = await heldHeapBytes(gateway)
  return {
    heapBytes,
    residentBytes: Number(/VmRSS:\s+(\d+)/.exec(read(gateway.pid, 'status'))?.[1]) * 1_024,
    descriptors: readdirSync(`/proc/${gateway.pid}/fd`).length,
    processes: descendants(gateway.pid),
    folders: runFolders(join(folder, '.troupe', 'work')),
  }
}

function read(pid: number, name: string): string {
  return readFileSync(`/proc/${pid}/${name}`, 'utf8')
}

function descendants(pid: number): number {
  const children = read(pid, `task/${pid}/children`).split(' ').filter(Boolean).map(Number)
  return children.reduce((sum, child) => sum + 1 + descendants(child), 0)
}

function runFolders(work: string): number {
  try {
    return readdirSync(work).filter((name) => name.startsWith('run-')).length
  } catch {
    return 0
  }
}
