// Strays: processes that a command left behind outside its process group, found by a mark in their environment. Linux.
//   One that empties its environment and leaves its group is not found: only namespaces hold it (confinement.ts).

import { marked } from './processes.ts'

/** Rounds of looking: a stray may start another one while it is looked for. */
const ROUNDS_MAX = 20

/** Ends every process that carries the mark; answers with whether none is left. */
export async function endStrays(mark: string): Promise<boolean> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const pids = await marked(mark)
    if (pids.length === 0) return true
    for (const pid of pids) kill(pid)
  }
  return false
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}
