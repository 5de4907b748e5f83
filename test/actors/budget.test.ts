// Budget through the real actors and store: who is over it is told and no model is asked; nothing is lost, and it begins anew.

import { describe, expect, test } from 'vitest'
import { budgetFailure } from '../../machines/budget.ts'
import type { Budget } from '../../machines/definitions.ts'
import { sayable } from '../../machines/failure.ts'
import type { Inbound } from '../../machines/messages.ts'
import { NOTHING_USED } from '../../machines/usage.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { type House, openHouse } from '../support/house.ts'

const BEN = { sender: { id: '2', name: 'Ben', handle: null } }
const ELSEWHERE = { conversation: 'c2' }

const house = (per: Budget['per'], given: Partial<Parameters<typeof openHouse>[0]> = {}) =>
  openHouse({ agents: { cfo: { budget: { tokensPerDay: 100, per } } }, channels: { a: {}, b: {} }, ...given })

const sent = (house: House, channel = 'a'): string[] => house.platform(channel).sent.map(({ text }) => text)

/** Uses up the whole of it, in one turn. */
async function uses(house: House, inbound: Partial<Inbound> = {}): Promise<void> {
  await house.says('a', 'use it', inbound)
  await house.thoughts.at(-1)?.gives({ text: 'used', usage: { inputTokens: 90, outputTokens: 10 } })
}

const OVER =
  'I could not answer: your budget of 100 tokens a day is used up. It begins anew at midnight UTC, in 24 hours.'

test('who is over it is told when it begins anew, no model is asked, and the message is answered and not lost', async () => {
  await expectRefused(await house('user'))
})

test('a broken budget that is never held against anybody is caught', async () => {
  const wrap: Parameters<typeof openHouse>[0] = {
    wrap: (store) => ({ ...store, usageOn: async () => NOTHING_USED }),
  }
  await expect(expectRefused(await house('user', wrap))).rejects.toThrow()
})

async function expectRefused(house: House): Promise<void> {
  await uses(house)
  await house.says('a', 'more')
  expect([house.thoughts.length, sent(house)]).toEqual([1, ['used', OVER]])
  expect(await house.store.unfinished('a', 0, 9)).toEqual([])
  expect(await house.store.deadLetters(9)).toEqual([])
  expect((await house.store.transcript('a/c1')).slice(2).map(({ role, text }) => [role, text])).toEqual([
    ['user', 'more'],
    ['failure', OVER],
  ])
  expect(house.census()).toMatchObject({ idle: 1, pending: 0, running: 0 })
  expect(await house.store.usageOfSession('a/c1', 1)).toMatchObject({ runs: 1 })
}

test('it begins anew with the next day; what was asked over it can be asked again', async () => {
  const one = await house('user')
  await uses(one)
  await one.says('a', 'more')
  await one.world.advance(86_400_000)
  await one.says('a', '/retry')
  expect(one.thoughts[1]?.request.messages.map(({ text }) => text)).toEqual(['more'])
})

describe('whose use counts', () => {
  const CASES: [Budget['per'], who: string, Partial<Inbound>, 'refused' | 'answered'][] = [
    ['user', 'the same person elsewhere', ELSEWHERE, 'refused'],
    ['user', 'another person there', { ...BEN, kind: 'group' }, 'answered'],
    ['session', 'the same person elsewhere', ELSEWHERE, 'answered'],
    ['session', 'another person there', { ...BEN, kind: 'group' }, 'refused'],
    ['agent', 'another person elsewhere', { ...BEN, ...ELSEWHERE }, 'refused'],
  ]

  test.each(CASES)('per %s: %s', async (per, _, inbound, verdict) => {
    const one = await house(per)
    await uses(one, { kind: 'group' })
    await one.says('a', 'more', inbound)
    expect(one.thoughts).toHaveLength(verdict === 'refused' ? 1 : 2)
  })

  test('per user: the same id on another channel is another person; per agent it is the same agent', async () => {
    for (const [per, count] of [
      ['user', 2],
      ['agent', 1],
    ] as const) {
      const one = await house(per)
      await uses(one)
      await one.says('b', 'more')
      expect(one.thoughts, per).toHaveLength(count)
    }
  })
})

test('commands are answered as ever', async () => {
  const one = await house('session')
  await uses(one)
  await one.says('a', '/status')
  await one.says('a', '/compact')
  expect(sent(one)[1]).toContain('Used today: 100 tokens')
  expect(sent(one)[2]).toContain('this conversation’s budget of 100 tokens a day is used up')
})

test('S42: a turn that began under it is finished after a crash, whatever it takes', async () => {
  const look: Tool = {
    ...{ name: 'look', description: 'looks', parameters: { type: 'object' }, changes: false, idempotent: true },
    call: async () => 'nothing',
  }
  const given = {
    agents: { cfo: { tools: ['look'], budget: { tokensPerDay: 100, per: 'user' } as const } },
    tools: { look },
  }
  const one = await openHouse(given)
  await one.says('a', 'look')
  await one.thoughts[0]?.gives({
    calls: [{ id: '1', tool: 'look', input: {} }],
    usage: { inputTokens: 100, outputTokens: 1 },
  })
  one.kill()
  const again = await openHouse({ ...given, store: one.store, world: one.world })
  await again.thoughts[0]?.answer('nothing there')
  expect(sent(again)).toEqual(['nothing there'])
})

describe('the words', () => {
  const at = (time: string) => Date.parse(`2026-01-01T${time}Z`)
  const budget = { tokensPerDay: 2_000_000, per: 'agent' } as const
  const used = { ...NOTHING_USED, inputTokens: 1_999_999, outputTokens: 0 }

  test('a budget has its last token', () => {
    expect(budgetFailure(budget, used, at('12:00:00'))).toBe(null)
    expect(budgetFailure(budget, { ...used, outputTokens: 1 }, at('12:00:00'))).not.toBe(null)
  })

  test.each([
    ['00:00:00', '24 hours'],
    ['21:59:00', '3 hours'],
    ['22:00:01', '2 hours'],
    ['22:01:00', '119 minutes'],
    ['23:59:30', '1 minute'],
  ])('at %s it is %s', (time, left) => {
    const failure = budgetFailure(budget, { ...used, outputTokens: 1 }, at(time))
    expect(failure === null ? '' : sayable(failure)).toBe(
      `my budget of 2,000,000 tokens a day is used up. It begins anew at midnight UTC, in ${left}.`,
    )
  })
})
