// The page on tests says what there is: each model has its line, each folder its place, and each command exists.

import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const TEST = new URL('../', import.meta.url)
const page = readFileSync(new URL('README.md', TEST), 'utf8')

test('each suite of models has one line in the table, and no line is of a suite that is gone', () => {
  expect(linesOf(page).sort()).toEqual(suites().sort())
})

test('a line of a suite that is gone would be noticed', () => {
  expect(linesOf(`${page}| ledger | 1 | 2 |\n`)).toContain('ledger')
})

test('each folder of tests is on the page', () => {
  const folders = readdirSync(TEST, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(folders.map(({ name }) => name).filter((name) => !page.includes(`\`${name}/\``))).toEqual([])
})

test('each command on the page is a script', () => {
  const text = readFileSync(new URL('../package.json', TEST), 'utf8')
  const { scripts } = JSON.parse(text) as { scripts: Record<string, string> } // Ours.
  const named = [...page.matchAll(/npm (?:run )?([a-z:]+)/g)].map(([, name = '']) => name)
  expect(named).not.toEqual([])
  expect(named.filter((name) => scripts[name] === undefined)).toEqual([])
})

function linesOf(text: string): string[] {
  const table = text.slice(text.indexOf('| machine |'))
  const names = [...table.matchAll(/^\| ([^|]+) \|/gm)].map(([, name = '']) => name)
  return names.filter((name) => name !== 'machine' && name !== '---')
}

function suites(): string[] {
  const models = new URL('models/', TEST)
  const files = readdirSync(models).filter((name) => name.endsWith('.test.ts'))
  return files.map((name) => /\bname: '([^']+)'/.exec(readFileSync(new URL(name, models), 'utf8'))?.[1] ?? name)
}
