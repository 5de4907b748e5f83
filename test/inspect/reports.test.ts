// Reports: which of XState's are made at all, and who is told.

import { createActor, createMachine } from 'xstate'
import { expect, test } from 'vitest'
import type { Happened } from '../../src/inspect/actor.ts'
import { listenTo } from '../../src/inspect/reports.ts'

function rig() {
  const root = createActor(createMachine({ on: { a: {}, b: {} } })).start()
  /** What XState itself tells, to whoever asked it without us. */
  const made: string[] = []
  root.system.inspect(
    ({ type, ...report }) => void (type === '@xstate.event' && 'event' in report && made.push(report.event.type)),
  )
  const told = { a: [] as string[], b: [] as string[] }
  const listen = (only: 'a' | 'b') =>
    listenTo(
      root,
      ({ type, event }) => type === '@xstate.event' && event?.type === only,
      ({ event }) => void told[only].push(event?.type ?? ''),
    )
  const say = (...types: ('a' | 'b')[]): void => {
    for (const type of types) root.send({ type })
  }
  return { made, told, listen, say }
}

test('I1: a report that nobody wants is not even made', () => {
  const { made, told, listen, say } = rig()
  listen('a')
  say('a', 'b', 'a')
  expect(told.a).toEqual(['a', 'a'])
  expect(made).toEqual(['a', 'a'])
})

test('each is told what they want, and nothing when they have stopped', () => {
  const { made, told, listen, say } = rig()
  const stop = listen('a')
  listen('b')
  say('a', 'b')
  stop()
  say('a', 'b')
  expect(told).toEqual({ a: ['a'], b: ['b', 'b'] })
  expect(made).toEqual(['a', 'b', 'b'])
})

test('when nobody of ours is left XState is as it was', () => {
  const { made, listen, say } = rig()
  say('a')
  listen('a')()
  listen('b')()
  say('b')
  expect(made).toEqual(['a', 'b'])
})

test('without XState’s door everybody is told all the same', () => {
  const observers: ((happened: Happened) => void)[] = []
  const inspect = (observer: (happened: Happened) => void) => ({ unsubscribe: () => {}, at: observers.push(observer) })
  const actor = { sessionId: 'x:0', getSnapshot: () => null }
  const told: string[] = []
  listenTo(
    { ...actor, system: { inspect } },
    ({ type }) => type === 'wanted',
    ({ type }) => void told.push(type),
  )
  for (const type of ['wanted', 'other']) for (const tell of observers) tell({ type, rootId: 'x:0', actorRef: actor })
  expect(told).toEqual(['wanted'])
})
