// Secret forms: what is plainly no credential of its place is named by its variable and never by its value, and spoils its owner alone.

import { describe, expect, test } from 'vitest'
import { formatProblem } from '../../src/config/problems.ts'
import { loaded, spilled } from './support.ts'

const ANTHROPIC = 'sk-ant-api03-Zm9vYmFyYmF6cXV4'
const OPENAI = 'sk-proj-Zm9vYmFyYmF6cXV4Zm9v'
const GOOGLE = 'AIzaSyZm9vYmFyYmF6cXV4Zm9vYmFy'
const TELEGRAM = `123456789:${'Aq_-'.repeat(8)}xyz`
const GROQ = 'gsk_Zm9vYmFyYmF6cXV4Zm9vYmFy'

const MODELS = {
  anthropic: 'model: "anthropic:claude-x"',
  openai: 'model: "openai:gpt-x"',
  google: 'model: "google:gemini-x"',
}
const VARIABLES = { anthropic: 'ANTHROPIC_API_KEY', openai: 'OPENAI_API_KEY', google: 'GOOGLE_GENERATIVE_AI_API_KEY' }

describe('a key of a model', () => {
  test.each([
    ['anthropic', ANTHROPIC],
    ['openai', OPENAI],
    ['google', GOOGLE],
    ['anthropic', 'a-form-that-is-new'],
    ['openai', 'a-form-that-is-new'],
    ['google', 'AQ.a-form-that-is-new'],
  ] as const)('%s takes %s', (provider, key) => {
    expect(withModel(MODELS[provider], { [VARIABLES[provider]]: key }).said).toEqual([])
  })

  test.each([
    ['openai', ANTHROPIC, 'is a key of Anthropic and not a key of OpenAI'],
    ['openai', GOOGLE, 'is a key of Google and not a key of OpenAI'],
    ['openai', GROQ, 'is a key of Groq and not a key of OpenAI'],
    ['anthropic', OPENAI, 'is a key of OpenAI and not a key of Anthropic'],
    ['google', TELEGRAM, 'is the token of a Telegram bot and not a key of Google'],
    ['openai', `"${OPENAI}"`, 'has quotes around its value'],
    ['openai', `“${OPENAI}”`, 'has quotes around its value'],
    ['anthropic', `${ANTHROPIC}\nand more`, 'has a line break, a space or a letter in it'],
    ['google', `${GOOGLE}ü`, 'has a line break, a space or a letter in it'],
  ] as const)('%s does not take %j', (provider, key, words) => {
    const { said, definition } = withModel(MODELS[provider], { [VARIABLES[provider]]: key })
    expect(said).toEqual([
      expect.stringContaining(`agents.cfo.model.api_key: the variable ${VARIABLES[provider]} ${words}`),
    ])
    const [lack] = definition.agents['cfo']?.lacking ?? []
    expect(lack).toMatchObject({ phase: 'secrets', what: expect.stringContaining(words) })
    expect(spilled([said, definition], [key, key.slice(1, 12), key.trim().slice(-8)])).toEqual([])
  })

  test('a server of somebody’s own takes what it likes', () => {
    const own = (provider: string) =>
      `model: { provider: ${provider}, name: x, base_url: "http://127.0.0.1:1/v1", api_key: "\${K}" }`
    for (const provider of ['openai', 'openai-compatible'])
      expect(withModel(own(provider), { K: ANTHROPIC }).said).toEqual([])
  })

  test('a fallback with a wrong key is not asked, and that is a warning', () => {
    const { said, warnings, definition } = withModel(`${MODELS.openai}, fallback_models: ["anthropic:claude-x"]`, {
      OPENAI_API_KEY: OPENAI,
      ANTHROPIC_API_KEY: OPENAI,
    })
    expect([said, definition.agents['cfo']?.fallbackModels]).toEqual([[], []])
    expect(warnings).toEqual([
      expect.stringMatching(/ANTHROPIC_API_KEY is a key of OpenAI .* this fallback is not asked$/),
    ])
  })
})

describe('the token of a Telegram bot', () => {
  test.each([ANTHROPIC, '123456789', 'my-bot', ':abc', `123456789 :${'a'.repeat(35)}`])('is none: %j', (token) => {
    const { said, definition } = withToken('${T}', { T: token })
    expect(said).toEqual([expect.stringMatching(/channels\.tg\.token: the variable T (is|has) /)])
    expect(definition.channels['tg']?.lacking).toMatchObject([{ phase: 'secrets' }])
    expect(definition.channels['web']?.lacking).toEqual([])
    expect(spilled(said, [token])).toEqual([])
  })

  test('one that stands in the file is named by its place', () => {
    expect(withToken('my-bot').said).toEqual([
      expect.stringContaining('channels.tg.token: channels.tg.token is not the token of a Telegram bot'),
    ])
  })

  test('spaces and line breaks around it are left out, and that is a warning', () => {
    const { said, warnings, secrets } = withToken('${T}', { T: ` ${TELEGRAM}\n` })
    expect(said).toEqual([])
    expect(warnings).toEqual([expect.stringMatching(/the variable T has spaces or a line break around its value/)])
    expect(secrets.resolve({ secret: 'channels.tg.token' })).toBe(TELEGRAM)
  })
})

function withModel(model: string, environment: Record<string, string>) {
  return judged(`agents:\n  cfo: { ${model} }\nchannels:\n  web: { platform: web, agent: cfo }\n`, environment)
}

function withToken(token: string, environment: Record<string, string> = {}) {
  const tg = `  tg: { platform: telegram, agent: cfo, allowed_users: [1], token: "${token}" }\n`
  return judged(`agents:\n  cfo: { model: echo }\nchannels:\n  web: { platform: web, agent: cfo }\n${tg}`, environment)
}

function judged(text: string, environment: Record<string, string>) {
  const { wrong, warnings, definition, secrets } = loaded(text, environment)
  return { said: wrong.map(formatProblem), warnings: warnings.map(formatProblem), definition, secrets }
}
