// Tally: a whole house is driven, and every number is compared with what happened there.

import { expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { observedStore } from '../../src/start/observing.ts'
import { createTally } from '../../src/start/tally.ts'
import { realWorld } from '../../src/world.ts'
import { openTree } from '../bench/tree.ts'
import { readExposition, valueOf } from '../support/exposition.ts'
import { openHouse, testDefinition } from '../support/house.ts'
import { testWorld } from '../support/world.ts'

/** A thousand sessions on a machine that may be busy. */
const BUSY_MS_MAX = 60_000

const CHANNELS = {
  cfo: { queueLimit: 1 },
  ops: { routes: { default: 'ops', dm: null, group: null }, unknownUserPolicy: 'deny', allowedUsers: ['1'] },
} as const

async function talliedHouse() {
  const world = testWorld()
  const given = { channels: CHANNELS, gateway: { concurrentRuns: 2 } }
  const tally = createTally(testDefinition(given), world)
  const house = await openHouse({ ...given, world, observe: tally, wrap: (store) => observedStore(store, tally) })
  const samples = () => readExposition(tally.text())
  const value = (name: string, labels?: Readonly<Record<string, string>>) => valueOf(samples(), name, labels)
  return { house, tally, samples, value }
}

test('messages: accepted, sent again, turned away, refused, answered, discarded and dead', async () => {
  const { house, value } = await talliedHouse()
  expect(value('troupe_messages_accepted_total')).toBe(0)
  await house.says('cfo', 'runs', { platformMessageId: 'the same' })
  await house.says('cfo', 'runs', { platformMessageId: 'the same' })
  await house.says('cfo', 'waits')
  await house.says('cfo', 'finds no room')
  await house.says('ops', 'a stranger', { sender: { id: '2', name: null, handle: null } })
  await house.thoughts[0]?.answer('yes')
  await house.says('cfo', '/stop')
  await house.says('ops', '/help')

  const accepted = { cfo: value('troupe_messages_accepted_total', { channel: 'cfo' }) }
  expect(accepted).toEqual({ cfo: 4 })
  expect(value('troupe_messages_accepted_total', { channel: 'ops' })).toBe(1)
  expect(value('troupe_messages_duplicate_total', { channel: 'cfo' })).toBe(1)
  expect(value('troupe_messages_refused_total', { channel: 'cfo', reason: 'inboxFull' })).toBe(1)
  expect(value('troupe_messages_refused_total', { channel: 'ops', reason: 'stranger' })).toBe(1)
  expect(value('troupe_messages_refused_total')).toBe(2)
  // The answered one, /stop and /help; the one that waited; the one that found no room.
  const settled = (outcome: string) => value('troupe_messages_settled_total', { outcome })
  expect([settled('answered'), settled('discarded'), settled('dead')]).toEqual([3, 1, 1])
  const { messages } = await house.store.counts()
  expect(messages).toMatchObject({
    answered: settled('answered'),
    discarded: settled('discarded'),
    dead: settled('dead'),
  })
})

test('durations: what a turn waits for, what its run takes, and what its reply waits for', async () => {
  const { house, value } = await talliedHouse()
  await house.says('cfo', 'first')
  await house.says('cfo', 'second', { conversation: 'c2' })
  await house.says('ops', 'waits for a slot')
  await house.world.advance(3_000)
  await house.thoughts[0]?.answer('after three seconds')
  await house.world.advance(4_000)
  const away = new FailureError({ kind: 'retryable', reason: 'rateLimited', message: 'wait', retryAfterMs: 20_000 })
  house.platform('ops').nextSend.push(() => Promise.reject(away))
  await house.thoughts[2]?.answer('four seconds after it got its slot')
  await house.world.advance(20_000)
  await house.thoughts[1]?.fail(new FailureError({ kind: 'permanent', reason: 'refused', message: 'no' }))

  const sum = (name: string, labels?: Readonly<Record<string, string>>) => [
    value(`troupe_${name}_seconds_count`, labels),
    value(`troupe_${name}_seconds_sum`, labels),
  ]
  expect(sum('pending', { outcome: 'done' })).toEqual([3, 3])
  expect(sum('run', { agent: 'cfo' })).toEqual([2, 3 + 27])
  expect(sum('run', { agent: 'ops' })).toEqual([1, 4])
  expect(sum('step', { step: 'answer', outcome: 'done' })).toEqual([2, 7])
  expect(sum('step', { step: 'answer', outcome: 'failed' })).toEqual([1, 27])
  expect(sum('delivery', { channel: 'ops' })).toEqual([1, 20])
  expect(sum('delivery', { channel: 'cfo' })).toEqual([2, 0])
  expect(value('troupe_pending_seconds_bucket', { le: '1' })).toBe(2)
  expect(value('troupe_pending_seconds_bucket', { le: '5' })).toBe(3)
  expect(value('troupe_runs_total', { agent: 'cfo', outcome: 'done' })).toBe(1)
  expect(value('troupe_runs_total', { agent: 'cfo', outcome: 'failed' })).toBe(1)
  expect(value('troupe_runs_total')).toBe(3)
})

test('tokens by agent, replies by their end, restarts by what was started again', async () => {
  const { house, value } = await talliedHouse()
  await house.says('cfo', 'hello')
  await house.thoughts[0]?.answer('yes', { inputTokens: 300, outputTokens: 40 })
  await house.says('cfo', 'again')
  await house.thoughts[1]?.answer('yes', { inputTokens: 1, outputTokens: 2 })
  const blocked = new FailureError({ kind: 'permanent', reason: 'forbidden', message: 'blocked' })
  house.platform('ops').nextSend.push(() => Promise.reject(blocked))
  await house.says('ops', '/help')
  await house.says('ops', 'a defect')
  await house.thoughts[2]?.fail(new Error('a defect'))
  await house.world.advance(5_000)
  await house.platform('ops').breaks(new FailureError({ kind: 'retryable', reason: 'unavailable', message: 'gone' }))
  await house.world.advance(10_000)

  expect(value('troupe_tokens_total', { agent: 'cfo', direction: 'input' })).toBe(301)
  expect(value('troupe_tokens_total', { agent: 'cfo', direction: 'output' })).toBe(42)
  expect(value('troupe_replies_total', { channel: 'cfo', outcome: 'delivered' })).toBe(2)
  expect(value('troupe_replies_total', { channel: 'ops', outcome: 'dead' })).toBe(1)
  expect((await house.store.counts()).deadLetters).toBe(1)
  expect(value('troupe_restarts_total', { what: 'session' })).toBe(1)
  expect(value('troupe_restarts_total', { what: 'connection' })).toBe(1)
  expect(value('troupe_restarts_total')).toBe(2)
})

test(
  'M2: a thousand sessions have the series of one',
  async () => {
    const tally = createTally({ channels: {} }, realWorld({}))
    const tree = await openTree({ observe: tally })
    const series = () => readExposition(tally.text()).map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`)
    await tree.open(1, 'together')
    const few = series()
    await tree.open(999, 'together')
    expect(series()).toEqual(few)
    expect(tree.live).toBe(1_000)
    expect(valueOf(readExposition(tally.text()), 'troupe_runs_total')).toBe(1_000)
    expect(tally.text()).not.toContain('c999')
    tree.stop()
  },
  BUSY_MS_MAX,
)
