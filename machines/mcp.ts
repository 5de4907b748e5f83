// MCP: one server of one agent in one channel. Started by the first who asks, started again when it ends, with a growing wait and
// within an intensity.
//   X1. At most one client lives: another one begins only after the one before it has said that nothing of it runs.
//   X2. Everybody who asks is answered once, or says that nobody waits any more: also when the server ends, hangs or never starts.
//   X3. A call is given to the server once. One that was with it when it ended is not repeated: its outcome is unknown, and that is said.
//   M2. What is asked is bounded; who finds no room is told.

import { changed, ended, endNoted, listed, listsAnswered, refused, refusedAsFull, words } from './mcp-words.ts'

export const mcpMachine = words.createMachine({
  id: 'mcp',
  description: 'An MCP server of an agent: started when it is needed, and started again when it ends.',
  context: ({ input }) => ({
    ...input,
    tools: null,
    waiting: [],
    calls: [],
    failure: null,
    failures: 0,
    closing: null,
  }),
  initial: 'idle',
  states: {
    idle: {
      description: 'Nothing runs. Whoever asks first starts it.',
      entry: 'forgetEnd',
      on: {
        'mcp.asked': {
          description: 'What the server has, or a call of a tool.',
          target: 'open',
          actions: 'keepWaiting',
        },
        'mcp.redefined': { description: 'The file has another server under this name.', actions: 'redefine' },
      },
    },

    open: {
      description: 'There is a client, or one is being made or ended.',
      initial: 'starting',
      invoke: {
        id: 'client',
        src: 'client',
        input: ({ context }) => context,
        onError: {
          target: 'deciding',
          actions: [
            { type: 'answer', params: ({ context }) => ended(context, null) },
            { type: 'keepFailure', params: { failure: null } },
          ],
        },
      },
      states: {
        starting: {
          description: 'The server has not said what it has.',
          after: { startMsMax: { target: 'closing', actions: 'becauseTooSlow' } },
          on: {
            'mcp.asked': [
              { guard: 'isFull', actions: { type: 'answer', params: refusedAsFull } },
              {
                description: 'It failed before: who begins now does not wait for it.',
                guard: 'isListAgain',
                actions: { type: 'answer', params: refused },
              },
              { actions: 'keepWaiting' },
            ],
            'mcp.dropped': { description: 'Nobody waits for it any more.', actions: 'dropWaiting' },
            'mcp.ready': {
              description: 'The server has said what it has.',
              target: 'ready',
              actions: { type: 'keepTools', params: ({ event }) => ({ tools: event.tools }) },
            },
          },
        },
        ready: {
          description: 'Calls are made, side by side.',
          entry: [{ type: 'answer', params: listsAnswered }, 'passWaiting'],
          after: { stableMs: { actions: 'forgetFailures' } },
          on: {
            'mcp.asked': [
              { guard: 'isFull', actions: { type: 'answer', params: refusedAsFull } },
              { guard: 'isList', actions: { type: 'answer', params: listed } },
              { actions: 'passCall' },
            ],
            'mcp.dropped': {
              guard: { type: 'isOpen', params: ({ event }) => ({ id: event.id }) },
              actions: 'dropCall',
            },
            'mcp.ready': {
              description: 'It has other tools now.',
              actions: { type: 'keepTools', params: ({ event }) => ({ tools: event.tools }) },
            },
            'mcp.answered': {
              description: 'A call has come to its end.',
              guard: { type: 'isOpen', params: ({ event }) => ({ id: event.answer.id }) },
              actions: [
                { type: 'answer', params: ({ event }) => ({ answers: [event.answer] }) },
                { type: 'forgetCall', params: ({ event }) => ({ id: event.answer.id }) },
              ],
            },
          },
        },
        closing: {
          description: 'The server is ending; only then may there be another.',
          entry: 'close',
          on: {
            'mcp.asked': [
              { guard: 'isFull', actions: { type: 'answer', params: refusedAsFull } },
              { actions: 'keepWaiting' },
            ],
            'mcp.dropped': { actions: 'dropWaiting' },
            'mcp.redefined': { actions: [{ type: 'answer', params: changed }, 'redefine', 'forgetAsks'] },
            'mcp.unneeded': {
              description: 'The file does not name it any more.',
              actions: [{ type: 'answer', params: changed }, 'thenIdle', 'forgetAsks'],
            },
            'mcp.ended': [
              { guard: 'isOver', target: '#mcp.exchanged' },
              {
                target: '#mcp.deciding',
                actions: [
                  { type: 'answer', params: ({ context, event }) => ended(context, event.failure) },
                  { type: 'keepFailure', params: ({ event }) => ({ failure: event.failure }) },
                ],
              },
            ],
          },
        },
      },
      on: {
        'mcp.redefined': {
          target: '.closing',
          actions: [{ type: 'answer', params: changed }, 'redefine', 'forgetAsks'],
        },
        'mcp.unneeded': {
          target: '.closing',
          actions: [{ type: 'answer', params: changed }, 'thenIdle', 'forgetAsks'],
        },
        'mcp.ended': {
          description: 'Nothing of the server runs any more.',
          target: 'deciding',
          actions: [
            { type: 'answer', params: ({ context, event }) => ended(context, event.failure) },
            { type: 'keepFailure', params: ({ event }) => ({ failure: event.failure }) },
          ],
        },
      },
    },

    deciding: {
      description: 'Whoever had asked was told. Again, or not for a while.',
      entry: ['forgetAsks', { type: 'noteEnd', params: ({ context }) => endNoted(context) }],
      always: [{ description: 'It failed too often.', guard: 'givesUp', target: 'failed' }, { target: 'backingOff' }],
    },

    exchanged: {
      description: 'Nothing of the old one runs. Whoever has asked meanwhile has the new one.',
      always: [{ guard: 'isAsked', target: 'open', actions: 'forgetEnd' }, { target: 'idle' }],
    },

    backingOff: {
      description: 'It ended; it is started again after a growing wait. Who asks meanwhile is told so.',
      after: { backoff: 'open' },
      on: {
        'mcp.asked': { actions: { type: 'answer', params: refused } },
        'mcp.redefined': { target: 'idle', actions: 'redefine' },
        'mcp.unneeded': 'idle',
      },
    },

    failed: {
      description: 'It failed too often. It is left alone for a while, or until the file is changed.',
      after: { restMs: 'idle' },
      on: {
        'mcp.asked': { actions: { type: 'answer', params: refused } },
        'mcp.redefined': { target: 'idle', actions: 'redefine' },
        'mcp.unneeded': 'idle',
      },
    },
  },
})
