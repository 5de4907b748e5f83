// Contract checks: accept, tries, settlement, dead letters of messages, pairings.

import { UNKNOWN_ATTACHMENT } from '../../machines/media.ts'
import { expect } from 'vitest'
import { CODE_MS_MAX, OPEN_CODES_MAX } from '../../src/store/pairings.ts'
import type { Check } from './contract.ts'
import { newCommit, newMessage } from './message-parts.ts'

export const arrivalChecks: readonly Check[] = [
  {
    name: 'S29 the same platform message id in its conversation is one message, and the second accept writes nothing',
    async run(store, world) {
      const first = await store.accept(newMessage({ journaled: true }))
      world.pass(1_000)
      const second = await store.accept(newMessage({ journaled: true, text: 'hello again' }))
      expect(first.duplicate).toBe(false)
      expect(second).toStrictEqual({ seq: first.seq, duplicate: true })
      expect((await store.unfinished('web', 0, 10)).map((each) => each.text)).toEqual(['hello'])
      expect(await store.journalAfter({ channel: 'web', conversation: 'room' }, 0, 10)).toHaveLength(1)
      expect((await store.sessions(10))[0]?.updatedAtMs).toBe(world.nowMs() - 1_000)
    },
  },
  {
    name: 'S07 the same id in another channel or another conversation is another message',
    async run(store) {
      const all = [
        await store.accept(newMessage({ channel: 'a' })),
        await store.accept(newMessage({ channel: 'b' })),
        await store.accept(newMessage({ channel: 'b', conversation: 'elsewhere' })),
      ]
      expect(all.map((each) => each.duplicate)).toEqual([false, false, false])
      expect(new Set(all.map((each) => each.seq)).size).toBe(3)
    },
  },
  {
    name: 'S29 an id that somebody else has in the conversation is taken, which is no duplicate of theirs, and nothing is written',
    async run(store) {
      const { seq } = await store.accept(newMessage({ journaled: true }))
      const theirs = newMessage({ journaled: true, sender: { id: '8', name: 'Anna', handle: '@anna' } })
      expect(await store.accept(theirs)).toStrictEqual({ seq, duplicate: true, taken: true })
      expect(await store.unfinished('web', 0, 10)).toHaveLength(1)
      expect(await store.journalAfter({ channel: 'web', conversation: 'room' }, 0, 10)).toHaveLength(1)
    },
  },
  {
    name: 'an accepted message comes back as it was, as a plain object',
    async run(store, world) {
      const plain = newMessage()
      const rich = newMessage({
        platformMessageId: '2',
        kind: 'group',
        sender: { id: '8', name: null, handle: null },
        text: 'line\nnul\0 emoji 👩‍🚀 "quoted\' ',
        addressed: false,
        album: 'album-1',
        attachments: [
          { kind: 'image', reference: 'AgAC', name: null, mediaType: 'image/jpeg', bytes: 12, seconds: null },
          { kind: 'voice', reference: 'AwAC', name: 'ü\0.oga', mediaType: null, bytes: null, seconds: 3 },
          UNKNOWN_ATTACHMENT,
        ],
        continues: true,
        command: { name: 'queue', text: '' },
      })
      await Promise.all([store.accept(plain), store.accept(rich)])
      const expected = [plain, rich].map(({ journaled: _, ...message }, index) => ({
        ...message,
        seq: index + 1,
        acceptedAtMs: world.nowMs(),
      }))
      expect(await store.unfinished('web', 0, 10)).toStrictEqual(expected)
      expect(await store.unfinishedOf('web/room')).toStrictEqual(expected)
    },
  },
  {
    name: 'what came with a message is known as long as it may be prepared: until it is settled, and while it is a dead letter',
    async run(store, world) {
      const file = { kind: 'document', name: 'a.txt', mediaType: null, bytes: 3, seconds: null } as const
      const accept = async (id: string) => {
        const attachments = [1, 2].map((n) => ({ ...file, reference: `${id}-${n}` }))
        return (await store.accept(newMessage({ platformMessageId: id, attachments }))).seq
      }
      const seqs = [await accept('a'), await accept('b'), await accept('c')]
      await store.accept(newMessage({ platformMessageId: 'text' }))
      const known = async (since = world.nowMs()) =>
        (await store.attachments(since)).map(({ reference }) => reference ?? '').toSorted()
      expect(await known()).toEqual(['a-1', 'a-2', 'b-1', 'b-2', 'c-1', 'c-2'])
      const settled = (['answered', 'discarded', 'dead'] as const).map((outcome, index) => {
        return { seq: seqs[index] ?? 0, outcome, reason: null }
      })
      await store.commit(newCommit({ settled }))
      expect(await known()).toEqual(['c-1', 'c-2'])
      expect(await known(world.nowMs() + 1)).toEqual([])
      const [dead] = await store.deadLetters(1)
      await store.retryDeadLetter(dead?.id ?? 0)
      expect(await known()).toEqual(['c-1', 'c-2'])
    },
  },
  {
    name: 'a conversation that the store keeps shows what came with a message by its name',
    async run(store) {
      const file = { reference: 'r', mediaType: null, bytes: 3, seconds: null }
      const picture = { ...file, kind: 'image', name: 'cat.jpg' } as const
      const recording = { ...file, kind: 'audio', name: null } as const
      const attachments = [picture, recording]
      await store.accept(newMessage({ journaled: true, text: 'look', attachments }))
      await store.accept(newMessage({ journaled: true, platformMessageId: '2', text: '', attachments }))
      const entries = await store.journalAfter({ channel: 'web', conversation: 'room' }, 0, 10)
      expect(entries.map(({ text }) => text)).toEqual([
        'look\n[picture cat.jpg]\n[recording]',
        '[picture cat.jpg]\n[recording]',
      ])
    },
  },
  {
    name: 'unfinished messages come oldest first, page by page, of one channel or one session',
    async run(store) {
      const seqs: number[] = []
      for (let n = 0; n < 7; n += 1) {
        const message = newMessage({ platformMessageId: `${n}`, conversation: n % 2 === 0 ? 'even' : 'odd' })
        seqs.push((await store.accept(message)).seq)
      }
      await store.accept(newMessage({ channel: 'other' }))
      await store.commit(newCommit({ settled: [{ seq: seqs[0] ?? 0, outcome: 'answered', reason: null }] }))
      const firstPage = await store.unfinished('web', 0, 4)
      const secondPage = await store.unfinished('web', firstPage.at(-1)?.seq ?? 0, 4)
      expect([...firstPage, ...secondPage].map((each) => each.seq)).toEqual(seqs.slice(1))
      expect(firstPage).toHaveLength(4)
      expect((await store.unfinishedOf('web/odd')).map((each) => each.seq)).toEqual([seqs[1], seqs[3], seqs[5]])
    },
  },
  {
    name: 'S42 an unfinished message whose turn has steps resumes; so does a dead letter that is retried',
    async run(store) {
      const first = (await store.accept(newMessage())).seq
      const second = (await store.accept(newMessage({ platformMessageId: '2' }))).seq
      await store.commit(newCommit({ steps: [{ turn: `turn-${second}`, step: { kind: 'begin', call: 'a' } }] }))
      const resuming = [undefined, true]
      expect((await store.unfinished('web', 0, 10)).map(({ resumes }) => resumes)).toEqual(resuming)
      expect((await store.unfinishedOf('web/room')).map(({ resumes }) => resumes)).toEqual(resuming)
      for (const seq of [first, second])
        await store.commit(newCommit({ settled: [{ seq, outcome: 'dead', reason: 'it broke its session' }] }))
      const letters = await store.deadLetters(2)
      const retried = await Promise.all(letters.map(({ id }) => store.retryDeadLetter(id)))
      const known = retried.map((each) => (each?.kind === 'message' ? [each.message.seq, each.message.resumes] : null))
      expect(new Map(known as [number, true | undefined][])).toEqual(
        new Map([
          [first, undefined],
          [second, true],
        ]),
      )
    },
  },
  {
    name: 'S45 a message may be tried three times; a released try does not count; an exhausted one is only named',
    async run(store) {
      const { seq } = await store.accept(newMessage())
      const other = (await store.accept(newMessage({ platformMessageId: '2' }))).seq
      for (let n = 0; n < 2; n += 1) expect((await store.begin('web/room', 'turn-1', [seq])).exhausted).toEqual([])
      await store.release([seq])
      for (let n = 0; n < 2; n += 1) expect((await store.begin('web/room', 'turn-1', [seq])).exhausted).toEqual([])
      expect((await store.begin('web/room', 'turn-1', [seq, other])).exhausted).toEqual([seq])
      // Nothing was counted for it: one release gives it one more try, and then it is exhausted again.
      await store.release([seq])
      expect((await store.begin('web/room', 'turn-1', [seq])).exhausted).toEqual([])
      expect((await store.begin('web/room', 'turn-1', [seq])).exhausted).toEqual([seq])
    },
  },
  {
    name: 'S4 a message is settled once; a later settlement changes nothing',
    async run(store) {
      const { seq } = await store.accept(newMessage())
      await store.commit(newCommit({ settled: [{ seq, outcome: 'answered', reason: null }] }))
      await store.commit(newCommit({ settled: [{ seq, outcome: 'dead', reason: 'too late' }] }))
      expect(await store.unfinished('web', 0, 10)).toEqual([])
      expect(await store.deadLetters(10)).toEqual([])
      expect((await store.counts()).messages).toStrictEqual({ waiting: 0, answered: 1, discarded: 0, dead: 0 })
    },
  },
  {
    name: 'M3 a dead message is a dead letter; a retry makes it unfinished with fresh tries, once',
    async run(store, world) {
      const { seq } = await store.accept(newMessage({ command: { name: 'queue', text: 'x' } }))
      for (let n = 0; n < 3; n += 1) await store.begin('web/room', 'turn-1', [seq])
      world.pass(5)
      await store.commit(newCommit({ settled: [{ seq, outcome: 'dead', reason: 'it broke the process' }] }))
      const [letter] = await store.deadLetters(10)
      expect(letter).toStrictEqual({
        id: letter?.id,
        kind: 'message',
        channel: 'web',
        conversation: 'room',
        text: 'hello',
        reason: 'it broke the process',
        atMs: world.nowMs(),
      })
      const retried = await store.retryDeadLetter(letter?.id ?? 0)
      const [message] = await store.unfinished('web', 0, 10)
      expect(retried).toStrictEqual({ kind: 'message', message })
      expect(message?.seq).toBe(seq)
      expect((await store.begin('web/room', 'turn-1', [seq])).exhausted).toEqual([])
      expect(await store.retryDeadLetter(letter?.id ?? 0)).toBeNull()
      expect(await store.deadLetters(10)).toEqual([])
    },
  },
  {
    name: 'a pairing code is the same for an hour, approves once, and can be revoked',
    async run(store, world) {
      const anna = { id: '7', name: 'Anna' }
      const code = await store.pairingCode('web', anna)
      expect(code).toMatch(/^[A-HJKMNP-Z2-9]{8}$/)
      world.pass(CODE_MS_MAX - 1)
      expect(await store.pairingCode('web', anna)).toBe(code)
      world.pass(1)
      expect(await store.approvePairing(code)).toBeNull()
      const second = await store.pairingCode('web', anna)
      expect(second).not.toBe(code)
      const askedAtMs = world.nowMs()
      const asked = { channel: 'web', user: '7', name: 'Anna', code: second, atMs: askedAtMs }
      expect(await store.pairings()).toStrictEqual([asked])
      expect(await store.isPaired('web', '7')).toBe(false)
      world.pass(60_000)
      const approved = { ...asked, code: null, atMs: world.nowMs() }
      expect(await store.approvePairing(` ${second.toLowerCase()} `)).toStrictEqual(approved)
      expect(await store.approvePairing(second)).toBeNull()
      expect(await store.pairings()).toStrictEqual([approved])
      expect([await store.isPaired('web', '7'), await store.isPaired('other', '7')]).toEqual([true, false])
      expect([await store.revokePairing('web', '7'), await store.revokePairing('web', '7')]).toEqual([true, false])
      expect(await store.isPaired('web', '7')).toBe(false)
    },
  },
  {
    name: 'M2 at most 1,000 pairing codes are open; the next is refused aloud, and an expired one makes room',
    async run(store, world) {
      const ask = (n: number) => store.pairingCode('web', { id: `${n}`, name: null })
      const codes = await Promise.all(Array.from({ length: OPEN_CODES_MAX }, (_, n) => ask(n)))
      expect(new Set(codes).size).toBe(1_000)
      await expect(ask(1_000)).rejects.toMatchObject({ failure: { reason: 'rateLimited', retryAfterMs: CODE_MS_MAX } })
      expect(await ask(0)).toBe(codes[0])
      world.pass(CODE_MS_MAX)
      expect(await ask(1_000)).toHaveLength(8)
      expect(await store.pairings()).toHaveLength(1)
    },
  },
]
