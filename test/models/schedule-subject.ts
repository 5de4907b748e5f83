// The real schedule actor on the real store, with the disk's line and the clock in the test's hand. What stands above it is the test.

import { expect } from 'vitest'
import { type Actor, createActor, type SnapshotFrom, setup } from 'xstate'
import type { Parts } from '../../src/actors/parts.ts'
import { scheduleActor } from '../../src/actors/schedule.ts'
import { cronTimes } from '../../src/config/cron.ts'
import { openMemoryStore } from '../../src/store/sqlite.ts'
import { Disk } from '../sim/disk.ts'
import { testSchedule } from '../support/definitions.ts'
import { testParts } from '../support/parts.ts'
import type { Subject } from '../support/paths.ts'
import type { Taken } from '../support/transitions.ts'
import { settled, testWorld } from '../support/world.ts'
import type { ScheduleEvent, scheduleModel } from './schedule-model.ts'

type ScheduleLogic = ReturnType<typeof scheduleActor>

export interface ScheduleOptions {
  readonly taken?: Taken
  readonly broken?: (real: ScheduleLogic) => ScheduleLogic
  /** Instead of the parts that it should have. */
  readonly parts?: (real: Parts) => Parts
}

/** Each subject is a schedule of its own in one store: to open a store costs as much as to play a path. */
const store = openMemoryStore({ world: testWorld() })
let schedules = 0

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

export async function scheduleSubject(options: ScheduleOptions): Promise<Subject<typeof scheduleModel>> {
  const { taken, broken = (real) => real } = options
  schedules += 1
  const conversation = `c${schedules}`
  const definition = testSchedule({ name: `s${schedules}`, conversation, cron: '0 1,2 1 1 *' })
  const world = testWorld()
  const beginMs = world.nowMs()
  let skewMs = 0
  const skewed = { ...world, nowMs: () => world.nowMs() + skewMs }
  const disk = new Disk(store, skewed.nowMs, () => {})
  disk.turn('slow')
  /** Messages that went their way. */
  const routed: string[] = []
  let isBroken = false
  let life = { alive: true }
  let root = live()

  function live(): Actor<ReturnType<typeof above>> {
    life = { alive: true }
    const real = testParts({ world: skewed, store: disk.handleOf(life), cronTimes: times })
    const parts = options.parts?.(real) ?? real
    const actor = createActor(above(broken(scheduleActor(parts))), { systemId: 'gateway', clock: world.clock })
    taken?.watch(actor)
    return actor.start()
  }
  function times(schedule: Parameters<typeof cronTimes>[0]) {
    if (!isBroken) return cronTimes(schedule)
    isBroken = false
    throw new Error('this pattern cannot be read now')
  }
  function above(schedule: ScheduleLogic) {
    return setup({ actors: { schedule } }).createMachine({
      invoke: { id: 'schedule', src: 'schedule', input: { definition } },
      on: { 'message.accepted': { actions: ({ event }) => routed.push(event['message'].platformMessageId) } },
    })
  }
  async function lets(fails: boolean): Promise<void> {
    if (fails) disk.turn('failAll')
    await disk.flush(1)
    disk.heal()
  }
  /** As SIGKILL does it: what was asked for and had not begun is not done. */
  async function crash(): Promise<void> {
    life.alive = false
    root.stop()
    await disk.lose(life, 0)
    root = live()
  }
  const play: { [T in ScheduleEvent['type']]: (event: Extract<ScheduleEvent, { type: T }>) => void | Promise<void> } = {
    disk: () => lets(false),
    diskFails: () => lets(true),
    time: () => sleepOn(),
    jump: ({ hours }) => void (skewMs += hours * HOUR_MS),
    back: () => void (skewMs -= Math.min(90 * MINUTE_MS, skewed.nowMs() - beginMs)),
    crash,
    breaks: () => void (isBroken = true),
  }
  /** The clock that people read stands still meanwhile: it moves by leaps alone. */
  async function sleepOn(): Promise<void> {
    const [ms = 0] = world.pending()
    skewMs -= ms
    await world.advance(ms)
  }

  return {
    async play(event) {
      await play[event.type](event as never) // Each knows its own event.
      await settled()
    },
    async compare(state) {
      const messages = (await store.unfinished('a', 0, 10_000)).filter((each) => each.conversation === conversation)
      const hours = messages.map(({ platformMessageId }) => hourOf(platformMessageId))
      expect({
        status: root.getSnapshot().children['schedule']?.getSnapshot().status,
        disk: disk.names,
        said: hours,
        routed: routed.map(hourOf),
        pending: world.pending(),
      }).toEqual(expected(state))
    },
    async close() {
      root.stop()
    },
  }

  function hourOf(id: string): number {
    return (Number(id.split(':').at(-1)) - beginMs) / HOUR_MS
  }
}

function expected({ value, context }: SnapshotFrom<typeof scheduleModel>) {
  const { said, failures } = context
  return {
    status: 'active',
    disk: value === 'recalling' ? ['recallSchedule'] : value === 'accepting' ? ['acceptDue'] : [],
    said,
    routed: said,
    pending: value === 'sleeping' ? [MINUTE_MS] : value === 'waiting' ? [1_000 * 2 ** (failures - 1)] : [],
  }
}
