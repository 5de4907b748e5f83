// Races: the narrow moments of a session, in which a scheduler decides what comes first: an effect on disk, the word of it, the model, the
// platform, a person, a timer. Every check of the simulation is asked: S1 S3 S4 S5 S6, D1 D2, M5 and the order of turns.
//   RACES=2000 with this file plays many more than `npm test` does, from another seed each time.

import fc from 'fast-check'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { BROKEN } from '../sim/broken.ts'
import { HERE, type Race, race, type Racing } from '../sim/race.ts'
import type { Step, What } from '../sim/steps.ts'

const WANTED = process.env['RACES']
const RUNS = Number(WANTED ?? 12)
const SEED = WANTED === undefined ? 1 : Date.now() % 1_000_000_000

/** A machine of its own plays a dozen in half a second; this one may be shared. */
const PATIENCE_MS = 60_000 + RUNS * 1_000

// XState's development build says it for every late failure of a session that has failed already.
beforeAll(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}))

const busyMode = fc.constantFrom('queue', 'interrupt', 'steer', 'collect')
const kinds: readonly What[] = ['plain', 'plain', 'plain', 'queue', 'steer', 'stop', 'new', 'status', 'undo', 'retry']
const said = fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 4 })
const texts = fc.array(fc.constantFrom<What>('plain', 'plain', 'queue', 'steer', 'status'), {
  minLength: 2,
  maxLength: 4,
})
const model = fc.array(fc.constantFrom('answer', 'answer', 'permanent', 'defect', 'delta'), { maxLength: 3 })
const sends = fc.array(fc.constantFrom('holdBefore', 'holdAfter', 'cut', 'cutAfter', 'away', 'limited'), {
  maxLength: 4,
})

/** Each says it by itself, or everybody one after the other. */
function people(what: readonly What[], inOrder: boolean): Step[][] {
  const steps = what.map((each, index) => says(each, 10 + index))
  return inOrder ? [steps] : steps.map((step) => [step])
}

function says(what: What, id: number): Step {
  return { do: 'say', id, ...HERE, from: 0, what }
}

const time = (ms: number): Step => ({ do: 'time', ms })
const FIRST = says('plain', 1)
const FAULT: readonly (readonly Step[])[] = [[{ do: 'disk', how: 'failNext' }]]
/** A connection that takes five seconds to end. */
const SLOW_TO_CLOSE: readonly Step[] = [
  { do: 'connect', ch: 0, how: 'slowClose' },
  { do: 'control', ch: 0, control: 'reconnect' },
]
const QUICK = { passivateAfterMs: 2_000 }

const RACES: Readonly<Record<string, fc.Arbitrary<Race>>> = {
  'the claim': fc
    .record({ busyMode, said: texts, model, rests: fc.boolean() })
    .map(({ said: what, busyMode: mode, rests, ...rest }) => ({
      ...rest,
      channel: { busyMode: mode },
      before: rests ? [FIRST, { do: 'model', ...HERE, how: 'answer' }] : [],
      lines: people(what, false),
    })),
  'the last moment of a run': fc
    .record({ busyMode, said, model, sends, inOrder: fc.boolean() })
    .map(({ said: what, inOrder, busyMode: mode, ...rest }) => ({
      ...rest,
      channel: { busyMode: mode },
      before: [FIRST],
      lines: people(what, inOrder),
    })),
  'hand-over': fc.record({ busyMode, said, sends }).map(({ said: what, busyMode: mode, ...rest }) => ({
    ...rest,
    channel: { busyMode: mode },
    before: [FIRST, { do: 'disk', how: 'slow' }, { do: 'model', ...HERE, how: 'answer' }],
    lines: people(what, true),
  })),
  delivery: fc
    .record({ busyMode, said, sends, model, fails: fc.boolean() })
    .map(({ said: what, busyMode: mode, fails, ...rest }) => ({
      ...rest,
      channel: { busyMode: mode },
      before: [FIRST, { do: 'sends', ...HERE, how: ['holdAfter'] }, { do: 'model', ...HERE, how: 'answer' }],
      lines: [...people(what, false), [time(61_000)], ...(fails ? FAULT : [])],
    })),
  passivation: fc
    .record({ said, rested: fc.constantFrom(1_000, 1_500, 2_000), inOrder: fc.boolean() })
    .map(({ said: what, rested, inOrder }) => ({
      plan: QUICK,
      before: [FIRST, { do: 'model', ...HERE, how: 'answer' }, time(rested)],
      lines: [...people(what, inOrder), [time(500), time(500), time(500)]],
    })),
  'restart of a session': fc
    .record({ busyMode, said, at: fc.constantFrom('commit', 'answer', 'begin', 'recover', 'think'), sends })
    .map(({ said: what, busyMode: mode, at, ...rest }) => ({
      ...rest,
      channel: { busyMode: mode },
      before: [{ do: 'throw', ...HERE, at: 'show' }, FIRST, { do: 'throw', ...HERE, at }],
      lines: [...people(what, true), [time(1_000), time(2_000)]],
    })),
  reload: fc
    .record({
      busyMode,
      said,
      model,
      change: fc.constantFrom<readonly Step[]>(
        [{ do: 'reload', change: { of: 'channel', ch: 0, set: { busyMode: 'interrupt', queueLimit: 2 } } }],
        [{ do: 'reload', change: { of: 'channel', ch: 0, set: { agent: 'cfo', sessionScope: 'per_user' } } }],
        [{ do: 'reload', change: { of: 'token', ch: 0 } }, time(6_000)],
        [{ do: 'reload', change: { of: 'gateway', set: { concurrentRuns: 1, passivateAfterMs: 2_000 } } }, time(2_000)],
      ),
    })
    .map(({ said: what, busyMode: mode, change, ...rest }) => ({
      ...rest,
      channel: { busyMode: mode },
      before: [...SLOW_TO_CLOSE, FIRST],
      lines: [...people(what, true), change],
    })),
}

/** Silence is no proof: what each race is about was really met. */
const WINDOWS: Readonly<Record<string, readonly string[]>> = {
  'the claim': ['accept while nowhere', 'accept while pending.preparing'],
  'the last moment of a run': ['accept while running.working', 'accept while running.committing.writing'],
  'hand-over': ['accept while running.committing.writing'],
  delivery: ['accept while a reply is being sent'],
  passivation: ['a message was being written while its session left memory'],
  'restart of a session': ['accept while its session waits to be started again', 'session failed'],
  reload: ['a newer file while a run is at work', 'accept while its channel changes its connection'],
}

describe('S1 S3 S4 S5 S6 D1 D2: hold whatever comes first', () => {
  test.each(Object.entries(RACES))(
    'around %s',
    async (name, races) => {
      const hits = new Set<string>()
      await fc.assert(raceOf(races, { hit: (event) => hits.add(event) }), { seed: SEED, numRuns: RUNS })
      expect([...hits]).toEqual(expect.arrayContaining([...WINDOWS[name]!]))
    },
    PATIENCE_MS,
  )
})

/** What is broken, in which race, and which of these is the first promise that it breaks there. */
const BROKEN_IN_RACES: readonly (readonly [string, string, readonly string[]])[] = [
  ['a session that claims only after an await', 'the claim', ['S1', 'S4']],
  ['a session that looks at its queue after its run has ended', 'the last moment of a run', ['S4', 'S5']],
  ['an accept that tells the platform before the write', 'hand-over', ['M5']],
  ['a run whose late result is still committed after /stop', 'the last moment of a run', ['S6']],
  ['a run whose late result its successor takes for its own', 'the last moment of a run', ['S1', 'S6', 'S42']],
  ['a passivation that ignores what was routed since the rest', 'passivation', ['S4', 'S5', 'ORDER']],
  ['a delivery that sends again when the receipt was not written', 'delivery', ['D1', 'D2']],
]

describe('a broken subject is caught', () => {
  test.each(BROKEN_IN_RACES)(
    '%s, around %s',
    async (name, where, rules) => {
      const property = raceOf(RACES[where]!, { breakage: BROKEN[name]!.make })
      const found = await fc.check(property, { seed: 1, numRuns: 200, endOnFailure: true })
      const [, rule] =
        /^(\w+) broken/.exec(found.errorInstance instanceof Error ? found.errorInstance.message : '') ?? []
      expect(rules).toContain(rule)
    },
    PATIENCE_MS,
  )
})

function raceOf(races: fc.Arbitrary<Race>, options: Omit<Racing, 'scheduler'>) {
  return fc.asyncProperty(fc.scheduler(), races, async (scheduler, given) => {
    const violation = await race(given, { ...options, scheduler })
    if (violation !== null) throw new Error(`${violation.rule} broken: ${violation.text}`)
  })
}
