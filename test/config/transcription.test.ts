// Keys for files that people send: `vision` and `transcription`.

import { describe, expect, test } from 'vitest'
import { loaded, problemsOf } from './support.ts'

const LOCAL = '{ provider: openai-compatible, name: whisper-1, base_url: "http://127.0.0.1:8000/v1" }'

const fileWith = (keys: string, model = 'openai:a') =>
  `agents: { cfo: { model: "${model}", ${keys} } }\nchannels: { web: { platform: web, agent: cfo } }\n`

const KEY = { OPENAI_API_KEY: 'key-of-openai' }

const agentOf = (keys: string, model?: string) => loaded(fileWith(keys, model), KEY).definition.agents['cfo']
const found = (keys: string, model?: string) =>
  problemsOf(fileWith(keys, model), KEY).map((line) => line.replace(/^\S+ /, ''))

describe('transcription', () => {
  test('in short, with the key from the usual variable, which is resolved by its own place', () => {
    const { definition, secrets } = loaded(fileWith('transcription: "openai:whisper-1"'), KEY)
    const secret = 'agents.cfo.transcription.api_key'
    expect(definition.agents['cfo']?.transcription).toEqual({
      provider: 'openai',
      name: 'whisper-1',
      baseUrl: null,
      apiKey: { secret },
      prices: null,
    })
    expect(secrets.resolve({ secret })).toBe('key-of-openai')
    expect(JSON.stringify(definition)).not.toContain('key-of-openai')
  })

  test('as a mapping, also for the echo model; a local server needs no key', () => {
    expect(agentOf(`transcription: ${LOCAL}`, 'echo')?.transcription).toEqual({
      provider: 'openai-compatible',
      name: 'whisper-1',
      baseUrl: 'http://127.0.0.1:8000/v1',
      apiKey: null,
      prices: null,
    })
    expect(agentOf('instructions: x')?.transcription).toBe(null)
  })

  test('its prices: by the minute, in tokens, or both', () => {
    const pricesOf = (prices: string) =>
      agentOf(`transcription: { provider: openai, name: a, prices: { ${prices} } }`)?.transcription?.prices
    expect(pricesOf('per_minute: 0.006')).toEqual({ perMinute: 0.006, inputPerMillion: 0, outputPerMillion: 0 })
    expect(pricesOf('input_per_million: 2.5, output_per_million: 10')).toEqual({
      ...{ perMinute: 0, inputPerMillion: 2.5, outputPerMillion: 10 },
    })
  })

  test('a variable that is not set fails its agent by name, with what to do', () => {
    const { missing, definition } = loaded(fileWith('transcription: { provider: openai, name: a }', 'echo'), {})
    expect(missing.map(({ message, owner }) => [message, owner])).toEqual([
      [
        'the variable OPENAI_API_KEY is not set: set it in the environment or in a file .env beside this one, or give transcription.api_key',
        { kind: 'agent', id: 'cfo' },
      ],
    ])
    expect(definition.agents['cfo']?.missing).toEqual(['OPENAI_API_KEY'])
  })

  test.each([
    [
      'transcription: whisper',
      'agents.cfo.transcription: expected "openai:NAME", or a mapping with provider, found "whisper"',
    ],
    [
      'transcription: "anthropic:a"',
      'agents.cfo.transcription: expected "openai:NAME", or a mapping with provider, found "anthropic:a"',
    ],
    [
      'transcription: { provider: opnai, name: a }',
      'agents.cfo.transcription.provider: unknown provider "opnai": expected openai-compatible or openai (did you mean "openai"?)',
    ],
    [
      'transcription: { provider: openai, nam: a, name: b }',
      'agents.cfo.transcription.nam: unknown key (did you mean "name"?)',
    ],
    [
      'transcription: { provider: openai-compatible, name: a }',
      'agents.cfo.transcription.base_url: is required: expected an address that begins with http:// or https://',
    ],
    [
      'transcription: { provider: openai, name: a, prices: {} }',
      'agents.cfo.transcription.prices: expected per_minute, or input_per_million and output_per_million, found a mapping',
    ],
    [
      'transcription: { provider: openai, name: a, prices: { per_minut: 1 } }',
      'agents.cfo.transcription.prices.per_minut: unknown key (did you mean "per_minute"?)',
    ],
    [
      'transcription: { provider: openai, name: a, prices: { per_minute: -1 } }',
      'agents.cfo.transcription.prices.per_minute: expected a number from 0 to 1000000, found -1',
    ],
    [
      'transcription: { provider: openai, name: a, base_url: "http://me:secret@host" }',
      'agents.cfo.transcription.base_url: an address must not hold a user name or password: secrets have keys of their own',
    ],
  ])('%s', (keys, message) => expect(found(keys)).toEqual([message]))

  test('A3: its key stands in no problem, and must not stand elsewhere', () => {
    const keys = 'transcription: { provider: openai, name: a, api_key: "${A_KEY}" }, instructions: "${A_KEY}"'
    const problems = problemsOf(fileWith(keys), { ...KEY, A_KEY: 'the-key-of-a' })
    expect(problems.join()).toContain('the variable A_KEY is a secret (agents.cfo.transcription.api_key)')
    expect(problems.join()).not.toContain('the-key-of-a')
  })
})

describe('vision', () => {
  test('is auto unless it is given', () => {
    expect(agentOf('instructions: x')?.vision).toBe('auto')
    expect(agentOf('vision: never')?.vision).toBe('never')
  })

  test.each([
    ['vision: on', undefined, 'agents.cfo.vision: unknown value "on": expected auto, always or never'],
    ['vision: always', 'echo', 'agents.cfo.vision: has no effect: the echo model looks at no pictures'],
  ])('%s with %s', (keys, model, message) => expect(found(keys, model)).toEqual([message]))
})
