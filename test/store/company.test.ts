// Who is to blame: a process that ends takes every running message down, and at most one of them broke it.

import { expect, test } from 'vitest'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { acceptedMessage } from '../support/messages.ts'
import { stillWorld } from './still-world.ts'

async function storeWith(sessions: readonly string[]): Promise<Store> {
  const store = openMemoryStore({ world: stillWorld() })
  for (const session of sessions) {
    const message = acceptedMessage('hello', { conversation: session, sessionKey: session, platformMessageId: session })
    await store.accept({ ...message, journaled: false })
  }
  return store
}

/** One life of the process: each of these is at work when it ends. */
async function life(store: Store, seqs: readonly number[]): Promise<number[]> {
  const exhausted = []
  for (const seq of seqs) exhausted.push(...(await store.begin(`s${seq}`, 'turn-1', [seq])).exhausted)
  return exhausted
}

test('S45: a message that was alone at work when the process ended, three times, is given up', async () => {
  const store = await storeWith(['s1', 's2'])
  for (let times = 0; times < 3; times += 1) expect(await life(store, [1])).toEqual([])
  expect(await life(store, [1, 2])).toEqual([1])
})

test('S41: messages that went down together three times are tried on: at most one of them is to blame', async () => {
  const store = await storeWith(['s1', 's2', 's3'])
  for (let times = 0; times < 3; times += 1) expect(await life(store, [1, 2, 3])).toEqual([])
  expect(await life(store, [1, 2, 3])).toEqual([])
  for (const seq of [2, 3]) await store.commit(answered(seq))
  expect(await life(store, [1])).toEqual([1])
})

test('S45: whoever is to blame is given up in the end, in whatever company', async () => {
  const store = await storeWith(['s1', 's2'])
  for (let times = 0; times < 6; times += 1) expect(await life(store, [1, 2])).toEqual([])
  expect(await life(store, [1, 2])).toEqual([1, 2])
})

function answered(seq: number) {
  const settled = [{ seq, outcome: 'answered', reason: null }] as const
  return { channel: 'a', sessionKey: `s${seq}`, settled, entries: [], replies: [] }
}
