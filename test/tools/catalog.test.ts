// Catalogue: which tools a definition gets, what is loaded for them, what every call is owed, and what an agent lacks.

import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { missingFailure } from '../../machines/channel-failure.ts'
import { BUILT_IN, BUILT_IN_WORDS, moduleName, namesOf, TOOL_NAME } from '../../machines/tool-names.ts'
import { lacksOf, MODULE_MS_MAX, moduleLacks } from '../../src/tools/needs.ts'
import { testAgent } from '../support/definitions.ts'
import { testChannel } from '../support/house.ts'
import { silentLog, testWorld } from '../support/world.ts'
import { failureOf, open, temporaryFolder } from './parts.ts'

describe('the tools of a definition', () => {
  test.each(BUILT_IN_WORDS)('%s brings the tools that its name stands for', async (word) => {
    const { toolbox } = await open({ tools: [word] })
    expect(toolbox.tools.map(({ name }) => name)).toEqual(BUILT_IN[word])
  })

  test('come in the order of the file, each under a name that a model takes', async () => {
    const path = join(temporaryFolder(), 'invoice.ts')
    writeFileSync(path, `export default { description: 'x', call: () => '' }`)
    const tools = [path, 'memory', 'files']
    const { toolbox } = await open({ tools })
    const names = toolbox.tools.map(({ name }) => name)
    expect(names).toEqual(tools.flatMap(namesOf))
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(name).toMatch(TOOL_NAME)
  })

  test('each has a JSON Schema that is an object, and says what it does', async () => {
    const { toolbox } = await open({ tools: [...BUILT_IN_WORDS] })
    for (const { parameters, description } of toolbox.tools) {
      expect(parameters).toMatchObject({ type: 'object', additionalProperties: false })
      expect(JSON.parse(JSON.stringify(parameters))).toEqual(parameters)
      expect(description.length).toBeGreaterThan(40)
    }
  })

  test('which of them ask is said by each', async () => {
    const { toolbox } = await open({ tools: [...BUILT_IN_WORDS] })
    expect(toolbox.tools.filter(({ changes }) => changes).map(({ name }) => name)).toEqual(['shell', 'http_request'])
    expect(toolbox.tools.filter(({ idempotent }) => !idempotent).map(({ name }) => name)).toEqual([
      'files_edit',
      'shell',
      'http_request',
    ])
  })

  test.each([
    [[], 'catalog.ts'],
    [['memory'], 'arguments.ts,catalog.ts,failures.ts,input.ts,memory.ts'],
  ])('of an agent with %j no more code is loaded than theirs', (tools, expected) => {
    const source = `
      import { registerHooks } from 'node:module'
      const loaded = []
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
      const { toolBuilder } = await import('./src/tools/catalog.ts')
      await toolBuilder({})({ definition: { mcp: {}, tools: ${JSON.stringify(tools)} }, session: 'a/b' })
      const ours = loaded.filter((url) => url.includes('/src/tools/')).map((url) => url.replace(/.*[/]/, ''))
      console.log(ours.sort().join())
    `
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' })
    expect(said.trim()).toBe(expected)
  })

  test.each(['a/b/invoice.ts', '/x/invoice.mjs', 'invoice.js', 'C:\\x\\invoice.cts'])(
    'the tool of %s is invoice',
    (path) => {
      expect(moduleName(path)).toBe('invoice')
    },
  )
})

describe('every call', () => {
  test('whose tool fails by a defect ends in words, and the log has the rest', async () => {
    const logged: unknown[] = []
    const log = { ...silentLog, error: (fields: object) => void logged.push(fields) }
    const notes = {
      list: () => Promise.reject(new TypeError('secret-value')),
      add: async () => 1,
      remove: async () => true,
    }
    const { call } = await open({ tools: ['memory'] }, { log, notes })
    const failure = await failureOf(call('memory_list'))
    expect(failure).toEqual({
      kind: 'permanent',
      reason: 'defect',
      message: 'memory_list failed by a defect; the log has more',
    })
    expect(logged).toHaveLength(1)
  })

  test('A3: says no secret, in its result or in its failure', async () => {
    const { call } = await open({ tools: ['files', 'shell'] })
    await call('files_write', { path: 'env', content: 'KEY=secret-value' })
    expect(await call('files_read', { path: 'env' })).toBe('KEY=[secret]')
    expect(await call('shell', { command: 'cat env' })).toBe('KEY=[secret]\n[exit code 0]')
    expect((await failureOf(call('files_read', { path: 'secret-value' }))).message).toBe('there is no "[secret]"')
  })

  test('that goes on when the toolbox is closed is ended first, and the folder is left to whoever knows that the turn is over', async () => {
    const { call, toolbox, workdir } = await open({ tools: ['shell'], workdir: 'per_run' })
    const command = `trap '' TERM; touch begun; while true; do sleep 0.01; done`
    const order: string[] = []
    const ended = failureOf(call('shell', { command })).finally(() => order.push('the call'))
    while (!existsSync(join(workdir, 'begun'))) await new Promise((resolve) => setTimeout(resolve, 5))
    await toolbox.close()
    order.push('the toolbox')
    expect((await ended).reason).toBe('cancelled')
    expect(order).toEqual(['the call', 'the toolbox'])
    expect(existsSync(workdir)).toBe(true)
  })

  test('after the run was ended begins nothing', async () => {
    const { call } = await open({ tools: ['files'] })
    const signal = AbortSignal.abort()
    expect((await failureOf(call('files_write', { path: 'a', content: 'a' }, { signal }))).reason).toBe('cancelled')
    expect(await call('files_list')).toBe('[the folder is empty]')
  })
})

describe('what an agent lacks', () => {
  const environment = (): { PATH: string } => {
    const bin = temporaryFolder()
    writeFileSync(join(bin, 'pandoc'), '#!/bin/sh\n')
    chmodSync(join(bin, 'pandoc'), 0o755)
    writeFileSync(join(bin, 'readme'), 'no program')
    mkdirSync(join(bin, 'folder'))
    return { PATH: `relative:${bin}:/usr/bin` }
  }

  test('an executable that is there is not named, one that is not is, with what to do', async () => {
    const given = environment()
    const requires = ['pandoc', 'readme', 'folder', 'no-such', '/usr/bin/env', '/usr/bin/no-such']
    const lacks = await lacksOf(testAgent('cfo', { requires }), given)
    expect(lacks.map(({ what }) => what)).toEqual([
      'readme is not in PATH',
      'folder is not in PATH',
      'no-such is not in PATH',
      '/usr/bin/no-such is not an executable file',
    ])
    expect(lacks[2]?.remedy).toBe("Install no-such, or take it out of the agent's requires, and start again")
    expect(await lacksOf(testAgent('cfo', { tools: ['shell'] }), { PATH: '/none' })).toMatchObject([
      { what: 'sh is not in PATH' },
    ])
  })

  test('a module that cannot be loaded, and a folder that is not there', async () => {
    const path = join(temporaryFolder(), 'broken.ts')
    writeFileSync(path, 'export default 1')
    const agent = testAgent('cfo', { tools: [path], workdir: { path: '/no/such/folder' } })
    const lacks = [...(await lacksOf(agent, {})), ...(await moduleLacks(agent, testWorld().clock))]
    expect(lacks.map(({ phase, what }) => [phase, what])).toEqual([
      ['requires', 'the work folder /no/such/folder is not there'],
      ['construct', 'the tool broken.ts has no default export that is a tool'],
    ])
    expect(lacks.every(({ remedy }) => remedy.endsWith(', and start again'))).toBe(true)
  })

  test('a module that never ends while it is loaded is given up, and holds up nobody', async () => {
    const path = join(temporaryFolder(), 'stuck.mjs')
    writeFileSync(path, 'await new Promise(() => {})\nexport default 1')
    const world = testWorld()
    const looking = moduleLacks(testAgent('cfo', { tools: [path] }), world.clock)
    await world.advance(MODULE_MS_MAX)
    expect(await looking).toMatchObject([
      { phase: 'construct', what: 'the tool stuck.mjs was not loaded within 10 seconds' },
    ])
  })

  test('its channels fail by name, together with unset variables; others do not', () => {
    const lacking = [{ phase: 'requires', what: 'pandoc is not in PATH', remedy: 'Install pandoc' }] as const
    const agents = { cfo: testAgent('cfo', { lacking, missing: ['KEY'] }), ops: testAgent('ops') }
    const failure = missingFailure({ definition: testChannel('a', { missing: ['TOKEN'] }), agents })
    expect(failure).toMatchObject({ kind: 'permanent', reason: 'missing', phase: 'secrets' })
    expect(failure?.message).toBe('TOKEN, KEY are not set; requires: pandoc is not in PATH')
    expect(failure?.remedy).toMatch(/^Set them in the \.env file .*\. Install pandoc$/)
    const routes = { default: 'ops', dm: null, group: null }
    expect(missingFailure({ definition: testChannel('b', { routes }), agents })).toBeNull()
  })
})
