// The Bot API server's groups: membership, privacy mode, topics.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Call, plainClient } from './bot-api/client.ts'
import { type BotApiServer, type BotHandle, type Group, type Person, startBotApi } from './bot-api/server.ts'

let api: BotApiServer
let alpha: BotHandle
let beta: BotHandle
let anna: Person
let group: Group
let call: Call

beforeEach(async () => {
  api = await startBotApi()
  alpha = api.addBot({ token: '100:alpha', username: 'alpha_bot' })
  beta = api.addBot({ token: '200:beta', username: 'beta_bot' })
  anna = api.person({ id: 7, username: 'anna' })
  group = api.group({ title: 'Team', members: [anna], bots: [alpha, beta] })
  call = plainClient(api.url, alpha.token)
})

afterEach(() => api.close())

describe('privacy mode', () => {
  const reached = (text: string, replyTo?: number): string[] => {
    const said = group.says(anna, text, replyTo === undefined ? {} : { replyTo })
    return [...said.updateIds.keys()]
  }

  test('shows a bot what is meant for it, and nothing else', async () => {
    expect(reached('just talk')).toEqual([])
    expect(reached('/status@beta_bot now')).toEqual(['beta_bot'])
    expect(reached('hey @Alpha_Bot, look')).toEqual(['alpha_bot'])
    expect(reached('mail to x@alpha_bot')).toEqual([])
    expect(reached('/status')).toEqual(['alpha_bot', 'beta_bot'])
    const answer = (await call('sendMessage', { chat_id: group.id, text: 'from alpha' })).result as {
      message_id: number
    }
    expect(reached('/status')).toEqual(['alpha_bot'])
    expect(reached('thanks', answer.message_id)).toEqual(['alpha_bot'])
  })

  test('turned off, shows everything but other bots', async () => {
    const gamma = api.addBot({ token: '300:gamma', username: 'gamma_bot', canReadAllGroupMessages: true })
    group.addBot(gamma)
    expect(reached('just talk')).toEqual(['gamma_bot'])
    const before = gamma.pendingUpdates
    await call('sendMessage', { chat_id: group.id, text: 'from a bot @gamma_bot' })
    expect(gamma.pendingUpdates).toBe(before)
  })
})

describe('membership', () => {
  test('a bot learns that it was added and kicked, and is refused afterwards', async () => {
    group.kicks(alpha)
    const updates = (await call('getUpdates')).result
    expect(updates).toMatchObject([
      {
        my_chat_member: {
          chat: { id: group.id, type: 'supergroup', title: 'Team' },
          new_chat_member: { status: 'member' },
        },
      },
      { my_chat_member: { old_chat_member: { status: 'member' }, new_chat_member: { status: 'kicked' } } },
    ])
    const refused = { ok: false, error_code: 403, description: 'Forbidden: bot was kicked from the supergroup chat' }
    expect(await call('sendMessage', { chat_id: group.id, text: 'x' })).toEqual(refused)
    expect(await call('getChat', { chat_id: group.id })).toEqual(refused)
    expect(group.says(anna, 'x @alpha_bot').updateIds.size).toBe(0)
  })

  test('a bot leaves, asks who is there, and does not know other groups', async () => {
    const ask = async (user_id: number) => (await call('getChatMember', { chat_id: group.id, user_id })).result
    expect(await ask(7)).toMatchObject({ status: 'member', user: { username: 'anna' } })
    expect(await ask(200)).toMatchObject({ status: 'member', user: { is_bot: true } })
    expect(await ask(api.person().id)).toMatchObject({ status: 'left' })
    expect(await call('getChatMember', { chat_id: group.id })).toMatchObject({
      description: 'Bad Request: invalid user_id specified',
    })
    expect((await call('getChat', { chat_id: group.id })).result).toMatchObject({ title: 'Team', type: 'supergroup' })
    expect((await call('leaveChat', { chat_id: group.id })).result).toBe(true)
    expect(await call('sendMessage', { chat_id: group.id, text: 'x' })).toMatchObject({
      description: 'Forbidden: bot is not a member of the supergroup chat',
    })
    const other = api.group({ basic: true, bots: [beta] })
    expect(await call('sendMessage', { chat_id: other.id, text: 'x' })).toMatchObject({ error_code: 400 })
  })
})

describe('topics', () => {
  test('a forum keeps its topics apart; General is the one without a thread', async () => {
    const forum = api.group({ forum: true, members: [anna], bots: [alpha] })
    const topicId = forum.topic('Money')
    const send = (payload: object) => call('sendMessage', { chat_id: forum.id, text: 'x', ...payload })
    expect((await send({ message_thread_id: topicId })).result).toMatchObject({
      message_thread_id: topicId,
      is_topic_message: true,
      chat: { is_forum: true },
      reply_to_message: { forum_topic_created: { name: 'Money' } },
    })
    expect((await send({})).result).not.toHaveProperty('message_thread_id')
    for (const message_thread_id of [999, 1]) {
      expect(await send({ message_thread_id })).toMatchObject({
        error_code: 400,
        description: 'Bad Request: message thread not found',
      })
    }
    const action = { chat_id: forum.id, action: 'typing', message_thread_id: 1 }
    expect((await call('sendChatAction', action)).ok).toBe(true)
    forum.says(anna, 'in the topic @alpha_bot', { topicId })
    expect(alpha.shown(forum.id, topicId).map((message) => message.text)).toEqual(['x', 'in the topic @alpha_bot'])
    expect(forum.shown(1)).toHaveLength(1)
    expect(forum.shown().map((message) => message.replyTo)).toEqual([undefined, undefined, undefined])
  })

  test('a private chat has none; a group without topics ignores the parameter', async () => {
    anna.says(alpha, 'hi')
    expect(await call('sendMessage', { chat_id: 7, text: 'x', message_thread_id: 5 })).toMatchObject({
      description: 'Bad Request: message thread not found',
    })
    expect((await call('sendMessage', { chat_id: group.id, text: 'x', message_thread_id: 5 })).ok).toBe(true)
  })
})
