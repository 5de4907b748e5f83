// Agents, through the binary: another model answers when one is away, instructions come from a file, what was used is told, a budget
// ends, a history that would not fit is summarised.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { readExposition, valueOf } from '../support/exposition.ts'
import { troupe } from '../support/gateway-process.ts'
import {
  addBot,
  answers,
  ask,
  jsonOf,
  modelAgents,
  openModel,
  openTelegram,
  scenario,
  SOON_MS,
  started,
  telegram,
  temporaryFolder,
  textOf,
  writeFile,
} from '../support/scenario.ts'

scenario(
  'S10 fallback_models, instructions, prices: the spare answers as the agent, and it is said what that took',
  async () => {
    const [api, away, spare] = [await openTelegram(), await openModel(), await openModel()]
    away.always(() => ({ fail: { status: 503 } }))
    spare.always(() => 'I stand in.')
    const bot = addBot(api)
    const anna = api.person({ username: 'anna' })
    const folder = temporaryFolder()
    const model = { provider: 'openai-compatible', name: 'main', base_url: away.baseUrl }
    const prices = { input_per_million: 1_000_000, output_per_million: 0 }
    writeFileSync(join(folder, 'cfo.md'), 'You answer questions about money.')
    const file = writeFile(folder, {
      agents: {
        cfo: {
          instructions: { file: './cfo.md' },
          model,
          fallback_models: [{ ...model, name: 'spare', base_url: spare.baseUrl, prices }],
        },
      },
      channels: { tg: telegram(api, bot) },
    })
    const gateway = await started(folder)
    expect(await ask(bot, anna, 'are you there?')).toBe('I stand in.')
    expect([away.requests.length, spare.requests.map(({ messages }) => messages[0])]).toEqual([
      1,
      [{ role: 'system', content: 'You answer questions about money.' }],
    ])
    expect(await ask(bot, anna, '/status')).toContain('Used today: 18 tokens (11 in, 7 out) in 1 run, cost 11.00')

    const { agents } = await jsonOf<{ agents: unknown }>(await gateway.request('/usage'))
    expect(agents).toMatchObject([{ agent: 'cfo', today: { runs: 1, input_tokens: 11, output_tokens: 7, cost: 11 } }])
    // Stopped in the middle: what was told of the conversation before and what has come since are known, and the rest is estimated.
    const held = spare.next()
    anna.says(bot, 'tell me a story')
    await held.chunk('Once upon a time, in a forest.')
    await bot.waitFor(() => bot.draft(anna.id)?.text.includes('forest'), SOON_MS)
    expect(await ask(bot, anna, '/stop')).toBe('Stopped.')
    expect(await ask(bot, anna, '/status')).toContain(
      'Used today: 55 tokens (38 in, 17 out; 37 estimated) in 1 run, cost 38.00',
    )
    const all = {
      ...{ runs: 1, input_tokens: 38, output_tokens: 17, cost: 38 },
      estimated: { input_tokens: 27, output_tokens: 10, cost: 27 },
    }
    const view = await jsonOf<{ users: unknown }>(await gateway.request('/usage'))
    expect(view.users).toMatchObject([{ agent: 'cfo', user: `tg/${anna.id}`, today: all, last_30_days: all }])
    const samples = readExposition(await textOf(gateway, '/metrics'))
    for (const [direction, estimated] of [
      ['input', 27],
      ['output', 10],
    ] as const)
      expect(valueOf(samples, 'troupe_tokens_estimated_total', { agent: 'cfo', direction })).toBe(estimated)
    const key = `tg/${anna.id}`
    const shown = JSON.parse((await troupe(['sessions', 'show', key, '--json', '--config', file])).output)
    expect(shown.transcript.slice(1)).toMatchObject([
      { role: 'assistant', text: 'I stand in.', model: 'openai-compatible:spare' },
      { role: 'user', text: 'tell me a story' },
      {
        role: 'partial',
        model: 'openai-compatible:spare',
        spent: { inputTokens: 27, estimated: { outputTokens: 10 } },
      },
    ])
    expect(shown.usage.today).toMatchObject(all)
  },
)

scenario(
  'S10 context, compact_at, budget: a summary before the turn that needs it, and a plain word when the day is used up',
  async () => {
    const [api, model] = [await openTelegram(), await openModel()]
    model.always(({ messages }) =>
      messages.at(-1)?.content.startsWith('Summarise') === true ? 'We spoke of much.' : 'Noted.',
    )
    const bot = addBot(api)
    const anna = api.person({ username: 'anna' })
    const folder = temporaryFolder()
    const { cfo } = modelAgents(model)
    writeFile(folder, {
      agents: {
        cfo: {
          ...cfo,
          model: { ...cfo?.model, context: 1_000 },
          compact_at: 0.5,
          budget: { tokens_per_day: 50 },
        },
      },
      channels: { tg: telegram(api, bot) },
    })
    await started(folder)
    // Some 350 tokens: two of them have no room in 500.
    const long = 'word '.repeat(210)
    expect(await ask(bot, anna, `first ${long}`)).toBe('Noted.')
    expect(await ask(bot, anna, `second ${long}`)).toBe('Noted.')
    expect(model.requests.map(({ messages }) => messages.map(({ content }) => content.slice(0, 12)))).toEqual([
      ['You are cfo.', 'first word w'],
      ['You are cfo.', 'first word w', 'Noted.', 'Summarise ou'],
      ['You are cfo.', 'What was sai'],
    ])
    expect(model.refused).toEqual([])
    // Three answers of 18 tokens each.
    expect(await ask(bot, anna, 'third')).toMatch(
      /^I could not answer: your budget of 50 tokens a day is used up\. It begins anew at midnight UTC, in \d+ (hours?|minutes?)\.$/,
    )
    expect([model.requests.length, answers(bot, anna).length]).toEqual([3, 3])
  },
)
