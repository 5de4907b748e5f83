// Turns, through the binary: what happens to messages that come while a session is pending or running.

import { expect } from 'vitest'
import {
  addBot,
  answered,
  answers,
  ask,
  ECHO,
  eventually,
  jsonOf,
  modelAgents,
  openModel,
  openTelegram,
  post,
  run,
  scenario,
  SOON_MS,
  statusOf,
  telegram,
} from '../support/scenario.ts'
import { type Place, sharedGateway } from '../support/shared-gateway.ts'
import { watch } from '../support/watching.ts'

const town = sharedGateway()

/** Anna, and a first turn of hers that is held at the model. */
async function busy({ api, model, bot, gateway }: Place) {
  model.always(({ messages }) => `re: ${messages.at(-1)?.content}`)
  const anna = api.person({ username: 'anna' })
  const first = model.next()
  anna.says(bot, 'M1')
  await first.arrived
  const queued = (count: number) =>
    eventually(async () => (await statusOf(gateway)).sessions.queued_messages === count, gateway)
  const asked = () => model.requests.map(({ messages }) => messages.at(-1)?.content)
  return { anna, first, queued, asked }
}

const INTERRUPT = { channel: { busy_mode: 'interrupt' } }

const oneSlot = sharedGateway({ concurrent_runs: 1 })

for (const mode of ['queue', 'collect'] as const) {
  oneSlot.inTurn(
    `S17 ten messages in pending (${mode}): none lost, order kept, ${mode === 'queue' ? 'each its own turn' : 'one turn'}`,
    { channel: { busy_mode: mode } },
    async ({ api, model, bot, gateway }) => {
      const holding = model.next()
      model.always(({ messages }) => `re: ${messages.at(-1)?.content}`)
      const [anna, berta] = [api.person(), api.person()]
      berta.says(bot, 'holds the only slot')
      await holding.arrived
      const texts = Array.from({ length: 10 }, (_, index) => `M${index}`)
      for (const text of texts) anna.says(bot, text)
      await eventually(async () => (await statusOf(gateway)).sessions.queued_messages === 10, gateway)
      expect((await statusOf(gateway)).sessions).toMatchObject({ pending: 1, running: 1 })
      await holding.respond('done')
      const turns = mode === 'queue' ? texts : [texts.join('\n\n')]
      expect(await answered(bot, anna, turns.length)).toEqual(turns.map((text) => `re: ${text}`))
    },
  )
}

scenario(
  'S18 concurrent_runs reached: the next waits in pending, says so, and starts when a slot is free; first come, first served',
  async () => {
    const [api, model] = [await openTelegram(), await openModel()]
    const bot = addBot(api)
    const { gateway } = await run({
      gateway: { concurrent_runs: 2 },
      agents: modelAgents(model),
      channels: { tg: telegram(api, bot) },
    })
    const people = Array.from({ length: 5 }, () => api.person())
    const exchanges = people.map(() => model.next())
    for (const [index, person] of people.entries()) {
      person.says(bot, `P${index}`)
      const [pending, running] = [Math.max(0, index - 1), Math.min(2, index + 1)]
      await eventually(async () => {
        const { sessions } = await statusOf(gateway)
        return sessions.pending === pending && sessions.running === running
      }, gateway)
    }
    const last = people.at(-1)
    const first = people[0]
    if (last === undefined || first === undefined) throw new Error('there are five')
    expect(await ask(bot, last, '/status')).toContain('State: pending')
    expect(await ask(bot, first, '/status')).toContain('State: running')
    for (const [index, exchange] of exchanges.entries()) {
      const request = await exchange.arrived
      expect(request.messages.at(-1)?.content).toBe(`P${index}`)
      expect((await statusOf(gateway)).sessions.running).toBeLessThanOrEqual(2)
      await exchange.respond(`done ${index}`)
    }
    for (const [index, person] of people.entries()) {
      await bot.waitFor(() => answers(bot, person).includes(`done ${index}`), SOON_MS)
    }
  },
)

town.inTurn('S19 queue: M2 to M5 fast are four further turns, in order, not glued together', {}, async (place) => {
  const { bot } = place
  const { anna, first, queued, asked } = await busy(place)
  for (const text of ['M2', 'M3', 'M4', 'M5']) anna.says(bot, text)
  await queued(4)
  await first.respond('re: M1')
  expect(await answered(bot, anna, 5)).toEqual(['re: M1', 're: M2', 're: M3', 're: M4', 're: M5'])
  expect(asked()).toEqual(['M1', 'M2', 'M3', 'M4', 'M5'])
})

town.inTurn(
  'S20 interrupt: the model request is closed, the others are answered in order, nothing of the old answer is delivered',
  INTERRUPT,
  async (place) => {
    const { bot, model } = place
    const { anna, first } = await busy(place)
    await first.chunk('something of the old ans')
    const second = model.next()
    anna.says(bot, 'M2')
    await first.closedByClient
    await second.arrived
    anna.says(bot, 'M3')
    await second.closedByClient
    const [answer] = await answered(bot, anna, 1)
    expect(answer).toMatch(/M3$/)
    expect(answer).not.toContain('old ans')
    expect(model.requests.map(({ messages }) => messages.at(-1)?.content.split('\n\n').at(-1))).toEqual([
      'M1',
      'M2',
      'M3',
    ])
    expect(answers(bot, anna)).toHaveLength(1)
  },
)

town.inTurn('S21 M2 in the last moment of a run, or while its reply is being sent: answered', {}, async (place) => {
  const { bot, model } = place
  const { anna, first } = await busy(place)
  await first.chunk('almost')
  const ends = first.end()
  anna.says(bot, 'M2')
  await ends
  expect(await answered(bot, anna, 2)).toEqual(['almost', 're: M2'])
  const held = model.next()
  bot.faults.next('sendMessage', { kind: 'delay', ms: 400 })
  anna.says(bot, 'M3')
  await held.respond('re: M3')
  await bot.waitFor(() =>
    bot.calls.some(
      ({ method, payload, status }) => method === 'sendMessage' && payload['text'] === 're: M3' && status === null,
    ),
  )
  anna.says(bot, 'M4')
  expect(await answered(bot, anna, 4)).toEqual(['almost', 're: M2', 're: M3', 're: M4'])
})

const PAUSELESS = { channel: { queue_limit: 500 }, agent: () => ({ model: { provider: 'echo', delay: '3ms' } }) }

town.inTurn(
  'S22 messages without a pause around the ends of runs: each is answered once, in order',
  PAUSELESS,
  async ({ api, bot, agent }) => {
    const anna = api.person()
    const texts = Array.from({ length: 60 }, (_, index) => `n${index}`)
    for (const text of texts) {
      anna.says(bot, text)
      await new Promise((resolve) => setTimeout(resolve, 4))
    }
    expect(await answered(bot, anna, texts.length)).toEqual(texts.map((text) => `${agent} heard: ${text}`))
  },
)

const SEEING = { agent: () => ({ vision: 'always' }) }

town.inTurn(
  'S24 an album whose parts come late, and a text that the client split, are one message each',
  SEEING,
  async ({ api, model, bot }) => {
    model.always(() => 'seen')
    const [anna, berta] = [api.person(), api.person()]
    const album = anna.sendsAlbum(bot, 3, 'look at these', { gapMs: 300 })
    const long = `${'word '.repeat(1_200)}end`
    berta.pastes(bot, long)
    await album.sent
    expect(await answered(bot, anna, 1)).toEqual(['seen'])
    await answered(bot, berta, 1)
    expect(model.requests).toHaveLength(2)
    const texts = model.requests.map(({ messages }) => messages.at(-1)?.content)
    expect(texts).toContain('look at these\n[picture]\n[picture]\n[picture]')
    expect(model.requests.flatMap(({ messages }) => messages.at(-1)?.images ?? [])).toHaveLength(3)
    expect(texts).toContain(long)
  },
)

town.inTurn('S24 a photo burst during a run: one later turn, no interrupt', INTERRUPT, async (place) => {
  const { bot } = place
  const { anna, first, asked } = await busy(place)
  await anna.sendsAlbum(bot, 3, 'my holiday').sent
  await bot.waitFor(() => bot.pendingUpdates === 0, SOON_MS)
  await first.respond('re: M1')
  expect((await answered(bot, anna, 3)).map((text) => text.slice(0, 40))).toEqual([
    're: M1',
    'The picture could not be read: this agen',
    're: my holiday\n[picture, could not be re',
  ])
  expect(asked()).toHaveLength(2)
})

const THREE_WAIT = { channel: { queue_limit: 3 } }

town.inTurn(
  'S26 the queue is full: the sender is told that it was not kept; what was kept is answered',
  THREE_WAIT,
  async (place) => {
    const { bot, gateway } = place
    const { anna, first, queued } = await busy(place)
    for (const text of ['M2', 'M3', 'M4', 'M5', 'M6']) anna.says(bot, text)
    await queued(3)
    const refusals = await answered(bot, anna, 2)
    for (const refusal of refusals) expect(refusal).toContain('not kept')
    await first.respond('re: M1')
    expect((await answered(bot, anna, 6)).slice(2)).toEqual(['re: M1', 're: M2', 're: M3', 're: M4'])
    const { dead_letters } = await jsonOf<{ dead_letters: { text: string }[] }>(await gateway.request('/deadletters'))
    expect(dead_letters.map(({ text }) => text).toSorted()).toEqual(['M5', 'M6'])
  },
)

scenario('S27 2,000 waiting messages: all run', async () => {
  const { gateway } = await run({
    agents: ECHO,
    channels: { web: { platform: 'web', agent: 'cfo', queue_limit: 5_000 } },
  })
  const watching = await watch(gateway, 'web', 'room')
  for (let batch = 0; batch < 20; batch += 1) {
    await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        post(gateway, 'web', { conversation: 'room', text: `${batch * 100 + index}`, message_id: `${batch}-${index}` }),
      ),
    )
  }
  const heard = await watching.answered(2_000, 100_000)
  expect(new Set(heard).size).toBe(2_000)
  expect((await statusOf(gateway)).sessions).toMatchObject({ running: 0, queued_messages: 0 })
})

town.inTurn(
  'S30 S31 /help, /status and /whoami during a run are answered at once, the run untouched; no command reaches the model',
  {},
  async (place) => {
    const { bot } = place
    const { anna, first, asked } = await busy(place)
    anna.says(bot, '/frobnicate now')
    for (const command of ['/help', '/status', '/whoami']) anna.says(bot, command)
    const [unknown, help, status, whoami] = await answered(bot, anna, 4)
    expect(unknown).toContain('/frobnicate')
    expect(help).toMatch(/\/stop/)
    expect(status).toContain('running')
    expect(whoami).toContain(String(anna.id))
    await first.respond('re: M1')
    await answered(bot, anna, 5)
    anna.says(bot, '/queue /stop')
    anna.says(bot, 'M2')
    await bot.waitFor(() => answers(bot, anna).includes('re: M2'), SOON_MS)
    expect(asked()).toEqual(['M1', 'M2'])
  },
)
