// Token locks: one process and one connection a token, also while a newer file moves tokens between channels.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ChannelDefinition } from '../../machines/definitions.ts'
import { Secrets } from '../../src/config/secrets.ts'
import { lockTokens, type TokenLocks } from '../../src/start/token-locks.ts'
import { testChannel, testDefinition } from '../support/house.ts'
import { settled, testWorld } from '../support/world.ts'

// Where the locks lie: what a test leaves behind goes with it.
const own = mkdtempSync(join(tmpdir(), 'troupe-locks-'))
const { TMPDIR } = process.env
beforeAll(() => void (process.env['TMPDIR'] = own))
afterAll(() => {
  if (TMPDIR === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = TMPDIR
  rmSync(own, { recursive: true, force: true })
})

const SECRETS = new Secrets(
  ['one', 'two', 'three'].map((value) => ({ secret: value, value: `value-of-${value}`, variable: null })),
)
const HOLDER = { pid: process.pid, url: null, startedAt: '2026-01-01T00:00:00Z' }
const NEVER = new AbortController().signal

function channel(id: string, secret: string | null): ChannelDefinition {
  return testChannel(id, { token: secret === null ? null : { secret }, apiRoot: 'http://api' })
}

function definition(...channels: ChannelDefinition[]) {
  return { ...testDefinition({}), channels: Object.fromEntries(channels.map((each) => [each.id, each])) }
}

function locks(...channels: ChannelDefinition[]) {
  const world = testWorld()
  const given = { definition: definition(...channels), secrets: SECRETS, holder: HOLDER, clock: world.clock }
  return { tokens: lockTokens(given), world }
}

test('S6: another process is refused by the name of the channel, until the token is given back', () => {
  const { tokens } = locks(channel('a', 'one'))
  expect(() => locks(channel('b', 'two'), channel('c', 'one'))).toThrow(/The token of c is polled by .*\(pid \d+\)/)
  // What it had taken before it was refused is free again.
  locks(channel('b', 'two')).tokens.release()
  tokens.release()
  locks(channel('c', 'one')).tokens.release()
})

test('a newer file: new tokens are taken, those that nothing uses are given back', async () => {
  const { tokens } = locks(channel('a', 'one'))
  const release = await tokens.hold(channel('a', 'one'), NEVER)
  tokens.renew(definition(channel('a', 'two')))
  expect(() => locks(channel('x', 'two'))).toThrow('The token of x')
  // The earlier one is polled still.
  expect(() => locks(channel('x', 'one'))).toThrow('The token of x')
  release()
  locks(channel('x', 'one')).tokens.release()
  tokens.release()
})

test('a newer file whose token another process has: only its channel is told so, when it wants to connect', async () => {
  const { tokens: others } = locks(channel('x', 'two'))
  const { tokens } = locks(channel('a', 'one'))
  tokens.renew(definition(channel('a', 'two'), channel('b', 'three')))
  expect(() => tokens.claim(channel('a', 'two'))).toThrow('The token of a is polled by another Troupe process')
  await expect(tokens.hold(channel('a', 'two'), NEVER)).rejects.toThrow('The token of a')
  tokens.claim(channel('b', 'three'))
  others.release()
  tokens.claim(channel('a', 'two'))
  tokens.release()
})

test('C2: two channels that exchange their tokens each wait for the other’s connection to end', () => expectTurns(hold))

test('a broken lock that lets everybody in is caught', async () => {
  await expect(expectTurns(async () => () => {})).rejects.toThrow()
})

function hold(tokens: TokenLocks, wanted: ChannelDefinition): Promise<() => void> {
  return tokens.hold(wanted, NEVER)
}

async function expectTurns(holds: typeof hold): Promise<void> {
  const { tokens } = locks(channel('a', 'one'), channel('b', 'two'))
  try {
    const ends = [await holds(tokens, channel('a', 'one')), await holds(tokens, channel('b', 'two'))]
    const order: string[] = []
    const turns = [channel('a', 'two'), channel('b', 'one')].map(async (wanted) => {
      const end = await holds(tokens, wanted)
      order.push(wanted.id)
      return end
    })
    await settled()
    order.push('the first ends')
    ends[0]?.()
    await settled()
    order.push('the second ends')
    ends[1]?.()
    await Promise.all(turns)
    expect(order).toEqual(['the first ends', 'b', 'the second ends', 'a'])
  } finally {
    tokens.release()
  }
}

test('a connection that keeps its token: who wants it is told by whom, and asks no longer', async () => {
  const { tokens, world } = locks(channel('a', 'one'))
  await tokens.hold(channel('a', 'one'), NEVER)
  const waiting = tokens.hold(channel('b', 'one'), NEVER)
  const refused = expect(waiting).rejects.toThrow('the channel a polls this token still')
  await world.advance(5_000)
  await refused
  tokens.release()
})

test('who is closed while it waits has held nothing', async () => {
  const { tokens } = locks(channel('a', 'one'))
  const release = await tokens.hold(channel('a', 'one'), NEVER)
  const closing = new AbortController()
  const waiting = tokens.hold(channel('b', 'one'), closing.signal)
  closing.abort()
  ;(await waiting)()
  const third = tokens.hold(channel('c', 'one'), NEVER)
  await settled()
  release()
  ;(await third)()
  tokens.release()
})

test('a channel without a token, or without its variable, waits for nobody', async () => {
  const { tokens } = locks(channel('web', null), { ...channel('lacking', 'nowhere'), missing: ['T'] })
  ;(await tokens.hold(channel('web', null), NEVER))()
  ;(await tokens.hold({ ...channel('lacking', 'nowhere'), missing: ['T'] }, NEVER))()
  tokens.release()
})
