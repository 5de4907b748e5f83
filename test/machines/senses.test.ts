// Senses: which models are shown pictures, by the definition and by what is known of them.

import { expect, test } from 'vitest'
import type { ModelDefinition } from '../../machines/definitions.ts'
import { isShown, sensesOf } from '../../machines/senses.ts'
import { PLAIN_MODEL, testAgent } from '../support/definitions.ts'

const PICTURE = 'image/jpeg'

function model(name: string): ModelDefinition {
  const [provider = '', rest = ''] = name.split(/:(.*)/s)
  if (provider === 'echo') return { provider: 'echo', delayMs: 0 }
  if (provider === 'local')
    return { provider: 'openai-compatible', name: rest, baseUrl: 'http://127.0.0.1:1/v1', apiKey: null, ...PLAIN_MODEL }
  const hosted = provider === 'anthropic' || provider === 'google' ? provider : 'openai'
  return { provider: hosted, name: rest, baseUrl: null, apiKey: { secret: 'k' }, ...PLAIN_MODEL }
}

test.each([
  ...['openai:gpt-4o', 'openai:gpt-4.1-mini', 'openai:gpt-5', 'openai:o4-mini', 'anthropic:claude-sonnet-4-5'],
  ...['google:gemini-2.5-flash', 'anthropic:claude-3-5-haiku-latest', 'openai:gpt-4-turbo'],
  ...['local:llama3.2-vision', 'local:llava:13b', 'local:qwen2.5-vl', 'local:gemma3:12b', 'local:gpt-4o'],
])('%s is shown pictures', (name) => expect(isShown(model(name), 'auto', PICTURE)).toBe(true))

test.each([
  ...['openai:gpt-3.5-turbo', 'openai:gpt-4', 'openai:gpt-4-0613', 'openai:o3-mini', 'anthropic:claude-2.1', 'echo'],
  ...['local:llama3.3', 'local:qwen3', 'local:deepseek-r1', 'local:gemma3:1b', 'local:mistral', 'local:test'],
])('%s is not', (name) => expect(isShown(model(name), 'auto', PICTURE)).toBe(false))

test('the definition has the last word, but nobody shows echo anything', () => {
  expect(isShown(model('local:llama3.3'), 'always', PICTURE)).toBe(true)
  expect(isShown(model('openai:gpt-4o'), 'never', PICTURE)).toBe(false)
  expect(isShown(model('echo'), 'always', PICTURE)).toBe(false)
})

test('PDF files are for hosted models', () => {
  expect(isShown(model('openai:gpt-4o'), 'auto', 'application/pdf')).toBe(true)
  expect(isShown(model('local:llava'), 'always', 'application/pdf')).toBe(false)
})

test('an agent sees when its own model does: one that stands in for it says nothing of that', () => {
  const definition = testAgent('a', { model: model('local:llama3.3'), fallbackModels: [model('openai:gpt-4o')] })
  expect(sensesOf(definition).sees(PICTURE)).toBe(false)
  expect(sensesOf({ ...definition, model: model('openai:gpt-4o') }).sees(PICTURE)).toBe(true)
})

test('the echo model looks at nothing, whatever tools it has', () => {
  expect(sensesOf(testAgent('a', { tools: ['files'] }))).toMatchObject({ hears: false, opens: false, looks: false })
})
