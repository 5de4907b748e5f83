// Budget: what may be used of an agent in a day, and what its sender is told when that is used up. Pure.
//   It is asked at the begin of a turn: one that began under it is finished, whatever it takes.

import type { Budget } from './definitions.ts'
import type { Failure } from './failure.ts'
import { type Account, grouped, msUntilNextDay, tokensOf, type UsageOf, type UsageTotals } from './usage.ts'

/** Whose use is held against the budget. */
export function usageUnder({ per }: Budget, { agent, user }: Account, session: string): UsageOf {
  if (per === 'session') return { per, session }
  return per === 'user' ? { per, agent, user } : { per, agent }
}

/** null: there is something left of it. */
export function budgetFailure({ tokensPerDay, per }: Budget, used: UsageTotals, nowMs: number): Failure | null {
  if (tokensOf(used) < tokensPerDay) return null
  return {
    kind: 'permanent',
    reason: 'rateLimited',
    retryAfterMs: msUntilNextDay(nowMs),
    message: `${WHOSE[per]} budget of ${grouped(tokensPerDay)} tokens a day is used up`,
    remedy: `It begins anew at midnight UTC, in ${timeText(msUntilNextDay(nowMs))}`,
  }
}

const WHOSE = { user: 'your', session: 'this conversation’s', agent: 'my' } as const

function timeText(ms: number): string {
  const minutes = Math.ceil(ms / 60_000)
  const [count, unit] = minutes < 120 ? [minutes, 'minute'] : [Math.ceil(minutes / 60), 'hour']
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
