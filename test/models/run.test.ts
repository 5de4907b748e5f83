// Run: the real actor on the real store against what can be seen of it (see run-model.ts).

import { fromCallback } from 'xstate'
import { runMachine } from '../../machines/run.ts'
import { endingItsChildren } from '../../src/actors/ending.ts'
import { withChanged, withoutAction } from '../support/broken.ts'
import { type AnyPart, modelSuite, part } from '../support/model-suite.ts'
import {
  BEGINNING,
  LOST_AND_ENDING,
  LOST_AT_WORK,
  LOST_EVENTS,
  LOST_WAITING,
  RUN_EVENTS,
  runCan,
  runModel,
  type Seen,
} from './run-model.ts'
import { HISTORY_EVENTS, historyModel, type HistoryOptions, historySubject } from './run-history.ts'
import { type RunLogic, runSubject } from './run-subject.ts'

type Change = (real: RunLogic) => RunLogic

function look(beginning: Seen, broken: Readonly<Record<string, Change>>, given: Change = (real) => real): AnyPart {
  return part({
    model: {
      machine: runModel(beginning),
      events: beginning === BEGINNING ? RUN_EVENTS : LOST_EVENTS,
      possible: runCan,
    },
    subject: (taken) => runSubject({ beginning, taken, broken: given }),
    look: ({ context }) => [context.at, context.steps.length, context.calls],
    broken: Object.fromEntries(
      Object.entries(broken).map(([title, change]) => [title, () => runSubject({ beginning, broken: change })]),
    ),
  })
}

function lookAtHistory(begins: HistoryOptions['begins'], broken: Readonly<Record<string, Change>>): AnyPart {
  return part({
    model: { machine: historyModel(begins), events: HISTORY_EVENTS },
    subject: (taken) => historySubject({ begins, taken }),
    broken: Object.fromEntries(
      Object.entries(broken).map(([title, change]) => [title, () => historySubject({ begins, broken: change })]),
    ),
  })
}

const WORKING = ['states', 'working', 'states']
const changed =
  (path: readonly string[], value: unknown): Change =>
  (real) =>
    endingItsChildren(withChanged(real, path, value))
const without =
  (path: readonly string[], action: string): Change =>
  (real) =>
    endingItsChildren(withoutAction(real, path, action))

modelSuite({
  name: 'run',
  charts: [runMachine],
  parts: {
    'from the beginning': look(BEGINNING, {
      'S42: tools are used before the answer that asks for them is written': changed(
        [...WORKING, 'thinking', 'invoke', 'onDone', '2', 'target'],
        'callingTools',
      ),
      'S39: a shutdown is not a no': without(['states', 'awaitingApproval', 'on', 'drain', 'actions'], 'denyAll'),
      'S40: the first word decides for both': (real) =>
        endingItsChildren(real.provide({ guards: { isLast: () => true } })),
      'the last answer may ask for more': (real) =>
        endingItsChildren(real.provide({ guards: { isOutOfSteps: () => false } })),
      'S23: what is said to a run is not written first': changed(
        [...WORKING, 'steering', 'on', 'steering.given', '1', 'target'],
        'thinking',
      ),
      'a run has no deadline': changed(['states', 'working', 'after'], {}),
      'a defect is told as if it were foreseen': (real) =>
        endingItsChildren(real.provide({ guards: { isDefect: () => false } })),
    }),
    'S42: after a crash at work': look(LOST_AT_WORK, {
      'a call whose end nobody knows is repeated': changed(
        [...WORKING, 'deciding', 'always', '2', 'target'],
        'thinking',
      ),
    }),
    'S42: after a crash that cut a wait for somebody’s word': look(LOST_WAITING, {
      'the wait begins anew': (real) => endingItsChildren(real.provide({ delays: { approvalMs: 300_000 } })),
    }),
    'S39: taken up by a process that ends': look(LOST_AND_ENDING, {
      'somebody is asked all the same': (real) =>
        endingItsChildren(real.provide({ guards: { isTooLate: () => false } })),
    }),
    'a history without room': lookAtHistory('summarising', {
      'the answer does not wait for the summary': changed(
        [...WORKING, 'beginning', 'always', '0', 'target'],
        'deciding',
      ),
      'a summary that fails ends the run': changed(
        [...WORKING, 'summarising', 'invoke', 'onError', '1', 'target'],
        '#run.failed',
      ),
    }),
    'a history without room, and nothing may be summarised': lookAtHistory('shortened', {
      'it is summarised all the same': (real) =>
        endingItsChildren(
          real.provide({ guards: { needsSummary: ({ context }) => context.input.history.length > 1 } }),
        ),
    }),
    'its tools cannot be held': look(
      { ...BEGINNING, at: 'broken', opened: false },
      {
        'they can be held after all': (real) => real,
      },
      (real) =>
        endingItsChildren(
          real.provide({
            actors: {
              toolbox: fromCallback(() => {
                throw new Error('a defect')
              }),
            },
          }),
        ),
    ),
  },
})
