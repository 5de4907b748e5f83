// Problems: each class of mistake at its line and column, with the nearest valid word, all at once.

import { describe, expect, test } from 'vitest'
import { loadText } from '../../src/config/load.ts'
import { formatProblem, listed, nearest } from '../../src/config/problems.ts'
import { fixtureText, problemsOf, withChannels, withGateway } from './support.ts'

const EXPECTED = fixtureText('typos.txt').trim().split('\n')

describe('S9: a typo in every place', () => {
  test('all problems at once, with line, column and suggestion', () => {
    expect(problemsOf(fixtureText('typos.yaml'))).toEqual(EXPECTED)
  })

  test('the list notices a mistake that is not named, and a place that is off by one', () => {
    const quiet = fixtureText('typos.yaml').replace('telgram', 'telegram')
    expect(problemsOf(quiet)).not.toEqual(EXPECTED)
    expect(problemsOf(` \n${fixtureText('typos.yaml')}`)).not.toEqual(EXPECTED)
  })

  test('every place that is named is where the last word of the path, or its value, stands', () => {
    const lines = fixtureText('typos.yaml').split('\n')
    for (const problem of EXPECTED) {
      const [, line, column] = /^g\.yaml:(\d+):(\d+) /.exec(problem) ?? []
      expect(lines[Number(line) - 1]?.slice(Number(column) - 1), problem).toMatch(/^[^\s:]/)
    }
  })
})

const ORIGIN = 'an origin: a scheme, a host and, unless it is the usual one, a port, such as https://chat.example'

const GOOD = withChannels('  web: { platform: web, agent: cfo }')

const MISTAKES: [string, string, string[]][] = [
  ['an empty file', '', ['1:1 (file): the file is empty: expected the sections agents and channels']],
  ['only comments', '# x\n', ['1:1 (file): the file is empty: expected the sections agents and channels']],
  ['a list', '- a\n', ['1:1 (file): expected a mapping, found a list']],
  ['a text', 'hello\n', ['1:1 (file): expected a mapping, found "hello"']],
  ['a tab', 'agents:\n\tcfo: 1\n', ['2:1 agents: a tab cannot indent: use spaces']],
  ['a second document', `${GOOD}---\n${GOOD}`, ['6:1 (file): a second document begins here: expected one']],
  [
    'a duplicate key',
    GOOD.replace('agent: cfo', 'agent: cfo, agent: cfo'),
    ['5:37 channels.web.agent: this key stands here twice'],
  ],
  [
    'an unquoted handle',
    GOOD.replace('agent: cfo', 'agent: cfo, allowed_users: [@anna]'),
    ['5:53 channels.web.allowed_users[0]: text that begins with @ or ` must stand in quotes'],
  ],
  [
    'an unknown tag',
    GOOD.replace('agent: cfo', 'agent: !x cfo'),
    ['5:32 channels.web.agent: this tag (the word after !) is not known here: remove it, or put the text in quotes'],
  ],
  [
    'binary by tag',
    GOOD.replace('agent: cfo', 'agent: !!binary Y2Zv'),
    [
      '5:32 channels.web.agent: this tag (the word after !) is not known here: remove it, or put the text in quotes',
      '5:41 channels.web.agent: unknown agent "Y2Zv"',
    ],
  ],
  [
    '__proto__',
    `${GOOD}__proto__: {}\n`,
    ['6:1 __proto__: unknown key; known here: gateway, agents, channels, schedules, hooks'],
  ],
  [
    'an id of every object',
    withChannels('  toString: { platform: web, agent: cfo }'),
    ['5:3 channels.toString: "toString" is a reserved word: choose another id for this channel'],
  ],
  [
    'an id that is a folder',
    withChannels('  ..: { platform: web, agent: cfo }'),
    ['5:3 channels...: ".." is a reserved word: choose another id for this channel'],
  ],
  [
    'not a number',
    GOOD.replace('agent: cfo', 'agent: cfo, queue_limit: .nan'),
    ['5:50 channels.web.queue_limit: expected a number that can be written in digits'],
  ],
  [
    'infinity',
    GOOD.replace('agent: cfo', 'agent: cfo, queue_limit: .inf'),
    ['5:50 channels.web.queue_limit: expected a number that can be written in digits'],
  ],
  [
    'a fraction',
    GOOD.replace('agent: cfo', 'agent: cfo, queue_limit: 1.5'),
    ['5:50 channels.web.queue_limit: expected a whole number from 1 to 100000, found 1.5'],
  ],
  [
    'an alias of nothing',
    GOOD.replace('agent: cfo', 'agent: *cfo'),
    ['5:32 channels.web.agent: no anchor of this name stands above it'],
  ],
  [
    'an alias of itself',
    GOOD.replace('agent: cfo', 'agent: cfo, routes: &r { default: *r }'),
    ['5:59 channels.web.routes.default: this alias contains itself'],
  ],
  [
    'a merge of nothing',
    GOOD.replace('agent: cfo', 'agent: cfo, <<: 5'),
    ['5:37 channels.web."<<": << takes a mapping, or a list of mappings'],
  ],
  ['a key that is a list', `? [a]\n: 1\n${GOOD}`, ['1:3 (file): expected a key: plain text before the colon']],
  [
    'origins that no browser sends',
    withGateway(
      'allowed_origins: ["*", "https://a.example/", "HTTP://B.example:80/c?d", "c.example", "https://u:p@d.example", "null", 7]',
    ),
    [
      '2:21 gateway.allowed_origins[0]: expected each origin by its name: with "*" any web page at all could talk to the agents',
      `2:26 gateway.allowed_origins[1]: expected ${ORIGIN}, found "https://a.example/" (did you mean "https://a.example"?)`,
      `2:48 gateway.allowed_origins[2]: expected ${ORIGIN}, found "HTTP://B.example:80/c?d" (did you mean "http://b.example"?)`,
      `2:75 gateway.allowed_origins[3]: expected ${ORIGIN}, found "c.example"`,
      '2:88 gateway.allowed_origins[4]: expected an origin without a user name or password',
      `2:113 gateway.allowed_origins[5]: expected ${ORIGIN}, found "null"`,
      `2:121 gateway.allowed_origins[6]: expected ${ORIGIN}, found 7`,
    ],
  ],
  [
    'origins that nothing is shared with',
    `gateway:\n  openai_api: false\n  allowed_origins: [https://a.example, "app://obsidian.md"]\n${withChannels('  t: { platform: telegram, agent: cfo, token: x1, allowed_users: [1] }')}`,
    [
      '3:20 gateway.allowed_origins: has no effect: openai_api is false, and no channel is one that a web page could use',
    ],
  ],
  [
    'no sections',
    'gateway: {}\n',
    [
      '1:1 agents: is required: expected at least one agent, as a mapping of its id to its keys',
      '1:1 channels: is required: expected at least one channel, as a mapping of its id to its keys',
    ],
  ],
  [
    'empty sections',
    'agents: {}\nchannels:\n',
    [
      '1:1 agents: found none: expected at least one agent, as a mapping of its id to its keys',
      '2:1 channels: found nothing: expected at least one channel, as a mapping of its id to its keys',
    ],
  ],
  [
    'an agent that is a text',
    'agents: { cfo: echo }\nchannels: { a: { platform: web, agent: cfo } }\n',
    ['1:16 agents.cfo: expected a mapping with the agent\'s keys, found "echo"'],
  ],
  [
    'no token',
    withChannels('  t: { platform: telegram, agent: cfo }'),
    ["5:3 channels.t.token: is required: expected the bot's token in quotes, or a variable such as ${NAME}"],
  ],
  [
    'a token in digits',
    withChannels('  t: { platform: telegram, agent: cfo, token: 12345 }'),
    ["5:47 channels.t.token: expected the bot's token in quotes, or a variable such as ${NAME}, found a number"],
  ],
  [
    'an empty token',
    withChannels('  t: { platform: telegram, agent: cfo, token: "" }'),
    ["5:47 channels.t.token: expected the bot's token in quotes, or a variable such as ${NAME}, found empty text"],
  ],
  [
    'no platform',
    withChannels('  t: { agent: cfo }'),
    ['5:3 channels.t.platform: is required: expected telegram, web or module'],
  ],
  [
    'two different defaults',
    withChannels('  t: { platform: web, agent: cfo, routes: { default: ops } }'),
    ['5:54 channels.t.routes.default: agent is short for routes.default, and the two differ: keep one of them'],
  ],
  [
    'routes without default',
    withChannels('  t: { platform: telegram, token: x1, routes: { dm: ops } }'),
    ['5:3 channels.t.agent: is required: expected the id of an agent, or routes with default'],
  ],
  [
    'everybody by a star',
    withChannels('  t: { platform: web, agent: cfo, allowed_users: ["*"] }'),
    ['5:51 channels.t.allowed_users[0]: expected a person; for everybody set unknown_user_policy: allow, found "*"'],
  ],
  [
    'nobody, in quotes',
    withChannels('  t: { platform: web, agent: cfo, allowed_users: [""] }'),
    [
      '5:51 channels.t.allowed_users[0]: expected a person\'s id (a whole number) or "@handle" in quotes, found empty text',
    ],
  ],
  [
    'an agent whose name is a number, without quotes',
    'agents: { 7: { model: echo } }\nchannels: { a: { platform: web, agent: 7 } }\n',
    ['2:40 channels.a.agent: expected the id of an agent, found 7 (did you mean "7"?)'],
  ],
  [
    'a home folder',
    withGateway('data: ~/x'),
    ['2:9 gateway.data: the sign ~ is not replaced here: write ${HOME} instead'],
  ],
  [
    'a password in an address',
    'agents: { a: { model: { provider: openai-compatible, name: x, base_url: "http://u:p@h" } } }\nchannels: { a: { platform: web, agent: a } }\n',
    ['1:73 agents.a.model.base_url: an address must not hold a user name or password: secrets have keys of their own'],
  ],
  [
    'a duration without end',
    withGateway('drain: 30d'),
    ['2:10 gateway.drain: expected a duration from 0ms to 24d, found "30d"'],
  ],
  [
    'a spinning passivation',
    withGateway('passivate_after: 0s'),
    ['2:20 gateway.passivate_after: expected a duration from 10ms to 24d, found "0s"'],
  ],
  [
    'a port too high',
    withGateway('port: 65536'),
    ['2:9 gateway.port: expected a whole number from 0 to 65535, found 65536'],
  ],
]

describe('one mistake, one line', () => {
  test.each(MISTAKES)('%s', (_, text, expected) => {
    expect(problemsOf(text)).toEqual(expected.map((line) => `g.yaml:${line}`))
  })

  test.each(['gpt-4', 'echo:x', 'openai', '"openai:"', 'openai-compatible:x', '""', '12', '[a]', ''])(
    'model: %s',
    (model) => {
      const problems = problemsOf(`agents:\n  a:\n    model: ${model}\nchannels:\n  w: { platform: web, agent: a }\n`)
      expect(problems).toHaveLength(1)
      expect(problems[0]).toMatch(/^g\.yaml:3:(5|12) agents\.a\.model: expected "echo", "PROVIDER:NAME"/)
    },
  )

  test.each([
    ['gpt-4o-mini', 'openai:gpt-4o-mini'],
    ['o3', 'openai:o3'],
    ['claude-sonnet-4-5', 'anthropic:claude-sonnet-4-5'],
    ['gemini-2.5-pro', 'google:gemini-2.5-pro'],
    ['openai/gpt-4o', 'openai:gpt-4o'],
    ['opnai:gpt-4o', 'openai:gpt-4o'],
  ])('model: %s, as other gateways write it, and what it is here', (written, meant) => {
    const [problem] = problemsOf(`agents:\n  a: { model: "${written}" }\nchannels:\n  w: { platform: web, agent: a }\n`)
    expect(problem).toContain(`found "${written}" (did you mean "${meant}"?)`)
  })

  test('__proto__ inside a channel is an unknown key too', () => {
    const problems = problemsOf(GOOD.replace('agent: cfo', 'agent: cfo, __proto__: 1'))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^g\.yaml:5:37 channels\.web\.__proto__: unknown key/)
  })

  test.each(['http://u:p@h', 'http://u@h', 'http://:p@h'])('the address %s holds a credential', (address) => {
    const problems = problemsOf(
      withChannels(`  t: { platform: telegram, agent: cfo, token: x1, api_root: "${address}" }`),
    )
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain('channels.t.api_root: an address must not hold a user name or password')
  })

  test('CRLF and a byte order mark move no place', () => {
    const first = '\ufeffagents: {}, x\n'
    expect(problemsOf(first)).toEqual(problemsOf(first.slice(1)))
    expect(problemsOf('\ufeffagets: {}')[0]).toBe('g.yaml:1:1 agets: unknown key (did you mean "agents"?)')
    const text = `\ufeff${GOOD.replace('agent: cfo', 'agent: cfx')}`.replaceAll('\n', '\r\n')
    const expected = ['g.yaml:5:32 channels.web.agent: unknown agent "cfx" (did you mean "cfo"?)']
    expect(problemsOf(text)).toEqual(expected)
    expect(problemsOf(Buffer.from(text))).toEqual(expected)
  })

  test('after a syntax error what stands before it is still reported, and nothing is made up from the rest', () => {
    const text = 'agets: {}\nagents:\n  cfo: { model: "echo }\nchannels:\n  a: { platform: web, agent: cfo }\n'
    const problems = problemsOf(text)
    expect(problems[0]).toBe('g.yaml:1:1 agets: unknown key (did you mean "agents"?)')
    expect(problems[1]).toBe('g.yaml:3:17 agents.cfo.model: a quote begins here and is never closed')
    expect(problems.join()).not.toMatch(/required|unknown agent/)
  })

  test('more problems than anybody reads are counted', () => {
    const problems = problemsOf(Array.from({ length: 500 }, (_, index) => `k${index}: 1`).join('\n'))
    expect(problems).toHaveLength(201)
    expect(problems.at(-1)).toMatch(/\(file\): 302 further problems are not shown$/)
  })
})

describe('words', () => {
  test.each([
    ['agnet', 'agent'],
    ['allowedUsers', 'allowed_users'],
    ['bot_token', 'token'],
    ['policy', null],
    ['zzz', null],
    ['', null],
  ])('nearest to %j is %j', (word, expected) => {
    expect(nearest(word, ['agent', 'allowed_users', 'token', 'platform'])).toBe(expected)
  })
  test('a list reads as a sentence', () =>
    expect(['a', 'b', 'c'].map((_, n, all) => listed(all.slice(0, n + 1)))).toEqual(['a', 'a or b', 'a, b or c']))
  test('a problem is one line, whatever is in it', () => {
    const problem = { file: 'a\nb', line: 1, column: 2, path: 'p\r', message: 'm\u001b[2J', phase: 'parse' } as const
    expect(formatProblem(problem)).toBe('a b:1:2 p : m [2J')
  })
})

describe('what leads to a running gateway although its file is refused', () => {
  const gatewayOf = (text: string) => {
    const result = loadText({ file: '/etc/troupe/g.yaml', text, environment: {} })
    return result.ok ? 'not refused' : (result.settings?.gateway ?? null)
  }
  const file = withGateway('port: 1', 'token: abcdefgh', 'data: d')

  test('its own section, while that is sound', () => {
    const settings = { port: 1, data: '/etc/troupe/d', token: { secret: 'gateway.token' } }
    expect(gatewayOf(`${file}nonsense: 1\n`)).toMatchObject(settings)
    expect(gatewayOf(`${file}agents: "never closed\n`)).toMatchObject(settings)
    expect(gatewayOf('agents: {}\n')).toMatchObject({ port: 8765, data: '/etc/troupe/.troupe', token: null })
  })

  test('nothing when that section has a problem, or may stand behind the place where the file breaks', () => {
    expect(gatewayOf(withGateway('port: 1', 'prt: 2'))).toBeNull()
    expect(gatewayOf(withGateway('token: ${NOT_SET}'))).toBeNull()
    expect(gatewayOf(`agents: "never closed\n${file}`)).toBeNull()
    expect(gatewayOf('- a list\n')).toBeNull()
    expect(gatewayOf(file)).toBe('not refused')
  })
})
