// Runs over: a start removes what the folders of runs are that no unfinished turn will ask for, and no other.

import { expect, test } from 'vitest'
import { RECOVERY_BATCH } from '../../machines/limits.ts'
import { turnIdOf } from '../../machines/steps.ts'
import { runsOver } from '../../src/start/runs-over.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import { runFolderName } from '../../src/tools/workdir.ts'
import { newCommit, newMessage } from '../store/message-parts.ts'
import { testDefinition } from '../support/house.ts'
import { testWorld } from '../support/world.ts'

const definition = testDefinition({ channels: { tg: {}, 'other one': {} } })

const folderOf = (sessionKey: string, seq: number) =>
  runFolderName({ session: sessionKey, turn: turnIdOf({ seq, renewed: 0 }) })

test('an unfinished turn keeps its folder, a finished one does not; of a channel that is gone nothing is known', async () => {
  const store = openMemoryStore({ world: testWorld() })
  const accept = async (channel: string, sessionKey: string) =>
    (await store.accept(newMessage({ channel, conversation: sessionKey, sessionKey }))).seq
  const done = await accept('tg', 'tg/1')
  const settled = [{ seq: done, outcome: 'answered', reason: null }] as const
  await store.commit(newCommit({ channel: 'tg', sessionKey: 'tg/1', settled }))
  const open = await accept('tg', 'tg/1')
  const elsewhere = await accept('other one', 'other%20one/1')
  const gone = await accept('gone', 'gone/1')
  const names = [
    folderOf('tg/1', done),
    folderOf('tg/1', open),
    folderOf('tg/2', open),
    folderOf('other%20one/1', elsewhere),
    folderOf('gone/1', gone),
  ]
  expect([...(await runsOver(store, definition, names))]).toEqual([names[0], names[2]])
})

test('all that is unfinished is read, a batch at a time', async () => {
  const store = openMemoryStore({ world: testWorld() })
  const sessions = Array.from({ length: RECOVERY_BATCH + 1 }, (_, n) => `tg/${n}`)
  const seqs = await Promise.all(
    sessions.map((sessionKey) => store.accept(newMessage({ channel: 'tg', conversation: sessionKey, sessionKey }))),
  )
  const names = seqs.map(({ seq }, n) => folderOf(sessions[n] ?? '', seq))
  expect([...(await runsOver(store, definition, names))]).toEqual([])
})
