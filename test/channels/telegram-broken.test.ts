// The Telegram adapter's connection breaks: refused, revoked, taken over, cut, stalled. What it says, and that it is over then.

import { describe, expect, test } from 'vitest'
import { startBotApi } from '../support/bot-api/server.ts'
import {
  failureFrom,
  isHeld,
  movedWorld,
  openDoor,
  startAdapter,
  TOKEN,
  useTelegram,
  type PartsOptions,
  type TestDoor,
} from './telegram-support.ts'

const of = useTelegram()
const start = (door: TestDoor, options: Partial<PartsOptions> = {}) =>
  startAdapter(door, { apiRoot: of.api.url, ...options })

describe('failing', () => {
  test('S5 a token that is revoked while the channel runs', async () => {
    const door = openDoor()
    const running = start(door)
    await of.bot.waitFor(isHeld)
    of.bot.revoke()
    const failure = await failureFrom(running.ended)
    expect(failure).toMatchObject({ kind: 'permanent', reason: 'unauthorized' })
    expect(failure.message).toBe('the token of telegram_cfo was refused by Telegram')
    expect(failure.remedy).toContain('@BotFather')
    const calls = of.bot.calls.length
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(of.bot.calls.length).toBe(calls)
  })

  test('S6 somebody else polls this token', async () => {
    const first = start(openDoor())
    await of.bot.waitFor(isHeld)
    const second = start(openDoor())
    expect(await failureFrom(first.ended)).toMatchObject({
      kind: 'retryable',
      reason: 'conflict',
      message: 'someone else polls this token',
    })
    await second.stop()
  })

  test('S6 it is not live where somebody else keeps the poll', async () => {
    of.bot.faults.always('getUpdates', {
      kind: 'error',
      code: 409,
      description: 'Conflict: terminated by other getUpdates request',
    })
    const door = openDoor()
    expect(await failureFrom(start(door).ended)).toMatchObject({ reason: 'conflict' })
    expect(door.identities).toEqual([])
  })

  test('S11 the platform is down, and then up', async () => {
    await of.api.close()
    expect(await failureFrom(start(openDoor()).ended)).toEqual({
      kind: 'retryable',
      reason: 'unavailable',
      message: 'Telegram is not reachable: the connection failed (ECONNREFUSED)',
    })
    of.api = await startBotApi()
    of.bot = of.api.addBot({ token: TOKEN, username: 'cfo_bot' })
    const door = openDoor()
    const running = start(door)
    await door.isLive
    await running.stop()
  })

  test('S11 a platform that answers nothing is given up after ten seconds', async () => {
    const world = movedWorld()
    of.bot.faults.always('getMe', { kind: 'hang' })
    const running = start(openDoor(), { world })
    await of.bot.waitFor((bot) => bot.calls.length === 1)
    await world.advance(10_000)
    expect(await failureFrom(running.ended)).toMatchObject({ kind: 'retryable', reason: 'unavailable' })
    expect(world.timers).toBe(0)
  })

  test('S12 a poll that stalls ends before the connection does', async () => {
    const world = movedWorld()
    const running = start(openDoor(), { world })
    await of.bot.waitFor(isHeld)
    of.bot.stallPolls()
    await world.advance(44_000)
    expect(of.bot.activePolls).toBe(1)
    await world.advance(1_000)
    expect(await failureFrom(running.ended)).toMatchObject({ kind: 'retryable', reason: 'unavailable' })
    await of.bot.waitFor((bot) => bot.activePolls === 0)
    of.bot.releasePolls()
    const door = openDoor()
    const next = start(door)
    await door.isLive
    await next.stop()
    expect(of.bot.maxSimultaneousPolls).toBe(1)
  })

  test.each([
    [{ kind: 'error', code: 500, description: 'Internal Server Error' }, 'unavailable'],
    [{ kind: 'error', code: 429, description: 'Too Many Requests: retry after 7', retryAfter: 7 }, 'rateLimited'],
    [{ kind: 'html', code: 502 }, 'unavailable'],
    [{ kind: 'garbage' }, 'unavailable'],
    [{ kind: 'cut' }, 'unavailable'],
    [{ kind: 'error', code: 401, description: 'Unauthorized' }, 'unauthorized'],
    [{ kind: 'error', code: 404, description: 'Not Found' }, 'unauthorized'],
  ] as const)('a poll that is answered %j: %s, never uncertain', async (fault, reason) => {
    const running = start(openDoor())
    await of.bot.waitFor(isHeld)
    of.bot.faults.always('getUpdates', fault)
    of.api.person().says(of.bot, 'wakes the poll')
    const failure = await failureFrom(running.ended)
    expect(failure.reason).toBe(reason)
    expect(failure.uncertain).toBeUndefined()
    if (reason === 'rateLimited') expect(failure.retryAfterMs).toBe(7_000)
    expect(JSON.stringify([failure, running.lines])).not.toContain(TOKEN)
  })
})
