// Secrets: resolved only on purpose, and taken out of every text (A3).

import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { GatewayDefinition } from '../../machines/definitions.ts'
import { FailureError, failureOf } from '../../machines/failure.ts'
import { type SecretEntry, Secrets } from '../../src/config/secrets.ts'
import { processorMs } from '../bench/clocks.ts'
import { testAgent } from '../support/definitions.ts'
import { testChannel, testDefinition } from '../support/house.ts'
import { problemsOf, withChannels } from './support.ts'

const VALUE = 'p@ss "word"/+=?:ü 1'
const TELEGRAM = '987654321:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw9'

function secretsOf(...values: (string | null)[]): Secrets {
  return new Secrets(values.map((value, index): SecretEntry => ({ secret: `s${index}`, value, variable: `V${index}` })))
}

/** An agent's tool may be called "secret": that is no reference. */
const CHANNEL = testChannel('a', { token: { secret: 's0' } })
const DEFINITION: GatewayDefinition = {
  ...testDefinition({}),
  agents: { cfo: testAgent('cfo', { approval: { secret: 'ask' } }) },
  channels: { a: CHANNEL },
}

function reference(definition: GatewayDefinition) {
  return definition.channels['a']?.token
}

/** What the redaction suite demands of any redaction. */
function hides(redact: (text: string) => string, value: string): boolean {
  const base64 = [value, `bot:${value}`, `ab${value}c`].map((text) => Buffer.from(text).toString('base64'))
  const forms = [value, encodeURIComponent(value), JSON.stringify({ value }), new URLSearchParams({ value }).toString()]
  return [...forms, ...base64, ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))].every(
    (form) => {
      const line = redact(`before ${form} after`)
      return line.startsWith('before ') && line.endsWith(' after') && line.includes('[secret]') && !line.includes(value)
    },
  )
}

describe('resolve', () => {
  test('gives the value of a reference, and fails by the name of the variable', () => {
    const secrets = secretsOf('one', null)
    expect(secrets.resolve({ secret: 's0' })).toBe('one')
    expect(() => secrets.resolve({ secret: 's1' })).toThrow(FailureError)
    const failure = (() => {
      try {
        return secrets.resolve({ secret: 's1' })
      } catch (thrown) {
        return failureOf(thrown)
      }
    })()
    expect(failure).toMatchObject({ kind: 'permanent', reason: 'missing', message: 'the variable V1 is not set' })
    expect(() => secrets.resolve({ secret: 'constructor' })).toThrow('constructor is not set')
  })

  test('S5: a newer load replaces a credential, and the old value stays hidden', () => {
    const secrets = secretsOf('old-credential')
    expect(reference(secrets.adopt(secretsOf('new-credential'), DEFINITION))).toEqual({ secret: 's0', renewed: 1 })
    expect(secrets.resolve({ secret: 's0', renewed: 1 })).toBe('new-credential')
    expect(secrets.redact('old-credential new-credential')).toBe('[secret] [secret]')
  })

  test('a definition from before keeps its value; a value that comes back is the old one', () => {
    const secrets = secretsOf('one', 'other')
    secrets.adopt(secretsOf('two', 'other'), DEFINITION)
    expect(reference(secrets.adopt(secretsOf('three', 'other'), DEFINITION))).toEqual({ secret: 's0', renewed: 2 })
    expect([undefined, 1, 2].map((renewed) => secrets.resolve({ secret: 's0', ...(renewed && { renewed }) }))).toEqual([
      'one',
      'two',
      'three',
    ])
    expect(reference(secrets.adopt(secretsOf('one', 'other'), DEFINITION))).toEqual({ secret: 's0' })
  })

  test('A1: what comes back is frozen, survives JSON, and differs from what was given in nothing but its references', () => {
    const secrets = secretsOf('one', 'other')
    expect(secrets.adopt(secretsOf('one', 'other'), DEFINITION)).toEqual(DEFINITION)
    const renewed = secrets.adopt(secretsOf('two', 'other'), DEFINITION)
    expect(JSON.parse(JSON.stringify(renewed))).toEqual(renewed)
    expect(Object.isFrozen(renewed.channels['a']?.allowedUsers)).toBe(true)
    expect(renewed).toEqual({ ...DEFINITION, channels: { a: { ...CHANNEL, token: { secret: 's0', renewed: 1 } } } })
  })
})

describe('A3: redaction', () => {
  test.each([VALUE, TELEGRAM, 'a-plain-token', 'x.*+?^${}()|[]\\-/'])('every form of %s is taken out', (value) => {
    const secrets = secretsOf(value)
    expect(hides((text) => secrets.redact(text), value)).toBe(true)
  })

  test('the demand itself finds a redaction that forgets base64, and one that forgets everything', () => {
    expect(
      hides((text) => text.replaceAll(VALUE, '[secret]').replaceAll(encodeURIComponent(VALUE), '[secret]'), VALUE),
    ).toBe(false)
    expect(hides((text) => text, VALUE)).toBe(false)
  })

  test('any value of ten or more characters is gone, wherever it stands', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 10 }), fc.string(), fc.string(), (value, before, after) => {
        expect(secretsOf(value).redact(before + value + after)).not.toContain(value)
      }),
    )
  })

  test('whatever looks like a bot token is taken out without being known', () => {
    const text = `GET https://api.telegram.org/bot${TELEGRAM}/getMe and bot${TELEGRAM.replace(':', '%3A')}`
    expect(secretsOf().redact(text)).toBe('GET https://api.telegram.org/bot[secret]/getMe and bot[secret]')
    expect(secretsOf().redact('at 12:30:45, id 123456:short')).toBe('at 12:30:45, id 123456:short')
  })

  test('the longer of two values goes first; too short a value takes nothing out', () => {
    expect(secretsOf('abcd', 'abcdef', 'a', null).redact('abcdef abcd a')).toBe('[secret] [secret] a')
  })

  test('printing, JSON and inspection show nothing', () => {
    const secrets = secretsOf(TELEGRAM)
    const printed = [
      String(secrets),
      `${secrets}`,
      JSON.stringify({ secrets }),
      inspect({ secrets }, { showHidden: true, depth: 9 }),
    ]
    for (const text of printed) {
      expect(text).toContain('[secret]')
      expect(text).not.toContain(TELEGRAM)
    }
    expect(Object.entries(secrets)).toEqual([])
  })

  test('a long line is searched in time that grows with its length', () => {
    const secrets = secretsOf(VALUE)
    const before = processorMs()
    secrets.redact('1'.repeat(2_000_000))
    expect(processorMs() - before).toBeLessThan(2_000)
  })
})

describe('A3: problems', () => {
  const token = { T: TELEGRAM }
  test.each([
    ['a wrong type', `  a: { platform: telegram, agent: cfo, token: ["${TELEGRAM}"] }`],
    ['an agent named like the token', '  a: { platform: telegram, agent: "${T}", token: "${T}" }'],
    ['a token in the line of the agent', `  a: { platform: telegram, agent: "${TELEGRAM}", token: x1 }`],
    ['a key', `  a: { platform: telegram, agent: cfo, "${TELEGRAM}": 1 }`],
    ['a typo of the key', `  a: { platform: telegram, agent: cfo, tokn: "${TELEGRAM}" }`],
    ['a tag', `  a: { platform: telegram, agent: cfo, token: !${TELEGRAM} x }`],
    ['an alias', `  a: { platform: telegram, agent: cfo, token: *${TELEGRAM} }`],
    ['no space after the colon', `  a:\n    platform: telegram\n    token:${TELEGRAM}\n`],
    ['an address', `  a: { platform: telegram, agent: cfo, token: x1, api_root: "http:/${TELEGRAM}@h" }`],
  ])('%s: the token is in no message', (_, channels) => {
    const problems = problemsOf(withChannels(channels), token)
    expect(problems.length).toBeGreaterThan(0)
    expect(problems.join('\n')).not.toContain(TELEGRAM.slice(-20))
  })

  test('an alias carries no secret to another place', () => {
    const text = withChannels(`  a: { platform: telegram, agent: cfo, token: &t a-secret-value, allowed_users: [*t] }`)
    expect(problemsOf(text)).toContain(
      'g.yaml:5:50 channels.a.allowed_users[0]: an alias repeats the secret channels.a.token here',
    )
  })

  test('a variable that gives a secret may stand nowhere else', () => {
    const text = `agents:
  cfo: { model: openai:x, instructions: "use \${OPENAI_API_KEY}" }
channels:
  a: { platform: telegram, agent: cfo, token: "\${T}", api_root: "http://h/\${T}" }
`
    expect(problemsOf(text, { T: TELEGRAM, OPENAI_API_KEY: 'o' })).toEqual([
      'g.yaml:2:41 agents.cfo.instructions: the variable OPENAI_API_KEY is a secret (agents.cfo.model.api_key) and must not stand here as well',
      'g.yaml:4:65 channels.a.api_root: the variable T is a secret (channels.a.token) and must not stand here as well',
    ])
  })
})
