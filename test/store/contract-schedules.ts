// Schedules: what the store's contract says of times that are said once.

import { expect } from 'vitest'
import type { Check } from './contract.ts'
import { newMessage } from './message-parts.ts'

const MORNING = { name: 'morning', times: '0 9 * * * UTC' }
const said = (id: string) =>
  newMessage({ platformMessageId: id, sender: { id: 'schedule:morning', name: null, handle: null } })

export const scheduleChecks: readonly Check[] = [
  {
    name: 'M5 a time is on record with its message, in one; the same time, or an earlier one, is a duplicate and writes nothing',
    async run(store) {
      expect(await store.recallSchedule('morning', MORNING.times, 500)).toBe(500)
      const [first, twice, earlier] = await Promise.all([
        store.acceptDue({ ...MORNING, dueAtMs: 1_000 }, said('a')),
        store.acceptDue({ ...MORNING, dueAtMs: 1_000 }, said('b')),
        store.acceptDue({ ...MORNING, dueAtMs: 999 }, said('c')),
      ])
      expect([first, twice, earlier].map(({ seq, duplicate }) => [seq, duplicate])).toEqual([
        [1, false],
        [1, true],
        [1, true],
      ])
      expect((await store.counts()).messages.waiting).toBe(1)
      expect(await store.recallSchedule('morning', MORNING.times, 2_000)).toBe(1_000)
      const last = { dueAtMs: 1_000, sessionKey: 'web/room', outcome: null }
      expect(await store.schedules()).toMatchObject([{ name: 'morning', last }])
      await store.commit({
        channel: 'web',
        sessionKey: 'web/room',
        settled: [{ seq: 1, outcome: 'answered', reason: null }],
        entries: [],
        replies: [],
      })
      expect(await store.schedules()).toMatchObject([{ last: { outcome: 'answered' } }])
    },
  },
  {
    name: 'M5 nobody takes the id of a time in advance, under whatever name; said once, it stays said when the schedule is forgotten',
    async run(store, world) {
      const anna = { id: '7', name: 'Anna', handle: null }
      for (const [id, sender] of Object.entries({ a: anna, b: said('').sender })) {
        const taken = await store.accept({ ...said(id), sender })
        world.pass(1_000)
        const time = { ...MORNING, dueAtMs: world.nowMs() }
        const { seq, duplicate } = await store.acceptDue(time, said(id))
        expect([seq > taken.seq, duplicate]).toEqual([true, false])
        await store.forgetSchedules(['morning'])
        expect(await store.acceptDue(time, said(id))).toEqual({ seq, duplicate: true })
        await store.forgetSchedules(['morning'])
      }
      // As an earlier version accepted it, with its id alone.
      const { seq } = await store.accept(said('c'))
      expect(await store.acceptDue({ ...MORNING, dueAtMs: world.nowMs() }, said('c'))).toEqual({ seq, duplicate: true })
    },
  },
  {
    name: 'a schedule that is new, has other times or was taken out begins with the moment in which it is recalled',
    async run(store) {
      await store.acceptDue({ ...MORNING, dueAtMs: 1_000 }, said('a'))
      expect(await store.recallSchedule('morning', '0 8 * * * UTC', 3_000)).toBe(3_000)
      // What it said last stays known.
      expect(await store.schedules()).toMatchObject([{ last: { dueAtMs: 1_000 } }])
      expect(await store.recallSchedule('evening', MORNING.times, 4_000)).toBe(4_000)
      await store.forgetSchedules(['evening', 'never there'])
      expect(await store.recallSchedule('evening', MORNING.times, 5_000)).toBe(5_000)
      expect((await store.schedules()).map(({ name }) => name)).toEqual(['evening', 'morning'])
    },
  },
]
