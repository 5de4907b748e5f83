// An MCP server: the real actor against what can be seen of it (see mcp-model.ts).

import { assign } from 'xstate'
import { mcpMachine } from '../../machines/mcp.ts'
import type { McpContext } from '../../machines/mcp-words.ts'
import { endingItsChildren } from '../../src/actors/ending.ts'
import { withChanged, withoutAction } from '../support/broken.ts'
import { modelSuite, part } from '../support/model-suite.ts'
import { asking, crowding, failing, MCP_EVENTS, mcpModel } from './mcp-model.ts'
import { mcpSubject } from './mcp-subject.ts'

const changed = (path: readonly string[], value: unknown) => () =>
  mcpSubject({ broken: (real) => endingItsChildren(withChanged(real, path, value)) })

modelSuite({
  name: 'mcp',
  charts: [mcpMachine],
  parts: {
    'who asks is answered': part({
      model: { machine: mcpModel, events: MCP_EVENTS, possible: asking },
      subject: (taken) => mcpSubject({ taken }),
      look: ({ context }) => [context.at, context.open.length, context.why],
      broken: {
        'X3: a call that was with it is given to the next one': () =>
          mcpSubject({
            broken: (real) => {
              const keeping = assign(({ context }: { context: McpContext }) => ({ waiting: context.calls, calls: [] }))
              return endingItsChildren(real.provide({ actions: { forgetAsks: keeping as never } })) // See mcp-words.ts.
            },
          }),
        'X1: another definition begins beside the old server': changed(
          ['states', 'open', 'on', 'mcp.redefined', 'target'],
          '#mcp.exchanged',
        ),
        'X2: who waits for a server that dies is not told': () =>
          mcpSubject({
            broken: (real) =>
              endingItsChildren(withoutAction(real, ['states', 'open', 'on', 'mcp.ended', 'actions'], 'answer')),
          }),
        'X2: who asks while it does not run is not told': changed(['states', 'backingOff', 'on', 'mcp.asked'], {}),
        'a call that is dropped stays with the server': changed(
          ['states', 'open', 'states', 'ready', 'on', 'mcp.dropped', 'actions'],
          'dropWaiting',
        ),
        'a server that hangs at its start is waited for': changed(
          ['states', 'open', 'states', 'starting', 'after'],
          {},
        ),
      },
    }),
    'a crowd asks': part({
      model: { machine: mcpModel, events: MCP_EVENTS, possible: crowding },
      subject: (taken) => mcpSubject({ taken }),
      look: ({ context }) => [context.at, context.crowd],
      broken: {
        'M2: everybody is taken': () =>
          mcpSubject({ broken: (real) => endingItsChildren(real.provide({ guards: { isFull: () => false } })) }),
      },
    }),
    'it fails and fails': part({
      model: { machine: mcpModel, events: MCP_EVENTS, possible: failing },
      subject: (taken) => mcpSubject({ taken }),
      look: ({ context }) => [context.at, context.failures],
      broken: {
        'it is started again without an intensity': () =>
          mcpSubject({ broken: (real) => endingItsChildren(real.provide({ guards: { givesUp: () => false } })) }),
      },
    }),
  },
})
