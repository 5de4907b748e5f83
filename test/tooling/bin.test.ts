// Bin: the first file that runs, in a made-up checkout whose main reports what reached it. The too-old Node is this one
// with its version hidden; the Node that takes over is this one as it is.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

/** Prints its arguments and process id, and answers signals with the exit code 40 and a name. */
const MAIN = `export async function main(args) {
  if (args[0] === 'throw') throw new TypeError('token 123:abc')
  if (args[0] === 'code') return Number(args[1])
  if (args[0] === 'kill') process.kill(process.pid, args[1])
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => { console.log(name); process.exit(40) })
  console.log(JSON.stringify({ args, pid: process.pid, version: process.versions.node }))
  await new Promise((resolve) => setTimeout(resolve, 10_000))
}`

let checkout: string

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'troupe-bin-'))
  mkdirSync(join(checkout, 'src'))
  copyFileSync('src/bin.js', join(checkout, 'src/bin.js'))
  writeFileSync(join(checkout, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(checkout, 'old.cjs'), hiddenVersion('20.20.2'))
})

afterEach(() => rmSync(checkout, { recursive: true, force: true }))

test('the version that bin asks for is the one of package.json', () => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8'))
  const needed = /NEEDED = \[(\d+), (\d+)\]/.exec(readFileSync('src/bin.js', 'utf8'))
  expect(engines.node).toBe(`>=${needed?.[1]}.${needed?.[2]}`)
})

test.each(['main.ts', 'main.js'])('a new enough Node runs %s with the arguments', async (name) => {
  writeFileSync(join(checkout, 'src', name), MAIN)
  const bin = run(['check', '--json'])
  expect((await bin.report).args).toEqual(['check', '--json'])
  bin.process.kill('SIGTERM')
  expect(await bin.ended).toMatchObject({ code: 40, output: 'SIGTERM\n' })
})

test('what a module imports from troupe/… is of the program that runs it, wherever the module is', async () => {
  const elsewhere = join(mkdtempSync(join(checkout, 'user-')), 'tool.mjs')
  writeFileSync(elsewhere, "import { defineTool } from 'troupe/tool'; process.exitCode = defineTool(7)")
  mkdirSync(join(checkout, 'src/tools'))
  writeFileSync(join(checkout, 'src/tools/define-tool.ts'), 'export const defineTool = (tool: number): number => tool')
  writeFileSync(
    join(checkout, 'src/main.ts'),
    `export const main = () => import(${JSON.stringify(elsewhere)}).then(() => process.exitCode)`,
  )
  expect(await run([]).ended).toMatchObject({ code: 7, errors: '' })
})

test.each([0, 64, 78])('what main resolves with is the exit code: %d', async (code) => {
  writeFileSync(join(checkout, 'src/main.ts'), MAIN)
  expect(await run(['code', String(code)]).ended).toMatchObject({ code, output: '', errors: '' })
})

test('a defect of main ends with 70 and gives nothing away', async () => {
  writeFileSync(join(checkout, 'src/main.ts'), MAIN)
  const ended = await run(['throw']).ended
  expect(ended).toMatchObject({ code: 70, errors: 'troupe: it was stopped by a defect (TypeError).\n' })
})

test('a broken installation says what is missing', async () => {
  writeFileSync(join(checkout, 'src/main.ts'), "import 'no-such-package'")
  const ended = await run([]).ended
  expect(ended.code).toBe(70)
  expect(ended.errors).toMatch(/^troupe: it could not be loaded: Cannot find package 'no-such-package'.*npm ci/)
})

test.each(['20.20.2', '24.14.9'])('a too old Node %s without another says what to do', async (version) => {
  writeFileSync(join(checkout, 'src/main.ts'), MAIN)
  writeFileSync(join(checkout, 'old.cjs'), hiddenVersion(version))
  const ended = await run([], 'old').ended
  expect(ended.code).toBe(1)
  expect(ended.errors).toContain(`troupe: requires: troupe needs Node 24.15 or newer, and this is Node ${version}.`)
  expect(ended.errors).toContain('npm ci')
})

test('a too old Node hands over to the one of the checkout, with arguments and exit code', async () => {
  bringNode()
  const bin = run(['start', '--port', '0'], 'old')
  const { args, pid, version } = await bin.report
  expect({ args, version }).toEqual({ args: ['start', '--port', '0'], version: process.versions.node })
  expect(pid).not.toBe(bin.process.pid)
  bin.process.kill('SIGKILL')
  expect(await run(['code', '78'], 'old').ended).toMatchObject({ code: 78, errors: '' })
})

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s reaches the Node that took over, once', async (signal) => {
  bringNode()
  const bin = run([], 'old')
  await bin.report
  bin.process.kill(signal)
  expect(await bin.ended).toMatchObject({ code: 40, output: `${signal}\n` })
})

test('when the Node that took over dies of a signal, so does the first', async () => {
  bringNode()
  expect(await run(['kill', 'SIGKILL'], 'old').ended).toMatchObject({ code: null, signal: 'SIGKILL' })
})

test('when the first is killed outright, the Node that took over is gone too', { timeout: 9_000 }, async () => {
  bringNode()
  const bin = run([], 'old')
  await bin.report
  bin.process.kill('SIGKILL')
  // Ended means that nobody holds its output any more; main alone would hold it for ten seconds.
  expect(await bin.ended).toMatchObject({ signal: 'SIGKILL' })
})

interface Report {
  readonly args: readonly string[]
  readonly pid: number
  readonly version: string
}

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly output: string
  readonly errors: string
}

interface Running {
  readonly process: ChildProcess
  /** What main printed once it ran. */
  readonly report: Promise<Report>
  /** The end, with what was printed after the report. */
  readonly ended: Promise<Ended>
}

function run(args: readonly string[], node: 'new' | 'old' = 'new'): Running {
  const preload = node === 'old' ? ['--require', './old.cjs'] : []
  const child = spawn(process.execPath, [...preload, 'src/bin.js', ...args], { cwd: checkout, stdio: 'pipe' })
  let output = ''
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += chunk))
  const report = new Promise<Report>((resolve) => {
    child.stdout.on('data', (chunk) => {
      output += chunk
      if (!output.startsWith('{') || !output.includes('\n')) return
      resolve(JSON.parse(output))
      output = ''
    })
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, output, errors }))
  return { process: child, report, ended }
}

function bringNode(): void {
  writeFileSync(join(checkout, 'src/main.ts'), MAIN)
  mkdirSync(join(checkout, 'node_modules/.bin'), { recursive: true })
  // Not a link: bin does not start the Node again that it already runs under.
  const launcher = `#!/bin/sh\nexec "${process.execPath}" "$@"\n`
  writeFileSync(join(checkout, 'node_modules/.bin/node'), launcher, { mode: 0o755 })
}

/** A preload that makes Node report another version; the Node that takes over does not get it. */
function hiddenVersion(version: string): string {
  return `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`
}
