// Forgetting: what was asked once leaves the store an hour after its answer, and its work folder when the answer was delivered; nothing
// else does.

import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Outcome } from '../../machines/messages.ts'
import { beginForgetting } from '../../src/start/forgetting.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import type { Store } from '../../src/store/store.ts'
import { openWorkdir } from '../../src/tools/workdir.ts'
import { newCommit, newMessage } from '../store/message-parts.ts'
import { testAgent } from '../support/definitions.ts'
import { settled, silentLog, testWorld } from '../support/world.ts'
import { soon } from '../support/soon.ts'

const MINUTE_MS = 60_000

const once = (id: number | string) => placeOf(`~cfo/${id}`)
const NAMED = placeOf('cfo/anna')

function placeOf(conversation: string, channel = '@openai') {
  return { channel, conversation, sessionKey: [channel, conversation].map(encodeURIComponent).join('/') }
}

async function stage(wrap: (store: Store) => Store = (store) => store) {
  const world = testWorld()
  const store = openMemoryStore({ world })
  const data = mkdtempSync(join(tmpdir(), 'troupe-forgetting-'))
  onTestFinished(() => rmSync(data, { recursive: true }))
  const begin = () => {
    const forgetter = beginForgetting({ store: wrap(store), data, world, log: silentLog })
    onTestFinished(() => forgetter.end())
    return forgetter
  }
  const forgetter = begin()
  await settled()

  /** A run ends; the folder that it worked in. */
  async function ends(place: typeof NAMED, outcome: Outcome = 'answered', texts = ['yes']): Promise<string> {
    const definition = testAgent('cfo', { workdir: 'per_session' })
    const { path } = await openWorkdir({ definition, session: place.sessionKey, turn: 't', data, hidden: [], world })
    mkdirSync(join(path, 'made/by/a/tool'), { recursive: true })
    const { seq } = await store.accept(newMessage({ ...place, platformMessageId: path }))
    const replies = texts.map((text) => ({ conversation: place.conversation, text, replyTo: null }))
    await forgetter.store.commit(newCommit({ ...place, settled: [{ seq, outcome, reason: null }], replies }))
    return path
  }

  async function delivers({ channel, conversation }: typeof NAMED): Promise<void> {
    const owed = await store.nextOwed(channel, conversation)
    await store.receipt(owed?.id ?? 0, 'r', true)
  }
  return { world, store, begin, forgetter, ends, delivers }
}

describe('what was said', () => {
  async function full(wrap?: (store: Store) => Store) {
    const { world, store, forgetter } = await stage(wrap)
    for (const place of [...Array.from({ length: 150 }, (_, n) => once(n)), NAMED]) {
      const { seq } = await store.accept(newMessage(place))
      await store.commit(newCommit({ ...place, settled: [{ seq, outcome: 'answered', reason: null }] }))
    }
    return { world, forgetter, left: async () => (await store.counts()).sessions }
  }

  test('is forgotten after an hour, a few at a time; a named conversation is not', async () => {
    const { world, left, forgetter } = await full()
    for (let minute = 0; minute < 60; minute += 1) await world.advance(MINUTE_MS)
    expect(await left()).toBe(151)
    await world.advance(MINUTE_MS)
    expect(await left()).toBe(51)
    await world.advance(250)
    expect(await left()).toBe(1)
    forgetter.end()
    expect(world.pending()).toEqual([])
  })

  test('is asked for again of a disk that fails', async () => {
    let fails = true
    const { world, left } = await full((store) => ({
      ...store,
      forget: (what) => (fails ? Promise.reject(new Error('the disk is away')) : store.forget(what)),
    }))
    for (let minute = 0; minute < 62; minute += 1) await world.advance(MINUTE_MS)
    expect(await left()).toBe(151)
    fails = false
    await world.advance(MINUTE_MS)
    expect(await left()).toBe(51)
  })
})

describe('its work folder', () => {
  const isThere = (path: string) => soon(() => expect(existsSync(path)).toBe(true))
  const isGone = (path: string) => soon(() => expect(existsSync(path)).toBe(false))

  test('goes when the answer was delivered, and no other goes with it', async () => {
    const { world, ends, delivers, forgetter } = await stage()
    const left = await ends(once('left'), 'discarded', [])
    const answered = await ends(once('answered'))
    await delivers(once('answered'))
    const owed = await ends(once('owed'))
    const others = [NAMED, placeOf('~cfo/1', 'web')]
    const stay = [await ends(once('dead'), 'dead', []), ...(await Promise.all(others.map((place) => ends(place))))]
    for (const place of others) await delivers(place)
    await world.advance(1_000)
    for (const path of [left, answered]) await isGone(path)
    await delivers(once('owed'))
    await isThere(owed)
    await world.advance(MINUTE_MS)
    await isGone(owed)
    for (const path of stay) await isThere(path)
    forgetter.end()
    expect(world.pending()).toEqual([])
  })

  test('that the end of a process left behind goes with what was said', async () => {
    const { world, begin, ends, delivers, forgetter } = await stage()
    const path = await ends(once('cut'))
    await delivers(once('cut'))
    forgetter.end()
    begin()
    for (let minute = 0; minute < 60; minute += 1) await world.advance(MINUTE_MS)
    await isThere(path)
    await world.advance(MINUTE_MS)
    await isGone(path)
  })
})
