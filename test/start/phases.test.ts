// Phases of a start: each failure names its phase, and the log has a line for each, in their order, with how long it took.

import { expect, test } from 'vitest'
import { FailureError, sayable } from '../../machines/failure.ts'
import { firstPhase, PHASE_NAMES, PHASES } from '../../machines/phases.ts'
import type { Log, LogFields } from '../../src/log.ts'
import { type PhasesOptions, startPhases } from '../../src/start/phases.ts'
import { silentLog, testWorld } from '../support/world.ts'

const FULL = new FailureError({
  kind: 'retryable',
  reason: 'storage',
  message: 'the disk is full',
  remedy: 'free some',
})

test('a failure names the phase in which it was thrown, and one that names another keeps it', async () => {
  const { phases } = rig()
  const thrown = await phases.attempt('store', () => Promise.reject(FULL)).catch((error: unknown) => error)
  expect(thrown).toMatchObject({ failure: { ...FULL.failure, phase: 'store' }, cause: FULL })
  expect(sayable({ ...FULL.failure, phase: 'store' })).toBe('store: the disk is full. free some.')
  expect(sayable(FULL.failure)).toBe('the disk is full. free some.')
  const again = await phases.attempt('connect', () => Promise.reject(thrown)).catch((error: unknown) => error)
  expect(again).toMatchObject({ failure: { phase: 'store' } })
})

test('a defect is handed on as it was: it has a name and a stack of its own', async () => {
  const defect = new TypeError('bug')
  const { phases } = rig()
  await expect(phases.attempt('construct', () => Promise.reject(defect))).rejects.toBe(defect)
})

test('a line for each phase, in their order: how long each took, and at last the whole start', async () => {
  const { phases, lines, world } = rig({ level: 'info', earlier: [{ phase: 'parse', ms: 7 }] })
  const taking = (ms: number) => () => world.advance(ms)
  await phases.whole('requires', taking(20))
  await phases.attempt('store', taking(30))
  await world.advance(5)
  phases.end('store')
  await phases.attempt('connect', taking(40))
  await phases.attempt('connect', taking(2))
  phases.ready([{ state: 'live' }, { state: 'failed' }])
  expect(lines.map(({ level, phase, ms, live, of }) => [level, phase, ms, live, of])).toEqual([
    ['info', 'parse', 7, undefined, undefined],
    ['info', 'requires', 20, undefined, undefined],
    ['info', 'store', 35, undefined, undefined],
    ['info', 'connect', 42, undefined, undefined],
    ['info', 'ready', 104, 1, 2],
  ])
})

test('a phase that failed has no line of its own: the failure is its end', async () => {
  const { phases, lines } = rig()
  await phases.whole('store', () => Promise.reject(FULL)).catch(() => {})
  expect(lines).toEqual([])
})

test('of several phases the first is the one that a start ended in', () => {
  expect(PHASE_NAMES).toEqual(['parse', 'validate', 'secrets', 'requires', 'store', 'construct', 'connect', 'ready'])
  expect(Object.keys(PHASES)).toEqual(PHASE_NAMES)
  expect([firstPhase(['connect', 'secrets', 'requires']), firstPhase([])]).toEqual(['secrets', null])
})

function rig(options: Partial<PhasesOptions> = {}) {
  const world = testWorld()
  const lines: LogFields[] = []
  const note = (level: string) => (fields: LogFields) => void lines.push({ level, ...fields })
  const log: Log = { ...silentLog, info: note('info'), debug: note('debug') }
  return { world, lines, phases: startPhases({ earlier: [], level: 'debug', ...options, world, log }) }
}
