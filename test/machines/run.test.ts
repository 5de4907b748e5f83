// Run's statechart: an answer, tools and their order, approvals, steering, a failure that is told, a defect that is not hidden,
// deadlines. Its effects are held by the test; the rig stands where the session stands.

import { createActor, fromCallback, fromPromise, SimulatedClock, setup } from 'xstate'
import { expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import type { ToRun, TranscriptEntry } from '../../machines/messages.ts'
import { runMachine } from '../../machines/run.ts'
import type { Answer, Recording, RunInput, Thinking } from '../../machines/run-words.ts'
import type { PlannedCall, Step } from '../../machines/steps.ts'
import { withChanged } from '../support/broken.ts'
import { PLAIN_MODEL, testAgent } from '../support/definitions.ts'
import { type Held, held, settled } from '../support/world.ts'

const SENDER = { id: '1', name: 'Anna', handle: null }

function rig(given: Partial<RunInput> = {}, machine = runMachine) {
  const summaries: (Held<readonly TranscriptEntry[]> & { input: RunInput; aborted: boolean })[] = []
  const left: number[] = []
  const thinks: (Held<Answer> & { input: Thinking; aborted: boolean })[] = []
  const records: (Held<void> & { input: Recording })[] = []
  const acts: (Held<readonly Step[]> & { input: { steps: readonly Step[] } })[] = []
  const told: ({ type: string } & Record<string, unknown>)[] = []
  let closed = 0
  const run = machine.provide({
    actions: { noteLeftOut: (_, { entries }) => void left.push(entries) },
    actors: {
      summarise: fromPromise<readonly TranscriptEntry[], RunInput>(({ input, signal }) => {
        const summary = Object.assign(held<readonly TranscriptEntry[]>(), { input, aborted: false })
        signal.addEventListener('abort', () => (summary.aborted = true))
        summaries.push(summary)
        return summary.promise
      }),
      think: fromPromise<Answer, Thinking>(({ input, signal }) => {
        const think = Object.assign(held<Answer>(), { input, aborted: false })
        signal.addEventListener('abort', () => (think.aborted = true))
        thinks.push(think)
        return think.promise
      }),
      record: fromPromise<void, Recording>(({ input }) => {
        const record = Object.assign(held<void>(), { input })
        records.push(record)
        return record.promise
      }),
      act: fromPromise<readonly Step[], { run: RunInput; steps: readonly Step[] }>(({ input }) => {
        const act = Object.assign(held<readonly Step[]>(), { input })
        acts.push(act)
        return act.promise
      }),
      toolbox: fromCallback(() => () => void (closed += 1)),
    },
  })
  const input: RunInput = {
    definition: testAgent('cfo'),
    channel: 'a',
    conversation: 'c1',
    session: 'a/c1',
    turn: 'turn-1',
    history: [],
    seqs: [1],
    messages: [{ text: 'hello', sender: SENDER, kind: 'dm' }],
    mayCompact: true,
    steps: [],
    nowMs: 0,
    draining: false,
    ...given,
  }
  const clock = new SimulatedClock()
  let error: unknown = null
  const session = setup({ actors: { run } }).createMachine({
    invoke: { id: 'run', src: 'run', input },
    on: {
      'xstate.error.actor.run': { actions: ({ event }) => (error = event['error']) },
      '*': { actions: ({ event }) => told.push(event as never) }, // Whatever the run says; the test names what it expects.
    },
  })
  const parent = createActor(session, { clock }).start()
  const actor = parent.getSnapshot().children.run
  return {
    summaries,
    left,
    thinks,
    records,
    acts,
    told,
    clock,
    error: () => error,
    closed: () => closed,
    state: () => actor?.getSnapshot().value,
    output: () => actor?.getSnapshot().output,
    async send(event: ToRun) {
      actor?.send(event)
      await settled()
    },
  }
}

type Rig = ReturnType<typeof rig>

const call = (id: string, given: Partial<PlannedCall> = {}): PlannedCall => ({
  id,
  tool: 'shell',
  input: { command: 'ls' },
  policy: 'allow',
  idempotent: false,
  ...given,
})

const done = (id: string): Step => ({ kind: 'result', call: id, text: 'ok', failed: false })

async function answers(run: Rig, ...calls: PlannedCall[]): Promise<void> {
  run.thinks.at(-1)?.resolve({ text: calls.length === 0 ? '42' : '', calls, atMs: 1_000, model: 'echo', spent: null })
  await settled()
}

async function recorded(run: Rig): Promise<void> {
  run.records.at(-1)?.resolve()
  await settled()
}

async function acted(run: Rig, ...steps: Step[]): Promise<void> {
  run.acts.at(-1)?.resolve(steps)
  await settled()
}

test('an answer that asks for nothing is the outcome', async () => {
  const run = rig()
  await answers(run)
  expect(run.output()).toEqual({ kind: 'answered', text: '42', model: 'echo', spent: null })
  expect(run.closed()).toBe(1)
})

test('an expected failure is an outcome that the sender can be told', async () => {
  const run = rig()
  run.thinks[0]?.reject(new FailureError({ kind: 'retryable', reason: 'unavailable', message: 'the model is away' }))
  await settled()
  expect(run.state()).toBe('failed')
  expect(run.output()).toMatchObject({ failure: { message: 'the model is away' } })
})

test.each(['think', 'record', 'act'])(
  'a defect in %s is not an outcome: it fails the run, and so its session',
  async (where) => {
    const run = rig()
    const defect = new TypeError('bug')
    if (where === 'think') run.thinks[0]?.reject(defect)
    else await answers(run, call('1'))
    if (where === 'record') run.records[0]?.reject(defect)
    if (where === 'act') {
      await recorded(run)
      run.acts[0]?.reject(defect)
    }
    await settled()
    expect(run.error()).toBe(defect)
  },
)

test('S42: each step is written before the next begins', async () => expectWrittenFirst(runMachine))

test('a broken run that uses its tools before its answer is written is caught', async () => {
  const toTools = ['states', 'working', 'states', 'thinking', 'invoke', 'onDone', '2', 'target']
  await expect(expectWrittenFirst(withChanged(runMachine, toTools, 'callingTools'))).rejects.toThrow()
})

async function expectWrittenFirst(machine: typeof runMachine): Promise<void> {
  const run = rig({}, machine)
  await answers(run, call('1'), call('2'))
  expect(run.acts).toHaveLength(0)
  expect(run.records[0]?.input.steps).toMatchObject([{ kind: 'answer', calls: [{ id: '1' }, { id: '2' }] }])
  await recorded(run)
  expect(run.acts).toHaveLength(1)
  expect(run.thinks).toHaveLength(1)
  await acted(run, { kind: 'begin', call: '1' }, { kind: 'begin', call: '2' }, done('1'), done('2'))
  // Its session is asked first whether anything was said meanwhile.
  expect(run.told.at(-1)).toEqual({ type: 'steering.requested' })
  expect(run.thinks).toHaveLength(1)
  await run.send({ type: 'steering.given', messages: [] })
  expect(run.thinks[1]?.input.steps).toHaveLength(5)
  await answers(run)
  expect(run.output()).toEqual({ kind: 'answered', text: '42', model: 'echo', spent: null })
}

test('S23: what was said meanwhile is written, and then part of what the next answer is made from', async () => {
  const run = rig()
  await answers(run, call('1'))
  await recorded(run)
  await acted(run, done('1'))
  await run.send({ type: 'steering.given', messages: [{ seqs: [7], text: 'in euros', sender: SENDER, kind: 'dm' }] })
  expect(run.records[1]?.input.steps).toMatchObject([{ kind: 'steering', messages: [{ seqs: [7] }] }])
  expect(run.thinks).toHaveLength(1)
  await recorded(run)
  expect(run.thinks[1]?.input.steps.at(-1)).toMatchObject({ kind: 'steering' })
})

test('S42: after a crash a run goes on where its steps end', () => {
  const answer: Step = { kind: 'answer', text: '', calls: [call('1')], atMs: 0, seqs: [] }
  const resumed = (steps: readonly Step[]) => rig({ steps })
  expect(resumed([answer]).acts[0]?.input.steps).toEqual([answer])
  const between = resumed([answer, done('1')])
  expect(between.told).toEqual([{ type: 'steering.requested' }])
  expect([between.thinks.length, between.acts.length, between.records.length]).toEqual([0, 0, 0])
})

test('S39: a call that needs a word waits for it, and goes on in that very run', async () => {
  const run = rig()
  await answers(run, call('1', { policy: 'ask' }))
  expect(run.records[0]?.input.replies).toMatchObject([{ conversation: 'c1', choices: [{ text: '/approve 1-1' }, {}] }])
  await recorded(run)
  expect(run.state()).toBe('awaitingApproval')
  expect(run.told.at(-1)).toMatchObject({ type: 'approvals.waiting', approvals: [{ name: '1-1', tool: 'shell' }] })
  await run.send({ type: 'approval.decided', call: '1', approved: true, by: '9' })
  expect(run.acts[0]?.input.steps.at(-1)).toEqual({ kind: 'decision', call: '1', approved: true, by: '9' })
  expect(run.told.at(-1)).toEqual({ type: 'approvals.waiting', approvals: [] })
})

test('S40: two that wait are decided one by one; tools begin when nothing is undecided', async () => {
  const run = rig()
  await answers(run, call('1', { policy: 'ask' }), call('2', { policy: 'ask' }))
  await recorded(run)
  await run.send({ type: 'approval.decided', call: '2', approved: false, by: '9' })
  expect(run.state()).toBe('awaitingApproval')
  await run.send({ type: 'approval.decided', call: '1', approved: true, by: '9' })
  expect(run.acts).toHaveLength(1)
})

test.each(['its deadline', 'a drain'])('S39: %s decides no, and that is written before anything else', async (how) => {
  const run = rig()
  await answers(run, call('1', { policy: 'ask' }))
  await recorded(run)
  if (how === 'a drain') await run.send({ type: 'drain' })
  else run.clock.increment(300_000)
  await settled()
  expect(run.records[1]?.input).toMatchObject({
    replies: [],
    steps: [{ kind: 'decision', call: '1', approved: false, by: null }],
  })
  await recorded(run)
  expect(run.acts).toHaveLength(1)
})

test('S39: in a drain nobody is asked any more', async () => {
  const run = rig()
  await run.send({ type: 'drain' })
  await answers(run, call('1', { policy: 'ask' }))
  await recorded(run)
  expect(run.records[1]?.input.steps).toMatchObject([{ kind: 'decision', approved: false }])
})

test('after a restart an approval still waits, for what is left of its time', async () => {
  const answer: Step = { kind: 'answer', text: '', calls: [call('1', { policy: 'ask' })], atMs: 100_000, seqs: [] }
  const run = rig({ steps: [answer], nowMs: 350_000 })
  expect(run.state()).toBe('awaitingApproval')
  expect(run.records).toHaveLength(0)
  run.clock.increment(49_999)
  expect(run.state()).toBe('awaitingApproval')
  run.clock.increment(1)
  expect(run.state()).toEqual({ working: 'recording' })
})

test('the last answer that a definition allows may not ask for tools; one that does so ends the run', async () => {
  const run = rig({ definition: testAgent('cfo', { maxSteps: 2 }) })
  expect(run.thinks[0]?.input.mayCall).toBe(true)
  await answers(run, call('1'))
  await recorded(run)
  await acted(run, done('1'))
  await run.send({ type: 'steering.given', messages: [] })
  expect(run.thinks[1]?.input.mayCall).toBe(false)
  await answers(run, call('2'))
  expect(run.output()).toMatchObject({ failure: { message: 'the run did not come to an answer in 2 steps' } })
})

test('S7: a run ends by itself after its deadline, and closes its request', async () => expectDeadline(runMachine))

test('a broken run without a deadline is caught', async () => {
  const endless = runMachine.provide({ delays: { runMsMax: Number.MAX_SAFE_INTEGER } })
  await expect(expectDeadline(endless)).rejects.toThrow()
})

async function expectDeadline(machine: typeof runMachine): Promise<void> {
  const run = rig({}, machine)
  run.clock.increment(10 * 60_000)
  await settled()
  expect(run.output()).toMatchObject({ failure: { reason: 'timeout' } })
  expect([run.thinks[0]?.aborted, run.closed()]).toEqual([true, 1])
}

/** 500 tokens a turn, and room for 800. */
const LONG = testAgent('cfo', {
  ...{ instructions: '', compactAt: 0.8 },
  model: {
    ...{ provider: 'openai', name: 'a', baseUrl: null, apiKey: { secret: 's' } },
    ...PLAIN_MODEL,
    contextTokens: 1_000,
  },
})

function entry(turn: string, given: Partial<TranscriptEntry> = {}): TranscriptEntry {
  return { role: 'user', turn, text: 'x'.repeat(1_488), sender: null, seq: 1, atMs: 0, steps: [], ...given }
}

const LONG_HISTORY = [entry('turn-0'), entry('turn-0b')]

const summary = (turn: string, text = 'in short') => entry(turn, { role: 'summary', text })

const turnsTold = (run: Rig): string[] | undefined =>
  run.thinks[0]?.input.run.history.map(({ role, turn }) => (role === 'summary' ? role : turn))

test('a history that has no room is summarised before the first answer, and the run goes on with the summary', async () => {
  await expectSummarised(runMachine)
})

test('a broken run that thinks without having made room is caught', async () => {
  const first = ['states', 'working', 'states', 'beginning', 'always', '0', 'target']
  await expect(expectSummarised(withChanged(runMachine, first, 'deciding'))).rejects.toThrow()
})

async function expectSummarised(machine: typeof runMachine): Promise<void> {
  const run = rig({ definition: LONG, history: LONG_HISTORY }, machine)
  expect([run.state(), run.thinks.length]).toEqual([{ working: 'summarising' }, 0])
  run.summaries[0]?.resolve([summary('turn-1')])
  await settled()
  expect([turnsTold(run), run.summaries.length, run.left]).toEqual([['summary'], 1, []])
  await answers(run)
  expect(run.output()).toMatchObject({ kind: 'answered' })
}

test('a history that has room is told as it is', () => {
  const run = rig({ definition: LONG, history: LONG_HISTORY.slice(1) })
  expect([run.summaries.length, turnsTold(run), run.left]).toEqual([0, ['turn-0b'], []])
})

test('without a summary the oldest turns are left out, and that is said', async () => {
  const run = rig({ definition: LONG, history: LONG_HISTORY })
  run.summaries[0]?.reject(new FailureError({ kind: 'retryable', reason: 'unavailable', message: 'it is away' }))
  await settled()
  expect([turnsTold(run), run.left]).toEqual([['turn-0b'], [1]])
})

test('a summary is made once for a turn: what has no room beside it is left out', async () => {
  const run = rig({ definition: LONG, history: LONG_HISTORY })
  run.summaries[0]?.resolve([summary('turn-1', 'x'.repeat(9_000))])
  await settled()
  expect([run.summaries.length, turnsTold(run), run.left]).toEqual([1, [], [1]])
})

test.each([
  ['a turn that may not compact', { mayCompact: false }, ['turn-0b'], [1]],
  ['after a crash behind its summary', { history: [summary('turn-1'), ...LONG_HISTORY] }, ['summary', 'turn-0b'], [1]],
])('%s: the oldest turns are left out without one', (_, given, told, left) => {
  const run = rig({ definition: LONG, history: LONG_HISTORY, ...given })
  expect([run.summaries.length, turnsTold(run), run.left]).toEqual([0, told, left])
})

test('S42: never in the middle of a run: one that goes on after a crash is told what it was told before', async () => {
  const answer: Step = { kind: 'answer', text: '', calls: [call('1')], atMs: 0, seqs: [1] }
  const run = rig({ definition: LONG, history: LONG_HISTORY, steps: [answer, done('1')] })
  await run.send({ type: 'steering.given', messages: [] })
  expect([run.summaries.length, turnsTold(run)]).toEqual([0, ['turn-0b']])
})

test('S7: the deadline of a run ends its summary too; a defect in it is not hidden', async () => {
  const late = rig({ definition: LONG, history: LONG_HISTORY })
  late.clock.increment(10 * 60_000)
  await settled()
  expect([late.summaries[0]?.aborted, late.state()]).toEqual([true, 'failed'])
  const broken = rig({ definition: LONG, history: LONG_HISTORY })
  const defect = new TypeError('bug')
  broken.summaries[0]?.reject(defect)
  await settled()
  expect(broken.error()).toBe(defect)
})
