// Owed: a commit, and the deliveries that its replies wake.
//   S3. A delivery is woken only after the commit that holds its reply.

import type { Commit } from '../../machines/messages.ts'
import { type Parts, tellGateway } from './parts.ts'

export async function commit(parts: Parts, content: Commit, system: unknown): Promise<void> {
  await parts.store.commit(content)
  wakeDeliveries(content, system)
}

export function wakeDeliveries({ channel, replies }: Commit, system: unknown): void {
  for (const conversation of new Set(replies.map((reply) => reply.conversation))) {
    tellGateway(system, { type: 'outbox.owed', channel, conversation })
  }
}
