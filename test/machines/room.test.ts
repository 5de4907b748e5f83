// Room: instructions that leave none in what their model takes in are told of, with both sizes and what to do.

import { expect, test } from 'vitest'
import { instructionsFailure } from '../../machines/room.ts'
import { PLAIN_MODEL } from '../support/definitions.ts'

const MODEL = {
  provider: 'openai-compatible',
  name: 'm',
  baseUrl: 'http://h/v1',
  apiKey: null,
  ...PLAIN_MODEL,
} as const

test('instructions of just the size of the model are no failure; one token more is', () => {
  const model = { ...MODEL, contextTokens: 100 }
  expect(instructionsFailure({ instructions: 'x'.repeat(300) }, model)).toBeNull()
  expect(instructionsFailure({ instructions: 'x'.repeat(301) }, model)).toMatchObject({
    kind: 'permanent',
    message: "The agent's instructions take about 101 tokens, and its model takes in 100.",
    remedy: expect.stringContaining('Shorten the instructions'),
  })
})

test('the echo model reads none', () => {
  expect(instructionsFailure({ instructions: 'x'.repeat(9_000_000) }, { provider: 'echo', delayMs: 0 })).toBeNull()
})
