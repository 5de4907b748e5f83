// Credentials, through the binary: a missing, refused or revoked one is its own channel's trouble and stands nowhere.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { BotHandle } from '../support/bot-api/server.ts'
import { type GatewayProcess, troupe } from '../support/gateway-process.ts'
import {
  addBot,
  ask,
  channelIs,
  control,
  countCalls,
  launched,
  openTelegram,
  randomToken,
  run,
  scenario,
  SOON_MS,
  started,
  statusOf,
  telegram,
  temporaryFolder,
  textOf,
  writeFile,
} from '../support/scenario.ts'

scenario(
  'S05 one unset variable: check names it (1), start serves the rest, the channel fails by the variable’s name',
  async () => {
    const api = await openTelegram()
    const bot = addBot(api)
    const folder = temporaryFolder()
    const channels = { good: telegram(api, bot), lacking: { ...telegram(api, bot), token: '${CFO_BOT_TOKEN}' } }
    const file = writeFile(folder, { channels })
    const check = await troupe(['check', '--config', file])
    expect(check.code).toBe(1)
    expect(check.errors).toMatch(/gateway\.yaml:\d+:\d+ channels\.lacking\.token: .*CFO_BOT_TOKEN/)
    const gateway = await started(folder)
    const { live, of, text } = await gateway.rollCall()
    expect([live, of]).toEqual([1, 2])
    expect(text).toMatch(/lacking is failed: secrets: CFO_BOT_TOKEN is not set/)
    expect(await ask(bot, api.person(), 'hi')).toBe('cfo heard: hi')
  },
)

scenario('S05 an unset variable of one agent fails the channels that lead to it, and no other', async () => {
  const { gateway } = await run({
    agents: { cfo: { model: 'echo' }, ops: { model: { provider: 'openai', name: 'x', api_key: '${SOME_KEY}' } } },
    channels: { good: { platform: 'web', agent: 'cfo' }, lacking: { platform: 'web', agent: 'ops' } },
  })
  const { live, of, text } = await gateway.rollCall()
  expect([live, of]).toEqual([1, 2])
  expect(text).toMatch(/lacking is failed: secrets: SOME_KEY is not set/)
})

scenario(
  'S05 a token revoked while running: that channel fails, no retry storm, no token anywhere; reconnect brings it back',
  async () => {
    const api = await openTelegram()
    const [bot, sibling] = [addBot(api), addBot(api)]
    const { gateway } = await run({ channels: { tg: telegram(api, bot), other: telegram(api, sibling) } })
    const anna = api.person()
    expect(await ask(bot, anna, 'one')).toBe('cfo heard: one')
    bot.revoke()
    const { reason } = await channelIs(gateway, 'tg', 'failed')
    expect(reason).toMatch(/refused by Telegram/)
    const before = bot.calls.length
    await quietFor(1_500)
    expect(bot.calls.length, 'no retry storm: not one request more').toBe(before)
    expect(await ask(sibling, anna, 'still there?')).toBe('cfo heard: still there?')
    await expectNowhere(gateway, [bot.token, sibling.token])
    bot.reinstate()
    anna.says(bot, 'two')
    expect(await control(gateway, 'tg', 'reconnect')).toBe(202)
    await channelIs(gateway, 'tg', 'live')
    await bot.waitFor(() => bot.shown(anna.id).some(({ text }) => text === 'cfo heard: two'), SOON_MS)
    await expectNowhere(gateway, [bot.token, sibling.token])
    const { output, errors } = await gateway.stop()
    for (const token of [bot.token, sibling.token]) expectClean(output + errors, token)
  },
)

scenario('S05 a token that is refused at the start is asked for once, and stands nowhere', async () => {
  const api = await openTelegram()
  const bot = addBot(api)
  bot.revoke()
  const { gateway } = await run({ channels: { tg: telegram(api, bot), web: { platform: 'web', agent: 'cfo' } } })
  expect(await gateway.rollCall()).toMatchObject({ live: 1, of: 2 })
  await quietFor(1_200)
  expect([countCalls(bot, 'getMe'), countCalls(bot, 'getUpdates')]).toEqual([1, 0])
  await expectNowhere(gateway, [bot.token])
})

scenario('S05 a new token in the .env beside the file: reconnect takes it, without a restart', async () => {
  const api = await openTelegram()
  const [old, renewed] = [addBot(api), addBot(api)]
  const folder = temporaryFolder()
  writeFile(folder, { channels: { tg: { ...telegram(api, old), token: '${CFO_BOT_TOKEN}' } } })
  writeFileSync(join(folder, '.env'), `CFO_BOT_TOKEN=${old.token}\n`)
  const gateway = await started(folder)
  const anna = api.person()
  expect(await ask(old, anna, 'one')).toBe('cfo heard: one')
  old.revoke()
  await channelIs(gateway, 'tg', 'failed')
  writeFileSync(join(folder, '.env'), `CFO_BOT_TOKEN=${renewed.token}\n`)
  expect(await control(gateway, 'tg', 'reconnect')).toBe(202)
  await channelIs(gateway, 'tg', 'live')
  expect(await ask(renewed, anna, 'two')).toBe('cfo heard: two')
  await expectNowhere(gateway, [old.token, renewed.token])
})

scenario('S06 two channels with one token: check refuses, naming both, and so does start', async () => {
  const folder = temporaryFolder()
  const channel = { platform: 'telegram', agent: 'cfo', unknown_user_policy: 'allow', token: randomToken() }
  const file = writeFile(folder, { channels: { one: channel, two: channel } })
  const check = await troupe(['check', '--config', file])
  expect(check.code).toBe(78)
  expect(check.errors).toMatch(/channels\.one/)
  expect(check.errors).toMatch(/channels\.two/)
  expectClean(check.errors + check.output, channel.token)
  expect((await launched({ folder }).exited()).code).toBe(78)
})

scenario('S06 a second gateway on the same data folder: 75, and it names the process that has it', async () => {
  const { folder, gateway } = await run({ channels: { web: { platform: 'web', agent: 'cfo' } } })
  const second = await launched({ folder }).exited()
  expect(second.code).toBe(75)
  expect(second.errors).toMatch(new RegExp(`in use by another Troupe process.*${gateway.pid}\\b`))
  expect((await gateway.request('/healthz')).status).toBe(200)
})

scenario('S06 a second gateway with other data on the same token: 75, and it names channel and process', async () => {
  const api = await openTelegram()
  const bot = addBot(api)
  const channels = { tg: telegram(api, bot) }
  const { gateway } = await run({ channels })
  const folder = temporaryFolder()
  writeFile(folder, { channels })
  const second = await launched({ folder }).exited()
  expect(second.code).toBe(75)
  expect(second.errors).toMatch(new RegExp(`tg.*${gateway.pid}\\b`))
  expect(bot.pollConflicts).toBe(0)
  await gateway.stop()
  expect(await (await started(folder)).rollCall(), 'once the first has ended').toMatchObject({ live: 1, of: 1 })
})

scenario('S06 409 from the platform is "someone else polls this token", and is tried again', async () => {
  const api = await openTelegram()
  const bot = addBot(api)
  bot.faults.always('getUpdates', { kind: 'error', code: 409, description: CONFLICT })
  const { gateway } = await run({ channels: { tg: telegram(api, bot), web: { platform: 'web', agent: 'cfo' } } })
  const { live, of, text } = await gateway.rollCall()
  expect([live, of]).toEqual([1, 2])
  expect(text).toMatch(/tg is retrying: connect: someone else polls this token/)
  bot.faults.clear()
  await channelIs(gateway, 'tg', 'live')
})

scenario('the check for tokens catches one that stands somewhere', async () => {
  const token = randomToken()
  expect(() => expectClean(`{"url":"https://api/bot${token}/getMe"}`, token)).toThrow()
  expect(() => expectClean(`half of it: ${token.split(':')[1]}`, token)).toThrow()
})

const CONFLICT = 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running'

/** A storm would begin at once; a retry's wait is a second. */
function quietFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** A3, from outside: everything that a person or a program can read of a gateway. */
async function expectNowhere(gateway: GatewayProcess, tokens: readonly BotHandle['token'][]): Promise<void> {
  const pages = await Promise.all(
    ['/status', '/metrics', '/', '/readyz', '/sessions', '/deadletters'].map((path) => textOf(gateway, path)),
  )
  const everything = [gateway.output(), gateway.errors(), ...pages].join('\n')
  for (const token of tokens) expectClean(everything, token)
  expect(JSON.stringify(await statusOf(gateway))).toContain('channels')
}

function expectClean(text: string, token: string): void {
  const secret = token.slice(token.indexOf(':') + 1)
  for (const part of [token, secret, secret.slice(0, 12), secret.slice(-12), encodeURIComponent(token)]) {
    expect(text.includes(part), 'a token, or a part of one, stands in what people can read').toBe(false)
  }
}
