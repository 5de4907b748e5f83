// Model table: what the model suites of a run took, printed at its end, with the seconds that they needed.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'

const COLUMNS = [
  'machine',
  'states',
  'transitions',
  'taken',
  'model states',
  'paths',
  'edges',
  'ignored',
  'simple',
  'walks',
  'broken',
  'seconds',
]

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-models-'))
  project.provide('modelFigures', folder)
  return () => {
    const lines = readdirSync(folder)
      .sort()
      .map((file) => lineOf(readFileSync(join(folder, file), 'utf8')))
    if (lines.length > 0) console.log(`\n${table([COLUMNS, ...lines])}\n`)
    rmSync(folder, { recursive: true, force: true })
  }
}

function lineOf(text: string): string[] {
  const { name, cells, ms } = JSON.parse(text) as { name: string; cells: number[]; ms: number } // See model-figures.ts.
  return [name, ...cells.map(String), (ms / 1_000).toFixed(1)]
}

function table(lines: readonly (readonly string[])[]): string {
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const cell = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
  return lines.map((line) => line.map(cell).join('  ')).join('\n')
}
