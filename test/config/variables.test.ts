// Variables: where they are replaced, what wins, and what a missing one spoils.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatProblem } from '../../src/config/problems.ts'
import { lookupIn, maskVariables, substitute } from '../../src/config/variables.ts'
import { loaded, problemsOf, withChannels, withGateway } from './support.ts'

const WEB = '  web: { platform: web, agent: cfo }'

function instructions(value: string, environment = {}, envFileText = ''): string | undefined {
  const text = `agents:\n  cfo:\n    model: echo\n    instructions: ${value}\nchannels:\n${WEB}\n`
  return loaded(text, environment, envFileText).definition.agents['cfo']?.instructions
}

describe('replacing', () => {
  test.each([
    ['${A}', { A: 'x' }, 'x'],
    ['"<${A}${B:-b}>"', { A: 'x' }, '<xb>'],
    ['${A:-d}', {}, 'd'],
    ['${A:-d}', { A: '' }, 'd'],
    ['"${A:-}"', {}, ''],
    ['"${A}"', { A: '' }, ''],
    ['"$${A} $A $"', { A: 'x' }, '${A} $A $'],
    ['${A:?say it}', { A: 'x' }, 'x'],
    ["'${A}'", { A: 'x' }, 'x'],
    ['|\n      one ${A}', { A: 'x' }, 'one x\n'],
    ['${A:-a, [b]}', {}, 'a, [b]'],
  ])('%s with %o', (value, environment, expected) => expect(instructions(value, environment)).toBe(expected))

  test.each(['a: b', '- x', '*x', '${B}', '$${B}', '"', '# x', 'yes', 'null', '{}'])(
    'the value %j is not read again',
    (value) => {
      expect(instructions('${A}', { A: value, B: 'wrong' })).toBe(value)
    },
  )

  test('a name that every object has is no variable', () => {
    expect(instructions('"${constructor:-none}${__proto__:-none}"')).toBe('nonenone')
  })

  test('variables stand in values only', () => {
    const problems = problemsOf(withChannels('  web: { platform: web, agent: cfo, "${A}": 1 }'), { A: 'queue_limit' })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain('g.yaml:5:37 channels.web."${A}": unknown key')
  })

  test('a number is taken from a variable, and anything else is a problem at its place', () => {
    expect(loaded(withGateway('port: ${P}'), { P: '4000' }).definition.gateway.port).toBe(4000)
    expect(problemsOf(withGateway('port: ${P}'), { P: '4x' })).toEqual([
      'g.yaml:2:9 gateway.port: expected a whole number from 0 to 65535, found the value of ${P}',
    ])
  })

  test('inside brackets it needs no quotes', () => {
    const channel = '  web: { platform: web, agent: ${A}, allowed_users: [${U}, "${V:-a,b}", ${W:-c}] }'
    const { definition } = loaded(withChannels(channel), { A: 'ops', U: 'anna' })
    expect(definition.channels['web']).toMatchObject({ routes: { default: 'ops' }, allowedUsers: ['anna', 'a,b', 'c'] })
  })

  test.each(['"${A-x}"', '"${}"', '"${1}"', '"${A"', '"${A:-${B}}"', '"${A B}"'])(
    '%s is refused with its place',
    (value) => {
      const problems = problemsOf(withGateway(`data: ${value}`), { A: 'x' })
      expect(problems).toHaveLength(1)
      expect(problems[0]).toMatch(/^g\.yaml:2:9 gateway\.data: .*variable/)
    },
  )

  test('masking gives back every text, and moves nothing', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('${A', '}', '{', ',', ':-', '[', '$', '\ue000', 'x', '\n') }),
        (text) => {
          const { masked, unmask } = maskVariables(text)
          expect(masked.length).toBe(text.length)
          expect(unmask(masked)).toBe(text)
        },
      ),
    )
  })

  test('any text: what is replaced is what the variables say, once', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(substitute('[${A}]', () => value).text).toBe(`[${value}]`)
      }),
    )
  })
})

describe('.env', () => {
  test('simple lines, quotes, comments and export; the process environment wins', () => {
    const lookup = lookupIn({ A: 'process' }, '\ufeff# c\nA=file\nexport B=1\nC="a b" # c\nD=\'q\'\r\nE=\n')
    expect(['A', 'B', 'C', 'D', 'E', 'F'].map(lookup)).toEqual(['process', '1', 'a b', 'q', '', undefined])
  })

  test('an empty variable of the process wins too, and then the default counts', () => {
    expect(instructions('${A:-d}', { A: '' }, 'A=file')).toBe('d')
  })
})

describe('missing variables', () => {
  const CHANNELS = [
    '  a: { platform: telegram, agent: cfo, token: "${A_TOKEN}" }',
    '  b: { platform: telegram, agent: "${B_AGENT}", token: x1, busy_mode: "${B_MODE:?ask Ann}" }',
    '  c: { platform: web, agent: cfo }',
  ].join('\n')

  test('S5: a missing variable belongs to its channel alone, with its name and place', () => {
    const { definition, missing, secrets } = loaded(withChannels(CHANNELS))
    expect(missing.map(formatProblem)).toEqual([
      'g.yaml:5:47 channels.a.token: the variable A_TOKEN is not set: set it in the environment or in a file .env beside this one',
      'g.yaml:6:35 channels.b.agent: the variable B_AGENT is not set: set it in the environment or in a file .env beside this one',
      'g.yaml:6:71 channels.b.busy_mode: the variable B_MODE is not set: ask Ann',
    ])
    expect(missing.map(({ variable, owner }) => `${owner.kind} ${owner.id} ${variable}`)).toEqual([
      'channel a A_TOKEN',
      'channel b B_AGENT',
      'channel b B_MODE',
    ])
    expect(Object.values(definition.channels).map((one) => one.missing)).toEqual([
      ['A_TOKEN'],
      ['B_AGENT', 'B_MODE'],
      [],
    ])
    expect(() => secrets.resolve({ secret: 'channels.a.token' })).toThrow('the variable A_TOKEN is not set')
    expect(JSON.parse(JSON.stringify(definition))).toStrictEqual(definition)
  })

  test('a channel of which little is known lets nobody in, and shows what is written', () => {
    const { definition } = loaded(withChannels('  a: { platform: "${P}", agent: "${A}" }'))
    expect(definition.channels['a']).toMatchObject({
      platform: '${P}',
      routes: { default: '${A}', dm: null, group: null },
      unknownUserPolicy: 'deny',
      missing: ['P', 'A'],
    })
  })

  test('an empty variable is a missing secret, and no missing text', () => {
    const { missing } = loaded(withChannels(CHANNELS), { A_TOKEN: ' ', B_AGENT: 'cfo', B_MODE: 'queue' })
    expect(missing.map(({ variable, message }) => [variable, message])).toEqual([
      ['A_TOKEN', 'the variable A_TOKEN is empty: set it in the environment or in a file .env beside this one'],
    ])
  })

  test.each([
    ['anthropic:x', {}, 'ANTHROPIC_API_KEY'],
    ['openai:x', {}, 'OPENAI_API_KEY'],
    ['google:x', {}, 'GOOGLE_GENERATIVE_AI_API_KEY'],
    ['google:x', { GEMINI_API_KEY: 'g' }, null],
    ['google:x', { GOOGLE_GENERATIVE_AI_API_KEY: 'g' }, null],
    ['{ provider: openai, name: x }', {}, 'OPENAI_API_KEY'],
    ['{ provider: openai, name: x, api_key: "${MINE}" }', { OPENAI_API_KEY: 'o' }, 'MINE'],
    ['{ provider: openai-compatible, name: x, base_url: "http://h/v1" }', {}, null],
    ['{ provider: openai-compatible, name: x, base_url: "${URL}" }', {}, 'URL'],
    ['"${MODEL}"', {}, 'MODEL'],
    ['{ provider: "${P}", name: x }', {}, 'P'],
  ])('model %s with %o misses %s', (model, environment, variable) => {
    const { definition, missing } = loaded(`agents: { cfo: { model: ${model} } }\nchannels:\n${WEB}\n`, environment)
    expect(missing.map((one) => one.variable)).toEqual(variable === null ? [] : [variable])
    expect(definition.agents['cfo']?.missing).toEqual(variable === null ? [] : [variable])
    expect(definition.channels['web']?.missing).toEqual([])
  })

  test('in gateway it is a problem of the whole file', () => {
    expect(problemsOf(withGateway('token: ${T}', 'host: ${H}'))).toEqual([
      'g.yaml:2:10 gateway.token: the variable T is not set: set it in the environment or in a file .env beside this one',
      'g.yaml:3:9 gateway.host: the variable H is not set: set it in the environment or in a file .env beside this one',
    ])
  })

  test('beside other problems it is listed with them', () => {
    const problems = problemsOf(withChannels(`${CHANNELS}\n  d: { platform: web, agent: cfoo }`))
    expect(problems.map((line) => line.split(' ')[1])).toEqual([
      'channels.a.token:',
      'channels.b.agent:',
      'channels.b.busy_mode:',
      'channels.d.agent:',
    ])
  })

  test('an id that looks like a setting belongs to its own section', () => {
    const text = `agents:\n  cfo: { model: echo, instructions: "\${X}" }\nchannels:\n  cfo: { platform: web, agent: cfo }\n`
    const { definition } = loaded(text)
    expect(definition.agents['cfo']?.missing).toEqual(['X'])
    expect(definition.channels['cfo']?.missing).toEqual([])
  })
})
