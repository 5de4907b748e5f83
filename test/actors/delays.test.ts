// Delays: stopping an actor looks at its own delays only, and they fire and are cancelled as before.

import { type AnyActor, createActor, createMachine, SimulatedClock, setup } from 'xstate'
import { expect, test } from 'vitest'
import { indexDelays } from '../../src/actors/delays.ts'

const waiting = createMachine({
  initial: 'waiting',
  states: { waiting: { after: { 1_000: 'rung' }, on: { leave: 'left' } }, rung: {}, left: {} },
})

/** A root with `count` waiting children; `looked` counts what a stop looks at. */
function waitingRoom(count: number, prepare: (root: AnyActor) => void) {
  const clock = new SimulatedClock()
  const cancelled: unknown[] = []
  const counting = { setTimeout: clock.setTimeout.bind(clock), clearTimeout: (id: unknown) => cancelled.push(id) }
  const room = setup({ actors: { waiting } }).createMachine({
    invoke: Array.from({ length: count }, (_, child) => ({ id: `c${child}`, src: 'waiting' as const })),
  })
  const root = createActor(room, { clock: counting })
  prepare(root)
  root.start()
  return { root, clock, cancelled }
}

test('a delay fires, and one that was left does not', () => {
  const { root, clock } = waitingRoom(2, indexDelays)
  root.getSnapshot().children['c0']?.send({ type: 'leave' })
  clock.increment(1_000)
  expect(root.getSnapshot().children['c0']?.getSnapshot().value).toBe('left')
  expect(root.getSnapshot().children['c1']?.getSnapshot().value).toBe('rung')
})

test('stopping everybody cancels every delay once', () => {
  const { root, cancelled } = waitingRoom(50, indexDelays)
  root.stop()
  expect(new Set(cancelled).size).toBe(50)
})

test('a stop looks at its own delays and at nobody else’s; XState’s own scheduler looks at all', () => {
  expect(looksOfOneStop(indexDelays)).toBeLessThan(5)
  expect(looksOfOneStop(() => {})).toBeGreaterThan(100)
})

/** How many pending delays are looked at while one child of a hundred stops. */
function looksOfOneStop(prepare: (root: AnyActor) => void): number {
  const { root } = waitingRoom(100, prepare)
  const { scheduler } = root.system
  let looks = 0
  const events = (root.system as unknown as { _snapshot: { _scheduledEvents: object } })._snapshot // Where XState keeps them.
  events._scheduledEvents = new Proxy(events._scheduledEvents, {
    ownKeys: (target) => {
      const keys = Reflect.ownKeys(target)
      looks += keys.length
      return keys
    },
    get: (target, key) => {
      looks += 1
      return Reflect.get(target, key) as unknown
    },
  })
  const child = root.getSnapshot().children['c0']
  if (child !== undefined) scheduler.cancelAll(child)
  return looks
}
