// Gateway: root supervisor and router. It starts every channel of the file, hands out slots, and ends in order.
//   C1. A failed channel leaves its siblings alone.
//   C3. Every channel of the file is in every report, under its own id.
//   S7. Slots are first come, first served, so whoever waits is served when those before it have run.
//   Start in the order of the file; stop in reverse: first the connections, then the runs, then the outbox, each by a deadline.
//   A newer file starts what is new, lets go what is gone and tells the others; each channel sees for itself what that means.

import { nameOf } from './addresses.ts'
import { failedReport, givenUpReport, initialGateway, reportsOf, SERVED } from './gateway-context.ts'
import { sweepMs, words } from './gateway-words.ts'
import { removedSchedules } from './schedules.ts'

export const gatewayMachine = words.createMachine({
  id: 'gateway',
  description: 'Root supervisor and router: every channel of the file, by name.',
  context: ({ input }) => initialGateway(input),
  initial: 'starting',
  entry: ['startChannels', 'startSchedules'],
  invoke: {
    id: 'sweeper',
    src: 'sweeper',
    input: ({ context }) => ({ everyMs: sweepMs(context) }),
    onError: { actions: { type: 'noteFailure', params: ({ event }) => ({ channel: 'sweeper', error: event.error }) } },
  },
  always: { guard: 'someoneFinished', actions: 'flushFinished' },
  on: {
    'message.accepted': { description: 'It is on disk, and goes to its channel.', actions: 'routeToChannel' },
    'outbox.owed': { description: 'A reply was committed, and goes to its channel.', actions: 'routeToChannel' },
    'channel.control': { description: 'An operator’s hand: pause, resume, reconnect.', actions: 'routeToChannel' },
    'slot.requested': { description: 'A session wants to run; first come, first served.', actions: 'changeSlots' },
    'slot.released': { description: 'The next who waits is served.', actions: 'changeSlots' },
    'definition.changed': {
      description: 'The file was read anew and is valid as a whole.',
      actions: [
        'drainRemoved',
        'redefineOthers',
        'changeSchedules',
        {
          type: 'forgetSchedules',
          params: ({ context, event }) => ({ names: removedSchedules(context, event.definition) }),
        },
        'awaitReturning',
        'takeDefinition',
        'startAdded',
        'changeSlots',
        'resetSweeper',
      ],
    },
    'channel.adopted': {
      description: 'Which definition a channel serves, and why it is not the newest.',
      actions: [
        { type: 'noteAdoption', params: ({ event }) => event },
        { type: 'keepAdoption', params: ({ event }) => event },
      ],
    },
    'channel.reported': [
      {
        description: 'A channel that leaves has no connection any more: what it owes is still sent.',
        guard: { type: 'isSilenceOfLeaving', params: ({ event }) => ({ report: event.report }) },
        actions: [
          { type: 'keepReport', params: ({ event }) => ({ report: event.report }) },
          { type: 'noteReport', params: ({ event }) => ({ report: event.report }) },
          { type: 'noteSilence', params: ({ event }) => ({ report: event.report }) },
        ],
      },
      {
        actions: [
          { type: 'keepReport', params: ({ event }) => ({ report: event.report }) },
          { type: 'noteReport', params: ({ event }) => ({ report: event.report }) },
        ],
      },
    ],
    'xstate.error.actor.*': [
      {
        description: 'Of a schedule: it goes on from what is on disk.',
        guard: { type: 'isSchedule', params: ({ event }) => ({ actorId: event.actorId }) },
        actions: [
          'stopFailed',
          {
            type: 'noteScheduleFailure',
            params: ({ event }) => ({ schedule: nameOf(event.actorId), error: event.error }),
          },
          'restartScheduleLater',
        ],
      },
      {
        description: 'Of a channel that leaves, or of its flush: there is nothing to wait for any more.',
        guard: { type: 'isLeaving', params: ({ event }) => ({ channel: nameOf(event.actorId) }) },
        actions: [
          { type: 'noteFailure', params: ({ event }) => ({ channel: nameOf(event.actorId), error: event.error }) },
          'changeSlots',
          { type: 'noteLeft', params: ({ event }) => ({ channel: nameOf(event.actorId) }) },
          { type: 'letGo', params: ({ event }) => ({ channel: nameOf(event.actorId) }) },
        ],
      },
      {
        actions: [
          'stopFailed',
          { type: 'noteFailure', params: ({ event }) => ({ channel: nameOf(event.actorId), error: event.error }) },
          { type: 'keepReport', params: ({ context, event }) => ({ report: failedReport(context, event) }) },
          { type: 'noteReport', params: ({ context, event }) => ({ report: failedReport(context, event) }) },
          // It starts again on its newest definition, whatever it served before.
          {
            type: 'keepAdoption',
            params: ({ event }) => ({ channel: nameOf(event.actorId), adoption: SERVED }),
          },
          'changeSlots',
          'restartLater',
        ],
      },
    ],
    'xstate.done.actor.*': [
      {
        description: 'A channel that leaves owes nothing any more.',
        guard: { type: 'isFlush', params: ({ event }) => ({ actorId: event.actorId }) },
        actions: [
          { type: 'noteLeft', params: ({ event }) => ({ channel: nameOf(event.actorId) }) },
          { type: 'letGo', params: ({ event }) => ({ channel: nameOf(event.actorId) }) },
        ],
      },
      { actions: 'stopFailed' },
    ],
    'restart.due': { description: 'A failed channel’s backoff is over.', actions: 'restartChannel' },
    'schedule.restart': { description: 'A failed schedule’s wait is over.', actions: 'restartSchedule' },
    'return.due': [
      {
        guard: { type: 'isFlushing', params: ({ event }) => ({ channel: event.channel }) },
        actions: [
          { type: 'noteLeft', params: ({ event }) => ({ channel: event.channel }) },
          { type: 'letGo', params: ({ event }) => ({ channel: event.channel }) },
        ],
      },
      {
        description: 'A channel that left and is in the file again: it begins anew.',
        guard: { type: 'isReturning', params: ({ event }) => ({ channel: event.channel }) },
        actions: 'haltReturning',
      },
    ],
    sweep: { description: 'Who rests is unloaded.', actions: 'sweepChannels' },
    drain: { description: 'The process ends.', target: '.draining' },
  },
  states: {
    starting: {
      description: 'Until every channel has gone live or failed its first try.',
      always: { guard: 'everybodyReported', target: 'serving' },
    },
    serving: {
      description: 'At work; degraded as soon as one channel is not live.',
      entry: { type: 'callTheRoll', params: ({ context }) => ({ reports: reportsOf(context) }) },
    },
    draining: {
      description: 'Nothing new is taken; runs get the operator’s `drain`, then the outbox gets a moment.',
      entry: ['forgetWaiting', 'stopSchedules', { type: 'tellChannels', params: { ending: { type: 'drain' } } }],
      initial: 'finishing',
      on: {
        'slot.requested': { actions: 'takeBackSlot' },
        'slot.released': { actions: 'takeBackSlot' },
        'definition.changed': {},
        'xstate.error.actor.*': [
          {
            description: 'Of a channel: there is nothing of it to wait for any more.',
            guard: { type: 'isChannel', params: ({ event }) => ({ actorId: event.actorId }) },
            actions: [
              'stopFailed',
              { type: 'noteFailure', params: ({ event }) => ({ channel: nameOf(event.actorId), error: event.error }) },
              { type: 'keepReport', params: ({ event }) => ({ report: givenUpReport(event) }) },
              { type: 'noteReport', params: ({ event }) => ({ report: givenUpReport(event) }) },
              'forgetLeaving',
              'takeBackSlot',
            ],
          },
          { actions: 'stopFailed' },
        ],
        'xstate.done.actor.*': { actions: 'stopFailed' },
        'restart.due': {},
        'return.due': {},
        'schedule.restart': {},
        drain: {},
      },
      states: {
        finishing: {
          description: 'Connections end, runs finish and commit.',
          always: { guard: 'everythingQuiet', target: 'flushing' },
          after: {
            drainMs: { target: 'flushing', actions: { type: 'tellChannels', params: { ending: { type: 'halt' } } } },
          },
        },
        flushing: {
          description: 'What is owed is sent or kept.',
          invoke: { id: 'flush', src: 'flush', onDone: '#gateway.stopped', onError: '#gateway.stopped' },
          after: { flushMsMax: '#gateway.stopped' },
        },
      },
    },
    stopped: { type: 'final', description: 'Everything that was accepted and not answered is on disk.' },
  },
})
