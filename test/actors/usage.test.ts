// Usage through the real actors and store: counted with each answer, once, whatever becomes of the run.

import { expect, test } from 'vitest'
import type { ModelDefinition } from '../../machines/definitions.ts'
import { NOTHING_USED } from '../../machines/usage.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { PLAIN_MODEL } from '../support/definitions.ts'
import { type House, openHouse } from '../support/house.ts'
import { settled } from '../support/world.ts'

const LOOK = { id: '1', tool: 'look', input: {} }

const look: Tool = {
  name: 'look',
  description: 'looks',
  parameters: { type: 'object' },
  changes: false,
  idempotent: true,
  call: async () => 'nothing',
}

const MODEL: ModelDefinition = {
  ...{ provider: 'openai', name: 'a', baseUrl: null, apiKey: { secret: 's' } },
  ...PLAIN_MODEL,
  prices: { inputPerMillion: 1_000, outputPerMillion: 10_000 },
}

const SPARE: ModelDefinition = { ...MODEL, name: 'b', prices: null }

const agents = { cfo: { tools: ['look'], model: MODEL, fallbackModels: [SPARE] } }

const tokens = (inputTokens: number, outputTokens: number) => ({ usage: { inputTokens, outputTokens } })

const ofSession = (house: House, key = 'a/c1') => house.store.usageOfSession(key, 1)

const sent = (house: House): string[] => house.platform('a').sent.map(({ text }) => text)

test('each answer of a run counts, with the price of the model that gave it; the transcript says which one', async () => {
  const house = await openHouse({ agents, tools: { look } })
  await house.says('a', 'hello')
  await house.thoughts[0]?.gives({ calls: [LOOK], ...tokens(100, 10) })
  expect(await ofSession(house)).toEqual({ ...NOTHING_USED, inputTokens: 100, outputTokens: 10, cost: 0.2 })
  await house.thoughts[1]?.gives({ text: 'done', ...tokens(200, 20), model: SPARE })
  expect(await ofSession(house)).toEqual({ ...NOTHING_USED, runs: 1, inputTokens: 300, outputTokens: 30, cost: 0.2 })
  const [, answer] = await house.store.transcript('a/c1')
  expect(answer).toMatchObject({ model: 'openai:b', spent: { inputTokens: 200, outputTokens: 20, cost: null } })
  expect(answer?.steps[0]).toMatchObject({ kind: 'answer', model: 'openai:a', spent: { inputTokens: 100 } })
})

test('by session, person and agent; in a group it is the one who asked', async () => {
  const house = await openHouse({ agents, tools: { look } })
  const ben = { sender: { id: '2', name: 'Ben', handle: null } }
  await house.says('a', 'one')
  await house.thoughts[0]?.gives({ text: 'yes', ...tokens(1, 1) })
  await house.says('a', 'two', { ...ben, kind: 'group', conversation: 'g' })
  await house.thoughts[1]?.gives({ text: 'yes', ...tokens(10, 1) })
  await house.says('a', 'three', { ...ben, conversation: 'c2' })
  await house.thoughts[2]?.gives({ text: 'yes', ...tokens(100, 1) })
  const rows = await house.store.usageOfPeople(0, null, 10)
  expect(rows.map(({ agent, user, inputTokens }) => [agent, user, inputTokens])).toEqual([
    ['cfo', 'a/1', 1],
    ['cfo', 'a/2', 110],
  ])
  expect((await ofSession(house, 'a/g')).inputTokens).toBe(10)
})

test('a run that is stopped, one that fails, and one that a crash breaks: what was answered on the way counts once', async () => {
  const house = await openHouse({ agents, tools: { look } })
  await house.says('a', 'one')
  await house.thoughts[0]?.gives({ calls: [LOOK], ...tokens(100, 10) })
  await house.says('a', '/stop')
  expect(await ofSession(house)).toMatchObject({ runs: 0, inputTokens: 100 })
  await house.says('a', 'two')
  await house.thoughts[2]?.gives({ calls: [LOOK], ...tokens(100, 10) })
  house.kill()
  const again = await openHouse({ agents, tools: { look }, store: house.store, world: house.world })
  await again.thoughts[0]?.gives({ text: 'done', ...tokens(100, 10) })
  expect(await ofSession(again)).toMatchObject({ runs: 1, inputTokens: 300, outputTokens: 30 })
})

test('an answer that may ask for no more tools and does so is paid for all the same', async () => {
  const house = await openHouse({ agents: { cfo: { ...agents.cfo, maxSteps: 1 } }, tools: { look } })
  await house.says('a', 'hello')
  await house.thoughts[0]?.gives({ calls: [LOOK], ...tokens(100, 10) })
  expect(await ofSession(house)).toMatchObject({ runs: 1, inputTokens: 100 })
})

test('what a turn takes goes to the day on which it began', async () => {
  const house = await openHouse({ agents, tools: { look } })
  await house.world.advance(86_400_000 - 1_000)
  await house.says('a', 'late')
  await house.world.advance(2_000)
  await house.thoughts[0]?.gives({ text: 'yes', ...tokens(100, 10) })
  const [first, second] = [await house.store.usageOfPeople(1, null, 10), await house.store.usageOfPeople(0, null, 10)]
  expect([first[0]?.inputTokens, second]).toEqual([100, []])
})

test('/status tells what its session used today, from any state, also after a restart', async () => {
  const house = await openHouse({ agents, tools: { look } })
  await house.says('a', 'hello')
  await house.says('a', '/status')
  await house.thoughts[0]?.gives({ text: 'yes', ...tokens(1_000, 234) })
  await house.says('a', '/status')
  const line = 'Used today: 1,234 tokens (1,000 in, 234 out) in 1 run, cost 3.34'
  expect(sent(house).map((text) => text.split('\n').at(-1))).toEqual(['Used today: 0 tokens in 0 runs', 'yes', line])
  house.kill()
  const again = await openHouse({ agents, tools: { look }, store: house.store, world: house.world })
  await again.says('a', '/status')
  await settled()
  expect(sent(again)[0]).toContain(line)
  await again.world.advance(86_400_000)
  await again.says('a', '/status')
  expect(sent(again)[1]).toContain('Used today: 0 tokens in 0 runs')
})
