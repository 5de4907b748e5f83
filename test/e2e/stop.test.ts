// Stop, through the binary: what a person's word ends, what it leaves, and that nothing of the old run comes after it.

import { expect } from 'vitest'
import {
  addBot,
  answered,
  answers,
  ask,
  eventually,
  modelAgents,
  openModel,
  openTelegram,
  run,
  scenario,
  SOON_MS,
  started,
  statusOf,
  telegram,
} from '../support/scenario.ts'
import { sharedGateway } from '../support/shared-gateway.ts'

/** A gateway of its own. */
async function stage(gatewayKeys: Record<string, unknown>) {
  const [api, model] = [await openTelegram(), await openModel()]
  const bot = addBot(api)
  const { folder, gateway } = await run({
    gateway: gatewayKeys,
    agents: modelAgents(model),
    channels: { tg: telegram(api, bot) },
  })
  return { api, model, bot, folder, gateway, anna: api.person({ username: 'anna' }) }
}

const texts = (request: { messages: readonly { role: string; content: string }[] }) =>
  request.messages.filter(({ role }) => role !== 'system').map(({ content }) => content)

scenario('S16 /stop in pending: confirmed, and no model request is ever made', async () => {
  const { api, model, bot, gateway, anna } = await stage({ concurrent_runs: 1 })
  const holding = model.next()
  const berta = api.person()
  berta.says(bot, 'holds the slot')
  await holding.arrived
  anna.says(bot, 'never mind')
  await eventually(async () => (await statusOf(gateway)).sessions.pending === 1, gateway)
  expect(await ask(bot, anna, '/stop')).toContain('Stopped')
  await holding.respond('done')
  await answered(bot, berta, 1)
  await eventually(async () => (await statusOf(gateway)).sessions.running === 0, gateway)
  expect(model.requests).toHaveLength(1)
  expect(answers(bot, anna)).toHaveLength(1)
})

scenario('S16 a shutdown in pending: the message is there after the restart', async () => {
  const { api, model, bot, folder, gateway, anna } = await stage({ concurrent_runs: 1, drain: '200ms' })
  const holding = model.next()
  const berta = api.person()
  berta.says(bot, 'holds the slot')
  await holding.arrived
  anna.says(bot, 'do not forget me')
  await eventually(async () => (await statusOf(gateway)).sessions.pending === 1, gateway)
  expect((await gateway.stop()).code).toBe(0)
  await holding.closedByClient
  model.always(({ messages }) => `re: ${messages.at(-1)?.content}`)
  await started(folder)
  expect(await answered(bot, anna, 1)).toEqual(['re: do not forget me'])
  expect(await answered(bot, berta, 1)).toEqual(['re: holds the slot'])
})

const town = sharedGateway()

town.inTurn(
  'S32 S33 S38 /stop during a hung run: confirmed at once, its request closed, what waits counted; then the next is answered',
  {},
  async ({ api, model, bot, gateway }) => {
    const anna = api.person({ username: 'anna' })
    const hung = model.next()
    anna.says(bot, 'M1')
    await hung.arrived
    await hung.chunk('half an ans')
    for (const text of ['M2', 'M3']) anna.says(bot, text)
    await eventually(async () => (await statusOf(gateway)).sessions.queued_messages === 2, gateway)
    const before = performance.now()
    expect(await ask(bot, anna, '/stop')).toMatch(/^Stopped\. 2 waiting messages were discarded/)
    expect(performance.now() - before).toBeLessThan(10_000)
    await hung.closedByClient
    await hung.chunk('wer, too late')
    await hung.end()
    expect(model.requests, 'S38: no request after the confirmation').toHaveLength(1)
    const next = model.next()
    anna.says(bot, 'M4')
    const request = await next.arrived
    // What Anna had seen of the answer is part of the history; nothing that came after the confirmation is.
    expect(request.messages.slice(1).map(({ content }) => content)).toEqual(['M1', 'half an ans', 'M4'])
    await next.respond('re: M4')
    const all = await answered(bot, anna, 2)
    expect(all.slice(1)).toEqual(['re: M4'])
    expect(model.requests).toHaveLength(2)
  },
)

town.inTurn(
  'S34 /new during a run and M2 while it works: the answer to /new first, then M2 in an empty history',
  {},
  async ({ api, model, bot }) => {
    const anna = api.person({ username: 'anna' })
    const [first, second] = [model.next(), model.next()]
    anna.says(bot, 'M1')
    await first.arrived
    anna.says(bot, '/new')
    anna.says(bot, 'M2')
    await first.closedByClient
    expect(texts(await second.arrived)).toEqual(['M2'])
    await second.respond('re: M2')
    const [fresh, answer] = await answered(bot, anna, 2)
    expect(fresh).toMatch(/start|empty|fresh/i)
    expect(answer).toBe('re: M2')
  },
)

town.inTurn(
  'S35 a run fails in the moment of /stop or /new: the session is free and the next message answered',
  {},
  async ({ api, model, bot }) => {
    const anna = api.person({ username: 'anna' })
    for (const command of ['/stop', '/new']) {
      const failing = model.next()
      anna.says(bot, `before ${command}`)
      await failing.arrived
      anna.says(bot, command)
      await failing.fail({ status: 400 })
      const next = model.next()
      anna.says(bot, `after ${command}`)
      await next.respond(`fine after ${command}`)
      await bot.waitFor(() => answers(bot, anna).includes(`fine after ${command}`), SOON_MS)
    }
  },
)

town.inTurn('S37 /stop twice, and /stop with nothing running', {}, async ({ api, model, bot }) => {
  const anna = api.person({ username: 'anna' })
  expect(await ask(bot, anna, '/stop')).toMatch(/nothing to stop/i)
  const hung = model.next()
  anna.says(bot, 'M1')
  await hung.arrived
  anna.says(bot, '/stop')
  anna.says(bot, '/stop')
  const all = await answered(bot, anna, 3)
  expect(all[1]).toContain('Stopped')
  expect(all[2]).toMatch(/nothing to stop/i)
})

town.inTurn(
  'S36 an old run unwinds after a newer one started: the newer one stays',
  {},
  async ({ api, model, bot }) => {
    const anna = api.person({ username: 'anna' })
    const [old, newer] = [model.next(), model.next()]
    anna.says(bot, 'old')
    await old.arrived
    anna.says(bot, '/stop')
    anna.says(bot, 'newer')
    await newer.arrived
    await old.respond('the old answer, late')
    await newer.respond('the newer answer')
    const all = await answered(bot, anna, 2)
    expect(all).toEqual([expect.stringContaining('Stopped'), 'the newer answer'])
  },
)
