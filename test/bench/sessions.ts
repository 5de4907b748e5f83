// Sessions: what it costs to open and to close one session while others live, and how long a sweep holds up everything.

import { SWEEPS_BEFORE_PASSIVATION } from '../../machines/limits.ts'
import { type Swept } from './clocks.ts'
import { atMost, median, type MeasureOptions, type Row, type Section } from './report.ts'
import { openTree, type Tree } from './tree.ts'

/** What is compared: with a whole partition of others, and with very many. */
const FEW = 64

/** A session at the greatest size may cost this many times what it costs at FEW. */
const GROWTH_MAX = 3

export interface SessionsOptions extends MeasureOptions {
  /** A tree to measure; default: the real one. */
  readonly open?: () => Promise<Pick<Tree, 'open' | 'close' | 'closeAll' | 'sweep' | 'live' | 'stop'>>
  /** Other sessions that live meanwhile, growing; FEW is among them. */
  readonly others?: readonly number[]
  /** Of sessions that are opened and closed together, for each size. */
  readonly batches?: number
}

export async function measureSessions(options: SessionsOptions): Promise<Section> {
  const others = options.others ?? (options.size === 'quick' ? [0, FEW, 1_000] : [0, FEW, 1_000, 10_000, 100_000])
  const measured: Measured[] = []
  for (let round = 0; round < options.rounds; round += 1) measured.push(await measureRound(options, others))
  const most = others.at(-1) ?? FEW
  return {
    name: 'sessions',
    about: `one session opened (first message to delivered answer) and closed (passivated) while others live; processor time; echo, no disk`,
    rows: [...others.flatMap((count) => rowsOf(count, most, measured)), ...sweepRows(most, measured)],
  }
}

interface Measured {
  /** µs for one session, by the number of others. */
  readonly open: ReadonlyMap<number, number>
  readonly close: ReadonlyMap<number, number>
  readonly idleSweepMs: number
  readonly closing: Swept
}

async function measureRound(options: SessionsOptions, others: readonly number[]): Promise<Measured> {
  const tree = await (options.open ?? openTree)()
  const batches = options.batches ?? (options.size === 'quick' ? 3 : 7)
  const open = new Map<number, number>()
  const close = new Map<number, number>()
  // Until the compiler has seen enough of it, the first size would be the slowest.
  for (let number = 0; number < batches; number += 1) await batch(tree, options.size)
  for (const count of others) {
    await fill(tree, count)
    const costs: Batch[] = []
    for (let number = 0; number < batches; number += 1) {
      costs.push(await batch(tree, options.size))
      await fill(tree, count)
    }
    open.set(count, median(costs.map((cost) => cost.openMicroseconds)))
    close.set(count, median(costs.map((cost) => cost.closeMicroseconds)))
  }
  const idle: Swept[] = []
  while (idle.length < SWEEPS_BEFORE_PASSIVATION - 1) idle.push(await tree.sweep())
  const closing = await tree.sweep()
  await tree.closeAll()
  tree.stop()
  return { open, close, idleSweepMs: median(idle.map((swept) => swept.blockedMs)), closing }
}

interface Batch {
  readonly openMicroseconds: number
  readonly closeMicroseconds: number
}

/** Several sessions at once, because a clock cannot see one: whole partitions of them, so that opening one is in the mean. */
async function batch(tree: Pick<Tree, 'open' | 'close'>, size: MeasureOptions['size']): Promise<Batch> {
  const count = size === 'quick' ? 128 : 512
  const opened = await tree.open(count, 'inTurn')
  const { closed, ms } = await tree.close(opened)
  if (closed < count) throw new Error(`Of ${count} sessions only ${closed} were passivated: closing was not measured.`)
  return { openMicroseconds: (opened.ms * 1_000) / count, closeMicroseconds: (ms * 1_000) / closed }
}

/** In waves: so many that wait for a slot at once are another measurement. */
async function fill(tree: Pick<Tree, 'open' | 'live'>, count: number): Promise<void> {
  for (let missing = count - tree.live; missing > 0; missing -= WAVE) {
    await tree.open(Math.min(WAVE, missing), 'together')
  }
}

const WAVE = 256

function rowsOf(count: number, most: number, measured: readonly Measured[]): Row[] {
  const of = (kind: 'open' | 'close', others: number) => measured.map((round) => round[kind].get(others) ?? Number.NaN)
  const both = (others: number) => of('open', others).map((cost, round) => cost + (of('close', others)[round] ?? 0))
  const beside = (rounds: number[]) => (count === FEW ? {} : { beside: { label: `with ${FEW}`, rounds } })
  const target =
    count !== most || count === FEW
      ? {}
      : {
          target: atMost(
            both(most).map((cost, round) => cost / (both(FEW)[round] ?? Number.NaN)),
            GROWTH_MAX,
            `at most ${GROWTH_MAX}× its cost with ${FEW} others`,
          ),
        }
  const others = `${count.toLocaleString('en')} others`
  return [
    { what: `open, ${others}`, unit: 'µs', rounds: of('open', count), ...beside(of('open', FEW)) },
    { what: `close, ${others}`, unit: 'µs', rounds: of('close', count), ...beside(of('close', FEW)) },
    { what: `open and close, ${others}`, unit: 'µs', rounds: both(count), ...beside(both(FEW)), ...target },
  ]
}

function sweepRows(count: number, measured: readonly Measured[]): Row[] {
  const sessions = `${count.toLocaleString('en')} sessions`
  return [
    {
      what: `a sweep of ${sessions} that passivates none blocks for`,
      unit: 'ms',
      rounds: measured.map((round) => round.idleSweepMs),
    },
    {
      what: `a sweep of ${sessions} that passivates all takes`,
      unit: 'ms',
      rounds: measured.map((round) => round.closing.ms),
    },
    {
      what: `a sweep of ${sessions} that passivates all blocks for`,
      unit: 'ms',
      rounds: measured.map((round) => round.closing.blockedMs),
    },
  ]
}
