// Session actor with its store, its delivery and its supervisors: what a person sees.

import { expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { openHouse } from '../support/house.ts'
import { ATTACHED } from '../support/messages.ts'
import { settled } from '../support/world.ts'

test('S1: two quick messages make one run, and the second runs after the first', async () => {
  const house = await openHouse()
  await house.says('a', 'one')
  await house.says('a', 'two')
  expect(house.thoughts).toHaveLength(1)
  await house.thoughts[0]?.answer('first')
  expect(house.thoughts).toHaveLength(2)
  await house.thoughts[1]?.answer('second')
  expect(house.platform('a').sent.map((sent) => sent.text)).toEqual(['first', 'second'])
})

test('S6: the late result of a stopped run is neither delivered nor stored', async () => {
  const house = await openHouse()
  await house.says('a', 'one')
  await house.says('a', 'two')
  await house.says('a', '/stop')
  expect(house.thoughts[0]?.closed()).toBe(true)
  await house.thoughts[0]?.answer('late')
  const texts = house.platform('a').sent.map((sent) => sent.text)
  expect(texts).toEqual(['Stopped. 1 waiting message was discarded.'])
  const transcript = await house.store.transcript('a/c1')
  expect(transcript.map((entry) => entry.text)).not.toContain('late')
  await house.says('a', 'three')
  expect(house.thoughts).toHaveLength(2)
})

test('S13 S14: a session reports pending from the moment of the accept', async () => {
  const house = await openHouse({ gateway: { concurrentRuns: 1 } })
  await house.says('a', 'one', { conversation: 'c1' })
  await house.says('a', 'two', { conversation: 'c2' })
  expect(house.census()).toMatchObject({ running: 1, pending: 1 })
  await house.says('a', '/status', { conversation: 'c2' })
  expect(house.platform('a').sent.at(-1)?.text).toContain('State: pending')
  await house.thoughts[0]?.answer('done')
  expect(house.thoughts).toHaveLength(2)
})

test('S20: interrupt closes the running request, and the message is the next turn', async () => {
  const house = await openHouse({ channels: { a: { busyMode: 'interrupt' } } })
  await house.says('a', 'one')
  await house.says('a', 'two')
  expect(house.thoughts[0]?.closed()).toBe(true)
  expect(house.thoughts).toHaveLength(2)
  await house.thoughts[1]?.answer('second')
  expect(house.platform('a').sent.map((sent) => sent.text)).toEqual(['second'])
  expect(house.thoughts[1]?.request.history.map((entry) => entry.text)).toEqual(['one'])
})

test('S17: with collect all that waits becomes one turn, in order', async () => {
  const house = await openHouse({ channels: { a: { busyMode: 'collect' } } })
  for (const text of ['one', 'two', 'three']) await house.says('a', text)
  await house.thoughts[0]?.answer('first')
  expect(house.thoughts[1]?.request.messages.map((message) => message.text)).toEqual(['two', 'three'])
})

test('S24: an album is one message, whatever comes between its parts', async () => {
  const house = await openHouse()
  await house.says('a', 'look', { album: 'al', attachments: ATTACHED })
  await house.world.advance(900)
  await house.says('a', '', { album: 'al', attachments: ATTACHED })
  await house.world.advance(900)
  await house.says('a', '', { album: 'al', attachments: ATTACHED })
  await house.world.advance(1_000)
  expect(house.thoughts).toHaveLength(1)
  await house.thoughts[0]?.answer('nice')
  expect(house.platform('a').sent).toHaveLength(1)
  expect(house.census()).toMatchObject({ idle: 1, queued: 0 })
})

test('S26: a message over the limit is refused aloud and kept as a dead letter', async () => {
  const house = await openHouse({ channels: { a: { queueLimit: 1 } } })
  for (const text of ['one', 'two', 'three']) await house.says('a', text)
  expect(house.platform('a').sent.at(-1)?.text).toContain('not kept')
  expect(await house.store.deadLetters(10)).toMatchObject([{ kind: 'message', text: 'three' }])
})

test('S29: the same platform message twice is one run and one stored message', async () => {
  const house = await openHouse()
  const first = await house.says('a', 'one', { platformMessageId: '5' })
  const again = await house.says('a', 'one', { platformMessageId: '5' })
  expect([first, again]).toMatchObject([{ duplicate: false }, { duplicate: true }])
  await house.thoughts[0]?.answer('once')
  expect(house.thoughts).toHaveLength(1)
})

test('S34: /new during a run answers first, then the next message finds an empty history', async () => {
  const house = await openHouse()
  await house.says('a', 'one')
  await house.thoughts[0]?.answer('first')
  await house.says('a', 'two')
  await house.says('a', '/new')
  await house.says('a', 'three')
  expect(house.platform('a').sent.at(-1)?.text).toContain('empty now')
  expect(house.thoughts.at(-1)?.request.history).toEqual([])
  expect(house.thoughts.at(-1)?.request.messages.map((message) => message.text)).toEqual(['three'])
})

test('S55: a defect at the model restarts that session alone; the third try makes a dead letter', async () => {
  const house = await openHouse()
  await house.says('a', 'poison')
  await house.says('a', 'healthy', { conversation: 'c2' })
  for (const wait of [1_000, 2_000, 4_000]) {
    await house.thoughts
      .filter((thought) => thought.request.messages[0]?.text === 'poison')
      .at(-1)
      ?.fail(new Error('bug'))
    await house.world.advance(wait)
    await settled()
  }
  expect(await house.store.deadLetters(10)).toMatchObject([{ kind: 'message', text: 'poison' }])
  expect(house.platform('a').sent.map((sent) => sent.text)).toEqual([expect.stringContaining('gave up')])
  await house.thoughts.find((thought) => thought.request.messages[0]?.text === 'healthy')?.answer('fine')
  expect(house.platform('a').sent.at(-1)?.text).toBe('fine')
  await house.says('a', 'next')
  await house.thoughts.at(-1)?.answer('well again')
  expect(house.platform('a').sent.at(-1)?.text).toBe('well again')
})

test('S4 M5: what was accepted and not answered is answered after the process is lost', async () => {
  const first = await openHouse()
  await first.says('a', 'one')
  await first.says('a', 'two')
  first.kill()
  const second = await openHouse({ store: first.store, world: first.world })
  await settled()
  await second.thoughts[0]?.answer('first')
  await second.thoughts[1]?.answer('second')
  expect(second.platform('a').sent.map((sent) => sent.text)).toEqual(['first', 'second'])
  expect((await second.store.counts()).messages).toMatchObject({ waiting: 0, answered: 2 })
})

test('S54 M4: a passivated session’s next message finds the same history', async () => {
  const house = await openHouse({ gateway: { passivateAfterMs: 1_000 } })
  await house.says('a', 'one')
  await house.thoughts[0]?.answer('first')
  expect(house.census().live).toBe(1)
  for (let sweep = 0; sweep < 5; sweep += 1) await house.world.advance(250)
  expect(house.census().live).toBe(0)
  await house.says('a', 'two')
  expect(house.thoughts[1]?.request.history.map((entry) => entry.text)).toEqual(['one', 'first'])
})

test('S3: a reply whose commit fails is not sent, and is committed again without a second run', async () => {
  let broken = false
  const house = await openHouse({
    wrap: (store) => ({
      ...bound(store),
      commit: async (commit) => {
        if (broken) throw new FailureError({ kind: 'retryable', reason: 'storage', message: 'the disk is full' })
        await store.commit(commit)
      },
    }),
  })
  await house.says('a', 'one')
  broken = true
  await house.thoughts[0]?.answer('first')
  expect(house.platform('a').sent).toEqual([])
  broken = false
  await house.world.advance(1_000)
  expect(house.platform('a').sent.map((sent) => sent.text)).toEqual(['first'])
  expect(house.thoughts).toHaveLength(1)
})

function bound<T extends object>(store: T): T {
  return new Proxy(store, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
