// File count: what requests about the files of a turn took, on the account of whoever asked for the turn, each on disk at once.

import type { AgentDefinition } from '../../machines/definitions.ts'
import { assert } from '../../machines/failure.ts'
import type { Inbox } from '../../machines/inbox.ts'
import { accountOf } from '../../machines/usage.ts'
import type { Cuttable, Owner } from './meters.ts'
import type { Parts } from './parts.ts'
import { withCount } from './persist.ts'

/** Of which turn. */
export interface OfTurn {
  readonly key: string
  readonly channel: string
  readonly turnId: string
  readonly turn: Inbox
  readonly definition: AgentDefinition
}

export function openForFile<Meter extends Cuttable>(
  { meters, observe, world }: Parts,
  { key: session, channel, turnId, turn, definition }: OfTurn,
  make: (owner: Owner) => Meter,
): Meter {
  const [first] = turn
  assert(first !== undefined, 'a file came with a message')
  const account = accountOf({ agent: definition.id, channel, sender: first.message.sender, atMs: world.nowMs() })
  return meters.open({ session, turn: turnId, account, observe }, make)
}

/** What is over of it. When the disk does not take it, it goes with the commit of the turn. */
export async function countAtOnce(parts: Parts, { key: sessionKey, channel }: OfTurn): Promise<void> {
  const { content, putBack } = withCount(parts, { channel, sessionKey, settled: [], entries: [], replies: [] })
  try {
    if ((content.usage ?? []).length > 0) await parts.store.commit(content)
  } catch (error) {
    putBack()
    parts.log.warn({ session: sessionKey, err: error }, 'what a file took is counted later')
  }
}
