// Disk: what the status and the log say while the store cannot be written.

import { expect, test } from 'vitest'
import type { Failure } from '../../machines/failure.ts'
import type { Log, LogFields } from '../../src/log.ts'
import { type Disk, watchDisk } from '../../src/start/disk.ts'
import { silentLog, testWorld } from '../support/world.ts'

const FULL: Failure = { kind: 'retryable', reason: 'storage', message: 'The disk is full.', remedy: 'Free some space' }

type Subject = (parts: Parameters<typeof watchDisk>[0]) => Disk

/** Said once in the log and in the status since its first time, until something is written. */
async function expectSaid(subject: Subject): Promise<void> {
  const world = testWorld()
  const said: string[] = []
  const write = (level: string) => (_: LogFields, text: string) => void said.push(`${level}: ${text}`)
  const log: Log = { ...silentLog, error: write('error'), info: write('info') }
  const disk = subject({ world, log })
  disk.written()
  expect(disk.trouble()).toBeNull()
  const since = new Date(world.nowMs()).toISOString()
  for (let time = 0; time < 3; time += 1) {
    disk.failed(FULL)
    await world.advance(1_000)
  }
  const reason = 'The disk is full. Free some space.'
  expect(disk.trouble()).toEqual({ reason, since })
  disk.written()
  disk.written()
  expect(disk.trouble()).toBeNull()
  expect(said).toEqual([`error: the store cannot be written: ${reason}`, 'info: the store is written again'])
}

test('S46 a store that cannot be written is said once in the log, and in the status until it can', () =>
  expectSaid(watchDisk))

test('a broken watch that forgets that it is over is caught', async () => {
  await expect(expectSaid((parts) => ({ ...watchDisk(parts), written: () => {} }))).rejects.toThrow(/expected/)
})
