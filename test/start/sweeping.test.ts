// Sweeping: files that nobody needs go with the start, and then once a minute, also after a disk that failed.

import { expect, onTestFinished, test } from 'vitest'
import { beginSweeping } from '../../src/start/sweeping.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import { newCommit, newMessage } from '../store/message-parts.ts'
import { settled, silentLog, testWorld } from '../support/world.ts'

test('what a message has stays until it is settled, and with a dead letter as long as a work folder; then it goes within a minute', async () => {
  const world = testWorld()
  const store = openMemoryStore({ world })
  const file = { kind: 'document', reference: 'r1', name: null, mediaType: null, bytes: 1, seconds: null } as const
  const { seq } = await store.accept(newMessage({ attachments: [file] }))
  const needed: unknown[] = []
  let fails = true
  const uploads = {
    async sweep(attachments: () => ReturnType<typeof store.attachments>): Promise<number> {
      if (fails) throw new Error('the disk is away')
      needed.push((await attachments()).map(({ reference }) => reference))
      return 0
    },
  }
  const keepMs = 3 * 60_000
  const end = beginSweeping({ uploads, store, keepMs, world, log: silentLog })
  onTestFinished(end)
  await settled()
  fails = false
  await world.advance(60_000)
  const dead = await store.accept(newMessage({ platformMessageId: '2', attachments: [{ ...file, reference: 'r2' }] }))
  const settle = (settled: number, outcome: 'answered' | 'dead') => ({ seq: settled, outcome, reason: null })
  await store.commit(newCommit({ settled: [settle(seq, 'answered'), settle(dead.seq, 'dead')] }))
  await world.advance(59_999)
  expect(needed).toEqual([['r1']])
  await world.advance(1)
  for (let minute = 0; minute < 3; minute += 1) await world.advance(60_000)
  expect(needed).toEqual([['r1'], ['r2'], ['r2'], ['r2'], []])
  end()
  expect(world.pending()).toEqual([])
})
