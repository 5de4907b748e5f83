// Broken: subjects that are each wrong in one way, made of the real machines and parts. The simulation must catch every one, and for the
// right reason: each names the rules of which one has to be found broken first.

import { type AnyStateMachine, enqueueActions, fromCallback, fromPromise } from 'xstate'
import { takeSteering } from '../../machines/inbox.ts'
import type { Commit } from '../../machines/messages.ts'
import type { Answer, RunInput, Thinking } from '../../machines/run-words.ts'
import type { SessionContext } from '../../machines/session-context.ts'
import type { Step } from '../../machines/steps.ts'
import type { Store } from '../../src/store/store.ts'
import {
  type Breakage,
  type Config,
  hearing,
  inPartition,
  inRun,
  inSession,
  promiseIn,
  within,
  withEffects,
  withState,
} from './broken-parts.ts'
import { claimingLate, falling, hasty, lookingLater, restless } from './broken-charts.ts'

export interface Broken {
  /** With this one it is found early. */
  readonly seed?: number
  /** One of these promises is the first that it breaks. */
  readonly rules: readonly string[]
  readonly make: () => Breakage
}

export const BROKEN: Readonly<Record<string, Broken>> = {
  'a session that forgets its queue when a run ends': {
    rules: ['S4', 'S5', 'ORDER'],
    make: () => ({
      gateway: inSession((session) =>
        withState(session, ['running', 'committing', 'writing'], (writing) => ({
          ...writing,
          invoke: {
            ...(writing['invoke'] as object),
            onDone: { target: '#session.idle', actions: ['forgetTurn', 'forgetWaiting', 'releaseSlot'] },
          },
        })),
      ),
    }),
  },
  'an accept that tells the platform before the write': {
    rules: ['M5'],
    make: () => ({
      door: (door) => ({
        live: door.live,
        receive: (message) => {
          door.receive(message).catch(() => {})
          return Promise.resolve({ accepted: true, duplicate: false, seq: 0 })
        },
      }),
    }),
  },
  'a run whose late result is still committed after /stop': {
    seed: 4,
    rules: ['S6'],
    make: () => withStore((storeOf) => inRun((run) => committingLate(run, storeOf))),
  },
  'a run whose late result its successor takes for its own': {
    rules: ['S6', 'S42'],
    make: () => ({ gateway: inRun(takingLate) }),
  },
  'a delivery that sends again when the receipt was not written': {
    seed: 3,
    rules: ['D1', 'D2'],
    make: () => ({
      gateway: inPartition((partition) =>
        within(partition, 'delivery', (delivery) =>
          withState(delivery, ['recording', 'writing'], (writing) => ({
            ...writing,
            invoke: { ...(writing['invoke'] as object), onError: '#delivery.looking' },
          })),
        ),
      ),
    }),
  },
  'a passivation that ignores what was routed since the rest': {
    rules: ['S4', 'S5', 'M4'],
    make: () => ({ gateway: inPartition(restless) }),
  },
  'a recovery that skips the last message': {
    rules: ['S4', 'S5', 'ORDER', 'S42'],
    make: () => ({
      store: (store) => ({
        ...store,
        unfinished: async (...input) => (await store.unfinished(...input)).slice(0, -1),
      }),
    }),
  },
  'a second run while one is pending': {
    rules: ['S1', 'S4', 'SLOTS'],
    make: () => withStore((storeOf) => inSession((session) => hasty(session, storeOf))),
  },
  'a session that claims only after an await': {
    rules: ['S1', 'S5', 'A2', 'SLOTS'],
    make: () => ({ gateway: inSession(claimingLate) }),
  },
  'a session that looks at its queue after its run has ended': {
    seed: 2,
    // Its own assertion may say so first.
    rules: ['S4', 'S5', 'DEFECT'],
    make: () => withStore((storeOf) => inSession((session) => lookingLater(session, storeOf))),
  },
  'a tool that is repeated after a crash': {
    rules: ['S42'],
    make: () => ({ gateway: inRun(repeating) }),
  },
  'a run that begins anew after a crash': {
    rules: ['S42'],
    make: () => ({
      store: (store) => ({ ...store, begin: async (...input) => ({ ...(await store.begin(...input)), steps: [] }) }),
    }),
  },
  'a tool that begins before that is on disk': {
    rules: ['S42'],
    make: () => ({
      store: (store) => ({
        ...store,
        commit: async (commit) => {
          const written = store.commit(commit)
          if (commit.steps?.[0]?.step.kind !== 'begin') return written
          written.catch(() => {})
        },
      }),
    }),
  },
  'an approval by any name': {
    seed: 18,
    rules: ['S40'],
    make: () => ({ gateway: inSession((session) => hearing(session, withoutName)) }),
  },
  'steering that is lost between two steps': {
    seed: 2,
    rules: ['S4', 'S5', 'S23', 'ORDER'],
    make: () => ({
      gateway: inSession((session) => withEffects(session, { actions: { giveSteering: dropSteering } })),
    }),
  },
  'a toolbox that is left open': {
    rules: ['A2'],
    make: () => ({ gateway: inRun((run) => withEffects(run, { actors: { toolbox: fromCallback(() => () => {}) } })) }),
  },
  'a partial answer that is delivered': {
    seed: 30,
    rules: ['S6'],
    make: () => ({ store: (store) => ({ ...store, commit: (commit) => store.commit(withPartialReply(commit)) }) }),
  },
  'a session that takes its neighbour along': {
    rules: ['ISOLATION', 'S45', 'S4', 'S5'],
    make: () => ({ gateway: inPartition(falling) }),
  },
}

/** A breakage that needs the store of the process at work. */
function withStore(gatewayWith: (storeOf: () => Store | null) => Breakage['gateway'] & object): Breakage {
  let store: Store | null = null
  return {
    store: (given) => {
      store = given
      return given
    },
    gateway: gatewayWith(() => store),
  }
}

/** A think whose signal nobody hears: its result is committed when it comes. */
function committingLate(run: AnyStateMachine, storeOf: () => Store | null): AnyStateMachine {
  const real = promiseIn<Answer, Thinking>(run, 'think')
  const think = fromPromise<Answer, Thinking>(async (scope) => {
    const answer = await real.config(scope)
    if (scope.signal.aborted) {
      const { channel, session: sessionKey, conversation } = scope.input.run
      const replies = [{ conversation, text: answer.text, replyTo: null }]
      await storeOf()?.commit({ channel, sessionKey, settled: [], entries: [], replies })
    }
    return answer
  })
  return withEffects(run, { actors: { think } })
}

/** Whoever waits for an answer of this session takes the first that comes, whatever it was asked. */
function takingLate(run: AnyStateMachine): AnyStateMachine {
  const real = promiseIn<Answer, Thinking>(run, 'think')
  const earlier = new Map<string, Promise<Answer>>()
  const think = fromPromise<Answer, Thinking>((scope) => {
    const { session } = scope.input.run
    const before = earlier.get(session)
    const answer = real.config(scope)
    earlier.set(session, heard(answer))
    return before === undefined ? answer : Promise.race([before, answer])
  })
  return withEffects(run, { actors: { think } })
}

/** It, or nothing: its failure was somebody else's. */
function heard<T>(answer: Promise<T>): Promise<T> {
  return answer.catch(() => new Promise<T>(() => {}))
}

/** Sees no difference between a call that never began and one whose outcome nobody knows. */
function repeating(run: AnyStateMachine): AnyStateMachine {
  interface Acting {
    readonly run: RunInput
    readonly steps: readonly Step[]
  }
  const real = promiseIn<readonly Step[], Acting>(run, 'act')
  const act = fromPromise<readonly Step[], Acting>((scope) => {
    const steps = scope.input.steps.filter((step) => step.kind !== 'begin')
    return real.config({ ...scope, input: { ...scope.input, steps } })
  })
  return withEffects(run, { actors: { act } })
}

function withoutName(event: Config): Config {
  const message = event['message'] as { readonly command?: { readonly name: string } | null } | undefined
  const name = message?.command?.name
  if (name !== 'approve' && name !== 'deny') return event
  return { ...event, message: { ...message, command: { name, text: '' } } }
}

const dropSteering = enqueueActions(({ context, enqueue }) => {
  const { inbox } = takeSteering((context as SessionContext).waiting)
  enqueue.assign({ waiting: inbox })
  enqueue.sendTo('run', { type: 'steering.given', messages: [] })
})

function withPartialReply(commit: Commit): Commit {
  const partial = commit.entries.find(({ role, text }) => role === 'partial' && text !== '')
  const [, conversation = ''] = commit.sessionKey?.split('/') ?? []
  if (partial === undefined) return commit
  return { ...commit, replies: [{ conversation, text: partial.text, replyTo: null }, ...commit.replies] }
}
