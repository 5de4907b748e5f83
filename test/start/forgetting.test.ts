// Forgetting: what was asked once leaves the store an hour after its answer, with its work folder, and nothing else does.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { beginForgetting } from '../../src/start/forgetting.ts'
import type { Store } from '../../src/store/store.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import { openWorkdir } from '../../src/tools/workdir.ts'
import { newCommit, newMessage } from '../store/message-parts.ts'
import { temporaryFolder } from '../store/parts.ts'
import { testAgent } from '../support/definitions.ts'
import { settled, silentLog, testWorld } from '../support/world.ts'

const MINUTE_MS = 60_000

async function stage(wrap: (store: Store) => Store = (store) => store) {
  const world = testWorld()
  const store = openMemoryStore({ world })
  for (let n = 0; n < 150; n += 1) {
    const place = { channel: '@openai', conversation: `~cfo/${n}`, sessionKey: `%40openai/~cfo%2F${n}` }
    const { seq } = await store.accept(newMessage(place))
    await store.commit(newCommit({ ...place, settled: [{ seq, outcome: 'answered', reason: null }] }))
  }
  const named = { channel: '@openai', conversation: 'cfo/anna', sessionKey: '%40openai/cfo%2Fanna' }
  const { seq } = await store.accept(newMessage(named))
  await store.commit(newCommit({ ...named, settled: [{ seq, outcome: 'answered', reason: null }] }))
  const data = temporaryFolder()
  for (const session of ['%40openai/~cfo%2F0', '%40openai/cfo%2Fanna'])
    await openWorkdir({ definition: testAgent('cfo'), session, turn: 't', data, hidden: [], world })
  const end = beginForgetting({ store: wrap(store), data, world, log: silentLog })
  onTestFinished(end)
  await settled()
  const folders = () => readdirSync(join(data, 'work')).map((name) => name.replace(/-\w+$/, ''))
  return { world, end, left: async () => (await store.counts()).sessions, folders }
}

test('what was asked once is forgotten after an hour, a few at a time; a named conversation is not', async () => {
  const { world, left, folders, end } = await stage()
  expect(await left()).toBe(151)
  for (let minute = 0; minute < 60; minute += 1) await world.advance(MINUTE_MS)
  expect(await left()).toBe(151)
  expect(folders()).toHaveLength(2)
  await world.advance(MINUTE_MS)
  expect(await left()).toBe(51)
  await world.advance(250)
  expect(await left()).toBe(1)
  // Removing a folder is not a matter of the test's clock.
  await expect.poll(folders).toEqual(['_40openai_cfo_2Fanna'])
  end()
  expect(world.pending()).toEqual([])
})

test('a disk that fails is asked again', async () => {
  let fails = true
  const { world, left } = await stage((store) => ({
    ...store,
    forget: (what) => (fails ? Promise.reject(new Error('the disk is away')) : store.forget(what)),
  }))
  for (let minute = 0; minute < 62; minute += 1) await world.advance(MINUTE_MS)
  expect(await left()).toBe(151)
  fails = false
  await world.advance(MINUTE_MS)
  expect(await left()).toBe(51)
})
