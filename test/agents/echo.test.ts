// Echo: the contract's answer, to the letter, at any time and any number of times.

import { expect, test } from 'vitest'
import type { Agent } from '../../src/agents/agent.ts'
import { buildAgent } from '../../src/agents/catalog.ts'
import { asking, failureFrom, partsFor, said } from './parts.ts'

const TURN = [said('what is the time?'), said('  two\nlines  '), said('')]
const ANSWER = 'cfo heard: what is the time?\ncfo heard:   two\nlines  \ncfo heard: '

test('echo answers `AGENT heard: TEXT` for each message of the turn, one a line', async () => {
  const agent = await buildAgent(partsFor({ provider: 'echo', delayMs: 0 }))
  expect(await agent.think(asking({ messages: TURN }))).toEqual({ text: ANSWER, calls: [], usage: null })
})

test('echo is deterministic: same turn, same answer, whatever was said before and however often', async () => {
  const agent = await buildAgent(partsFor({ provider: 'echo', delayMs: 0 }))
  await checkDeterministic(agent)
})

test('the check of determinism catches an echo that counts', async () => {
  const agent = await buildAgent(partsFor({ provider: 'echo', delayMs: 0 }))
  let answers = 0
  const counting: Agent = {
    ...agent,
    think: async (request) => ({ ...(await agent.think(request)), text: `answer ${(answers += 1)}` }),
  }
  await expect(checkDeterministic(counting)).rejects.toThrow()
})

test('the deltas are words and their sum is the text', async () => {
  const agent = await buildAgent(partsFor({ provider: 'echo', delayMs: 0 }))
  const request = asking({ messages: TURN })
  const { text } = await agent.think(request)
  expect(request.deltas.join('')).toBe(text)
  expect(request.deltas.slice(0, 4)).toEqual(['cfo', ' heard:', ' what', ' is'])
})

test('`delay` holds the answer back for exactly that long, by the world’s clock', async () => {
  const parts = partsFor({ provider: 'echo', delayMs: 200 })
  const agent = await buildAgent(parts)
  const request = asking()
  let settled = false
  const answer = agent.think(request).finally(() => (settled = true))
  parts.clock.advance(199)
  await Promise.resolve()
  expect([settled, request.deltas]).toEqual([false, []])
  parts.clock.advance(1)
  expect((await answer).text).toBe('cfo heard: hello')
})

test('a cancel during the delay rejects at once, and leaves no timer and no delta', async () => {
  const parts = partsFor({ provider: 'echo', delayMs: 60_000 })
  const agent = await buildAgent(parts)
  const stop = new AbortController()
  const request = asking({ signal: stop.signal })
  const answer = failureFrom(agent.think(request))
  expect(parts.clock.timers()).toBe(1)
  stop.abort()
  expect((await answer).failure.reason).toBe('cancelled')
  expect(parts.clock.timers()).toBe(0)
  parts.clock.advance(120_000)
  expect(request.deltas).toEqual([])
})

test('a cancel before the start rejects without a timer; one in a delta ends the deltas', async () => {
  const parts = partsFor({ provider: 'echo', delayMs: 5 })
  const agent = await buildAgent(parts)
  expect((await failureFrom(agent.think(asking({ signal: AbortSignal.abort() })))).failure.reason).toBe('cancelled')
  expect(parts.clock.timers()).toBe(0)

  const stop = new AbortController()
  const heard: string[] = []
  const onDelta = (text: string): void => {
    heard.push(text)
    stop.abort()
  }
  const answer = failureFrom(agent.think(asking({ signal: stop.signal, onDelta })))
  parts.clock.advance(5)
  expect((await answer).failure.reason).toBe('cancelled')
  expect(heard).toEqual(['cfo'])
})

test('echo has no endpoint to ask: its probe resolves', async () => {
  const agent = await buildAgent(partsFor({ provider: 'echo', delayMs: 60_000 }))
  await expect(agent.probe(new AbortController().signal)).resolves.toBeUndefined()
})

async function checkDeterministic(agent: Agent): Promise<void> {
  const history = [{ role: 'user', text: 'before' } as const, { role: 'assistant', text: 'indeed' } as const]
  const answers = [
    await agent.think(asking({ messages: TURN })),
    await agent.think(asking({ messages: TURN, history })),
    await agent.think(asking({ messages: TURN })),
  ]
  expect(new Set(answers.map((answer) => answer.text))).toEqual(new Set([ANSWER]))
}
