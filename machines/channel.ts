// Channel: one configured way in and out. It keeps one connection alive and routes what comes in to its partitions.
//   C1. A channel's failure changes no other channel: it is reported and restarted here.
//   C2. One poller per token: only `open` has a connection, and it is left after `connection.ended`, when nothing of it runs.
//   C2. A newer definition that needs another connection is tried beside the living one by its credential alone, and then replaces it.
//   M5. Before it opens it takes up what an earlier process accepted and did not finish.

import { servedBy } from './adoption.ts'
import { missingFailure, SILENCE } from './channel-failure.ts'
import { Placement } from './placement.ts'
import { failedChild, failureIn, missingOfNext, unreadBy, words } from './channel-words.ts'

export const channelMachine = words.createMachine({
  id: 'channel',
  description: 'One connection, kept alive; partitions of sessions and deliveries behind it.',
  context: ({ input }) => ({
    ...input,
    placement: new Placement(),
    failure: null,
    failures: 0,
    unswept: [],
    servers: {},
    unread: 0,
    next: null,
    proven: null,
    trials: 0,
    after: 'connecting',
  }),
  initial: 'recovering',
  on: {
    'message.accepted': { description: 'To the partition of its session.', actions: 'routeMessage' },
    'outbox.owed': { description: 'Wakes the delivery of a conversation.', actions: 'routeOutbox' },
    'child.stopped': { description: 'Its place in its partition is free.', actions: 'freePlace' },
    sweep: { description: 'Who rests is unloaded.', guard: 'isSwept', actions: ['beginSweep', 'sweepNext'] },
    'sweep.next': { description: 'One partition after the other, so that nobody waits.', actions: 'sweepNext' },
    'mcp.requested': { description: 'To the actor of a server, which it starts.', actions: 'passRequest' },
    'mcp.withdrawn': { description: 'Nobody waits for it any more.', actions: 'passWithdrawal' },
    halt: { description: 'The time that runs had is over.', actions: 'tellPartitions' },
    redefined: [
      { description: 'What it serves already is said again.', guard: 'isServed', actions: 'tellAdoption' },
      { actions: ['redefine', 'passOn'] },
    ],
    'xstate.error.actor.*': [
      {
        description: 'Its sessions and deliveries come back from the store, in another one.',
        guard: 'isPartition',
        actions: [{ type: 'noteFailure', params: failedChild }, 'replacePartition'],
      },
      { guard: 'isMcp', actions: [{ type: 'noteFailure', params: failedChild }, 'dropServer'] },
      {
        description: 'Of a recovery: what it could not read is read later.',
        actions: [{ type: 'noteUnread', params: unreadBy }, 'recoverLater'],
      },
    ],
    'xstate.done.actor.*': { description: 'A recovery has told everything.', actions: 'endRecovery' },
    'recovery.due': { description: 'The disk is asked again.', actions: 'recoverAgain' },
  },
  states: {
    recovering: {
      description: 'Takes up what an earlier process accepted and did not finish.',
      entry: { type: 'report', params: { state: 'connecting' } },
      initial: 'reading',
      on: {
        redefined: { actions: ['redefine', 'takeNext', 'passOn'] },
        drain: { target: 'stopped', actions: 'tellPartitions' },
      },
      states: {
        reading: {
          description: 'The store is asked what is unfinished.',
          invoke: {
            id: 'recover',
            src: 'recover',
            input: ({ context }) => ({ channel: context.definition.id }),
            onDone: [
              { guard: 'lacksSomething', target: '#channel.failed', actions: 'noteMissing' },
              { target: '#channel.open' },
            ],
            onError: { target: 'readingAgain', actions: { type: 'noteEnd', params: ({ event }) => failureIn(event) } },
          },
        },
        readingAgain: { description: 'The disk did not answer; it is asked again.', after: { backoff: 'reading' } },
      },
    },

    open: {
      description: 'There is a connection, or one is being made or ended.',
      initial: 'connecting',
      invoke: {
        id: 'connection',
        src: 'connection',
        input: ({ context }) => servedBy(context),
        onError: { target: 'retrying', actions: { type: 'noteEnd', params: ({ event }) => failureIn(event) } },
      },
      states: {
        connecting: {
          description: 'The platform has not answered yet.',
          entry: { type: 'report', params: { state: 'connecting' } },
          after: { connectMsMax: { target: 'closing', actions: ['noteSilence', 'thenRetrying'] } },
          on: { 'connection.live': { description: 'The platform knows the credential.', target: 'live' } },
        },
        live: {
          description: 'Messages come in.',
          entry: [
            'forgetFailure',
            'prove',
            { type: 'report', params: { state: 'live' } },
            { type: 'wakeOwed', params: ({ context }) => ({ channel: context.definition.id }) },
          ],
          after: { stableMs: { actions: 'forgetFailures' } },
          initial: 'serving',
          states: {
            serving: {
              description: 'The newest definition, or the one that is kept in its place.',
              always: [
                {
                  guard: 'nextLacksSomething',
                  actions: { type: 'refuseNext', params: missingOfNext },
                },
                { guard: 'hasNext', target: 'trying' },
              ],
            },
            trying: {
              description: 'The newest definition is tried out; the earlier one serves.',
              invoke: {
                id: 'trial',
                src: 'trial',
                input: ({ context }) => context.next ?? servedBy(context),
                onDone: { target: '#channel.open.closing', actions: 'thenRedefined' },
                onError: [
                  {
                    guard: { type: 'isPermanent', params: ({ event }) => failureIn(event) },
                    target: 'serving',
                    actions: { type: 'refuseNext', params: ({ event }) => failureIn(event) },
                  },
                  { target: 'tryingAgain', actions: { type: 'noteTrial', params: ({ event }) => failureIn(event) } },
                ],
              },
              after: {
                connectMsMax: { target: 'tryingAgain', actions: { type: 'noteTrial', params: { failure: SILENCE } } },
              },
              on: { redefined: { target: 'serving', actions: ['redefine', 'passOn', 'tellConnection'] } },
            },
            tryingAgain: {
              description: 'Trying can help; nobody misses anything meanwhile.',
              after: { trialBackoff: 'trying' },
              on: { redefined: { target: 'serving', actions: ['redefine', 'passOn', 'tellConnection'] } },
            },
          },
        },
        closing: {
          description: 'The old connection is ending; only then may there be another.',
          entry: 'close',
          // Stuck is said and not left: only the end of the old connection may lead to another one (C2).
          after: { closeMsMax: { actions: ['noteStuck', { type: 'report', params: { state: 'failed' } }] } },
          on: {
            control: [
              { guard: { type: 'leadsTo', params: { state: 'stopped' } } },
              { guard: { type: 'isControl', params: { control: 'pause' } }, actions: 'thenPaused' },
              { actions: 'thenConnecting' },
            ],
            drain: { actions: ['thenStopped', 'tellPartitions'] },
            'message.accepted': { guard: { type: 'leadsTo', params: { state: 'stopped' } } },
            'connection.ended': [
              { guard: { type: 'leadsTo', params: { state: 'paused' } }, target: '#channel.paused' },
              { guard: { type: 'leadsTo', params: { state: 'stopped' } }, target: '#channel.stopped' },
              {
                guard: { type: 'leadsTo', params: { state: 'redefined' } },
                target: '#channel.open',
                reenter: true,
                actions: ['takeNextOnTrial', 'passOn'],
              },
              {
                guard: 'isSilentOnTrial',
                target: '#channel.open',
                reenter: true,
                actions: [{ type: 'goBack', params: ({ context }) => ({ failure: context.failure }) }, 'passOn'],
              },
              { guard: { type: 'leadsTo', params: { state: 'retrying' } }, target: '#channel.retrying' },
              { target: '#channel.open', reenter: true },
            ],
          },
        },
      },
      on: {
        control: [
          { guard: { type: 'isControl', params: { control: 'pause' } }, target: '.closing', actions: 'thenPaused' },
          {
            description: 'Also with a credential that was replaced.',
            guard: { type: 'isControl', params: { control: 'reconnect' } },
            target: '.closing',
            actions: 'thenConnecting',
          },
        ],
        redefined: [
          { guard: 'isServed', actions: 'tellAdoption' },
          { actions: ['redefine', 'passOn', 'tellConnection'] },
        ],
        drain: {
          description: 'Nothing new is taken; runs finish, what is owed is sent.',
          target: '.closing',
          actions: ['thenStopped', 'tellPartitions'],
        },
        'connection.ended': [
          {
            description: 'The newer definition was never live: the earlier one serves again.',
            guard: 'hasWayBack',
            target: 'open',
            reenter: true,
            actions: [{ type: 'goBack', params: ({ event }) => ({ failure: event.failure }) }, 'passOn'],
          },
          {
            guard: { type: 'isPermanent', params: ({ event }) => ({ failure: event.failure }) },
            target: 'failed',
            actions: { type: 'noteEnd', params: ({ event }) => ({ failure: event.failure }) },
          },
          { target: 'retrying', actions: { type: 'noteEnd', params: ({ event }) => ({ failure: event.failure }) } },
        ],
      },
    },

    retrying: {
      description: 'Trying can help; it is tried again after a growing wait.',
      entry: { type: 'report', params: { state: 'retrying' } },
      always: [
        {
          guard: 'nextLacksSomething',
          target: '#channel.failed',
          reenter: true,
          actions: ['takeNext', 'passOn', 'noteMissing'],
        },
        {
          description: 'Nothing is served, so the newest definition is taken as it is.',
          guard: 'hasNext',
          target: '#channel.open',
          actions: ['takeNext', 'passOn'],
        },
      ],
      after: { backoff: 'open' },
      on: {
        control: [
          { guard: { type: 'isControl', params: { control: 'pause' } }, target: 'paused' },
          { target: 'open', actions: 'thenConnecting' },
        ],
        drain: { target: 'stopped', actions: 'tellPartitions' },
      },
    },

    paused: {
      description: 'An operator’s hand: nothing is taken; what was accepted is still answered.',
      entry: ['forgetFailure', { type: 'report', params: { state: 'paused' } }],
      always: { guard: 'hasNext', actions: ['takeNextAtRest', 'passOn'] },
      on: {
        control: [
          { guard: { type: 'isControl', params: { control: 'pause' } } },
          {
            guard: 'lacksSomethingAndHasWayBack',
            target: 'open',
            actions: [{ type: 'goBack', params: ({ context }) => ({ failure: missingFailure(context) }) }, 'passOn'],
          },
          { guard: 'lacksSomething', target: 'failed', actions: ['thenConnecting', 'noteMissing'] },
          { target: 'open', actions: 'thenConnecting' },
        ],
        drain: { target: 'stopped', actions: 'tellPartitions' },
      },
    },

    failed: {
      description: 'Trying cannot help until somebody changes something.',
      entry: { type: 'report', params: { state: 'failed' } },
      always: [
        {
          guard: 'nextLacksSomething',
          target: '#channel.failed',
          reenter: true,
          actions: ['takeNext', 'passOn', 'noteMissing'],
        },
        {
          description: 'Nothing is served, so the newest definition is taken as it is.',
          guard: 'hasNext',
          target: '#channel.open',
          actions: ['takeNext', 'passOn'],
        },
      ],
      on: {
        control: [
          { guard: { type: 'isControl', params: { control: 'pause' } }, target: 'paused' },
          { guard: 'lacksSomething' },
          { target: 'open', actions: 'thenConnecting' },
        ],
        drain: { target: 'stopped', actions: 'tellPartitions' },
      },
    },

    stopped: {
      description: 'Takes nothing any more; runs finish and what is owed is sent, by the gateway’s deadline.',
      entry: { type: 'report', params: { state: 'stopped' } },
      // What a recovery still reads is on disk and is answered after the next start.
      on: { 'message.accepted': {}, 'recovery.due': {}, redefined: {} },
    },
  },
})
