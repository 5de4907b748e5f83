// Schedule actor on the real tree and store: a time is said once, whatever happens around it; a missed one is made up for.

import { expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import type { Store } from '../../src/store/store.ts'
import { testSchedule } from '../support/definitions.ts'
import { type House, type HouseOptions, openHouse } from '../support/house.ts'
import { settled } from '../support/world.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const HOURLY = testSchedule()

const open = (given: HouseOptions = {}): Promise<House> => openHouse({ schedules: [HOURLY], ...given })

/** As the clock of a machine runs: a sleep of a minute is one of a minute. */
async function pass(house: House, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= MINUTE_MS) {
    await house.world.advance(Math.min(left, MINUTE_MS))
    await settled()
  }
}

const asked = (house: House): string[] => house.thoughts.map(({ request }) => request.messages.at(-1)?.text ?? '')

const saidIn = async (store: Store): Promise<(number | undefined)[]> =>
  (await store.schedules()).map(({ last }) => last?.dueAtMs)

test('S3: it says its text at its time, the answer goes to its conversation, and the transcript says who asked', async () => {
  const house = await open()
  await pass(house, HOUR_MS - 1)
  expect(house.thoughts).toHaveLength(0)
  await pass(house, 1)
  expect(asked(house)).toEqual(['What is new?'])
  await house.thoughts[0]?.answer('nothing')
  expect(house.platform('a').sent).toEqual([{ conversation: 'c1', text: 'nothing', replyTo: null }])
  const [first] = await house.store.transcript('a/c1')
  expect(first).toMatchObject({ role: 'user', sender: { id: 'schedule:morning' } })
  await pass(house, HOUR_MS)
  expect(asked(house)).toHaveLength(2)
})

test('M5: what was missed is made up for once, by the newest alone, and after a crash not again', async () => {
  const house = await open()
  await pass(house, HOUR_MS)
  await house.thoughts[0]?.answer('one')
  house.kill()
  // Three times pass while nobody is there.
  await house.world.advance(3 * HOUR_MS + MINUTE_MS)
  const second = await open({ store: house.store, world: house.world })
  await settled()
  expect(asked(second)).toEqual(['What is new?'])
  second.kill()
  const third = await open({ store: house.store, world: house.world })
  await settled()
  // The message of the life before is taken up; no other is made.
  expect(asked(third)).toEqual(['What is new?'])
  expect((await house.store.counts()).messages).toMatchObject({ answered: 1, waiting: 1 })
})

test('S41: a crash between the write and everything behind it makes one run', async () => {
  const house = await open({ wrap: (store) => ({ ...store, acceptDue: lost(store) }) })
  await pass(house, HOUR_MS)
  expect(house.thoughts).toHaveLength(0)
  house.kill()
  const next = await open({ store: house.store, world: house.world })
  await pass(next, MINUTE_MS)
  expect(asked(next)).toEqual(['What is new?'])
})

/** It is on disk, and nobody hears of it. */
function lost(store: Store): Store['acceptDue'] {
  return async (...input) => {
    await store.acceptDue(...input)
    return new Promise(() => {})
  }
}

test('S29: two processes’ worth of ticks of one time are one message', async () => {
  const house = await open()
  await pass(house, HOUR_MS)
  const [record] = await house.store.schedules()
  const time = { name: 'morning', times: '0 * * * * UTC', dueAtMs: record?.last?.dueAtMs ?? 0 }
  const [message] = await house.store.unfinished('a', 0, 1)
  if (message === undefined) throw new Error('nothing was accepted')
  const again = { ...message, platformMessageId: 'another', journaled: false }
  expect(await house.store.acceptDue(time, again)).toEqual({ seq: message.seq, duplicate: true })
  expect((await house.store.counts()).messages.waiting).toBe(1)
})

test('M5: a person who had its message’s id in advance takes nothing from it, and nobody speaks as a schedule', async () => {
  const house = await open()
  const id = `schedule:morning:${house.world.nowMs() + HOUR_MS}`
  expect(await house.says('a', 'mine', { platformMessageId: id })).toMatchObject({ accepted: true })
  const sender = { id: 'schedule:morning', name: null, handle: null }
  expect(await house.says('a', 'hers', { sender })).toEqual({ accepted: false, reason: 'stranger' })
  await house.thoughts[0]?.answer('yours')
  await pass(house, HOUR_MS)
  expect(asked(house)).toEqual(['mine', 'What is new?'])
  const another = { id: '2', name: null, handle: null }
  const again = await house.says('a', 'mine', { platformMessageId: id, sender: another })
  expect(again).toEqual({ accepted: false, reason: 'taken' })
  expect((await house.store.counts()).messages).toMatchObject({ answered: 1, waiting: 1 })
})

test('a new schedule has no past; nor has one with other times, and one that was taken out and put back', async () => {
  const house = await openHouse()
  await house.world.advance(30 * MINUTE_MS)
  await house.redefine({ schedules: [HOURLY] })
  expect(house.thoughts).toHaveLength(0)
  await pass(house, 30 * MINUTE_MS)
  expect(house.thoughts).toHaveLength(1)
  await house.redefine({ schedules: [testSchedule({ cron: '15 * * * *' })] })
  await pass(house, 14 * MINUTE_MS)
  expect(house.thoughts).toHaveLength(1)
  await house.redefine({ schedules: [] })
  expect(await house.store.schedules()).toEqual([])
  await pass(house, 2 * HOUR_MS)
  await house.redefine({ schedules: [testSchedule({ cron: '15 * * * *' })] })
  expect(house.thoughts).toHaveLength(1)
})

test('a newer file is taken at once: another text from the next time on, and none of one that is gone', async () => {
  const house = await open()
  await pass(house, 59 * MINUTE_MS)
  await house.redefine({ schedules: [testSchedule({ text: 'And now?' })] })
  await pass(house, MINUTE_MS)
  expect(asked(house)).toEqual(['And now?'])
  await house.thoughts[0]?.answer('now')
  await house.redefine({ schedules: [] })
  await pass(house, 2 * HOUR_MS)
  expect(asked(house)).toHaveLength(1)
})

test('S5: a failed channel: it is accepted and answered, and delivered when the channel is back', async () => {
  const house = await open()
  const refused = new FailureError({ kind: 'permanent', reason: 'unauthorized', message: 'refused' })
  await house.platform('a').breaks(refused)
  house.platform('a').nextSend.push(() => Promise.reject(refused))
  await pass(house, HOUR_MS)
  await house.thoughts[0]?.answer('while you were away')
  expect(house.platform('a').sent).toEqual([])
  house.gateway.send({ type: 'channel.control', channel: 'a', control: 'reconnect' })
  await settled()
  expect(house.platform('a').sent.map(({ text }) => text)).toEqual(['while you were away'])
})

test('S44: in a drain no time is due any more; it is at the next start', async () => {
  const house = await open()
  await pass(house, 59 * MINUTE_MS)
  await house.says('a', 'hello')
  house.gateway.send({ type: 'drain' })
  await pass(house, MINUTE_MS)
  expect(await saidIn(house.store)).toEqual([undefined])
  house.kill()
  const next = await open({ store: house.store, world: house.world })
  await settled()
  expect(await saidIn(next.store)).toEqual([next.world.nowMs()])
})

test('C1: a disk that does not answer holds up the schedule alone, and its time is not lost', async () => {
  let isDown = true
  const house = await open({
    wrap: (store) => ({
      ...store,
      acceptDue: (...input) =>
        isDown
          ? Promise.reject(new FailureError({ kind: 'retryable', reason: 'storage', message: 'full' }))
          : store.acceptDue(...input),
    }),
  })
  await pass(house, HOUR_MS + 5 * MINUTE_MS)
  expect(house.thoughts).toHaveLength(0)
  isDown = false
  await pass(house, MINUTE_MS)
  expect(asked(house)).toEqual(['What is new?'])
})

test('C1: a schedule that fails by a defect goes on after a minute from what is on record, and touches nobody else', async () => {
  let defects = 1
  const house = await open({
    wrap: (store) => ({
      ...store,
      recallSchedule: (...input) => (defects-- > 0 ? Promise.resolve(null as never) : store.recallSchedule(...input)), // as: what no store says
    }),
  })
  await house.says('a', 'hello')
  await house.thoughts[0]?.answer('hi')
  expect([house.gateway.getSnapshot().status, await house.store.schedules()]).toEqual(['active', []])
  await pass(house, HOUR_MS)
  expect(asked(house)).toEqual(['hello', 'What is new?'])
})
