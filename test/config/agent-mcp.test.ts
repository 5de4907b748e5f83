// MCP servers in a file: names, keys that go together, rules about their tools, and which of their values are secrets.

import { describe, expect, test } from 'vitest'
import { loaded, problemsOf, spilled, type Variables } from './support.ts'

const file = (agent: object): string =>
  JSON.stringify({ agents: { ops: { model: 'echo', ...agent } }, channels: { web: { platform: 'web', agent: 'ops' } } })

const mcp = (name: string, server: object, more: object = {}): string => file({ mcp: { [name]: server }, ...more })

/** The words of each problem, without its place. */
const said = (text: string, variables: Variables = {}): string[] =>
  problemsOf(text, variables).map((line) => line.replace(/^g\.yaml:\d+:\d+ /, ''))

const SERVER = { command: 'node' }

describe('what is refused', () => {
  test.each<[string, object, RegExp]>([
    ['neither command nor url', {}, /^agents\.ops\.mcp\.s: expected command, .* or url/],
    ['both', { command: 'node', url: 'http://a' }, /^agents\.ops\.mcp\.s\.url: command and url stand here/],
    ['an unknown key', { comand: 'node' }, /^agents\.ops\.mcp\.s\.comand: unknown key \(did you mean "command"\?\)/],
    ['headers of a command', { ...SERVER, headers: { a: 'b' } }, /headers: has no effect without url/],
    ['an environment of an address', { url: 'http://a', env: { A: 'b' } }, /env: has no effect without command/],
    ['arguments in the command', { command: 'npx -y server' }, /command: .* its arguments go into args/],
    ['another scheme', { url: 'ftp://a' }, /url: expected an address that begins with http/],
    ['a password in the address', { url: 'http://a:secret-word@b' }, /url: an address must not hold .*: use headers/],
    ['a variable’s name that is none', { ...SERVER, env: { 'A B': 'c' } }, /expected the name of a variable/],
    ['a header’s name that is none', { url: 'http://a', headers: { 'a b': 'c' } }, /expected the name of a header/],
    ['a header that is ours', { url: 'http://a', headers: { Host: 'c' } }, /this header is ours to set/],
    ['a timeout without a unit', { ...SERVER, timeout: 5 }, /timeout: expected a duration .*\(did you mean "5s"\?\)/],
  ])('%s', (_, server, words) => {
    const problems = said(mcp('s', server))
    expect(problems.some((problem) => words.test(problem))).toBe(true)
    expect(problems.join()).not.toContain('secret-word')
  })

  test.each(['a b', 'a__b', 'a_', '_a', 'a.b', 'x'.repeat(33), '__proto__'])('the name %s', (name) => {
    const text = `{"agents":{"ops":{"model":"echo","mcp":{${JSON.stringify(name)}:{"command":"node"}}}},"channels":{"web":{"platform":"web","agent":"ops"}}}`
    expect(said(text).join()).toContain('cannot be the name of an MCP server')
  })

  test.each(['shell', 'files', 'files_read', 'http'])('a built-in tool’s name: %s', (name) => {
    expect(said(mcp(name, SERVER)).join()).toContain(`a built-in tool is called "${name}"`)
  })
})

describe('rules of approval', () => {
  const rule = (key: string) => said(mcp('tickets', SERVER, { approval: { [key]: 'allow' } }))

  test.each(['tickets.*', 'tickets.create', 'tickets.get-all_1'])('%s is one', (key) => expect(rule(key)).toEqual([]))

  test.each([
    ['tikets.*', 'this agent has no MCP server "tikets" (did you mean "tickets.*"?)'],
    ['tickets', '(did you mean "tickets.*"?)'],
    ['tickets.a b', 'expected tickets.* or tickets. and the name of a tool'],
    ['shell', 'this agent has no tool "shell"'],
  ])('%s is none', (key, words) => expect(rule(key).join()).toContain(words))

  test('without any server or tool it has no effect', () => {
    expect(said(file({ approval: { 'tickets.*': 'allow' } })).join()).toContain('has no effect')
  })
})

describe('A3: what may be a secret stands in no definition', () => {
  const values = {
    TICKETS_KEY: 'tickets-key-value',
    DOCS: 'docs-key-value',
    ARG: 'argument-value',
    HOST_PART: 'host-part-value',
    HOME: 'folders/of/somebody',
  }
  const { definition, secrets } = loaded(
    file({
      mcp: {
        tickets: {
          command: 'node',
          args: ['server.js', '--key=${ARG}'],
          env: { KEY: '${TICKETS_KEY}', API_TOKEN: 'literal-token-value', LEVEL: 'debugging', AT: '${HOME}/x' },
        },
        docs: {
          url: 'https://${HOST_PART}/mcp',
          headers: { authorization: 'Bearer ${DOCS}', 'x-key': 'literal-header' },
        },
      },
    }),
    values,
  )

  test('not one of them', () => {
    const all = [...Object.values(values), 'literal-token-value', 'debugging', 'literal-header', 'server.js']
    expect(spilled(definition, all)).toEqual([])
  })

  test('each is there where it is used', () => {
    const tickets = definition.agents['ops']?.mcp['tickets']
    const docs = definition.agents['ops']?.mcp['docs']
    if (tickets?.transport !== 'stdio' || docs?.transport !== 'http') throw new Error('both stand in the file')
    expect(tickets.args.map((each) => secrets.resolve(each))).toEqual(['server.js', '--key=argument-value'])
    expect(Object.values(tickets.env).map((each) => secrets.resolve(each))).toContain('folders/of/somebody/x')
    expect(secrets.resolve(docs.url)).toBe('https://host-part-value/mcp')
  })

  test('what comes from a variable is hidden in texts, by itself too; ordinary words are not', () => {
    const hidden = 'tickets-key-value docs-key-value argument-value literal-token-value literal-header'.split(' ')
    expect(secrets.redact(hidden.join(' '))).toBe(hidden.map(() => '[secret]').join(' '))
    expect(secrets.redact('debugging server.js folders/of/somebody')).toBe('debugging server.js folders/of/somebody')
  })

  test('a variable that is a secret there must not stand elsewhere as well', () => {
    const text = mcp('s', { ...SERVER, env: { KEY: '${KEY}' } }, { instructions: 'use ${KEY}' })
    expect(said(text, { KEY: 'key-value' }).join()).toContain('the variable KEY is a secret')
    const usual = mcp('s', { ...SERVER, env: { AT: '${HOME}' } }, { instructions: 'at ${HOME}' })
    expect(said(usual, { HOME: 'folders/a' })).toEqual([])
  })

  test('one that is not set concerns its agent alone', () => {
    const { missing } = loaded(mcp('s', { ...SERVER, env: { KEY: '${KEY}' } }))
    expect(missing).toMatchObject([{ variable: 'KEY', owner: { kind: 'agent', id: 'ops' } }])
  })

  test('a value that is replaced makes another definition', () => {
    const text = mcp('s', { ...SERVER, env: { KEY: '${KEY}' } })
    const [before, after] = [loaded(text, { KEY: 'first-value' }), loaded(text, { KEY: 'second-value' })]
    const adopted = before.secrets.adopt(after.secrets, after.definition)
    expect(adopted.agents['ops']?.mcp).not.toEqual(before.definition.agents['ops']?.mcp)
  })
})
