// Files: what the tools do in the working folder, and that nothing leads out of it: not a name, not a link, not a race.
// The same ways out are tried on tools that judge a path by its text alone, and those must be caught.

import { execFileSync } from 'node:child_process'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { readFile, realpath, writeFile } from 'node:fs/promises'
import { join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { filesTools, READ_BYTES_MAX, WRITE_BYTES_MAX } from '../../src/tools/files.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { failureOf, open, scope, temporaryFolder, world } from './parts.ts'

interface Place {
  /** The working folder. */
  readonly root: string
  /** Beside it, with a file `secret.txt`. */
  readonly outside: string
  call(name: string, input: Record<string, unknown>): Promise<string>
}

/** A working folder beside a folder that nobody may reach. */
function place(make: (root: string) => Tool[] = plainTools): Place {
  const home = temporaryFolder()
  const [root, outside] = [join(home, 'work'), join(home, 'outside')]
  for (const folder of [root, outside]) mkdirSync(folder)
  writeFileSync(join(outside, 'secret.txt'), 'SECRET')
  const tools = make(root)
  return {
    root,
    outside,
    async call(name, input) {
      const tool = tools.find((one) => one.name === name)
      return tool?.call(input, scope(root)) ?? 'no such tool'
    },
  }
}

const plainTools = (root: string): Tool[] => filesTools({ root, kind: 'own', world: world() })

describe('in the working folder', () => {
  test('what is written is read, edited, listed and deleted', async () => {
    const { root, call } = place()
    await call('files_write', { path: 'notes/today.md', content: 'milk\nbread\n' })
    expect(await call('files_read', { path: 'notes/today.md' })).toBe('milk\nbread\n')
    await call('files_edit', { path: 'notes/today.md', old: 'bread', new: 'rye bread' })
    expect(readFileSync(join(root, 'notes/today.md'), 'utf8')).toBe('milk\nrye bread\n')
    expect(await call('files_list', {})).toBe('notes/')
    expect(await call('files_list', { path: './notes/../notes' })).toBe('today.md 15')
    expect(await call('files_delete', { path: 'notes/today.md' })).toBe('[it is deleted]')
    expect(await call('files_delete', { path: 'notes/today.md' })).toBe('[it is not there]')
    expect(await call('files_list', { path: 'notes' })).toBe('[the folder is empty]')
  })

  test('the absolute path of the folder, as a command prints it, is a path too', async () => {
    const { root, call } = place()
    await call('files_write', { path: join(root, 'a.txt'), content: 'a' })
    expect(await call('files_read', { path: 'a.txt' })).toBe('a')
  })

  test('a link that stays inside is followed, and deleted as itself', async () => {
    const { root, call } = place()
    await call('files_write', { path: 'reports/2026/may.txt', content: 'fine' })
    symlinkSync('reports/2026', join(root, 'latest'))
    symlinkSync('../latest/may.txt', join(root, 'reports/again'))
    expect(await call('files_read', { path: 'reports/again' })).toBe('fine')
    await call('files_write', { path: 'latest/june.txt', content: 'better' })
    expect(readFileSync(join(root, 'reports/2026/june.txt'), 'utf8')).toBe('better')
    await call('files_delete', { path: 'latest' })
    expect(existsSync(join(root, 'reports/2026/may.txt'))).toBe(true)
  })

  test('a folder with something in it is deleted only when that is said', async () => {
    const { root, call } = place()
    await call('files_write', { path: 'a/b/c.txt', content: 'c' })
    expect((await failureOf(call('files_delete', { path: 'a' }))).message).toContain('say recursive')
    await call('files_delete', { path: 'a', recursive: true })
    expect(readdirSync(root)).toEqual([])
  })

  test('what is not there, is a folder, or stands there twice is said in words', async () => {
    const { call } = place()
    await call('files_write', { path: 'a/b.txt', content: 'x x' })
    const said = async (name: string, input: Record<string, unknown>) => (await failureOf(call(name, input))).message
    expect(await said('files_read', { path: 'no.txt' })).toBe('there is no "no.txt"')
    expect(await said('files_read', { path: 'a' })).toBe('"a" is a folder')
    expect(await said('files_list', { path: 'a/b.txt' })).toContain('is a file and not a folder')
    expect(await said('files_edit', { path: 'a/b.txt', old: 'x', new: 'y' })).toContain('more than once')
    expect(await said('files_edit', { path: 'a/b.txt', old: 'z', new: 'y' })).toContain('does not stand in the file')
    expect(await said('files_delete', { path: '.' })).toBe('the working folder itself stays')
    expect(await said('files_write', { path: 'a', content: '' })).toContain('is a folder')
  })

  test('content that is no text goes in and out as base64', async () => {
    const { root, call } = place()
    const bytes = Buffer.from([0, 255, 1, 128])
    await call('files_write', { path: 'b.bin', content: bytes.toString('base64'), encoding: 'base64' })
    expect(readFileSync(join(root, 'b.bin'))).toEqual(bytes)
    expect(await call('files_read', { path: 'b.bin' })).toBe('[not text: 4 bytes; encoding base64 reads it]')
    expect(await call('files_read', { path: 'b.bin', encoding: 'base64' })).toBe(bytes.toString('base64'))
  })

  test('a long text is read in pieces that lose no character', async () => {
    const { root, call } = place()
    const text = 'a' + '€'.repeat(50_000)
    writeFileSync(join(root, 'long.txt'), text)
    let [read, offset] = ['', 0]
    while (offset < 150_001) {
      const said = await call('files_read', { path: 'long.txt', offset })
      const [, part = '', end] = /^([\s\S]*)\n\[bytes \d+ to (\d+) of 150001(?:; more follow)?\]$/.exec(said) ?? []
      read += part
      offset = Number(end ?? Number.POSITIVE_INFINITY)
    }
    expect(read).toBe(text)
  })

  test('a script stays executable when it is written again', async () => {
    const { root, call } = place()
    writeFileSync(join(root, 'run.sh'), 'echo', { mode: 0o755 })
    await call('files_write', { path: 'run.sh', content: 'echo 2' })
    expect(statSync(join(root, 'run.sh')).mode & 0o777).toBe(0o755)
    expect(readdirSync(root)).toEqual(['run.sh'])
  })

  test('only reading is unasked in a folder that is somebody else’s too', async () => {
    const given = temporaryFolder()
    const own = await open({ tools: ['files'] })
    const shared = await open({ tools: ['files'], workdir: { path: given } })
    const changing = (toolbox: { tools: readonly Tool[] }) =>
      toolbox.tools.filter(({ changes }) => changes).map(({ name }) => name)
    expect(changing(own.toolbox)).toEqual([])
    expect(changing(shared.toolbox)).toEqual(['files_write', 'files_edit', 'files_delete'])
    await shared.call('files_write', { path: 'a', content: 'a' })
    expect(readdirSync(given)).toEqual(['a'])
    await own.call('files_write', { path: 'b', content: 'b' })
    expect(readdirSync(own.workdir)).toEqual(['b'])
  })
})

/** Ways out: how each is prepared, and what is asked. */
const WAYS_OUT: readonly (readonly [
  string,
  (place: Place) => void,
  (place: Place) => [string, Record<string, unknown>],
])[] = [
  ['two dots', () => {}, () => ['files_read', { path: '../outside/secret.txt' }]],
  ['dots after a name', () => {}, () => ['files_read', { path: 'a/../../outside/secret.txt' }]],
  ['an absolute path', () => {}, ({ outside }) => ['files_read', { path: join(outside, 'secret.txt') }]],
  [
    'a path that begins alike',
    ({ root }) => mkdirSync(`${root}-2`),
    ({ root }) => ['files_list', { path: `${root}-2` }],
  ],
  [
    'a link to a file',
    ({ root, outside }) => symlinkSync(join(outside, 'secret.txt'), join(root, 'l')),
    () => ['files_read', { path: 'l' }],
  ],
  [
    'a link to a folder',
    ({ root, outside }) => symlinkSync(outside, join(root, 'l')),
    () => ['files_read', { path: 'l/secret.txt' }],
  ],
  ['a relative link', ({ root }) => symlinkSync('../outside', join(root, 'l')), () => ['files_list', { path: 'l' }]],
  [
    'a link to a link',
    ({ root }) => {
      symlinkSync('m', join(root, 'l'))
      symlinkSync('../outside/secret.txt', join(root, 'm'))
    },
    () => ['files_read', { path: 'l' }],
  ],
  [
    'dots behind a link',
    ({ root }) => {
      mkdirSync(join(root, 'a'))
      symlinkSync('a/..', join(root, 'l'))
    },
    () => ['files_read', { path: 'l/../outside/secret.txt' }],
  ],
  [
    'a write through a link',
    ({ root, outside }) => symlinkSync(join(outside, 'planted.txt'), join(root, 'l')),
    () => ['files_write', { path: 'l', content: 'planted' }],
  ],
  [
    'a write into a linked folder',
    ({ root, outside }) => symlinkSync(outside, join(root, 'l')),
    () => ['files_write', { path: 'l/planted.txt', content: 'planted' }],
  ],
  [
    'a new folder through a link',
    ({ root, outside }) => symlinkSync(outside, join(root, 'l')),
    () => ['files_write', { path: 'l/deep/planted.txt', content: 'planted' }],
  ],
  [
    'a delete through a link',
    ({ root, outside }) => symlinkSync(outside, join(root, 'l')),
    () => ['files_delete', { path: 'l/secret.txt', recursive: true }],
  ],
  ['the process’s own links', () => {}, () => ['files_read', { path: '/proc/self/cwd/package.json' }]],
  ['a NUL character', () => {}, () => ['files_read', { path: '../outside/secret.txt\0.txt' }]],
]

const untouched = ({ outside }: Place): boolean => {
  return readdirSync(outside).join() === 'secret.txt' && readFileSync(join(outside, 'secret.txt'), 'utf8') === 'SECRET'
}

describe('out of the working folder', () => {
  test.each(WAYS_OUT)('%s leads nowhere', async (_, prepare, ask) => {
    const here = place()
    prepare(here)
    const failure = await failureOf(here.call(...ask(here)))
    expect(failure.message).not.toContain('SECRET')
    expect(['refused', 'notFound']).toContain(failure.reason)
    expect(untouched(here)).toBe(true)
  })

  test('tools that judge a path by its text alone are caught', async () => {
    const caught = await Promise.all(
      WAYS_OUT.map(async ([, prepare, ask]) => {
        const here = place(naiveTools)
        prepare(here)
        const said = await here.call(...ask(here)).catch((error: Error) => error.message)
        return said.includes('SECRET') || said.includes('secret.txt') || !untouched(here)
      }),
    )
    expect(caught.filter(Boolean).length).toBeGreaterThan(5)
  })

  test('a folder that becomes a link in the middle of a call leads nowhere', async () => {
    const here = place()
    const said = await raced(here, (path) => here.call('files_read', { path }), 'mine')
    expect(said).toContain('mine')
    expect(said).not.toContain('SECRET')
    expect(untouched(here)).toBe(true)
  })

  test('a tool that looks where a path leads and then opens the path is caught', async () => {
    const here = place()
    const lookThenOpen = async (path: string): Promise<string> => {
      const real = await realpath(join(here.root, path))
      if (!real.startsWith(here.root)) throw new Error('outside')
      return readFile(join(here.root, path), 'utf8')
    }
    expect(await raced(here, lookThenOpen, 'SECRET')).toContain('SECRET')
  })
})

const READS_MIN = 200
const READS_MAX = 5_000

/** Reads and edits while the folder and a link to the outside change places at every turn of the event loop. */
async function raced(
  { root, outside, call }: Place,
  read: (path: string) => Promise<string>,
  enough: string,
): Promise<string> {
  const at = (name: string): string => join(root, name)
  mkdirSync(at('a'))
  writeFileSync(at('a/secret.txt'), 'mine')
  symlinkSync(outside, at('link'))
  let turn: NodeJS.Immediate
  const swap = (): void => {
    const [from, to] = existsSync(at('folder')) ? ['link', 'folder'] : ['folder', 'link']
    renameSync(at('a'), at(from))
    renameSync(at(to), at('a'))
    turn = setImmediate(swap)
  }
  turn = setImmediate(swap)
  let said = ''
  for (let reads = 0; reads < READS_MIN || (reads < READS_MAX && !said.includes(enough)); reads += 1) {
    // Not in step with the swaps.
    for (let turns = reads % 5; turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve))
    said += await read('a/secret.txt').catch(() => '')
    await call('files_edit', { path: 'a/secret.txt', old: 'SECRET', new: 'planted' }).catch(() => {})
  }
  clearImmediate(turn)
  return said
}

/** As they are often written: the text of the path is judged, and then the path is used. */
function naiveTools(root: string): Tool[] {
  const real = (input: Readonly<Record<string, unknown>>): string => {
    const path = normalize(join(root, String(input['path'])))
    if (!path.startsWith(root)) throw new Error('outside')
    return path
  }
  const tool = (name: string, call: Tool['call']): Tool => {
    return { name, description: name, parameters: {}, changes: false, idempotent: true, call }
  }
  return [
    tool('files_read', (input) => readFile(real(input), 'utf8')),
    tool('files_write', async (input) => {
      mkdirSync(join(real(input), '..'), { recursive: true })
      await writeFile(real(input), String(input['content']))
      return ''
    }),
    tool('files_list', async (input) => readdirSync(real(input)).join()),
    tool('files_delete', async (input) => {
      renameSync(real(input), join(root, 'trash'))
      return ''
    }),
  ]
}

describe('bounds', () => {
  test('a pipe, which would hold up whoever opens it, is refused at once', async () => {
    const { root, call } = place()
    execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', join(root, 'pipe')])
    const began = performance.now()
    // More of them than the pool has threads: one that waits would be noticed.
    const said = await Promise.all(Array.from({ length: 8 }, () => failureOf(call('files_read', { path: 'pipe' }))))
    expect(said.map(({ message }) => message)).toEqual(Array(8).fill('"pipe" is not a file'))
    expect(performance.now() - began).toBeLessThan(10_000)
  })

  test('a file of a terabyte is read in pieces', async () => {
    const { root, call } = place()
    writeFileSync(join(root, 'huge'), 'begin\n')
    truncateSync(join(root, 'huge'), 2 ** 40)
    const read = await call('files_read', { path: 'huge', encoding: 'base64' })
    expect(read.length).toBeLessThan(READ_BYTES_MAX * 1.5)
    expect(read).toContain(`[bytes 0 to ${READ_BYTES_MAX} of ${2 ** 40}; more follow]`)
    expect((await failureOf(call('files_edit', { path: 'huge', old: 'begin', new: 'x' }))).message).toContain(
      'only files',
    )
  })

  test('more than a megabyte is not written at once', async () => {
    const { root, call } = place()
    const content = 'x'.repeat(WRITE_BYTES_MAX + 1)
    expect((await failureOf(call('files_write', { path: 'big', content }))).message).toContain('at most 1048576 bytes')
    expect(readdirSync(root)).toEqual([])
  })

  test('of a folder with many entries, five hundred are listed', async () => {
    const { root, call } = place()
    for (let n = 0; n < 600; n += 1) linkSync(join(root, '..', 'outside/secret.txt'), join(root, `${n}`))
    const lines = (await call('files_list', {})).split('\n')
    expect(lines).toHaveLength(501)
    expect(lines.at(-1)).toBe('[more than 500 entries]')
  })

  test('a circle of links, a very long path and a very deep one end', async () => {
    const { root, call } = place()
    symlinkSync('b', join(root, 'a'))
    symlinkSync('a', join(root, 'b'))
    expect((await failureOf(call('files_read', { path: 'a' }))).message).toContain('a link in a circle')
    expect((await failureOf(call('files_read', { path: 'x/'.repeat(5_000) }))).message).toBe('the path is too long')
    const deep = call('files_write', { path: `${'x/'.repeat(500)}y`, content: '' })
    expect((await failureOf(deep)).message).toBe('the path is too deep')
  })
})
