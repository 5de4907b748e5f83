// Instructions: text, or a file with it that is read with the configuration and is part of the definition.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadFile, type LoadResult } from '../../src/config/load.ts'
import { formatProblem } from '../../src/config/problems.ts'
import { folder } from './support.ts'

/** A configuration with these instructions, and the files beside it. */
async function load(
  instructions: string,
  files: Readonly<Record<string, string | Uint8Array>> = {},
  variables: Readonly<Record<string, string>> = {},
): Promise<{ result: LoadResult; home: string }> {
  const home = await folder()
  for (const [name, content] of Object.entries(files)) await writeFile(join(home, name), content)
  const text = `agents:\n  cfo: { model: echo, instructions: ${instructions} }\nchannels:\n  web: { platform: web, agent: cfo }\n`
  await writeFile(join(home, 'gateway.yaml'), text)
  return { result: await loadFile(join(home, 'gateway.yaml'), variables), home }
}

const told = (result: LoadResult): string | undefined =>
  result.ok ? result.loaded.definition.agents['cfo']?.instructions : undefined

const problems = ({ result, home }: { result: LoadResult; home: string }): string[] =>
  result.ok ? [] : result.problems.map((problem) => formatProblem(problem).replace(`${home}/`, ''))

const TEXT = 'You keep things running.\n\nNever say ${NAME}.\n'

describe('a file', () => {
  test('its text is part of the definition, as it is, and it is named as read', async () => {
    const { result, home } = await load('{ file: ./ops.md }', { 'ops.md': `\uFEFF${TEXT}` })
    expect(told(result)).toBe(TEXT)
    expect(result.ok && result.loaded.alsoRead).toEqual([join(home, 'ops.md')])
    expect(Object.isFrozen(result.ok && result.loaded.definition.agents['cfo'])).toBe(true)
  })

  test('a newer text makes another definition', async () => {
    const { result, home } = await load('{ file: ops.md }', { 'ops.md': TEXT })
    await writeFile(join(home, 'ops.md'), 'Other words.')
    const newer = await loadFile(join(home, 'gateway.yaml'), {})
    expect([told(result), told(newer)]).toEqual([TEXT, 'Other words.'])
  })

  test('a path may be absolute, or stand in a variable; one that is not set is missing by its name', async () => {
    const { home } = await load('x', { 'ops.md': TEXT })
    expect(told((await load(`{ file: "${home}/ops.md" }`)).result)).toBe(TEXT)
    expect(told((await load('{ file: "${OPS}" }', {}, { OPS: join(home, 'ops.md') })).result)).toBe(TEXT)
    const { result } = await load('{ file: "${OPS}" }')
    expect(result.ok && result.loaded.missing.map(({ variable }) => variable)).toEqual(['OPS'])
  })

  test.each([
    [
      '{ file: ./opps.md }',
      '2:45 agents.cfo.instructions.file: there is no such file; a relative path begins beside this one: "./opps.md"',
    ],
    [
      '{ file: ops.md/x }',
      '2:45 agents.cfo.instructions.file: there is no such file; a relative path begins beside this one: "ops.md/x"',
    ],
    ['{ file: . }', '2:45 agents.cfo.instructions.file: expected a file with text, found something else: "."'],
    [
      '{ file: /dev/zero }',
      '2:45 agents.cfo.instructions.file: expected a file with text, found something else: "/dev/zero"',
    ],
    ['{ file: ./binary.md }', '2:45 agents.cfo.instructions.file: the file is not text in UTF-8: "./binary.md"'],
    [
      '{ file: ./large.md }',
      '2:45 agents.cfo.instructions.file: the file is larger than 1 MB: expected instructions: "./large.md"',
    ],
    [
      '{ file: ~/ops.md }',
      '2:45 agents.cfo.instructions.file: the sign ~ is not replaced here: write ${HOME} instead: "~/ops.md"',
    ],
    ['{ fil: ./ops.md, file: ./ops.md }', '2:39 agents.cfo.instructions.fil: unknown key (did you mean "file"?)'],
    ['{}', '2:23 agents.cfo.instructions.file: is required: expected the path of a file'],
    ['{ file: 5 }', '2:45 agents.cfo.instructions.file: expected the path of a file, found 5'],
    ['[a]', '2:37 agents.cfo.instructions: expected text, or a file such as { file: ./ops.md }, found a list'],
  ])('%s', async (instructions, problem) => {
    const files = { 'ops.md': TEXT, 'binary.md': Buffer.from([0xff, 0xfe, 0]), 'large.md': 'x'.repeat(1024 * 1024 + 1) }
    const found = problems(await load(instructions, files))
    expect(found).toEqual([`gateway.yaml:${problem}`])
  })

  test('all problems at once: a file that is missing hides nothing else', async () => {
    const home = await folder()
    await mkdir(join(home, 'sub'))
    const text =
      'agents:\n  cfo: { model: echoo, instructions: { file: a.md } }\n  ops: { model: echo, instructions: { file: b.md } }\n' +
      'channels:\n  web: { platform: web, agent: cfoo }\n'
    await writeFile(join(home, 'gateway.yaml'), text)
    const result = await loadFile(join(home, 'gateway.yaml'), {})
    expect(result.ok ? [] : result.problems.map(({ line, path }) => `${line} ${path}`)).toEqual([
      '2 agents.cfo.model',
      '2 agents.cfo.instructions.file',
      '3 agents.ops.instructions.file',
      '5 channels.web.agent',
    ])
  })
})

test('text stands as it is, and nothing more is read', async () => {
  const { result } = await load('"./ops.md"', { 'ops.md': TEXT })
  expect([told(result), result.ok && result.loaded.alsoRead]).toEqual(['./ops.md', []])
})
