// Own: a user's module as a tool: how it is loaded and named, what its input and its answer may be, how a call ends. A call
// without bounds is caught by the module that never returns.

import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { defineTool } from '../../src/tools/define-tool.ts'
import { loadOwn, OWN_MS_USUAL } from '../../src/tools/own.ts'
import { testWorld } from '../support/world.ts'
import { ANNA, failureOf, type Opened, open, temporaryFolder } from './parts.ts'

/** A module in a folder that is gone after the test. */
function module(source: string, name = 'invoice.ts'): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, source)
  return path
}

function opened(source: string, rest: Parameters<typeof open>[1] = {}): Promise<Opened> {
  return open({ tools: [module(source)] }, rest)
}

const INVOICE = `
type Input = { number: number; rows: readonly { text: string }[] }
export default {
  description: 'Writes an invoice.',
  parameters: {
    type: 'object',
    properties: {
      number: { type: 'integer', minimum: 1 },
      rows: { type: 'array', items: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] } },
    },
    required: ['number'],
    additionalProperties: false,
  },
  idempotent: true,
  call: ({ number, rows = [] }: Input, { sender }: { sender: { name: string } }) =>
    \`\${number} for \${sender.name}: \${rows.map(({ text }) => text)}\`,
}
`

describe('a module', () => {
  test('in TypeScript becomes a tool that is called like its file', async () => {
    const { tool, call } = await opened(INVOICE)
    const { name, description, changes, idempotent } = tool('invoice')
    expect({ name, description, changes, idempotent }).toEqual({
      name: 'invoice',
      description: 'Writes an invoice.',
      changes: true,
      idempotent: true,
    })
    expect(await call('invoice', { number: 7, rows: [{ text: 'tea' }] })).toBe('7 for Anna: tea')
  })

  test('may use defineTool, which only gives it a type', async () => {
    const tool = { description: 'x', call: () => 'y' }
    expect(defineTool(tool)).toBe(tool)
    const from = pathToFileURL(join(import.meta.dirname, '../../src/tools/define-tool.ts')).href
    const { call } = await opened(`
      import { defineTool } from '${from}'
      export default defineTool<{ a: string }>({ description: 'x', parameters: { type: 'object' }, call: ({ a }) => a })
    `)
    expect(await call('invoice', { a: 'b' })).toBe('b')
  })

  test.each([
    [{}, 'required property "number"'],
    [{ number: '7' }, 'number: '],
    [{ number: 0 }, 'number: '],
    [{ number: 1, more: true }, 'more'],
    [{ number: 1, rows: [{}] }, 'rows.0: '],
  ])('is not called with %j', async (input, said) => {
    const { call } = await opened(INVOICE)
    const failure = await failureOf(call('invoice', input))
    expect(failure.reason).toBe('refused')
    expect(failure.message).toContain('invoice cannot be called like this.')
    expect(failure.message).toContain(said)
  })

  test.each([
    ['"text"', 'text'],
    ['({ a: [1, null] })', '{"a":[1,null]}'],
    ['undefined', '[done]'],
    ['Promise.resolve(7)', '7'],
    ['"a\\0b\\ud800c"', 'a\ufffdb\ufffdc'],
  ])('that returns %s says %j', async (returned, expected) => {
    const { call } = await opened(`export default { description: 'x', call: () => ${returned} }`)
    expect(await call('invoice')).toBe(expected)
  })

  test('that throws says so in its own words, without a secret', async () => {
    const { call } = await opened(
      `export default { description: 'x', call() { throw new Error('no key secret-value') } }`,
    )
    expect((await failureOf(call('invoice'))).message).toBe('invoice failed: no key [secret]')
  })

  test('that answers with a secret answers without it', async () => {
    const { call } = await opened(`export default { description: 'x', call: () => ({ key: 'secret-value' }) }`)
    expect(await call('invoice')).toBe('{"key":"[secret]"}')
  })

  test('works in the working folder', async () => {
    const { call, parts } = await opened(`export default { description: 'x', call: (_, { workdir }) => workdir }`)
    expect(await call('invoice')).toContain(join(parts.data, 'work'))
  })

  test('that was changed is loaded anew by the next run', async () => {
    const path = module(`export default { description: 'x', call: () => 1 }`)
    expect(await (await open({ tools: [path] })).call('invoice')).toBe('1')
    writeFileSync(path, `export default { description: 'x', call: () => 2 }`)
    utimesSync(path, 1, 1)
    expect(await (await open({ tools: [path] })).call('invoice')).toBe('2')
  })
})

describe('a call', () => {
  const NEVER = `export default { description: 'x', call: (_, { signal }) => new Promise(() => {
    signal.addEventListener('abort', () => { globalThis.troupeTestAborted = true })
  }) }`

  test('that never returns ends at its time, and its module hears of it', async () => {
    const world = testWorld()
    const { call } = await opened(NEVER, { world })
    const failure = failureOf(call('invoice'))
    await new Promise((resolve) => setImmediate(resolve))
    await world.advance(OWN_MS_USUAL)
    expect(await failure).toMatchObject({ reason: 'timeout', message: 'invoice took longer than 60 s' })
    expect(Reflect.get(globalThis, 'troupeTestAborted')).toBe(true)
  })

  test('that never returns ends with its run', async () => {
    const ending = new AbortController()
    const { call } = await opened(NEVER)
    const failure = failureOf(call('invoice', {}, { signal: ending.signal }))
    setImmediate(() => ending.abort())
    expect((await failure).reason).toBe('cancelled')
    expect((await failureOf(call('invoice', {}, { signal: ending.signal }))).reason).toBe('cancelled')
  })

  test('without bounds it would not end: the look sees that', async () => {
    const { call } = await loadOwn(module(NEVER))
    const ending = new AbortController()
    ending.abort()
    const naive = Promise.resolve(call({}, { id: 'call', signal: ending.signal, workdir: '', sender: ANNA }))
    const late = new Promise((resolve) => setTimeout(() => resolve('still there'), 20))
    expect(await Promise.race([naive, late])).toBe('still there')
  })

  test('may have a time of its own', async () => {
    const world = testWorld()
    const { call } = await opened(NEVER.replace("description: 'x',", "description: 'x', timeoutMs: 5,"), { world })
    const failure = failureOf(call('invoice'))
    await new Promise((resolve) => setImmediate(resolve))
    await world.advance(5)
    expect((await failure).message).toBe('invoice took longer than 0.005 s')
  })
})

describe('a module that cannot be used is named with what to do', () => {
  test.each([
    ['nothing', '', 'has no default export that is a tool'],
    ['a function', 'export default () => 1', 'has no default export that is a tool'],
    ['no description', 'export default { call() {} }', 'has no usable description'],
    ['no call', `export default { description: 'x' }`, 'has no usable call'],
    ['a word for a flag', `export default { description: 'x', call() {}, changes: 'no' }`, 'has no usable changes'],
    [
      'an endless time',
      `export default { description: 'x', call() {}, timeoutMs: Infinity }`,
      'has no usable timeoutMs',
    ],
    [
      'parameters of a text',
      `export default { description: 'x', call() {}, parameters: { type: 'string' } }`,
      'parameters that are no JSON Schema of an object (its type is not "object")',
    ],
    [
      'a reference to nowhere',
      `export default { description: 'x', call() {}, parameters: { type: 'object', $ref: '#/nowhere' } }`,
      'parameters that are no JSON Schema of an object',
    ],
    ['a mistake in its text', 'export default {', 'cannot be loaded ('],
    ['a throw', 'throw new Error("no variable X")', 'cannot be loaded (Error: no variable X)'],
    ['a library that is not there', `import 'no-such-library'`, 'cannot be loaded (Error: Cannot find package'],
  ])('%s', async (_, source, said) => {
    const failure = await failureOf(opened(source))
    expect(failure).toMatchObject({ kind: 'permanent', reason: 'missing' })
    expect(failure.message).toMatch(/^the tool invoice\.ts /)
    expect(failure.message).toContain(said)
    expect(failure.remedy).toContain('invoice.ts')
  })

  test('a file that is not there, or is a folder', async () => {
    const folder = join(temporaryFolder(), 'a.ts')
    expect((await failureOf(open({ tools: [folder] }))).message).toBe('the tool a.ts is not there')
    mkdirSync(folder)
    expect((await failureOf(open({ tools: [folder] }))).message).toContain('the tool a.ts cannot be loaded')
  })
})
