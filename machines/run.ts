// Run: one execution of an agent, from the messages of a turn to its outcome. Invoked by its session, which owns the commit.
//   S7's sibling: a run ends by itself, at the latest after RUN_MS_MAX.
//   An expected failure is an outcome that the sender is told. A defect is not: it fails the session, which restarts from its
//   last commit, so that a message that keeps breaking it is counted.

import { assign, fromPromise, setup } from 'xstate'
import type { RunOutcome } from './commits.ts'
import { type Failure, failureOf, unprovided } from './failure.ts'
import { RUN_MS_MAX } from './limits.ts'
import type { Sender, TranscriptEntry } from './messages.ts'

export interface RunInput {
  readonly agent: string
  readonly channel: string
  readonly conversation: string
  readonly session: string
  readonly turn: string
  readonly history: readonly TranscriptEntry[]
  readonly messages: readonly { readonly text: string; readonly sender: Sender; readonly kind: 'dm' | 'group' }[]
}

interface RunContext {
  readonly input: RunInput
  readonly outcome: RunOutcome
}

export const runMachine = setup({
  types: {
    context: {} as RunContext,
    input: {} as RunInput,
    output: {} as RunOutcome,
  },
  actors: {
    /** One model answer; its pieces go past the machine to the channel. Stopping it closes the request. */
    think: fromPromise<string, RunInput>(() => unprovided('think')),
  },
  actions: {
    keepAnswer: assign((_, params: { text: string }) => ({
      outcome: { kind: 'answered' as const, text: params.text },
    })),
    keepFailure: assign((_, params: { failure: Failure }) => ({
      outcome: { kind: 'failed' as const, failure: params.failure },
    })),
    escalate: (_, params: { error: unknown }) => {
      throw params.error
    },
  },
  guards: {
    isDefect: (_, params: { error: unknown }) => failureOf(params.error).kind === 'defect',
  },
  delays: { runMsMax: RUN_MS_MAX },
}).createMachine({
  id: 'run',
  description: 'One execution of an agent. Ending it closes the request to the model.',
  context: ({ input }) => ({ input, outcome: { kind: 'failed', failure: unfinished } }),
  initial: 'thinking',
  output: ({ context }) => context.outcome,
  states: {
    thinking: {
      description: 'The model is answering.',
      invoke: {
        id: 'think',
        src: 'think',
        input: ({ context }) => context.input,
        onDone: {
          target: 'done',
          actions: { type: 'keepAnswer', params: ({ event }) => ({ text: event.output }) },
        },
        onError: [
          {
            guard: { type: 'isDefect', params: ({ event }) => ({ error: event.error }) },
            actions: { type: 'escalate', params: ({ event }) => ({ error: event.error }) },
          },
          {
            target: 'failed',
            actions: { type: 'keepFailure', params: ({ event }) => ({ failure: failureOf(event.error) }) },
          },
        ],
      },
      after: {
        runMsMax: { target: 'failed', actions: { type: 'keepFailure', params: { failure: tooLong() } } },
      },
    },
    done: { type: 'final', description: 'An answer is there.' },
    failed: { type: 'final', description: 'No answer; the sender is told why.' },
  },
})

const unfinished: Failure = { kind: 'permanent', reason: 'cancelled', message: 'the run was ended' }

function tooLong(): Failure {
  return {
    kind: 'permanent',
    reason: 'timeout',
    message: `the run took longer than ${RUN_MS_MAX / 60_000} minutes and was ended`,
    remedy: 'Ask for less at once, or try again with /retry',
  }
}
