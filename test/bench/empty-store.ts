// Empty store: answers at once, and keeps a reply until it was delivered and nothing else. What runs over it is measured
// without a disk, and whatever memory grows is not the store's.

import type { OutboxItem } from '../../machines/messages.ts'
import { NOTHING_USED } from '../../machines/usage.ts'
import type { Store } from '../../src/store/store.ts'

export function emptyStore(): Store {
  const owed = new Map<string, OutboxItem>()
  const conversations = new Map<number, string>()
  let seq = 0
  let outbox = 0
  return {
    ...NOTHING_THERE,
    accept: async () => ({ seq: (seq += 1), duplicate: false }),
    begin: async () => ({ history: [], exhausted: [], steps: [] }),
    async commit({ channel, replies }) {
      for (const reply of replies) {
        outbox += 1
        owed.set(reply.conversation, { id: outbox, channel, partsSent: 0, uncertain: false, ...reply })
        conversations.set(outbox, reply.conversation)
      }
    },
    nextOwed: async (_, conversation) => owed.get(conversation) ?? null,
    async receipt(outboxId) {
      owed.delete(conversations.get(outboxId) ?? '')
      conversations.delete(outboxId)
    },
  }
}

const nothing = async (): Promise<void> => {}
const none = async (): Promise<never[]> => []
const nobody = async (): Promise<null> => null

const NOTHING_THERE: Omit<Store, 'accept' | 'begin' | 'commit' | 'nextOwed' | 'receipt'> = {
  release: nothing,
  forget: async () => [],
  commitUndo: nothing,
  unfinished: none,
  unfinishedOf: none,
  owed: none,
  attempt: nothing,
  unattempt: nothing,
  undeliverable: nothing,
  history: none,
  transcript: none,
  sessions: none,
  record: async () => ({ entries: [], older: null }),
  deadLetters: none,
  retryDeadLetter: nobody,
  pairingCode: async () => '',
  pairings: none,
  approvePairing: nobody,
  revokePairing: async () => false,
  isPaired: async () => false,
  notes: none,
  addNote: async () => 0,
  removeNote: async () => false,
  appendJournal: async () => 0,
  journalAfter: none,
  recallSchedule: async () => 0,
  acceptDue: async () => ({ seq: 0, duplicate: true }),
  forgetSchedules: nothing,
  schedules: none,
  usageOn: async () => NOTHING_USED,
  usageOfSession: async () => NOTHING_USED,
  usageOfPeople: none,
  counts: async () => ({
    sessions: 0,
    outbox: 0,
    deadLetters: 0,
    messages: { waiting: 0, answered: 0, discarded: 0, dead: 0 },
  }),
  close: nothing,
}
