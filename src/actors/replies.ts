// Replies: what the states of a delivery say of the reply that it holds: when it was first looked at, and that it was delivered or
// is a dead letter. All parts, waits and tries of a reply are one. One entry for a conversation, while it is owed something.

import type { deliveryMachine } from '../../machines/delivery.ts'
import type { End, Ending, Observe } from './observe.ts'
import type { Look } from './observed.ts'

export function lookAtReplies(observe: Observe): Look<typeof deliveryMachine> {
  const open = new Map<string, { readonly outbox: number; readonly end: End }>()

  return ({ before, event, after }) => {
    const { channel, conversation } = before.context
    const place = `${channel} ${conversation}`
    const ending = endingOf(before.context, event, after)
    if (ending !== null) {
      open.get(place)?.end(ending)
      open.delete(place)
    }
    const item = after?.status === 'active' && after.matches('sending') ? after.context.item : null
    if (item === null || open.get(place)?.outbox === item.id) return
    const end = observe.begin({ kind: 'delivery', channel, conversation, outbox: item.id })
    open.set(place, { outbox: item.id, end })
  }
}

type Seen = Parameters<Look<typeof deliveryMachine>>[0]

/** null: the reply is still owed. */
function endingOf(
  { receipt }: Seen['before']['context'],
  { type }: Seen['event'],
  after: Seen['after'],
): Ending | null {
  if (after === null) return 'broken'
  if (after.status !== 'active' || after.matches('empty')) return 'drained'
  if (type === 'xstate.done.actor.bury') return 'dead'
  return type === 'xstate.done.actor.writeReceipt' && receipt?.last === true ? 'done' : null
}
