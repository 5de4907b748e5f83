// Restarts: what the states of the supervisors say of what they start again: a connection, a channel, a partition, a session or a
// delivery.

import { isSession } from '../../machines/addresses.ts'
import type { channelMachine } from '../../machines/channel.ts'
import type { gatewayMachine } from '../../machines/gateway.ts'
import type { mcpMachine } from '../../machines/mcp.ts'
import type { partitionMachine } from '../../machines/partition.ts'
import type { Observe } from './observe.ts'
import type { Look } from './observed.ts'

export function lookAtChannels(observe: Observe): Look<typeof gatewayMachine> {
  return ({ before, event }) => {
    if (event.type !== 'restart.due' || before.matches('draining')) return
    observe.note({ kind: 'restarted', what: 'channel' })
  }
}

export function lookAtConnections(observe: Observe): Look<typeof channelMachine> {
  return ({ before, event, after }) => {
    if (event.type.startsWith('xstate.error.actor.partition:')) observe.note({ kind: 'restarted', what: 'partition' })
    if (before.matches('retrying') && after?.matches('open') === true) {
      observe.note({ kind: 'restarted', what: 'connection' })
    }
  }
}

export function lookAtChildren(observe: Observe): Look<typeof partitionMachine> {
  return ({ before, event }) => {
    if (event.type !== 'restart.due' || !('child' in event) || before.matches('draining')) return
    observe.note({ kind: 'restarted', what: isSession(String(event.child)) ? 'session' : 'delivery' })
  }
}

export function lookAtServers(observe: Observe): Look<typeof mcpMachine> {
  return ({ before, after }) => {
    if (after === null) return
    const { agent, server } = after.context
    if (before.matches('backingOff') && after.matches('open')) observe.note({ kind: 'restarted', what: 'mcp' })
    if (!isReady(before) && isReady(after)) observe.note({ kind: 'mcp', agent, server, became: 'ready' })
    if (before.matches('open') && (after.matches('backingOff') || after.matches('failed')))
      observe.note({ kind: 'mcp', agent, server, became: after.matches('failed') ? 'failed' : 'ended' })
  }
}

function isReady(snapshot: { matches(state: { open: 'ready' }): boolean }): boolean {
  return snapshot.matches({ open: 'ready' })
}
