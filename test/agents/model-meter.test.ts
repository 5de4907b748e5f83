// Model meter: what each provider's pieces say of the whole request, and that everything else says nothing.

import { describe, expect, test } from 'vitest'
import { countedIn } from '../../src/agents/model-meter.ts'

const counted = (inputTokens: number | null, outputTokens: number | null) => ({ inputTokens, outputTokens })

describe('what a piece says', () => {
  test.each([
    [
      'anthropic',
      'the first one: what is read, from the cache and into it too; the output is none yet',
      {
        type: 'message_start',
        message: {
          usage: {
            input_tokens: 10,
            cache_creation_input_tokens: 200,
            cache_read_input_tokens: 3_000,
            output_tokens: 4,
          },
        },
      },
      counted(3_210, null),
    ],
    ['anthropic', 'the last one', { type: 'message_delta', usage: { output_tokens: 57 } }, counted(null, 57)],
    ['anthropic', 'a text', { type: 'content_block_delta', delta: { type: 'text_delta', text: 'yes' } }, null],
    [
      'openai',
      'the last one',
      { type: 'response.completed', response: { usage: { input_tokens: 11, output_tokens: 7 } } },
      counted(11, 7),
    ],
    ['openai', 'the first one', { type: 'response.created', response: { id: 'r', usage: null } }, null],
    [
      'openai-compatible',
      'the last one',
      { choices: [], usage: { prompt_tokens: 11, completion_tokens: 7 } },
      counted(11, 7),
    ],
    ['openai-compatible', 'a text', { choices: [{ delta: { content: 'yes' } }], usage: null }, null],
    [
      'google',
      'each one: tools and thoughts too',
      {
        usageMetadata: {
          promptTokenCount: 11,
          toolUsePromptTokenCount: 100,
          candidatesTokenCount: 7,
          thoughtsTokenCount: 1_000,
        },
      },
      counted(111, 1_007),
    ],
    ['google', 'one from before the answer', { usageMetadata: { promptTokenCount: 11 } }, counted(11, null)],
  ] as const)('%s: %s', (provider, _, piece, expected) => expect(countedIn(provider, piece)).toEqual(expected))
})

test.each(['anthropic', 'openai', 'openai-compatible', 'google'] as const)('%s: nonsense says nothing', (provider) => {
  for (const piece of [undefined, null, 7, 'usage', [], {}, { usage: 7 }, { usage: { prompt_tokens: '11' } }])
    expect(countedIn(provider, piece)).toBe(null)
  const below = { prompt_tokens: -1, input_tokens: -1, promptTokenCount: -1, output_tokens: Number.NaN }
  const pieces = { usage: below, response: { usage: below }, usageMetadata: below, message: { usage: below } }
  expect(countedIn(provider, { type: 'message_start', ...pieces })).toBe(null)
})
