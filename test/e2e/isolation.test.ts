// Isolation, through the binary: bots, people, groups and slow runs that must not touch each other.

import { expect } from 'vitest'
import { troupe } from '../support/gateway-process.ts'
import {
  addBot,
  answered,
  answeredIn,
  answers,
  answersIn,
  ask,
  eventually,
  jsonOf,
  modelAgents,
  openModel,
  openTelegram,
  post,
  run,
  scenario,
  SOON_MS,
  started,
  statusOf,
  telegram,
} from '../support/scenario.ts'
import { sharedGateway } from '../support/shared-gateway.ts'
import { watch } from '../support/watching.ts'

scenario(
  'S07 the same person on bot A and bot B, before and after a restart: B’s agent sees nothing of A',
  async () => {
    const [api, model] = [await openTelegram(), await openModel()]
    model.always(({ messages }) => `seen: ${messages.map(({ content }) => content).join(' | ')}`)
    const [a, b] = [addBot(api, 'a'), addBot(api, 'b')]
    const { folder, gateway } = await run({
      agents: modelAgents(model, ['cfo', 'ops']),
      channels: { tg_a: telegram(api, a), tg_b: telegram(api, b, { agent: 'ops' }) },
    })
    const anna = api.person({ username: 'anna' })
    expect(await ask(a, anna, 'the secret of A')).toBe('seen: You are cfo. | the secret of A')
    expect(await ask(b, anna, 'the first of B')).toBe('seen: You are ops. | the first of B')
    await gateway.stop()
    await started(folder)
    expect(await ask(b, anna, 'the second of B')).toBe(
      'seen: You are ops. | the first of B | seen: You are ops. | the first of B | the second of B',
    )
    const again = await ask(a, anna, 'more of A')
    expect(again).toContain('the secret of A')
    expect(again).not.toContain('of B')
  },
)

scenario('S07 message id 5 in A and message id 5 in B are two messages', async () => {
  const api = await openTelegram()
  const [a, b] = [addBot(api, 'a'), addBot(api, 'b')]
  await run({ channels: { tg_a: telegram(api, a), tg_b: telegram(api, b) } })
  const anna = api.person()
  const [toA, toB] = [anna.says(a, 'to A'), anna.says(b, 'to B')]
  expect(toA.messageId, 'each bot counts by itself').toBe(toB.messageId)
  expect(await answered(a, anna, 1)).toEqual(['cfo heard: to A'])
  expect(await answered(b, anna, 1)).toEqual(['cfo heard: to B'])
})

const town = sharedGateway()

town.inTurn(
  'S25 two people in one group are never merged into one text; a stranger’s message reaches no run',
  { channel: { allowed_users: ['@anna', '@berta'], busy_mode: 'collect' } },
  async ({ api, bot, model, gateway }) => {
    const first = model.next()
    model.always(() => 'done')
    const [anna, berta, mallory] = ['anna', 'berta', 'mallory'].map((username) => api.person({ username }))
    if (!anna || !berta || !mallory) throw new Error('there are three')
    const group = bot.group({ members: [anna, berta, mallory] })
    anna.says(group, `@${bot.username} from anna`)
    await first.arrived
    berta.says(group, `@${bot.username} from berta`)
    mallory.says(group, `@${bot.username} from mallory`)
    anna.says(group, `@${bot.username} again anna`)
    await eventually(async () => (await statusOf(gateway)).sessions.queued_messages === 2, gateway)
    await first.respond('done')
    await answeredIn(bot, group.id, 2)
    const texts = model.requests.map(({ messages }) => messages.at(-1)?.content)
    expect(texts).toEqual(['anna: from anna', 'berta: from berta\n\nanna: again anna'])
    expect(JSON.stringify(model.requests)).not.toContain('mallory')
  },
)

town.inTurn('S28 conversation A runs for long: conversation B is answered at once', {}, async ({ api, bot, model }) => {
  const slow = model.next()
  model.always(() => 'quick')
  const [anna, berta] = [api.person(), api.person()]
  anna.says(bot, 'a long one')
  await slow.arrived
  for (let index = 0; index < 5; index += 1) anna.says(bot, `waits ${index}`)
  const before = performance.now()
  expect(await ask(bot, berta, 'a quick one')).toBe('quick')
  expect(performance.now() - before).toBeLessThan(10_000)
  expect(answers(bot, anna)).toEqual([])
  await slow.respond('at last')
  expect(await answered(bot, anna, 6)).toEqual(['at last', ...Array.from({ length: 5 }, () => 'quick')])
})

scenario(
  'S29 the same message twice, also as a new update, also after a restart: one run, one stored message',
  async () => {
    const [api, model] = [await openTelegram(), await openModel()]
    model.always(() => 'once')
    const bot = addBot(api)
    const { folder, gateway } = await run({ agents: modelAgents(model), channels: { tg: telegram(api, bot) } })
    const anna = api.person()
    const { updateId } = anna.says(bot, 'only once')
    await answered(bot, anna, 1)
    bot.redeliver(updateId)
    bot.redeliver(updateId, { asNewUpdate: true })
    await bot.waitFor(() => bot.pendingUpdates === 0, SOON_MS)
    expect(await ask(bot, anna, 'another')).toBe('once')
    await gateway.stop()
    const again = await started(folder)
    bot.redeliver(updateId, { asNewUpdate: true })
    await bot.waitFor(() => bot.pendingUpdates === 0, SOON_MS)
    expect(await ask(bot, anna, 'a third')).toBe('once')
    expect(answers(bot, anna)).toHaveLength(3)
    expect(model.requests).toHaveLength(3)
    const { transcript } = await jsonOf<{ transcript: { role: string; text: string }[] }>(
      await again.request(`/sessions/${encodeURIComponent(`tg/${anna.id}`)}`),
    )
    expect(transcript.filter(({ role }) => role === 'user').map(({ text }) => text)).toEqual([
      'only once',
      'another',
      'a third',
    ])
  },
)

scenario('S29 a web message with the same message_id: said to be a duplicate, and answered once', async () => {
  const { folder, gateway } = await run({ channels: { web: { platform: 'web', agent: 'cfo' } } })
  const watching = await watch(gateway, 'web', 'room')
  const message = { conversation: 'room', text: 'hi', message_id: 'm-1' }
  expect(await jsonOf(await post(gateway, 'web', message))).toEqual({ accepted: true, duplicate: false })
  expect(await jsonOf(await post(gateway, 'web', message))).toEqual({ accepted: true, duplicate: true })
  await watching.answered(1)
  await gateway.stop()
  const again = await started(folder)
  expect(await jsonOf(await post(again, 'web', message))).toEqual({ accepted: true, duplicate: true })
  await jsonOf(await post(again, 'web', { conversation: 'room', text: 'next', message_id: 'm-2' }))
  const later = await watch(again, 'web', 'room')
  expect(await later.answered(2)).toEqual(['cfo heard: hi', 'cfo heard: next'])
  const shown = await troupe(['sessions', 'show', 'web/room', '--json', '--config', `${folder}/gateway.yaml`])
  const { transcript } = JSON.parse(shown.output) as { transcript: { role: string }[] } // as: --json's form
  expect(transcript.filter(({ role }) => role === 'user')).toHaveLength(2)
})

const ONLY_ANNA = { channel: { allowed_users: ['@anna'] } }

town.inTurn(
  'S37 /stop from somebody who may not: no answer, and the run goes on',
  ONLY_ANNA,
  async ({ api, bot, model }) => {
    const anna = api.person({ username: 'anna' })
    const mallory = api.person({ username: 'mallory' })
    const group = bot.group({ members: [anna, mallory] })
    const exchange = model.next()
    anna.says(group, `@${bot.username} work`)
    await exchange.arrived
    mallory.says(group, `/stop@${bot.username}`)
    mallory.says(bot, '/stop')
    await bot.waitFor(() => bot.pendingUpdates === 0, SOON_MS)
    await exchange.respond('done all the same')
    expect(await answeredIn(bot, group.id, 1)).toEqual(['done all the same'])
    expect(answersIn(bot, mallory.id)).toEqual([])
  },
)
