// Redefinition: what a newer file starts, stops, connects anew or merely redefines, and how a channel adopts it.

import { describe, expect, test } from 'vitest'
import { type Adopting, goneBack, isServed, offered, taken, takenOnTrial } from '../../machines/adoption.ts'
import type { ChannelDefinition } from '../../machines/definitions.ts'
import { isSame, needsConnection, redefinition } from '../../machines/redefinition.ts'
import { testAgent, testSchedule } from '../support/definitions.ts'
import { type HouseOptions, testChannel, testDefinition } from '../support/house.ts'

type Given = Pick<HouseOptions, 'channels' | 'gateway' | 'workforce'>

function change(before: Given, now: Given) {
  return redefinition(testDefinition(before), testDefinition(now))
}

const NOTHING = { started: [], stopped: [], reconnected: [], redefined: [] }
const TOKEN = { secret: 'channels.a.token' }
const WRONG = { phase: 'secrets', what: 'T is not the token of a bot', remedy: 'Take another' } as const

/** What changes, before and now, and whether the channel must connect anew for it. */
const CHANGES: readonly (readonly [string, Partial<ChannelDefinition>, Partial<ChannelDefinition>, boolean])[] = [
  ['a token that is named', {}, { token: TOKEN }, true],
  ['a token whose value was replaced', { token: TOKEN }, { token: { ...TOKEN, renewed: 1 } }, true],
  ['another address', { apiRoot: 'http://a' }, { apiRoot: 'http://b' }, true],
  ['other settings', { settings: { port: 1 } }, { settings: { port: 2 } }, true],
  ['another module', { module: '/a.ts' }, { module: '/b.ts' }, true],
  ['another platform', {}, { platform: 'web' }, true],
  ['a variable that is missing now', {}, { missing: ['T'] }, true],
  ['a variable that is there now', { missing: ['T'] }, {}, true],
  ['another variable that is missing', { missing: ['T'] }, { missing: ['U'] }, true],
  ['a token of the wrong form now', {}, { lacking: [WRONG] }, true],
  ['a token that had the wrong form', { lacking: [WRONG] }, {}, true],
  ['allowed_users', {}, { allowedUsers: ['7'] }, false],
  ['unknown_user_policy', {}, { unknownUserPolicy: 'pair' }, false],
  ['group_policy', {}, { groupPolicy: 'respond_all' }, false],
  ['session_scope', {}, { sessionScope: 'per_user' }, false],
  ['busy_mode', {}, { busyMode: 'interrupt' }, false],
  ['queue_limit', {}, { queueLimit: 1 }, false],
  ['partial_answers', {}, { partialAnswers: 'drop' }, false],
  ['routes', {}, { routes: { default: 'ops', dm: null, group: null } }, false],
]

describe('channels', () => {
  test.each(CHANGES)('%s', (_, before, now, needs) => {
    const { channels } = change({ channels: { a: before, b: {} } }, { channels: { a: now, b: {} } })
    expect(channels).toEqual({ ...NOTHING, [needs ? 'reconnected' : 'redefined']: ['a'] })
  })

  test.each([
    ['connects everybody anew', () => true],
    ['connects nobody anew', () => false],
    ['looks at the token’s name alone', ({ definition: a }, { definition: b }) => a.token?.secret !== b.token?.secret],
  ] satisfies [string, typeof needsConnection][])('a broken decision that %s is caught', (_, decide) => {
    expect(() => expectTable(decide)).toThrow()
    expectTable(needsConnection)
  })

  function expectTable(decide: typeof needsConnection): void {
    const of = (given: Partial<ChannelDefinition>) => ({ definition: testChannel('a', given), agents: {} })
    const decided = CHANGES.map(([what, before, now]) => [what, decide(of(before), of(now))])
    expect(decided).toEqual(CHANGES.map(([what, , , needs]) => [what, needs]))
  }

  test('an agent’s missing variable concerns the channels that lead to it, and no other', () => {
    const lacking = [testAgent('cfo', { missing: ['KEY'] }), testAgent('ops')]
    const channels = { a: {}, b: { routes: { default: 'ops', dm: null, group: null } } }
    expect(change({ channels, workforce: lacking }, { channels }).channels).toEqual({ ...NOTHING, reconnected: ['a'] })
  })

  test('new and removed ones, and a new order, which changes nobody', () => {
    const { channels, definition } = change(
      { channels: { a: {}, b: {}, c: {} } },
      { channels: { c: {}, d: {}, a: {} } },
    )
    expect(channels).toEqual({ ...NOTHING, started: ['d'], stopped: ['b'] })
    expect(Object.keys(definition.channels)).toEqual(['c', 'd', 'a'])
  })

  test('the same file changes nothing', () => {
    const same = change({ channels: { a: {}, b: {} } }, { channels: { a: {}, b: {} } })
    expect(same).toMatchObject({
      channels: NOTHING,
      agents: { added: [], removed: [], changed: [], kept: [] },
      settings: { changed: [], needRestart: [] },
    })
  })
})

describe('agents', () => {
  test('added, removed, changed', () => {
    const { agents } = change(
      { workforce: [testAgent('cfo'), testAgent('ops'), testAgent('old')] },
      { workforce: [testAgent('cfo', { instructions: 'be brief' }), testAgent('ops'), testAgent('new')] },
    )
    expect(agents).toEqual({ added: ['new'], removed: ['old'], changed: ['cfo'], kept: [] })
  })

  test('one that lacks a variable now keeps its earlier definition, and its channels never notice', () => {
    const lacking = [testAgent('cfo', { instructions: 'new', missing: ['KEY'] }), testAgent('ops')]
    const { agents, channels, definition } = change({}, { workforce: lacking })
    expect(agents).toEqual({ added: [], removed: [], changed: [], kept: ['cfo'] })
    expect(channels).toEqual(NOTHING)
    expect(definition.agents['cfo']).toEqual(testAgent('cfo'))
  })

  test('one whose program is not on this machine any more, too; when it is there again, it is as it was', () => {
    const lack = { phase: 'requires', what: 'pandoc is not in PATH', remedy: 'Install it' } as const
    const without = [testAgent('cfo', { lacking: [lack] }), testAgent('ops')]
    expect(change({}, { workforce: without })).toMatchObject({ agents: { kept: ['cfo'] }, channels: NOTHING })
    expect(change({ workforce: without }, {}).channels).toEqual({ ...NOTHING, reconnected: ['a'] })
  })

  test('one that is new and lacks a variable fails its channel, as at a start', () => {
    const { agents, definition } = change({}, { workforce: [testAgent('cfo'), testAgent('new', { missing: ['KEY'] })] })
    expect(agents).toMatchObject({ added: ['new'], kept: [] })
    expect(definition.agents['new']?.missing).toEqual(['KEY'])
  })
})

test('hooks of the gateway and schedules are in force at once, and named when they differ', () => {
  const before = testDefinition({ schedules: [testSchedule({ name: 'a' }), testSchedule({ name: 'b' })] })
  const hooks = {
    dead_letter: [{ kind: 'executable', path: 'notify', timeoutMs: 1_000, onFailure: 'go_on' }],
  } as const
  const schedules = { b: testSchedule({ name: 'b', text: 'other' }), c: testSchedule({ name: 'c' }) }
  const changed = redefinition(before, { ...before, hooks, schedules })
  expect(changed.settings).toEqual({ changed: ['hooks'], needRestart: [] })
  expect(changed.schedules).toEqual({ added: ['c'], removed: ['a'], changed: ['b'] })
  expect(changed.definition).toMatchObject({ hooks, schedules })
  expect(redefinition(before, before).settings.changed).toEqual([])
})

describe('settings', () => {
  test('what can change at once is in force, what cannot is named and stays', () => {
    const { settings, definition } = change(
      {},
      {
        gateway: {
          drainMs: 1,
          concurrentRuns: 2,
          passivateAfterMs: 3,
          host: '::1',
          port: 9,
          data: 'elsewhere',
          workdirKeepMs: 4,
        },
      },
    )
    expect(settings.changed).toEqual(['gateway.drain', 'gateway.concurrent_runs', 'gateway.passivate_after'])
    expect(settings.needRestart).toEqual(['gateway.host', 'gateway.port', 'gateway.data', 'gateway.workdir_keep'])
    expect(definition.gateway).toMatchObject({ drainMs: 1, concurrentRuns: 2, host: '127.0.0.1', port: 0 })
  })

  test('a token that is set or replaced is in force at once; one that is taken away stays until a restart', () => {
    const token = { secret: 'gateway.token' }
    expect(change({}, { gateway: { token } }).settings).toEqual({ changed: ['gateway.token'], needRestart: [] })
    const removed = change({ gateway: { token } }, {})
    expect(removed.settings).toEqual({ changed: [], needRestart: ['gateway.token'] })
    expect(removed.definition.gateway.token).toEqual(token)
  })
})

describe('adoption', () => {
  const agents = { cfo: testAgent('cfo') }
  const of = (given: Partial<ChannelDefinition>) => ({ definition: testChannel('a', given), agents })
  const served: Adopting = { ...of({}), next: null, proven: null, trials: 3 }
  const newer = of({ token: TOKEN, queueLimit: 1 })

  test('what needs no connection is served at once', () => {
    const after = offered(served, of({ queueLimit: 1 }))
    expect(after).toEqual({ ...of({ queueLimit: 1 }), next: null, proven: null, trials: 0 })
    expect(isServed(after, of({ queueLimit: 1 }))).toBe(true)
  })

  test('what needs one waits for it, whole; the earlier is the way back until the newer is live', () => {
    const waiting = offered(served, newer)
    expect(waiting).toMatchObject({ definition: served.definition, next: newer, proven: null })
    expect(isServed(waiting, of({}))).toBe(false)
    const onTrial = takenOnTrial(waiting)
    expect(onTrial).toMatchObject({ ...newer, next: null, proven: of({}) })
    expect(goneBack(onTrial)).toEqual({ ...of({}), next: null, proven: null, trials: 0 })
    expect(taken(waiting)).toEqual({ ...newer, next: null, proven: null, trials: 0 })
  })

  test('what is offered while another is on trial waits, and is what the channel goes back to asking for', () => {
    const newest = of({ token: { ...TOKEN, renewed: 1 } })
    const onTrial = offered(takenOnTrial(offered(served, newer)), newest)
    expect(onTrial).toMatchObject({ ...newer, next: newest, proven: of({}) })
    expect(goneBack(onTrial)).toMatchObject({ ...of({}), next: newest, proven: null })
    // Back to the beginning: there is nothing left to try.
    expect(goneBack(offered(takenOnTrial(offered(served, newer)), of({ queueLimit: 5 })))).toMatchObject({
      ...of({ queueLimit: 5 }),
      next: null,
    })
  })

  test('a second switch before the first one was live leads back to what was live', () => {
    const twice = takenOnTrial(offered(takenOnTrial(offered(served, newer)), of({ apiRoot: 'http://b' })))
    expect(twice).toMatchObject({ ...of({ apiRoot: 'http://b' }), proven: of({}) })
  })

  test('an agent that only the earlier definition leads to stays while that is served', () => {
    const other = { definition: testChannel('a', { token: TOKEN }), agents: { ops: testAgent('ops') } }
    expect(Object.keys(offered(served, other).agents)).toEqual(['cfo', 'ops'])
    expect(Object.keys(taken(offered(served, other)).agents)).toEqual(['ops'])
  })
})

test.each([
  [{ a: 1, b: [2, { c: null }] }, { b: [2, { c: null }], a: 1 }, true],
  [{ a: 1 }, { a: 1, b: 2 }, false],
  [[1, 2], [2, 1], false],
  [[], {}, false],
  [null, {}, false],
  ['1', 1, false],
])('isSame %j %j: %s', (a, b, same) => {
  expect([isSame(a, b), isSame(b, a)]).toEqual([same, same])
})
