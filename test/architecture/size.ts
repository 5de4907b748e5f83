// Size and shape of what ships: headers, lengths, parameters, and the types that switch the checker off.

import { type Code, codeIn, lineAt, type Node, nameOf, type ProjectFile, SHIPPED, walk } from './project.ts'
import type { Finding, Rule } from './rule.ts'

const FILE_LINES_MAX = 300
const FUNCTION_LINES_MAX = 60
const PARAMETERS_MAX = 3

/** Shorter than this it is a label, not a description. */
const HEADER_UNITS_MIN = 40

export const headers: Rule = {
  sentence: 'every file of machines/ and src/ opens with a header: what it is, what it owns, its invariants',
  instead: 'begin the file with a comment that says what it is and what must always hold in it',
  find(project) {
    return [...codeIn(project, SHIPPED)].flatMap(({ path, text, code }) =>
      headerOf(text, code).length >= HEADER_UNITS_MIN ? [] : [{ path, line: 1, what: 'has no header' }],
    )
  },
  breaches: {
    'no comment': { 'src/config/a.ts': 'export const a = 1' },
    'a comment after the imports': { 'machines/a.ts': `import './b.ts'\n// ${'Inbox: what waits. '.repeat(4)}` },
    'a label': { 'machines/a.ts': '// session.ts' },
    'a tool directive': { 'machines/a.ts': '// oxlint-disable-next-line no-var, no-console, no-debugger, no-empty' },
  },
  fine: {
    'a script with a first line for the shell': { 'src/bin.js': `#!/usr/bin/env node\n// ${'The entry. '.repeat(5)}` },
  },
}

function headerOf(text: string, code: Code): string {
  const first = code.comments.find((comment) => comment.start >= (/^#!.*\n/.exec(text)?.[0].length ?? 0))
  if (
    first === undefined ||
    text
      .slice(0, first.start)
      .replace(/^#!.*\n/, '')
      .trim() !== ''
  )
    return ''
  if (/^\s*(oxlint|eslint|biome|@ts-|\/ <)/.test(first.value)) return ''
  return text.slice(first.start).split(/\n(?!\/\/| \*)/)[0] ?? ''
}

export const fileLength: Rule = {
  sentence: `a file has at most ${FILE_LINES_MAX} lines`,
  instead: 'give its second concept a file of its own, named for it',
  find(project) {
    const lines = (text: string) => text.trimEnd().split('\n').length
    return [...codeIn(project, SHIPPED)]
      .filter(({ text }) => lines(text) > FILE_LINES_MAX)
      .map(({ path, text }) => ({ path, line: FILE_LINES_MAX, what: `has ${lines(text)} lines` }))
  },
  breaches: { 'one line too many': { 'src/config/a.ts': 'a()\n'.repeat(FILE_LINES_MAX + 1) } },
  fine: { 'just as long as it may be': { 'src/config/a.ts': 'a()\n'.repeat(FILE_LINES_MAX) } },
}

export const functionLength: Rule = {
  sentence: `a function has at most ${FUNCTION_LINES_MAX} lines: one screen`,
  instead: 'keep the branching here and move the work into functions that compute',
  find: (project) =>
    inFunctions(project, ({ text }, node) => {
      const lines = lineAt(text, node.end) - lineAt(text, node.start) + 1
      return node.type.startsWith('TS') || lines <= FUNCTION_LINES_MAX ? null : `${lines} lines in one function`
    }),
  breaches: {
    'a long function': { 'src/config/a.ts': `function a() {${'\nb()'.repeat(FUNCTION_LINES_MAX)}\n}` },
    'a long method': { 'machines/a.ts': `class A {\n  b() {${'\nc()'.repeat(FUNCTION_LINES_MAX)}\n}\n}` },
    'a long arrow function': { 'machines/a.ts': `const a = () => {${'\nb()'.repeat(FUNCTION_LINES_MAX)}\n}` },
  },
  fine: { 'a screenful': { 'src/config/a.ts': `function a() {${'\nb()'.repeat(FUNCTION_LINES_MAX - 2)}\n}` } },
}

export const parameters: Rule = {
  sentence: `a function takes at most ${PARAMETERS_MAX} parameters`,
  instead: 'take one object with named parts',
  find: (project) =>
    inFunctions(project, (_, node) => {
      const all = Array.isArray(node['params']) ? node['params'] : []
      const taken = all.filter((parameter) => nameOf(parameter) !== 'this').length
      return taken <= PARAMETERS_MAX ? null : `takes ${taken} parameters`
    }),
  breaches: {
    'four parameters': { 'src/config/a.ts': 'function a(b, c, d, e) {}' },
    'four parameters, one with a default, one the rest': { 'machines/a.ts': 'const a = (b, c, d = 1, ...e) => b' },
    'a contract with four': { 'src/store/store.ts': 'interface A { b(c: 1, d: 2, e: 3, f: 4): void }' },
  },
  fine: { three: { 'src/config/a.ts': 'function a(this: B, c, d, e) {}' } },
}

const FUNCTIONS = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression|TSMethodSignature|TSFunctionType)$/

/** Objections to functions and function types. */
function inFunctions(
  project: Parameters<Rule['find']>[0],
  objection: (file: ProjectFile, node: Node) => string | null,
): readonly Finding[] {
  const findings: Finding[] = []
  for (const file of codeIn(project, SHIPPED)) {
    walk(file.code.program, (node) => {
      const what = FUNCTIONS.test(node.type) ? objection(file, node) : null
      if (what !== null) findings.push({ path: file.path, line: lineAt(file.text, node.start), what })
    })
  }
  return findings
}

const BANNED_SYNTAX: Readonly<Record<string, string>> = {
  TSAnyKeyword: '`any` switches the type checker off',
  TSEnumDeclaration: 'an enum is not erased with the types',
}

export const bannedSyntax: Rule = {
  sentence: 'no `any`, no `enum`',
  instead: 'use unknown and narrow it; use a union of string literals',
  find(project) {
    const findings: Finding[] = []
    for (const { path, text, code } of codeIn(project, SHIPPED)) {
      walk(code.program, (node) => {
        const what = BANNED_SYNTAX[node.type]
        if (what !== undefined) findings.push({ path, line: lineAt(text, node.start), what })
      })
    }
    return findings
  },
  breaches: {
    'any in a signature': { 'src/config/a.ts': 'function a(b: any) {}' },
    'any inside a type': { 'machines/a.ts': 'type A = Record<string, readonly any[]>' },
    'any in a cast': { 'machines/a.ts': 'const a = b as any' },
    'an enum': { 'machines/a.ts': 'export enum A { B }' },
    'a constant enum': { 'machines/a.ts': 'const enum A { B }' },
  },
  fine: { 'the word in a text': { 'src/config/a.ts': "const any = 'any'" } },
}
