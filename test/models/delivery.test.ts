// Delivery: the real actor on the real store against what can be seen of it (see delivery-model.ts).

import { deliveryMachine } from '../../machines/delivery.ts'
import { endingItsChildren } from '../../src/actors/ending.ts'
import { withChanged } from '../support/broken.ts'
import { modelSuite, part } from '../support/model-suite.ts'
import { DELIVERY_EVENTS, deliveryCan, deliveryModel } from './delivery-model.ts'
import { deliverySubject } from './delivery-subject.ts'

const changed = (path: readonly string[], value: unknown) => () =>
  deliverySubject({ broken: (real) => endingItsChildren(withChanged(real, path, value)) })

modelSuite({
  name: 'delivery',
  charts: [deliveryMachine],
  parts: {
    'what one conversation is owed': part({
      model: { machine: deliveryModel, events: DELIVERY_EVENTS, possible: deliveryCan },
      subject: (taken) => deliverySubject({ taken }),
      look: ({ value, context }) => [value, context.written, context.failures],
      broken: {
        'D1: the next reply goes before the receipt of the one before it': changed(
          ['states', 'sending', 'invoke', 'onDone'],
          '#delivery.looking',
        ),
        'D2: a receipt that the disk did not take sends again': changed(
          ['states', 'recording', 'states', 'writing', 'invoke', 'onError'],
          '#delivery.looking',
        ),
        'S49: what was given up is sent again when the disk does not take that': changed(
          ['states', 'burying', 'states', 'writing', 'invoke', 'onError'],
          '#delivery.waitingForDisk',
        ),
        'S49: a send whose end is unknown is repeated for ever': () =>
          deliverySubject({
            broken: (real) =>
              endingItsChildren(
                real.provide({ guards: { isHopeless: ({ context }) => context.failure?.kind === 'permanent' } }),
              ),
          }),
        'S48: the platform’s hint is not obeyed': () =>
          deliverySubject({ broken: (real) => endingItsChildren(real.provide({ delays: { sendBackoff: 1_000 } })) }),
        'what is written during a look waits for the next one': changed(
          ['states', 'looking', 'invoke', 'onDone', '1', 'guard'],
          'isDraining',
        ),
        'a drain does not end a wait': changed(['states', 'waiting', 'on', 'drain'], { actions: 'beginDrain' }),
      },
    }),
  },
})
