// The record of a delivery, read from the file itself: what an operator finds there after a crash.

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { openStore } from '../../src/store/sqlite.ts'
import { newCommit } from './message-parts.ts'
import { HOLDER, temporaryFolder } from './parts.ts'
import { stillWorld } from './still-world.ts'

test('S49 D2 the record of a reply says uncertain when a part of it may stand there twice, and names that part', async () => {
  const folder = temporaryFolder()
  const opened = () => openStore({ folder, holder: HOLDER, world: stillWorld() })
  const before = opened()
  const replies = ['a', 'b'].map((conversation) => ({ conversation, text: conversation, replyTo: null }))
  await before.commit(newCommit({ replies }))
  await before.attempt(1)
  await before.receipt(1, 'r1', true)
  await before.attempt(2)
  await before.receipt(2, 'r2', false)
  await before.attempt(2)
  await before.close()
  // The process ended in between: what became of the second part of the second reply is not known.
  const after = opened()
  expect((await after.nextOwed('web', 'b'))?.uncertain).toBe(true)
  await after.attempt(2)
  await after.receipt(2, 'r3', true)
  await after.close()
  const file = new DatabaseSync(join(folder, 'troupe.db'), { readOnly: true })
  const records = file.prepare('SELECT id, outcome, uncertain FROM outbox').all()
  expect(records).toEqual([
    { id: 1, outcome: 'delivered', uncertain: 0 },
    { id: 2, outcome: 'delivered', uncertain: 1 },
  ])
  expect(file.prepare('SELECT outbox_id, part, receipt, uncertain FROM receipts').all()).toEqual([
    { outbox_id: 1, part: 0, receipt: 'r1', uncertain: 0 },
    { outbox_id: 2, part: 0, receipt: 'r2', uncertain: 0 },
    { outbox_id: 2, part: 1, receipt: 'r3', uncertain: 1 },
  ])
  file.close()
})
