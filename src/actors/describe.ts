// Describe: a picture of the work folder made text by the model that its agent names for it. The text is kept beside the picture: a
// crash or another try asks nobody again. What it took is counted at once, whatever becomes of the turn.
//   S6. Of a preparation that was ended nothing is kept, and nothing is counted.

import type { AgentDefinition } from '../../machines/definitions.ts'
import { type Failure, FailureError } from '../../machines/failure.ts'
import type { Inbox } from '../../machines/inbox.ts'
import { READ_BYTES_MAX, SHOWN_FILE_BYTES_MAX } from '../../machines/limits.ts'
import { accountOf, type Spent, usageEntries } from '../../machines/usage.ts'
import type { Received } from '../tools/tool.ts'
import { creditOf } from './credit.ts'
import type { Parts } from './parts.ts'
import { persist } from './persist.ts'

/** For whom, and where its pictures are. */
export interface Describing {
  readonly parts: Parts
  readonly arrived: {
    readonly key: string
    readonly channel: string
    readonly turnId: string
    readonly turn: Inbox
    readonly definition: AgentDefinition
  }
  readonly received: Received
  readonly signal: AbortSignal
}

interface Picture {
  /** Of its file. */
  readonly name: string
  readonly mediaType: string
  /** What was written with it. */
  readonly words: string
}

export async function described(describing: Describing, { name, mediaType, words }: Picture): Promise<string> {
  const { parts, arrived, received, signal } = describing
  const beside = `${name}.txt`
  const known = await received.text(beside, READ_BYTES_MAX)
  if (known !== null) return known.text
  const bytes = await received.bytes(name, SHOWN_FILE_BYTES_MAX)
  if (bytes === null) throw new FailureError(GONE)
  const { definition, key: session, turnId: turn } = arrived
  const { secret, world } = parts
  const log = parts.log.child({ session, turn, agent: definition.id })
  const description = await parts.buildDescription({ definition, secret, log, world })
  signal.throwIfAborted()
  const thought = await description.describe({ bytes, mediaType, words }, signal)
  signal.throwIfAborted()
  const text = thought.text.trim().toWellFormed()
  const { model, spent } = creditOf(parts, { definition, session }, thought)
  log.debug({ model, spent }, 'a picture was described')
  await received.keep(beside, (take) => take(Buffer.from(text)))
  await count(describing, spent)
  return text
}

/** On the account of whoever asked for the turn. */
async function count({ parts, arrived, signal }: Describing, spent: Spent | null): Promise<void> {
  const { key: sessionKey, channel, turn, definition } = arrived
  const [first] = turn
  if (first === undefined) return
  const { sender } = first.message
  const account = accountOf({ agent: definition.id, channel, sender, atMs: parts.world.nowMs() })
  const usage = usageEntries(account, 0, [spent])
  if (usage.length === 0) return
  await persist(parts, { channel, sessionKey, settled: [], entries: [], replies: [], usage }, signal)
}

const GONE: Failure = {
  kind: 'permanent',
  reason: 'storage',
  message: 'it did not stay in the work folder',
  remedy: 'Send it again',
}
