// Channels and gateway: what the parts of a file say about each other, and YAML as people write it.

import { describe, expect, test } from 'vitest'
import { formatProblem } from '../../src/config/problems.ts'
import { settingsOf } from '../../src/config/platform.ts'
import { telegram } from '../../src/config/platform-telegram.ts'
import { isLoopback } from '../../src/config/references.ts'
import { loaded, problemsOf, withChannels, withGateway } from './support.ts'

describe('S6: one token, two channels', () => {
  const two = (first: string, second: string) => {
    const keys = (token: string) => `{ platform: telegram, agent: cfo, token: ${token} }`
    return withChannels(`  a: ${keys(first)}\n  b: ${keys(second)}`)
  }
  const SAME =
    'g.yaml:6:47 channels.b.token: channels.b and channels.a have the same token: each bot needs a channel and a token of its own'

  test('is refused with both names, by value and not by the way it is written', () => {
    expect(problemsOf(two('same-1', 'same-1'))).toEqual([SAME])
    expect(problemsOf(two('"${A}"', '"${B}"'), { A: 'same-1', B: ' same-1' })).toEqual([SAME])
    expect(problemsOf(two('"${A}"', '"${B}"'), { A: 'same-1', B: 'other-1' })).toEqual([])
  })

  test('is refused while the one variable of both is unset', () => {
    expect(problemsOf(two('"${A}"', '"${A}"'))).toContain(SAME)
  })

  test('is fine on two Bot API servers', () => {
    const text = two('same-1', 'same-1, api_root: http://127.0.0.1:1')
    expect(problemsOf(text)).toEqual([])
    expect(problemsOf(two('same-1', 'same-1, api_root: https://api.telegram.org/'))).toEqual([SAME])
  })
})

describe('keys that would have no effect', () => {
  test.each([
    'token: x',
    'api_root: http://h',
    'group_policy: mention_only',
    'routes: { dm: cfo }',
    'routes: { group: cfo }',
  ])('%s on a web channel', (key) => {
    const problems = problemsOf(withChannels(`  w: { platform: web, agent: cfo, ${key} }`))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain('has no effect on a web channel')
  })

  test('delay on a real model, api_key on echo', () => {
    const model = (keys: string) =>
      `agents: { a: { model: { ${keys} } } }\nchannels: { a: { platform: web, agent: a } }\n`
    expect(problemsOf(model('provider: openai, name: x, delay: 1s'))[0]).toContain('agents.a.model.delay: unknown key')
    expect(problemsOf(model('provider: echo, api_key: x'))[0]).toContain('agents.a.model.api_key: unknown key')
  })
})

describe('a channel of a module', () => {
  const problems = (keys: string) => problemsOf(withChannels(`  m: { platform: module, agent: cfo, ${keys} }`))
  const LINES = 'module: ./test/fixtures/own/lines.ts'

  test('is a file that is there; the nearest one is named', () => {
    expect(problems(LINES)).toEqual([])
    expect(problems('module: ./test/fixtures/own/line.ts')).toEqual([
      'g.yaml:5:46 channels.m.module: there is no file "./test/fixtures/own/line.ts" (did you mean "./test/fixtures/own/lines.ts"?)',
    ])
    expect(problems('module: ./README.md')[0]).toContain('expected a module that ends in .ts or .js')
    expect(problems('queue_limit: 3')[0]).toContain('channels.m.module: is required: expected the path of a module')
  })

  test('is given texts, numbers, true or false', () => {
    expect(problems(`${LINES}, settings: { port: [1] }`)[0]).toContain(
      'channels.m.settings.port: expected a text, a number',
    )
    expect(problems(`${LINES}, settings: 7`)[0]).toContain('channels.m.settings: expected a mapping')
    expect(problems(`${LINES}, api_root: http://h`)[0]).toContain('what it needs stands in settings')
  })

  test.each(['telegram', 'web'])('module and settings have no effect on a %s channel', (platform) => {
    const token = platform === 'telegram' ? 'token: x1, ' : ''
    const text = withChannels(`  c: { platform: ${platform}, agent: cfo, ${token}${LINES}, settings: { a: 1 } }`)
    expect(problemsOf(text).map((line) => line.replace(/^\S+ /, ''))).toEqual([
      `channels.c.module: has no effect on a ${platform} channel: set platform: module for a channel of your own`,
      `channels.c.settings: has no effect on a ${platform} channel: set platform: module for a channel of your own`,
    ])
  })

  test('several may share a password', () => {
    const one = `{ platform: module, agent: cfo, token: same-1, allowed_users: [a], ${LINES} }`
    expect(problemsOf(withChannels(`  a: ${one}\n  b: ${one}`))).toEqual([])
  })
})

test('a key that one platform alone has is a setting of it, by its name', () => {
  const keys = telegram.schema.parse({ platform: 'telegram', token: 'channels.c.token' })
  expect(settingsOf(keys)).toEqual({})
  const own = { server: 'irc.example', port: 6667, secure: true, rooms: ['a'] }
  expect(settingsOf({ ...keys, ...own })).toEqual({ server: 'irc.example', port: 6667, secure: true })
})

describe('hosts', () => {
  test.each(['127.0.0.1', 'localhost', '::1', '[::1]', '127.9.9.9', 'LOCALHOST'])('%s is loopback', (host) => {
    expect(isLoopback(host)).toBe(true)
    expect(problemsOf(withGateway(`host: "${host}"`))).toEqual([])
  })

  test.each(['0.0.0.0', '::', '192.168.0.1', 'example.org', '127.0.0.1.example.org'])('%s needs a token', (host) => {
    expect(problemsOf(withGateway(`host: "${host}"`))[0]).toContain(
      'gateway.host: beyond loopback the port needs a token',
    )
    expect(problemsOf(withGateway(`host: "${host}"`, 'token: abcdef'))).toEqual([])
  })
})

describe('YAML that people write', () => {
  test('anchors, aliases and merge keys', () => {
    const { definition } = loaded(
      withChannels(
        '  a: &base { platform: web, agent: cfo, queue_limit: 4 }\n  b: { <<: *base, agent: ops }\n  c: { <<: [*base, { busy_mode: steer, agent: ops }] }',
      ),
    )
    expect(Object.values(definition.channels).map((one) => [one.routes.default, one.queueLimit, one.busyMode])).toEqual(
      [
        ['cfo', 4, 'queue'],
        ['ops', 4, 'queue'],
        ['cfo', 4, 'steer'],
      ],
    )
  })

  test('ids that YAML would read as something else', () => {
    const { definition } = loaded(
      withChannels('  true: { platform: web, agent: cfo }\n  2026-01-01: { platform: web, agent: cfo }'),
    )
    expect(Object.keys(definition.channels)).toEqual(['true', '2026-01-01'])
  })

  test('an empty gateway section changes nothing; an older YAML version changes no value', () => {
    expect(loaded(`gateway:\n${withChannels('  w: { platform: web, agent: cfo }')}`).definition.gateway.port).toBe(8765)
    const old = `%YAML 1.1\n---\n${withChannels('  w: { platform: web, agent: cfo, allowed_users: [yes, 12:30] }')}`
    expect(loaded(old).definition.channels['w']?.allowedUsers).toEqual(['yes', '12:30'])
  })
})

describe('warnings', () => {
  const warnings = (keys: string) => {
    return loaded(withChannels(`  t: { platform: telegram, agent: cfo, token: x1, ${keys} }`)).warnings.map(
      formatProblem,
    )
  }
  test('a bot that nobody may talk to', () => {
    const text = 'g.yaml:5:3 channels.t: nobody may talk to this bot; set allowed_users or unknown_user_policy: pair'
    expect(warnings('allowed_users: []')).toEqual([text.replace('5:3', '5:6')])
    expect(warnings('unknown_user_policy: pair')).toEqual([])
    expect(warnings('allowed_users: [1]')).toEqual([])
  })
  test('a list that changes nothing', () => {
    expect(warnings('allowed_users: [1], unknown_user_policy: allow')).toHaveLength(1)
  })
})
