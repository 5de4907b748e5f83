// Session: one agent's life in one conversation.
// Owns the inbox and the turn that is being worked on. The transcript belongs to the store, the connection to the channel.
//   S1. At most one run of a session exists: it is invoked by `running`, and the way there leads through `pending` alone.
//   S2. The inbox never exceeds its limit: see inbox.ts.
//   S5. When a session is idle its inbox is empty: what happens after a run is decided in the transition that ends it.
//   S6. Nothing of a cancelled run is delivered or stored afterwards: leaving `working` stops the run, and a stopped actor
//       has nowhere to send to.
//   S7. `pending` ends by itself: preparation has a deadline, and a slot comes free because every run has one.
// `idle → pending` is synchronous and before any await: it is the claim. There is no flag beside it.

import { turnCommit } from './commits.ts'
import { FailureError, failureOf } from './failure.ts'
import { anew, answer, decision, ending, interruption, refusal, reminder, stop, undoing } from './session-answers.ts'
import { initialContext, runInput } from './session-context.ts'
import { preparation, state, triesOfTurn, left, words } from './session-words.ts'

export const sessionMachine = words.createMachine({
  id: 'session',
  description: 'One agent’s life in one conversation: idle → pending → running is the guard against a second run.',
  context: ({ input }) => initialContext(input),
  initial: 'idle',
  on: {
    'record.failed': {
      description: 'The disk did not take an answer: restart from the last commit.',
      actions: { type: 'escalate', params: ({ event }) => ({ error: new FailureError(event.failure) }) },
    },
    redefined: {
      description: 'For what comes from now on; a run that is going on keeps what it began with.',
      actions: { type: 'redefine', params: ({ event }) => event.settings },
    },
  },
  states: {
    idle: {
      description: 'Nothing waits and nothing runs.',
      entry: ['assertEmpty', { type: 'show', params: state('idle') }, 'tellRested'],
      on: {
        'message.routed': [
          { guard: 'isKnown', actions: ['noteRouted', 'tellRested'] },
          {
            guard: { type: 'isAnsweredAtOnce', params: { during: 'idle' } },
            actions: ['noteRouted', { type: 'record', params: answer('idle') }, 'noteAnswered', 'tellRested'],
          },
          {
            guard: { type: 'isCommand', params: { name: 'stop' } },
            actions: ['noteRouted', { type: 'record', params: stop('idle') }, 'noteAnswered', 'tellRested'],
          },
          {
            guard: { type: 'isCommand', params: { name: 'new' } },
            actions: ['noteRouted', { type: 'record', params: anew('idle') }, 'noteAnswered', 'tellRested'],
          },
          {
            guard: { type: 'isCommand', params: { name: 'undo' } },
            actions: ['noteRouted', { type: 'undo', params: undoing }, 'noteAnswered', 'tellRested'],
          },
          { description: 'The claim: a run will follow.', target: 'pending', actions: ['noteRouted', 'keep'] },
        ],
        drain: { description: 'The gateway ends: nothing begins any more.', target: 'draining' },
      },
    },

    pending: {
      description: 'Claimed: a turn will run. Waits for the rest of an album, for a slot, for preparation.',
      entry: { type: 'show', params: state('pending') },
      initial: 'arriving',
      on: {
        'message.routed': [
          { guard: 'isKnown', actions: 'noteRouted' },
          {
            guard: { type: 'isAnsweredAtOnce', params: { during: 'pending' } },
            actions: ['noteRouted', { type: 'record', params: answer('pending') }, 'noteAnswered'],
          },
          {
            guard: 'endsTurn',
            target: '#session.idle',
            actions: ['noteRouted', { type: 'record', params: ending('pending') }, 'noteAnswered', 'endTurn'],
          },
          { guard: 'isFull', actions: ['noteRouted', { type: 'record', params: refusal }, 'noteAnswered'] },
          { actions: ['noteRouted', 'keep'] },
        ],
        'message.withdrawn': [
          { guard: 'isAlone', target: 'idle', actions: [{ type: 'record', params: left }, 'endTurn'] },
          { guard: 'isWaiting', actions: [{ type: 'record', params: left }, 'takeOut'] },
        ],
        drain: { target: 'draining', actions: [{ type: 'releaseTries', params: triesOfTurn }, 'releaseSlot'] },
      },
      states: {
        arriving: {
          description: 'Decides whether more of the first message may still come.',
          always: [{ guard: 'mayGrow', target: 'gathering' }, { target: 'waiting' }],
        },
        gathering: {
          description:
            'The parts of an album or of a split text become one message; nobody is kept from a slot meanwhile.',
          entry: 'releaseSlot',
          initial: 'quiet',
          after: { gatherMsMax: 'waiting' },
          states: {
            quiet: {
              description: 'Each further part begins the quiet time again.',
              after: { gatherQuietMs: '#session.pending.waiting' },
              on: {
                'message.routed': {
                  guard: 'isNewPart',
                  target: 'quiet',
                  reenter: true,
                  actions: ['noteRouted', 'keep'],
                },
              },
            },
          },
        },
        waiting: {
          description: 'For one of the slots that `concurrent_runs` allows; first come, first served.',
          entry: 'requestSlot',
          on: {
            'slot.granted': {
              description: 'Its place in the line has come.',
              target: 'preparing',
              actions: 'takeTurn',
            },
          },
        },
        preparing: {
          description: 'A try is counted, the history is loaded, files that came with the turn are read.',
          invoke: {
            id: 'prepare',
            src: 'prepare',
            input: preparation,
            onDone: [
              {
                guard: { type: 'nothingToRun', params: ({ event }) => event.output },
                target: '#session.running.committing',
                actions: { type: 'keepPrepared', params: ({ event }) => event.output },
              },
              { target: '#session.running', actions: { type: 'keepPrepared', params: ({ event }) => event.output } },
            ],
            onError: {
              target: '#session.running.committing',
              actions: { type: 'keepPreparationFailure', params: ({ event }) => ({ failure: failureOf(event.error) }) },
            },
          },
          after: { pendingMsMax: { target: '#session.running.committing', actions: 'keepPreparationTimeout' } },
          on: {
            'message.withdrawn': {
              guard: 'isTurn',
              target: 'arriving',
              actions: [{ type: 'record', params: left }, 'forgetTurn'],
            },
          },
        },
      },
    },

    running: {
      description: 'The one run of this session, then its commit.',
      entry: { type: 'show', params: state('running') },
      initial: 'working',
      on: { drain: { actions: 'beginDrain' } },
      states: {
        working: {
          description: 'The agent is at work; leaving this state ends it and closes its request.',
          invoke: {
            id: 'run',
            src: 'run',
            input: ({ context }) => runInput(context),
            onDone: {
              target: 'committing',
              actions: { type: 'keepOutcome', params: ({ event }) => ({ outcome: event.output }) },
            },
            onError: { actions: { type: 'escalate', params: ({ event }) => ({ error: event.error }) } },
          },
          on: {
            drain: { actions: ['beginDrain', 'drainRun'] },
            'steering.requested': { description: 'The run is between two answers.', actions: 'giveSteering' },
            'message.withdrawn': [
              { guard: 'isAlone', target: '#session.idle', actions: [{ type: 'record', params: left }, 'endTurn'] },
              {
                guard: 'isTurn',
                target: '#session.pending',
                actions: [{ type: 'record', params: left }, 'forgetTurn'],
              },
              { guard: 'isWaiting', actions: [{ type: 'record', params: left }, 'takeOut'] },
            ],
            'approvals.waiting': {
              description: 'What people are asked about; an answer decides the call that it names.',
              actions: { type: 'keepApprovals', params: ({ event }) => event },
            },
            halt: {
              description: 'Ended by the shutdown and not by its own doing: its try does not count.',
              target: '#session.draining',
              actions: [{ type: 'releaseTries', params: triesOfTurn }, 'forgetTurn', 'releaseSlot'],
            },
            'message.routed': [
              { guard: 'isKnown', actions: 'noteRouted' },
              {
                guard: 'decides',
                actions: ['noteRouted', { type: 'record', params: decision }, 'noteAnswered', 'passDecision'],
              },
              {
                guard: { type: 'isAnsweredAtOnce', params: { during: 'running' } },
                actions: ['noteRouted', { type: 'record', params: answer('running') }, 'noteAnswered'],
              },
              {
                guard: { type: 'isCommand', params: { name: 'stop' } },
                target: '#session.idle',
                actions: ['noteRouted', { type: 'record', params: stop('running') }, 'noteAnswered', 'endTurn'],
              },
              {
                guard: { type: 'isCommand', params: { name: 'new' } },
                target: '#session.idle',
                actions: ['noteRouted', { type: 'record', params: anew('running') }, 'noteAnswered', 'endTurn'],
              },
              { guard: 'isFull', actions: ['noteRouted', { type: 'record', params: refusal }, 'noteAnswered'] },
              {
                description: 'A newer message ends the run, and is the next turn.',
                guard: 'interrupts',
                target: '#session.pending',
                actions: ['noteRouted', 'keep', { type: 'record', params: interruption }, 'forgetTurn'],
              },
              { guard: 'isReminded', actions: ['noteRouted', 'keep', { type: 'record', params: reminder }] },
              { actions: ['noteRouted', 'keep'] },
            ],
          },
        },
        committing: {
          description:
            'History, inbox and outbox in one transaction. The run is over; what arrives waits for the next turn.',
          initial: 'writing',
          on: {
            'message.withdrawn': {
              description: 'Its client is gone: a run for it alone ends, and what waits goes on.',
              guard: 'isWaiting',
              actions: [{ type: 'record', params: left }, 'takeOut'],
            },
            'message.routed': [
              { guard: 'isKnown', actions: 'noteRouted' },
              {
                guard: { type: 'isAnsweredAtOnce', params: { during: 'running' } },
                actions: ['noteRouted', { type: 'record', params: answer('running') }, 'noteAnswered'],
              },
              {
                guard: 'endsTurn',
                actions: [
                  'noteRouted',
                  { type: 'record', params: ending('committing') },
                  'noteAnswered',
                  'dropWaiting',
                ],
              },
              { guard: 'isFull', actions: ['noteRouted', { type: 'record', params: refusal }, 'noteAnswered'] },
              { actions: ['noteRouted', 'keep'] },
            ],
          },
          states: {
            writing: {
              description:
                'What comes next is decided in the transition that ends this state: there is no moment between.',
              invoke: {
                id: 'commit',
                src: 'commit',
                input: ({ context }) => turnCommit(context, context.outcome, context.exhausted),
                onDone: [
                  { guard: 'isDraining', target: '#session.draining', actions: ['forgetTurn', 'releaseSlot'] },
                  { guard: 'hasWaiting', target: '#session.pending', actions: 'forgetTurn' },
                  { target: '#session.idle', actions: ['forgetTurn', 'releaseSlot'] },
                ],
                onError: { target: 'writingAgain', actions: 'countCommitFailure' },
              },
            },
            writingAgain: {
              description: 'The disk did not take the commit: the answer is kept and written again later.',
              after: { commitBackoff: 'writing' },
              on: {
                halt: {
                  target: '#session.draining',
                  actions: [{ type: 'releaseTries', params: triesOfTurn }, 'forgetTurn', 'releaseSlot'],
                },
                'message.routed': [
                  { guard: 'isKnown', actions: 'noteRouted' },
                  {
                    guard: 'endsTurn',
                    target: '#session.idle',
                    actions: ['noteRouted', { type: 'record', params: ending('running') }, 'noteAnswered', 'endTurn'],
                  },
                ],
              },
            },
          },
        },
      },
    },

    draining: {
      description: 'Takes nothing on: what arrives now is on disk and is answered after the next start.',
      entry: 'tellRested',
      on: { 'message.routed': { actions: ['noteRouted', 'tellRested'] } },
    },
  },
})
