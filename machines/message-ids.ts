// Message ids: an id is its sender's own. Whoever gives the ids of their messages themselves (on the web) could otherwise take the one
// of somebody else's next message, which would then be dropped as a duplicate. Pure.

import type { Inbound } from './messages.ts'

/** For a message whose id somebody else in its conversation has. No client can give such an id: they hold no control character. */
export function ownId({ platformMessageId, sender }: Pick<Inbound, 'platformMessageId' | 'sender'>): string {
  return `${platformMessageId}\u0001${sender.id}`
}
