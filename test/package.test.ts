// Package: what `npm install troupe` would give somebody. Built and packed from a copy, installed into an empty folder,
// and run there; the checkout is only read, so other tests can run beside it.

import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adapterChecks } from './channels/contract.ts'

const MANIFEST = JSON.parse(readFileSync('package.json', 'utf8'))

let workshop: string
let packed: string
let installed: string

beforeAll(() => {
  workshop = mkdtempSync(join(tmpdir(), 'troupe-package-'))
  packed = join(workshop, 'packed')
  installed = join(workshop, 'installed')
  mkdirSync(packed)
  mkdirSync(installed)
  build(join(packed, 'dist'))
  const pages = MANIFEST.files.filter((file: string) => file !== 'dist')
  for (const file of ['package.json', 'README.md', ...pages]) cpSync(file, join(packed, file), { recursive: true })
  // The scripts would build again; what they build is here already.
  npm(packed, ['pack', '--ignore-scripts', '--pack-destination', workshop])
  writeFileSync(join(installed, 'package.json'), '{ "private": true }')
  npm(installed, ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball()])
}, 180_000)

afterAll(() => rmSync(workshop, { recursive: true, force: true }))

test('troupe --help says how it is used', () => {
  expect(troupe(['--help'])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Usage: troupe/), stderr: '' })
})

test('troupe --version is the version of the package', () => {
  expect(troupe(['--version'])).toMatchObject({ status: 0, stdout: `${MANIFEST.version}\n`, stderr: '' })
})

test('the package carries JavaScript and its data, no TypeScript and no tests', () => {
  const files = filesBelow(join(installed, 'node_modules/troupe'))
  // Examples are to be read.
  const ours = files.filter((file) => !file.startsWith('test/fixtures/own/'))
  expect(ours.filter((file) => /\.ts$|\.tsbuildinfo$/.test(file) && !file.endsWith('.d.ts'))).toEqual([])
  // What `troupe/testing` is made of, and no test of ours.
  const tests = ours.filter((file) => /(^|\/)test\//.test(file) && !file.endsWith('.md'))
  expect(tests.filter((file) => !/^dist\/test\/(support\/|channels\/contract\.)/.test(file))).toEqual([])
  expect(tests.filter((file) => /\.test\./.test(file))).toEqual([])
  expect(files).toContain('dist/src/main.js')
  expect(files).toContain('dist/machines/session.js')
  for (const asset of filesBelow('src').filter((file) => !/\.(ts|md)$/.test(file)))
    expect(files).toContain(`dist/src/${asset}`)
})

test('no module of the package asks for a TypeScript file or a test runner', () => {
  const modules = filesBelow(join(installed, 'node_modules/troupe/dist')).filter((file) => file.endsWith('.js'))
  const asking = modules.filter((file) => {
    const text = readFileSync(join(installed, 'node_modules/troupe/dist', file), 'utf8')
    return /(from|import|import\()\s*['"]([^'"]+\.ts|vitest)['"]/.test(text)
  })
  expect(asking).toEqual([])
})

test('a user’s own tool is written with troupe/tool, a hook with troupe/hook, a channel with troupe/channel, typed and run', () => {
  const own = `
    import { defineTool } from 'troupe/tool'
    export default defineTool<{ number: number }>({
      description: 'Writes an invoice.',
      parameters: { type: 'object', properties: { number: { type: 'integer' } }, required: ['number'] },
      call: ({ number }, { sender, signal }) => \`\${number + 1} \${sender.name} \${signal.aborted}\`,
    })
  `
  writeFileSync(join(installed, 'invoice.mts'), own)
  writeFileSync(join(installed, 'wrong.mts'), own.replace('number + 1', 'number.trim()'))
  const hook = `
    import { defineHook } from 'troupe/hook'
    export default defineHook((hooked) =>
      hooked.event === 'message.accepted' ? { text: hooked.message.text.trim() } : undefined,
    )
  `
  writeFileSync(join(installed, 'trim.mts'), hook)
  const channel = `
    import { defineChannel } from 'troupe/channel'
    export default defineChannel(({ settings, token }) => ({
      run: async (door, signal) => door.live({ id: '1', name: 'me' }),
      send: async ({ text }, part) => ({ receipt: text, last: part === 0 }),
      probe: async () => ({ id: '1', name: \`\${settings['nick']} \${token() ?? 'without a password'}\` }),
    }))
  `
  writeFileSync(join(installed, 'lines.mts'), channel)
  expect(typesOf(['invoice.mts', 'trim.mts', 'lines.mts', 'wrong.mts'])).toEqual([
    expect.stringMatching(/wrong\.mts.*Property 'trim' does not exist on type 'number'/),
  ])
  const agent = '{ model: echo, tools: [./invoice.mts], hooks: { message.accepted: [./trim.mts] } }'
  const lines = '{ platform: module, module: ./lines.mts, settings: { nick: bot }, agent: cfo, allowed_users: [anna] }'
  const file = `agents: { cfo: ${agent} }\nchannels: { web: { platform: web, agent: cfo }, lines: ${lines} }\n`
  writeFileSync(join(installed, 'gateway.yaml'), file)
  expect(troupe(['doctor'])).toMatchObject({
    stdout: expect.stringMatching(
      /^✓ +tools of cfo +invoice$\n✓ +hooks of cfo +message\.accepted$[^]*^✓ +channel lines +module, bot without a password$/m,
    ),
    stderr: '',
  })
}, 60_000)

describe('a user’s own tests, with troupe/testing', () => {
  const OWN = 'test/fixtures/own'
  const TESTS = ['tool-test.ts', 'adapter-test.ts', 'lines-test.ts', 'machine-test.ts']
  /** Those of which something is broken here. */
  const BREAKABLE = TESTS.filter((file) => file !== 'lines-test.ts')

  beforeAll(() => {
    for (const file of readdirSync(OWN)) copyFileSync(join(OWN, file), join(installed, file))
    // They are modules, as a user's package would say.
    writeFileSync(join(installed, 'package.json'), '{ "private": true, "type": "module" }')
  })

  test('without @xstate/test, shortest paths say what to install', () => {
    const asking = `import { shortestPaths } from 'troupe/testing'; shortestPaths({})`
    expect(node(['--input-type=module', '-e', asking])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('npm install --save-dev --save-exact @xstate/test@1.0.0-beta.5'),
    })
  })

  test('are of the right types, and a wrong one is found', () => {
    const wrong = readFileSync(join(OWN, 'tool-test.ts'), 'utf8').replace('openTool(INVOICE)', 'openTool(7)')
    writeFileSync(join(installed, 'wrong-test.ts'), wrong)
    expect(typesOf([...TESTS, 'lines.ts', 'wrong-test.ts'])).toEqual([
      expect.stringMatching(/wrong-test\.ts.*'number' is not assignable to parameter of type 'string'/),
    ])
  })

  test('pass: a tool, a channel and a machine', () => {
    for (const name of ['test', 'graph'])
      cpSync(`node_modules/@xstate/${name}`, join(installed, `node_modules/@xstate/${name}`), { recursive: true })
    const { status, stdout } = node(['--test', '--test-reporter=tap', ...TESTS])
    expect({ status, stdout }).toMatchObject({ status: 0, stdout: expect.stringMatching(/^# fail 0$/m) })
    const checks =
      Object.keys(adapterChecks(() => Promise.reject(new Error('only their names are asked for')))).length * 2
    const written = TESTS.map((file) => readFileSync(join(OWN, file), 'utf8').match(/^test\(/gm)?.length ?? 0)
    expect(stdout).toMatch(new RegExp(`^# pass ${written.reduce((sum, count) => sum + count, checks)}$`, 'm'))
  })

  test('fail when what they test is broken', () => {
    const break_ = (file: string, was: string, is: string) =>
      writeFileSync(join(installed, file), readFileSync(join(OWN, file), 'utf8').replace(was, is))
    break_('invoice.ts', '${number} for', '${number} to')
    break_('wall.ts', 'wall.answers.push(text)', 'text.length')
    break_('turnstile.ts', ", after: { patienceMs: 'locked' }", '')
    const { status, stdout } = node(['--test', '--test-reporter=tap', '--test-skip-pattern=catches', ...BREAKABLE])
    expect(status).toBe(1)
    for (const broken of ['an invoice is written', 'a sent reply is shown', 'every state by its shortest way'])
      expect(stdout).toMatch(new RegExp(`^not ok \\d+ - ${broken}`, 'm'))
  })
})

test('publint finds nothing to mend', async () => {
  const { messages, pkg } = await publint({ pkgDir: join(installed, 'node_modules/troupe'), pack: false, strict: true })
  expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
})

test('publint would find a program that is not there', async () => {
  const broken = join(workshop, 'broken')
  mkdirSync(broken)
  writeFileSync(join(broken, 'package.json'), JSON.stringify({ ...MANIFEST, bin: { troupe: 'dist/nowhere.js' } }))
  expect((await publint({ pkgDir: broken, pack: false, strict: true })).messages).not.toEqual([])
})

function build(target: string): void {
  const built = spawnSync(process.execPath, ['test/tooling/build.js', target], { encoding: 'utf8' })
  if (built.status !== 0) throw new Error(`the package cannot be built:\n${built.stdout}${built.stderr}`)
}

/** npm as the shell finds it, with this Node in front, so that it judges `engines` by the Node that will run. */
function npm(folder: string, args: readonly string[]): void {
  const PATH = `${dirname(process.execPath)}:${process.env['PATH']}`
  execFileSync('npm', ['--loglevel=error', ...args], { cwd: folder, env: { ...process.env, PATH }, stdio: 'pipe' })
}

function tarball(): string {
  return join(workshop, readdirSync(workshop).find((name) => name.endsWith('.tgz')) ?? 'no tarball')
}

function troupe(args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const bin = join(installed, 'node_modules/.bin/troupe')
  return spawnSync(process.execPath, [bin, ...args], { cwd: installed, encoding: 'utf8', timeout: 15_000 })
}

/** What the compiler has against a user's files, a line each. */
function typesOf(files: readonly string[]): string[] {
  const { stdout } = node([
    join(process.cwd(), 'node_modules/typescript/bin/tsc'),
    ...['--noEmit', '--ignoreConfig', '--singleThreaded', '--strict', '--module', 'nodenext', '--target', 'es2024'],
    ...['--lib', 'es2024,esnext.disposable', '--skipLibCheck', '--allowImportingTsExtensions'],
    ...['--types', 'node', '--typeRoots', join(process.cwd(), 'node_modules/@types')],
    ...files,
  ])
  return stdout.trim().split('\n')
}

/** Node in the user's folder. */
function node(args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, args, { cwd: installed, encoding: 'utf8', timeout: 60_000 })
}

function filesBelow(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return entries.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort()
}
