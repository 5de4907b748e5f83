// Work folders: a hundred sessions at once, each of which works in a folder of its own: made, written to, read from, removed with the
// run. Beside them as many that have no folder. By the clock: what is measured is the disk and the system, not the actors.

import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { BuildAgent } from '../../src/agents/agent.ts'
import { toolBuilder } from '../../src/tools/catalog.ts'
import { clearFolder as clearNow } from '../../src/tools/cleared.ts'
import { unrecorded } from '../../src/tools/groups.ts'
import type { ClearFolder } from '../../src/tools/tool.ts'
import { noTools } from '../support/tools.ts'
import { Bench } from './processes.ts'
import { atMost, type MeasureOptions, type Section } from './report.ts'
import { openTree, type Tree } from './tree.ts'

const SESSIONS = 100

export interface WorkdirsOptions extends MeasureOptions {
  /** In place of what removes a folder. */
  readonly clearFolder?: ClearFolder
}

export async function measureWorkdirs(options: WorkdirsOptions): Promise<Section> {
  await using bench = new Bench()
  const data = join(bench.folder(), 'data')
  mkdirSync(data)
  const { clearFolder: remove = clearNow } = options
  const buildTools = toolBuilder({ redact: (text) => text, hidden: [data], groups: unrecorded })
  const removals: Promise<void>[] = []
  const clearFolder: ClearFolder = (of) => {
    const removal = remove(of)
    removals.push(removal)
    return removal
  }
  const removed = (): Promise<unknown> => Promise.all(removals.splice(0))
  const working = await openTree({
    data,
    agent: { tools: ['files'], workdir: 'per_run', approval: { files_write: 'allow' } },
    buildAgent: writing,
    tools: { ...noTools(), buildTools, clearFolder },
  })
  const talking = await openTree({ buildAgent: answering })
  // The first cycle loads the tools, and compiles.
  for (const tree of [working, talking]) await cycle(tree, removed)
  const rounds: { readonly working: number; readonly talking: number; readonly left: number }[] = []
  for (let round = 0; round < options.rounds; round += 1) {
    const ms = { working: await cycle(working, removed), talking: await cycle(talking, removed) }
    rounds.push({ ...ms, left: readdirSync(join(data, 'work')).length })
  }
  for (const tree of [working, talking]) tree.stop()
  const left = rounds.map((round) => round.left)
  return {
    name: 'workdirs',
    about: `${SESSIONS} sessions at once, a folder for each run: made, a file written and read, removed; no model, no store`,
    rows: [
      {
        what: `${SESSIONS} messages, answered in a folder each`,
        unit: 'ms',
        rounds: rounds.map((round) => round.working),
        beside: { label: 'without folders', rounds: rounds.map((round) => round.talking) },
      },
      { what: 'folders that are left', unit: 'folders', rounds: left, target: atMost(left, 0, 'none') },
    ],
  }
}

/** Milliseconds until a hundred new sessions were answered, and their folders are gone. */
async function cycle(tree: Tree, removed: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await tree.open(SESSIONS, 'together')
  await removed()
  const ms = performance.now() - startedAt
  await tree.closeAll()
  return ms
}

const CALLS = [
  { id: '1', tool: 'files_write', input: { path: 'note.txt', content: 'what it found out' } },
  { id: '2', tool: 'files_read', input: { path: 'note.txt' } },
]

/** Writes a file, reads it, and answers with what it read; fails when that is not what it wrote. */
const writing: BuildAgent = async () => ({
  async think({ steps }) {
    const results = steps.flatMap((step) => (step.kind === 'result' ? [step] : []))
    const call = CALLS[results.length]
    if (call !== undefined) return { text: '', calls: [call], usage: null }
    if (results.at(-1)?.text.includes('what it found out') !== true) throw new Error(`it read: ${results.at(-1)?.text}`)
    return { text: 'done', calls: [], usage: null }
  },
  probe: async () => {},
})

const answering: BuildAgent = async () => ({
  think: async () => ({ text: 'done', calls: [], usage: null }),
  probe: async () => {},
})
