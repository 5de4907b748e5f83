// Imports: who may import whom, without cycles, with one home for each library and nothing left over.

import { type Arrow, codeIn, type Project, SHIPPED } from './project.ts'
import type { Finding, Rule } from './rule.ts'

/** What an import arrow can point at. A chart is a file of machines/ that makes a statechart; the rest is vocabulary. */
type Kind =
  | 'vocabulary'
  | 'chart'
  | 'contract'
  | 'world'
  | 'log'
  | 'start'
  | 'main'
  | 'cli'
  | 'config'
  | 'own folder'
  | 'implementation'
  | 'actor'
  | 'outside'

interface Row {
  readonly from: RegExp
  readonly may: readonly Kind[]
  /** Allowed through `import type` only. */
  readonly mayAsTypes?: readonly Kind[]
  /** Packages, `node:*` for Node itself; left out: any, and the one-home rule decides. */
  readonly packages?: readonly string[]
}

/** The table of the design. A new arrow is a change of the design and is argued for in its commit. */
const TABLE: readonly Row[] = [
  { from: /^machines\//, may: ['own folder'], packages: ['xstate'] },
  {
    from: /^src\/(config|channels|agents|tools|store|http|inspect)\//,
    may: ['own folder', 'vocabulary', 'world', 'log'],
  },
  {
    // Its own folder too: a parent's actor is put together from its children's.
    from: /^src\/actors\//,
    may: ['own folder', 'vocabulary', 'chart', 'world', 'log'],
    mayAsTypes: ['contract'],
    packages: ['xstate', 'node:*'],
  },
  {
    // The composition root and its pieces: what it is made of would not fit one screen. Nobody but start.ts imports them.
    from: /^src\/start(\.ts|\/.*)$/,
    may: ['own folder', 'vocabulary', 'chart', 'contract', 'world', 'log', 'config', 'implementation', 'actor'],
  },
  {
    // The vocabulary, log and world besides start and config: a command prints failures, writes to the log and hands the
    // environment on. None of the three knows an implementation, so a command still reaches one through start only.
    from: /^src\/(cli\/.*|main\.ts)$/,
    may: ['own folder', 'cli', 'start', 'config', 'vocabulary', 'world', 'log'],
  },
  { from: /^src\/(world|log)\.ts$/, may: ['vocabulary'] },
  { from: /^src\/bin\.js$/, may: ['main'], packages: ['node:*'] },
  { from: /^src\/console\//, may: ['own folder'], packages: [] },
]

const CONTRACTS = new Set(['src/channels/adapter.ts', 'src/agents/agent.ts', 'src/tools/tool.ts', 'src/store/store.ts'])

const SINGLE_FILES: Readonly<Record<string, Kind>> = {
  'src/world.ts': 'world',
  'src/log.ts': 'log',
  'src/start.ts': 'start',
  'src/main.ts': 'main',
}

const FOLDERS: readonly (readonly [prefix: string, kind: Kind])[] = [
  ['src/config/', 'config'],
  ['src/cli/', 'cli'],
  ['src/actors/', 'actor'],
  ['src/', 'implementation'],
]

export const table: Rule = {
  sentence: 'imports follow the table of the design; a new arrow between folders is a change of the design',
  instead:
    'take what you need as a parameter or a message, move a shared type to machines/, or let src/start.ts join them',
  find(project) {
    const findings: Finding[] = []
    for (const { path, code } of codeIn(project, SHIPPED)) {
      const row = TABLE.find((each) => each.from.test(path))
      if (row === undefined) findings.push({ path, line: 1, what: 'stands in no row of the import table' })
      else for (const arrow of code.arrows) findings.push(...objections({ row, path, arrow, project }))
    }
    return findings
  },
  breaches: {
    'a machine imports an actor': { 'machines/a.ts': "import { b } from '../src/actors/b.ts'", 'src/actors/b.ts': '' },
    'a machine imports Node': { 'machines/a.ts': "import { join } from 'node:path'" },
    'a channel imports the store': { 'src/channels/a.ts': "import type { Store } from '../store/store.ts'" },
    'a channel imports a chart': {
      'src/channels/a.ts': "import { machine } from '../../machines/b.ts'",
      'machines/b.ts': 'export const machine = setup({}).createMachine({})',
    },
    'an actor imports a contract at run time': { 'src/actors/a.ts': "import { type B } from '../store/store.ts'" },
    'an actor imports an implementation': { 'src/actors/a.ts': "export type { B } from '../store/sqlite.ts'" },
    'start imports a command': { 'src/start.ts': "const command = await import('./cli/check.ts')" },
    'a command imports an implementation': { 'src/cli/a.ts': "let b: import('../store/sqlite.ts').B" },
    'the program imports its own tests': { 'src/start.ts': "import { c } from '../test/support/c.ts'" },
    'a folder that the design does not have': { 'src/shared/a.ts': '' },
  },
  fine: {
    'an actor knows a contract as types': { 'src/actors/a.ts': "import type { Store } from '../store/store.ts'" },
    'start knows both sides': { 'src/start.ts': "import './actors/a.ts'\nimport './store/sqlite.ts'" },
  },
}

interface Question {
  readonly row: Row
  readonly path: string
  readonly arrow: Arrow
  readonly project: Project
}

function objections({ row, path, arrow, project }: Question): readonly Finding[] {
  const { line, specifier, target, erased } = arrow
  if (target === null) {
    const library = specifier.startsWith('node:') ? 'node:*' : libraryOf(specifier)
    const allowed = row.packages === undefined || row.packages.includes(library)
    return allowed ? [] : [{ path, line, what: `imports ${specifier}` }]
  }
  const kind = kindOf(path, target, project)
  if (row.may.includes(kind)) return []
  if (row.mayAsTypes?.includes(kind) !== true) return [{ path, line, what: `imports ${target}` }]
  return erased ? [] : [{ path, line, what: `imports ${target} at run time; a contract is known through import type` }]
}

function kindOf(from: string, target: string, project: Project): Kind {
  const folder = (path: string) => path.slice(0, path.lastIndexOf('/') + 1)
  if (folder(from) !== 'src/' && target.startsWith(folder(from))) return 'own folder'
  if (target.startsWith('machines/')) return makesChart(project, target) ? 'chart' : 'vocabulary'
  if (CONTRACTS.has(target)) return 'contract'
  return SINGLE_FILES[target] ?? FOLDERS.find(([prefix]) => target.startsWith(prefix))?.[1] ?? 'outside'
}

export function makesChart(project: Project, path: string): boolean {
  return /\bcreateMachine\s*[(<]/.test(project.files.get(path)?.text ?? '')
}

export const cycles: Rule = {
  sentence: 'messages may go round; imports may not',
  instead: 'move what both need into a third file, or pass it in',
  find(project) {
    const finished = new Set<string>()
    const findings: Finding[] = []
    const follow = (path: string, trail: readonly string[]): void => {
      const begin = trail.indexOf(path)
      if (begin >= 0) {
        findings.push({ path, line: 1, what: [...trail.slice(begin), path].join(' → ') })
      } else if (!finished.has(path)) {
        const arrows = project.files.get(path)?.code?.arrows ?? []
        for (const { target, erased } of arrows) if (target !== null && !erased) follow(target, [...trail, path])
        finished.add(path)
      }
    }
    for (const { path } of codeIn(project, SHIPPED)) follow(path, [])
    return findings
  },
  breaches: {
    'two files import each other': {
      'src/actors/a.ts': "import { b } from './b.ts'",
      'src/actors/b.ts': "export { a } from './a.ts'",
    },
    'three files go round through a dynamic import': {
      'src/config/a.ts': "import './b.ts'",
      'src/config/b.ts': "import './c.ts'",
      'src/config/c.ts': "const a = import('./a.ts')",
    },
  },
  fine: {
    'the way back is a type': {
      'src/config/a.ts': "import './b.ts'",
      'src/config/b.ts': "import type { A } from './a.ts'",
    },
  },
}

/** Where each library lives. `one file` leaves the choice of the file open. */
const HOMES: readonly (readonly [library: RegExp, home: RegExp | 'one file'])[] = [
  [/^xstate$/, /^(machines\/.*|src\/actors\/.*|src\/start\.ts)$/],
  [/^(grammy|@grammyjs\/.*)$/, /^src\/channels\/telegram\.ts$/],
  [/^marked$/, /^src\/channels\/telegram-markup\.ts$/],
  [/^yaml$/, /^src\/config\/load\.ts$/],
  [/^croner$/, /^src\/config\/cron\.ts$/],
  [/^zod$/, /^src\/config\/kinds\.ts$/],
  [/^node:sqlite$/, /^src\/store\/sqlite\.ts$/],
  [/^@ai-sdk\/mcp$/, /^src\/tools\/mcp-client\.ts$/],
  [/^(ai|@ai-sdk\/.*)$/, /^src\/agents\/model\.ts$/],
  [/^(hono|@hono\/.*)$/, /^src\/http\/server\.ts$/],
  [/^@fastify\/busboy$/, /^src\/http\/form\.ts$/],
  [/^@cfworker\/json-schema$/, /^src\/tools\/input\.ts$/],
  [/^pino$/, /^src\/log\.ts$/],
  [/^ws$/, /^src\/inspect\/relay\.ts$/],
  [/^@opentelemetry\/api$/, /^src\/start\/traces\.ts$/],
  [/^commander$/, /^src\/(main\.ts|cli\/.*)$/],
  [/^(pino-pretty|picocolors|prom-client)$/, 'one file'],
]

export const libraries: Rule = {
  sentence: 'an outside library is imported by exactly one file (xstate by machines/, src/actors/ and start.ts only)',
  instead:
    'import the library in its one file and let that file offer what the others need; a new library gets a row in HOMES',
  find(project) {
    const firsts = new Map<string, string>()
    const findings: Finding[] = []
    for (const { path, code } of codeIn(project, SHIPPED)) {
      for (const { specifier, target, line } of code.arrows) {
        const library = libraryOf(specifier)
        if (target !== null || (library.startsWith('node:') && library !== 'node:sqlite')) continue
        const first = firsts.get(library) ?? path
        firsts.set(library, first)
        const what = misplaced(library, path, first)
        if (what !== null) findings.push({ path, line, what })
      }
    }
    return findings
  },
  breaches: {
    'a second file imports the library': {
      'src/cli/a.ts': "import colors from 'picocolors'",
      'src/cli/b.ts': "import type { Colors } from 'picocolors/types'",
    },
    'the wrong file imports the library': { 'src/channels/web.ts': "import { Bot } from 'grammy'" },
    'a channel imports xstate': { 'src/channels/web.ts': "import { createActor } from 'xstate'" },
    'sqlite outside the store': { 'src/start.ts': "import { DatabaseSync } from 'node:sqlite'" },
    'a library that nobody decided on': { 'src/config/load.ts': "const all = await import('@left/pad/all')" },
  },
  fine: {
    'xstate in its places': { 'machines/a.ts': "import 'xstate'", 'src/actors/a.ts': "import 'xstate'" },
    'Node itself': { 'src/config/a.ts': "import 'node:fs'", 'src/http/b.ts': "import 'node:fs'" },
  },
}

function misplaced(library: string, path: string, first: string): string | null {
  const home = HOMES.find(([name]) => name.test(library))?.[1]
  if (home === undefined) return `${library} has no home`
  if (home !== 'one file' && !home.test(path)) return `${library} lives elsewhere`
  return first === path || library === 'xstate' ? null : `${library} is in ${first} too`
}

/** The package of a specifier: `hono/streaming` is hono, `@ai-sdk/openai/x` is @ai-sdk/openai. */
function libraryOf(specifier: string): string {
  const parts = specifier.split('/')
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

/** bin.js loads main by a path that it puts together. */
const ENTRIES: readonly string[] = ['src/bin.js', 'src/main.ts']

export const reachable: Rule = {
  sentence: 'every file of machines/ and src/ is reached from src/bin.js or is data',
  instead: 'import it from where it is used, or delete it',
  find(project) {
    const reached = new Set<string>()
    const pending = [...ENTRIES]
    const missing = ENTRIES.filter((path) => !project.files.has(path))
    if (missing.length > 0) return missing.map((path) => ({ path, line: 1, what: 'is missing, so nothing is reached' }))
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      if (reached.has(path)) continue
      reached.add(path)
      for (const { target } of project.files.get(path)?.code?.arrows ?? []) if (target !== null) pending.push(target)
    }
    // The page's own scripts are served, not imported.
    const left = [...codeIn(project, SHIPPED)].filter(
      ({ path }) => !reached.has(path) && !path.startsWith('src/console/'),
    )
    return left.map(({ path }) => ({ path, line: 1, what: 'is imported by nothing that runs' }))
  },
  breaches: {
    'a file that nothing imports': {
      'src/main.ts': "import './start.ts'",
      'src/start.ts': '',
      'src/config/old.ts': '',
    },
  },
  fine: {
    'a contract that is only a type': {
      'src/bin.js': '',
      'src/main.ts': "import type { A } from './config/a.ts'",
      'src/config/a.ts': '',
    },
  },
}
