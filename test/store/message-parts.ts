// A message to accept and a commit, with every field filled; for tests and for their child processes.

import type { Commit } from '../../machines/messages.ts'
import type { NewMessage } from '../../src/store/store.ts'

export function newMessage(changes: Partial<NewMessage> = {}): NewMessage {
  const conversation = changes.conversation ?? 'room'
  const channel = changes.channel ?? 'web'
  return {
    channel,
    conversation,
    platformMessageId: '1',
    kind: 'dm',
    sender: { id: '7', name: 'Anna', handle: '@anna' },
    text: 'hello',
    addressed: true,
    album: null,
    attachments: [],
    continues: false,
    sessionKey: `${channel}/${conversation}`,
    agent: 'cfo',
    command: null,
    journaled: false,
    ...changes,
  }
}

export function newCommit(changes: Partial<Commit> = {}): Commit {
  return { channel: 'web', sessionKey: 'web/room', settled: [], entries: [], replies: [], ...changes }
}
