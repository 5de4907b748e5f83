// Run: one execution of an agent, from the messages of a turn to its outcome. Invoked by its session, which owns the commit.
//   Each step is on disk before the next begins; after a crash a run goes on where its steps end.
//   A history that has no room is summarised before the first answer, and never after it.
//   S7's sibling: a run ends by itself. Its work has a deadline, an approval has one, and its answers are counted.
//   An expected failure is an outcome that the sender is told. A defect is not: it fails the session, which restarts from its
//   last commit, so that a message that keeps breaking it is counted.

import { leftOut, needs, thinking, words } from './run-words.ts'

export const runMachine = words.createMachine({
  id: 'run',
  description: 'One execution of an agent. Ending it closes the request to the model and ends its tools.',
  context: ({ input }) => ({
    input,
    steps: input.steps,
    written: input.steps.length,
    draining: input.draining,
    outcome: { kind: 'failed', failure: unfinished },
  }),
  initial: 'working',
  output: ({ context }) => context.outcome,
  invoke: {
    id: 'toolbox',
    src: 'toolbox',
    input: ({ context }) => ({ session: context.input.session }),
    onError: { actions: { type: 'escalate', params: ({ event }) => ({ error: event.error }) } },
  },
  on: { drain: { description: 'The gateway ends: it finishes, and asks nobody any more.', actions: 'beginDrain' } },
  states: {
    working: {
      description: 'The model answers, tools are used, and so on until an answer that asks for nothing.',
      initial: 'beginning',
      after: { runMsMax: { target: 'failed', actions: 'keepTimeout' } },
      states: {
        beginning: {
          description: 'The history has room beside the turn, or is given room: never in the middle of a run.',
          always: [
            { guard: 'needsSummary', target: 'summarising' },
            {
              guard: 'isTooLong',
              target: 'deciding',
              actions: [{ type: 'noteLeftOut', params: ({ context }) => leftOut(context) }, 'leaveOutOldest'],
            },
            { target: 'deciding' },
          ],
        },
        summarising: {
          description:
            'A summary takes the place of the history, once a turn. Without one the oldest turns are left out.',
          invoke: {
            id: 'summarise',
            src: 'summarise',
            input: ({ context }) => context.input,
            onDone: {
              target: 'beginning',
              actions: { type: 'keepSummary', params: ({ event }) => ({ history: event.output }) },
            },
            onError: [
              {
                guard: { type: 'isDefect', params: ({ event }) => ({ error: event.error }) },
                actions: { type: 'escalate', params: ({ event }) => ({ error: event.error }) },
              },
              {
                target: 'deciding',
                actions: [{ type: 'noteLeftOut', params: ({ context }) => leftOut(context) }, 'leaveOutOldest'],
              },
            ],
          },
        },
        deciding: {
          description: 'What comes next follows from the steps alone.',
          always: [
            { guard: 'isTooLate', target: 'recording', actions: 'denyAll' },
            { guard: 'awaitsApproval', target: '#run.awaitingApproval' },
            { guard: 'hasOpenCalls', target: 'callingTools' },
            { guard: 'isBetweenAnswers', target: 'steering' },
            { target: 'thinking' },
          ],
        },
        thinking: {
          description: 'The model is answering.',
          invoke: {
            id: 'think',
            src: 'think',
            input: ({ context }) => thinking(context),
            onDone: [
              {
                guard: { type: 'isFinal', params: ({ event }) => event.output },
                target: '#run.done',
                actions: { type: 'keepOutcome', params: ({ event }) => event.output },
              },
              {
                guard: 'isOutOfSteps',
                target: '#run.failed',
                actions: { type: 'keepOutOfSteps', params: ({ event }) => event.output },
              },
              { target: 'recording', actions: { type: 'keepAnswer', params: ({ event }) => event.output } },
            ],
            onError: [
              {
                guard: { type: 'isDefect', params: ({ event }) => ({ error: event.error }) },
                actions: { type: 'escalate', params: ({ event }) => ({ error: event.error }) },
              },
              {
                target: '#run.failed',
                actions: { type: 'keepFailure', params: ({ event }) => ({ error: event.error }) },
              },
            ],
          },
        },
        recording: {
          description: 'New steps are written, with the questions that they put to people.',
          invoke: {
            id: 'record',
            src: 'record',
            input: ({ context }) => needs(context),
            onDone: { target: 'deciding', actions: 'noteWritten' },
            onError: { actions: { type: 'escalate', params: ({ event }) => ({ error: event.error }) } },
          },
        },
        callingTools: {
          description:
            'Tools are at work, all that the answer asked for at once; each result is written when it is there.',
          invoke: {
            id: 'act',
            src: 'act',
            input: ({ context }) => ({ run: context.input, steps: context.steps }),
            onDone: {
              target: 'deciding',
              actions: [{ type: 'keepResults', params: ({ event }) => ({ steps: event.output }) }, 'noteWritten'],
            },
            onError: { actions: { type: 'escalate', params: ({ event }) => ({ error: event.error }) } },
          },
        },
        steering: {
          description: 'Between two answers the session gives what was said meanwhile.',
          entry: 'requestSteering',
          on: {
            'steering.given': [
              { guard: { type: 'isNothing', params: ({ event }) => event }, target: 'thinking' },
              {
                description: 'It is part of this turn from now on.',
                target: 'recording',
                actions: { type: 'keepSteering', params: ({ event }) => event },
              },
            ],
          },
        },
      },
    },
    awaitingApproval: {
      description: 'Somebody has to decide about a tool; the deadline and a shutdown decide no.',
      entry: 'tellApprovals',
      exit: 'tellNoApprovals',
      after: { approvalMs: { target: 'working.recording', actions: 'denyAll' } },
      on: {
        'approval.decided': [
          {
            description: 'Nothing else waits for somebody’s word.',
            guard: { type: 'isLast', params: ({ event }) => event },
            target: 'working',
            actions: [{ type: 'keepDecision', params: ({ event }) => event }, 'noteWritten'],
          },
          { actions: [{ type: 'keepDecision', params: ({ event }) => event }, 'noteWritten'] },
        ],
        drain: {
          description: 'Nobody can answer any more: that is a no.',
          target: 'working.recording',
          actions: ['beginDrain', 'denyAll'],
        },
      },
    },
    done: { type: 'final', description: 'An answer is there.' },
    failed: { type: 'final', description: 'No answer; the sender is told why.' },
  },
})

const unfinished = { kind: 'permanent', reason: 'cancelled', message: 'the run was ended' } as const
