// Contract checks: transcripts, history, sessions, and what one commit holds together.

import { expect } from 'vitest'
import { HISTORY_ENTRIES_MAX } from '../../machines/limits.ts'
import type { NewTranscriptEntry, TranscriptRole } from '../../machines/messages.ts'
import type { Step } from '../../machines/steps.ts'
import type { RecordPlace, Store } from '../../src/store/store.ts'
import type { Check } from './contract.ts'
import { newCommit, newMessage } from './message-parts.ts'

/** `T1 T2 undo reset`: a word is a turn with a question and an answer, or one of the two marks. */
export function entriesOf(script: string): NewTranscriptEntry[] {
  return script.split(' ').flatMap((turn, index): NewTranscriptEntry[] => {
    if (turn === 'undo' || turn === 'reset') return [{ role: turn, turn: `mark-${index}`, text: '', sender: null }]
    const sender = { id: '7', name: 'Anna', handle: null }
    return [
      { role: 'user', turn, text: `ask ${turn}`, sender },
      { role: 'assistant', turn, text: `answer ${turn}`, sender: null },
    ]
  })
}

export const historyChecks: readonly Check[] = [
  {
    name: 'history is what came after the last reset without undone turns; the transcript is everything',
    async run(store) {
      const cases: readonly (readonly [script: string, history: readonly string[]])[] = [
        ['T1', ['T1']],
        ['T1 T2 undo', ['T1']],
        ['T1 T2 undo undo', []],
        ['T1 undo undo T2', ['T2']],
        ['T1 T2 undo T3 undo undo T4', ['T4']],
        ['T1 reset T2', ['T2']],
        ['T1 reset undo T2', ['T2']],
        ['T1 T2 reset', []],
      ]
      for (const [script, turns] of cases) {
        const sessionKey = `session of ${script}`
        await store.commit(newCommit({ sessionKey, entries: entriesOf(script) }))
        const history = await store.history(sessionKey)
        expect([script, ...history.map((each) => each.text)]).toEqual([
          script,
          ...turns.flatMap((turn) => [`ask ${turn}`, `answer ${turn}`]),
        ])
        expect((await store.begin(sessionKey, 'turn-1', [])).history).toStrictEqual(history)
        expect(await store.transcript(sessionKey)).toHaveLength(entriesOf(script).length)
      }
    },
  },
  {
    name: 'history begins with the last summary; an undo takes the summary back like a turn',
    async run(store) {
      const summary: NewTranscriptEntry = { role: 'summary', turn: 'S', text: 'in short', sender: null }
      await store.commit(newCommit({ entries: [...entriesOf('T1 T2'), summary, ...entriesOf('T3')] }))
      const texts = async () => (await store.history('web/room')).map(({ text }) => text)
      expect(await texts()).toEqual(['in short', 'ask T3', 'answer T3'])
      await store.commit(newCommit({ entries: entriesOf('undo') }))
      expect(await texts()).toEqual(['in short'])
      await store.commit(newCommit({ entries: entriesOf('undo') }))
      expect(await texts()).toEqual(['ask T1', 'answer T1', 'ask T2', 'answer T2'])
      expect(await store.transcript('web/room')).toHaveLength(9)
    },
  },
  {
    name: 'S42 steps come back in their order, with their turn’s begin and at the entry that closes the turn',
    async run(store) {
      const call = { id: 'c', tool: 'look', input: { at: ['it'] }, policy: 'ask', idempotent: false } as const
      const steps: readonly Step[] = [
        { kind: 'answer', text: 'wait', calls: [call], atMs: 5, seqs: [1] },
        { kind: 'decision', call: 'c', approved: true, by: null },
        { kind: 'begin', call: 'c' },
        { kind: 'result', call: 'c', text: 'nothing', failed: false },
      ]
      for (const step of steps) await store.commit(newCommit({ steps: [{ turn: 'T1', step }] }))
      await store.commit(newCommit({ steps: [{ turn: 'T2', step: { kind: 'begin', call: 'd' } }] }))
      await store.commit(
        newCommit({ sessionKey: 'web/other', steps: [{ turn: 'T1', step: { kind: 'begin', call: 'e' } }] }),
      )
      expect((await store.begin('web/room', 'T1', [])).steps).toStrictEqual(steps)
      expect((await store.begin('web/room', 'T3', [])).steps).toEqual([])
      await store.commit(newCommit({ entries: entriesOf('T1') }))
      for (const read of [store.history, store.transcript]) {
        expect((await read('web/room')).map((entry) => [entry.role, entry.steps])).toStrictEqual([
          ['user', []],
          ['assistant', steps],
        ])
      }
    },
  },
  {
    name: 'transcript entries come back as they were, as plain objects, with their order and time',
    async run(store, world) {
      const roles: readonly TranscriptRole[] = ['user', 'assistant', 'partial', 'failure']
      const entries = roles.map((role, index) => ({
        role,
        turn: 'T1',
        text: `text ${index}`,
        sender: role === 'user' ? { id: '7', name: null, handle: '@anna' } : null,
      }))
      await store.commit(newCommit({ entries }))
      const expected = entries.map((each, index) => ({ ...each, steps: [], seq: index + 1, atMs: world.nowMs() }))
      expect(await store.transcript('web/room')).toStrictEqual(expected)
      expect(await store.history('web/room')).toStrictEqual(expected)
    },
  },
  {
    name: 'a long history is its newest whole turns, within the limit',
    async run(store) {
      const turns = Array.from({ length: HISTORY_ENTRIES_MAX }, (_, n) => `T${n}`)
      // One entry more at the end, so that the limit would cut a turn in two.
      const odd: NewTranscriptEntry = { role: 'failure', turn: 'last', text: 'it failed', sender: null }
      await store.commit(newCommit({ entries: [...entriesOf(turns.join(' ')), odd] }))
      const history = await store.history('web/room')
      expect(history).toHaveLength(HISTORY_ENTRIES_MAX - 1)
      expect(history[0]?.role).toBe('user')
      expect(history.at(-1)?.turn).toBe('last')
      // The undone turns and those that are left lie on two pages of entries.
      await store.commit(newCommit({ entries: entriesOf(Array(100).fill('undo').join(' ')) }))
      const left = entriesOf(turns.slice(101, 301).join(' '))
      expect((await store.history('web/room')).map((each) => each.text)).toEqual(left.map((each) => each.text))
    },
  },
  {
    name: 'a commit happens whole or not at all, and one that fails takes no other with it',
    async run(store) {
      const { seq } = await store.accept(newMessage())
      const broken = newCommit({
        settled: [{ seq, outcome: 'dead', reason: 'x' }],
        // A cast, because the types do not let anybody write this: the table refuses it.
        entries: [...entriesOf('T1'), { role: 'nonsense' as TranscriptRole, turn: 'T1', text: '', sender: null }],
        replies: [{ conversation: 'room', text: 'x', replyTo: null }],
      })
      const results = await Promise.allSettled([
        store.accept(newMessage({ platformMessageId: '2' })),
        store.commit(broken),
        store.accept(newMessage({ platformMessageId: '3' })),
      ])
      expect(results.map((each) => each.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect(await store.unfinished('web', 0, 10)).toHaveLength(3)
      expect(await store.transcript('web/room')).toEqual([])
      expect(await store.owed('web')).toEqual([])
      expect(await store.deadLetters(10)).toEqual([])
    },
  },
  {
    name: 'sessions are listed newest first, with their turns and what waits',
    async run(store, world) {
      const startMs = world.nowMs()
      const { seq } = await store.accept(newMessage())
      world.pass(1)
      await store.accept(newMessage({ conversation: 'second', agent: 'ops' }))
      world.pass(1)
      await store.accept(newMessage({ platformMessageId: '2' }))
      await store.commit(newCommit({ settled: [{ seq, outcome: 'answered', reason: null }], entries: entriesOf('T1') }))
      await store.commit(newCommit({ entries: entriesOf('undo T2') }))
      const common = { channel: 'web', waiting: 1 }
      const first = {
        ...common,
        key: 'web/room',
        conversation: 'room',
        agent: 'cfo',
        turns: 2,
        updatedAtMs: startMs + 2,
      }
      const second = {
        ...common,
        key: 'web/second',
        conversation: 'second',
        agent: 'ops',
        turns: 0,
        updatedAtMs: startMs + 1,
      }
      expect(await store.sessions(10)).toStrictEqual([first, second])
      expect(await store.sessions(1)).toStrictEqual([first])
      expect((await store.counts()).sessions).toBe(2)
    },
  },
  {
    name: 'sessions are found by a part of their key, conversation or agent, among some keys, without others, page by page',
    async run(store, world) {
      for (const conversation of ['Anna', 'berta', 'annabel']) {
        world.pass(1)
        await store.accept(newMessage({ conversation, agent: conversation === 'berta' ? 'ops' : 'cfo' }))
      }
      const keys = async (...input: Parameters<Store['sessions']>) =>
        (await store.sessions(...input)).map(({ key }) => key)
      expect(await keys(10, { search: 'anna' })).toEqual(['web/annabel', 'web/Anna'])
      expect(await keys(10, { search: 'OPS' })).toEqual(['web/berta'])
      expect(await keys(10, { search: '%' })).toEqual([])
      expect(await keys(10, { only: ['web/Anna', 'web/nobody'] })).toEqual(['web/Anna'])
      expect(await keys(10, { only: [] })).toEqual([])
      expect(await keys(10, { without: ['web/berta'], search: 'web/' })).toEqual(['web/annabel', 'web/Anna'])
      expect(await keys(1, { offset: 1 })).toEqual(['web/berta'])
    },
  },
  {
    name: 'a session’s record is everything that became of it in time order, page by page, and nothing of another session',
    async run(store, world) {
      await store.accept(newMessage({ conversation: 'another' }))
      const { seq } = await store.accept(newMessage({ text: 'hello' }))
      world.pass(10)
      const { seq: broken } = await store.accept(newMessage({ platformMessageId: '2', text: 'it breaks' }))
      world.pass(10)
      const step = { kind: 'begin', call: 'c1' } as const
      await store.commit(
        newCommit({
          settled: [
            { seq, outcome: 'answered', reason: null },
            { seq: broken, outcome: 'dead', reason: 'it broke its session' },
          ],
          entries: entriesOf('T1'),
          steps: [{ turn: 'T1', step }],
          replies: [{ conversation: 'room', text: 'answer T1', replyTo: null }],
        }),
      )
      world.pass(10)
      await store.receipt(1, 'r1', true)
      const { entries, older } = await store.record('web/room', null, 10)
      expect(entries.map(({ kind }) => kind)).toEqual([
        'message',
        'message',
        'step',
        'transcript',
        'transcript',
        'delivery',
        'deadLetter',
      ])
      expect(older).toBeNull()
      const ms = entries.map(({ atMs }) => atMs)
      expect(ms).toEqual(ms.toSorted((left, right) => left - right))
      expect(entries).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ kind: 'message', seq, text: 'hello', outcome: 'answered', tries: 0 }),
          expect.objectContaining({ kind: 'deadLetter', of: 'message', reason: 'it broke its session' }),
          expect.objectContaining({ kind: 'step', turn: 'T1', step }),
          expect.objectContaining({ kind: 'delivery', outcome: 'delivered', partsSent: 1, uncertain: false }),
        ]),
      )
      const pages: (typeof entries)[] = []
      for (let place: RecordPlace | null | undefined; place !== null; ) {
        const page = await store.record('web/room', place ?? null, 2)
        pages.unshift(page.entries)
        place = page.older
      }
      expect(pages.length).toBeGreaterThan(2)
      expect(pages.flat()).toHaveLength(entries.length)
      expect(new Set(pages.flat().map((entry) => JSON.stringify(entry)))).toEqual(
        new Set(entries.map((entry) => JSON.stringify(entry))),
      )
      expect((await store.record('web/nobody', null, 10)).entries).toEqual([])
    },
  },
]
