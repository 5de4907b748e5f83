// Session reset: every mode, its defaults, and keys that would do nothing.

import { expect, test } from 'vitest'
import { machineTimeZone } from '../../src/world.ts'
import { loaded, problemsOf, withChannels } from './support.ts'

const file = (reset: string): string => withChannels(`  w: { platform: web, agent: cfo, session: ${reset} }`)

test.each([
  ['{ mode: idle }', { idleMs: 86_400_000, daily: null }],
  ['{ mode: idle, idle_minutes: 30 }', { idleMs: 1_800_000, daily: null }],
  ['{ mode: daily }', { idleMs: null, daily: { atHour: 4, timeZone: machineTimeZone() } }],
  [
    '{ mode: both, at_hour: 0, time_zone: Asia/Tokyo }',
    { idleMs: 86_400_000, daily: { atHour: 0, timeZone: 'Asia/Tokyo' } },
  ],
])('reset: %s', (reset, policy) => {
  expect(loaded(file(`{ reset: ${reset} }`)).definition.channels['w']?.reset).toEqual(policy)
})

test.each([
  ['{}', 'channels.w.session.reset: is required: expected a mapping'],
  ['{ reset: {} }', 'channels.w.session.reset.mode: is required: expected idle, daily or both'],
  [
    '{ reset: { mode: dayly } }',
    'channels.w.session.reset.mode: unknown value "dayly": expected idle, daily or both (did you mean "daily"?)',
  ],
  ['{ reset: { mode: idle, at_hour: 4 } }', 'channels.w.session.reset.at_hour: has no effect with mode: idle'],
  ['{ reset: { mode: idle, time_zone: UTC } }', 'channels.w.session.reset.time_zone: has no effect with mode: idle'],
  [
    '{ reset: { mode: daily, idle_minutes: 4 } }',
    'channels.w.session.reset.idle_minutes: has no effect with mode: daily',
  ],
  [
    '{ reset: { mode: daily, at_hour: 24 } }',
    'channels.w.session.reset.at_hour: expected a whole number from 0 to 23, found 24',
  ],
  ['{ reset: { mode: daily, at_hur: 4 } }', 'channels.w.session.reset.at_hur: unknown key (did you mean "at_hour"?)'],
  ['{ rest: { mode: daily }, reset: { mode: daily } }', 'channels.w.session.rest: unknown key (did you mean "reset"?)'],
  [
    '{ reset: { mode: daily, time_zone: Europe/Berln } }',
    'channels.w.session.reset.time_zone: unknown time zone "Europe/Berln": expected a name such as Europe/Berlin (did you mean "Europe/Berlin"?)',
  ],
])('session: %s', (session, message) => {
  expect(problemsOf(file(session)).map((line) => line.replace(/^\S+ /, ''))).toEqual([message])
})
