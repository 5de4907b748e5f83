// The session against a model of what can be seen of it: every state by the shortest way, and every pair of a state and an event,
// also those that must change nothing. The model knows nothing of the session's chart.

import { assign, setup } from 'xstate'
import { describe, expect, test } from 'vitest'
import { sessionMachine } from '../../machines/session.ts'
import { withChanged } from '../support/broken.ts'
import { acceptedMessage } from '../support/messages.ts'
import { caughtBy, shortestPaths, type Subject, tours } from '../support/paths.ts'
import { sessionRig } from '../support/session-rig.ts'
import { prepared } from '../support/definitions.ts'
import { settled } from '../support/world.ts'

/** The rig's queue_limit. */
const LIMIT = 2

const EVENTS = [
  { type: 'message' },
  { type: 'stop' },
  { type: 'slot' },
  { type: 'prepared' },
  { type: 'answered' },
  { type: 'committed' },
  { type: 'drain' },
] as const

const model = setup({
  types: { context: {} as { waiting: number; draining: boolean }, events: {} as (typeof EVENTS)[number] },
  actions: {
    keep: assign({ waiting: ({ context }) => Math.min(LIMIT, context.waiting + 1) }),
    take: assign({ waiting: ({ context }) => context.waiting - 1 }),
    forget: assign({ waiting: 0 }),
    drain: assign({ draining: true }),
  },
  guards: { draining: ({ context }) => context.draining, waiting: ({ context }) => context.waiting > 0 },
}).createMachine({
  context: { waiting: 0, draining: false },
  initial: 'idle',
  states: {
    idle: { on: { message: { target: 'claimed', actions: 'keep' }, drain: 'draining' } },
    claimed: {
      on: {
        message: { actions: 'keep' },
        stop: { target: 'idle', actions: 'forget' },
        slot: { target: 'preparing', actions: 'take' },
        drain: 'draining',
      },
    },
    preparing: {
      on: {
        message: { actions: 'keep' },
        stop: { target: 'idle', actions: 'forget' },
        prepared: 'working',
        drain: 'draining',
      },
    },
    working: {
      on: {
        message: { actions: 'keep' },
        stop: { target: 'idle', actions: 'forget' },
        answered: 'committing',
        drain: { actions: 'drain' },
      },
    },
    committing: {
      on: {
        message: { actions: 'keep' },
        stop: { actions: 'forget' },
        committed: [
          { guard: 'draining', target: 'draining' },
          { guard: 'waiting', target: 'claimed' },
          { target: 'idle' },
        ],
        drain: { actions: 'drain' },
      },
    },
    draining: {},
  },
})

const STATES = {
  idle: 'idle',
  claimed: { pending: 'waiting' },
  preparing: { pending: 'preparing' },
  working: { running: 'working' },
  committing: { running: { committing: 'writing' } },
  draining: 'draining',
} as const

const MODEL = { machine: model, events: EVENTS }

describe('every state by its shortest way', () => {
  test.each(shortestPaths(MODEL))('$description', (path) => path.on(subject()))
})

describe('S1 S5: every pair of a state and an event', () => {
  test.each(tours(MODEL).paths)('$description', (path) => path.on(subject()))
})

describe('a broken session is caught', () => {
  const working = ['states', 'running', 'states', 'working']
  test.each([
    ['stop keeps the queue', [...working, 'on', 'message.routed', '3', 'actions'], ['noteRouted', 'forgetTurn']],
    ['stop does not end the run', [...working, 'on', 'message.routed', '3', 'target'], undefined],
    ['a run ends without a commit', [...working, 'invoke', 'onDone'], '#session.idle'],
  ])('%s', async (_, path, value) => {
    const broken = withChanged(sessionMachine, path, value)
    expect(await caughtBy(tours(MODEL).paths, () => subject(broken))).not.toBeNull()
  })
})

function subject(machine = sessionMachine): Subject<typeof model> {
  const rig = sessionRig('queue', machine)
  let routed = 0
  const message = (text: string, name: string | null) => {
    routed += 1
    const command = name === null ? null : { name, text: '' }
    return { type: 'message.routed', routed, message: acceptedMessage(text, { seq: routed, command }) } as const
  }
  const turn = [{ message: acceptedMessage('x', { seq: 1_000 }), text: 'x', manner: 'queue', task: 'answer' }] as const
  const play = {
    message: () => rig.send(message('hello', null)),
    stop: () => rig.send(message('/stop', 'stop')),
    slot: () => rig.send({ type: 'slot.granted' }),
    drain: () => rig.send({ type: 'drain' }),
    prepared: async () => rig.steps.prepare.at(-1)?.resolve(prepared(turn)),
    answered: async () => rig.steps.run.at(-1)?.resolve({ kind: 'answered', text: 'yes' }),
    committed: async () => rig.steps.commit.at(-1)?.resolve(),
  }
  return {
    async play(event) {
      await play[event.type]()
      await settled()
    },
    async compare(state) {
      const name = state.value
      expect(rig.failed()).toBe(false)
      expect({ state: rig.state(), waiting: rig.waiting(), runs: rig.runsAlive() }).toEqual({
        state: STATES[name],
        // What waits when a drain begins is on disk; nobody looks at the memory of it any more.
        waiting: name === 'draining' ? rig.waiting() : state.context.waiting,
        runs: name === 'working' ? 1 : 0,
      })
    },
  }
}
