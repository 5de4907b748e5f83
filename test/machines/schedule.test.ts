// Schedule's statechart: it sleeps until a time is due, accepts it once, and goes on when the disk does.

import { createActor, fromPromise, SimulatedClock } from 'xstate'
import { expect, test } from 'vitest'
import { dueMessage, isSchedule, type Plan, planOf } from '../../machines/due.ts'
import { itemOf } from '../../machines/inbox.ts'
import { SCHEDULE_MISSED_MS_MAX } from '../../machines/limits.ts'
import { scheduleMachine } from '../../machines/schedule.ts'
import { removedSchedules, scheduleOf, schedulesChange } from '../../machines/schedules.ts'
import { testSchedule } from '../support/definitions.ts'
import { testChannel } from '../support/house.ts'
import { acceptedMessage } from '../support/messages.ts'
import { settled } from '../support/world.ts'
import { withChanged } from '../support/broken.ts'

const HOUR_MS = 3_600_000
const NOTHING_DUE: Plan = { dueAtMs: null, passedAtMs: null, sleepMs: 60_000 }

interface Outside {
  readonly plans: Plan[]
  readonly acceptFaults: Error[]
  readonly recallFaults: Error[]
  readonly log: string[]
}

function rig(given: Partial<Outside>, machine = scheduleMachine) {
  const outside: Outside = { plans: [], acceptFaults: [], recallFaults: [], log: [], ...given }
  const clock = new SimulatedClock()
  const actor = createActor(
    machine.provide({
      actors: {
        recall: fromPromise(async () => {
          const fault = outside.recallFaults.shift()
          if (fault !== undefined) throw fault
          return 0
        }),
        plan: fromPromise(async ({ input }) => {
          outside.log.push(`look after ${input.afterMs}`)
          return outside.plans.shift() ?? NOTHING_DUE
        }),
        accept: fromPromise(async ({ input }) => {
          const fault = outside.acceptFaults.shift()
          if (fault !== undefined) throw fault
          outside.log.push(`accept ${input.dueAtMs}`)
        }),
      },
      actions: {
        noteFailure: () => void outside.log.push('failed'),
        notePassed: (_, { passedAtMs }) => void outside.log.push(`passed ${passedAtMs}`),
      },
    }),
    { clock, input: { definition: testSchedule() } },
  )
  actor.start()
  return { outside, clock, state: () => actor.getSnapshot().value }
}

test('it sleeps until the next time, accepts it, and looks on behind it', async () => {
  const due = { dueAtMs: 5_000, passedAtMs: null, sleepMs: 60_000 }
  const { outside, clock, state } = rig({ plans: [{ ...NOTHING_DUE, sleepMs: 5_000 }, due] })
  await settled()
  expect(state()).toBe('sleeping')
  clock.increment(4_999)
  await settled()
  expect(outside.log).toEqual(['look after 0'])
  clock.increment(1)
  await settled()
  expect(outside.log).toEqual(['look after 0', 'look after 0', 'accept 5000', 'look after 5000'])
  expect(state()).toBe('sleeping')
})

test('M5: a time that the disk did not take is due again, and read anew before', () => expectOneAccept(scheduleMachine))

test('a broken schedule that takes a time for said although it was not written is caught', async () => {
  const onError = ['states', 'accepting', 'invoke', 'onError']
  const broken = withChanged(scheduleMachine, onError, { target: 'looking', actions: 'noteSaid' })
  await expect(expectOneAccept(broken)).rejects.toThrow()
})

async function expectOneAccept(machine: typeof scheduleMachine): Promise<void> {
  const due = { dueAtMs: 5_000, passedAtMs: null, sleepMs: 60_000 }
  const { outside, clock } = rig({ plans: [due, due], acceptFaults: [new Error('disk full')] }, machine)
  await settled()
  expect(outside.log).toEqual(['look after 0', 'failed'])
  clock.increment(1_000)
  await settled()
  expect(outside.log).toEqual(['look after 0', 'failed', 'look after 0', 'accept 5000', 'look after 5000'])
}

test('the wait for a disk that does not answer doubles', async () => {
  const { clock, outside, state } = rig({ recallFaults: [new Error('a'), new Error('b')] })
  await settled()
  clock.increment(1_000)
  await settled()
  clock.increment(1_999)
  await settled()
  expect(state()).toBe('waiting')
  clock.increment(1)
  await settled()
  expect(outside.log).toEqual(['failed', 'failed', 'look after 0'])
})

test('a time that is past is said in the log once, and never looked at again', async () => {
  const { outside, clock } = rig({ plans: [{ dueAtMs: null, passedAtMs: 7, sleepMs: 60_000 }] })
  await settled()
  clock.increment(60_000)
  await settled()
  expect(outside.log).toEqual(['look after 0', 'passed 7', 'look after 7'])
})

// --- decisions --------------------------------------------------------------------------------------------------------

test.each<[string, Parameters<typeof planOf>[0], Partial<Plan>]>([
  ['nothing is due', { nowMs: 10, afterMs: 0, newestMs: null, nextMs: 30 }, { dueAtMs: null, sleepMs: 20 }],
  ['a far time is slept to in steps', { nowMs: 0, afterMs: 0, newestMs: null, nextMs: HOUR_MS }, { sleepMs: 60_000 }],
  [
    'no time comes any more',
    { nowMs: 0, afterMs: 0, newestMs: null, nextMs: null },
    { dueAtMs: null, sleepMs: 60_000 },
  ],
  ['the newest is due', { nowMs: 10, afterMs: 5, newestMs: 10, nextMs: 70 }, { dueAtMs: 10 }],
  ['it was said', { nowMs: 10, afterMs: 10, newestMs: 10, nextMs: 70 }, { dueAtMs: null }],
  ['the clock went back', { nowMs: 10, afterMs: 90, newestMs: 10, nextMs: 70 }, { dueAtMs: null, sleepMs: 60 }],
  [
    'as old as may be',
    { nowMs: SCHEDULE_MISSED_MS_MAX + 1, afterMs: 0, newestMs: 1, nextMs: null },
    { dueAtMs: 1, passedAtMs: null },
  ],
  [
    'older',
    { nowMs: SCHEDULE_MISSED_MS_MAX + 2, afterMs: 0, newestMs: 1, nextMs: null },
    { dueAtMs: null, passedAtMs: 1 },
  ],
])('plan: %s', (_, moment, plan) => {
  expect(planOf(moment)).toMatchObject(plan)
})

test('a schedule is a message of its own, by the channel’s agent unless it names one', () => {
  const channel = testChannel('a', { sessionScope: 'per_user' })
  const message = dueMessage(testSchedule({ text: '/new' }), channel, 5)
  expect(message).toMatchObject({
    platformMessageId: 'schedule:morning:5',
    sender: { id: 'schedule:morning' },
    sessionKey: 'a/c1/schedule%3Amorning',
    agent: 'cfo',
    command: { name: 'new', text: '' },
    kind: 'dm',
  })
  expect(dueMessage(testSchedule({ agent: 'ops' }), channel, 5)).toMatchObject({ agent: 'ops', command: null })
})

test('what a schedule says waits for its turn, whatever the busy mode: it ends nobody’s run', () => {
  const sender = dueMessage(testSchedule(), testChannel('a'), 5).sender
  for (const mode of ['interrupt', 'steer', 'collect'] as const) {
    expect(itemOf(acceptedMessage('x', { sender }), mode)?.manner).toBe('queue')
    expect(itemOf(acceptedMessage('x'), mode)?.manner).toBe(mode)
  }
  expect(isSchedule(acceptedMessage('x').sender)).toBe(false)
})

test('a newer file ends what changed and begins it anew; the rest goes on', () => {
  const named = (...names: string[]) => Object.fromEntries(names.map((name) => [name, testSchedule({ name })]))
  const newer = { ...named('a', 'c'), b: testSchedule({ name: 'b', text: 'another' }) }
  expect(schedulesChange(named('a', 'b', 'd'), newer)).toEqual({
    ended: ['b', 'd'],
    begun: [newer['c' as keyof typeof newer], newer.b],
  })
  expect(removedSchedules({ definition: { schedules: named('a', 'd') } }, { schedules: named('a') })).toEqual(['d'])
  expect([scheduleOf(named('a'), 'schedule:a')?.name, scheduleOf(named('a'), 'schedule:d')]).toEqual(['a', undefined])
})
