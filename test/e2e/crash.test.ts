// Crash, through the binary: kill -9 at seeded moments and at named points, and what became of everything that was accepted.
// `npm run crash -- --rounds 1000 --seed 1` is the same for longer, until it has died at every point.

import { expect } from 'vitest'
import { BROKEN } from '../crash/broken.ts'
import { isSound } from '../crash/count.ts'
import { pointsMissed } from '../crash/lives.ts'
import { crashRounds } from '../crash/rounds.ts'
import { openTown } from '../crash/town.ts'
import { troupe } from '../support/gateway-process.ts'
import {
  addBot,
  answered,
  answers,
  eventually,
  jsonOf,
  modelAgents,
  openModel,
  openTelegram,
  post,
  run,
  scenario,
  started,
  statusOf,
  telegram,
  whenDone,
} from '../support/scenario.ts'
import { watch } from '../support/watching.ts'

scenario(
  'S41 M5 kill -9 under load, at random moments and named points: everything accepted is answered, one turn each, no unsaid double',
  async () => {
    const result = await crashRounds({ rounds: 4, seed: 10 })
    expect([...result.ends.values()].reduce((sum, count) => sum + count, 0)).toBe(4)
    expect(result.ends.get('at a point')).toBeGreaterThan(0)
    expect(result).toMatchObject({
      lost: 0,
      doubledTurns: 0,
      unmarkedDoubles: 0,
      sentAgain: 0,
      outOfOrder: 0,
      doneTwice: 0,
    })
    expect(result.accepted).toBeGreaterThan(50)
    // Given up after three lives that were killed (S45), or refused for good by Telegram: both are listed.
    expect(result.answered + result.givenUp + result.undeliverable).toBe(result.accepted)
    expect(result.givenUp + result.undeliverable).toBeLessThan(20)
  },
)

/** It ends as soon as it came by all of them; a busy machine takes longer. */
const POINTS_MS_MAX = 40_000

scenario('S41 a loaded gateway comes by every named point', async () => {
  const town = await openTown(43, { asksModel: true })
  whenDone(() => town.close({ keepStore: false }))
  expect(await pointsMissed(town, POINTS_MS_MAX)).toEqual([])
})

for (const [name, { shows }] of Object.entries(BROKEN)) {
  scenario(`S41 the count catches ${name}`, async () => {
    const result = await crashRounds({ rounds: 1, seed: 42, broken: name })
    expect(result[shows]).toBeGreaterThan(0)
    expect(isSound(result)).toBe(false)
  })
}

scenario('S41 five kills of one session: each accepted message has one turn in the transcript', async () => {
  const agents = { cfo: { model: { provider: 'echo', delay: '30ms' } } }
  const { folder, gateway: first } = await run({ agents, channels: { web: { platform: 'web', agent: 'cfo' } } })
  let gateway = first
  const texts: string[] = []
  // Milliseconds of a turn's life: accepted, claimed, running, committing, sending.
  for (const [life, ms] of [0, 9, 28, 33, 61].entries()) {
    for (let index = 0; index < 4; index += 1) {
      const text = `M${life}-${index}`
      expect((await post(gateway, 'web', { conversation: 'room', text, message_id: text })).status).toBe(202)
      texts.push(text)
    }
    await new Promise((resolve) => setTimeout(resolve, ms))
    await gateway.kill9()
    gateway = await started(folder)
  }
  const watching = await watch(gateway, 'web', 'room')
  const heard = texts.map((text) => `cfo heard: ${text}`)
  expect(await watching.answered(texts.length)).toEqual(heard)
  const shown = await troupe(['sessions', 'show', 'web/room', '--json', '--config', `${folder}/gateway.yaml`])
  const { transcript } = JSON.parse(shown.output) as { transcript: { role: string; text: string }[] } // as: --json's form
  expect(transcript.map(({ role, text }) => `${role} ${text}`)).toEqual(
    texts.flatMap((text, index) => [`user ${text}`, `assistant ${heard[index]}`]),
  )
})

scenario(
  'S42 S43 killed in a run: it is asked anew once, a message that comes during the recovery has its own run after it',
  async () => {
    const [api, model] = [await openTelegram(), await openModel()]
    const bot = addBot(api)
    const { folder, gateway } = await run({ agents: modelAgents(model), channels: { tg: telegram(api, bot) } })
    const anna = api.person()
    const [lost, again, later] = [model.next(), model.next(), model.next()]
    anna.says(bot, 'M1')
    await lost.arrived
    await lost.chunk('half')
    await gateway.kill9()
    anna.says(bot, 'M2')
    const resumed = await started(folder)
    expect((await again.arrived).messages.at(-1)?.content).toBe('M1')
    await eventually(async () => (await statusOf(resumed)).sessions.queued_messages === 1, resumed)
    expect((await statusOf(resumed)).sessions).toMatchObject({ running: 1, pending: 0 })
    await again.respond('re: M1')
    expect((await later.arrived).messages.slice(1).map(({ content }) => content)).toEqual(['M1', 're: M1', 'M2'])
    await later.respond('re: M2')
    expect(await answered(bot, anna, 2)).toEqual(['re: M1', 're: M2'])
    expect(model.requests).toHaveLength(3)
  },
)

scenario(
  'S45 a message that is there when the process dies three times becomes a dead letter; the session goes on',
  async () => {
    const [api, model] = [await openTelegram(), await openModel()]
    const bot = addBot(api)
    const { folder, gateway: first } = await run({ agents: modelAgents(model), channels: { tg: telegram(api, bot) } })
    let gateway = first
    const anna = api.person()
    anna.says(bot, 'the one that breaks it')
    for (let life = 1; life <= 3; life += 1) {
      await model.next().arrived
      await gateway.kill9()
      gateway = await started(folder)
    }
    const [told] = await answered(bot, anna, 1)
    expect(told).toMatch(/gave up on your message/)
    const { dead_letters } = await jsonOf<{ dead_letters: { text: string }[] }>(await gateway.request('/deadletters'))
    expect(dead_letters.map(({ text }) => text)).toEqual(['the one that breaks it'])
    model.always(() => 'fine')
    anna.says(bot, 'a good one')
    expect((await answered(bot, anna, 2))[1]).toBe('fine')
    expect(answers(bot, anna)).toHaveLength(2)
    expect(model.requests).toHaveLength(4)
  },
)
