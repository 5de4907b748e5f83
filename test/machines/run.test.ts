// Run's statechart: an answer, a failure that is told, a defect that is not hidden, a deadline.

import { createActor, fromPromise, SimulatedClock } from 'xstate'
import { expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { type RunInput, runMachine } from '../../machines/run.ts'
import { held, settled } from '../support/world.ts'

function rig(machine = runMachine) {
  const step = held<string>()
  const clock = new SimulatedClock()
  const seen: { aborted: boolean; error: unknown } = { aborted: false, error: null }
  const think = fromPromise<string, RunInput>(({ signal }) => {
    signal.addEventListener('abort', () => (seen.aborted = true))
    return step.promise
  })
  const input = {
    agent: 'cfo',
    channel: 'a',
    conversation: 'c1',
    session: 'a/c1',
    turn: 'turn-1',
    history: [],
    messages: [],
  }
  const actor = createActor(machine.provide({ actors: { think } }), { clock, input })
  actor.subscribe({ error: (error) => (seen.error = error) })
  actor.start()
  return { actor, step, clock, seen }
}

test('an answer is the outcome', async () => {
  const { actor, step } = rig()
  step.resolve('42')
  await settled()
  expect(actor.getSnapshot().output).toEqual({ kind: 'answered', text: '42' })
})

test('an expected failure is an outcome that the sender can be told', async () => {
  const { actor, step } = rig()
  step.reject(new FailureError({ kind: 'retryable', reason: 'unavailable', message: 'the model is away' }))
  await settled()
  expect(actor.getSnapshot()).toMatchObject({ value: 'failed', output: { failure: { message: 'the model is away' } } })
})

test('a defect is not an outcome: it fails the run, and so its session', async () => {
  const { actor, step, seen } = rig()
  step.reject(new TypeError('bug'))
  await settled()
  expect(actor.getSnapshot().status).toBe('error')
  expect(seen.error).toBeInstanceOf(TypeError)
})

test('a run ends by itself after its deadline, and closes its request', async () => expectDeadline(runMachine))

test('a broken run without a deadline is caught', async () => {
  const endless = runMachine.provide({ delays: { runMsMax: Number.MAX_SAFE_INTEGER } })
  await expect(expectDeadline(endless)).rejects.toThrow()
})

async function expectDeadline(machine: typeof runMachine): Promise<void> {
  const { actor, clock, seen } = rig(machine)
  clock.increment(10 * 60_000)
  await settled()
  expect(actor.getSnapshot()).toMatchObject({ status: 'done', output: { failure: { reason: 'timeout' } } })
  expect(seen.aborted).toBe(true)
}
