// Architecture: the design as a test. Each rule is one sentence of the design, held against the checkout; each rule also
// has breaches planted in small made-up projects, which it must find: a rule that cannot fail would prove nothing.
// The rules are in test/architecture/, by subject.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  chartsAreVisible,
  invokesAnswerErrors,
  noWildcard,
  readCharts,
  supervisorsAnswer,
} from './architecture/charts.ts'
import { chartsAreData, chartsAreWritten, chartsDescribe, chartsName } from './architecture/definitions.ts'
import { cycles, libraries, reachable, table } from './architecture/imports.ts'
import { codeIn, ROOT, readProject, SHIPPED } from './architecture/project.ts'
import { pureMachines, worldIsTheDoor } from './architecture/purity.ts'
import { noDrawers, nothingGivenAway, topLevel } from './architecture/repository.ts'
import { plant, type Rule, verdict } from './architecture/rule.ts'
import { bannedSyntax, fileLength, functionLength, headers, parameters } from './architecture/size.ts'
import { chartsAreWalked, invariantsAreStated, invariantsAreTested, threeFiles } from './architecture/symmetry.ts'

const RULES: readonly Rule[] = [
  topLevel,
  table,
  cycles,
  libraries,
  reachable,
  pureMachines,
  worldIsTheDoor,
  chartsAreVisible,
  noWildcard,
  invokesAnswerErrors,
  supervisorsAnswer,
  chartsAreWritten,
  chartsAreData,
  chartsName,
  chartsDescribe,
  threeFiles,
  chartsAreWalked,
  invariantsAreStated,
  invariantsAreTested,
  headers,
  fileLength,
  functionLength,
  parameters,
  bannedSyntax,
  noDrawers,
  nothingGivenAway,
]

const EAGER_MODULES = {
  'a timer, even one that keeps nothing alive': 'setInterval(() => {}, 1000).unref()',
  'a variable': 'export const home = process.env.HOME',
  'a question whether a variable is set': "export const set = 'HOME' in process.env",
  'a look at all variables': 'export const all = { ...process.env }',
  'a server': "import { createServer } from 'node:http'\ncreateServer().listen(0, '127.0.0.1')",
  'an open file': "import { openSync } from 'node:fs'\nexport const file = openSync('package.json')",
  'a database': "import { DatabaseSync } from 'node:sqlite'\nexport const db = new DatabaseSync('/dev/null')",
  'a file that is read': "import { readFileSync } from 'node:fs'\nexport const text = readFileSync('package.json')",
  'a file that is asked for': "import { access } from 'node:fs/promises'\nawait access('package.json')",
  'a question to the machine': "import { tmpdir } from 'node:os'\nexport const folder = tmpdir()",
  'a variable under another name': "import { env } from 'node:process'\nexport const home = env.HOME",
  'a child process': "import { spawn } from 'node:child_process'\nspawn('true')",
  'a signal handler': "process.on('SIGTERM', () => {})",
  'a handler of last resort': "process.on('uncaughtException', () => {})",
}

const project = readProject(await readCharts())

describe.each(RULES)('$sentence', (rule) => {
  test('holds in this checkout', () => hold(rule))

  test.each(Object.entries(rule.breaches))('is broken by: %s', (_, planted) => {
    const broken = verdict(rule, plant(planted))
    expect(broken).toContain(rule.sentence)
    expect(broken).toContain(rule.instead)
  })

  test.each(Object.entries(rule.fine ?? {}))('is not broken by: %s', (_, planted) => {
    expect(verdict(rule, plant(planted))).toBeNull()
  })
})

test('M1: machines never wait, read a clock or import Node', () => hold(pureMachines))

describe('importing a module opens nothing, starts no timer and reads no variable', () => {
  test('holds for each module of machines/ and src/', () => {
    // bin.js is the program: running is what it is for.
    const modules = [...codeIn(project, SHIPPED)].map(({ path }) => path)
    expect(importEach(modules.filter((path) => path !== 'src/bin.js' && !path.startsWith('src/console/')))).toEqual([])
  })

  test.each(Object.entries(EAGER_MODULES))('is broken by: %s', (_, source) => {
    const folder = mkdtempSync(join(tmpdir(), 'troupe-probe-'))
    writeFileSync(join(folder, 'eager.mjs'), source)
    expect(importEach([relative(ROOT, join(folder, 'eager.mjs'))])).not.toEqual([])
    rmSync(folder, { recursive: true })
  })

  test('is not broken by a module that only defines', () => {
    expect(importEach(['src/world.ts'])).toEqual([])
  })
})

function hold(rule: Rule): void {
  const broken = verdict(rule, project)
  if (broken !== null) expect.fail(broken)
}

/** In a process of its own, so that neither this test's modules nor its handles are in the way. */
function importEach(paths: readonly string[]): readonly unknown[] {
  return JSON.parse(
    // An environment of its own: with some variables Node itself opens files while it loads a module.
    execFileSync(process.execPath, ['test/architecture/import-probe.ts', ...paths], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
    }),
  )
}
