// What an agent may do, as a file says it: tools that exist, rules for tools that it has, folders that are nobody else's, keys
// that do something. Each mistake at its place, with the nearest right word.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadFile, loadText } from '../../src/config/load.ts'
import { folder, loaded, problemsOf } from './support.ts'

/** A file with one agent on one web channel; its lines begin at line 4. */
function withAgent(...lines: string[]): string {
  const keys = lines.map((line) => `    ${line}\n`).join('')
  return `agents:\n  cfo:\n    model: echo\n${keys}channels:\n  web: { platform: web, agent: cfo }\n`
}

const agentOf = (...lines: string[]) => loaded(withAgent(...lines)).definition.agents['cfo']

describe('tools', () => {
  test('are words, and modules by their path from the file', async () => {
    const home = await folder()
    mkdirSync(join(home, 'tools'))
    for (const name of ['invoice.ts', 'plain.mjs'])
      writeFileSync(join(home, 'tools', name), 'throw new Error("not run")')
    const file = join(home, 'gateway.yaml')
    writeFileSync(
      file,
      withAgent('tools: [files, ./tools/invoice.ts, tools/plain.mjs]', 'approval: { invoice: allow }'),
    )
    const result = await loadFile(file, {})
    expect(result.ok && result.loaded.definition.agents['cfo']).toMatchObject({
      tools: ['files', join(home, 'tools/invoice.ts'), join(home, 'tools/plain.mjs')],
      approval: { invoice: 'allow' },
    })
  })

  test.each([
    [
      'tools: [fils]',
      '4:13 agents.cfo.tools[0]: unknown tool "fils": expected files, shell, http, memory, or the path of a module such as ./tools/invoice.ts (did you mean "files"?)',
    ],
    ['tools: files', '4:12 agents.cfo.tools: expected a list such as [files, ./tools/invoice.ts], found "files"'],
    ['tools: [files, files]', '4:20 agents.cfo.tools[1]: "files" stands here already, and its tool has the same name'],
    ['tools: [./none.ts]', '4:13 agents.cfo.tools[0]: there is no file "./none.ts"'],
    ['tools: [~/x.ts]', '4:13 agents.cfo.tools[0]: the sign ~ is not replaced here: write ${HOME} instead'],
    ['tools: [./x.py]', '4:13 agents.cfo.tools[0]: expected a module that ends in .ts or .js, found "./x.py"'],
    [
      'tools: [./a b.ts]',
      '4:13 agents.cfo.tools[0]: the tool would be called "a b": name the file with letters, digits, "_" and "-" only',
    ],
    ['tools: [./shell.ts]', '4:13 agents.cfo.tools[0]: a built-in tool is called "shell": give this file another name'],
    ['tools: [./src]', '4:13 agents.cfo.tools[0]: expected a module that ends in .ts or .js, found "./src"'],
    [
      'tools: [7]',
      '4:13 agents.cfo.tools[0]: expected files, shell, http, memory, or the path of a module such as ./tools/invoice.ts, found 7',
    ],
  ])('%s', (line, expected) => expect(problemsOf(withAgent(line))).toEqual([`g.yaml:${expected}`]))

  test('a module that is not there is named with its neighbour; two of one name are one too many', async () => {
    const home = await folder()
    mkdirSync(join(home, 'b'))
    for (const path of ['invoice.ts', 'b/invoice.ts']) writeFileSync(join(home, path), '')
    const problems = (line: string): string[] => {
      const result = loadText({ file: join(home, 'g.yaml'), text: withAgent(line), environment: {} })
      return result.ok ? [] : result.problems.map(({ message }) => message)
    }
    expect(problems('tools: [./invoce.ts]')).toEqual(['there is no file "./invoce.ts" (did you mean "./invoice.ts"?)'])
    expect(problems('tools: [./invoice.ts, b/invoice.ts]')).toEqual([
      '"./invoice.ts" stands here already, and its tool has the same name',
    ])
  })

  test('of a variable that is not set nothing is said but that', () => {
    const lines = withAgent('tools: ["${TOOL}"]', 'approval: { shell: allow }', 'http: { allow: [a.example] }')
    const { missing, definition } = loaded(lines)
    expect(missing.map(({ variable }) => variable)).toEqual(['TOOL'])
    expect(definition.agents['cfo']?.missing).toEqual(['TOOL'])
  })
})

describe('approval', () => {
  test('by a word stands for each of its tools, and a tool’s own goes before it, in any order', () => {
    for (const rules of ['http: deny, http_get: allow', 'http_get: allow, http: deny']) {
      expect(agentOf('tools: [http]', `approval: { ${rules} }`)?.approval).toEqual({
        http_get: 'allow',
        http_request: 'deny',
      })
    }
    expect(agentOf('tools: [shell]', 'approval: { shell: deny }')?.approval).toEqual({ shell: 'deny' })
  })

  test.each([
    ['{ shel: ask }', '5:17 agents.cfo.approval.shel: this agent has no tool "shel" (did you mean "shell"?)'],
    ['{ http: ask }', '5:17 agents.cfo.approval.http: this agent has no tool "http"'],
    ['{ shell: maybe }', '5:24 agents.cfo.approval.shell: unknown value "maybe": expected ask, allow or deny'],
    [
      '{ shell: alow }',
      '5:24 agents.cfo.approval.shell: unknown value "alow": expected ask, allow or deny (did you mean "allow"?)',
    ],
    ['ask', '5:15 agents.cfo.approval: expected a mapping, found "ask"'],
  ])('%s', (rules, expected) => {
    expect(problemsOf(withAgent('tools: [shell]', `approval: ${rules}`))).toEqual([`g.yaml:${expected}`])
  })

  test('approvers are people in the form of the channels that lead to the agent', () => {
    expect(agentOf('tools: [shell]', 'approvers: [12, anna, "@Ben"]')?.approvers).toEqual(['12', 'anna', '@Ben'])
    const both = `${withAgent('tools: [shell]', 'approvers: [12, Anna, "@Ben"]')}  t: { platform: telegram, token: x1, agent: cfo }\n`
    expect(loaded(both).definition.agents['cfo']?.approvers).toEqual(['12', '@anna', 'Anna', '@ben', '@Ben'])
    const telegram = both.replace('web: { platform: web', 'web: { platform: telegram, token: x2')
    expect(problemsOf(telegram.replace('Anna', 'A B'))).toEqual([
      'g.yaml:5:21 agents.cfo.approvers[1]: expected a person\'s id (a whole number above 0) or "@handle", found "A B"',
    ])
  })
})

describe('a key without effect is refused', () => {
  test.each([
    ['approval: { shell: ask }', 'approval: has no effect on an agent without tools'],
    ['approval_timeout: 1m', 'approval_timeout: has no effect on an agent without tools'],
    ['approvers: [1]', 'approvers: has no effect on an agent without tools'],
    ['max_steps: 3', 'max_steps: has no effect on an agent without tools: a run of it has one step'],
    ['workdir: per_run', 'workdir: has no effect: none of its tools has a working folder'],
    ['http: { allow: [a.example] }', 'http: has no effect without http in tools'],
    ['shared_workdir: true', 'shared_workdir: has no effect: workdir is not a path'],
  ])('%s', (line, expected) => {
    expect(problemsOf(withAgent(line))).toEqual([`g.yaml:4:5 agents.cfo.${expected}`])
    expect(problemsOf(withAgent('tools: [memory]', 'workdir: per_run'))).toHaveLength(1)
  })

  test('run_timeout and requires have one on every agent', () => {
    expect(agentOf('run_timeout: 30s', 'requires: [git]')).toMatchObject({ runTimeoutMs: 30_000, requires: ['git'] })
  })
})

describe('working folders', () => {
  test.each([
    [
      'per_sesion',
      'unknown value "per_sesion": expected per_run, per_session, or a path such as ./work (did you mean "per_session"?)',
    ],
    ['work', 'unknown value "work": expected per_run, per_session, or a path such as ./work'],
    ['~/work', 'the sign ~ is not replaced here: write ${HOME} instead'],
    ['.', 'the data folder holds what everybody wrote: choose a folder apart from it'],
    ['/', 'the data folder holds what everybody wrote: choose a folder apart from it'],
    ['./.troupe/work', 'the data folder holds what everybody wrote: choose a folder apart from it'],
  ])('%s', (path, message) => {
    expect(problemsOf(withAgent('tools: [files]', `workdir: "${path}"`))).toEqual([
      `g.yaml:5:14 agents.cfo.workdir: ${message}`,
    ])
  })

  test('the folder of the configuration is refused, also behind a link', async () => {
    const home = await folder()
    mkdirSync(join(home, 'below'))
    symlinkSync('..', join(home, 'below/up'))
    const problems = (workdir: string): string[] => {
      const text = `gateway: { data: /nowhere/data }\n${withAgent('tools: [files]', `workdir: ${workdir}`)}`
      const result = loadText({ file: join(home, 'g.yaml'), text, environment: {} })
      return result.ok ? [] : result.problems.map(({ message }) => message)
    }
    const message =
      'this folder holds the configuration, and whatever is beside it: choose one below it, such as ./work'
    expect(problems('./')).toEqual([message])
    expect(problems('./below/up')).toEqual([message])
    expect(problems('./below')).toEqual([])
  })

  const two = (one: string, other: string, more = ''): string => `agents:
  cfo: { model: echo, tools: [files], workdir: ${one}${more} }
  ops: { model: echo, tools: [files], workdir: ${other}${more} }
channels:
  web: { platform: web, agent: cfo }
`

  test.each([
    ['./work', './work'],
    ['./work', './work/'],
    ['./work', './work/inner'],
    ['./work/inner', './work'],
  ])('two agents in %s and %s are refused, each by name, unless both say so', (one, other) => {
    expect(problemsOf(two(one, other)).map((line) => line.replace(/^\S+ /, ''))).toEqual([
      'agents.cfo.workdir: agents.ops works in this folder too: give each its own, or say shared_workdir: true in both',
      'agents.ops.workdir: agents.cfo works in this folder too: give each its own, or say shared_workdir: true in both',
    ])
    expect(problemsOf(two(one, other, ', shared_workdir: true'))).toEqual([])
  })

  test.each([
    ['./work', './work-2'],
    ['per_session', 'per_session'],
  ])('%s and %s are two', (one, other) => expect(problemsOf(two(one, other))).toEqual([]))

  test('shared_workdir with nobody to share it is refused', () => {
    const [first] = problemsOf(two('./one', './two', ', shared_workdir: true'))
    expect(first).toMatch(/agents\.cfo\.shared_workdir: has no effect: no other agent works in this folder$/)
  })
})

describe('hosts and executables', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1:080', '127.0.0.1:80'],
    ['2130706433:1', '127.0.0.1:1'],
    ['Intranet.EXAMPLE', 'intranet.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['[::1]:8080', '[::1]:8080'],
    ['[0:0::1]', '[::1]'],
  ])('%s is allowed as %s', (written, expected) => {
    expect(agentOf('tools: [http]', `http: { allow: ["${written}"] }`)?.httpAllow).toEqual([expected])
  })

  test.each(['http://a', 'a/b', 'a b', '::1', 'a:0', 'a:65536', 'u@a', '*', '10.0.0.0/8'])(
    '%s is no host',
    (written) => {
      const problems = problemsOf(withAgent('tools: [http]', `http: { allow: ["${written}"] }`))
      const hosts =
        written === '*'
          ? []
          : [expect.stringContaining('agents.cfo.http.allow[0]: expected a host, or a host and port')]
      expect(problems).toEqual(hosts)
    },
  )

  test('a key of http that is not known is named with the one that is', () => {
    expect(problemsOf(withAgent('tools: [http]', 'http: { alow: [] }'))).toEqual([
      'g.yaml:5:5 agents.cfo.http.allow: is required: expected hosts such as ["127.0.0.1:8080", "intranet.example"]',
      'g.yaml:5:13 agents.cfo.http.alow: unknown key (did you mean "allow"?)',
    ])
  })

  test('an executable is a word or a path, without arguments', () => {
    expect(problemsOf(withAgent('requires: ["git status"]'))).toEqual([
      'g.yaml:4:16 agents.cfo.requires[0]: expected the name of an executable, or its path, without arguments, found "git status"',
    ])
  })
})

test('the checks catch a file that says less than it should', () => {
  const good = withAgent('tools: [shell]', 'approval: { shell: ask }')
  expect(problemsOf(good)).toEqual([])
  expect(problemsOf(good.replace('tools: [shell]', 'tools: []'))).not.toEqual([])
})
