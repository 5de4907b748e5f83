// Inspect: what one event of the tree costs when nobody inspects it, when somebody watches something else, and when
// everything is watched and told to a page. The three take turns in short blocks, so that all of them meet the same machine.

import { createAudience } from '../../src/inspect/audience.ts'
import { createInspector } from '../../src/inspect/inspector.ts'
import type { Watch } from '../../src/inspect/watch.ts'
import { realWorld } from '../../src/world.ts'
import { silentLog } from '../support/world.ts'
import { atMost, median, type MeasureOptions, type Section } from './report.ts'
import { openTree, type Tree } from './tree.ts'

/** Begins to look at the tree; the function that it returns ends it. */
export type Look = (root: Tree['root']) => () => void

export interface InspectOptions extends MeasureOptions {
  /** Instead of the inspector that watches a channel in which nothing happens. */
  readonly elsewhere?: Look
}

const WAYS = ['nobody', 'elsewhere', 'everything'] as const

type Costs = Readonly<Record<(typeof WAYS)[number], number>>

/** "Nothing measurable", as a number that a busy machine can still tell from something. */
const ELSEWHERE_MAX = 1.1

export async function measureInspect(options: InspectOptions): Promise<Section> {
  const rounds: Costs[] = []
  for (let round = 0; round < options.rounds; round += 1) rounds.push(await measureRound(options))
  const of = (way: keyof Costs): number[] => rounds.map((costs) => costs[way])
  const beside = { label: 'nobody inspects', rounds: of('nobody') }
  const quotients = rounds.map(({ nobody, elsewhere }) => elsewhere / nobody)
  return {
    name: 'inspect',
    about: 'one event of one actor, while sessions are opened and answered; processor time; echo, no disk',
    rows: [
      { what: 'an event, nobody inspects', unit: 'µs', rounds: of('nobody') },
      {
        what: 'an event, something else is watched',
        unit: 'µs',
        rounds: of('elsewhere'),
        beside,
        target: atMost(quotients, ELSEWHERE_MAX, `at most ${ELSEWHERE_MAX}× an event that nobody inspects`),
      },
      { what: 'an event, everything is watched and told', unit: 'µs', rounds: of('everything'), beside },
    ],
  }
}

async function measureRound({
  size,
  elsewhere = watching({ address: 'channel:other' }),
}: InspectOptions): Promise<Costs> {
  const tree = await openTree()
  const looks = { nobody: () => () => {}, elsewhere, everything: watching('everything') }
  const [sessions, blocks] = size === 'quick' ? [32, 2] : [256, 15]
  const block = async (way: keyof Costs): Promise<number> => {
    const end = looks[way](tree.root)
    const opened = await tree.open(sessions, 'inTurn')
    end()
    await tree.close(opened)
    return (opened.ms * 1_000) / sessions
  }
  const events = await eventsOfOne(tree, sessions)
  // Until the compiler has seen enough of each, the first one would be the slowest.
  for (let number = 0; number < blocks; number += 1) for (const way of WAYS) await block(way)
  const costs: Record<keyof Costs, number[]> = { nobody: [], elsewhere: [], everything: [] }
  for (let number = 0; number < blocks; number += 1) for (const way of WAYS) costs[way].push(await block(way))
  tree.stop()
  const cost = (way: keyof Costs): number => median(costs[way]) / events
  return { nobody: cost('nobody'), elsewhere: cost('elsewhere'), everything: cost('everything') }
}

/** How many events there are in the tree for one session that is opened and answered. */
async function eventsOfOne(tree: Tree, sessions: number): Promise<number> {
  let events = 0
  const hook = tree.root.system.inspect(({ type }) => {
    if (type === '@xstate.event') events += 1
  })
  const opened = await tree.open(sessions, 'inTurn')
  hook.unsubscribe()
  await tree.close(opened)
  return events / sessions
}

/** The real inspector with one page that listens; what is sent goes nowhere. */
function watching(watch: Watch): Look {
  return (root) => {
    const parts = { world: realWorld({}), log: silentLog }
    const audience = createAudience({ inspector: createInspector({ root, watch, texts: false, ...parts }), ...parts })
    audience.join({ bufferedAmount: 0, send: () => {}, terminate: () => {} })
    return () => audience.end()
  }
}
