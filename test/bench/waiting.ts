// Waiting: what one session costs when very many wait for a slot at once, from its message to its delivered answer.

import { atMost, median, type MeasureOptions, type Section } from './report.ts'
import { openTree, type Tree } from './tree.ts'

/** What is compared: with this many. */
const FEW = 1_000

/** A session among the most may cost this many times what it costs among FEW. */
const GROWTH_MAX = 3

/** Fewer are measured several times: a clock cannot see them. */
const SESSIONS_MIN = 8_000

export interface WaitingOptions extends MeasureOptions {
  /** A tree to measure; default: the real one. */
  readonly open?: () => Promise<Pick<Tree, 'open' | 'closeAll' | 'stop'>>
  /** How many wait at once, growing; FEW is the first. */
  readonly counts?: readonly number[]
}

export async function measureWaiting(options: WaitingOptions): Promise<Section> {
  const counts = options.counts ?? (options.size === 'quick' ? [FEW, 10_000] : [FEW, 10_000, 100_000])
  const tree = await (options.open ?? openTree)()
  const measured = new Map(counts.map((count) => [count, [] as number[]]))
  // Until the compiler has seen enough of it, the first size would be the slowest.
  await cost(tree, FEW)
  for (let round = 0; round < options.rounds; round += 1) {
    for (const [count, costs] of measured) costs.push(await cost(tree, count))
  }
  tree.stop()
  const few = measured.get(FEW) ?? []
  return {
    name: 'waiting',
    about: '64 slots, and so many sessions at once, each from its message to its answer; processor time; echo, no disk',
    rows: [...measured].map(([count, costs]) => ({
      what: `a session, ${count.toLocaleString('en')} at once`,
      unit: 'µs',
      rounds: costs,
      ...(count === FEW ? {} : { beside: { label: `${FEW.toLocaleString('en')} at once`, rounds: few } }),
      ...(count === counts.at(-1) && count !== FEW
        ? { target: atMost(costs, GROWTH_MAX * median(few), `at most ${GROWTH_MAX}× its cost among 1,000`) }
        : {}),
    })),
  }
}

/** µs for one session. */
async function cost(tree: Pick<Tree, 'open' | 'closeAll'>, count: number): Promise<number> {
  const times = Math.max(1, Math.round(SESSIONS_MIN / count))
  let ms = 0
  for (let time = 0; time < times; time += 1) {
    ms += (await tree.open(count, 'together')).ms
    await tree.closeAll()
  }
  return (ms * 1_000) / (times * count)
}
