// Steps: everything that may happen, as plain data, and the dice that choose it.
//   A step names what it touches (a channel, a conversation, an earlier message) and never "the next one", so that a schedule from
//   which steps were taken out still means the same. A step that finds nothing to do does nothing.

import type { BusyMode, SessionScope } from '../../machines/definitions.ts'
import type { ChannelControl } from '../../machines/messages.ts'
import type { Dice } from './random.ts'

export type What = keyof typeof WHAT
export type ModelAct = keyof typeof MODEL
export type SendAct = keyof typeof SENDS
export type ConnectAct = keyof typeof CONNECTS
export type BreakAct = keyof typeof BREAKS
export type DiskAct = keyof typeof DISK

interface Place {
  readonly ch: number
  readonly conv: number
}

type Act =
  | (Place & { readonly do: 'say'; readonly id: number; readonly from: number; readonly what: What })
  | { readonly do: 'again'; readonly of: number }
  | (Place & { readonly do: 'model'; readonly how: ModelAct })
  | { readonly do: 'time'; readonly ms: number }
  | { readonly do: 'break'; readonly ch: number; readonly how: BreakAct }
  | { readonly do: 'connect'; readonly ch: number; readonly how: ConnectAct }
  | { readonly do: 'control'; readonly ch: number; readonly control: ChannelControl }
  | (Place & { readonly do: 'sends'; readonly how: readonly SendAct[] })
  | (Place & { readonly do: 'release' })
  | { readonly do: 'disk'; readonly how: DiskAct }
  | { readonly do: 'flush'; readonly count: number }
  | { readonly do: 'crash'; readonly effective: number; readonly down: number }
  | { readonly do: 'drain' }
  | { readonly do: 'start' }
  | { readonly do: 'letter'; readonly nth: number }
  | { readonly do: 'calm' }

/** `loose`: the next step comes in the same moment, before anything that this one set off has come to rest. */
export type Step = Act & { readonly loose?: true }

export interface ChannelPlan {
  readonly busyMode: BusyMode
  readonly sessionScope: SessionScope
  readonly queueLimit: number
  readonly group: boolean
}

export interface Plan {
  readonly channels: readonly ChannelPlan[]
  readonly conversations: number
  readonly concurrentRuns: number
  readonly passivateAfterMs: number
  readonly drainMs: number
}

/** What makes a run repeatable: a plan, its steps, and the seed that decides what the model does by itself. */
export interface Schedule {
  readonly plan: Plan
  readonly seed: number
  readonly steps: readonly Step[]
}

const WHAT = {
  plain: 40,
  photo: 3,
  album: 10,
  split: 4,
  splitEnd: 5,
  poison: 3,
  stop: 8,
  new: 6,
  queue: 5,
  steer: 6,
  retry: 6,
  undo: 7,
  status: 3,
  help: 4,
  start: 1,
  whoami: 1,
  unknown: 2,
  bare: 1,
}
const MODEL = { answer: 60, long: 6, retryable: 6, permanent: 6, defect: 8, delta: 8, late: 10 }
const SENDS = {
  limited: 3,
  blocked: 3,
  away: 4,
  cut: 3,
  cutAfter: 4,
  hang: 1,
  holdBefore: 5,
  holdAfter: 6,
  defect: 1,
  unauthorized: 1,
}
const CONNECTS = { silent: 2, refuse: 3, unauthorized: 2, slowClose: 2, stuckClose: 1 }
const BREAKS = { away: 5, ended: 2, unauthorized: 1, defect: 1 }
const DISK = { slow: 6, fast: 8, failWrites: 3, failAll: 2, heal: 8, failNext: 5 }
const STEPS = {
  say: 200,
  again: 12,
  model: 120,
  time: 60,
  break: 6,
  connect: 4,
  control: 8,
  sends: 16,
  release: 14,
  disk: 20,
  flush: 40,
  crash: 8,
  drain: 3,
  start: 6,
  letter: 2,
  calm: 2,
}
const TIMES = {
  0: 20,
  1: 20,
  25: 20,
  250: 20,
  500: 20,
  999: 20,
  1000: 30,
  2000: 20,
  5000: 15,
  15000: 8,
  61000: 4,
  // Outlives every deadline, and as many restarts as there may be.
  700000: 1,
}

function planOf(dice: Dice): Plan {
  const many = dice.oneIn(12)
  return {
    channels: Array.from({ length: 1 + dice.below(3) }, () => ({
      busyMode: dice.pick(['queue', 'queue', 'interrupt', 'steer', 'collect'] as const),
      sessionScope: dice.pick(['per_chat', 'per_chat', 'per_user'] as const),
      queueLimit: dice.pick([1, 2, 3, 32]),
      group: dice.oneIn(3),
    })),
    conversations: many ? 150 : 1 + dice.below(8),
    concurrentRuns: dice.pick([1, 2, 3, 64]),
    passivateAfterMs: dice.pick([2_000, 20_000, 300_000]),
    drainMs: dice.pick([1_000, 20_000]),
  }
}

interface Wanted {
  readonly seed: number
  readonly count: number
  /** null: as the dice say. */
  readonly conversations: number | null
}

/** A schedule of so many steps. People crowd: most steps go to a few conversations. */
export function scheduleOf(dice: Dice, { seed, count, conversations }: Wanted): Schedule {
  const dealt = planOf(dice)
  const plan = conversations === null ? dealt : { ...dealt, conversations }
  const steps: Step[] = []
  const place = (): Place => ({
    ch: dice.below(plan.channels.length),
    conv: dice.oneIn(3) ? dice.below(plan.conversations) : dice.below(Math.min(2, plan.conversations)),
  })
  for (let id = 0; id < count; id += 1) {
    const act = actOf(dice, { id, place })
    steps.push(dice.oneIn(4) && act.do !== 'calm' ? { ...act, loose: true } : act)
  }
  return { plan, seed, steps }
}

function actOf(dice: Dice, { id, place }: { id: number; place: () => Place }): Act {
  const kind = dice.weighted(STEPS)
  switch (kind) {
    case 'say':
      return { do: kind, id, ...place(), from: dice.below(3), what: dice.weighted(WHAT) }
    case 'again':
      return { do: kind, of: Math.max(0, id - 1 - dice.below(dice.oneIn(2) ? 5 : 200)) }
    case 'model':
      return { do: kind, ...place(), how: dice.weighted(MODEL) }
    case 'time':
      return { do: kind, ms: Number(dice.weighted(TIMES)) }
    case 'break':
      return { do: kind, ch: place().ch, how: dice.weighted(BREAKS) }
    case 'connect':
      return { do: kind, ch: place().ch, how: dice.weighted(CONNECTS) }
    case 'control':
      return { do: kind, ch: place().ch, control: dice.pick(['pause', 'resume', 'reconnect'] as const) }
    case 'sends':
      return { do: kind, ...place(), how: Array.from({ length: 1 + dice.below(3) }, () => dice.weighted(SENDS)) }
    case 'release':
      return { do: kind, ...place() }
    case 'disk':
      return { do: kind, how: dice.weighted(DISK) }
    case 'flush':
      return { do: kind, count: 1 + dice.below(4) }
    case 'crash':
      return { do: kind, effective: dice.below(4), down: dice.oneIn(4) ? 1 : 0 }
    case 'letter':
      return { do: kind, nth: dice.below(3) }
    case 'drain':
    case 'start':
    case 'calm':
      return { do: kind }
  }
}
