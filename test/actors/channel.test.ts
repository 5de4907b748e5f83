// Channel actor: one connection at a time, kept alive, and its failures its own.

import { expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { openHouse } from '../support/house.ts'

const UNAUTHORIZED = new FailureError({
  kind: 'permanent',
  reason: 'unauthorized',
  message: 'the token was refused',
  remedy: 'Take a new one',
})
const DOWN = new FailureError({ kind: 'retryable', reason: 'unavailable', message: 'the platform is down' })

test('S3 C1 C3: one of three does not start; the roll call names it, the others serve', async () => {
  const house = await openHouse({ channels: { a: {}, b: { platform: 'nowhere' }, c: {} } })
  expect(house.rollCalls).toHaveLength(1)
  expect(house.rollCalls[0]?.map((report) => [report.id, report.state])).toEqual([
    ['a', 'live'],
    ['b', 'failed'],
    ['c', 'live'],
  ])
  expect(house.reports.get('b')?.failure?.message).toContain('nowhere')
  await house.says('c', 'hello')
  await house.thoughts[0]?.answer('hi')
  expect(house.platform('c').sent).toHaveLength(1)
})

test('S5: a variable that is not set fails its channel by name, and only that', async () => {
  const house = await openHouse({ channels: { a: { missing: ['A_TOKEN'] }, b: {} } })
  expect(house.reports.get('a')).toMatchObject({ state: 'failed', failure: { message: 'A_TOKEN is not set' } })
  expect(house.reports.get('b')?.state).toBe('live')
})

test('S5: a token revoked while running fails that channel without a retry, and reconnect brings it back', async () => {
  const house = await openHouse({ channels: { a: {}, b: {} } })
  await house.platform('a').breaks(UNAUTHORIZED)
  expect(house.reports.get('a')).toMatchObject({ state: 'failed', failure: { reason: 'unauthorized' } })
  await house.world.advance(10 * 60_000)
  expect(house.platform('a').connections).toBe(1)
  house.gateway.send({ type: 'channel.control', channel: 'a', control: 'reconnect' })
  await house.world.advance(0)
  expect(house.reports.get('a')?.state).toBe('live')
  expect(house.reports.get('b')?.state).toBe('live')
})

test('S11: a platform that is down is tried again with a growing wait and goes live when it is back', async () => {
  const house = await openHouse()
  house.platform('a').nextRun.push(async () => {
    throw DOWN
  })
  await house.platform('a').breaks(DOWN)
  expect(house.reports.get('a')?.state).toBe('retrying')
  await house.world.advance(1_000)
  expect(house.reports.get('a')?.state).toBe('retrying')
  await house.world.advance(1_999)
  expect(house.platform('a').connections).toBe(1)
  await house.world.advance(1)
  expect(house.reports.get('a')?.state).toBe('live')
})

test('S11: a connection that says nothing is counted as not live after a bounded wait', async () => {
  const house = await openHouse()
  house
    .platform('a')
    .nextRun.push((_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())))
  house.gateway.send({ type: 'channel.control', channel: 'a', control: 'reconnect' })
  await house.world.advance(0)
  expect(house.reports.get('a')?.state).toBe('connecting')
  await house.world.advance(10_000)
  expect(house.reports.get('a')).toMatchObject({ state: 'retrying', failure: { reason: 'timeout' } })
  await house.world.advance(1_000)
  expect(house.reports.get('a')?.state).toBe('live')
})

test('C2: the new connection begins only when the old one has ended', async () => {
  const house = await openHouse()
  let end = (): void => {}
  house.platform('a').nextRun.push((door, signal) => {
    door.live({ id: '99', name: '@bot' })
    return new Promise((resolve) => signal.addEventListener('abort', () => (end = resolve)))
  })
  house.gateway.send({ type: 'channel.control', channel: 'a', control: 'reconnect' })
  await house.world.advance(0)
  house.gateway.send({ type: 'channel.control', channel: 'a', control: 'reconnect' })
  await house.world.advance(0)
  expect(house.platform('a').connections).toBe(1)
  end()
  await house.world.advance(0)
  expect(house.platform('a').connections).toBe(2)
})

test('a paused channel takes nothing, answers what it accepted, and resumes', async () => {
  const house = await openHouse()
  await house.says('a', 'before')
  house.gateway.send({ type: 'channel.control', channel: 'a', control: 'pause' })
  await house.world.advance(0)
  expect(house.reports.get('a')?.state).toBe('paused')
  await expect(house.says('a', 'while')).rejects.toThrow('nobody is connected')
  await house.thoughts[0]?.answer('answered')
  expect(house.platform('a').sent).toHaveLength(1)
  house.gateway.send({ type: 'channel.control', channel: 'a', control: 'resume' })
  await house.world.advance(0)
  expect(house.reports.get('a')?.state).toBe('live')
})

test('S7: the same person on two bots is two sessions; the same message id is two messages', async () => {
  const house = await openHouse({ channels: { a: {}, b: { routes: { default: 'ops', dm: null, group: null } } } })
  const first = await house.says('a', 'secret', { platformMessageId: '5' })
  await house.thoughts[0]?.answer('noted')
  const second = await house.says('b', 'what do you know', { platformMessageId: '5' })
  expect([first, second]).toMatchObject([{ duplicate: false }, { duplicate: false }])
  expect(house.thoughts[1]).toMatchObject({ agent: 'ops', request: { history: [] } })
})

test('S25: a stranger’s message reaches no run and gets no command’s answer', async () => {
  const house = await openHouse({ channels: { a: { unknownUserPolicy: 'deny', allowedUsers: ['2'] } } })
  expect(await house.says('a', 'let me in')).toEqual({ accepted: false, reason: 'stranger' })
  expect(await house.says('a', '/help')).toEqual({ accepted: false, reason: 'stranger' })
  expect(house.thoughts).toEqual([])
  expect(house.platform('a').sent).toEqual([])
})

test('pairing: a stranger gets a code once, and speaks after it was approved', async () => {
  const house = await openHouse({ channels: { a: { unknownUserPolicy: 'pair' } } })
  await house.says('a', 'hello')
  await house.says('a', 'hello?')
  const texts = house.platform('a').sent.map((sent) => sent.text)
  const [pairing] = await house.store.pairings()
  expect(texts).toEqual([texts[0], texts[0]])
  expect(texts[0]).toContain(pairing?.code ?? 'no code')
  await house.store.approvePairing(pairing?.code ?? '')
  await house.says('a', 'now')
  expect(house.thoughts[0]?.request.messages.map((message) => message.text)).toEqual(['now'])
})

test('a partition holds 64; the 65th session opens a second one, and both are let go at rest', async () => {
  const house = await openHouse({ gateway: { passivateAfterMs: 1_000, concurrentRuns: 100 } })
  for (let person = 0; person < 65; person += 1) await house.says('a', 'hi', { conversation: `c${person}` })
  expect(house.census().live).toBe(65)
  for (const thought of house.thoughts) await thought.answer('hello')
  for (let sweep = 0; sweep < 6; sweep += 1) await house.world.advance(250)
  expect(house.census().live).toBe(0)
  expect(house.platform('a').sent).toHaveLength(65)
})
