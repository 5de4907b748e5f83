// Shrink: from a schedule that fails to a small one that fails in the same way. Steps are taken out in halves, quarters and so on,
// and what is left is tried again; a step never means "the next one", so the rest still means the same.

import type { Breakage } from './broken-parts.ts'
import { play } from './play.ts'
import type { Schedule, Step } from './steps.ts'

export interface Shrunk {
  readonly schedule: Schedule
  readonly rule: string
  readonly text: string
}

export interface ShrinkOptions {
  readonly runsMax: number
  readonly breakage?: () => Breakage
}

/** null: it does not fail. */
export async function shrink(schedule: Schedule, { runsMax, breakage }: ShrinkOptions): Promise<Shrunk | null> {
  let runs = 0
  const failing = async (steps: readonly Step[]) => {
    runs += 1
    return play({ ...schedule, steps }, { breakage })
  }
  const first = await failing(schedule.steps)
  if (first.violation === null) return null
  const { rule } = first.violation
  let { text } = first.violation
  let steps = schedule.steps.slice(0, first.at + 1)
  for (
    let size = Math.ceil(steps.length / 2);
    size >= 1 && runs < runsMax;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < steps.length && runs < runsMax; ) {
      const fewer = [...steps.slice(0, from), ...steps.slice(from + size)]
      const outcome = await failing(fewer)
      if (outcome.violation?.rule === rule) {
        text = outcome.violation.text
        steps = fewer
      } else from += size
    }
  }
  return { schedule: { ...schedule, steps }, rule, text }
}

/** As a test that can be pasted. */
export function asTest({ schedule, rule, text }: Shrunk): string {
  const steps = schedule.steps.map((step) => `      ${JSON.stringify(step)},`).join('\n')
  return [
    `test(${JSON.stringify(`${rule}: ${text}`)}, () =>`,
    '  expectNoViolation({',
    `    seed: ${schedule.seed},`,
    `    plan: ${JSON.stringify(schedule.plan)},`,
    ...(schedule.victim === undefined ? [] : [`    victim: ${JSON.stringify(schedule.victim)},`]),
    '    steps: [',
    steps,
    '    ],',
    '  }))',
  ].join('\n')
}
