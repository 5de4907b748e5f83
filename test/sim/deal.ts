// Deal: the dice that choose a world's plan and its steps.

import type { Dice } from './random.ts'
import {
  type Act,
  type AgentPlan,
  BREAKS,
  type Change,
  CHANGES,
  type ChannelPlan,
  CONNECTS,
  DISK,
  MODEL,
  PASSAGES,
  type Place,
  type Plan,
  type Schedule,
  SENDS,
  STEPS,
  type Step,
  TIMES,
  TOOL,
  WHAT,
} from './steps.ts'

function channelPlanOf(dice: Dice): Omit<ChannelPlan, 'group'> {
  return {
    busyMode: dice.pick(['queue', 'queue', 'interrupt', 'interrupt', 'steer', 'steer', 'collect'] as const),
    sessionScope: dice.pick(['per_chat', 'per_chat', 'per_user'] as const),
    queueLimit: dice.pick([1, 2, 3, 32]),
    agent: dice.pick(['cfo', 'cfo', 'ops'] as const),
    partialAnswers: dice.pick(['keep', 'keep', 'drop'] as const),
  }
}

function gatewayPlanOf(dice: Dice): Pick<Plan, 'concurrentRuns' | 'passivateAfterMs' | 'drainMs'> {
  return {
    concurrentRuns: dice.pick([1, 3, 64, 64]),
    passivateAfterMs: dice.pick([2_000, 2_000, 20_000, 300_000]),
    drainMs: dice.pick([1_000, 20_000]),
  }
}

function planOf(dice: Dice): Plan {
  const many = dice.oneIn(12)
  return {
    channels: Array.from({ length: 1 + dice.below(3) }, () => ({ ...channelPlanOf(dice), group: dice.oneIn(3) })),
    agent: agentPlanOf(dice),
    conversations: many ? 150 : 1 + dice.below(8),
    ...gatewayPlanOf(dice),
  }
}

function changeOf(dice: Dice, ch: number): Change {
  const of = dice.weighted(CHANGES)
  switch (of) {
    case 'channel':
      return { of, ch, set: someOf(dice, channelPlanOf(dice)) }
    case 'agent':
      return { of, set: someOf(dice, agentPlanOf(dice)) }
    case 'gateway':
      return { of, set: someOf(dice, gatewayPlanOf(dice)) }
    default:
      return { of, ch }
  }
}

/** Each key of it, or not. */
function someOf<T extends object>(dice: Dice, whole: T): Partial<T> {
  return Object.fromEntries(Object.entries(whole).filter(() => dice.oneIn(2))) as Partial<T> // Some of its own entries.
}

function agentPlanOf(dice: Dice): AgentPlan {
  return {
    approval: dice.pick([
      {},
      { wipe: 'deny' },
      { wipe: 'deny', write: 'allow' },
      { look: 'ask', put: 'allow' },
    ] as const),
    approvalTimeoutMs: dice.pick([20_000, 60_000, 300_000]),
    approvers: dice.pick([[], [], ['1'], ['2', '3']]),
    maxSteps: dice.pick([1, 2, 3, 16, 16]),
    runTimeoutMs: dice.pick([10_000, 120_000, 600_000]),
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
  // Where the file changes, the checks allow for what it said before: most worlds keep theirs.
  const reloads = dice.oneIn(3)
  for (let id = 0; steps.length < count; id += 1) {
    const dealt = actOf(dice, { id, place })
    const act: Act = dealt.do === 'reload' && !reloads ? { do: 'time', ms: 1_000 } : dealt
    const sweeps = act.do === 'say' && dice.oneIn(8)
    steps.push((sweeps || dice.oneIn(4)) && act.do !== 'calm' ? { ...act, loose: true } : act)
    // Before it is on disk, whoever has rested long enough leaves memory.
    if (sweeps) steps.push({ do: 'time', ms: Math.min(5_000, plan.passivateAfterMs / 4) })
  }
  return { plan, seed, steps }
}

/**
 * The same with thousands of conversations in which everybody writes at once, and again when most have left memory. Runs are short
 * there: whoever hangs would hold the slots of thousands.
 */
export function crowdsOf(dice: Dice, { seed, count, conversations }: Wanted): Schedule {
  const many = conversations ?? 2_000
  const { plan, steps } = scheduleOf(dice, { seed, count: Math.min(count, CROWD_STEPS), conversations: many })
  const crowd = (id: number, of: number): Step => ({ do: 'crowd', id, ch: dice.below(plan.channels.length), count: of })
  const half = Math.floor(steps.length / 2)
  const gone: Step = { do: 'time', ms: 30_000 }
  return {
    plan: { ...plan, concurrentRuns: 64, passivateAfterMs: 2_000, agent: { ...plan.agent, runTimeoutMs: 10_000 } },
    seed,
    steps: [crowd(1, many), ...steps.slice(0, half), gone, crowd(2, Math.floor(many / 8)), ...steps.slice(half)],
  }
}

const CROWD_STEPS = 100

/**
 * The same with throws in one conversation, and with nothing that lets conversations feel each other on purpose: no common disk that
 * fails, is slow or goes on bit by bit, no slots to wait for, no connection that breaks, and no other message that keeps breaking its
 * session.
 */
export function twinsOf(dice: Dice, wanted: Wanted): Schedule {
  const { plan, seed, steps } = scheduleOf(dice, wanted)
  const channels = plan.channels.map((channel) => ({ ...channel, sessionScope: 'per_chat' as const }))
  const victim = { ch: 0, conv: dice.below(Math.min(2, plan.conversations)) }
  // Loose, or it would be a rest that the twin does not have.
  const at = (): Step => ({ do: 'throw', ...victim, at: dice.weighted(TWIN_PASSAGES), loose: true })
  const quiet = steps.filter((step) => !COUPLING.has(step.do) && !breaks(step)).map(withoutCommon)
  return {
    plan: { ...plan, channels, concurrentRuns: 100_000 },
    seed,
    victim,
    steps: quiet.flatMap((step) => (dice.oneIn(8) ? [at(), step] : [step])),
  }
}

const COUPLING: ReadonlySet<Step['do']> = new Set([
  'disk',
  'flush',
  'crash',
  'fuse',
  'drain',
  'break',
  'connect',
  'control',
  'letter',
  'throw',
  'calm',
] as const)

/** A newer file, but for its slots; and a channel that leaves is gone only when everybody in it has what they are owed. */
function withoutCommon(step: Step): Step {
  if (step.do !== 'reload') return step
  const { change } = step
  if (change.of === 'remove' || change.of === 'restore') return { do: 'time', ms: 1_000 }
  if (change.of !== 'gateway') return step
  const { concurrentRuns: _slots, ...set } = change.set
  return { ...step, change: { ...change, set } }
}

function breaks(step: Step): boolean {
  return (step.do === 'say' && step.what === 'poison') || (step.do === 'model' && step.how === 'defect')
}

/** A message that is not accepted moves the numbers of those behind it. */
const { accept: _, ...TWIN_PASSAGES } = PASSAGES

function actOf(dice: Dice, { id, place }: { id: number; place: () => Place }): Act {
  const kind = dice.weighted(STEPS)
  switch (kind) {
    case 'say':
      return { do: kind, id, ...place(), from: dice.below(3), what: dice.weighted(WHAT) }
    case 'again':
      return { do: kind, of: Math.max(0, id - 1 - dice.below(dice.oneIn(2) ? 5 : 200)) }
    case 'model':
      return { do: kind, ...place(), how: dice.weighted(MODEL) }
    case 'tool':
      return { do: kind, ...place(), how: dice.weighted(TOOL) }
    case 'throw':
      return { do: kind, ...place(), at: dice.weighted(PASSAGES) }
    case 'time':
      return { do: kind, ms: Number(dice.weighted(TIMES)) }
    case 'break':
      return { do: kind, ch: place().ch, how: dice.weighted(BREAKS) }
    case 'connect':
      return { do: kind, ch: place().ch, how: dice.weighted(CONNECTS) }
    case 'control':
      return {
        do: kind,
        ch: place().ch,
        control: dice.pick(['pause', 'resume', 'resume', 'reconnect', 'reconnect'] as const),
      }
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
    case 'fuse':
      return { do: kind, effects: 1 + dice.below(12), effective: dice.below(2), down: dice.oneIn(4) ? 1 : 0 }
    case 'reload':
      return { do: kind, change: changeOf(dice, place().ch) }
    case 'letter':
      return { do: kind, nth: dice.below(3) }
    case 'drain':
    case 'start':
    case 'calm':
      return { do: kind }
  }
}
