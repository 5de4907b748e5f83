// The simulation: the real machines and actors on a fake world. Every accepted message ends in exactly one of answered, discarded on
// its sender's word, dead letter, whatever happens when; and each broken subject is caught.

import { beforeAll, describe, expect, test, vi } from 'vitest'
import { BROKEN } from './sim/broken.ts'
import { met } from './sim/classes.ts'
import { runWithCrew } from './sim/crew.ts'
import { play } from './sim/play.ts'
import { type Report, run, worldOf } from './sim/run.ts'
import { shrink } from './sim/shrink.ts'
import { type Outcome, Simulation } from './sim/simulation.ts'
import type { Schedule } from './sim/steps.ts'

const STEPS = 20_000

/** On a machine of its own it takes about ten seconds; this one may be shared. */
const PATIENCE_MS = 180_000

// XState's development build says it for every late failure of a session that has failed already.
beforeAll(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}))

test(
  'S1 S2 S3 S4 S5 S6 S7 C1 C2 C3 D1 D2 A2 M3 M4 M5 S42: hold for 20,000 steps of a fixed seed, in which every class was met',
  async () => {
    const { hits } = await expectWell({ seed: 1, steps: STEPS })
    for (const { scenario, says, events } of met(hits))
      for (const { event, times } of events) expect(times, `${scenario} ${says}: ${event}`).toBeGreaterThan(0)
  },
  PATIENCE_MS,
)

// A fresh seed is `npm run sim` without one: what it finds belongs to whoever runs it.
test('the same holds for a second seed', () => expectWell({ seed: 259_077_672, steps: 5_000 }), PATIENCE_MS)

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

test(
  'the report is the same whoever played what',
  async () => {
    const wanted = { seed: 5, steps: 1_000, onProgress: () => {} }
    const [alone, together] = [
      await runWithCrew({ ...wanted, workers: 1 }),
      await runWithCrew({ ...wanted, workers: 2 }),
    ]
    expect(together.hits).toEqual(alone.hits)
    expect(together.worlds).toBe(2)
  },
  PATIENCE_MS,
)

describe('a broken subject is caught within 20,000 steps, for what is wrong with it', () => {
  test.each(Object.entries(BROKEN))(
    '%s',
    async (_, { seed = 1, rules, make }) => {
      const found: string[] = []
      const onFailure = ({ outcome }: { outcome: Outcome }): boolean => {
        found.push(outcome.violation?.rule ?? '')
        return false
      }
      await run({ seed, steps: STEPS, breakage: make, onFailure })
      expect(found).toHaveLength(1)
      expect(rules).toContain(found[0])
    },
    PATIENCE_MS,
  )
})

test('a failing schedule shrinks to a few steps that still fail', async () => {
  const { make } = BROKEN['an accept that tells the platform before the write']!
  const found: Schedule[] = []
  const onFailure = ({ schedule }: { schedule: Schedule }): boolean => {
    found.push(schedule)
    return false
  }
  await run({ seed: 1, steps: STEPS, breakage: make, onFailure })
  const small = await shrink(found[0]!, { runsMax: 200, breakage: make })
  expect(small?.schedule.steps.length).toBeLessThan(6)
})

interface Wanted {
  readonly seed: number
  readonly steps: number
}

async function expectWell(wanted: Wanted): Promise<Report> {
  const failures: string[] = []
  const onFailure = ({ outcome, world }: { outcome: Outcome; world: number }): boolean => {
    const { violation, at } = outcome
    failures.push(`seed ${wanted.seed}, world ${world}, step ${at}: ${violation?.rule}: ${violation?.text}`)
    return false
  }
  console.log(`simulation seed ${wanted.seed}`)
  const report = await run({ ...wanted, onFailure })
  expect(failures, `npm run sim -- --seed ${wanted.seed} --steps ${wanted.steps}`).toEqual([])
  return report
}

async function expectNoViolation(schedule: Schedule): Promise<void> {
  expect((await play(schedule)).violation).toBeNull()
}

async function eventsOf(seed: number): Promise<readonly string[]> {
  const simulation = new Simulation(worldOf({ seed, steps: 300 }, 0))
  const { events } = await simulation.run()
  await simulation.close()
  return events
}
