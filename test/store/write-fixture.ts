// Writes test/fixtures/stores/version-N.db with the current version's code: `node test/store/write-fixture.ts`, once per
// version, before its release. A file that is there is never written again: it is what an old version really wrote.

import { copyFileSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Attachment, ShownFile } from '../../machines/media.ts'
import type { NewTranscriptEntry } from '../../machines/messages.ts'
import { MIGRATIONS } from '../../src/store/schema.ts'
import { openStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { newCommit, newMessage } from './message-parts.ts'
import { stillWorld } from './still-world.ts'

export const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'stores')

export const PHOTO: Attachment = {
  kind: 'image',
  reference: 'AgAC',
  name: null,
  mediaType: 'image/jpeg',
  bytes: 12,
  seconds: null,
}

export const SHOWN: ShownFile = { path: 'received/1-1-image.jpg', mediaType: 'image/jpeg', bytes: 12 }

if (import.meta.main) {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-fixture-'))
  const holder = { pid: process.pid, url: null, startedAt: '2026-01-02T03:04:05.000Z' }
  const store = openStore({ folder, holder, world: stillWorld() })
  await fill(store)
  await store.close()
  const target = join(FIXTURES, `version-${MIGRATIONS.length}.db`)
  copyFileSync(join(folder, 'troupe.db'), target, constants.COPYFILE_EXCL)
  rmSync(folder, { recursive: true })
}

/** Something of everything that a store can hold. */
async function fill(store: Store): Promise<void> {
  const sender = { id: '7', name: 'Anna', handle: '@anna' }
  const says = (turn: string, role: 'user' | 'assistant'): NewTranscriptEntry => ({
    role,
    turn,
    text: `${role} ${turn}`,
    sender: role === 'user' ? sender : null,
    ...(role === 'user' ? { shown: [SHOWN] } : {}),
  })
  const mark = (role: 'reset' | 'undo'): NewTranscriptEntry => ({ role, turn: role, text: '', sender: null })
  for (const id of ['1', '2', '3', '4']) await store.accept(newMessage({ platformMessageId: id, journaled: true }))
  const command = { name: 'queue', text: 'later' }
  await store.accept(newMessage({ conversation: 'second', command, attachments: [PHOTO] }))
  await store.begin('web/room', 'turn-1', [1, 4])
  await store.commit(
    newCommit({
      settled: [
        { seq: 1, outcome: 'answered', reason: null },
        { seq: 2, outcome: 'discarded', reason: 'stop' },
        { seq: 3, outcome: 'dead', reason: 'it broke the process' },
      ],
      entries: [
        says('T1', 'user'),
        mark('reset'),
        ...['T2', 'T3'].flatMap((turn) => [says(turn, 'user'), says(turn, 'assistant')]),
        mark('undo'),
      ],
      replies: ['delivered', 'owed', 'given up'].map((text) => ({ conversation: text, text, replyTo: '1' })),
    }),
  )
  await store.receipt(1, 'r1', true)
  await store.receipt(2, 'r2', false)
  await store.attempt(2)
  await store.undeliverable(3, { kind: 'permanent', reason: 'forbidden', message: 'The person blocked the bot.' })
  await store.appendJournal({ channel: 'web', conversation: 'room', text: 'delivered', outboxId: 1, part: 0 })
  await store.approvePairing(await store.pairingCode('web', { id: '7', name: 'Anna' }))
  await store.pairingCode('web', { id: '8', name: null })
  await store.recallSchedule('morning', '0 9 * * 1-5 UTC', 1_000)
}
