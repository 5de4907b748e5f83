// Lint: the rules that need types really see them. Each mistake is planted in a small project with this checkout's own
// settings; a linter that has lost its type information would find none of them.

import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const MISTAKES = {
  'typescript(no-floating-promises)': 'export function forget() {\n  work()\n}',
  'typescript(no-misused-promises)': 'export const any = (list: number[]) => list.forEach(async () => work())',
  'typescript(switch-exhaustiveness-check)':
    "export function name(kind: 'a' | 'b') {\n  switch (kind) {\n    case 'a':\n      return 1\n  }\n  return 2\n}",
  'typescript(only-throw-error)': "export function fail() {\n  throw 'a text'\n}",
  'typescript(no-explicit-any)': 'export const all: any = 1',
  'typescript(consistent-type-imports)': "import { Stats } from 'node:fs'\nexport type Seen = Stats",
  'eslint(max-params)': 'export const sum = (a: 1, b: 1, c: 1, d: 1) => a + b + c + d',
} as const

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'troupe-lint-'))
  for (const file of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) copyFileSync(file, join(folder, file))
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  mkdirSync(join(folder, 'src'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each(Object.entries(MISTAKES))('%s is found', (rule, mistake) => {
  const { status, output } = lint(mistake)
  expect(output).toContain(rule)
  expect(status).toBe(1)
})

test('code without a mistake passes', () => {
  expect(lint('export async function wait() {\n  await work()\n}')).toMatchObject({ status: 0 })
})

function lint(source: string): { status: number | null; output: string } {
  writeFileSync(join(folder, 'src/planted.ts'), `export async function work(): Promise<void> {}\n${source}\n`)
  const linter = resolve('node_modules/oxlint/bin/oxlint')
  const { status, stdout, stderr } = spawnSync(process.execPath, [linter], { cwd: folder, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}
