// Reload, through the binary: an operator edits the file and its variables while people talk.

import { appendFileSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { BotHandle } from '../support/bot-api/server.ts'
import { type GatewayProcess, troupe } from '../support/gateway-process.ts'
import {
  addBot,
  answered,
  ask,
  channelIs,
  countCalls,
  ECHO,
  eventually,
  type GatewayFile,
  jsonOf,
  modelAgents,
  openModel,
  openTelegram,
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

const WEB = { platform: 'web', agent: 'cfo' }

/** As an editor saves: beside it, then in its place. */
function saveByRename(folder: string, file: GatewayFile): void {
  const path = join(folder, 'gateway.yaml')
  writeFileSync(`${path}.swp`, `${JSON.stringify({ agents: ECHO, ...file }, null, 2)}\n`)
  renameSync(`${path}.swp`, path)
}

function idsOf(gateway: GatewayProcess): Promise<string> {
  return statusOf(gateway).then(({ channels }) => channels.map(({ id, state }) => `${id} ${state}`).join(', '))
}

function becomes(gateway: GatewayProcess, ids: string): Promise<unknown> {
  return eventually(async () => (await idsOf(gateway)) === ids, gateway)
}

function configurationOf(gateway: GatewayProcess) {
  return statusOf(gateway).then(({ configuration }) => configuration)
}

type Polled = Pick<BotHandle, 'pollConflicts' | 'maxSimultaneousPolls'>

/** C2, as the platform sees it. */
function expectOnePoll(bots: readonly Polled[]): void {
  for (const { pollConflicts, maxSimultaneousPolls } of bots)
    expect([pollConflicts, maxSimultaneousPolls]).toEqual([0, 1])
}

scenario('the check for polls catches two at once, and a conflict', async () => {
  for (const broken of [
    { pollConflicts: 0, maxSimultaneousPolls: 2 },
    { pollConflicts: 1, maxSimultaneousPolls: 1 },
  ]) {
    expect(() => expectOnePoll([broken])).toThrow()
  }
})

scenario(
  'C1 C3 a saved file: a channel more, one less, one redefined; they are in every report, and nobody else notices',
  async () => {
    const api = await openTelegram()
    const [stays, goes, comes] = [addBot(api), addBot(api), addBot(api)]
    const anna = api.person()
    const { folder, gateway } = await run({ channels: { stays: telegram(api, stays), goes: telegram(api, goes) } })
    const redefined = telegram(api, stays, { allowed_users: [1], agent: 'ops' })
    saveByRename(folder, { channels: { comes: telegram(api, comes), stays: redefined } })
    await becomes(gateway, 'comes live, stays live')
    expect(await ask(comes, anna, 'hello')).toBe('cfo heard: hello')
    await gateway.prints(
      /channels\.goes stopped, channels\.stays redefined, channels\.comes started; 2 of 2 channels live/,
    )
    expect(await jsonOf(await gateway.request('/readyz'))).toMatchObject({ ready: true, channels: [{}, {}] })
    // Anna is a stranger there now; whoever may speak is answered by the new route, through the old connection.
    anna.says(stays, 'and you?')
    const before = api.person({ id: 1 })
    expect(await ask(stays, before, 'and me?')).toBe('ops heard: and me?')
    expect(stays.shown(anna.id).filter(({ from }) => from.isBot)).toEqual([])
    expect([countCalls(stays, 'getMe'), goes.activePolls]).toEqual([1, 0])
    // Written in place this time, and back to the beginning.
    writeFile(folder, { channels: { stays: telegram(api, stays), goes: telegram(api, goes) } })
    await becomes(gateway, 'stays live, goes live')
    expect(await ask(goes, anna, 'back?')).toBe('cfo heard: back?')
    expectOnePoll([stays, goes, comes])
  },
)

scenario('an invalid, half-written or vanished file changes nothing and says so; SIGHUP reads it at once', async () => {
  const { folder, gateway } = await run({ channels: { a: WEB } })
  const path = join(folder, 'gateway.yaml')
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, text.slice(0, text.lastIndexOf('"agent"')))
  gateway.signal('SIGHUP')
  await gateway.prints(/gateway\.yaml:16:7 channels\.a\.platform: /)
  const { problems } = await configurationOf(gateway)
  expect(problems[0]).toMatch(/gateway\.yaml:16:7 channels\.a\.platform: /)
  expect(await idsOf(gateway)).toBe('a live')
  const status = await troupe(['status', '--url', gateway.url])
  for (const problem of problems) expect(status.output).toContain(problem)
  const reload = await troupe(['reload', '--config', path])
  expect(reload).toMatchObject({ code: 1, errors: expect.stringMatching(/gateway\.yaml:\d+:\d+ .*\n/) })
  unlinkSync(path)
  await eventually(async () => (await configurationOf(gateway)).problems[0]?.includes('does not exist'), gateway)
  expect(await idsOf(gateway)).toBe('a live')
  writeFileSync(path, text)
  appendFileSync(path, '\n')
  await eventually(async () => (await configurationOf(gateway)).problems.length === 0, gateway)
  const { code, output } = await troupe(['reload', '--config', path])
  expect({ code, output }).toEqual({ code: 0, output: 'Nothing has changed.\n' })
  expect(gateway.hasEnded).toBe(false)
})

scenario(
  'C2 S05 a new token in .env: one that is refused keeps the old one serving; one that works takes its place',
  async () => {
    const api = await openTelegram()
    const [old, renewed, sibling] = [addBot(api), addBot(api), addBot(api)]
    const folder = temporaryFolder()
    const file = { channels: { tg: { ...telegram(api, old), token: '${TOKEN}' }, other: telegram(api, sibling) } }
    writeFile(folder, file)
    writeFileSync(join(folder, '.env'), `TOKEN=${old.token}\n`)
    const gateway = await started(folder)
    const anna = api.person()
    renewed.revoke()
    writeFileSync(join(folder, '.env'), `TOKEN=${renewed.token}\n`)
    await eventually(async () => (await configurationOf(gateway)).kept.length > 0, gateway)
    expect(await statusOf(gateway)).toMatchObject({
      state: 'serving',
      channels: [
        { id: 'tg', state: 'live', reason: expect.stringMatching(/earlier definition.*refused by Telegram/) },
        {},
      ],
      configuration: { kept: [{ id: 'channels.tg', reason: expect.stringMatching(/refused by Telegram/) }] },
    })
    expect(await ask(old, anna, 'one')).toBe('cfo heard: one')
    expect([countCalls(old, 'getMe'), countCalls(renewed, 'getUpdates')]).toEqual([1, 0])
    renewed.reinstate()
    const reload = await troupe(['reload', '--config', join(folder, 'gateway.yaml')])
    expect(reload).toMatchObject({ code: 0, output: 'channels.tg  restarted\n' })
    expect(await ask(renewed, anna, 'two')).toBe('cfo heard: two')
    expect(
      [old, renewed, sibling].map(({ activePolls, maxSimultaneousPolls }) => [activePolls, maxSimultaneousPolls]),
    ).toEqual([
      [0, 1],
      [1, 1],
      [1, 1],
    ])
    expect(countCalls(sibling, 'getMe')).toBe(1)
    const everything = [gateway.output(), gateway.errors(), await textOf(gateway, '/status'), reload.output].join('\n')
    for (const { token } of [old, renewed]) expect(everything.includes(token.slice(token.indexOf(':') + 1))).toBe(false)
  },
)

scenario('C2 a new token that somebody else polls: the old one serves again', async () => {
  const api = await openTelegram()
  const [old, renewed] = [addBot(api), addBot(api)]
  const { folder, gateway } = await run({ channels: { tg: telegram(api, old) } })
  const conflict = 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running'
  renewed.faults.always('getUpdates', { kind: 'error', code: 409, description: conflict })
  writeFile(folder, { channels: { tg: telegram(api, renewed) } })
  await eventually(async () => (await configurationOf(gateway)).kept[0]?.reason.includes('someone else polls'), gateway)
  await channelIs(gateway, 'tg', 'live')
  expect(await ask(old, api.person(), 'one')).toBe('cfo heard: one')
  expect(countCalls(old, 'getMe')).toBe(2)
})

scenario('C2 a channel gets another name, and two exchange their tokens: no token is polled twice', async () => {
  const api = await openTelegram()
  const [one, two, three] = [addBot(api), addBot(api), addBot(api)]
  const of = (bot: BotHandle, agent: string) => telegram(api, bot, { agent })
  const { folder, gateway } = await run({ channels: { a: of(one, 'cfo'), b: of(two, 'ops'), c: of(three, 'content') } })
  writeFile(folder, { channels: { a: of(two, 'cfo'), b: of(one, 'ops'), renamed: of(three, 'content') } })
  await becomes(gateway, 'a live, b live, renamed live')
  const anna = api.person()
  expect(await Promise.all([one, two, three].map((bot) => ask(bot, anna, 'who?')))).toEqual([
    'ops heard: who?',
    'cfo heard: who?',
    'content heard: who?',
  ])
  expectOnePoll([one, two, three])
})

scenario(
  'a run finishes on the agent that it began with, also when its channel goes; what waits is answered when it is back',
  async () => {
    const [api, model] = [await openTelegram(), await openModel()]
    const bot = addBot(api)
    const agents = modelAgents(model)
    const brief = { cfo: { ...agents['cfo'], instructions: 'Be brief.' } }
    const { folder, gateway } = await run({ agents, channels: { tg: telegram(api, bot), web: WEB } })
    const anna = api.person()
    const [first, second] = [model.next(), model.next()]
    anna.says(bot, 'M1')
    await first.arrived
    anna.says(bot, 'M2')
    await eventually(async () => (await statusOf(gateway)).sessions.queued_messages === 1, gateway)
    writeFile(folder, { agents: brief, channels: { web: WEB } })
    await becomes(gateway, 'web live')
    await bot.waitFor(() => bot.activePolls === 0, SOON_MS)
    await first.respond('one')
    expect(await answered(bot, anna, 1)).toEqual(['one'])
    writeFile(folder, { agents: brief, channels: { tg: telegram(api, bot), web: WEB } })
    await second.respond('two')
    expect(await answered(bot, anna, 2)).toEqual(['one', 'two'])
    const told = model.requests.map(({ messages }) => messages[0]?.content)
    expect(told).toEqual(['You are cfo.', 'Be brief.'])
  },
)
