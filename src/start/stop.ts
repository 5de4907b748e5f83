// Stop: the operator's hand on a run. It takes the way of every message: accepted, on disk, and into the session's own mailbox,
// so that it ends a run exactly as `/stop` does, and the conversation is told.

import type { AcceptedMessage, SessionState } from '../../machines/messages.ts'
import type { Store } from '../store/store.ts'
import type { World } from '../world.ts'

export interface StopParts {
  readonly store: Store
  readonly world: World
  readonly stateOf: (key: string) => SessionState | undefined
  readonly onMessage: (message: AcceptedMessage) => void
}

export async function stopSession(
  { store, world, stateOf, onMessage }: StopParts,
  key: string,
): Promise<'stopping' | 'nothing to stop' | 'unknown'> {
  const [session] = await store.sessions(1, { only: [key] })
  if (session === undefined) return 'unknown'
  const state = stateOf(key)
  if (state !== 'pending' && state !== 'running') return 'nothing to stop'
  const message = {
    channel: session.channel,
    conversation: session.conversation,
    platformMessageId: `operator-${world.id()}`,
    // Its answer points at no message of the platform: there is none.
    kind: 'dm',
    sender: { id: 'operator', name: 'Operator', handle: null },
    text: '/stop',
    addressed: true,
    album: null,
    attachments: [],
    continues: false,
    sessionKey: key,
    agent: session.agent,
    command: { name: 'stop', text: '' },
  } as const
  const { seq } = await store.accept({ ...message, journaled: false })
  onMessage({ ...message, seq, acceptedAtMs: world.nowMs() })
  return 'stopping'
}
