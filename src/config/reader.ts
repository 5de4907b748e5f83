// Reader: what a schema says of a piece of a file, as findings at their places in words for a person; and a piece as the plain value
// that a schema takes. A secret's value never reaches a schema: its reference does (A3).

import { AGENT_ID } from './kinds.ts'
import { listed, suggestion } from './problems.ts'
import type { Issue, Reading } from './reading.ts'
import { MCP_KEYS } from './mcp-schema.ts'
import { platformNamed } from './platforms.ts'
import { isOfMcp, isPerhapsSecret, isSecret } from './secret-places.ts'
import {
  described,
  type Finding,
  isOpen,
  keySpan,
  nodeAt,
  type Path,
  pathText,
  spanAt,
  type Tree,
  textOf,
} from './tree.ts'

export interface Reader {
  readonly root: Tree
  readonly findings: Finding[]
}

/** What a schema said of a piece, and the keys that the piece may have. */
interface Verdict<T> {
  readonly reading: Reading<T>
  readonly known: readonly string[]
}

export function accept<T>(reader: Reader, base: Path, { reading, known }: Verdict<T>): T | null {
  if (reading.ok) return reading.value
  for (const issue of reading.issues) {
    const finding = findingOf(reader, issue, { path: [...base, ...issue.path], known })
    if (finding !== null) reader.findings.push(finding)
  }
  return null
}

function findingOf(reader: Reader, issue: Issue, place: { path: Path; known: readonly string[] }): Finding | null {
  const { path, known } = place
  const node = nodeAt(reader.root, path)
  if (isOpen(node)) return null
  if (issue.kind === 'choice') return choiceFinding(reader, path, issue.values)
  if (issue.kind === 'wrong')
    return wrong(reader, path, { expected: issue.expected, near: nearText(issue.expected, node) })
  return unknownKey(reader, path, nestedKeys(path) ?? known)
}

/** A number or a truth value where a text was meant: YAML takes it for one without quotes, or without a unit. */
function nearText(expected: string, node: Tree | undefined): string {
  if (node?.kind !== 'scalar' || (typeof node.value !== 'number' && typeof node.value !== 'boolean')) return ''
  if (expected === AGENT_ID) return ` (did you mean "${node.value}"?)`
  const isDuration = expected.startsWith('expected a duration') && typeof node.value === 'number'
  return isDuration ? ` (did you mean "${node.value}s"?)` : ''
}

function nestedKeys(path: Path): readonly string[] | undefined {
  if (isOfMcp(path) && path.length === 5) return MCP_KEYS
  const [within, key] = path.slice(-3, -1).map(String)
  return path.length > 3 ? (NESTED[`${within}.${key}`] ?? NESTED[`${key}`]) : undefined
}

/** The keys of mappings inside a piece, by the key that they stand under. */
const NESTED: Readonly<Record<string, readonly string[]>> = {
  routes: ['default', 'dm', 'group'],
  http: ['allow'],
  instructions: ['file'],
  session: ['reset'],
  reset: ['mode', 'idle_minutes', 'at_hour', 'time_zone'],
  budget: ['tokens_per_day', 'per'],
  prices: ['input_per_million', 'output_per_million'],
  'transcription.prices': ['per_minute', 'input_per_million', 'output_per_million'],
}

export function chooseOne(reader: Reader, path: Path, values: readonly string[]): void {
  const node = nodeAt(reader.root, path)
  if (!isOpen(node)) reader.findings.push(choiceFinding(reader, path, values))
}

/** Choices whose key says what they are. */
const CATALOGUES: ReadonlySet<unknown> = new Set(['platform', 'provider'])

function choiceFinding(reader: Reader, path: Path, values: readonly string[]): Finding {
  const node = nodeAt(reader.root, path)
  const given = textOf(node)
  const expected = `expected ${listed(values)}`
  if (node === undefined || given === null || given === '') return wrong(reader, path, expected)
  const what = CATALOGUES.has(path.at(-1)) ? path.at(-1) : 'value'
  const message = `unknown ${what} ${described(node)}: ${expected}${suggestion(given, values)}`
  return { span: node, path, message }
}

export interface Expectation {
  readonly expected: string
  /** A suggestion, or nothing. */
  readonly near: string
}

export function wrong(reader: Reader, path: Path, expectation: string | Expectation): Finding {
  const { expected, near } = typeof expectation === 'string' ? { expected: expectation, near: '' } : expectation
  const node = nodeAt(reader.root, path)
  const span = spanAt(reader.root, path)
  if (node === undefined) return { span, path, message: `is required: ${expected}${near}`, wholeFile: true }
  const hidden = isSecret(path) && node.kind === 'scalar' && node.value !== null && node.value !== ''
  return { span, path, message: `${expected}, found ${hidden ? `a ${typeof node.value}` : described(node)}${near}` }
}

export function unknownKey(reader: Reader, path: Path, known: Iterable<string>): Finding {
  const span = spanOfKey(reader, path)
  const key = String(path.at(-1))
  const refused = refusedKeys(reader, path)
  const reason = refused.get(path.slice(2).join('.'))
  if (reason !== undefined) return { span, path, message: reason }
  const words = [...known].filter((word) => !refused.has([...path.slice(2, -1), word].join('.')))
  const near = suggestion(key, words)
  const variable = key.includes('${') ? '; variables stand in values only' : ''
  return {
    span,
    path,
    message: `unknown key${near === '' ? `; known here: ${words.join(', ')}` : ''}${variable}${near}`,
  }
}

/** Keys that exist, but not on the platform of this channel, and why. */
function refusedKeys(reader: Reader, path: Path): ReadonlyMap<string, string> {
  const platform = path[0] === 'channels' ? textOf(nodeAt(reader.root, [...path.slice(0, 2), 'platform'])) : null
  return new Map(Object.entries(platformNamed(platform)?.withoutEffect ?? {}))
}

export function spanOfKey(reader: Reader, path: Path): Finding['span'] {
  return keySpan(reader.root, path) ?? spanAt(reader.root, path)
}

// --- from the tree to plain values ------------------------------------------------------------------------------------

/** Keys without a default: their unset variable stays as it is written, so that a report can show it. */
const KEPT = new Set(['platform', 'agent', 'default', 'token', 'name', 'model', 'provider', 'base_url', 'api_key'])

export function plainOf(node: Tree, path: Path): unknown {
  if (node.kind === 'list') return node.items.map((item, index) => plainOf(item, [...path, index]))
  if (node.kind === 'scalar') {
    const open = node.variables.length > 0 || (typeof node.value === 'string' && node.value.trim() !== '')
    const given = open || (isPerhapsSecret(path) && node.value !== null)
    return isSecret(path) && given ? pathText(path) : node.value
  }
  const kept = [...node.entries].filter(([key, { value }]) => {
    return KEPT.has(key) || value.kind !== 'scalar' || value.unset.length === 0
  })
  // Without a prototype `__proto__` is a key like any other.
  const plain: Record<string, unknown> = Object.create(null)
  for (const [key, entry] of kept) plain[key] = plainOf(entry.value, [...path, key])
  return plain
}
