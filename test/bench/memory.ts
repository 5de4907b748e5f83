// Memory: bytes of heap that a live session takes, and that one leaves behind once it was passivated.

import { heapBytes } from './clocks.ts'
import { atMost, type MeasureOptions, type Section } from './report.ts'
import { openTree, type Tree } from './tree.ts'

/** Less than any trace of a session could be: its key alone takes more. */
const NOTHING_BYTES = 16

export interface MemoryOptions extends MeasureOptions {
  /** A tree to measure; default: the real one. */
  readonly open?: () => Promise<Tree>
  readonly sessions?: number
}

export async function measureMemory(options: MemoryOptions): Promise<Section> {
  const sessions = options.sessions ?? (options.size === 'quick' ? 10_000 : 20_000)
  const tree = await (options.open ?? openTree)()
  // Compiled code and grown tables are not a session's: a first cycle pays for them.
  await cycle(tree, sessions)
  const rounds: Cycle[] = []
  for (let round = 0; round < options.rounds; round += 1) rounds.push(await cycle(tree, sessions))
  tree.stop()
  const passivated = rounds.map((round) => round.passivatedBytes)
  return {
    name: 'memory',
    about: `heap per session after garbage collection, ${sessions.toLocaleString('en')} new sessions a round; echo, no disk`,
    rows: [
      { what: 'a live session (idle, answered once)', unit: 'bytes', rounds: rounds.map((round) => round.liveBytes) },
      {
        what: 'a passivated session',
        unit: 'bytes',
        rounds: passivated,
        target: atMost(passivated, NOTHING_BYTES, `no memory at all (noise: ${NOTHING_BYTES} bytes)`),
      },
    ],
  }
}

interface Cycle {
  readonly liveBytes: number
  readonly passivatedBytes: number
}

async function cycle(tree: Tree, sessions: number): Promise<Cycle> {
  const before = await heapBytes()
  for (let missing = sessions; missing > 0; missing -= WAVE) await tree.open(Math.min(WAVE, missing), 'together')
  if (tree.live !== sessions) throw new Error(`${tree.live} sessions live instead of ${sessions}.`)
  const full = await heapBytes()
  await tree.closeAll()
  if (tree.live !== 0) throw new Error(`${tree.live} sessions were not passivated.`)
  const after = await heapBytes()
  return { liveBytes: (full - before) / sessions, passivatedBytes: (after - before) / sessions }
}

const WAVE = 256
