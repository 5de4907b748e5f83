// Contract checks: the outbox, receipts, dead letters of replies, the journal, and the counts.

import { expect } from 'vitest'
import type { Failure } from '../../machines/failure.ts'
import type { Store } from '../../src/store/store.ts'
import type { Check } from './contract.ts'
import { newCommit, newMessage } from './message-parts.ts'

const BLOCKED: Failure = { kind: 'permanent', reason: 'forbidden', message: 'The person blocked the bot.' }

/** Commits replies to conversations of channel `web`; their texts are their numbers. */
function reply(store: Store, ...conversations: readonly string[]): Promise<void> {
  const replies = conversations.map((conversation, index) => ({ conversation, text: `${index}`, replyTo: null }))
  return store.commit(newCommit({ replies }))
}

async function nextId(store: Store, conversation = 'room'): Promise<number> {
  const item = await store.nextOwed('web', conversation)
  expect(item).not.toBeNull()
  return item?.id ?? 0
}

export const departureChecks: readonly Check[] = [
  {
    name: 'D1 a conversation is owed its replies in order, each until its last part has a receipt',
    async run(store) {
      await reply(store, 'room', 'other', 'room')
      await store.commit(newCommit({ channel: 'b', replies: [{ conversation: 'room', text: 'of b', replyTo: '5' }] }))
      expect((await store.owed('web')).toSorted()).toEqual(['other', 'room'])
      const first = await store.nextOwed('web', 'room')
      const expected = {
        channel: 'web',
        conversation: 'room',
        text: '0',
        replyTo: null,
        partsSent: 0,
        uncertain: false,
      }
      expect(first).toStrictEqual({ id: first?.id, ...expected })
      await store.attempt(first?.id ?? 0)
      await store.receipt(first?.id ?? 0, 'r1', false)
      expect(await store.nextOwed('web', 'room')).toStrictEqual({ id: first?.id, ...expected, partsSent: 1 })
      await store.receipt(first?.id ?? 0, 'r2', true)
      expect((await store.nextOwed('web', 'room'))?.text).toBe('2')
      await store.receipt(await nextId(store), 'r3', true)
      expect(await store.nextOwed('web', 'room')).toBeNull()
      expect(await store.owed('web')).toEqual(['other'])
      expect(await store.nextOwed('b', 'room')).toMatchObject({ text: 'of b', replyTo: '5' })
    },
  },
  {
    name: 'S39 a reply is owed with its choices, and without when it has none',
    async run(store) {
      const choices = [{ label: 'Approve', text: '/approve 1-1' }]
      const place = { conversation: 'room', replyTo: null }
      await store.commit(
        newCommit({
          replies: [
            { ...place, text: 'May I?', choices },
            { ...place, text: 'Hello.' },
          ],
        }),
      )
      expect((await store.nextOwed('web', 'room'))?.choices).toStrictEqual(choices)
      await store.receipt(await nextId(store), 'r1', true)
      expect(await store.nextOwed('web', 'room')).not.toHaveProperty('choices')
    },
  },
  {
    name: 'D2 a reply whose send has no known end is uncertain until that part has a receipt',
    async run(store) {
      await reply(store, 'room')
      const id = await nextId(store)
      const uncertain = async () => (await store.nextOwed('web', 'room'))?.uncertain
      await store.attempt(id)
      expect(await uncertain()).toBe(true)
      await store.unattempt(id)
      expect(await uncertain()).toBe(false)
      await store.attempt(id)
      await store.attempt(id)
      // The second send certainly failed; what became of the first is still not known.
      await store.unattempt(id)
      expect(await uncertain()).toBe(true)
      await store.attempt(id)
      await store.receipt(id, 'r1', false)
      expect(await uncertain()).toBe(false)
    },
  },
  {
    name: 'M3 an undeliverable reply is a dead letter once; a retry owes it again from the part where it stopped',
    async run(store, world) {
      await reply(store, 'room', 'room')
      const id = await nextId(store)
      await store.receipt(id, 'r1', false)
      await store.undeliverable(id, BLOCKED)
      await store.undeliverable(id, BLOCKED)
      expect((await store.nextOwed('web', 'room'))?.text).toBe('1')
      const letters = await store.deadLetters(10)
      const place = { channel: 'web', conversation: 'room' }
      expect(letters).toStrictEqual([
        { id: letters[0]?.id, kind: 'reply', ...place, text: '0', reason: BLOCKED.message, atMs: world.nowMs() },
      ])
      expect(await store.retryDeadLetter(letters[0]?.id ?? 0)).toStrictEqual({ kind: 'reply', ...place })
      expect(await store.nextOwed('web', 'room')).toMatchObject({ id, partsSent: 1, uncertain: false })
      expect(await store.retryDeadLetter(letters[0]?.id ?? 0)).toBeNull()
      await store.attempt(id)
      await store.undeliverable(id, { ...BLOCKED, uncertain: true })
      await store.retryDeadLetter((await store.deadLetters(1))[0]?.id ?? 0)
      expect(await store.nextOwed('web', 'room')).toMatchObject({ id, uncertain: true })
    },
  },
  {
    name: 'dead letters are listed newest first',
    async run(store) {
      await reply(store, 'a', 'b', 'c')
      for (const conversation of ['a', 'b', 'c']) await store.undeliverable(await nextId(store, conversation), BLOCKED)
      expect((await store.deadLetters(2)).map((each) => each.conversation)).toEqual(['c', 'b'])
    },
  },
  {
    name: 'the journal holds what people wrote and what was sent, in order; a part of a reply stands in it once',
    async run(store) {
      await store.accept(newMessage({ journaled: true }))
      await store.accept(newMessage({ platformMessageId: '2', journaled: false }))
      const entry = { channel: 'web', conversation: 'room', text: 'part 0', outboxId: 4, part: 0 }
      const first = await store.appendJournal(entry)
      expect(await store.appendJournal({ ...entry, text: 'changed' })).toBe(first)
      const second = await store.appendJournal({ ...entry, text: 'part 1', part: 1 })
      await store.appendJournal({ ...entry, conversation: 'other', outboxId: 5 })
      const all = await store.journalAfter({ channel: 'web', conversation: 'room' }, 0, 10)
      expect(all).toStrictEqual([
        { id: all[0]?.id, role: 'user', text: 'hello' },
        { id: first, role: 'assistant', text: 'part 0' },
        { id: second, role: 'assistant', text: 'part 1' },
      ])
      expect(await store.journalAfter({ channel: 'web', conversation: 'room' }, first, 10)).toStrictEqual(all.slice(2))
      expect(await store.journalAfter({ channel: 'web', conversation: 'room' }, 0, 2)).toStrictEqual(all.slice(0, 2))
    },
  },
  {
    name: 'counts say how many there are of everything',
    async run(store) {
      const seqs: number[] = []
      for (let n = 0; n < 4; n += 1) seqs.push((await store.accept(newMessage({ platformMessageId: `${n}` }))).seq)
      const [answered = 0, discarded = 0, dead = 0] = seqs
      const settled = [
        { seq: answered, outcome: 'answered', reason: null },
        { seq: discarded, outcome: 'discarded', reason: 'stop' },
        { seq: dead, outcome: 'dead', reason: 'x' },
      ] as const
      await store.commit(newCommit({ settled }))
      await reply(store, 'a', 'b', 'c')
      await store.undeliverable(await nextId(store, 'a'), BLOCKED)
      await store.receipt(await nextId(store, 'b'), 'r', true)
      const counted = { sessions: 1, outbox: 1, deadLetters: 2 }
      const messages = { waiting: 1, answered: 1, discarded: 1, dead: 1 }
      expect(await store.counts()).toStrictEqual({ ...counted, messages })
      for (const letter of await store.deadLetters(10)) await store.retryDeadLetter(letter.id)
      const retried = { sessions: 1, outbox: 2, deadLetters: 0, messages: { ...messages, waiting: 2, dead: 0 } }
      expect(await store.counts()).toStrictEqual(retried)
    },
  },
]
