// Plain messages for tests.

import type { AcceptedMessage } from '../../machines/messages.ts'

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
    attachments: 0,
    continues: false,
    seq,
    sessionKey: 'a/c1',
    agent: 'cfo',
    command: null,
    acceptedAtMs: 0,
    ...given,
  }
}
