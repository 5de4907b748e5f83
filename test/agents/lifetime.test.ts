// Lifetime: whichever end comes first is the end, and nothing is left of a request after it.

import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { openLifetime } from '../../src/agents/lifetime.ts'
import { failureFrom, handClock } from './parts.ts'

test('silence ends it, each sign of life puts that off', async () => {
  const clock = handClock()
  const lifetime = openLifetime(clock, new AbortController().signal)
  lifetime.expect(100)
  clock.advance(99)
  lifetime.expect(100)
  clock.advance(99)
  expect(lifetime.signal.aborted).toBe(false)
  clock.advance(1)
  expect(lifetime.signal.aborted).toBe(true)
  expect((await failureFrom(lifetime.ended)).failure.reason).toBe('timeout')
})

test('the first end counts; none leaves a timer or a listener', async () => {
  for (const [first, second] of [
    ['cancel', 'silence'],
    ['silence', 'cancel'],
  ] as const) {
    const clock = handClock()
    const outer = new AbortController()
    const lifetime = openLifetime(clock, outer.signal)
    lifetime.expect(100)
    const ends = { cancel: () => outer.abort(), silence: () => clock.advance(100) }
    ends[first]()
    ends[second]()
    lifetime.expect(100)
    expect((await failureFrom(lifetime.ended)).failure.reason).toBe(first === 'cancel' ? 'cancelled' : 'timeout')
    expect([clock.timers(), getEventListeners(outer.signal, 'abort')]).toEqual([0, []])
  }
})

test('a closed one stays closed: a later cancel or silence says nothing, to nobody', async () => {
  const clock = handClock()
  const outer = new AbortController()
  const lifetime = openLifetime(clock, outer.signal)
  lifetime.expect(100)
  lifetime.close()
  expect([lifetime.signal.aborted, clock.timers(), getEventListeners(outer.signal, 'abort')]).toEqual([true, 0, []])
  outer.abort()
  clock.advance(100)
  expect(await Promise.race([lifetime.ended.catch(() => 'spoke'), Promise.resolve('silent')])).toBe('silent')
})

test('one that is cancelled before it opens is over at once; nobody need listen', async () => {
  const lifetime = openLifetime(handClock(), AbortSignal.abort())
  expect(lifetime.signal.aborted).toBe(true)
  // An unhandled rejection would fail this run.
  await new Promise((resolve) => setImmediate(resolve))
  expect((await failureFrom(lifetime.ended)).failure.reason).toBe('cancelled')
})
