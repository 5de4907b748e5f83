// Define channel: what a user's own channel module exports. Published as `troupe/channel`.
//   In gateway.yaml: `{ platform: module, module: ./channels/lines.ts, settings: { … } }`.

import type { Setting } from '../../machines/definitions.ts'
import type { Adapter, AdapterParts } from './adapter.ts'

export { type Failure, FailureError, type FailureKind, type FailureReason } from '../../machines/failure.ts'
export type { Attachment } from '../../machines/media.ts'
export type { Inbound, Progress, Sender } from '../../machines/messages.ts'
export type * from './adapter.ts'

/**
 * What speaks to a platform. `adapter.ts` says what each member promises; `show` and `fetch` may be left out by a platform that shows
 * no progress and has no files. What it throws that is no FailureError counts as a platform that is away: it is tried again.
 */
export type OwnAdapter = Pick<Adapter, 'run' | 'send' | 'probe'> & Partial<Pick<Adapter, 'show' | 'fetch'>>

export interface ChannelParts extends AdapterParts {
  /** As the file gives them. What they must be is the module's to say: throw, and the channel fails with your words. */
  readonly settings: Readonly<Record<string, Setting>>
  /** The value of `token`, at the moment of use; null: the file gives none. It stands in no log line. */
  readonly token: () => string | null
}

/** Called for each connection of its channel, and again with each change of what the file says of it. */
export type OwnChannel = (parts: ChannelParts) => OwnAdapter | Promise<OwnAdapter>

/** Gives the module's default export its type; changes nothing about it. */
export function defineChannel(channel: OwnChannel): OwnChannel {
  return channel
}
