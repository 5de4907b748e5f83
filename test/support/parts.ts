// Parts of one actor that a test runs by itself: a store, a world and adapters that the test gives, and nobody else.

import type { Parts } from '../../src/actors/parts.ts'
import { cronTimes } from '../../src/config/cron.ts'
import { testDefinition } from './house.ts'
import { unobserved } from './observing.ts'
import { freeTokens, silentLog } from './world.ts'
import { noTools } from './tools.ts'

type Given = Pick<Parts, 'store' | 'world'> & Partial<Parts>

/** What a test does not give must not be asked for. */
export function testParts(given: Given): Parts {
  return {
    definition: testDefinition({}),
    log: silentLog,
    observe: unobserved,
    secret: () => 'secret',
    tokens: freeTokens,
    platforms: {},
    buildAgent: () => Promise.reject(new Error('this test has no agent')),
    ...noTools(),
    cronTimes,
    adapters: new Map(),
    onRollCall: () => {},
    onReport: () => {},
    onAnswer: () => {},
    ...given,
  }
}
