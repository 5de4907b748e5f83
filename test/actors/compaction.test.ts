// Compaction through the real actors and store: a history that would not fit becomes a summary before the run. Nobody is told, all of it
// is kept, and a summary that was never needed twice is not made twice.

import { expect, test } from 'vitest'
import type { ModelDefinition } from '../../machines/definitions.ts'
import { FailureError } from '../../machines/failure.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { PLAIN_MODEL } from '../support/definitions.ts'
import { type House, type HouseOptions, openHouse } from '../support/house.ts'

/** Room for 800 tokens; a turn below has 500. */
const MODEL: ModelDefinition = {
  ...{ provider: 'openai', name: 'a', baseUrl: null, apiKey: { secret: 's' } },
  ...PLAIN_MODEL,
  contextTokens: 1_000,
}

const AGENTS = { cfo: { instructions: '', model: MODEL } }

const LONG = 'y'.repeat(1_470)

const sent = (house: House): string[] => house.platform('a').sent.map(({ text }) => text)

const transcript = async (house: House): Promise<string[]> =>
  (await house.store.transcript('a/c1')).map(({ role, text }) => `${role} ${text.slice(0, 9)}`)

const told = (house: House, thought: number): string[] =>
  (house.thoughts[thought]?.request.history ?? []).map(({ role, text }) => `${role} ${text.slice(0, 40)}`)

/** One long turn is there, and the next one does not fit beside it. */
async function filled(given: HouseOptions = {}): Promise<House> {
  const house = await openHouse({ agents: AGENTS, ...given })
  await house.says('a', 'one')
  await house.thoughts[0]?.answer(LONG)
  await house.says('a', `two ${LONG}`)
  return house
}

const isSummary = (house: House, thought: number): boolean =>
  house.thoughts[thought]?.request.messages[0]?.text.startsWith('Summarise our conversation') === true

test('a summary comes before the run that needs it; the person sees the answer and nothing of it', async () => {
  await expectSummary(await filled())
})

test('a broken store that loses the summary is caught', async () => {
  const wrap: HouseOptions['wrap'] = (store) => ({
    ...store,
    commit: (commit) => store.commit({ ...commit, entries: commit.entries.filter(({ role }) => role !== 'summary') }),
  })
  await expect(expectSummary(await filled({ wrap }))).rejects.toThrow()
})

async function expectSummary(house: House): Promise<void> {
  expect([isSummary(house, 1), told(house, 1)]).toEqual([true, ['user one', `assistant ${LONG.slice(0, 40)}`]])
  expect(house.census()).toMatchObject({ running: 1 })
  house.thoughts[1]?.says('in sh')
  await house.thoughts[1]?.gives({ text: 'in short', usage: { inputTokens: 7, outputTokens: 3 } })
  expect(told(house, 2)).toEqual(['user What was said before, in short:\n\nin shor'])
  await house.thoughts[2]?.answer('yes')
  expect(sent(house)).toEqual([LONG, 'yes'])
  expect(house.platform('a').shown.filter(({ kind }) => kind === 'delta')).toEqual([])
  expect(await transcript(house)).toEqual([
    'user one',
    `assistant ${LONG.slice(0, 9)}`,
    'summary in short',
    `user two ${LONG.slice(0, 5)}`,
    'assistant yes',
  ])
  // What it took is counted like any answer; a run it is not.
  expect(await house.store.usageOfSession('a/c1', 1)).toMatchObject({ runs: 2, inputTokens: 7, outputTokens: 3 })
  expect((await house.store.sessions(1))[0]?.turns).toBe(2)
  await house.says('a', 'three')
  expect(told(house, 3).slice(0, 2)).toEqual([
    'user What was said before, in short:\n\nin shor',
    `user two ${LONG.slice(0, 36)}`,
  ])
}

test('S41: killed while it is made, it is made again; killed behind it, it stands there alone and is not made again', async () => {
  const house = await filled()
  house.kill()
  const second = await openHouse({ agents: AGENTS, store: house.store, world: house.world })
  expect(isSummary(second, 0)).toBe(true)
  await second.thoughts[0]?.answer('in short')
  second.kill()
  expect((await transcript(second)).at(-1)).toBe('summary in short')
  const third = await openHouse({ agents: AGENTS, store: house.store, world: house.world })
  expect([isSummary(third, 0), told(third, 0)]).toEqual([false, ['user What was said before, in short:\n\nin shor']])
  await third.thoughts[0]?.answer('yes')
  expect((await transcript(third)).filter((line) => line.startsWith('summary'))).toEqual(['summary in short'])
  expect(sent(third).at(-1)).toBe('yes')
})

test('S32 S33 S38: /stop while it is made closes its request, and nothing of it is written or asked afterwards', async () => {
  const house = await filled()
  await house.says('a', '/stop')
  expect(house.thoughts[1]?.closed()).toBe(true)
  await house.thoughts[1]?.answer('late')
  expect((await transcript(house)).slice(2)).toEqual([`user two ${LONG.slice(0, 5)}`, 'partial '])
  expect([sent(house).at(-1), house.thoughts.length]).toEqual(['Stopped.', 2])
})

test('S20: an interrupt ends it like a run', async () => {
  const house = await filled({ channels: { a: { busyMode: 'interrupt' } } })
  await house.says('a', 'no, this')
  expect(house.thoughts[1]?.closed()).toBe(true)
  // The interrupted question is part of the history now, and that still has no room.
  expect(isSummary(house, 2)).toBe(true)
  await house.thoughts[2]?.answer('in short')
  await house.thoughts[3]?.answer('yes')
  expect(sent(house)).toEqual([LONG, 'yes'])
})

test('without a summary the oldest turns are left out, and the turn is answered', async () => {
  const house = await filled()
  await house.thoughts[1]?.fail(new FailureError({ kind: 'retryable', reason: 'unavailable', message: 'it is away' }))
  expect(told(house, 2)).toEqual([])
  await house.thoughts[2]?.answer('yes')
  expect(sent(house)).toEqual([LONG, 'yes'])
  expect((await transcript(house)).filter((line) => line.startsWith('summary'))).toEqual([])
})

test('/undo takes the turn and leaves the summary; a second one takes the turn before it, and with it the summary', async () => {
  const house = await filled()
  await house.thoughts[1]?.answer('in short')
  await house.thoughts[2]?.answer('yes')
  const history = async () => (await house.store.history('a/c1')).map(({ role }) => role)
  await house.says('a', '/undo')
  expect(await history()).toEqual(['summary'])
  await house.says('a', '/undo')
  expect(await history()).toEqual([])
})

test('/retry asks again behind the summary, and makes none of its own', async () => {
  const house = await filled()
  await house.thoughts[1]?.answer('in short')
  await house.thoughts[2]?.answer('yes')
  await house.says('a', '/retry')
  expect(house.thoughts[3]?.request.messages[0]?.text).toMatch(/^two/)
  expect(told(house, 3)).toEqual(['user What was said before, in short:\n\nin shor'])
  await house.thoughts[3]?.answer('really')
  const history = await house.store.history('a/c1')
  expect(history.map(({ role, text }) => `${role} ${text.slice(0, 6)}`)).toEqual([
    'summary in sho',
    'user two yy',
    'assistant really',
  ])
})

test('/compact of a history that has no room summarises the newest part of it', async () => {
  const house = await openHouse({ agents: AGENTS })
  for (const text of ['one', 'two']) {
    await house.says('a', text)
    await house.thoughts.at(-1)?.answer(text === 'one' ? LONG : 'short')
  }
  await house.says('a', `three ${LONG}`)
  await house.says('a', '/stop')
  await house.says('a', '/compact')
  expect(isSummary(house, house.thoughts.length - 1)).toBe(true)
  expect(told(house, house.thoughts.length - 1)[0]).toBe('user two')
})

test('a summary is told what tools did in words: it is made without tools, and providers refuse calls of unknown ones', async () => {
  const look: Tool = {
    ...{ name: 'look', description: 'looks', parameters: { type: 'object' }, changes: false, idempotent: true },
    call: async () => 'nothing',
  }
  for (const how of ['/compact', `two ${LONG}`]) {
    const house = await openHouse({ agents: { cfo: { ...AGENTS.cfo, tools: ['look'] } }, tools: { look } })
    await house.says('a', 'one')
    await house.thoughts[0]?.asks({ id: '1', tool: 'look', input: { at: 'it' } })
    await house.thoughts[1]?.answer(LONG)
    await house.says('a', how)
    expect(isSummary(house, 2)).toBe(true)
    const { history, tools } = house.thoughts[2]?.request ?? { history: [], tools: ['none'] }
    expect([tools, history.filter(({ steps }) => steps !== undefined)]).toEqual([[], []])
    expect(history[1]).toEqual({ role: 'assistant', text: '(I used look with {"at":"it"}: nothing)' })
  }
})
