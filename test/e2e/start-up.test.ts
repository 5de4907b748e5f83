// Start-up, through the binary: who is live, who is not and why, and that one bot's trouble is nobody else's.

import { expect } from 'vitest'
import { CONNECT_MS_MAX } from '../../machines/limits.ts'
import { openGate } from '../support/gate.ts'
import {
  addBot,
  answered,
  answers,
  ask,
  channelIs,
  ECHO,
  eventually,
  jsonOf,
  openTelegram,
  randomToken,
  run,
  scenario,
  sendJson,
  SOON_MS,
  statusOf,
  telegram,
} from '../support/scenario.ts'

interface Readiness {
  readonly ready: boolean
  readonly channels: readonly { readonly id: string; readonly state: string }[]
}

scenario('S01 three Telegram channels on three agents: 3 of 3, and each bot answers as its agent', async () => {
  const api = await openTelegram()
  const names = ['cfo', 'ops', 'content']
  const bots = names.map((name) => addBot(api, name))
  const channels = Object.fromEntries(
    bots.map((bot, index) => [`tg_${names[index]}`, telegram(api, bot, { agent: names[index] })]),
  )
  const { gateway } = await run({ channels })
  const { live, of, text } = await gateway.rollCall()
  expect([live, of]).toEqual([3, 3])
  for (const name of names) expect(text).toMatch(new RegExp(`tg_${name}\\s+live\\s+telegram · ${name}`))
  const anna = api.person({ username: 'anna' })
  const replies = await Promise.all(bots.map((bot) => ask(bot, anna, 'hello')))
  expect(replies).toEqual(names.map((name) => `${name} heard: hello`))
  expect((await gateway.request('/readyz')).status).toBe(200)
  const { state, channels: reported } = await statusOf(gateway)
  expect(state).toBe('serving')
  expect(reported.map(({ id }) => id)).toEqual(['tg_cfo', 'tg_ops', 'tg_content'])
  expect(await gateway.stop()).toMatchObject({ code: 0 })
})

scenario('S02 three channels on the same agent: 3 of 3, and no history is shared', async () => {
  const api = await openTelegram()
  const bots = ['a', 'b', 'c'].map((name) => addBot(api, name))
  const channels = Object.fromEntries(bots.map((bot, index) => [`tg_${index}`, telegram(api, bot)]))
  const { gateway } = await run({ channels })
  expect(await gateway.rollCall()).toMatchObject({ live: 3, of: 3 })
  const anna = api.person()
  for (const [index, bot] of bots.entries())
    expect(await ask(bot, anna, `secret ${index}`)).toBe(`cfo heard: secret ${index}`)
  for (const index of bots.keys()) {
    const { transcript } = await jsonOf<{ transcript: { text: string }[] }>(
      await gateway.request(`/sessions/${encodeURIComponent(`tg_${index}/${anna.id}`)}`),
    )
    expect(transcript.map(({ text }) => text)).toEqual([`secret ${index}`, `cfo heard: secret ${index}`])
  }
})

scenario(
  'S03 one of three whose start throws: 2 of 3, the third by its own id with reason and remedy; the two serve',
  async () => {
    const api = await openTelegram()
    const [good, other] = [addBot(api), addBot(api)]
    const { gateway } = await run({
      channels: {
        one: telegram(api, good),
        broken: { ...telegram(api, good), token: randomToken() },
        three: telegram(api, other, { agent: 'ops' }),
      },
    })
    const { live, of, text } = await gateway.rollCall()
    expect([live, of]).toEqual([2, 3])
    expect(text).toMatch(/^ {2}broken is failed: connect: the token of broken was refused by Telegram\. .*@BotFather/m)
    expect(text).toMatch(/broken\s+failed\s+telegram · cfo/)
    const status = await statusOf(gateway)
    expect(status.state).toBe('degraded')
    expect(status.channels.map(({ id, state }) => [id, state])).toEqual([
      ['one', 'live'],
      ['broken', 'failed'],
      ['three', 'live'],
    ])
    expect(status.channels[1]?.reason).toMatch(/refused by Telegram.*@BotFather/)
    const ready = await gateway.request('/readyz')
    expect(ready.status).toBe(503)
    const { channels } = JSON.parse(await ready.text()) as Readiness // as: the contract's body
    expect(channels.find(({ id }) => id === 'broken')).toMatchObject({ state: 'failed' })
    const anna = api.person()
    expect(await ask(good, anna, 'hi')).toBe('cfo heard: hi')
    expect(await ask(other, anna, 'hi')).toBe('ops heard: hi')
  },
)

scenario('S04 two failed channels on one platform are two entries; when none works it is said plainly', async () => {
  const api = await openTelegram()
  const nobody = { platform: 'telegram', agent: 'cfo', api_root: api.url, unknown_user_policy: 'allow' }
  const { gateway } = await run({
    channels: { first: { ...nobody, token: randomToken() }, second: { ...nobody, token: randomToken() } },
  })
  const { live, of, text } = await gateway.rollCall()
  expect([live, of]).toEqual([0, 2])
  expect(text).toMatch(/^ {2}first is failed: /m)
  expect(text).toMatch(/^ {2}second is failed: /m)
  expect(text).not.toMatch(/^\s*telegram is/m)
  expect((await gateway.request('/readyz')).status).toBe(503)
  const status = await statusOf(gateway)
  expect(status).toMatchObject({ state: 'degraded' })
  expect(status.channels.map(({ id, state }) => `${id} ${state}`)).toEqual(['first failed', 'second failed'])
  expect((await gateway.request('/healthz')).status, 'the process stays up to say so').toBe(200)
})

scenario('S04 --strict: a start that is not complete ends with 1, and says which', async () => {
  const api = await openTelegram()
  const { gateway } = await run(
    {
      channels: {
        web: { platform: 'web', agent: 'cfo' },
        bad: { ...telegram(api, addBot(api)), token: randomToken() },
      },
    },
    { arguments: ['--strict'] },
  )
  const exit = await gateway.exited()
  expect(exit.code).toBe(1)
  expect(exit.output).toContain('1 of 2 channels live')
  expect(exit.output).toContain('bad is failed')
})

scenario(
  'S11 nothing listens at the platform: the roll call comes, the channel retries, and goes live without a restart',
  async () => {
    const api = await openTelegram()
    const bot = addBot(api)
    const gate = await openGate(api.url)
    await gate.shut()
    const { gateway } = await run({
      channels: { tg: telegram({ ...api, url: gate.url }, bot), web: { platform: 'web', agent: 'cfo' } },
    })
    const { live, of, text, afterMs } = await gateway.rollCall()
    expect([live, of]).toEqual([1, 2])
    expect(text).toMatch(/tg is retrying: .*not reachable.*tried again by itself/)
    expect(afterMs).toBeLessThan(10_000)
    const anna = api.person()
    anna.says(bot, 'are you there?')
    await gate.open()
    await channelIs(gateway, 'tg', 'live')
    expect(await answered(bot, anna, 1)).toEqual(['cfo heard: are you there?'])
    expect((await gateway.request('/readyz')).status).toBe(200)
  },
)

scenario('S11 a platform that takes the connection and never answers: the roll call comes all the same', async () => {
  const api = await openTelegram()
  const bot = addBot(api)
  bot.faults.always('getMe', { kind: 'hang' })
  const { gateway } = await run({ channels: { tg: telegram(api, bot), web: { platform: 'web', agent: 'cfo' } } })
  const { live, of, text, afterMs } = await gateway.rollCall()
  expect([live, of]).toEqual([1, 2])
  expect(text).toMatch(/tg is retrying: /)
  expect(afterMs, 'CONNECT_MS_MAX, and the start itself on a busy machine').toBeLessThan(CONNECT_MS_MAX + 15_000)
  bot.faults.clear()
  await channelIs(gateway, 'tg', 'live', 20_000)
})

scenario(
  'S12 fifty bots start together; one stalled poller is restarted alone, after its old poll has ended',
  async () => {
    const api = await openTelegram()
    const bots = Array.from({ length: 50 }, (_, index) => addBot(api, `bot${index}`))
    const channels = Object.fromEntries(bots.map((bot, index) => [`bot_${index}`, telegram(api, bot)]))
    const { gateway } = await run({ agents: ECHO, channels })
    expect(await gateway.rollCall()).toMatchObject({ live: 50, of: 50 })
    const anna = api.person()
    const replies = await Promise.all(bots.map((bot, index) => ask(bot, anna, `hello ${index}`)))
    expect(replies).toEqual(bots.map((_, index) => `cfo heard: hello ${index}`))

    const stalled = bots[7]
    if (stalled === undefined) throw new Error('there are fifty')
    const polls = () => bots.map((bot) => bot.calls.filter(({ method }) => method === 'getMe').length)
    const before = polls()
    await stalled.waitFor((bot) => bot.activePolls === 1)
    stalled.stallPolls()
    expect((await sendJson(gateway, '/channels/bot_7/reconnect', {})).status).toBe(202)
    await stalled.waitFor(
      (bot) => bot.calls.filter(({ method }) => method === 'getMe').length > (before[7] ?? 0),
      SOON_MS,
    )
    stalled.releasePolls()
    await channelIs(gateway, 'bot_7', 'live')
    expect(await ask(stalled, anna, 'again')).toBe('cfo heard: again')
    expect(polls().map((count, index) => count - (before[index] ?? 0))).toEqual(
      bots.map((_, index) => (index === 7 ? 1 : 0)),
    )
    const restartedAt = stalled.calls.filter(({ method }) => method === 'getMe')[1]?.at ?? 0
    const all = stalled.calls.filter(({ method }) => method === 'getUpdates')
    const newPoll = all.find(({ at }) => at > restartedAt)
    for (const poll of all.filter(({ at }) => at < restartedAt))
      expect(poll.endedAt, 'C2: the old poll has ended before the new one begins').toBeLessThanOrEqual(newPoll?.at ?? 0)
    for (const bot of bots) expect([bot.pollConflicts, bot.maxSimultaneousPolls]).toEqual([0, 1])
    await eventually(async () => answers(stalled, anna).length === 2)
  },
)
