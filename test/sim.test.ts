// The simulation: the real machines and actors on a fake world. Every accepted message ends in exactly one of answered, discarded on
// its sender's word, dead letter, whatever happens when; and each broken subject is caught.

import { beforeAll, describe, expect, test, vi } from 'vitest'
import { BREAKAGES } from './sim/broken.ts'
import { run, worldOf } from './sim/run.ts'
import { shrink } from './sim/shrink.ts'
import { type Outcome, Simulation } from './sim/simulation.ts'
import type { Schedule } from './sim/steps.ts'

const STEPS = 20_000

/** On a machine of its own it takes about ten seconds; this one may be shared. */
const PATIENCE_MS = 120_000

// XState's development build says it for every late failure of a session that has failed already.
beforeAll(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}))

test(
  'S1 S2 S3 S4 S5 S6 S7 C1 C2 C3 D1 D2 A2 M3 M4 M5: hold for 20,000 steps of a fixed seed',
  () => expectWell(1),
  PATIENCE_MS,
)

// Found D2 broken once. A fresh seed is `npm run sim` without one: what it finds belongs to whoever runs it.
test('the same holds for a second seed', () => expectWell(259_077_672), PATIENCE_MS)

test('S4 S46: a disk that fails for longer than any number of restarts strands nobody', () =>
  expectNoViolation({
    seed: 763_396_252,
    plan: {
      channels: [
        {
          busyMode: 'queue',
          sessionScope: 'per_chat',
          queueLimit: 2,
          group: false,
          agent: 'cfo',
          partialAnswers: 'keep',
        },
      ],
      agent: { approval: {}, approvalTimeoutMs: 60_000, approvers: [], maxSteps: 16, runTimeoutMs: 600_000 },
      conversations: 2,
      concurrentRuns: 1,
      passivateAfterMs: 300_000,
      drainMs: 20_000,
    },
    steps: [
      { do: 'disk', how: 'slow' },
      { do: 'say', id: 401, ch: 0, conv: 1, from: 1, what: 'stop' },
      { do: 'flush', count: 4 },
      { do: 'disk', how: 'failAll' },
      { do: 'time', ms: 250 },
      { do: 'time', ms: 700_000 },
    ],
  }))

test('the same schedule does the same things', async () => {
  const [first, second] = [await eventsOf(7), await eventsOf(7)]
  expect(first).toEqual(second)
  expect(first.length).toBeGreaterThan(100)
})

describe('a broken subject is caught within 20,000 steps', () => {
  test.each(Object.entries(BREAKAGES))(
    '%s',
    async (name, breakage) => {
      const rules: string[] = []
      const onFailure = ({ outcome }: { outcome: Outcome }): boolean => {
        rules.push(outcome.violation?.rule ?? '')
        return false
      }
      await run({ seed: 1, steps: STEPS, breakage, onFailure })
      expect(rules, name).toHaveLength(1)
    },
    PATIENCE_MS,
  )
})

test('a failing schedule shrinks to a few steps that still fail', async () => {
  const breakage = BREAKAGES['an accept that tells the platform before the write']
  if (breakage === undefined) throw new Error('there is no such breakage')
  const found: Schedule[] = []
  const onFailure = ({ schedule }: { schedule: Schedule }): boolean => {
    found.push(schedule)
    return false
  }
  await run({ seed: 1, steps: STEPS, breakage, onFailure })
  const small = await shrink(found[0]!, { runsMax: 200, breakage })
  expect(small?.schedule.steps.length).toBeLessThan(6)
})

async function expectWell(seed: number): Promise<void> {
  const failures: string[] = []
  const onFailure = ({ outcome, world }: { outcome: Outcome; world: number }): boolean => {
    const { violation, at } = outcome
    failures.push(`seed ${seed}, world ${world}, step ${at}: ${violation?.rule}: ${violation?.text}`)
    return false
  }
  console.log(`simulation seed ${seed}`)
  const report = await run({ seed, steps: STEPS, onFailure })
  expect(failures, `npm run sim -- --seed ${seed} --steps ${STEPS}`).toEqual([])
  for (const window of WINDOWS) expect(report.hits.get(window), window).toBeGreaterThan(0)
}

async function expectNoViolation(schedule: Schedule): Promise<void> {
  const simulation = new Simulation(schedule)
  const { violation } = await simulation.run()
  await simulation.close()
  expect(violation).toBeNull()
}

/** Silence is no proof: these moments were really met. */
const WINDOWS = [
  'accept while nowhere',
  'accept while idle',
  'accept while pending.gathering.quiet',
  'accept while pending.waiting',
  'accept while pending.preparing',
  'accept while running.working',
  'accept while running.committing.writing',
  'accept while running.committing.writingAgain',
  'crash with nothing on its way to the disk',
  'session failed',
  'a drain came to its end',
  'a dead letter was tried again',
  'a run was ended and did not hear it',
  'send holdAfter',
  'send cutAfter',
]

async function eventsOf(seed: number): Promise<readonly string[]> {
  const simulation = new Simulation(worldOf({ seed, steps: 300 }, 0))
  const { events } = await simulation.run()
  await simulation.close()
  return events
}
