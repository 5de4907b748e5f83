// Pending, through the binary: a preparation that takes its time, throws, or never ends.
// What takes its time is put into the program under test: the message says what its preparation does, and the test lets it go on.
// The deadline of `pending` is a minute; where it is waited for it is three seconds.

import { createServer, type ServerResponse } from 'node:http'
import { expect } from 'vitest'
import {
  addBot,
  answered,
  ask,
  eventually,
  modelAgents,
  openModel,
  openTelegram,
  run,
  scenario,
  SOON_MS,
  statusOf,
  telegram,
  whenDone,
} from '../support/scenario.ts'
import type { ModelRequest } from '../support/model-server.ts'
import { type Replaced, replacing } from '../support/replaced.ts'

const DEADLINE_MS = 3_000

const BEGINS = 'const seqs = turn.map((item) => item.message.seq)\n'

const PREPARATION: Replaced = {
  file: '/src/actors/prepare.ts',
  was: BEGINS,
  is: `${BEGINS}
    const [, does, url] = /^preparation (waits|throws|hangs)(?: for (.*))?$/.exec(turn[0]?.text ?? '') ?? []
    if (does === 'throws') throw new Error('a defect of the preparation')
    if (does === 'hangs') await new Promise(() => {})
    if (does === 'waits') await (await fetch(url)).text()
  `,
}

const SHORT: Replaced = {
  file: '/machines/limits.ts',
  was: 'PENDING_MS_MAX = 60_000',
  is: `PENDING_MS_MAX = ${DEADLINE_MS}`,
}

/** A bot on the model server; the model is asked what a person said, and says it again. */
async function preparing(...more: readonly Replaced[]) {
  const [api, model] = [await openTelegram(), await openModel()]
  model.always((request) => `re: ${lastSaid(request)}`)
  const bot = addBot(api)
  const file = { agents: modelAgents(model), channels: { tg: telegram(api, bot) } }
  const { gateway } = await run(file, { nodeFlags: replacing(PREPARATION, ...more) })
  const asked = () => model.requests.map(lastSaid)
  return { model, bot, gateway, asked, anna: api.person() }
}

/** What is said after a turn without an answer stands in one message with it. */
function lastSaid({ messages }: ModelRequest): string {
  return messages.at(-1)?.content.split('\n\n').at(-1) ?? ''
}

/** An address that answers when it is told to. */
async function openHold() {
  const arrived = Promise.withResolvers<ServerResponse>()
  const server = createServer((_, response) => arrived.resolve(response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  whenDone(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the hold has no port')
  return { url: `http://127.0.0.1:${address.port}/`, arrived: arrived.promise }
}

scenario('S13 S14 a preparation takes its time: pending at once, and a second message is a second run', async () => {
  const { model, bot, gateway, asked, anna } = await preparing()
  const [hold, first, second] = [await openHold(), model.next(), model.next()]
  const M1 = `preparation waits for ${hold.url}`
  anna.says(bot, M1)
  const held = await hold.arrived
  expect((await statusOf(gateway)).sessions).toMatchObject({ pending: 1, running: 0, queued_messages: 0 })
  expect(await ask(bot, anna, '/status')).toContain('State: pending')
  anna.says(bot, 'M2')
  await eventually(async () => (await statusOf(gateway)).sessions.queued_messages === 1, gateway)
  expect((await statusOf(gateway)).sessions).toMatchObject({ pending: 1, running: 0 })
  expect(asked()).toEqual([])
  held.end('go on')
  await first.arrived
  expect((await statusOf(gateway)).sessions).toMatchObject({ pending: 0, running: 1, queued_messages: 1 })
  expect(asked()).toEqual([M1])
  await first.respond('re: M1')
  await second.respond('re: M2')
  expect((await answered(bot, anna, 3)).slice(1)).toEqual(['re: M1', 're: M2'])
  expect(asked()).toEqual([M1, 'M2'])
})

scenario('S15 a preparation that throws: the sender is told, and the next message runs as ever', async () => {
  const { bot, asked, anna } = await preparing()
  expect(await ask(bot, anna, 'preparation throws')).toMatch(/^I could not answer: an internal error/)
  expect(await ask(bot, anna, 'hello')).toBe('re: hello')
  expect(asked()).toEqual(['hello'])
})

/** A message whose preparation never ends, and one behind it; both must come to an end within so long. */
async function hangs({ bot, asked, anna }: Awaited<ReturnType<typeof preparing>>, withinMs: number): Promise<void> {
  const before = performance.now()
  anna.says(bot, 'preparation hangs')
  anna.says(bot, 'M2')
  const said = () => bot.shown(anna.id).filter(({ from }) => from.isBot)
  await bot.waitFor(() => said().length >= 2, withinMs)
  expect(performance.now() - before).toBeGreaterThan(DEADLINE_MS - 50)
  const [told, answer] = said().map(({ text }) => text)
  expect(told).toMatch(/^I could not answer: .*prepared in time/)
  expect(answer).toBe('re: M2')
  expect(asked()).toEqual(['M2'])
}

scenario(
  'S15 S7 a preparation that hangs: it ends at its deadline, the sender is told, the session is free',
  async () => {
    await hangs(await preparing(SHORT), DEADLINE_MS + SOON_MS)
  },
)

scenario('S15 the check catches a preparation without a deadline', async () => {
  const endless = await preparing(SHORT, {
    file: '/machines/session.ts',
    was: 'after: { pendingMsMax:',
    is: 'after: { runMsMax:',
  })
  await expect(hangs(endless, DEADLINE_MS + 1_000)).rejects.toThrow()
  expect(endless.asked()).toEqual([])
})
