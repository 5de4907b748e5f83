// Stores that are each broken in one way, under the name of the check that must catch it.

import { NOTHING_USED } from '../../machines/usage.ts'
import type { DeadLetter, Store } from '../../src/store/store.ts'

export const breakages: Readonly<Record<string, (store: Store) => Partial<Store>>> = {
  'S29 the same platform message id in its conversation is one message, and the second accept writes nothing': (
    store,
  ) => {
    let calls = 0
    return { accept: (message) => store.accept({ ...message, platformMessageId: `${(calls += 1)}` }) }
  },
  'S29 an id that somebody else has in the conversation is taken, which is no duplicate of theirs, and nothing is written':
    (store) => ({
      async accept(message) {
        const { seq, duplicate } = await store.accept(message)
        return { seq, duplicate }
      },
    }),
  'S07 the same id in another channel or another conversation is another message': (store) => ({
    accept: (message) => store.accept({ ...message, channel: 'one', conversation: 'one' }),
  }),
  'an accepted message comes back as it was, as a plain object': (store) => ({
    unfinished: async (...input) => (await store.unfinished(...input)).map(withoutPrototype),
  }),
  'what came with a message is known as long as it may be prepared: until it is settled, and while it is a dead letter':
    (store) => ({
      attachments: async () => (await store.unfinishedOf('web/room')).flatMap(({ attachments }) => attachments),
    }),
  'a conversation that the store keeps shows what came with a message by its name': (store) => ({
    accept: (message) => store.accept({ ...message, attachments: [] }),
  }),
  'unfinished messages come oldest first, page by page, of one channel or one session': (store) => ({
    unfinished: (channel, _afterSeq, limit) => store.unfinished(channel, 0, limit),
  }),
  'S42 an unfinished message whose turn has steps resumes; so does a dead letter that is retried': (store) => ({
    unfinishedOf: async (sessionKey) =>
      (await store.unfinishedOf(sessionKey)).map(({ resumes: _, ...message }) => message),
  }),
  'S45 a message may be tried three times; a released try does not count; an exhausted one is only named': () => ({
    release: () => Promise.resolve(),
  }),
  'S4 a message is settled once; a later settlement changes nothing': (store) => {
    const letters: DeadLetter[] = []
    return {
      async commit(commit) {
        await store.commit(commit)
        for (const { seq: id, outcome, reason } of commit.settled) {
          const place = { channel: 'web', conversation: 'room', text: '', atMs: 0 }
          if (outcome === 'dead') letters.push({ id, kind: 'message', ...place, reason: reason ?? '' })
        }
      },
      deadLetters: () => Promise.resolve(letters),
    }
  },
  'M3 a dead message is a dead letter; a retry makes it unfinished with fresh tries, once': () => ({
    retryDeadLetter: () => Promise.resolve(null),
  }),
  'what was said before a message is history with it, once; what its client wants known, unless it is known': (
    store,
  ) => ({
    accept: ({ brief, earlier = [], ...message }) => {
      const asked = brief === undefined ? earlier : [{ role: 'user' as const, text: brief }, ...earlier]
      return store.accept({ ...message, earlier: asked })
    },
  }),
  'a session that rests for long is forgotten whole, but for what was used; none that has something left': (store) => ({
    forget: (what) => store.forget({ ...what, beforeMs: Number.MAX_SAFE_INTEGER }),
  }),
  'a pairing code is the same for an hour, approves once, and can be revoked': (store) => {
    let calls = 0
    return { pairingCode: (channel, user) => store.pairingCode(channel, { ...user, id: `${(calls += 1)}` }) }
  },
  'M2 at most 1,000 pairing codes are open; the next is refused aloud, and an expired one makes room': (store) => ({
    pairingCode: (channel, user) => store.pairingCode(channel, user).catch(() => 'ABCDEFGH'),
  }),
  'history is what came after the last reset without undone turns; the transcript is everything': (store) => ({
    history: (sessionKey) => store.transcript(sessionKey),
  }),
  'history begins with the last summary; an undo takes the summary back like a turn': (store) => ({
    history: async (sessionKey) => (await store.transcript(sessionKey)).filter(({ role }) => role !== 'undo'),
  }),
  'S42 steps come back in their order, with their turn’s begin and at the entry that closes the turn': (store) => ({
    begin: async (sessionKey, turn, seqs) => {
      const begun = await store.begin(sessionKey, turn, seqs)
      return { ...begun, steps: begun.steps.toReversed() }
    },
  }),
  'S39 a reply is owed with its choices, and without when it has none': (store) => ({
    commit: (commit) =>
      store.commit({ ...commit, replies: commit.replies.map((reply) => ({ ...reply, choices: [] })) }),
  }),
  'transcript entries come back as they were, as plain objects, with their order and time': (store) => ({
    transcript: async (sessionKey) => (await store.transcript(sessionKey)).map(withoutPrototype),
  }),
  'a long history is its newest whole turns, within the limit': (store) => ({
    history: async (sessionKey) => (await store.transcript(sessionKey)).slice(-400),
  }),
  'a commit happens whole or not at all, and one that fails takes no other with it': (store) => ({
    async commit(commit) {
      await store.commit({ ...commit, entries: [] })
      await store.commit({ ...commit, settled: [], replies: [] })
    },
  }),
  'sessions are listed newest first, with their turns and what waits': (store) => ({
    sessions: async (limit) => (await store.sessions(limit)).toReversed(),
  }),
  'usage is added up by day, agent, person and session; a cost is what has a price': (store) => ({
    usageOn: (day, of) => store.usageOn(day, of.per === 'user' ? { per: 'agent', agent: of.agent } : of),
  }),
  'as much of usage as is an estimate is added up beside it, and comes back with the entry that it stands in; speech, too':
    (store) => ({
      commit: ({ usage = [], ...rest }) =>
        store.commit({ ...rest, usage: usage.map((entry) => ({ ...entry, estimated: NOTHING_USED.estimated })) }),
    }),
  'usage is part of its commit: what fails adds nothing, and a reply that tells it tells it as it is then': (
    store,
  ) => ({
    async commit({ usage = [], ...rest }) {
      await store.commit({ ...rest, entries: [], replies: [], usage })
      await store.commit(rest)
    },
  }),
  'which model gave a text, and what it took, comes back with its entry': (store) => ({
    transcript: async (sessionKey) => (await store.transcript(sessionKey)).map((entry) => ({ ...entry, spent: null })),
  }),
  'sessions are found by a part of their key, conversation or agent, among some keys, without others, page by page': (
    store,
  ) => ({ sessions: (limit, filter) => store.sessions(limit, { ...filter, offset: 0 }) }),
  'a session’s record is everything that became of it in time order, page by page, and nothing of another session': (
    store,
  ) => ({
    record: async (key, before, limit) => ({ ...(await store.record(key, before, limit)), older: null }),
  }),
  'D1 a conversation is owed its replies in order, each until its last part has a receipt': (store) => ({
    receipt: (outboxId, receipt) => store.receipt(outboxId, receipt, true),
  }),
  'D2 a reply whose send has no known end is uncertain until that part has a receipt': (store) => ({
    async nextOwed(channel, conversation) {
      const item = await store.nextOwed(channel, conversation)
      return item === null ? null : { ...item, uncertain: false }
    },
  }),
  'M3 an undeliverable reply is a dead letter once; a retry owes it again from the part where it stopped': () => ({
    undeliverable: () => Promise.resolve(),
  }),
  'dead letters are listed newest first': (store) => ({
    deadLetters: async (limit) => (await store.deadLetters(limit)).toReversed(),
  }),
  'the journal holds what people wrote and what was sent, in order; a part of a reply stands in it once': (store) => {
    let calls = 0
    return { appendJournal: (entry) => store.appendJournal({ ...entry, outboxId: (calls += 1) }) }
  },
  'notes are a list for each agent and person, oldest first; a text is noted once': (store) => ({
    addNote: (agent, _, text) => store.addNote(agent, 'everybody', text),
    notes: (agent) => store.notes(agent, 'everybody'),
  }),
  'a note is removed once, and its number is not given again': (store) => ({
    addNote: async (agent, user, text) => {
      await store.addNote(agent, user, text)
      return (await store.notes(agent, user)).length
    },
  }),
  'M5 a time is on record with its message, in one; the same time, or an earlier one, is a duplicate and writes nothing':
    (store) => ({ acceptDue: (_, message) => store.accept(message) }),
  'M5 nobody takes the id of a time in advance, under whatever name; said once, it stays said when the schedule is forgotten':
    (store) => ({
      async acceptDue(due, message) {
        const { seq, duplicate, taken } = await store.accept(message)
        return duplicate && taken === undefined ? { seq, duplicate } : store.acceptDue(due, message)
      },
    }),
  'a schedule that is new, has other times or was taken out begins with the moment in which it is recalled': () => ({
    forgetSchedules: () => Promise.resolve(),
  }),
  'counts say how many there are of everything': (store) => ({
    counts: async () => ({ ...(await store.counts()), outbox: 0 }),
  }),
  'a read sees every write that was asked for before it, also one that nobody waited for': (store) => ({
    accept: (message) => Promise.resolve().then(() => store.accept(message)),
  }),
  'close finishes what was asked for, and every later call rejects': () => ({ close: () => Promise.resolve() }),
}

function withoutPrototype<T extends object>(value: T): T {
  return Object.assign(Object.create(null), value)
}
