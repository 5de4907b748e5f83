// Model figures: the table of test/README.md, a line a suite, and the same with seconds at the end of a run.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the suites of a run leave their figures for its end. */
    modelFigures: string
  }
}

const README = new URL('../README.md', import.meta.url)

/** A suite's figures for the table at the end of the run: test/tooling/model-table.ts. */
export function keepFigures(name: string, cells: readonly number[], ms: number): void {
  const file = join(inject('modelFigures'), `${name.replaceAll(/\W+/g, '-')}.json`)
  writeFileSync(file, JSON.stringify({ name, cells, ms }))
}

/** The cells behind a suite's name; null when the table has no such line. */
export function lineIn(name: string): string[] | null {
  const [, cells] = lineOf(name)
  return cells
}

/** `npm run paths:table` writes what is there now, and the checks read it back. */
export function renewing(): boolean {
  return process.env['TROUPE_PATHS'] === 'table'
}

export function writeLine(name: string, cells: readonly number[]): void {
  const [text] = lineOf(name)
  const next = ['', name, ...cells, ''].join(' | ').trim()
  const page = readFileSync(README, 'utf8')
  const last = [...page.matchAll(/^\| [^\n]*\|$/gm)].at(-1)?.[0] ?? ''
  writeFileSync(README, text === null ? page.replace(last, `${last}\n${next}`) : page.replace(text, next))
}

function lineOf(name: string): [text: string, cells: string[]] | [null, null] {
  for (const text of readFileSync(README, 'utf8').split('\n')) {
    const [, first, ...cells] = text.split('|').map((cell) => cell.trim())
    if (first === name) return [text, cells.slice(0, -1)]
  }
  return [null, null]
}
