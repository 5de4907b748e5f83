// Drain and store, through the binary: an orderly end, a store of another version, a disk that is gone.

import { copyFileSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'vitest'
import { troupe } from '../support/gateway-process.ts'
import {
  addBot,
  answered,
  answers,
  channelIs,
  ECHO,
  eventually,
  jsonOf,
  launched,
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
  temporaryFolder,
  writeFile,
} from '../support/scenario.ts'
import { watch } from '../support/watching.ts'

const FIXTURE = join(import.meta.dirname, '..', 'fixtures', 'stores', 'version-1.db')

scenario(
  'S44 SIGTERM: a run that ends within `drain` is answered; what came meanwhile is answered after the next start',
  async () => {
    const [api, model] = [await openTelegram(), await openModel()]
    const bot = addBot(api)
    const { folder, gateway } = await run({
      gateway: { drain: '10s' },
      agents: modelAgents(model),
      channels: { tg: telegram(api, bot) },
    })
    const [anna, berta] = [api.person(), api.person()]
    const exchange = model.next()
    anna.says(bot, 'M1')
    await exchange.arrived
    anna.says(bot, 'M2')
    await eventually(async () => (await statusOf(gateway)).sessions.queued_messages === 1, gateway)
    gateway.signal('SIGTERM')
    await gateway.prints(/Draining/)
    berta.says(bot, 'during the drain')
    await exchange.respond('re: M1')
    const exit = await gateway.exited()
    expect(exit.code).toBe(0)
    expect(exit.output).toContain('Stopped.')
    expect(answers(bot, anna)).toEqual(['re: M1'])
    expect(model.requests, 'nothing new was begun').toHaveLength(1)
    model.always(({ messages }) => `re: ${messages.at(-1)?.content}`)
    await started(folder)
    expect(await answered(bot, anna, 2)).toEqual(['re: M1', 're: M2'])
    expect(await answered(bot, berta, 1)).toEqual(['re: during the drain'])
  },
)

scenario(
  'S44 whatever hangs, the process has ended by `drain` + 3 s, and the run is resumed after the next start',
  async () => {
    const [api, model] = [await openTelegram(), await openModel()]
    const bot = addBot(api)
    const { folder, gateway } = await run({
      gateway: { drain: '500ms' },
      agents: modelAgents(model),
      channels: { tg: telegram(api, bot), web: { platform: 'web', agent: 'cfo' } },
    })
    const [anna, berta] = [api.person(), api.person()]
    const hung = model.next()
    anna.says(bot, 'hangs at the model')
    await hung.arrived
    bot.faults.always('sendMessage', { kind: 'hang' })
    bot.stallPolls()
    berta.says(bot, '/whoami')
    await watch(gateway, 'web', 'somebody who keeps a connection open')
    const before = performance.now()
    const exit = await gateway.stop()
    // `drain` + 3 s, and what a busy machine takes to tell it the signal, and us its end.
    expect(performance.now() - before).toBeLessThan(500 + 3_000 + 1_500)
    expect(exit.code).toBe(0)
    await hung.closedByClient
    bot.faults.clear()
    bot.releasePolls()
    model.always(() => 'at last')
    await started(folder)
    expect(await answered(bot, anna, 1)).toEqual(['at last'])
  },
)

scenario('S44 a second signal stops at once', async () => {
  const [model, folder] = [await openModel(), temporaryFolder()]
  writeFile(folder, { agents: modelAgents(model), channels: { web: { platform: 'web', agent: 'cfo' } } })
  const gateway = await started(folder)
  const exchange = model.next()
  await jsonOf(await post(gateway, 'web', { conversation: 'room', text: 'hi' }))
  await exchange.arrived
  gateway.signal('SIGINT')
  await gateway.prints(/Draining/)
  gateway.signal('SIGINT')
  // Long before the `drain` of twenty seconds is over.
  expect((await gateway.exited()).code).not.toBe(0)
})

scenario(
  'S46 the store’s file is gone: nothing is accepted that was not written, it is said, and it recovers',
  async () => {
    const api = await openTelegram()
    const bot = addBot(api)
    const { folder, gateway } = await run({
      channels: { tg: telegram(api, bot), web: { platform: 'web', agent: 'cfo' } },
    })
    const [path, away] = [join(folder, '.troupe', 'troupe.db'), join(folder, 'away.db')]
    renameSync(path, away)
    const refused = await post(gateway, 'web', { conversation: 'room', text: 'lost?', message_id: 'm-1' })
    expect(refused.status).toBe(503)
    expect(await refused.text()).toMatch(/store/i)
    // Every channel is live still.
    const said = { state: 'degraded', channels: [{ state: 'live' }, { state: 'live' }] }
    expect(await statusOf(gateway)).toMatchObject({ ...said, store: { reason: expect.stringMatching(/store/) } })
    const anna = api.person()
    anna.says(bot, 'keep this, Telegram')
    const { reason } = await channelIs(gateway, 'tg', 'retrying')
    expect(reason).toMatch(/store/)
    expect(bot.pendingUpdates, 'the platform keeps it').toBe(1)
    expect(answers(bot, anna)).toEqual([])
    renameSync(away, path)
    expect(await answered(bot, anna, 1)).toEqual(['cfo heard: keep this, Telegram'])
    expect((await post(gateway, 'web', { conversation: 'room', text: 'lost?', message_id: 'm-1' })).status).toBe(202)
    expect(await statusOf(gateway)).toMatchObject({ state: 'serving', store: null })
  },
)

scenario('S47 a store of version 1 opens with what is in it', async () => {
  const folder = temporaryFolder()
  writeFile(folder, { channels: { web: { platform: 'web', agent: 'cfo' } } })
  await launchedOnce(folder)
  copyFileSync(FIXTURE, join(folder, '.troupe', 'troupe.db'))
  const gateway = await started(folder)
  const shown = await troupe(['sessions', 'list', '--json', '--config', join(folder, 'gateway.yaml')])
  expect(shown.code).toBe(0)
  expect(shown.output).toContain('"web/room"')
  const { transcript } = await jsonOf<{ transcript: { text: string }[] }>(await gateway.request('/sessions/web%2Froom'))
  expect(transcript.map(({ text }) => text)).toContain('user T3')
  expect((await gateway.stop()).code).toBe(0)
})

scenario('S47 a store of a newer version: refused with 78 and a plain sentence, and not touched', async () => {
  const folder = temporaryFolder()
  writeFile(folder, { channels: { web: { platform: 'web', agent: 'cfo' } } })
  await launchedOnce(folder)
  const path = join(folder, '.troupe', 'troupe.db')
  copyFileSync(FIXTURE, path)
  const database = new DatabaseSync(path)
  database.exec('PRAGMA user_version = 99')
  database.close()
  const before = readFileSync(path)
  const exit = await launched({ folder }).exited()
  expect(exit.code).toBe(78)
  expect(exit.errors).toMatch(/format version 99; this Troupe knows versions up to \d+\. .*newer/)
  expect(exit.errors).not.toMatch(/^\s+at /m)
  expect(readFileSync(path).equals(before)).toBe(true)
})

/** Makes the data folder, as a first start does; the store in it is then replaced. */
async function launchedOnce(folder: string): Promise<void> {
  await (await started(folder)).stop()
  for (const name of ['troupe.db-wal', 'troupe.db-shm']) {
    expect(() => readFileSync(join(folder, '.troupe', name)), 'a clean stop leaves no log behind').toThrow()
  }
}

scenario('S14 right after accept the session reports pending', async () => {
  const model = await openModel()
  const { gateway } = await run({
    gateway: { concurrent_runs: 1 },
    agents: { ...ECHO, ...modelAgents(model) },
    channels: { web: { platform: 'web', agent: 'cfo' } },
  })
  const exchange = model.next()
  await jsonOf(await post(gateway, 'web', { conversation: 'one', text: 'holds the slot' }))
  await exchange.arrived
  await jsonOf(await post(gateway, 'web', { conversation: 'two', text: 'accepted' }))
  expect((await statusOf(gateway)).sessions, 'no moment in between').toMatchObject({ pending: 1, running: 1 })
  await exchange.respond('done')
  await eventually(async () => (await statusOf(gateway)).sessions.pending === 0, gateway, SOON_MS)
})
