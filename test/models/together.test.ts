// Several actors together, all of them real: what each promises alone must hold between them too.

import { enqueueActions } from 'xstate'
import { nameOf } from '../../machines/addresses.ts'
import { releaseSlot, requestSlot } from '../../machines/slots.ts'
import { modelSuite, part } from '../support/model-suite.ts'
import { withChanged, withoutAction } from '../support/broken.ts'
import { crashes, crashesSubject } from './crash-model.ts'
import { drain, drainSubject } from './drain-model.ts'
import { restarts, restartsSubject } from './restart-model.ts'
import { oneSlot, oneSlotSubject } from './slot-model.ts'

modelSuite({
  name: 'several together',
  charts: [],
  parts: {
    'two sessions with one slot': part({
      model: oneSlot,
      subject: () => oneSlotSubject(),
      look: ({ context }) => [context.line, context.broken],
      broken: {
        'S7: whoever came last is served first': () =>
          oneSlotSubject({
            change: (real) =>
              real.provide({
                actions: {
                  changeSlots: enqueueActions(({ context, event, system, enqueue }) => {
                    if (event.type !== 'slot.requested' && event.type !== 'slot.released') return
                    const change = event.type === 'slot.requested' ? requestSlot : releaseSlot
                    const { slots } = change({ ...context.slots, limit: 2 }, event.sessionKey)
                    enqueue.assign({ slots })
                    const last = slots.running.at(-1)
                    if (last !== undefined) enqueue.sendTo(system.get(`session:${last}`), { type: 'slot.granted' })
                  }),
                },
              }),
          }),
        'S18: a slot that is given back is given to nobody': () =>
          oneSlotSubject({ change: (real) => withoutAction(real, ['on', 'slot.released', 'actions'], 'changeSlots') }),
        'S18: there are more slots than were set': () =>
          oneSlotSubject({
            change: (real) =>
              withChanged(real, ['on', 'slot.requested'], { actions: ['changeSlots', 'forgetWaiting'] }),
          }),
      },
    }),
    'a session, its delivery, and a process that is lost': part({
      model: crashes,
      subject: () => crashesSubject(),
      look: ({ context }) => [context.at, context.crashes],
      broken: {
        'S3: delivery before commit': () =>
          crashesSubject(({ real, gated, waits, tells }) => ({
            ...gated,
            async commit(commit) {
              await real.commit(commit)
              tells()
              await waits()
            },
          })),
        'S41: what an earlier process accepted is forgotten': () =>
          crashesSubject(({ gated }) => ({ ...gated, unfinished: async () => [] })),
        'D2: nobody remembers that a send was begun': () =>
          crashesSubject(({ gated }) => ({ ...gated, attempt: async () => {} })),
      },
    }),
    'a channel that fails by a defect': part({
      model: restarts,
      subject: () => restartsSubject(),
      look: ({ context }) => [context.at, context.failures],
      broken: {
        'C1: restart without intensity': () =>
          restartsSubject((real) =>
            real.provide({
              actions: {
                restartLater: enqueueActions(({ event, enqueue }) => {
                  if ('actorId' in event)
                    enqueue.raise({ type: 'restart.due', channel: nameOf(event.actorId) }, { delay: 0 })
                }),
              },
            }),
          ),
        'C1: a failed channel stays as it is': () =>
          restartsSubject((real) => withoutAction(real, ['on', 'restart.due', 'actions'], 'restartChannel')),
      },
    }),
    'a drain with a run and a delivery that hang': part({
      model: drain,
      subject: () => drainSubject(),
      look: ({ context }) => context,
      broken: {
        'S44: a run that hangs holds up the end': () =>
          drainSubject({
            change: (real) => withChanged(real, ['states', 'draining', 'states', 'finishing', 'after'], {}),
          }),
        'S44: a delivery that hangs holds up the end': () =>
          drainSubject({
            change: (real) => withChanged(real, ['states', 'draining', 'states', 'flushing', 'after'], {}),
          }),
        'S44: what is owed is not waited for': () =>
          drainSubject({
            change: (real) =>
              withChanged(real, ['states', 'draining', 'states', 'finishing', 'always', 'target'], '#gateway.stopped'),
          }),
      },
    }),
  },
})
