// Observe: what one answered message costs when nobody observes, when it is counted, and as every start has it: counted, and traced
// by whoever has loaded an SDK, which is nobody here. The three take turns in short blocks, each on a tree of its own.

import type { Observe } from '../../src/actors/observe.ts'
import { beginObserving, observers } from '../../src/start/observing.ts'
import { createTally } from '../../src/start/tally.ts'
import { realWorld } from '../../src/world.ts'
import { unobserved } from '../support/observing.ts'
import { silentLog } from '../support/world.ts'
import { atMost, median, type MeasureOptions, type Section } from './report.ts'
import { openTree, type Tree } from './tree.ts'

export interface ObserveOptions extends MeasureOptions {
  /** Instead of what a start without an SDK has. */
  readonly asStarted?: () => Promise<Observe>
}

const WAYS = ['nobody', 'counted', 'asStarted'] as const

type Way = (typeof WAYS)[number]

/** "No cost", as a number that a busy machine can still tell from something. */
const WITHOUT_SDK_MAX = 1.05

export async function measureObserve(options: ObserveOptions): Promise<Section> {
  const rounds: Record<Way, number>[] = []
  for (let round = 0; round < options.rounds; round += 1) rounds.push(await measureRound(options))
  const of = (way: Way): number[] => rounds.map((costs) => costs[way])
  return {
    name: 'observe',
    about: 'one message answered by a new session; processor time; echo, no disk',
    rows: [
      { what: 'a message, nobody observes', unit: 'µs', rounds: of('nobody') },
      {
        what: 'a message, counted for /metrics',
        unit: 'µs',
        rounds: of('counted'),
        beside: { label: 'nobody observes', rounds: of('nobody') },
      },
      {
        what: 'a message, as started without an SDK for traces',
        unit: 'µs',
        rounds: of('asStarted'),
        beside: { label: 'counted', rounds: of('counted') },
        target: atMost(
          rounds.map(({ counted, asStarted }) => asStarted / counted),
          WITHOUT_SDK_MAX,
          `at most ${WITHOUT_SDK_MAX}× a message that is only counted`,
        ),
      },
    ],
  }
}

async function measureRound({ size, asStarted = started }: ObserveOptions): Promise<Record<Way, number>> {
  const [sessions, blocks] = size === 'quick' ? [16, 1] : [256, 25]
  const world = realWorld({})
  const trees: Record<Way, Tree> = {
    nobody: await openTree({ observe: unobserved }),
    counted: await openTree({ observe: observers([createTally({ channels: {} }, world)], silentLog) }),
    asStarted: await openTree({ observe: await asStarted() }),
  }
  const block = async (way: Way): Promise<number> => {
    const opened = await trees[way].open(sessions, 'inTurn')
    await trees[way].close(opened)
    return (opened.ms * 1_000) / sessions
  }
  // Until the compiler has seen enough of each, the first one would be the slowest.
  for (let number = 0; number < blocks; number += 1) for (const way of WAYS) await block(way)
  const costs: Record<Way, number[]> = { nobody: [], counted: [], asStarted: [] }
  for (let number = 0; number < blocks; number += 1) for (const way of WAYS) costs[way].push(await block(way))
  for (const way of WAYS) trees[way].stop()
  return { nobody: median(costs.nobody), counted: median(costs.counted), asStarted: median(costs.asStarted) }
}

async function started(): Promise<Observe> {
  const observing = await beginObserving({
    definition: { channels: {} },
    world: realWorld({}),
    log: silentLog,
    version: '',
  })
  observing.stop()
  return observing.observe
}
