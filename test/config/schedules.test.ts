// Schedules: what an entry becomes, and every mistake at its place, in words. DST is croner's; what it makes of it is said in cron.ts.

import { expect, test } from 'vitest'
import { cronMistake, cronTimes } from '../../src/config/cron.ts'
import { machineTimeZone } from '../../src/world.ts'
import { loaded, problemsOf, withChannels } from './support.ts'

const CHANNELS = withChannels(
  '  web: { platform: web, agent: cfo }\n  tg: { platform: telegram, agent: ops, token: x }',
)
const ENTRY = { cron: '0 9 * * 1-5', channel: 'web', conversation: 'lobby', text: 'What is new?' }

const withSchedules = (...entries: unknown[]): string => `${CHANNELS}schedules: ${JSON.stringify(entries)}\n`
const schedulesOf = (...entries: unknown[]) => Object.values(loaded(withSchedules(...entries)).definition.schedules)
const problemsIn = (...entries: unknown[]) =>
  problemsOf(withSchedules(...entries)).map((line) => line.replace(/^\S+ /, ''))

test('an entry becomes a definition; a name is made of what it says', () => {
  const [one, two] = schedulesOf({ ...ENTRY, name: 'morning' }, { ...ENTRY, agent: 'ops', time_zone: 'Asia/Tokyo' })
  const common = { cron: '0 9 * * 1-5', channel: 'web', conversation: 'lobby', text: 'What is new?' }
  expect(one).toEqual({ name: 'morning', ...common, timeZone: machineTimeZone(), agent: null })
  expect(two).toEqual({
    name: expect.stringMatching(/^web-[0-9a-f]{8}$/),
    ...common,
    timeZone: 'Asia/Tokyo',
    agent: 'ops',
  })
  expect(schedulesOf(ENTRY)[0]?.name).toBe(schedulesOf(ENTRY)[0]?.name)
  expect(schedulesOf(ENTRY)[0]?.name).not.toBe(schedulesOf({ ...ENTRY, text: 'And now?' })[0]?.name)
  expect(schedulesOf({ ...ENTRY, channel: 'tg', conversation: -100 })[0]).toMatchObject({ conversation: '-100' })
})

test('no schedules, an empty list and an empty section are the same', () => {
  for (const section of ['', 'schedules:\n', 'schedules: []\n']) {
    expect(loaded(`${CHANNELS}${section}`).definition.schedules).toEqual({})
  }
})

test.each<[string, object, string]>([
  ['an unknown key', { chanel: 'web' }, 'schedules[0].chanel: unknown key (did you mean "channel"?)'],
  ['an unknown channel', { channel: 'wbe' }, 'schedules[0].channel: unknown channel "wbe" (did you mean "web"?)'],
  ['an unknown agent', { agent: 'cof' }, 'schedules[0].agent: unknown agent "cof" (did you mean "cfo"?)'],
  [
    'a time zone',
    { time_zone: 'Europe/Berln' },
    'schedules[0].time_zone: unknown time zone "Europe/Berln": expected a name such as Europe/Berlin (did you mean "Europe/Berlin"?)',
  ],
  ['no text', { text: undefined }, 'schedules[0].text: is required: expected a text'],
  ['no cron', { cron: undefined }, 'schedules[0].cron: is required: expected five fields such as "0 9 * * 1-5"'],
  [
    'four fields',
    { cron: '0 9 * *' },
    'schedules[0].cron: expected five fields (minute, hour, day of the month, month, weekday) such as "0 9 * * 1-5"',
  ],
  [
    'seconds',
    { cron: '0 0 9 * * *' },
    'schedules[0].cron: expected five fields (minute, hour, day of the month, month, weekday) such as "0 9 * * 1-5"; there are no seconds',
  ],
  [
    'a minute',
    { cron: '60 9 * * *' },
    'schedules[0].cron: "60" is no minute: expected 0 to 59, such as 0, */15 or 0,30',
  ],
  ['an hour', { cron: '0 24 * * *' }, 'schedules[0].cron: "24" is no hour: expected 0 to 23, such as 9, 8-17 or */2'],
  [
    'a weekday',
    { cron: '0 9 * * FRE' },
    'schedules[0].cron: "FRE" is no weekday: expected 0 to 7 (Sunday is both), SUN to SAT, or *',
  ],
  [
    'a sign for now',
    { cron: '? 9 * * *' },
    'schedules[0].cron: "?" is no minute: expected 0 to 59, such as 0, */15 or 0,30',
  ],
  ['a day that never comes', { cron: '0 9 30 2 *' }, 'schedules[0].cron: no day is like this'],
  [
    'a chat by its handle',
    { channel: 'tg', conversation: '@anna' },
    'schedules[0].conversation: expected a chat\'s number such as 12345, or CHAT:TOPIC, found "@anna"',
  ],
  [
    'a name',
    { name: 'good morning' },
    'schedules[0].name: expected 1 to 64 letters, digits, "_", "-" or ".", found "good morning"',
  ],
  ['a long text', { text: 'x'.repeat(65_537) }, 'schedules[0].text: expected a text that one message can hold'],
])('%s', (_, given, problem) => {
  expect(problemsIn({ ...ENTRY, ...given })).toEqual([problem])
})

test('two of one name, and two that say the same, are named', () => {
  const named = { ...ENTRY, name: 'a' }
  expect(problemsIn(named, { ...named, text: 'other' })).toEqual([
    'schedules[1].name: schedules[0] has this name already',
  ])
  expect(problemsIn(ENTRY, { ...ENTRY })).toEqual(['schedules[1]: schedules[0] says the same already'])
})

test('a mapping, a word and too many are refused in words', () => {
  expect(problemsOf(`${CHANNELS}schedules: { a: 1 }\n`)[0]).toContain('schedules: expected a list such as')
  expect(problemsIn('daily')).toEqual(['schedules[0]: expected a mapping with the keys of a schedule, found "daily"'])
  const many = Array.from({ length: 1_001 }, (_, index) => ({ ...ENTRY, name: `s${index}` }))
  expect(problemsIn(...many)[0]).toContain('expected at most 1000 schedules')
})

test('a variable that is not set spoils its own entry', () => {
  const { definition, missing } = loaded(withSchedules({ ...ENTRY, conversation: '${ROOM}' }, { ...ENTRY, name: 'b' }))
  expect(Object.keys(definition.schedules)).toEqual(['b'])
  expect(missing).toMatchObject([{ variable: 'ROOM', owner: { kind: 'schedule', id: 'schedules[0]' } }])
})

// --- times ------------------------------------------------------------------------------------------------------------

const berlin = (cron: string) => cronTimes({ cron, timeZone: 'Europe/Berlin' })
const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())

function following(cron: string, from: string, count: number): (string | null)[] {
  const times = berlin(cron)
  let at = Date.parse(from)
  return Array.from({ length: count }, () => iso((at = times.nextAfter(at) ?? Number.NaN)))
}

test('times are those of the zone, and a time is its own newest', () => {
  expect(
    iso(cronTimes({ cron: '0 9 * * 1', timeZone: 'Europe/Oslo' }).nextAfter(Date.parse('2026-01-03T00:00Z'))),
  ).toBe('2026-01-05T08:00:00.000Z')
  const nine = Date.parse('2026-01-05T08:00:00Z')
  const times = berlin('0 9 * * 1')
  expect([times.newestUntil(nine), times.newestUntil(nine - 1), times.nextAfter(nine)].map(iso)).toEqual([
    '2026-01-05T08:00:00.000Z',
    '2025-12-29T08:00:00.000Z',
    '2026-01-12T08:00:00.000Z',
  ])
})

test('an hour that the clocks leave out: due when it would have ended; an hour that they repeat: once, or through both', () => {
  expect(following('30 2 * * *', '2026-03-28T12:00Z', 2)).toEqual([
    '2026-03-29T01:00:00.000Z',
    '2026-03-30T00:30:00.000Z',
  ])
  expect(following('30 2 * * *', '2026-10-24T12:00Z', 2)).toEqual([
    '2026-10-25T00:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
  ])
  expect(following('30 * * * *', '2026-10-25T00:00Z', 3)).toEqual([
    '2026-10-25T00:30:00.000Z',
    '2026-10-25T01:30:00.000Z',
    '2026-10-25T02:30:00.000Z',
  ])
})

test.each(['*/15 8-17 * * MON-FRI', '0 9 L * *', '0 0 1 JAN *', '0 9 * * 1#2', '0 0 29 2 *', '  0 9   * * 7 '])(
  '%s is good',
  (cron) => {
    expect(cronMistake(cron)).toBeNull()
  },
)
