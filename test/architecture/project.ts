// Project: the repository's files as data, so that one rule reads the real checkout and a planted breach alike.
// Owns reading, parsing and import resolution; the rules own every judgement.
//   Nothing here runs the code it reads; charts are the exception and come from charts.ts.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, extname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Comment, parseSync, visitorKeys } from 'oxc-parser'
import type { AnyStateMachine } from 'xstate'

export interface Project {
  /** Every file by its path from the top level, with its text; parsed when it is code. */
  readonly files: ReadonlyMap<string, ProjectFile>
  /** Entries of the top level. */
  readonly topLevel: readonly string[]
  /** The statecharts that machines/ exports. */
  readonly charts: readonly Chart[]
}

export interface ProjectFile {
  readonly path: string
  readonly text: string
  /** null: not TypeScript or JavaScript. */
  readonly code: Code | null
}

export interface Code {
  readonly program: Node
  readonly comments: readonly Comment[]
  readonly arrows: readonly Arrow[]
  readonly exportedNames: readonly { readonly name: string; readonly line: number }[]
}

/** One import of any form: static, dynamic, re-export, or inside a type. */
export interface Arrow {
  readonly specifier: string
  /** The file meant by a relative specifier; null for a package or a Node module. */
  readonly target: string | null
  /** True when nothing of it is left once the types are stripped: `{ type A }` leaves an import, `import type` does not. */
  readonly erased: boolean
  readonly line: number
}

export interface Chart {
  readonly path: string
  readonly machine: AnyStateMachine
}

/** A syntax node, read generically: the rules look at few kinds and treat all others alike. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [property: string]: unknown
}

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** What .gitignore keeps out of the repository, and the repository's own store. */
const NOT_OURS = new Set(['.git', 'node_modules', 'dist', 'coverage', '.troupe'])
const BINARY = new Set(['.png', '.jpg', '.ico', '.woff2', '.db', '.sqlite', '.ogg', '.pdf'])

export function readProject(charts: readonly Chart[]): Project {
  const sources: Record<string, string> = {}
  const pending = ['']
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name)
      if (NOT_OURS.has(entry.name) || entry.name.endsWith('.tgz')) continue
      if (entry.isDirectory()) pending.push(path)
      else if (entry.isFile() && !BINARY.has(extname(path))) sources[path] = readFileSync(join(ROOT, path), 'utf8')
    }
  }
  return projectOf(sources, charts)
}

export function projectOf(sources: Readonly<Record<string, string>>, charts: readonly Chart[] = []): Project {
  const paths = Object.keys(sources).sort()
  const files = paths.map((path) => ({ path, text: sources[path] ?? '', code: parse(path, sources[path] ?? '') }))
  return {
    files: new Map(files.map((file) => [file.path, file])),
    topLevel: [...new Set(paths.map((path) => path.split('/')[0] ?? path))],
    charts,
  }
}

/** Code files whose path matches, in path order. */
export function* codeIn(project: Project, where: RegExp): Generator<ProjectFile & { readonly code: Code }> {
  for (const file of project.files.values()) {
    if (file.code !== null && where.test(file.path)) yield { ...file, code: file.code }
  }
}

/** The code that ships: machines and src. */
export const SHIPPED = /^(machines|src)\//

export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

export type Visit = (node: Node, parent: Node | null, property: string) => void

/** Visits each node with the node above it and the property that it stands in. */
export function walk(root: Node, visit: Visit): void {
  const pending: [Node, Node | null, string][] = [[root, null, '']]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [node, parent, property] = next
    visit(node, parent, property)
    for (const key of visitorKeys[node.type] ?? []) {
      const below = [node[key]].flat().filter(isNode)
      pending.push(...below.map((child): [Node, Node, string] => [child, node, key]))
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** The name of an identifier or the text of a string literal; null for anything else. */
export function nameOf(value: unknown): string | null {
  if (!isNode(value)) return null
  if (value.type === 'Identifier' && typeof value['name'] === 'string') return value['name']
  return value.type === 'Literal' && typeof value['value'] === 'string' ? value['value'] : null
}

function parse(path: string, text: string): Code | null {
  if (!/\.(ts|js|mjs)$/.test(path)) return null
  const parsed = parseSync(path, text)
  if (parsed.errors.length > 0) throw new Error(`${path} does not parse: ${parsed.errors[0]?.message}`)
  // The typed tree is read generically from here on: see Node.
  const program = parsed.program as unknown as Node
  const exported = parsed.module.staticExports.flatMap((statement) => statement.entries)
  return {
    program,
    comments: parsed.comments,
    arrows: arrowsOf(path, text, program),
    exportedNames: exported.flatMap((entry) =>
      entry.exportName.name === null ? [] : [{ name: entry.exportName.name, line: lineAt(text, entry.start) }],
    ),
  }
}

const ARROWS = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
])

function arrowsOf(path: string, text: string, program: Node): readonly Arrow[] {
  const arrows: Arrow[] = []
  walk(program, (node) => {
    const specifier = ARROWS.has(node.type) ? nameOf(node['source']) : null
    if (specifier === null) return
    const erased = node.type === 'TSImportType' || node['importKind'] === 'type' || node['exportKind'] === 'type'
    const target = specifier.startsWith('.') ? posix.join(dirname(path), specifier) : null
    arrows.push({ specifier, target, erased, line: lineAt(text, node.start) })
  })
  return arrows.sort((a, b) => a.line - b.line)
}
