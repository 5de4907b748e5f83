// Schedule: the real actor on the real store against what can be seen of it (see schedule-model.ts).

import { scheduleMachine } from '../../machines/schedule.ts'
import { endingItsChildren } from '../../src/actors/ending.ts'
import { withChanged } from '../support/broken.ts'
import { modelSuite, part } from '../support/model-suite.ts'
import { SCHEDULE_EVENTS, scheduleCan, scheduleModel } from './schedule-model.ts'
import { scheduleSubject } from './schedule-subject.ts'

const changed = (path: readonly string[], value: unknown) => () =>
  scheduleSubject({ broken: (real) => endingItsChildren(withChanged(real, path, value)) })

modelSuite({
  name: 'schedule',
  charts: [scheduleMachine],
  parts: {
    'what a schedule says': part({
      model: { machine: scheduleModel, events: SCHEDULE_EVENTS, possible: scheduleCan },
      subject: (taken) => scheduleSubject({ taken }),
      look: ({ value, context }) => [value, context.said.length, context.failures],
      broken: {
        'M5: it fires twice after a crash': () =>
          scheduleSubject({
            parts: (real) => ({
              ...real,
              // Every life begins with the day, whatever is on record.
              store: {
                ...real.store,
                recallSchedule: async (...input) => (await real.store.recallSchedule(...input)) - 86_400_000,
                acceptDue: async (time, message) =>
                  real.store.accept({
                    ...message,
                    platformMessageId: `${message.platformMessageId}:${real.world.id()}:${time.dueAtMs}`,
                  }),
              },
            }),
          }),
        'it makes up for every time that was missed': () =>
          scheduleSubject({
            parts: (real) => ({
              ...real,
              cronTimes: (schedule) => {
                const times = real.cronTimes(schedule)
                return { ...times, newestUntil: (untilMs) => times.newestUntil(untilMs - 3_600_000) }
              },
            }),
          }),
        'it says nothing that was missed': () =>
          scheduleSubject({
            parts: (real) => ({
              ...real,
              store: {
                ...real.store,
                recallSchedule: async (name, times, nowMs) => (
                  await real.store.recallSchedule(name, times, nowMs), nowMs
                ),
              },
            }),
          }),
        'a time that was not written is taken for said': changed(['states', 'accepting', 'invoke', 'onError'], {
          target: 'looking',
          actions: 'noteSaid',
        }),
        'a message goes its way before it is on disk': () =>
          scheduleSubject({
            parts: (real) => ({
              ...real,
              store: {
                ...real.store,
                acceptDue: async (...input) => {
                  void real.store.acceptDue(...input).catch(() => {})
                  return { seq: 1, duplicate: false }
                },
              },
            }),
          }),
        'it sleeps for as long as its next time is away': () =>
          scheduleSubject({
            broken: (real) => endingItsChildren(real.provide({ delays: { untilLook: 3_600_000 } })),
          }),
      },
    }),
  },
})
