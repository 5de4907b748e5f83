// Delivery, through the binary: what Telegram refuses, forgets or delays, and what people see of it.

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'vitest'
import type { BotHandle } from '../support/bot-api/server.ts'
import { troupe } from '../support/gateway-process.ts'
import {
  addBot,
  answered,
  answers,
  ask,
  eventually,
  jsonOf,
  openTelegram,
  run,
  scenario,
  SOON_MS,
  started,
  statusOf,
  telegram,
  whenDone,
} from '../support/scenario.ts'
import { sharedGateway } from '../support/shared-gateway.ts'

function chatOf(payload: Readonly<Record<string, unknown>>): number {
  return Number(payload['chat_id'])
}

const town = sharedGateway()

const ECHOING = { channel: { agent: 'cfo' } }

/** A gateway of its own. */
async function stage() {
  const api = await openTelegram()
  const bot = addBot(api)
  const { folder, gateway } = await run({ channels: { tg: telegram(api, bot) } })
  return { api, bot, folder, gateway, anna: api.person(), berta: api.person() }
}

/** Sends of this text that reached the server, in order. */
function sends(bot: BotHandle, text: string) {
  return bot.calls.filter(({ method, payload }) => method === 'sendMessage' && String(payload['text']).includes(text))
}

town.scenario(
  'S48 429 in one chat: that chat waits as told, the other is answered meanwhile',
  ECHOING,
  async ({ api, bot }) => {
    const [anna, berta] = [api.person(), api.person()]
    const flood = { kind: 'error', code: 429, description: 'Too Many Requests: retry after 2', retryAfter: 2 } as const
    bot.faults.next('sendMessage', { ...flood, chatId: anna.id })
    anna.says(bot, 'one')
    await bot.waitFor(() => sends(bot, 'one').some(({ status }) => status === 429), SOON_MS)
    expect(await ask(bot, berta, 'two')).toBe('cfo heard: two')
    expect(answers(bot, anna), 'still waiting').toEqual([])
    expect(await answered(bot, anna, 1)).toEqual(['cfo heard: one'])
    const [refused, taken] = sends(bot, 'one')
    expect((taken?.at ?? 0) - (refused?.endedAt ?? 0)).toBeGreaterThanOrEqual(1_950)
    expect(sends(bot, 'one')).toHaveLength(2)
  },
)

town.scenario(
  'S48 5xx, a proxy’s page and cut connections: sent again with a growing wait, and there once',
  ECHOING,
  async ({ api, bot }) => {
    const anna = api.person()
    bot.faults.next('sendMessage', { kind: 'html', code: 502 })
    bot.faults.next('sendMessage', { kind: 'html', code: 503 })
    anna.says(bot, 'one')
    expect(await answered(bot, anna, 1)).toEqual(['cfo heard: one'])
    const [first, second, third] = sends(bot, 'one').map(({ at }) => at)
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(950)
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(1_900)
    bot.faults.next('sendMessage', { kind: 'cut' })
    expect(await ask(bot, anna, 'two')).toBe('cfo heard: two')
    expect(answers(bot, anna)).toEqual(['cfo heard: one', 'cfo heard: two'])
  },
)

scenario('S48 403, the person blocked the bot: a dead letter, no retry, and others are served', async () => {
  const { bot, anna, berta, folder, gateway } = await stage()
  await ask(bot, anna, 'before')
  bot.faults.next('sendMessage', {
    kind: 'error',
    code: 403,
    description: 'Forbidden: bot was blocked by the user',
    chatId: anna.id,
  })
  anna.says(bot, 'unheard')
  const status = await eventually(async () => {
    const now = await statusOf(gateway)
    return now.dead_letters === 1 && now
  }, gateway)
  expect(status.outbox).toBe(0)
  expect(sends(bot, 'unheard')).toHaveLength(1)
  const listed = await troupe(['deadletters', 'list', '--config', `${folder}/gateway.yaml`])
  expect(listed).toMatchObject({ code: 0 })
  expect(listed.output).toMatch(/reply.*403.*blocked/)
  expect(await ask(bot, berta, 'and me?')).toBe('cfo heard: and me?')
  const json = await troupe(['deadletters', 'list', '--json', '--config', `${folder}/gateway.yaml`])
  const { dead_letters } = JSON.parse(json.output) as { dead_letters: { id: number; text: string }[] } // as: --json's form
  expect(dead_letters.map(({ text }) => text)).toEqual(['cfo heard: unheard'])
  const retried = await troupe(['deadletters', 'retry', `${dead_letters[0]?.id}`, '--config', `${folder}/gateway.yaml`])
  expect(retried.code).toBe(0)
  await bot.waitFor(() => answers(bot, anna).includes('cfo heard: unheard'), SOON_MS)
  expect((await statusOf(gateway)).dead_letters).toBe(0)
})

town.scenario(
  'S48 400 "can’t parse entities": the same text without markup, at once',
  ECHOING,
  async ({ api, bot, channel, gateway }) => {
    const anna = api.person()
    bot.faults.next('sendMessage', {
      kind: 'error',
      code: 400,
      description: "Bad Request: can't parse entities: Unsupported start tag",
    })
    const text = 'a **bold** word'
    const answer = await ask(bot, anna, text)
    expect(answer).toBe(`cfo heard: ${text}`)
    const [marked, plain] = sends(bot, 'word')
    expect([marked?.payload['parse_mode'], plain?.payload['parse_mode']]).toEqual(['HTML', undefined])
    // Not as a send that failed, which would have waited for a second.
    const failed = gateway.errors().split('\n')
    expect(failed.filter((line) => line.includes('a send failed') && line.includes(`"${channel}"`))).toEqual([])
  },
)

scenario(
  'S49 the connection is cut after Telegram took the message: at most one duplicate, never a loop, and its record says so',
  async () => {
    const { bot, anna, folder, gateway } = await stage()
    bot.faults.next('sendMessage', { kind: 'cutAfter' })
    anna.says(bot, 'one')
    await answered(bot, anna, 2)
    expect(answers(bot, anna)).toEqual(['cfo heard: one', 'cfo heard: one'])
    bot.faults.always('sendMessage', { kind: 'cutAfter', chatId: anna.id })
    anna.says(bot, 'two')
    const dead = await eventually(async () => {
      const { dead_letters } = await jsonOf<{ dead_letters: { text: string }[] }>(await gateway.request('/deadletters'))
      return dead_letters.length === 1 && dead_letters
    }, gateway)
    expect(dead.map(({ text }) => text)).toEqual(['cfo heard: two'])
    expect(sends(bot, 'two'), 'one repeat, and no second one').toHaveLength(2)
    bot.faults.clear()
    expect(await ask(bot, anna, 'three')).toBe('cfo heard: three')
    await gateway.stop()
    const store = new DatabaseSync(join(folder, '.troupe', 'troupe.db'), { readOnly: true })
    whenDone(() => store.close())
    const records = store.prepare('SELECT text, uncertain, outcome FROM outbox ORDER BY id').all()
    expect(records.map(({ text, uncertain, outcome }) => [text, uncertain, outcome])).toEqual([
      ['cfo heard: one', 1, 'delivered'],
      ['cfo heard: two', 1, 'dead'],
      ['cfo heard: three', 0, 'delivered'],
    ])
  },
)

town.scenario(
  'S50 replies over 4,096 units: split at paragraphs, code reopened, in order, nothing lost',
  {},
  async ({ api, bot, model }) => {
    const anna = api.person()
    const paragraphs = Array.from({ length: 60 }, (_, index) => `P${index} ${'lorem ipsum dolor '.repeat(12)}sit.`)
    const code = Array.from({ length: 200 }, (_, index) => `const value_${index} = ${index} * ${index}`)
    for (const [text, words] of [
      [paragraphs.join('\n\n'), paragraphs],
      [`Here it is:\n\n\`\`\`ts\n${code.join('\n')}\n\`\`\`\n\nThat was it.`, code],
    ] as const) {
      const before = answers(bot, anna).length
      model.always(() => text)
      anna.says(bot, 'at length')
      const last = words.at(-1) ?? ''
      await bot.waitFor(() => answers(bot, anna).slice(before).join('\n').includes(last), SOON_MS)
      const parts = bot
        .shown(anna.id)
        .filter(({ from }) => from.isBot)
        .slice(before)
      expect(parts.length).toBeGreaterThan(1)
      for (const part of parts) expect(part.text.length).toBeLessThanOrEqual(4_096)
      const shown = parts.map((part) => part.text).join('\n')
      expect(
        words.filter((word) => !shown.includes(word)),
        'nothing is cut in the middle or lost',
      ).toEqual([])
      expect(words.map((word) => shown.indexOf(word))).toEqual(
        words.map((word) => shown.indexOf(word)).toSorted((a, b) => a - b),
      )
      if (words === code) {
        const inCode = parts.filter((part) => part.text.includes('const value_'))
        expect(inCode.length).toBeGreaterThan(1)
        for (const part of inCode)
          expect(
            part.entities.map(({ type }) => type),
            'the fence is open again',
          ).toContain('pre')
      }
    }
  },
)

town.scenario('S50 broken and half-open markdown loses no text', ECHOING, async ({ api, bot }) => {
  const anna = api.person()
  for (const text of [
    '*half _open `code',
    '```\nnever closed',
    '[link](http://',
    '<b>not html</i> & co',
    '**',
    '# \\_',
  ]) {
    const answer = await ask(bot, anna, text)
    const letters = (string: string) => string.replace(/[^\p{L}\p{N}]/gu, '')
    expect(letters(answer)).toContain(letters(text))
  }
})

scenario('S51 a send that never returns: its session is free, other conversations are served', async () => {
  const { bot, anna, berta, gateway } = await stage()
  bot.faults.next('sendMessage', { kind: 'hang', chatId: anna.id })
  anna.says(bot, 'into the void')
  await bot.waitFor(() => sends(bot, 'into the void').length === 1, SOON_MS)
  await eventually(async () => {
    const { sessions, outbox } = await statusOf(gateway)
    return sessions.running === 0 && sessions.pending === 0 && outbox === 1
  }, gateway)
  expect(await ask(bot, berta, 'hello')).toBe('cfo heard: hello')
  const typing = () =>
    bot.calls.filter(({ method, payload }) => method === 'sendChatAction' && chatOf(payload) === anna.id).length
  expect(typing()).toBeGreaterThan(0)
  const before = typing()
  await new Promise((resolve) => setTimeout(resolve, 4_500))
  expect(typing(), 'typing has stopped: it would be renewed after four seconds').toBe(before)
})

town.scenario(
  'S52 streaming: whatever drafts failed, the final text is there once',
  {},
  async ({ api, bot, model }) => {
    const anna = api.person()
    bot.faults.always('sendMessageDraft', { kind: 'error', code: 502, description: 'Bad Gateway' })
    const exchange = model.next()
    anna.says(bot, 'slowly')
    for (const word of ['one ', 'two ', 'three']) {
      await exchange.chunk(word)
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
    await exchange.end()
    expect(await answered(bot, anna, 1)).toEqual(['one two three'])
    expect(bot.calls.some(({ method }) => method === 'sendMessageDraft')).toBe(true)
    expect(answers(bot, anna)).toHaveLength(1)
  },
)

scenario('D1 what is owed is delivered after a restart, in order', async () => {
  const { bot, anna, folder, gateway } = await stage()
  bot.faults.always('sendMessage', { kind: 'error', code: 500, description: 'Internal Server Error' })
  for (const text of ['one', 'two', 'three']) anna.says(bot, text)
  await eventually(async () => (await statusOf(gateway)).outbox === 3, gateway)
  await gateway.kill9()
  bot.faults.clear()
  await started(folder)
  expect(await answered(bot, anna, 3)).toEqual(['one', 'two', 'three'].map((text) => `cfo heard: ${text}`))
})
