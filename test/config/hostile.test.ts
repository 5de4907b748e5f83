// Hostile files: whatever the bytes are, the answer is a load result in bounded time, and no file is ever the wrong kind of error.
//   FUZZ_RUNS=20000 FUZZ_SEED=7 with this file plays many more than `npm test` does, and other ones.

import { spawnSync } from 'node:child_process'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadFile, loadText } from '../../src/config/load.ts'
import { formatProblem } from '../../src/config/problems.ts'
import { FILE_BYTES_MAX } from '../../src/config/source.ts'
import { processorMs } from '../bench/clocks.ts'
import { fixtureText, folder, problemsOf, spilled, unfrozen, withChannels } from './support.ts'

const LINE = /^g\.yaml:[1-9]\d*:[1-9]\d* .+: .+$/
const SEED = Number(process.env['FUZZ_SEED'] ?? 1)
const RUNS = Number(process.env['FUZZ_RUNS'] ?? 200)
const GOOD = fixtureText('every-key.yaml')
const TOKEN = '123456789:AAabcdefghijklmnopqrstuvwxyz0123456'
const VARIABLES = { PORT: '4321', TROUPE_TOKEN: 'gateway-token-value', KEY: 'local-key-value', ZETA_TOKEN: TOKEN }

type Load = (bytes: Uint8Array) => ReturnType<typeof loadText>

const load: Load = (bytes) => loadText({ file: 'g.yaml', bytes, environment: VARIABLES })

/** What is demanded of every load; null when it holds. */
function complaint(subject: Load, bytes: Uint8Array): string | null {
  try {
    const result = subject(bytes)
    if (!result.ok) {
      const lines = result.problems.map(formatProblem)
      if (lines.length === 0) return 'refused without a problem'
      if (spilled(lines, [TOKEN, VARIABLES.TROUPE_TOKEN, VARIABLES.KEY]).length > 0) return 'a secret in a problem'
      return lines.find((line) => !LINE.test(line) || /undefined|\[object|Invalid input|\n/.test(line)) ?? null
    }
    const { definition } = result.loaded
    if (unfrozen(definition).length > 0) return 'not frozen'
    expect(JSON.parse(JSON.stringify(definition))).toStrictEqual(definition)
    const known = result.loaded.secrets.values().filter((value) => Object.values(VARIABLES).includes(value))
    return spilled(definition, known).length > 0 ? 'a secret in the definition' : null
  } catch (thrown) {
    return `thrown: ${String(thrown)}`
  }
}

const SHARDS = [
  ...[
    '${',
    '${A}',
    '${KEY}',
    '$${',
    '}',
    '{',
    '[',
    ']',
    ',',
    ': ',
    '- ',
    '? ',
    '&a ',
    '*a',
    '<<: ',
    '|',
    '>',
    '"',
    "'",
    '\t',
    '\r',
    '\n',
  ],
  ...[
    '\n  ',
    '\n    ',
    '#',
    '@',
    '`',
    '%YAML 1.1\n---\n',
    '---',
    '...',
    '!!str ',
    '!x ',
    '~',
    'null',
    '.nan',
    '1e999',
    '0x1F',
    '\ufeff',
  ],
  ...[
    '__proto__',
    'constructor',
    'channels:',
    'agents:',
    'platform',
    'web',
    'token: ',
    '99999999999999999999',
    '\ud83d\ude00',
    '\u0000',
  ],
]

/** A good file with parts taken out, doubled, moved and shards put in. */
const mutated = fc
  .array(
    fc.tuple(
      fc.nat(GOOD.length),
      fc.nat(40),
      fc.constantFrom('cut', 'put', 'double', 'swap'),
      fc.constantFrom(...SHARDS),
    ),
    {
      minLength: 1,
      maxLength: 8,
    },
  )
  .map((steps) => {
    return steps.reduce((text, [at, length, kind, shard]) => {
      const [before, part, after] = [text.slice(0, at), text.slice(at, at + length), text.slice(at + length)]
      if (kind === 'cut') return before + after
      if (kind === 'put') return before + shard + part + after
      return kind === 'double' ? before + part + part + after : before + shard + after
    }, GOOD)
  })

describe('any bytes', { timeout: 20_000 + RUNS * 50 }, () => {
  test(`mutations of a good file (seed ${SEED})`, () => {
    fc.assert(
      fc.property(mutated, (text) => complaint(load, Buffer.from(text)) === null),
      { seed: SEED, numRuns: RUNS },
    )
  })

  test(`texts made of what YAML knows (seed ${SEED})`, () => {
    const text = fc.array(fc.constantFrom(...SHARDS, 'a', 'cfo'), { maxLength: 40 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, (made) => complaint(load, Buffer.from(made)) === null),
      { seed: SEED, numRuns: RUNS },
    )
  })

  test(`noise (seed ${SEED})`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => complaint(load, bytes) === null),
      { seed: SEED, numRuns: RUNS },
    )
  })

  test('a loader that throws, one that says nothing and one that shows a secret are found', () => {
    const bytes = Buffer.from(GOOD)
    const refusing = (message: string): Load => {
      return () => ({
        ok: false,
        problems: [{ file: 'g.yaml', line: 1, column: 1, path: 'x', message, phase: 'validate' }],
        settings: null,
      })
    }
    expect(complaint(() => JSON.parse('{'), bytes)).toMatch(/^thrown/)
    expect(complaint(() => ({ ok: false, problems: [], settings: null }), bytes)).toBe('refused without a problem')
    expect(complaint(refusing(`found ${TOKEN}`), bytes)).toBe('a secret in a problem')
    expect(complaint(refusing('Invalid input: expected x'), bytes)).toContain('Invalid input')
    expect(complaint(load, bytes)).toBeNull()
  })
})

describe('files that are too much', () => {
  test('aliases that multiply', () => {
    const lines = 'bcdefghij'.split('').map((name, index) => {
      const times = Array(10).fill(`*${'abcdefghi'[index]}`)
      return `${name}: &${name} [${times.join(',')}]`
    })
    const before = processorMs()
    const problems = problemsOf(`a: &a [x,x,x,x,x,x,x,x,x,x]\n${lines.join('\n')}`)
    expect(problems.join('\n')).toContain('the file unfolds to more than 100000 values: its aliases multiply')
    expect(processorMs() - before).toBeLessThan(5_000)
  })

  test.each([
    ['brackets', '['.repeat(100_000)],
    ['braces', `a: ${'{a: '.repeat(20_000)}`],
    ['dashes', '- '.repeat(20_000)],
    ['questions', '? '.repeat(5_000)],
    ['indentation', Array.from({ length: 1_000 }, (_, depth) => `${' '.repeat(depth)}k:`).join('\n')],
    [
      'a chain of aliases',
      Array.from({ length: 200 }, (_, n) => `k${n + 1}: &k${n + 1} { x: ${n === 0 ? 1 : `*k${n}`} }`).join('\n'),
    ],
  ])('deep nesting by %s', (_, text) => {
    expect(problemsOf(text).some((line) => line.includes('nested deeper than 50 levels'))).toBe(true)
  })

  test('deep nesting ends no process: the library alone would', () => {
    // In a process of its own: should the bound be gone, this is no exception but an abort.
    const code = `import('./src/config/load.ts').then(({ loadText }) => console.log(loadText({ file: 'g', text: '['.repeat(50_000), environment: {} }).ok))`
    const { status, stdout } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' })
    expect([status, stdout.trim()]).toEqual([0, 'false'])
  })

  test('more words than any person wrote', () => {
    const problems = problemsOf('a: 1\n'.repeat(300_000))
    expect(problems).toEqual(['g.yaml:1:1 (file): the file has more than 1000000 words and signs'])
  })

  test('more than 10 MB, as text, as bytes and as a file without end', async () => {
    const text = 'x'.repeat(FILE_BYTES_MAX + 1)
    const expected = 'the file is larger than 10 MB: expected a YAML file'
    expect(problemsOf(text)).toEqual([`g.yaml:1:1 (file): ${expected}`])
    expect(problemsOf(Buffer.from(text))).toEqual([`g.yaml:1:1 (file): ${expected}`])
    const result = await loadFile('/dev/zero', {})
    expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual([`/dev/zero:1:1 (file): ${expected}`])
  })

  test('a large file within the bounds is read: 500 bots with long instructions', () => {
    const agent = `agents:\n  cfo:\n    model: echo\n    instructions: "${'word '.repeat(100_000)}"\nchannels:\n`
    const channels = Array.from(
      { length: 500 },
      (_, n) => `  b${n}: { platform: telegram, agent: cfo, token: t-${n}, allowed_users: [1] }\n`,
    )
    expect(problemsOf(agent + channels.join(''))).toEqual([])
  })
})

describe('files that are none', () => {
  const problemOf = async (path: string) => {
    const result = await loadFile(path, {})
    return result.ok ? 'loaded' : result.problems.map(formatProblem).join('\n')
  }

  test.each([
    ['a zero byte', [97, 58, 0], 'the file is not text in UTF-8: expected a YAML file'],
    ['an escape', [97, 58, 27], 'the file is not text in UTF-8: expected a YAML file'],
    ['broken UTF-8', [97, 0xc3, 0x28], 'the file is not text in UTF-8: expected a YAML file'],
    ['UTF-16', [0xff, 0xfe, 97, 0], 'the file is in UTF-16: save it as UTF-8'],
  ])('%s', (_, bytes, expected) => {
    expect(problemsOf(Uint8Array.from(bytes))).toEqual([`g.yaml:1:1 (file): ${expected}`])
  })

  test('no file, a folder, a path through a file, an impossible path', async () => {
    const home = await folder()
    const file = join(home, 'gateway.yaml')
    await writeFile(file, '')
    expect(await problemOf(join(home, 'none.yaml'))).toBe(
      `${home}/none.yaml:1:1 (file): the file does not exist: give another with --config, or write one with troupe init`,
    )
    expect(await problemOf(home)).toBe(`${home}:1:1 (file): this is a folder: expected a YAML file`)
    expect(await problemOf(join(file, 'x'))).toContain('a part of its path is not a folder')
    expect(await problemOf('a\0b')).toContain('(file): the file cannot be read')
  })

  test('a file that may not be read', async () => {
    const home = await folder()
    const file = join(home, 'gateway.yaml')
    await writeFile(file, withChannels('  w: { platform: web, agent: cfo }'))
    await chmod(file, 0)
    const line = await problemOf(file)
    // An administrator may read everything.
    if (process.getuid?.() === 0) expect(line).toBe('loaded')
    else expect(line).toContain('the file may not be read: check its permissions')
  })

  test('the .env beside the file is used; a folder of that name is none of ours', async () => {
    const home = await folder()
    const file = join(home, 'gateway.yaml')
    await writeFile(file, `gateway: { port: "\${P:-1}" }\n${withChannels('  w: { platform: web, agent: cfo }')}`)
    await mkdir(join(home, '.env'))
    const without = await loadFile(file, {})
    expect(without.ok && without.loaded.definition.gateway.port).toBe(1)
    const other = await folder()
    await writeFile(
      join(other, 'gateway.yaml'),
      `gateway: { port: "\${P:-1}" }\n${withChannels('  w: { platform: web, agent: cfo }')}`,
    )
    await writeFile(join(other, '.env'), 'P=4000\n')
    const beside = await loadFile(join(other, 'gateway.yaml'), {})
    expect(beside.ok && beside.loaded.definition.gateway.port).toBe(4000)
    const process_ = await loadFile(join(other, 'gateway.yaml'), { P: '5000' })
    expect(process_.ok && process_.loaded.definition.gateway.port).toBe(5000)
  })
})
