// Sweeping: files that nobody needs go with the start, and then once a minute, also after a disk that failed.

import { expect, onTestFinished, test } from 'vitest'
import { beginSweeping } from '../../src/start/sweeping.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import { newCommit, newMessage } from '../store/message-parts.ts'
import { settled, silentLog, testWorld } from '../support/world.ts'

test('what a message has stays until it is settled; then it goes within a minute', async () => {
  const world = testWorld()
  const store = openMemoryStore({ world })
  const file = { kind: 'document', reference: 'r1', name: null, mediaType: null, bytes: 1, seconds: null } as const
  const { seq } = await store.accept(newMessage({ attachments: [file] }))
  const needed: unknown[] = []
  let fails = true
  const uploads = {
    async sweep(attachments: typeof store.attachments): Promise<number> {
      if (fails) throw new Error('the disk is away')
      needed.push((await attachments()).map(({ reference }) => reference))
      return 0
    },
  }
  const end = beginSweeping({ uploads, store, world, log: silentLog })
  onTestFinished(end)
  await settled()
  fails = false
  await world.advance(60_000)
  await store.commit(newCommit({ settled: [{ seq, outcome: 'answered', reason: null }] }))
  await world.advance(59_999)
  expect(needed).toEqual([['r1']])
  await world.advance(1)
  expect(needed).toEqual([['r1'], []])
  end()
  expect(world.pending()).toEqual([])
})
