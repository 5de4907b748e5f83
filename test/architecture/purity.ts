// Purity: machines never wait and read nothing (M1), and world.ts is the one door to clock, ids, randomness, environment.

import { codeIn, lineAt, type Node, nameOf, type ProjectFile, SHIPPED, walk } from './project.ts'
import type { Finding, Rule } from './rule.ts'

const AMBIENT = new Set([
  'Date',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'process',
  'console',
  'crypto',
  'performance',
  'globalThis',
])

export const pureMachines: Rule = {
  sentence: 'M1: machines never wait, read a clock or import Node',
  instead: 'name an effect and let src/actors/ perform it; time, ids and chance come in as data of a message',
  find(project) {
    const findings: Finding[] = []
    for (const { path, text, code } of codeIn(project, /^machines\//)) {
      const note = (node: Node, what: string) => findings.push({ path, line: lineAt(text, node.start), what })
      walk(code.program, (node, parent, property) => {
        if (node.type === 'AwaitExpression' || node['await'] === true) note(node, 'waits')
        if (node['async'] === true) note(node, 'is asynchronous')
        if (isMember(node, 'Math', 'random')) note(node, 'rolls dice')
        const name = nameOf(node)
        if (name !== null && AMBIENT.has(name) && isReference(node, parent, property)) note(node, `uses ${name}`)
      })
      for (const { specifier, line } of code.arrows) {
        if (specifier.startsWith('node:')) findings.push({ path, line, what: `imports ${specifier}` })
      }
    }
    return findings
  },
  breaches: {
    'an asynchronous function': { 'machines/a.ts': 'export async function a() {}' },
    'an await': { 'machines/a.ts': 'await b' },
    'a loop that awaits': { 'machines/a.ts': 'export {}\nfor await (const b of c) d(b)' },
    'the clock': { 'machines/a.ts': 'const b = Date.now()' },
    'a date made of nothing': { 'machines/a.ts': 'const b = { at: new Date() }' },
    chance: { 'machines/a.ts': 'const b = Math.random()' },
    'a timer': { 'machines/a.ts': 'setTimeout(b, 1)' },
    'a repeating timer': { 'machines/a.ts': 'const start = setInterval' },
    'the network': { 'machines/a.ts': "const b = fetch('x')" },
    'the process': { 'machines/a.ts': 'const { env } = process' },
    'the console': { 'machines/a.ts': "console.log('x')" },
    'a random id': { 'machines/a.ts': 'const id = crypto.randomUUID()' },
    'a Node module': { 'machines/a.ts': "import type { Hash } from 'node:crypto'" },
  },
  fine: {
    'a property that only shares the name': { 'machines/a.ts': 'const b = { process: 1, console: c.fetch }' },
    'a number handed in': { 'machines/a.ts': 'export const later = (nowMs: number) => nowMs + 1' },
  },
}

/** Files that may hand `process.env` on, each for one reason. They pass the whole object; none looks a variable up. */
const HAND_ENVIRONMENT_ON = new Set([
  'src/world.ts', // the door itself
  'src/start.ts', // makes the world
  'src/main.ts', // hands it to the command
  'src/bin.js', // hands it to the newer Node that it starts
])

export const worldIsTheDoor: Rule = {
  sentence: 'clock, ids, randomness and the environment come in through src/world.ts',
  instead: 'take a World and call world.nowMs(), world.id(), world.random() or read world.environment',
  find(project) {
    const findings: Finding[] = []
    for (const file of codeIn(project, SHIPPED)) {
      // The page runs in a browser, where there is no world to take from.
      if (/^src\/(world\.ts$|console\/)/.test(file.path)) continue
      walk(file.code.program, (node, parent) => {
        const what = reading(file, node, parent)
        if (what !== null) findings.push({ path: file.path, line: lineAt(file.text, node.start), what })
      })
    }
    return findings
  },
  breaches: {
    'the clock': { 'src/actors/a.ts': 'const b = Date.now()' },
    'the clock through new Date': { 'src/store/sqlite.ts': 'const at = new Date().toISOString()' },
    'the clock through Date()': { 'src/store/sqlite.ts': 'const at = Date()' },
    'the monotonic clock': { 'src/start.ts': 'const b = performance.now()' },
    'the high-resolution clock': { 'src/start.ts': 'const b = process.hrtime.bigint()' },
    chance: { 'src/actors/a.ts': 'const jitter = Math.random() * 2' },
    'a random id': { 'src/http/a.ts': 'const id = crypto.randomUUID()' },
    'random bytes': { 'src/http/a.ts': "import { randomBytes } from 'node:crypto'" },
    'random values': { 'src/http/a.ts': 'const b = globalThis.crypto.getRandomValues(c)' },
    'a variable in a channel': { 'src/channels/a.ts': 'const b = process.env' },
    'a variable by destructuring': { 'src/channels/a.ts': 'const { env } = process' },
    'a variable by import': { 'src/channels/a.ts': "import { env } from 'node:process'" },
    'a variable looked up where it may only be handed on': { 'src/main.ts': 'const b = process.env.HOME' },
    'a variable looked up by name': { 'src/start.ts': "const b = process.env['HOME']" },
  },
  fine: {
    'a given time is written out': { 'src/http/a.ts': 'const at = new Date(ms).toISOString()' },
    'the environment is handed on': { 'src/main.ts': 'run(realWorld(process.env))' },
    'a hash': { 'src/http/a.ts': "import { createHash, timingSafeEqual } from 'node:crypto'" },
  },
}

function reading(file: ProjectFile, node: Node, parent: Node | null): string | null {
  if (readsClock(node)) return 'reads the clock'
  if (rollsDice(node)) return 'rolls dice'
  if (takesEnvironment(node, parent)) return 'takes the environment out of process'
  if (!isMember(node, 'process', 'env')) return null
  if (!HAND_ENVIRONMENT_ON.has(file.path)) return 'reads the environment'
  return parent?.type === 'MemberExpression' && parent['object'] === node ? 'looks a variable up' : null
}

function takesEnvironment(node: Node, parent: Node | null): boolean {
  if (node.type === 'VariableDeclarator') return nameOf(node['init']) === 'process'
  if (node.type !== 'ImportSpecifier' || nameOf(node['imported']) !== 'env') return false
  return /^(node:)?process$/.test(nameOf(parent?.['source']) ?? '')
}

function readsClock(node: Node): boolean {
  const bare = Array.isArray(node['arguments']) && node['arguments'].length === 0 && nameOf(node['callee']) === 'Date'
  if (bare && (node.type === 'NewExpression' || node.type === 'CallExpression')) return true
  return isMember(node, 'Date', 'now') || isMember(node, 'performance', 'now') || isMember(node, 'process', 'hrtime')
}

const DICE = /^(random.*|getRandomValues)$/

function rollsDice(node: Node): boolean {
  if (isMember(node, 'Math', 'random')) return true
  if (node.type === 'MemberExpression') {
    const object = node['object']
    const holder = nameOf(object) ?? nameOf((object as Node)['property']) ?? ''
    return /^(web)?crypto$/i.test(holder) && DICE.test(nameOf(node['property']) ?? '')
  }
  return node.type === 'ImportSpecifier' && DICE.test(nameOf(node['imported']) ?? '')
}

function isMember(node: Node, object: string, property: string): boolean {
  if (node.type !== 'MemberExpression') return false
  return nameOf(node['object']) === object && nameOf(node['property']) === property
}

/** True for a name that stands for a value, not for a key, a member or a type. */
function isReference(node: Node, parent: Node | null, property: string): boolean {
  if (node.type !== 'Identifier' || parent === null) return false
  if ((property === 'key' || property === 'property') && parent['computed'] !== true) return false
  return !parent.type.startsWith('TS') || property === 'expression'
}
