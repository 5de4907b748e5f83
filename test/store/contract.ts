// The store's contract, as checks that run against any Store. Each check gets a fresh one and its world.

import { expect } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { arrivalChecks } from './contract-arrivals.ts'
import { departureChecks } from './contract-departures.ts'
import { historyChecks } from './contract-history.ts'
import { noteChecks } from './contract-notes.ts'
import { scheduleChecks } from './contract-schedules.ts'
import { usageChecks } from './contract-usage.ts'
import { newMessage } from './message-parts.ts'
import type { StillWorld } from './still-world.ts'

export interface Check {
  readonly name: string
  run(store: Store, world: StillWorld): Promise<void>
}

export const checks: readonly Check[] = [
  ...arrivalChecks,
  ...historyChecks,
  ...departureChecks,
  ...noteChecks,
  ...usageChecks,
  ...scheduleChecks,
  {
    name: 'a read sees every write that was asked for before it, also one that nobody waited for',
    async run(store) {
      const writes = [1, 2, 3].map((n) => store.accept(newMessage({ platformMessageId: `${n}` })))
      const seen = store.unfinished('web', 0, 10)
      const later = store.accept(newMessage({ platformMessageId: '4' }))
      expect((await seen).map((each) => each.platformMessageId)).toEqual(['1', '2', '3'])
      await Promise.all([...writes, later])
    },
  },
  {
    name: 'close finishes what was asked for, and every later call rejects',
    async run(store) {
      const asked = Array.from({ length: 1_500 }, (_, n) => store.accept(newMessage({ platformMessageId: `${n}` })))
      const closed = store.close()
      const late = store.counts()
      await expect(late).rejects.toMatchObject({ failure: { reason: 'storage', message: 'The store is closed.' } })
      await closed
      await expect(Promise.all(asked)).resolves.toHaveLength(1_500)
      await store.close()
    },
  },
]
