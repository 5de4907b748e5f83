// Estimate: what a request took, as far as its provider does not tell.

import { describe, expect, test } from 'vitest'
import type { ModelDefinition } from '../../machines/definitions.ts'
import { type AskedRequest, askedTokens, type Reading, spentSoFar } from '../../machines/estimate.ts'
import type { TranscriptEntry } from '../../machines/messages.ts'
import type { Step } from '../../machines/steps.ts'
import type { Spent } from '../../machines/usage.ts'
import { PLAIN_MODEL, testAgent } from '../support/definitions.ts'

/** 100 tokens, and 104 with what stands around a text. */
const HUNDRED = 'abc'.repeat(100)

const told = (inputTokens: number): Spent => ({ inputTokens, outputTokens: 5, cost: null })
const guessed = (inputTokens: number): Spent => ({ ...told(inputTokens), estimated: told(inputTokens) })

function entry(turn: string, given: Partial<TranscriptEntry> = {}): TranscriptEntry {
  return { role: 'user', turn, text: HUNDRED, sender: null, seq: 1, atMs: 0, steps: [], ...given }
}

const answer = (turn: string, spent: Spent | null) => entry(turn, { role: 'assistant', model: 'openai:a', spent })

const asks = (spent: Spent | null): Step => {
  return { kind: 'answer', text: HUNDRED, calls: [], atMs: 0, seqs: [1], model: 'openai:a', spent }
}
const result: Step = { kind: 'result', call: '1', text: HUNDRED.repeat(100), failed: false }

const request = (given: Partial<AskedRequest> = {}): AskedRequest => ({
  definition: testAgent('cfo', { instructions: HUNDRED }),
  history: [],
  messages: [{ text: HUNDRED }],
  steps: [],
  tools: HUNDRED,
  ...given,
})

describe('what a request reads', () => {
  test('nobody has counted: instructions, tools, history and the turn', () => {
    expect(askedTokens(request())).toBe(100 + 100 + 104)
    expect(askedTokens(request({ history: [entry('t1'), answer('t1', null)] }))).toBe(304 + 2 * 104)
  })

  test('the last answer that was counted stands for all that was before it, more or less than the estimate of it', () => {
    const since = [entry('t2'), answer('t2', guessed(7_000))]
    for (const count of [10, 9_000]) {
      const history = [entry('t1'), answer('t1', told(1)), answer('t1', told(count)), ...since]
      expect(askedTokens(request({ history })), `${count}`).toBe(count + 5 + 2 * 104 + 104)
    }
  })

  test('within a run it is the run’s own last answer, and what came since is told as it is', () => {
    const history = [entry('t1'), answer('t1', told(9_000))]
    const whole = 4 + 100 * 100
    expect(askedTokens(request({ history, steps: [asks(told(40)), result] }))).toBe(45 + whole)
    expect(askedTokens(request({ history, steps: [asks(told(40)), result, asks(guessed(50)), result] }))).toBe(
      45 + whole + (104 + 1) + whole,
    )
    expect(askedTokens(request({ steps: [asks(null), result] }))).toBe(304 + 104 + 1 + whole)
  })
})

describe('what it has taken so far', () => {
  const model: ModelDefinition = {
    ...{ provider: 'openai', name: 'a', baseUrl: null, apiKey: { secret: 's' } },
    ...PLAIN_MODEL,
    prices: { inputPerMillion: 1_000, outputPerMillion: 10_000 },
  }
  const nothing: Reading = { model, inputTokens: null, outputTokens: null, bytes: 0 }
  const spent = (reading: Partial<Reading>) => spentSoFar({ ...nothing, ...reading }, () => 200)
  const amount = (inputTokens: number, outputTokens: number, cost: number) => ({ inputTokens, outputTokens, cost })

  test.each([
    ['nothing was told, and nothing has come', {}, amount(200, 0, 0.2), amount(200, 0, 0.2)],
    ['nothing was told', { bytes: 31 }, amount(200, 11, 0.31), amount(200, 11, 0.31)],
    ['what it reads was told', { inputTokens: 50, bytes: 30 }, amount(50, 10, 0.15), amount(0, 10, 0.1)],
    [
      'both were told, and more has come since',
      { inputTokens: 50, outputTokens: 20, bytes: 30 },
      amount(50, 30, 0.35),
      amount(0, 10, 0.1),
    ],
  ])('%s', (_, reading, all, estimated) => expect(spent(reading)).toEqual({ ...all, estimated }))

  test('all of it was told: nothing is marked', () => {
    expect(spent({ inputTokens: 50, outputTokens: 20 })).toStrictEqual(amount(50, 20, 0.25))
  })
})
