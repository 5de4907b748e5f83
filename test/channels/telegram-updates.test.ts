// The Telegram adapter takes messages from a strict Bot API server: who said what where, what is confirmed and when, and
// updates that no server should send.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FailureError } from '../../machines/failure.ts'
import type { Adapter } from '../../src/channels/adapter.ts'
import { createTelegramAdapter } from '../../src/channels/telegram.ts'
import { type BotHandle } from '../support/bot-api/server.ts'
import {
  failureFrom,
  isHeld,
  openDoor,
  startAdapter,
  telegramParts,
  useTelegram,
  type PartsOptions,
  type TestDoor,
} from './telegram-support.ts'

const of = useTelegram()
const start = (door: TestDoor, options: Partial<PartsOptions> = {}) =>
  startAdapter(door, { apiRoot: of.api.url, ...options })

describe('taking messages', () => {
  test('S7 S25 people, groups and topics are told apart', async () => {
    const anna = of.api.person({ username: 'Anna' })
    const bo = of.api.person({ firstName: 'Bo' })
    const forum = of.api.group({ forum: true, members: [anna, bo], bots: [of.bot] })
    anna.says(forum, 'before the bot listens')
    const topic = forum.topic('Budget')
    const door = openDoor()
    const running = start(door)
    anna.says(of.bot, 'private')
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

  test('S39 a pressed button is its text, said by whoever pressed it, and the press is answered', async () => {
    const anna = of.api.person({ username: 'Anna' })
    const group = of.api.group({ members: [anna], bots: [of.bot] })
    const door = openDoor()
    const running = start(door)
    await door.isLive
    anna.says(of.bot, 'delete it')
    await door.count(1)
    const choices = [{ label: 'Deny', text: '/deny 1-1' }]
    const question = { outboxId: 1, text: 'May I?', replyTo: null, uncertain: false, choices }
    await running.adapter.send({ ...question, conversation: String(anna.id) }, 0, new AbortController().signal)
    await running.adapter.send({ ...question, conversation: String(group.id) }, 0, new AbortController().signal)
    anna.presses(of.bot, '/deny 1-1')
    anna.presses(group, '/deny 1-1')
    await door.count(3)
    await of.bot.waitFor((bot) => bot.calls.filter(({ method }) => method === 'answerCallbackQuery').length === 2)
    await running.stop()
    expect(door.received.slice(1).map((m) => [m.conversation, m.kind, m.addressed, m.sender.handle, m.text])).toEqual([
      [String(anna.id), 'dm', true, '@anna', '/deny 1-1'],
      [String(group.id), 'group', true, '@anna', '/deny 1-1'],
    ])
    expect(new Set(door.received.map((message) => message.platformMessageId)).size).toBe(3)
  })

  test('S24 an album whose parts come slowly: each part, the same album', async () => {
    const door = openDoor()
    const running = start(door)
    await door.isLive
    const album = of.api.person().sendsAlbum(of.bot, 3, 'look', { held: true })
    await door.count(1)
    album.release()
    await door.count(2)
    album.release()
    await door.count(3)
    await running.stop()
    expect(door.received.map((message) => message.album)).toEqual(Array(3).fill(album.mediaGroupId))
    expect(door.received.map((message) => message.text)).toEqual(['look', '', ''])
  })

  test('S24 in a group an album is addressed by the caption of one part', async () => {
    const door = openDoor()
    const running = start(door)
    await door.isLive
    const anna = of.api.person()
    const group = of.api.group({ members: [anna], bots: [of.bot] })
    anna.sendsAlbum(group, 2, 'look')
    anna.sendsAlbum(group, 3, '@cfo_bot look')
    await door.count(5)
    await running.stop()
    expect(door.received.map(({ addressed, text }) => [addressed, text])).toEqual([
      [false, 'look'],
      [false, ''],
      [true, 'look'],
      [true, ''],
      [true, ''],
    ])
  })

  test('S29 an update that is offered again, also under a new id, has the same platform message id', async () => {
    const door = openDoor()
    const running = start(door)
    const { updateId } = of.api.person().says(of.bot, 'once')
    await door.count(1)
    of.bot.redeliver(updateId, { asNewUpdate: true })
    await door.count(2)
    await running.stop()
    const again = start(door)
    of.bot.redeliver(updateId)
    await door.count(3)
    await again.stop()
    expect(new Set(door.received.map((message) => message.platformMessageId)).size).toBe(1)
  })

  test('edits are ignored, and confirmed', async () => {
    const door = openDoor()
    const running = start(door)
    const anna = of.api.person()
    const { messageId } = anna.says(of.bot, 'one')
    await door.count(1)
    anna.edits(of.bot, messageId, 'one, edited')
    anna.says(of.bot, 'two')
    await door.count(2)
    await running.stop()
    expect(door.received.map((message) => message.text)).toEqual(['one', 'two'])
    expect(of.bot.pendingUpdates).toBe(0)
  })

  test('a batch is handed over in order without waiting in between, and confirmed after the last accept', async () => {
    const anna = of.api.person()
    for (let index = 0; index < 5; index += 1) anna.says(of.bot, `${index}`)
    const disk = Promise.withResolvers<void>()
    const door = openDoor(async () => {
      await disk.promise
      return { accepted: true, duplicate: false, seq: 1 }
    })
    const running = start(door)
    await door.count(5)
    expect(door.received.map((message) => message.text)).toEqual(['0', '1', '2', '3', '4'])
    expect(of.bot.confirmedUpdateId).toBe(0)
    disk.resolve()
    await of.bot.waitFor(isHeld)
    await running.stop()
    expect(of.bot.pendingUpdates).toBe(0)
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

  const hasConfirmed = (bot: BotHandle) => bot.calls.some((call) => call.payload.offset !== undefined)

  async function checkNotConfirmed(create: typeof createTelegramAdapter): Promise<void> {
    const full = new FailureError({ kind: 'retryable', reason: 'storage', message: 'the disk is full' })
    const anna = of.api.person()
    anna.says(of.bot, 'kept')
    anna.says(of.bot, 'not kept')
    const door = openDoor(async (message) => {
      if (message.text === 'not kept') throw full
      return { accepted: true, duplicate: false, seq: 1 }
    })
    const { parts } = telegramParts({ apiRoot: of.api.url })
    const controller = new AbortController()
    const broken = failureFrom(create(parts).run(door, controller.signal))
    const confirmed = of.bot.waitFor(hasConfirmed).then(() => controller.abort())
    confirmed.catch(() => {})
    expect(await Promise.race([broken, confirmed])).toEqual(full.failure)
    expect(of.bot.confirmedUpdateId).toBe(0)
    const next = openDoor()
    const running = start(next)
    await next.count(2)
    await running.stop()
    expect(next.received.map((message) => message.text)).toEqual(['kept', 'not kept'])
  }

  test('an error of receive that is no failure is told as storage', async () => {
    of.api.person().says(of.bot, 'hello')
    const running = start(openDoor(() => Promise.reject(new Error('EIO'))))
    expect(await failureFrom(running.ended)).toMatchObject({ kind: 'retryable', reason: 'storage' })
  })
})

describe('updates as no server should send them', () => {
  let server: Server
  let answers: unknown[]
  let held: PromiseWithResolvers<void>

  beforeEach(async () => {
    answers = []
    held = Promise.withResolvers()
    server = createServer((request, response) => {
      const method = request.url?.split('/').at(-1)
      const me = { id: 4711, is_bot: true, first_name: 'C', username: 'cfo_bot' }
      const result = method === 'getMe' ? me : method === 'getUpdates' ? answers.shift() : true
      request.resume()
      // No further answer: the poll is held.
      if (result === undefined) held.resolve()
      else response.end(JSON.stringify({ ok: true, result }))
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
    answers = [[{ update_id: 7, message: { text: 5 } }, good, null, { update_id: 9 }], [good]]
    const door = openDoor()
    const running = start(door, { apiRoot: root() })
    await held.promise
    await running.stop()
    expect(door.received.map((message) => message.text)).toEqual(['good', 'good'])
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
