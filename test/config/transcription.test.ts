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
    })
    expect(agentOf('instructions: x')?.transcription).toBe(null)
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
    expect(agentOf('instructions: x')).toMatchObject({ vision: 'auto', describeWith: null })
    expect(agentOf('vision: never')).toMatchObject({ vision: 'never', describeWith: null })
  })

  test('a model that describes pictures, in short, with the key from the usual variable', () => {
    const { definition, secrets } = loaded(
      fileWith(`vision: { describe_with: "openai:b" }`, 'openai:gpt-3.5-turbo'),
      KEY,
    )
    const secret = 'agents.cfo.vision.describe_with.api_key'
    expect(definition.agents['cfo']).toMatchObject({
      vision: 'auto',
      describeWith: { provider: 'openai', name: 'b', baseUrl: null, apiKey: { secret }, prices: null },
    })
    expect(secrets.resolve({ secret })).toBe('key-of-openai')
  })

  test('as a mapping, also to a model that takes pictures, when it is not to be shown any', () => {
    const describer =
      '{ provider: openai-compatible, name: llava, base_url: "http://127.0.0.1:8000/v1", api_key: "${E}" }'
    const { definition, secrets } = loaded(fileWith(`vision: { show: never, describe_with: ${describer} }`), {
      ...KEY,
      E: 'key-of-eyes',
    })
    expect(definition.agents['cfo']).toMatchObject({ vision: 'never', describeWith: { name: 'llava' } })
    expect(secrets.resolve({ secret: 'agents.cfo.vision.describe_with.api_key' })).toBe('key-of-eyes')
    expect(JSON.stringify(definition)).not.toContain('key-of-eyes')
  })

  test('a variable that is not set fails its agent by name', () => {
    const { missing, definition } = loaded(fileWith('vision: { describe_with: "google:b" }', 'openai:gpt-4'), KEY)
    expect(missing.map(({ message, owner }) => [message, owner])).toEqual([
      [expect.stringContaining('or give vision.describe_with.api_key'), { kind: 'agent', id: 'cfo' }],
    ])
    expect(definition.agents['cfo']?.missing).toEqual(['GOOGLE_GENERATIVE_AI_API_KEY'])
  })

  test('a key of another provider is wrong here too', () => {
    const { wrong } = loaded(fileWith('vision: { describe_with: "openai:b" }', 'openai:gpt-4'), {
      OPENAI_API_KEY: 'sk-ant-of-another',
    })
    expect(wrong.map(({ path }) => path)).toContain('agents.cfo.vision.describe_with.api_key')
  })

  test.each([
    ['vision: on', undefined, 'agents.cfo.vision: unknown value "on": expected auto, always or never'],
    [
      'vision: { show: always, describe_with: "openai:b" }',
      'openai:gpt-4',
      'agents.cfo.vision.show: unknown value "always": expected auto or never',
    ],
    [
      'vision: { describe_with: "openai:b" }',
      'openai:gpt-4o',
      'agents.cfo.vision.describe_with: has no effect: gpt-4o is shown the pictures themselves; take it out, or say show: never',
    ],
    [
      'vision: { show: never }',
      undefined,
      'agents.cfo.vision.describe_with: is required: expected "PROVIDER:NAME" with anthropic, openai or google, or a mapping with provider',
    ],
    [
      'vision: { describe_with: echo }',
      'openai:gpt-4',
      'agents.cfo.vision.describe_with: the echo model looks at no pictures: expected one that does',
    ],
    [
      'vision: { describe_wiht: "openai:b", describe_with: "openai:b" }',
      'openai:gpt-4',
      'agents.cfo.vision.describe_wiht: unknown key (did you mean "describe_with"?)',
    ],
    [
      'vision: { describe_with: { provider: openai, name: b, context: 9000 } }',
      'openai:gpt-4',
      'agents.cfo.vision.describe_with.context: has no effect: it is asked about one picture at a time',
    ],
    [
      'vision: { describe_with: { provider: openai, name: b, base_url: "ftp://b" } }',
      'openai:gpt-4',
      'agents.cfo.vision.describe_with.base_url: expected an address that begins with http:// or https://',
    ],
    [
      'vision: { describe_with: "openai:b" }',
      'echo',
      'agents.cfo.vision: has no effect: the echo model looks at no pictures',
    ],
    ['vision: always', 'echo', 'agents.cfo.vision: has no effect: the echo model looks at no pictures'],
  ])('%s with %s', (keys, model, message) => expect(found(keys, model)).toEqual([message]))
})
