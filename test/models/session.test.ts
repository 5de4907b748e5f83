// Session: the real actor with its real run on the real store against what can be seen of it (see session-model.ts).

import { enqueueActions, sendTo } from 'xstate'
import { gateway } from '../../machines/addresses.ts'
import { sessionMachine } from '../../machines/session.ts'
import { endingItsChildren } from '../../src/actors/ending.ts'
import { withChanged, withoutAction } from '../support/broken.ts'
import { type AnyPart, modelSuite, part } from '../support/model-suite.ts'
import { sessionModel } from './session-model.ts'
import { ALBUM, COMMANDS, INTERRUPT, LEAVING, QUEUE, REDEFINED, type SessionPart, TOOLS } from './session-parts.ts'
import { type SessionOptions, sessionSubject } from './session-subject.ts'

type Broken = Pick<SessionOptions, 'broken' | 'brokenStore'>

function look(what: SessionPart, broken: Readonly<Record<string, Broken>>): AnyPart {
  const { mode, run, events, possible } = what
  return part({
    model: { machine: sessionModel(mode, run), events, possible },
    subject: (taken) => sessionSubject({ mode, taken }),
    look: ({ context }) => [context.at, context.heard, context.failures],
    broken: Object.fromEntries(
      Object.entries(broken).map(([title, wrong]) => [title, () => sessionSubject({ mode, ...wrong })]),
    ),
  })
}

const PENDING = ['states', 'pending']
const WORKING = ['states', 'running', 'states', 'working']
const ANSWERS = [...WORKING, 'on', 'message.routed']

const changed = (path: readonly string[], value: unknown): Broken => ({
  broken: (real) => endingItsChildren(withChanged(real, path, value)),
})

const without = (path: readonly string[], action: string): Broken => ({
  broken: (real) => endingItsChildren(withoutAction(real, path, action)),
})

modelSuite({
  name: 'session',
  charts: [sessionMachine],
  parts: {
    'messages that wait their turn': look(QUEUE, {
      'S1: a message that comes while pending begins a run of its own': changed(
        [...PENDING, 'on', 'message.routed', '4'],
        { target: '#session.running', actions: ['noteRouted', 'keep'] },
      ),
      'S1: a message that comes while pending claims again': changed([...PENDING, 'on', 'message.routed', '4'], {
        target: '.waiting',
        actions: ['noteRouted', 'keep'],
      }),
      'S3: an answer is told before it is on disk': {
        brokenStore: (real) => ({
          ...real,
          commit: (commit) => {
            real.commit(commit).catch(() => {})
            return Promise.resolve()
          },
        }),
      },
      'S4: the queue is forgotten on /stop and not settled': changed(
        [...ANSWERS, '3', 'actions', '1', 'params'],
        () => ({
          channel: 'a',
          sessionKey: 'a/c1',
          settled: [],
          entries: [],
          replies: [],
        }),
      ),
      'S5: the queue is kept on /stop': {
        broken: (real) =>
          endingItsChildren(
            real.provide({
              actions: {
                endTurn: enqueueActions(({ context, enqueue }) => {
                  enqueue.assign({ turn: [], turnId: '' })
                  enqueue.sendTo(gateway, { type: 'slot.released', sessionKey: context.key })
                }),
              },
            }),
          ),
      },
      'S6: /stop does not end the run': changed([...ANSWERS, '3', 'target'], undefined),
      'S7: preparation has no deadline': changed([...PENDING, 'states', 'preparing', 'after'], {}),
      'a run ends without a commit': changed([...WORKING, 'invoke', 'onDone'], '#session.idle'),
      'S44: a shutdown counts the try that it ended': without([...WORKING, 'on', 'halt', 'actions'], 'releaseTries'),
    }),
    'a message that interrupts': look(INTERRUPT, {
      'S24: a photo interrupts': {
        broken: (real) =>
          endingItsChildren(
            real.provide({
              guards: { interrupts: ({ event }) => event.type === 'message.routed' && event.message.command === null },
            }),
          ),
      },
      'S20: an interrupt leaves its turn unsettled': without([...ANSWERS, '6', 'actions'], 'record'),
    }),
    'a client that goes away': look(LEAVING, {
      'S4: its message is left unsettled': without([...WORKING, 'on', 'message.withdrawn', '0', 'actions'], 'record'),
      'its run goes on': changed([...WORKING, 'on', 'message.withdrawn', '0', 'target'], undefined),
      'what waits behind it is discarded with it': {
        broken: (real) => endingItsChildren(real.provide({ guards: { isAlone: () => true } })),
      },
      'it takes the run of another one along': {
        broken: (real) => endingItsChildren(real.provide({ guards: { isTurn: () => true } })),
      },
      'it is answered all the same': without([...PENDING, 'on', 'message.withdrawn', '1', 'actions'], 'takeOut'),
    }),
    albums: look(ALBUM, {
      'S24: each photo of an album is a turn': {
        broken: (real) => endingItsChildren(real.provide({ guards: { mayGrow: () => false } })),
      },
      'a gathering holds a slot': changed([...PENDING, 'states', 'gathering', 'entry'], []),
    }),
    'the history': look(COMMANDS, {
      '/undo is answered by nobody': without(['states', 'idle', 'on', 'message.routed', '4', 'actions'], 'undo'),
      'S34: /new leaves the history': without(['states', 'idle', 'on', 'message.routed', '3', 'actions'], 'record'),
    }),
    'a newer definition': look(REDEFINED, {
      'a newer definition is not taken': without(['on', 'redefined', 'actions'], 'redefine'),
    }),
    'a run that uses tools': look(TOOLS, {
      'S39: /approve does not reach the run': without([...ANSWERS, '1', 'actions'], 'passDecision'),
      'S39: a shutdown waits for somebody’s word': without([...WORKING, 'on', 'drain', 'actions'], 'drainRun'),
      'S40: nobody is reminded that an approval waits': without([...ANSWERS, '7', 'actions'], 'record'),
      'S23: what is said to a run is given to it and stays in the queue': {
        broken: (real) =>
          endingItsChildren(
            real.provide({
              actions: { giveSteering: sendTo('run', { type: 'steering.given', messages: [] }) },
            }),
          ),
      },
    }),
  },
})
