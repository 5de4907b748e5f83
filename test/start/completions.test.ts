// Completions: what a question that is asked again is told: what became of it, and not of what was in one turn with it.

import { expect, test } from 'vitest'
import { INBOX_FULL } from '../../machines/commits.ts'
import type { Outcome } from '../../machines/messages.ts'
import { refusedReason } from '../../machines/refusals.ts'
import { turnIdOf } from '../../machines/steps.ts'
import { recall } from '../../src/start/completions.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import { newCommit, newMessage } from '../store/message-parts.ts'
import { testWorld } from '../support/world.ts'

/** A question and another one in one turn, which the first of them began; the other one is answered in it. */
async function twoInOneTurn() {
  const store = openMemoryStore({ world: testWorld() })
  const first = await store.accept(newMessage({ text: 'one?' }))
  const other = await store.accept(newMessage({ platformMessageId: '2', text: 'two?' }))
  const turn = turnIdOf(first)
  const ends = (outcome: Outcome, reason: string | null) =>
    store.commit(
      newCommit({
        settled: [
          { seq: first.seq, outcome, reason },
          { seq: other.seq, outcome: 'answered', reason: null },
        ],
        entries: [
          { role: 'user', turn, text: 'two?', sender: null },
          {
            role: 'assistant',
            turn,
            text: 'two',
            sender: null,
            model: 'm',
            spent: { inputTokens: 5, outputTokens: 2, cost: null },
          },
        ],
      }),
    )
  const again = (text: string) => recall(store, { text, attachments: [] }, { session: 'web/room', seq: first.seq })
  return { ends, again }
}

const REFUSED = { kind: 'permanent', reason: 'refused', message: 'Your message was refused: not here' }

test.each<[string, Outcome, string | null, object]>([
  ['was answered', 'answered', null, { kind: 'answered', text: 'two', spent: { inputTokens: 5, outputTokens: 2 } }],
  ['was given up', 'dead', 'it broke its session', { kind: 'broken' }],
  ['found no room', 'dead', INBOX_FULL, { kind: 'full' }],
  ['was stopped', 'discarded', 'stopped', { kind: 'stopped' }],
  [
    'was refused by a hook',
    'discarded',
    refusedReason({ seqs: [1], reason: 'not here' }),
    { kind: 'failed', failure: REFUSED },
  ],
])('one that %s is told so, and no answer to others', async (_, outcome, reason, told) => {
  const { ends, again } = await twoInOneTurn()
  expect(await again('one?')).toBeNull()
  await ends(outcome, reason)
  expect(await again('one?')).toEqual(told)
  expect(await again('two?')).toEqual({ kind: 'reused' })
})
