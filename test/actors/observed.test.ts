// What is observed of a house at work: each activity once, in its place, and with the ending that it had.

import { expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { observed } from '../../src/actors/observed.ts'
import { lookAtTurns } from '../../src/actors/turns.ts'
import { runMachine } from '../../machines/run.ts'
import { observers } from '../../src/start/observing.ts'
import { type House, type HouseOptions, openHouse } from '../support/house.ts'
import { recorder, type Recorder } from '../support/observing.ts'
import { silentLog } from '../support/world.ts'

const TURN = ['turn', 'pending', 'run', 'commit'] as const

async function observedHouse(options: HouseOptions = {}): Promise<{ house: House; seen: ReturnType<typeof recorder> }> {
  const seen = recorder()
  return { house: await openHouse({ ...options, observe: seen }), seen }
}

/** Every activity has ended, each once; those of a turn lie within it. */
function expectWhole(seen: Recorder & { readonly twice: readonly string[] }): void {
  expect(seen.activities.filter(({ ending }) => ending === null)).toEqual([])
  expect(seen.twice).toEqual([])
}

test('a message that is answered: accepted, claimed, prepared, run, committed and delivered', async () => {
  const { house, seen } = await observedHouse()
  await house.says('a', 'hello')
  expect(seen.words(...TURN)).toEqual(['turn goes on', 'pending done', 'run goes on'])
  await house.thoughts[0]?.answer('yes', { inputTokens: 30, outputTokens: 4 })
  expect(seen.words('accept', ...TURN, 'answer', 'delivery')).toEqual([
    'accept done',
    'turn done',
    'pending done',
    'run done',
    'answer done',
    'commit done',
    'delivery done',
  ])
  expect(seen.happenings).toEqual([
    { kind: 'tokens', session: 'a/c1', agent: 'cfo', input: 30, output: 4, estimated: { input: 0, output: 0 } },
  ])
  const about = { session: 'a/c1', channel: 'a', agent: 'cfo' }
  expect(seen.activities.find(({ activity }) => activity.kind === 'run')?.activity).toEqual({ kind: 'run', ...about })
  expectWhole(seen)
})

test('a run that fails is told of as failed, and so is its turn; the commit is well', async () => {
  const { house, seen } = await observedHouse()
  await house.says('a', 'hello')
  await house.thoughts[0]?.fail(new FailureError({ kind: 'permanent', reason: 'refused', message: 'no' }))
  expect(seen.words(...TURN, 'answer')).toEqual([
    'turn failed',
    'pending done',
    'run failed',
    'answer failed',
    'commit done',
  ])
  expectWhole(seen)
})

test('a tool is a step of its run', async () => {
  const { house, seen } = await observedHouse({
    agents: { cfo: { tools: ['lookup'] } },
    tools: {
      lookup: {
        name: 'lookup',
        description: '',
        parameters: {},
        idempotent: true,
        changes: false,
        call: async () => 'found',
      },
    },
  })
  await house.says('a', 'hello')
  await house.thoughts[0]?.asks({ id: '1', tool: 'lookup', input: {} }, { id: '2', tool: 'made up', input: {} })
  await house.thoughts[1]?.answer('yes')
  expect(seen.words('run', 'answer', 'tool')).toEqual(['run done', 'answer done', 'tool done', 'answer done'])
  expect(seen.activities.find(({ activity }) => activity.kind === 'tool')?.activity).toMatchObject({ tool: 'lookup' })
  expectWhole(seen)
})

test('/stop ends what it ends: a turn that waits, and one that runs', async () => {
  const { house, seen } = await observedHouse({ gateway: { concurrentRuns: 1 } })
  await house.says('a', 'runs')
  await house.says('a', 'waits for a slot', { conversation: 'c2' })
  await house.says('a', '/stop', { conversation: 'c2' })
  await house.says('a', '/stop')
  expect(seen.words('turn', 'pending', 'run', 'answer', 'commit')).toEqual([
    'turn stopped',
    'pending done',
    'run stopped',
    'answer stopped',
    'turn stopped',
    'pending stopped',
  ])
  expectWhole(seen)
})

test('a newer message interrupts: its turn begins where the other ends', async () => {
  const { house, seen } = await observedHouse({ channels: { a: { busyMode: 'interrupt' } } })
  await house.says('a', 'first')
  await house.says('a', 'second')
  await house.thoughts.at(-1)?.answer('yes')
  expect(seen.words('turn', 'run')).toEqual(['turn interrupted', 'run interrupted', 'turn done', 'run done'])
  expectWhole(seen)
})

test('a turn that waits in the inbox begins when the one before it is committed', async () => {
  const { house, seen } = await observedHouse()
  await house.says('a', 'first')
  await house.says('a', 'second')
  expect(seen.words('turn')).toEqual(['turn goes on'])
  await house.thoughts[0]?.answer('one')
  expect(seen.words('turn')).toEqual(['turn done', 'turn goes on'])
  await house.thoughts[1]?.answer('two')
  expectWhole(seen)
})

test('the end of the process drains what waits and what runs', async () => {
  const { house, seen } = await observedHouse({ gateway: { concurrentRuns: 1 } })
  await house.says('a', 'runs')
  await house.says('a', 'waits', { conversation: 'c2' })
  house.gateway.send({ type: 'drain' })
  await house.world.advance(25_000)
  expect(seen.words('turn', 'pending', 'run')).toEqual([
    'turn drained',
    'pending done',
    'run drained',
    'turn drained',
    'pending drained',
  ])
  expectWhole(seen)
})

test('a defect breaks the turn; the session is started again and has another one', async () => {
  const { house, seen } = await observedHouse()
  await house.says('a', 'hello')
  await house.thoughts[0]?.fail(new Error('a defect'))
  expect(seen.words('turn', 'run')).toEqual(['turn broken', 'run broken'])
  await house.world.advance(5_000)
  await house.thoughts[1]?.answer('yes')
  expect(seen.words('turn', 'run')).toEqual(['turn broken', 'run broken', 'turn done', 'run done'])
  expect(seen.happenings).toEqual([{ kind: 'restarted', what: 'session' }])
  expectWhole(seen)
})

test('a reply is one delivery, however often it is tried', async () => {
  const { house, seen } = await observedHouse()
  const away = () => Promise.reject(new FailureError({ kind: 'retryable', reason: 'unavailable', message: 'away' }))
  house.platform('a').nextSend.push(away, away)
  await house.says('a', '/help')
  expect(seen.words('delivery')).toEqual(['delivery goes on'])
  for (let tries = 0; tries < 2; tries += 1) await house.world.advance(5_000)
  expect(seen.words('delivery')).toEqual(['delivery done'])
  house
    .platform('a')
    .nextSend.push(() =>
      Promise.reject(new FailureError({ kind: 'permanent', reason: 'forbidden', message: 'blocked' })),
    )
  await house.says('a', '/help')
  expect(seen.words('delivery')).toEqual(['delivery done', 'delivery dead'])
  expectWhole(seen)
})

test('a connection that comes back, and who is turned away', async () => {
  const { house, seen } = await observedHouse({ channels: { a: { unknownUserPolicy: 'deny' } } })
  await house.platform('a').breaks(new FailureError({ kind: 'retryable', reason: 'unavailable', message: 'gone' }))
  await house.world.advance(10_000)
  expect(await house.says('a', 'hello')).toMatchObject({ accepted: false })
  expect(seen.happenings).toEqual([
    { kind: 'restarted', what: 'connection' },
    { kind: 'refused', channel: 'a', reason: 'stranger' },
  ])
  expectWhole(seen)
})

test('O2: nothing that is said holds a text, a name or the words of an error', async () => {
  const { house, seen } = await observedHouse({ channels: { a: { busyMode: 'interrupt' } } })
  const sender = { id: 'marker-sender', name: 'marker-name', handle: '@marker-handle' }
  await house.says('a', 'marker-text', { sender, platformMessageId: 'marker-id' })
  await house.says('a', 'marker-newer', { sender })
  house.platform('a').nextSend.push(() => Promise.reject(new Error('marker-unsent')))
  await house.thoughts.at(-1)?.answer('marker-answer', { inputTokens: 1, outputTokens: 1 })
  await house.says('a', '/marker-command', { sender })
  await house.says('a', 'one more', { sender })
  await house.thoughts.at(-1)?.fail(new Error('marker-defect'))
  await house.world.advance(60_000)
  expect(seen.activities.length).toBeGreaterThan(15)
  expect(JSON.stringify([seen.activities, seen.happenings])).not.toContain('marker')
})

test('O1: who observes badly is written in the log, and changes nothing', async () => {
  const errors: string[] = []
  const log = { ...silentLog, error: (_: object, message: string) => void errors.push(message) }
  const broken = { begin: () => fail(), note: () => fail() }
  const late = { begin: () => fail, note: () => {} }
  const house = await openHouse({ observe: observers([broken, late], log) })
  await house.says('a', 'hello')
  await house.thoughts[0]?.answer('yes', { inputTokens: 1, outputTokens: 1 })
  expect(house.platform('a').sent).toHaveLength(1)
  expect(new Set(errors)).toEqual(new Set(['what happened could not be observed']))
  expect(errors.length).toBeGreaterThan(10)
})

test('O1: neither does a look that fails', () => {
  const errors: string[] = []
  const log = { ...silentLog, error: (_: object, message: string) => void errors.push(message) }
  const machine = observed(runMachine, fail, log)
  const scope = undefined as never // The machine ends before it would need one.
  expect(() => machine.transition(undefined as never, { type: 'drain' }, scope)).toThrow(TypeError)
  expect(errors).toEqual(['a transition could not be observed'])
})

test('a turn that was lost from sight is told of all the same', () => {
  const seen = recorder()
  const look = lookAtTurns(seen)
  const standing = (value: unknown) =>
    ({
      status: 'active',
      value,
      context: { key: 'a/c1', channel: 'a', agent: 'cfo', turn: [] },
    }) as unknown as Parameters<typeof look>[0]['before'] // As much of a snapshot as is looked at.
  look({ before: standing({ pending: 'waiting' }), event: { type: 'x' }, after: standing({ running: 'working' }) })
  look({ before: standing({ running: 'working' }), event: { type: 'x' }, after: null })
  expect(seen.words('turn', 'run')).toEqual(['turn broken', 'run broken'])
})

function fail(): never {
  throw new Error('an observer of this test')
}
