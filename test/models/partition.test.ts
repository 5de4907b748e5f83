// Partition: the real actor on the real store against what can be seen of it (see partition-model.ts).

import { enqueueActions, type PromiseActorLogic } from 'xstate'
import type { AcceptedMessage } from '../../machines/messages.ts'
import { failureIn } from '../../machines/partition-words.ts'
import { partitionMachine } from '../../machines/partition.ts'
import { withChanged } from '../support/broken.ts'
import { modelSuite, part } from '../support/model-suite.ts'
import { PARTITION_EVENTS, partitionCan, partitionModel } from './partition-model.ts'
import { type PartitionLogic, partitionSubject } from './partition-subject.ts'

const broken = (change: (real: PartitionLogic) => PartitionLogic) => () => partitionSubject({ broken: change })

modelSuite({
  name: 'partition',
  charts: [partitionMachine],
  parts: {
    'one session, one delivery and a sibling': part({
      model: { machine: partitionModel, events: PARTITION_EVENTS, possible: partitionCan },
      subject: (taken) => partitionSubject({ taken }),
      look: ({ value, context }) => [value.session, value.phase, context.written],
      broken: {
        'restart without intensity': broken((real) => real.provide({ guards: { givesUp: () => false } })),
        'a failed session keeps its slot': broken((real) =>
          withChanged(
            real,
            ['states', 'supervising', 'on', 'xstate.error.actor.*', '1', 'actions'],
            [{ type: 'noteFailure', params: failureIn }, 'restartLater'],
          ),
        ),
        'whoever says that it rests is stopped, whatever came after': broken((real) =>
          real.provide({
            actions: {
              noteRested: enqueueActions(({ event, enqueue }) => {
                if (event.type === 'child.rested') enqueue.stopChild(event.child)
              }),
            },
          }),
        ),
        'S4: what came after the giving up is set aside too': broken(abandoningEverything),
        'a drain starts what waited for its restart': broken((real) =>
          withChanged(real, ['states', 'draining', 'on'], {
            ...real.config.states?.draining?.on,
            'restart.due': { actions: 'restart' },
          }),
        ),
      },
    }),
  },
})

type Abandon = PromiseActorLogic<readonly AcceptedMessage[], { key: string; reached: number }>

/** As if every message had reached the session. */
function abandoningEverything(real: PartitionLogic): PartitionLogic {
  const abandon = real.implementations.actors['abandon'] as Abandon // What partition.ts provides under this name.
  const everything: Abandon = {
    ...abandon,
    getInitialSnapshot: (scope, input) =>
      abandon.getInitialSnapshot(scope, { ...input, reached: Number.POSITIVE_INFINITY }),
  }
  return real.provide({ actors: { abandon: everything } })
}
