// Tools: what one step of a run costs in which a tool is called, beyond what the tool itself does: it begins, it is called, its result
// is kept, the model is asked again. Runs with steps and runs without take turns in short blocks, each on a tree of its own.

import type { BuildAgent } from '../../src/agents/agent.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { toolParts } from '../support/tools.ts'
import { median, type MeasureOptions, type Section } from './report.ts'
import { openTree, type Tree } from './tree.ts'

/** A run's own answer is the one after the last of them. */
const STEPS = 8

export interface ToolsOptions extends MeasureOptions {
  /** What the tool does; default: nothing. */
  readonly work?: () => void
}

export async function measureTools(options: ToolsOptions): Promise<Section> {
  const rounds: Round[] = []
  for (let round = 0; round < options.rounds; round += 1) rounds.push(await measureRound(options))
  const without = rounds.map(({ message }) => message)
  return {
    name: 'tools',
    about: `a run that calls a tool ${STEPS} times, one call a step; processor time; a tool that does nothing, no model, no disk`,
    rows: [
      { what: 'a message, answered without a tool', unit: 'µs', rounds: without },
      {
        what: 'a step with a call more',
        unit: 'µs',
        rounds: rounds.map(({ step }) => step),
        beside: { label: 'a message', rounds: without },
      },
    ],
  }
}

interface Round {
  readonly message: number
  readonly step: number
}

async function measureRound({ size, work = () => {} }: ToolsOptions): Promise<Round> {
  const [sessions, blocks] = size === 'quick' ? [16, 1] : [128, 9]
  const idle: Tool = {
    name: 'idle',
    description: 'does nothing',
    parameters: { type: 'object' },
    changes: false,
    idempotent: true,
    call: async () => {
      work()
      return 'done'
    },
  }
  const tree = (steps: number): Promise<Tree> =>
    openTree({
      agent: { tools: ['idle'] },
      buildAgent: asking(steps),
      tools: toolParts({ tools: { idle }, opened: [], closed: [] }),
    })
  const [plain, stepping] = [await tree(0), await tree(STEPS)]
  const block = async (one: Tree): Promise<number> => {
    const opened = await one.open(sessions, 'inTurn')
    await one.close(opened)
    return (opened.ms * 1_000) / sessions
  }
  // Until the compiler has seen enough of each, the first one would be the slowest.
  for (let number = 0; number < blocks; number += 1) for (const one of [plain, stepping]) await block(one)
  const costs: Round[] = []
  for (let number = 0; number < blocks; number += 1) {
    const message = await block(plain)
    costs.push({ message, step: ((await block(stepping)) - message) / STEPS })
  }
  for (const one of [plain, stepping]) one.stop()
  return { message: median(costs.map((cost) => cost.message)), step: median(costs.map((cost) => cost.step)) }
}

/** An agent that asks for the tool so many times, and then answers. */
function asking(steps: number): BuildAgent {
  return async () => ({
    async think({ steps: done }) {
      const asked = done.filter(({ kind }) => kind === 'answer').length
      if (asked === steps) return { text: 'done', calls: [], usage: null }
      return { text: '', calls: [{ id: String(asked), tool: 'idle', input: {} }], usage: null }
    },
    probe: async () => {},
  })
}
