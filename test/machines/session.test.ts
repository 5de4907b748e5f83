// Session's statechart by itself: its effects are recorded, its promises are held by the test, its clock is simulated.

import { describe, expect, test } from 'vitest'
import type { AcceptedMessage, ToSession } from '../../machines/messages.ts'
import { sessionMachine } from '../../machines/session.ts'
import type { Prepared } from '../../machines/session-context.ts'
import { withChanged } from '../support/broken.ts'
import { acceptedMessage } from '../support/messages.ts'
import { type SessionRig, sessionRig } from '../support/session-rig.ts'
import { prepared } from '../support/definitions.ts'
import { settled } from '../support/world.ts'

let routed = 0
function message(text: string, given: Partial<AcceptedMessage> = {}): ToSession {
  routed += 1
  return { type: 'message.routed', routed, message: acceptedMessage(text, { seq: routed, ...given }) }
}

async function toPreparing(session: SessionRig): Promise<void> {
  await session.send(message('one'))
  await session.send({ type: 'slot.granted' })
}

async function toWorking(session: SessionRig): Promise<void> {
  await toPreparing(session)
  session.steps.prepare.at(-1)?.resolve(prepared(turnOf(session)))
  await settled()
}

function turnOf(_: SessionRig): Prepared['turn'] {
  return [{ message: acceptedMessage('one', { seq: routed }), text: 'one', manner: 'queue', task: 'answer' }]
}

test('S1 idle → pending is synchronous: it is claimed before anything is awaited', () => {
  const session = sessionRig()
  void session.send(message('one'))
  expect(session.state()).toEqual({ pending: 'waiting' })
})

test('the top states are exactly idle, pending, running and draining', () => {
  expect(Object.keys(sessionMachine.states)).toEqual(['idle', 'pending', 'running', 'draining'])
})

describe.each(['queue', 'collect', 'steer', 'interrupt'] as const)('with busy_mode %s', (mode) => {
  test('S1: there is never a second run, whatever arrives when', async () => {
    const session = sessionRig(mode)
    await toWorking(session)
    for (const text of ['two', 'three']) {
      await session.send(message(text))
      expect(session.runsAlive()).toBeLessThanOrEqual(1)
    }
    await session.send({ type: 'slot.granted' })
    session.steps.prepare.at(-1)?.resolve(prepared(turnOf(session)))
    await settled()
    expect(session.runsAlive()).toBe(1)
  })
})

test('S7: preparation that hangs ends at its deadline, and the sender is told', async () => {
  const session = sessionRig()
  await toPreparing(session)
  session.clock.increment(60_000)
  await settled()
  expect(session.state()).toEqual({ running: { committing: 'writing' } })
})

test('S15: preparation that fails is told to the sender, and the next message runs', async () => {
  const session = sessionRig()
  await toPreparing(session)
  session.steps.prepare[0]?.reject(new Error('no history'))
  await settled()
  session.steps.commit[0]?.resolve()
  await settled()
  expect(session.state()).toBe('idle')
  await session.send(message('two'))
  expect(session.state()).toEqual({ pending: 'waiting' })
})

test('S16: /stop in pending is confirmed and no run is ever begun', async () => {
  const session = sessionRig()
  await toPreparing(session)
  await session.send(message('/stop', { command: { name: 'stop', text: '' } }))
  expect(session.state()).toBe('idle')
  session.steps.prepare[0]?.resolve(prepared([]))
  await settled()
  expect(session.steps.run).toHaveLength(0)
  expect(session.records.at(-1)?.replies[0]?.text).toContain('Stopped')
})

test('S5 S22: what arrives while the commit is written is decided in the transition that ends it', () =>
  handsOver(sessionMachine))

async function handsOver(machine: typeof sessionMachine): Promise<void> {
  const session = sessionRig('queue', machine)
  await toWorking(session)
  session.steps.run[0]?.resolve({ kind: 'answered', text: 'first' })
  await settled()
  await session.send(message('two'))
  session.steps.commit[0]?.resolve()
  await settled()
  expect(session.failed()).toBe(false)
  expect(session.state()).toEqual({ pending: 'waiting' })
}

test('S2: a full inbox refuses, and never holds more than its limit', async () => {
  const session = sessionRig()
  await toWorking(session)
  for (const text of ['two', 'three', 'four']) await session.send(message(text))
  expect(session.records.map((record) => record.settled[0]?.outcome)).toEqual(['dead'])
  expect(session.records[0]?.replies[0]?.text).toContain('not kept')
})

test('S32: /stop during a run ends it, discards and counts what waits, and frees the slot', async () => {
  const session = sessionRig()
  await toWorking(session)
  await session.send(message('two'))
  await session.send(message('/stop', { command: { name: 'stop', text: '' } }))
  expect(session.runsAlive()).toBe(0)
  expect(session.state()).toBe('idle')
  expect(session.records.at(-1)?.settled.map((settlement) => settlement.outcome)).toEqual([
    'discarded',
    'discarded',
    'answered',
  ])
  expect(session.told.at(-2)?.type).toBe('slot.released')
})

test('S33: the late end of a stopped run changes nothing', async () => {
  const session = sessionRig()
  await toWorking(session)
  await session.send(message('/stop', { command: { name: 'stop', text: '' } }))
  session.steps.run[0]?.resolve({ kind: 'answered', text: 'late' })
  await settled()
  expect(session.state()).toBe('idle')
  expect(session.steps.commit).toHaveLength(0)
})

test('S31: a text that looks like a command is never queued for the model', async () => {
  const session = sessionRig()
  await toWorking(session)
  await session.send(message('/queue /stop', { command: { name: 'queue', text: '/stop' } }))
  expect(session.records.at(-1)?.replies[0]?.text).toContain('cannot be given')
  await session.send(message('/frobnicate', { command: { name: 'frobnicate', text: '' } }))
  expect(session.records.at(-1)?.replies[0]?.text).toContain('do not know /frobnicate')
})

test('a defect of the run fails the session, so that its supervisor counts it', async () => {
  const session = sessionRig()
  await toWorking(session)
  session.steps.run[0]?.reject(new Error('bug'))
  await settled()
  expect(session.failed()).toBe(true)
})

test('a drain lets a run finish and commit, then takes nothing on', async () => {
  const session = sessionRig()
  await toWorking(session)
  await session.send({ type: 'drain' })
  session.steps.run[0]?.resolve({ kind: 'answered', text: 'first' })
  await settled()
  session.steps.commit[0]?.resolve()
  await settled()
  expect(session.state()).toBe('draining')
  await session.send(message('two'))
  expect(session.state()).toBe('draining')
})

test('a broken session that forgets its queue when a run ends is caught', async () => {
  const onDone = ['states', 'running', 'states', 'committing', 'states', 'writing', 'invoke', 'onDone']
  await expect(handsOver(withChanged(sessionMachine, onDone, '#session.idle'))).rejects.toThrow()
})
