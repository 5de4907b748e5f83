// The Telegram adapter under the suite that every adapter must pass, and the catalogue that loads it.

import { describe, expect, test } from 'vitest'
import { platforms } from '../../src/channels/catalog.ts'
import { createTelegramAdapter } from '../../src/channels/telegram.ts'
import { startBotApi } from '../support/bot-api/server.ts'
import { type AdapterHarness, brokenAdapter, failingChecks } from './contract.ts'
import { describeAdapter } from './describe-adapter.ts'
import { TOKEN, telegramParts } from './telegram-support.ts'

describeAdapter('telegram', openTelegram)

test('the suite catches an adapter that loses messages and sends nothing', async () => {
  const failing = await failingChecks(async () => {
    const harness = await openTelegram()
    return { ...harness, build: () => brokenAdapter(harness.build()) }
  })
  expect(failing).toEqual(
    expect.arrayContaining([
      'S46 a message that could not be kept is not lost: it is offered again, or its writer is told',
      'a sent reply is shown, and its receipt is new each time',
      'S50 a long reply loses nothing, in however many parts',
    ]),
  )
})

describe('the catalogue', () => {
  test('knows its platforms by name and loads Telegram when it is asked', async () => {
    expect(Object.entries(platforms).map(([key, platform]) => [key, platform.name, platform.journaled])).toEqual([
      ['telegram', 'telegram', false],
      ['web', 'web', true],
      ['module', 'module', false],
      ['openai', 'openai', false],
    ])
    expect(await platforms.telegram?.load()).toBe(createTelegramAdapter)
  })
})

async function openTelegram(): Promise<AdapterHarness> {
  const api = await startBotApi()
  const bot = api.addBot({ token: TOKEN, username: 'cfo_bot' })
  const anna = api.person()
  const written = new Map<string, number>()
  // A person speaks first on Telegram; this message is confirmed before a check begins.
  anna.says(bot, '/start', { updateId: 1 })
  await fetch(`${api.url}/bot${TOKEN}/getUpdates?offset=2`)
  return {
    conversation: String(anna.id),
    build: () => createTelegramAdapter(telegramParts({ apiRoot: api.url }).parts),
    async write(text, id) {
      const known = written.get(id)
      if (known === undefined) written.set(id, anna.says(bot, text).updateId)
      else bot.redeliver(known, { asNewUpdate: true })
      return 'held'
    },
    async shown() {
      return bot
        .shown(anna.id)
        .filter((message) => message.from.isBot)
        .map((message) => message.text)
    },
    close: () => api.close(),
  }
}
