// Gateway: the real actor against what can be seen of it (see gateway-model.ts).

import { enqueueActions } from 'xstate'
import { nameOf } from '../../machines/addresses.ts'
import { gatewayMachine } from '../../machines/gateway.ts'
import { changed, without } from '../support/broken.ts'
import { type AnyPart, modelSuite, part } from '../support/model-suite.ts'
import { gatewayModel } from './gateway-model.ts'
import { type GatewayPart, LEAVING, LIFE, SCHEDULED, SLOTS, SWEEPERLESS } from './gateway-parts.ts'
import { type GatewayLogic, type GatewayOptions, gatewaySubject } from './gateway-subject.ts'

type Change = (real: GatewayLogic) => GatewayLogic

function look(
  { events, possible }: GatewayPart,
  broken: Readonly<Record<string, Change>>,
  options: GatewayOptions = {},
): AnyPart {
  return part({
    model: { machine: gatewayModel, events, possible },
    subject: (taken) => gatewaySubject({ ...options, taken }),
    look: ({ context }) => [context.at, context.leaving],
    broken: Object.fromEntries(
      Object.entries(broken).map(([title, change]) => [title, () => gatewaySubject({ ...options, broken: change })]),
    ),
  })
}

const ERROR = ['on', 'xstate.error.actor.*']
const CHANGED = ['on', 'definition.changed', 'actions']
const DRAINING = ['states', 'draining']

modelSuite({
  name: 'gateway',
  charts: [gatewayMachine],
  parts: {
    'from the roll call to the end': look(LIFE, {
      'C3: the roll is called before everybody has reported': (real) =>
        real.provide({ guards: { everybodyReported: ({ context }) => context.reports['a'] !== null } }),
      'C1: restart without intensity': (real) =>
        real.provide({
          actions: {
            restartLater: enqueueActions(({ event, enqueue }) => {
              if ('actorId' in event)
                enqueue.raise({ type: 'restart.due', channel: nameOf(event.actorId) }, { delay: 1_000 })
            }),
          },
        }),
      'S44: runs may go on for ever': changed([...DRAINING, 'states', 'finishing', 'after'], {}),
      'S44: the outbox is waited for for ever': changed([...DRAINING, 'states', 'flushing', 'after'], {}),
      'a channel that failed in the drain is waited for': without(
        [...DRAINING, 'on', 'xstate.error.actor.*', '0', 'actions'],
        'keepReport',
      ),
      'what is owed is not waited for': changed(
        [...DRAINING, 'states', 'finishing', 'always', 'target'],
        '#gateway.stopped',
      ),
    }),
    slots: look(SLOTS, {
      'S7: the slots of a failed channel stay taken': without([...ERROR, '2', 'actions'], 'changeSlots'),
      'S18: more slots are given when somebody asks again': without(CHANGED, 'changeSlots'),
      'S44: a slot is given in the drain': changed([...DRAINING, 'on', 'slot.requested'], { actions: 'changeSlots' }),
    }),
    'a channel that leaves and comes back': look(LEAVING, {
      'whoever is named again waits for runs for ever': without(CHANGED, 'awaitReturning'),
      'what is just started is told its own definition': changed(CHANGED, [
        'drainRemoved',
        'awaitReturning',
        'takeDefinition',
        'startAdded',
        'redefineOthers',
        'changeSlots',
        'resetSweeper',
      ]),
      'S44: a channel that leaves does not finish its runs': (real) =>
        real.provide({ guards: { isSilenceOfLeaving: () => false } }),
      'a channel that fails while it leaves is waited for': (real) =>
        real.provide({ guards: { isLeaving: () => false } }),
    }),
    'a schedule that fails': look(SCHEDULED, {
      'a failed schedule is not begun again': without(['on', 'schedule.restart', 'actions'], 'restartSchedule'),
    }),
    'nobody says when to sweep': look(
      SWEEPERLESS,
      { 'it ends in the middle of a start': changed(['states', 'starting', 'always', 'target'], '#gateway.stopped') },
      { isWithoutSweeper: true },
    ),
  },
})
