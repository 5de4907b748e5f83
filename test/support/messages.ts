// Plain messages for tests.

import { UNKNOWN_ATTACHMENT } from '../../machines/media.ts'
import type { AcceptedMessage } from '../../machines/messages.ts'

/** A photo without its file, which nobody can fetch. */
export const ATTACHED = [UNKNOWN_ATTACHMENT]

export function acceptedMessage(text: string, given: Partial<AcceptedMessage> = {}): AcceptedMessage {
  const seq = given.seq ?? 1
  return {
    channel: 'a',
    conversation: 'c1',
    platformMessageId: `m${seq}`,
    kind: 'dm',
    sender: { id: '1', name: 'Anna', handle: '@anna' },
    text,
    addressed: true,
    album: null,
    attachments: [],
    continues: false,
    seq,
    sessionKey: 'a/c1',
    agent: 'cfo',
    command: null,
    acceptedAtMs: 0,
    ...given,
  }
}
