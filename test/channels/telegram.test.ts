// The Telegram adapter's connection against a strict Bot API server, over real HTTP: how it begins and how it ends. What a test
// waits for is an event of the server or the door.

import { describe, expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import { createTelegramAdapter } from '../../src/channels/telegram.ts'
import { pollUpdates, type UpdateSource } from '../../src/channels/telegram-poll.ts'
import {
  failureFrom,
  isHeld,
  methodsOf,
  movedWorld,
  openDoor,
  startAdapter,
  TOKEN,
  telegramParts,
  useTelegram,
  type PartsOptions,
  type TestDoor,
} from './telegram-support.ts'

const of = useTelegram()
const start = (door: TestDoor, options: Partial<PartsOptions> = {}) =>
  startAdapter(door, { apiRoot: of.api.url, ...options })

describe('connecting', () => {
  test('says who it is, removes a webhook, registers commands and takes what waits, in order', async () => {
    const anna = of.api.person()
    for (const text of ['one', 'two', 'three']) anna.says(of.bot, text)
    const door = openDoor()
    const running = start(door)
    await door.count(3)
    await of.bot.waitFor((bot) => methodsOf(bot).includes('setMyCommands') && isHeld(bot))
    expect(door.identities).toEqual([{ id: '4711', name: '@cfo_bot' }])
    expect(door.received.map((message) => message.text)).toEqual(['one', 'two', 'three'])
    expect(methodsOf(of.bot).slice(0, 3)).toEqual(['getMe', 'deleteWebhook', 'getUpdates'])
    expect(of.bot.calls[1]?.payload).toMatchObject({ drop_pending_updates: false })
    expect(of.bot.calls[2]?.payload).toMatchObject({ allowed_updates: ['message', 'callback_query'] })
    const commands = of.bot.calls.find((call) => call.method === 'setMyCommands')?.payload.commands
    expect(JSON.stringify(commands)).toContain('"stop"')
    await running.stop()
  })

  test('commands that Telegram does not take are logged and nothing else', async () => {
    of.bot.faults.always('setMyCommands', { kind: 'error', code: 400, description: 'Bad Request: no' })
    const door = openDoor()
    const running = start(door)
    await of.bot.waitFor((bot) => bot.calls.some((call) => call.method === 'setMyCommands' && call.status === 400))
    of.api.person().says(of.bot, 'hello')
    await door.count(1)
    await running.stop()
    expect(running.lines.join('\n')).toContain('did not take the list of commands')
  })

  test('takes the token at the moment of use: a replaced one works with the next run', async () => {
    let token = '9:wrong'
    const { parts } = telegramParts({ apiRoot: `${of.api.url}/`, token: () => token })
    const adapter = createTelegramAdapter(parts)
    expect(await failureFrom(adapter.probe(new AbortController().signal))).toMatchObject({ reason: 'unauthorized' })
    token = TOKEN
    expect(await adapter.probe(new AbortController().signal)).toEqual({ id: '4711', name: '@cfo_bot' })
  })

  test('a secret that is missing is passed on as it is', async () => {
    const missing = new FailureError({ kind: 'permanent', reason: 'missing', message: 'CFO_bot_TOKEN is not set' })
    const token = () => {
      throw missing
    }
    expect(await failureFrom(start(openDoor(), { token }).ended)).toEqual(missing.failure)
  })

  test('S1 S2 three adapters in one process on three tokens know nothing of each other', async () => {
    const names = ['cfo', 'ops', 'content']
    const bots = names.map((name, index) =>
      of.api.addBot({ token: `${index + 1}:token-of-${name}`, username: `${name}_x_bot` }),
    )
    const doors = names.map(() => openDoor())
    const running = bots.map((each, index) =>
      start(doors[index] ?? openDoor(), { id: names[index] ?? '', token: () => each.token }),
    )
    const anna = of.api.person()
    for (const each of bots) anna.says(each, `to ${each.username}`)
    await Promise.all(doors.map((door) => door.count(1)))
    await Promise.all(running.map((each) => each.stop()))
    expect(doors.map((door) => door.received.map(({ channel, text }) => [channel, text]))).toEqual([
      [['cfo', 'to cfo_x_bot']],
      [['ops', 'to ops_x_bot']],
      [['content', 'to content_x_bot']],
    ])
    expect(doors.map((door) => door.identities.length)).toEqual([1, 1, 1])
  })
})

describe('ending', () => {
  test('ends a held poll at once, and nothing stays behind', async () => {
    const door = openDoor()
    const running = start(door)
    await of.bot.waitFor(isHeld)
    await running.stop()
    await of.bot.waitFor((bot) => bot.activePolls === 0)
    const calls = of.bot.calls.length
    of.api.person().says(of.bot, 'too late')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(of.bot.calls.length).toBe(calls)
    expect(door.received).toEqual([])
    expect(of.bot.pendingUpdates).toBe(1)
  })

  test('waits for the accepts that are under way, and confirms them', async () => {
    of.api.person().says(of.bot, 'hello')
    const disk = Promise.withResolvers<void>()
    const door = openDoor(async () => {
      await disk.promise
      return { accepted: true, duplicate: false, seq: 1 }
    })
    const running = start(door)
    await door.count(1)
    const stopped = running.stop()
    expect(of.bot.pendingUpdates).toBe(1)
    disk.resolve()
    await stopped
    expect(of.bot.pendingUpdates).toBe(0)
    expect(of.bot.calls.at(-1)?.payload).toMatchObject({ limit: 1, timeout: 0 })
  })

  test('a confirmation that hangs holds it up for two seconds, not longer', async () => {
    const world = movedWorld()
    of.api.person().says(of.bot, 'hello')
    const disk = Promise.withResolvers<void>()
    const door = openDoor(async () => {
      await disk.promise
      return { accepted: true, duplicate: false, seq: 1 }
    })
    const running = start(door, { world })
    await door.count(1)
    of.bot.faults.always('getUpdates', { kind: 'hang' })
    const stopped = running.stop()
    disk.resolve()
    await of.bot.waitFor((bot) => bot.calls.at(-1)?.payload.limit === 1)
    await world.advance(2_000)
    await stopped
    expect(running.lines.join('\n')).toContain('offered again')
  })

  test('typing and the registration of commands end with it', async () => {
    const world = movedWorld()
    for (const method of ['sendChatAction', 'setMyCommands']) of.bot.faults.always(method, { kind: 'hang' })
    const door = openDoor()
    const running = start(door, { world })
    const anna = of.api.person()
    anna.says(of.bot, 'hello')
    await door.count(1)
    running.adapter.show(String(anna.id), { kind: 'state', session: 's', state: 'running' })
    await of.bot.waitFor(
      (bot) => isHeld(bot) && ['sendChatAction', 'setMyCommands'].every((name) => methodsOf(bot).includes(name)),
    )
    await running.stop()
    expect(world.timers).toBe(0)
    await of.bot.waitFor((bot) => bot.calls.every((call) => call.endedAt !== null))
  })

  test('what arrives together with the abort is not taken, and not confirmed', async () => {
    const controller = new AbortController()
    const asked: string[] = []
    const source: UpdateSource = {
      async take() {
        controller.abort()
        return [{ update_id: 7 }]
      },
      confirm: async () => void asked.push('confirm'),
      receive: async () => void asked.push('receive'),
      answered: () => void asked.push('answered'),
    }
    await pollUpdates(source, telegramParts({ apiRoot: of.api.url }).parts.log, controller.signal)
    expect(asked).toEqual([])
  })

  test('resolves when it is ended before it is connected', async () => {
    of.bot.faults.always('getMe', { kind: 'hang' })
    const running = start(openDoor())
    await of.bot.waitFor((bot) => bot.calls.length === 1)
    await running.stop()
    await of.bot.waitFor((bot) => bot.calls[0]?.aborted === true)
  })

  test('C2 twenty connections one after the other, with messages in between: never two polls at a time', async () => {
    const anna = of.api.person()
    const texts: string[] = []
    for (let round = 0; round < 20; round += 1) {
      const door = openDoor()
      const running = start(door)
      await door.isLive
      anna.says(of.bot, `${round}`)
      await door.count(1)
      // Half of the rounds end while a poll is held, half while one is about to begin.
      if (round % 2 === 0) await of.bot.waitFor(isHeld)
      await running.stop()
      texts.push(...door.received.map((message) => message.text))
    }
    expect([...new Set(texts)]).toEqual(Array.from({ length: 20 }, (_, round) => String(round)))
    expect(of.bot.maxSimultaneousPolls).toBe(1)
    expect(of.bot.pollConflicts).toBe(0)
  })
})
