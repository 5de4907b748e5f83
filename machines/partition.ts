// Partition: supervises at most PARTITION_CHILDREN_MAX sessions and deliveries of one channel. It knows nothing of their work.
//   A child that fails takes nobody along: it is stopped, and started again after a backoff; a session's messages come back from
//   the store, so that nothing depends on what the failed one held in memory.
//   A child is stopped at rest only when it has seen the last message that was routed to it (see placement.ts).
//   A newer definition reaches a session with the next message: what it says is asked for only when one comes.
//   While a session waits for its restart its messages are on disk; those that come during the read go in behind it.

import { failureIn, words } from './partition-words.ts'

export const partitionMachine = words.createMachine({
  id: 'partition',
  description: 'Supervises at most 64 sessions and deliveries; one failure is one child’s.',
  context: ({ input }) => ({ ...input, children: {} }),
  initial: 'supervising',
  states: {
    supervising: {
      description: 'Children are started by their first message and stopped at rest.',
      on: {
        'message.route': { description: 'To its session, which its first message starts.', actions: 'routeMessage' },
        'outbox.route': { description: 'Wakes the delivery of a conversation.', actions: 'routeOutbox' },
        'child.rested': { description: 'At rest, and has seen all that was routed to it.', actions: 'noteRested' },
        'restart.due': { description: 'A failed child’s backoff is over.', actions: 'restart' },
        sweep: { description: 'Who has rested for four sweeps is unloaded.', actions: 'passivate' },
        redefined: {
          description: 'A newer definition is served; each session hears of it with its next message.',
          actions: 'redefine',
        },
        'xstate.error.actor.*': [
          {
            description: 'Failed too often: what is unfinished becomes dead letters.',
            guard: 'givesUp',
            actions: ['stopFailed', { type: 'noteFailure', params: failureIn }, 'giveUp'],
          },
          {
            description: 'One child failed, and only that one is started again.',
            actions: ['stopFailed', { type: 'noteFailure', params: failureIn }, 'restartLater'],
          },
        ],
        'xstate.done.actor.*': { description: 'Its messages were read: the session begins anew.', actions: 'resume' },
        drain: {
          description: 'The gateway ends: runs finish, none begins.',
          target: 'draining',
          actions: { type: 'tellChildren', params: ({ event }) => ({ ending: event }) },
        },
      },
    },
    draining: {
      description: 'No session is started any more: its messages are on disk. What is owed is still sent.',
      on: {
        halt: {
          description: 'The time for runs is over.',
          actions: { type: 'tellChildren', params: ({ event }) => ({ ending: event }) },
        },
        'outbox.route': { actions: 'routeOutbox' },
        'child.rested': { actions: 'noteRested' },
        'xstate.error.actor.*': { actions: ['stopFailed', { type: 'noteFailure', params: failureIn }, 'forget'] },
        'xstate.done.actor.*': { actions: 'stopFailed' },
      },
    },
  },
})
