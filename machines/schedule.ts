// Schedule: one text at the times of one cron pattern. It sleeps until one is due, accepts a message as a channel's door does, and
// sleeps again. What was said last is on disk, with the message and in the same transaction.
//   M5. A time that came while the process was down is made up for at the next start, once (due.ts).
//   It never sleeps longer than a minute: a clock that is set forward or back is noticed, and no time is said twice for it.

import { assign, type EventObject, fromPromise, setup } from 'xstate'
import type { ScheduleDefinition } from './definitions.ts'
import type { Plan } from './due.ts'
import { assert, unprovided } from './failure.ts'
import { backoffMs } from './restart.ts'

export interface ScheduleInput {
  readonly definition: ScheduleDefinition
}

export interface ScheduleContext extends ScheduleInput {
  /** Up to here everything was said, or came before the schedule; null: not read yet. */
  readonly afterMs: number | null
  readonly dueAtMs: number | null
  readonly sleepMs: number
  /** Times that the disk failed in a row. */
  readonly failures: number
}

export interface Looking extends ScheduleInput {
  readonly afterMs: number
}

export interface Accepting extends ScheduleInput {
  readonly dueAtMs: number
}

export const scheduleMachine = setup({
  types: {
    context: {} as ScheduleContext,
    // Nobody sends it a message: it lives by the clock.
    events: {} as EventObject,
    input: {} as ScheduleInput,
  },
  actors: {
    /** Up to when everything was said. A schedule that is not on record, or has other times there, begins now. */
    recall: fromPromise<number, ScheduleInput>(() => unprovided('recall')),
    /** Holds the clock against the pattern. */
    plan: fromPromise<Plan, Looking>(() => unprovided('plan')),
    /** Accepts the message of a time and puts that time on record, in one write; then the message goes its way. */
    accept: fromPromise<void, Accepting>(() => unprovided('accept')),
  },
  actions: {
    /** Says in the log that the disk failed. */
    noteFailure: (_, _params: { error: unknown }) => unprovided('noteFailure'),
    /** Says in the log that a time was missed too long ago. */
    notePassed: (_, _params: Plan) => unprovided('notePassed'),
    keepRecord: assign((_, params: { afterMs: number }) => params),
    keepPlan: assign(({ context }, { dueAtMs, passedAtMs, sleepMs }: Plan) => ({
      dueAtMs,
      sleepMs,
      afterMs: passedAtMs ?? context.afterMs,
    })),
    noteSaid: assign({ afterMs: ({ context }) => dueIn(context), dueAtMs: null, failures: 0 }),
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
  },
  guards: {
    isDue: (_, { dueAtMs }: Plan) => dueAtMs !== null,
    isPassed: (_, { passedAtMs }: Plan) => passedAtMs !== null,
  },
  delays: {
    untilLook: ({ context }) => context.sleepMs,
    backoff: ({ context }) => backoffMs(context.failures),
  },
}).createMachine({
  id: 'schedule',
  description: 'Says one text at the times of one cron pattern, as a message like any other.',
  context: ({ input }) => ({ ...input, afterMs: null, dueAtMs: null, sleepMs: 0, failures: 0 }),
  initial: 'recalling',
  states: {
    recalling: {
      description: 'The store is asked what was said last.',
      invoke: {
        id: 'recall',
        src: 'recall',
        input: ({ context }) => ({ definition: context.definition }),
        onDone: {
          target: 'looking',
          actions: { type: 'keepRecord', params: ({ event }) => ({ afterMs: event.output }) },
        },
        onError: {
          target: 'waiting',
          actions: ['countFailure', { type: 'noteFailure', params: ({ event }) => ({ error: event.error }) }],
        },
      },
    },
    looking: {
      description: 'The clock is held against the pattern.',
      invoke: {
        id: 'plan',
        src: 'plan',
        input: ({ context }) => ({ definition: context.definition, afterMs: afterIn(context) }),
        onDone: [
          {
            guard: { type: 'isDue', params: ({ event }) => event.output },
            target: 'accepting',
            actions: { type: 'keepPlan', params: ({ event }) => event.output },
          },
          {
            guard: { type: 'isPassed', params: ({ event }) => event.output },
            target: 'sleeping',
            actions: [
              { type: 'keepPlan', params: ({ event }) => event.output },
              { type: 'notePassed', params: ({ event }) => event.output },
            ],
          },
          { target: 'sleeping', actions: { type: 'keepPlan', params: ({ event }) => event.output } },
        ],
        onError: {
          target: 'waiting',
          actions: ['countFailure', { type: 'noteFailure', params: ({ event }) => ({ error: event.error }) }],
        },
      },
    },
    sleeping: {
      description: 'Until the next time, and never longer than a minute.',
      after: { untilLook: 'looking' },
    },
    accepting: {
      description: 'A time has come: its message and the time itself are being written.',
      invoke: {
        id: 'accept',
        src: 'accept',
        input: ({ context }) => ({ definition: context.definition, dueAtMs: dueIn(context) }),
        onDone: { target: 'looking', actions: 'noteSaid' },
        onError: {
          target: 'waiting',
          actions: ['countFailure', { type: 'noteFailure', params: ({ event }) => ({ error: event.error }) }],
        },
      },
    },
    waiting: {
      description: 'The disk did not answer; what came meanwhile is due when it does, the newest time alone.',
      after: { backoff: 'recalling' },
    },
  },
})

function afterIn({ afterMs }: ScheduleContext): number {
  assert(afterMs !== null, 'the record is read before the clock is looked at')
  return afterMs
}

function dueIn({ dueAtMs }: ScheduleContext): number {
  assert(dueAtMs !== null, 'what is accepted is due')
  return dueAtMs
}
