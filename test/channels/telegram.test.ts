// The Telegram adapter's connection against a strict Bot API server, over real HTTP: connecting, taking messages, confirming
// them, failing and ending. What a test waits for is an event of the server or the door, never a sleep.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import type { Adapter } from '../../src/channels/adapter.ts'
import { createTelegramAdapter } from '../../src/channels/telegram.ts'
import { type BotApiServer, type BotHandle, startBotApi } from '../support/bot-api/server.ts'
import {
  failureFrom,
  movedWorld,
  openDoor,
  type PartsOptions,
  TOKEN,
  type TestDoor,
  telegramParts,
} from './telegram-support.ts'

let api: BotApiServer
let bot: BotHandle

beforeEach(async () => {
  api = await startBotApi()
  bot = api.addBot({ token: TOKEN, username: 'cfo_bot', canReadAllGroupMessages: true })
})

afterEach(async () => {
  await api.close()
})

interface Running {
  readonly adapter: Adapter
  readonly lines: readonly string[]
  readonly ended: Promise<void>
  stop(): Promise<void>
}

function start(door: TestDoor, options: Partial<PartsOptions> = {}): Running {
  const { parts, lines } = telegramParts({ apiRoot: api.url, ...options })
  const adapter = createTelegramAdapter(parts)
  const controller = new AbortController()
  const ended = adapter.run(door, controller.signal)
  ended.catch(() => {})
  return {
    adapter,
    lines,
    ended,
    stop: () => {
      controller.abort()
      return ended
    },
  }
}

/** A long poll is open; the first poll of a connection does not wait. */
const isHeld = (of: BotHandle) =>
  of.activePolls === 1 && of.calls.some((c) => c.payload.timeout === 30 && c.endedAt === null)

const methods = (of: BotHandle = bot) => of.calls.map((call) => call.method)

describe('connecting', () => {
  test('says who it is, removes a webhook, registers commands and takes what waits, in order', async () => {
    const anna = api.person()
    for (const text of ['one', 'two', 'three']) anna.says(bot, text)
    const door = openDoor()
    const running = start(door)
    await door.count(3)
    await bot.waitFor((of) => methods(of).includes('setMyCommands') && isHeld(of))
    expect(door.identities).toEqual([{ id: '4711', name: '@cfo_bot' }])
    expect(door.received.map((message) => message.text)).toEqual(['one', 'two', 'three'])
    expect(methods().slice(0, 3)).toEqual(['getMe', 'deleteWebhook', 'getUpdates'])
    expect(bot.calls[1]?.payload).toMatchObject({ drop_pending_updates: false })
    expect(bot.calls[2]?.payload).toMatchObject({ allowed_updates: ['message'] })
    const commands = bot.calls.find((call) => call.method === 'setMyCommands')?.payload.commands
    expect(JSON.stringify(commands)).toContain('"stop"')
    await running.stop()
  })

  test('commands that Telegram does not take are logged and nothing else', async () => {
    bot.faults.always('setMyCommands', { kind: 'error', code: 400, description: 'Bad Request: no' })
    const door = openDoor()
    const running = start(door)
    await bot.waitFor((of) => of.calls.some((call) => call.method === 'setMyCommands' && call.status === 400))
    api.person().says(bot, 'hello')
    await door.count(1)
    await running.stop()
    expect(running.lines.join('\n')).toContain('did not take the list of commands')
  })

  test('takes the token at the moment of use: a replaced one works with the next run', async () => {
    let token = '9:wrong'
    const { parts } = telegramParts({ apiRoot: `${api.url}/`, token: () => token })
    const adapter = createTelegramAdapter(parts)
    expect(await failureFrom(adapter.probe(new AbortController().signal))).toMatchObject({ reason: 'unauthorized' })
    token = TOKEN
    expect(await adapter.probe(new AbortController().signal)).toEqual({ id: '4711', name: '@cfo_bot' })
  })

  test('a secret that is missing is passed on as it is', async () => {
    const missing = new FailureError({ kind: 'permanent', reason: 'missing', message: 'CFO_BOT_TOKEN is not set' })
    const token = () => {
      throw missing
    }
    expect(await failureFrom(start(openDoor(), { token }).ended)).toEqual(missing.failure)
  })

  test('S1 S2 three adapters in one process on three tokens know nothing of each other', async () => {
    const names = ['cfo', 'ops', 'content']
    const bots = names.map((name, index) =>
      api.addBot({ token: `${index + 1}:token-of-${name}`, username: `${name}_x_bot` }),
    )
    const doors = names.map(() => openDoor())
    const running = bots.map((each, index) =>
      start(doors[index] ?? openDoor(), { id: names[index] ?? '', token: () => each.token }),
    )
    const anna = api.person()
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

describe('taking messages', () => {
  test('S7 S25 people, groups and topics are told apart', async () => {
    const anna = api.person({ username: 'Anna' })
    const bo = api.person({ firstName: 'Bo' })
    const forum = api.group({ forum: true, members: [anna, bo], bots: [bot] })
    anna.says(forum, 'before the bot listens')
    const topic = forum.topic('Budget')
    const door = openDoor()
    const running = start(door)
    anna.says(bot, 'private')
    anna.says(forum, '@cfo_bot in general')
    bo.says(forum, 'in a topic', { topicId: topic })
    await door.count(4)
    await running.stop()
    expect(door.received.slice(1).map((m) => [m.conversation, m.kind, m.addressed, m.sender.handle, m.text])).toEqual([
      [String(anna.id), 'dm', true, '@anna', 'private'],
      [String(forum.id), 'group', true, '@anna', 'in general'],
      [`${forum.id}:${topic}`, 'group', false, null, 'in a topic'],
    ])
  })

  test('S24 an album whose parts come slowly: each part, the same album', async () => {
    const door = openDoor()
    const running = start(door)
    await door.isLive
    const album = api.person().sendsAlbum(bot, 3, 'look', { held: true })
    await door.count(1)
    album.release()
    await door.count(2)
    album.release()
    await door.count(3)
    await running.stop()
    expect(door.received.map((message) => message.album)).toEqual(Array(3).fill(album.mediaGroupId))
    expect(door.received.map((message) => message.text)).toEqual(['look', '', ''])
  })

  test('S29 an update that is offered again, also under a new id, has the same platform message id', async () => {
    const door = openDoor()
    const running = start(door)
    const { updateId } = api.person().says(bot, 'once')
    await door.count(1)
    bot.redeliver(updateId, { asNewUpdate: true })
    await door.count(2)
    await running.stop()
    const again = start(door)
    bot.redeliver(updateId)
    await door.count(3)
    await again.stop()
    expect(new Set(door.received.map((message) => message.platformMessageId)).size).toBe(1)
  })

  test('edits are ignored, and confirmed', async () => {
    const door = openDoor()
    const running = start(door)
    const anna = api.person()
    const { messageId } = anna.says(bot, 'one')
    await door.count(1)
    anna.edits(bot, messageId, 'one, edited')
    anna.says(bot, 'two')
    await door.count(2)
    await running.stop()
    expect(door.received.map((message) => message.text)).toEqual(['one', 'two'])
    expect(bot.pendingUpdates).toBe(0)
  })

  test('a batch is handed over in order without waiting in between, and confirmed after the last accept', async () => {
    const anna = api.person()
    for (let index = 0; index < 5; index += 1) anna.says(bot, `${index}`)
    const disk = Promise.withResolvers<void>()
    const door = openDoor(async () => {
      await disk.promise
      return { accepted: true, duplicate: false, seq: 1 }
    })
    const running = start(door)
    await door.count(5)
    expect(door.received.map((message) => message.text)).toEqual(['0', '1', '2', '3', '4'])
    expect(bot.confirmedUpdateId).toBe(0)
    disk.resolve()
    await bot.waitFor(isHeld)
    await running.stop()
    expect(bot.pendingUpdates).toBe(0)
  })

  test('S46 what could not be kept is not confirmed, and offered again to the next connection', async () => {
    await checkNotConfirmed(createTelegramAdapter)
  })

  test('S46 the check sees an adapter that confirms all the same', async () => {
    const careless: typeof createTelegramAdapter = (parts) => {
      const adapter = createTelegramAdapter(parts)
      const run: Adapter['run'] = async (door, signal) => {
        const receive = (message: Parameters<typeof door.receive>[0]) =>
          door.receive(message).catch(() => ({ accepted: true, duplicate: false, seq: 1 }) as const)
        await adapter.run({ ...door, receive }, signal)
      }
      return { ...adapter, run }
    }
    await expect(checkNotConfirmed(careless)).rejects.toThrow()
  })

  const hasConfirmed = (of: BotHandle) => of.calls.some((call) => call.payload.offset !== undefined)

  async function checkNotConfirmed(create: typeof createTelegramAdapter): Promise<void> {
    const full = new FailureError({ kind: 'retryable', reason: 'storage', message: 'the disk is full' })
    const anna = api.person()
    anna.says(bot, 'kept')
    anna.says(bot, 'not kept')
    const door = openDoor(async (message) => {
      if (message.text === 'not kept') throw full
      return { accepted: true, duplicate: false, seq: 1 }
    })
    const { parts } = telegramParts({ apiRoot: api.url })
    const controller = new AbortController()
    const broken = failureFrom(create(parts).run(door, controller.signal))
    const confirmed = bot.waitFor(hasConfirmed).then(() => controller.abort())
    confirmed.catch(() => {})
    expect(await Promise.race([broken, confirmed])).toEqual(full.failure)
    expect(bot.confirmedUpdateId).toBe(0)
    const next = openDoor()
    const running = start(next)
    await next.count(2)
    await running.stop()
    expect(next.received.map((message) => message.text)).toEqual(['kept', 'not kept'])
  }

  test('an error of receive that is no failure is told as storage', async () => {
    api.person().says(bot, 'hello')
    const running = start(openDoor(() => Promise.reject(new Error('EIO'))))
    expect(await failureFrom(running.ended)).toMatchObject({ kind: 'retryable', reason: 'storage' })
  })
})

describe('ending', () => {
  test('ends a held poll at once, and nothing stays behind', async () => {
    const door = openDoor()
    const running = start(door)
    await bot.waitFor(isHeld)
    await running.stop()
    await bot.waitFor((of) => of.activePolls === 0)
    const calls = bot.calls.length
    api.person().says(bot, 'too late')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(bot.calls.length).toBe(calls)
    expect(door.received).toEqual([])
    expect(bot.pendingUpdates).toBe(1)
  })

  test('waits for the accepts that are under way, and confirms them', async () => {
    api.person().says(bot, 'hello')
    const disk = Promise.withResolvers<void>()
    const door = openDoor(async () => {
      await disk.promise
      return { accepted: true, duplicate: false, seq: 1 }
    })
    const running = start(door)
    await door.count(1)
    const stopped = running.stop()
    expect(bot.pendingUpdates).toBe(1)
    disk.resolve()
    await stopped
    expect(bot.pendingUpdates).toBe(0)
    expect(bot.calls.at(-1)?.payload).toMatchObject({ limit: 1, timeout: 0 })
  })

  test('a confirmation that hangs holds it up for two seconds, not longer', async () => {
    const world = movedWorld()
    api.person().says(bot, 'hello')
    const disk = Promise.withResolvers<void>()
    const door = openDoor(async () => {
      await disk.promise
      return { accepted: true, duplicate: false, seq: 1 }
    })
    const running = start(door, { world })
    await door.count(1)
    bot.faults.always('getUpdates', { kind: 'hang' })
    const stopped = running.stop()
    disk.resolve()
    await bot.waitFor((of) => of.calls.at(-1)?.payload.limit === 1)
    await world.advance(2_000)
    await stopped
    expect(running.lines.join('\n')).toContain('offered again')
  })

  test('resolves when it is ended before it is connected', async () => {
    bot.faults.always('getMe', { kind: 'hang' })
    const running = start(openDoor())
    await bot.waitFor((of) => of.calls.length === 1)
    await running.stop()
    await bot.waitFor((of) => of.calls[0]?.aborted === true)
  })

  test('C2 twenty connections one after the other, with messages in between: never two polls at a time', async () => {
    const anna = api.person()
    const texts: string[] = []
    for (let round = 0; round < 20; round += 1) {
      const door = openDoor()
      const running = start(door)
      await door.isLive
      anna.says(bot, `${round}`)
      await door.count(1)
      // Half of the rounds end while a poll is held, half while one is about to begin.
      if (round % 2 === 0) await bot.waitFor(isHeld)
      await running.stop()
      texts.push(...door.received.map((message) => message.text))
    }
    expect([...new Set(texts)]).toEqual(Array.from({ length: 20 }, (_, round) => String(round)))
    expect(bot.maxSimultaneousPolls).toBe(1)
    expect(bot.pollConflicts).toBe(0)
  })
})

describe('failing', () => {
  test('S5 a token that is revoked while the channel runs', async () => {
    const door = openDoor()
    const running = start(door)
    await bot.waitFor(isHeld)
    bot.revoke()
    const failure = await failureFrom(running.ended)
    expect(failure).toMatchObject({ kind: 'permanent', reason: 'unauthorized' })
    expect(failure.message).toBe('the token of telegram_cfo was refused by Telegram')
    expect(failure.remedy).toContain('@BotFather')
    const calls = bot.calls.length
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(bot.calls.length).toBe(calls)
  })

  test('S6 somebody else polls this token', async () => {
    const first = start(openDoor())
    await bot.waitFor(isHeld)
    const second = start(openDoor())
    expect(await failureFrom(first.ended)).toMatchObject({
      kind: 'retryable',
      reason: 'conflict',
      message: 'someone else polls this token',
    })
    await second.stop()
  })

  test('S6 it is not live where somebody else keeps the poll', async () => {
    bot.faults.always('getUpdates', {
      kind: 'error',
      code: 409,
      description: 'Conflict: terminated by other getUpdates request',
    })
    const door = openDoor()
    expect(await failureFrom(start(door).ended)).toMatchObject({ reason: 'conflict' })
    expect(door.identities).toEqual([])
  })

  test('S11 the platform is down, and then up', async () => {
    const { port } = new URL(api.url)
    await api.close()
    expect(await failureFrom(start(openDoor()).ended)).toEqual({
      kind: 'retryable',
      reason: 'unavailable',
      message: 'Telegram is not reachable: the connection failed (ECONNREFUSED)',
    })
    expect(Number(port)).toBeGreaterThan(0)
    api = await startBotApi()
    bot = api.addBot({ token: TOKEN, username: 'cfo_bot' })
    const door = openDoor()
    const running = start(door)
    await door.isLive
    await running.stop()
  })

  test('S11 a platform that answers nothing is given up after ten seconds', async () => {
    const world = movedWorld()
    bot.faults.always('getMe', { kind: 'hang' })
    const running = start(openDoor(), { world })
    await bot.waitFor((of) => of.calls.length === 1)
    await world.advance(10_000)
    expect(await failureFrom(running.ended)).toMatchObject({ kind: 'retryable', reason: 'unavailable' })
    expect(world.timers).toBe(0)
  })

  test('S12 a poll that stalls ends before the connection does', async () => {
    const world = movedWorld()
    const running = start(openDoor(), { world })
    await bot.waitFor(isHeld)
    bot.stallPolls()
    await world.advance(44_000)
    expect(bot.activePolls).toBe(1)
    await world.advance(1_000)
    expect(await failureFrom(running.ended)).toMatchObject({ kind: 'retryable', reason: 'unavailable' })
    await bot.waitFor((of) => of.activePolls === 0)
    bot.releasePolls()
    const door = openDoor()
    const next = start(door)
    await door.isLive
    await next.stop()
    expect(bot.maxSimultaneousPolls).toBe(1)
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
    await bot.waitFor(isHeld)
    bot.faults.always('getUpdates', fault)
    api.person().says(bot, 'wakes the poll')
    const failure = await failureFrom(running.ended)
    expect(failure.reason).toBe(reason)
    expect(failure.uncertain).toBeUndefined()
    if (reason === 'rateLimited') expect(failure.retryAfterMs).toBe(7_000)
    expect(JSON.stringify([failure, running.lines])).not.toContain(TOKEN)
  })
})

describe('updates as no server should send them', () => {
  let server: Server
  let answers: (unknown | null)[]

  beforeEach(async () => {
    answers = []
    server = createServer((request, response) => {
      const method = request.url?.split('/').at(-1)
      const me = { id: 4711, is_bot: true, first_name: 'C', username: 'cfo_bot' }
      const result = method === 'getMe' ? me : method === 'getUpdates' ? answers.shift() : true
      request.resume()
      // No further answer: the poll is held.
      if (result !== undefined) response.end(JSON.stringify({ ok: true, result }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })

  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  const root = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const good = {
    update_id: 8,
    message: {
      message_id: 1,
      date: 1,
      chat: { id: 7, type: 'private' },
      from: { id: 7, first_name: 'A' },
      text: 'good',
    },
  }

  test('a poisoned update is logged and skipped; the others are taken', async () => {
    answers = [[{ update_id: 7, message: { text: 5 } }, good, null, { update_id: 9 }], []]
    const door = openDoor()
    const running = start(door, { apiRoot: root() })
    await door.count(1)
    await running.stop()
    expect(door.received.map((message) => message.text)).toEqual(['good'])
    expect(running.lines.join('\n')).toContain('an unreadable update was skipped')
  })

  test('updates without any number end the connection instead of a loop', async () => {
    answers = [[{ message: 'x' }]]
    expect(await failureFrom(start(openDoor(), { apiRoot: root() }).ended)).toMatchObject({ reason: 'unavailable' })
  })

  test('a list that is none as well', async () => {
    answers = [{ update_id: 7 }]
    expect(await failureFrom(start(openDoor(), { apiRoot: root() }).ended)).toMatchObject({ reason: 'unavailable' })
  })
})
