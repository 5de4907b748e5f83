// Symmetry: machines/X decides, src/actors/X does, test/machines/X proves; and each invariant has a test of its name.

import { codeIn, type Node, nameOf, type Project, SHIPPED, walk } from './project.ts'
import { makesChart } from './imports.ts'
import type { Rule } from './rule.ts'

export const threeFiles: Rule = {
  sentence: 'machines/X decides, src/actors/X does, test/machines/X proves',
  instead: 'give the chart its actor and its test, under the same name',
  find(project) {
    return [...codeIn(project, /^machines\//)].flatMap(({ path }) => {
      if (!makesChart(project, path)) return []
      const name = path.slice('machines/'.length, -'.ts'.length)
      const owed = [`src/actors/${name}.ts`, `test/machines/${name}.test.ts`]
      return owed.filter((each) => !project.files.has(each)).map((each) => ({ path, line: 1, what: `has no ${each}` }))
    })
  },
  breaches: {
    'no actor': { 'machines/a.ts': 'setup({}).createMachine({})', 'test/machines/a.test.ts': '' },
    'no test': { 'machines/a.ts': 'setup({}).createMachine({})', 'src/actors/a.ts': '' },
  },
  fine: {
    'a chart with both': { 'machines/a.ts': 'createMachine({})', 'src/actors/a.ts': '', 'test/machines/a.test.ts': '' },
    'a pure function': { 'machines/a.ts': 'export const a = 1' },
  },
}

export const chartsAreWalked: Rule = {
  sentence:
    'every chart is walked: test/models/X has a model of what can be seen of it, and takes each of its transitions',
  instead:
    'write a model of what can be seen of it, and give it with its chart to modelSuite (test/support/model-suite.ts)',
  find(project) {
    return [...codeIn(project, /^machines\//)].flatMap(({ path }) => {
      if (!makesChart(project, path)) return []
      const name = path.slice('machines/'.length, -'.ts'.length)
      const suite = `test/models/${name}.test.ts`
      const text = project.files.get(suite)?.text
      if (text === undefined) return [{ path, line: 1, what: `has no ${suite}` }]
      const charts = /\bcharts: \[([^\]]*)\]/.exec(text)?.[1] ?? ''
      return charts.includes(`${name}Machine`) ? [] : [{ path: suite, line: 1, what: `walks without ${name}Machine` }]
    })
  },
  breaches: {
    'no model': { 'machines/a.ts': 'setup({}).createMachine({})' },
    'a model of another chart': {
      'machines/a.ts': 'setup({}).createMachine({})',
      'test/models/a.test.ts': "modelSuite({ name: 'a', charts: [bMachine], parts: {} })",
    },
  },
  fine: {
    'a chart with its model': {
      'machines/a.ts': 'createMachine({})',
      'test/models/a.test.ts': "modelSuite({ name: 'a', charts: [aMachine], parts: {} })",
    },
    'a pure function': { 'machines/a.ts': 'export const a = 1' },
  },
}

/** The invariants of the design, by their letters and how many each has. */
const COUNTS: Readonly<Record<string, number>> = { S: 7, C: 3, D: 2, A: 3, M: 5 }

const INVARIANTS: readonly string[] = Object.entries(COUNTS).flatMap(([letter, count]) =>
  Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
)

export const invariantsAreTested: Rule = {
  sentence: 'every invariant has a test of that name',
  instead: 'name the test that would fail first when it breaks: test("S1: at most one run …")',
  find(project) {
    const titles = titlesOf(project)
    const numbered = new Set([...INVARIANTS, ...stated(project)])
    return [...numbered]
      .filter((id) => !titles.some((title) => new RegExp(`\\b${id}\\b`).test(title)))
      .map((id) => ({ path: 'test', line: 1, what: `no test is named for ${id}` }))
  },
  breaches: {
    'no tests': { 'src/config/a.ts': '' },
    'one is missing': {
      'test/a.test.ts': INVARIANTS.slice(1)
        .map((id) => `test('${id}: holds', b)`)
        .join('\n'),
    },
    'only a comment names it': { 'test/a.test.ts': INVARIANTS.map((id) => `// test('${id}: holds', b)`).join('\n') },
    'a scenario is not an invariant': {
      'test/a.test.ts': INVARIANTS.map((id) => `test('${id}0 holds', b)`).join('\n'),
    },
    'a header states one more': {
      'machines/a.ts': '// Inbox: what waits.\n//   S8. An inbox is never sad.',
      'test/a.test.ts': INVARIANTS.map((id) => `test('${id}: holds', b)`).join('\n'),
    },
  },
  fine: {
    'each in its own way': {
      'test/a.test.ts': INVARIANTS.map((id) => `test.each(all)(\`${id}: holds for \${b}\`, c)`).join('\n'),
    },
  },
}

export const invariantsAreStated: Rule = {
  sentence: 'every invariant is numbered in the file that owns it',
  instead:
    'state it in that file’s header as "//   S1. One sentence."; one of a whole folder in that folder’s README.md',
  find(project) {
    const ids = stated(project)
    const left = INVARIANTS.filter((id) => !ids.has(id))
    return left.map((id) => ({ path: 'machines', line: 1, what: `no header states ${id}` }))
  },
  breaches: { 'nothing is stated': { 'machines/a.ts': '// Inbox: what waits. See S1.' } },
  fine: {
    'all are': { 'machines/a.ts': INVARIANTS.map((id) => `//   ${id}. It holds.`).join('\n') },
    'on the page of a folder': { 'machines/README.md': INVARIANTS.map((id) => `- **${id}.** It holds.`).join('\n') },
  },
}

/** Invariants that a header or a folder's page states: a line of its own that begins with the number and a full stop. */
function stated(project: Project): ReadonlySet<string> {
  const comments = [...codeIn(project, SHIPPED)].flatMap(({ code }) => code.comments.map(({ value }) => value))
  const pages = [...project.files.values()].filter(({ path }) => SHIPPED.test(path) && path.endsWith('.md'))
  const lines = [...comments, ...pages.map(({ text }) => text)].flatMap((text) => text.split('\n'))
  return new Set(lines.flatMap((line) => /^[\s*-]*([SCDAM]\d)\.\**\s/.exec(line)?.[1] ?? []))
}

function titlesOf(project: Project): readonly string[] {
  const titles: string[] = []
  for (const { code } of codeIn(project, /^test\/.*\.test\.ts$/)) {
    walk(code.program, (node) => {
      const title = node.type === 'CallExpression' && isTest(node['callee']) ? titleOf(node) : null
      if (title !== null) titles.push(title)
    })
  }
  return titles
}

function isTest(callee: unknown): boolean {
  let at = callee as Node
  while (at.type === 'MemberExpression' || at.type === 'CallExpression' || at.type === 'TaggedTemplateExpression') {
    at = (at['object'] ?? at['callee'] ?? at['tag']) as Node
  }
  return ['test', 'it', 'describe'].includes(nameOf(at) ?? '')
}

function titleOf(call: Node): string | null {
  const [first] = call['arguments'] as readonly Node[]
  if (first?.type !== 'TemplateLiteral') return nameOf(first)
  return (first['quasis'] as readonly { value: { raw: string } }[]).map(({ value }) => value.raw).join(' ')
}
