// Repository: what lies where, under which names, and what no file may give away.

import { codeIn, lineAt } from './project.ts'
import type { Finding, Rule } from './rule.ts'

const TOP_LEVEL = ['package.json', 'src', 'machines', 'test', 'tsconfig.json', 'README.md', 'package-lock.json']

export const topLevel: Rule = {
  sentence: `the top level holds ${TOP_LEVEL.join(', ')} and dotfiles; nothing else`,
  instead: 'tool settings go into package.json or test/tooling/; everything else belongs to one of the three folders',
  find({ topLevel: entries }) {
    const strange = entries.filter((entry) => !entry.startsWith('.') && !TOP_LEVEL.includes(entry))
    const missing = TOP_LEVEL.filter((entry) => !entries.includes(entry))
    return [
      ...strange.map((path) => ({ path, line: 1, what: 'does not belong at the top level' })),
      ...missing.map((path) => ({ path, line: 1, what: 'is missing' })),
    ]
  },
  breaches: {
    'a settings file': { ...planted(TOP_LEVEL), 'vitest.config.ts': '' },
    'a folder': { ...planted(TOP_LEVEL), 'docs/a.md': '' },
    'no README': planted(TOP_LEVEL.filter((entry) => entry !== 'README.md')),
  },
  fine: { 'as designed': { ...planted(TOP_LEVEL), '.oxlintrc.json': '' } },
}

function planted(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(entries.map((entry) => [entry.includes('.') ? entry : `${entry}/a.md`, '']))
}

/** Names of drawers. What is in them has a name of its own. */
const DRAWERS = new Set([
  'util',
  'utils',
  'common',
  'misc',
  'helper',
  'helpers',
  'manager',
  'managers',
  'service',
  'services',
])

export const noDrawers: Rule = {
  sentence: 'one concept, one word: nothing is called utils, common, misc, helpers, manager or service',
  instead: 'name it for the one thing that it is or does; see the table of words',
  find(project) {
    const findings: Finding[] = []
    for (const path of project.files.keys()) {
      const drawer = drawerIn(path)
      if (drawer !== undefined) findings.push({ path, line: 1, what: `is filed under "${drawer}"` })
    }
    for (const { path, code } of codeIn(project, /^(machines|src|test)\//)) {
      for (const { name, line } of code.exportedNames) {
        const drawer = drawerIn(name)
        if (drawer !== undefined) findings.push({ path, line, what: `exports ${name}: "${drawer}"` })
      }
    }
    return findings
  },
  breaches: {
    'a folder': { 'src/config/utils/text.ts': '' },
    'a file': { 'test/support/test-helpers.ts': '' },
    'a class': { 'src/actors/a.ts': 'export class SessionManager {}' },
    'a function': { 'machines/a.ts': 'export function common_prefix() {}' },
    'a re-export': { 'machines/a.ts': "export { b as agentService } from './b.ts'" },
  },
  fine: { 'a word that only contains one': { 'machines/commonality.ts': 'export const utility = 1' } },
}

function drawerIn(name: string): string | undefined {
  const words = name.replace(/([a-z])([A-Z])/g, '$1 $2').split(/[^A-Za-z]+/)
  return words.map((word) => word.toLowerCase()).find((word) => DRAWERS.has(word))
}

const GIVEAWAYS: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/(?<![\w.~-])\/(work|home|Users|root)\/[\w.-]+/, 'names a path of one machine'],
  [/\b[A-Z]:\\+Users\\+\w/, 'names a path of one machine'],
  [/\bregistry\.[a-z0-9-]+\.[a-z]{2,}/, 'names a registry host'],
  [/"resolved":\s*"https?:/, 'names a registry host'],
  [/^\s*(@[\w-]+:)?registry\s*=/m, 'names a registry host'],
]

export const nothingGivenAway: Rule = {
  sentence: 'nothing in the repository names a path of one machine or a registry host, the lockfile included',
  instead: 'use a relative path or a temporary folder; install with `omit-lockfile-registry-resolved`',
  find(project) {
    const findings: Finding[] = []
    for (const { path, text } of project.files.values()) {
      for (const [pattern, what] of GIVEAWAYS) {
        const match = pattern.exec(text)
        if (match !== null) findings.push({ path, line: lineAt(text, match.index), what })
      }
    }
    return findings
  },
  // Put together from pieces, or this file would break its own rule.
  breaches: {
    'a home folder': { 'README.md': ['cd ', 'home', 'anna', 'troupe'].join('/') },
    'a working folder': { 'test/a.test.ts': ["const root = '", 'work', 'main', "'"].join('/') },
    'a Windows home folder': { 'README.md': ['C:', 'Users', 'Anna'].join('\\') },
    'a registry in the lockfile': { 'package-lock.json': `{ "resolved": ${['"https:', '', 'x.test'].join('/')}" }` },
    'a registry in the settings': { '.npmrc': ['registry', 'x'].join('=') },
    'a registry in a text': { 'README.md': ['registry', 'example', 'org'].join('.') },
  },
  fine: {
    'a workspace in the lockfile': { 'package-lock.json': '{ "resolved": "test/tooling/node" }' },
    'a route': { 'README.md': 'GET /channels/ID/messages, https://example.test/homes/work' },
  },
}
