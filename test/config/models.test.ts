// Models: fallbacks and prices, what is wrong with them, and that a spare part which is missing stops nothing.

import { describe, expect, test } from 'vitest'
import { formatProblem } from '../../src/config/problems.ts'
import { loaded, problemsOf } from './support.ts'

const MAIN = '{ provider: openai-compatible, name: main, base_url: "http://127.0.0.1:1/v1" }'

function fileWith(keys: string, model = MAIN): string {
  return `agents:\n  cfo: { model: ${model}, ${keys} }\nchannels:\n  web: { platform: web, agent: cfo }\n`
}

const labels = (text: string, variables = {}): string[] =>
  (loaded(text, variables).definition.agents['cfo']?.fallbackModels ?? []).map((model) => {
    return model.provider === 'echo' ? 'echo' : `${model.provider}:${model.name}`
  })

describe('fallback_models', () => {
  test('each in short or as a mapping, in their order, each with its own key', () => {
    const text = fileWith(`fallback_models: ["openai:a", { provider: anthropic, name: b, api_key: "\${B}" }, echo]`)
    const { definition, secrets, missing, warnings } = loaded(text, { OPENAI_API_KEY: 'key-of-a', B: 'key-of-b' })
    expect(definition.agents['cfo']?.fallbackModels).toMatchObject([
      { provider: 'openai', name: 'a', apiKey: { secret: 'agents.cfo.fallback_models[0].api_key' } },
      { provider: 'anthropic', name: 'b', apiKey: { secret: 'agents.cfo.fallback_models[1].api_key' } },
      { provider: 'echo' },
    ])
    expect(secrets.resolve({ secret: 'agents.cfo.fallback_models[0].api_key' })).toBe('key-of-a')
    expect(secrets.resolve({ secret: 'agents.cfo.fallback_models[1].api_key' })).toBe('key-of-b')
    expect([missing, warnings]).toEqual([[], []])
  })

  test.each([
    ['the usual variable', '"openai:a", "google:b"', 'OPENAI_API_KEY', ', or give api_key'],
    ['a key', '{ provider: openai, name: a, api_key: "${A_KEY}" }, "google:b"', 'A_KEY', ''],
    ['a name', '{ provider: openai, name: "${A_NAME}" }, "google:b"', 'A_NAME', ''],
    ['all of it', '"${A_MODEL}", "google:b"', 'A_MODEL', ''],
  ])('%s of one is not set: a warning, and the agent works with the others', (_, models, variable, rest) => {
    const set = { GEMINI_API_KEY: 'key-of-b', ...(variable === 'OPENAI_API_KEY' ? {} : { OPENAI_API_KEY: 'x' }) }
    const text = fileWith(`fallback_models: [${models}]`)
    const { definition, missing, warnings } = loaded(text, set)
    expect(labels(text, set)).toEqual(['google:b'])
    expect([definition.agents['cfo']?.missing, missing]).toEqual([[], []])
    expect(warnings.map(formatProblem)).toEqual([
      expect.stringMatching(/^g\.yaml:2:\d+ agents\.cfo\.fallback_models\[0\]/),
    ])
    expect(warnings[0]?.message).toBe(
      `the variable ${variable} is not set: set it in the environment or in a file .env beside this one${rest}; until then this fallback is not asked`,
    )
  })

  test('the variable of the own model is missing as ever, and only that', () => {
    const text = fileWith('fallback_models: [echo]', '"openai:a"')
    expect(loaded(text).missing.map(({ variable, path }) => [variable, path])).toEqual([
      ['OPENAI_API_KEY', 'agents.cfo.model'],
    ])
  })

  const MISTAKES: [string, string, string?][] = [
    [
      'fallback_models: openai:a',
      'agents.cfo.fallback_models: expected a list of 1 to 8 models such as [openai:NAME], found "openai:a"',
    ],
    [
      'fallback_models: []',
      'agents.cfo.fallback_models: expected a list of 1 to 8 models such as [openai:NAME], found a list',
    ],
    [
      'fallback_models: ["opnai:a"]',
      'agents.cfo.fallback_models[0]: expected "echo", "PROVIDER:NAME" with anthropic, openai or google, or a mapping with provider, found "opnai:a" (did you mean "openai:a"?)',
    ],
    [
      'fallback_models: [{ provider: openai, nam: a }]',
      "agents.cfo.fallback_models[0].name: is required: expected the model's name",
    ],
    [
      'fallback_models: [{ provider: openai, name: a, delay: 1s }]',
      'agents.cfo.fallback_models[0].delay: unknown key; known here: provider, name, api_key, base_url, context, prices',
    ],
    [
      'fallback_models: [{ provider: openai, name: a, base_url: "ftp://x" }]',
      'agents.cfo.fallback_models[0].base_url: expected an address that begins with http:// or https://',
    ],
    [`fallback_models: [${MAIN}]`, 'agents.cfo.fallback_models[0]: has no effect: this model was asked before'],
    [
      'fallback_models: ["openai:a", "openai:a"]',
      'agents.cfo.fallback_models[1]: has no effect: this model was asked before',
    ],
    [
      'fallback_models: [echo, "openai:a"]',
      'agents.cfo.fallback_models[1]: has no effect: echo before it is never away',
    ],
    [
      'fallback_models: ["openai:a"]',
      'agents.cfo.fallback_models: has no effect: the echo model is never away',
      'echo',
    ],
  ]

  test.each(MISTAKES)('%s', (keys, message, model) => {
    const found = problemsOf(fileWith(keys, model), { OPENAI_API_KEY: 'x' })
    expect(found.map((line) => line.replace(/^\S+ /, ''))).toContain(message)
  })

  test('A3: the key of a fallback stands in no problem, and must not stand elsewhere', () => {
    const keys = 'fallback_models: [{ provider: openai, name: a, api_key: "${A_KEY}" }], instructions: "${A_KEY}"'
    const found = problemsOf(fileWith(keys), { A_KEY: 'the-key-of-a' })
    expect(found.join()).toContain('the variable A_KEY is a secret (agents.cfo.fallback_models[0].api_key)')
    expect(found.join()).not.toContain('the-key-of-a')
  })
})

describe('context and compact_at', () => {
  test.each([
    ['"anthropic:a"', 200_000],
    ['"openai:a"', 128_000],
    ['"google:a"', 128_000],
    [MAIN, 32_768],
    ['{ provider: anthropic, name: a, context: 1000000 }', 1_000_000],
  ])('%s takes in %d tokens', (model, contextTokens) => {
    const keys = { ANTHROPIC_API_KEY: 'a1', OPENAI_API_KEY: 'o1', GEMINI_API_KEY: 'g1' }
    const { agents } = loaded(fileWith('instructions: x', model), keys).definition
    expect(agents['cfo']).toMatchObject({ model: { contextTokens }, compactAt: 0.8 })
  })

  test.each([
    ['compact_at: 0.05', MAIN, 'agents.cfo.compact_at: expected a number from 0.1 to 0.95, found 0.05'],
    ['compact_at: 80%', MAIN, 'agents.cfo.compact_at: expected a number from 0.1 to 0.95, found "80%"'],
    ['compact_at: 0.8', 'echo', 'agents.cfo.compact_at: has no effect: the echo model reads no history'],
    [
      'instructions: x',
      '{ provider: openai, name: a, api_key: x1, context: 8k }',
      'agents.cfo.model.context: expected a whole number from 1000 to 100000000, found "8k"',
    ],
  ])('%s', (keys, model, message) => {
    expect(problemsOf(fileWith(keys, model)).map((line) => line.replace(/^\S+ /, ''))).toEqual([message])
  })
})

describe('budget', () => {
  test('per is user unless it is given', () => {
    expect(loaded(fileWith('budget: { tokens_per_day: 5 }')).definition.agents['cfo']?.budget).toEqual({
      tokensPerDay: 5,
      per: 'user',
    })
    expect(loaded(fileWith('instructions: x')).definition.agents['cfo']?.budget).toBe(null)
  })

  test.each([
    ['budget: {}', 'agents.cfo.budget.tokens_per_day: is required: expected a whole number from 1 to 1000000000000'],
    [
      'budget: { tokens_per_day: 0 }',
      'agents.cfo.budget.tokens_per_day: expected a whole number from 1 to 1000000000000, found 0',
    ],
    [
      'budget: { tokens_per_day: 1, per: usr }',
      'agents.cfo.budget.per: unknown value "usr": expected user, session or agent (did you mean "user"?)',
    ],
    [
      'budget: { tokens_per_dy: 1, tokens_per_day: 1 }',
      'agents.cfo.budget.tokens_per_dy: unknown key (did you mean "tokens_per_day"?)',
    ],
    ['budget: 5', 'agents.cfo.budget: expected a mapping, found 5'],
  ])('%s', (keys, message) => {
    expect(problemsOf(fileWith(keys)).map((line) => line.replace(/^\S+ /, ''))).toEqual([message])
  })

  test.each(['echo', '{ provider: echo, delay: 1s }'])('it would do nothing with %s', (model) => {
    const found = problemsOf(fileWith('budget: { tokens_per_day: 1 }', model))
    expect(found.map((line) => line.replace(/^\S+ /, ''))).toEqual([
      'agents.cfo.budget: has no effect: the echo model uses no tokens',
    ])
  })
})

describe('prices', () => {
  test('both, as numbers', () => {
    const model =
      '{ provider: openai, name: a, api_key: x1, prices: { input_per_million: 1.25, output_per_million: 10 } }'
    expect(loaded(fileWith('instructions: x', model)).definition.agents['cfo']?.model).toMatchObject({
      prices: { inputPerMillion: 1.25, outputPerMillion: 10 },
    })
  })

  test.each([
    [
      'prices: { input_per_million: 1 }',
      'agents.cfo.model.prices.output_per_million: is required: expected a number from 0 to 1000000',
    ],
    [
      'prices: { input_per_million: -1, output_per_million: 1 }',
      'agents.cfo.model.prices.input_per_million: expected a number from 0 to 1000000, found -1',
    ],
    [
      'prices: { input_per_million: "1,5", output_per_million: 1 }',
      'agents.cfo.model.prices.input_per_million: expected a number from 0 to 1000000, found "1,5"',
    ],
    [
      'prices: { inpt_per_million: 1, input_per_million: 1, output_per_million: 1 }',
      'agents.cfo.model.prices.inpt_per_million: unknown key (did you mean "input_per_million"?)',
    ],
  ])('%s', (prices, message) => {
    const found = problemsOf(fileWith('instructions: x', `{ provider: openai, name: a, api_key: x1, ${prices} }`))
    expect(found.map((line) => line.replace(/^\S+ /, ''))).toEqual([message])
  })

  test('the echo model has none: it uses no tokens', () => {
    const found = problemsOf(
      fileWith('instructions: x', '{ provider: echo, prices: { input_per_million: 1, output_per_million: 1 } }'),
    )
    expect(found.join()).toContain('agents.cfo.model.prices: unknown key; known here: provider, delay')
  })
})
