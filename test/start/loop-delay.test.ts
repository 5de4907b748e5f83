// Loop delay: what held up the event loop stands in the next text, and in that one alone.

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { watchLoopDelay } from '../../src/start/loop-delay.ts'
import { readExposition, valueOf } from '../support/exposition.ts'

test('a loop that was held up for 150 ms was late by nearly that', async () => {
  const delay = watchLoopDelay()
  onTestFinished(() => delay.stop())
  const look = () => {
    const samples = readExposition(delay.text())
    const of = (name: string, labels = {}) => valueOf(samples, `troupe_event_loop_delay_seconds${name}`, labels)
    return { count: of('_count'), worst: of('', { quantile: '1' }), sum: of('_sum') }
  }
  expect(look()).toEqual({ count: 0, worst: 0, sum: 0 })
  await sleep(50)
  const until = performance.now() + 150
  while (performance.now() < until);
  await sleep(50)
  const held = look()
  expect(held.count).toBeGreaterThan(0)
  expect(held.worst).toBeGreaterThan(0.1)
  expect(held.sum).toBeGreaterThan(0.1)
  expect(look()).toMatchObject({ worst: 0 })
})
