// Load: a gateway.yaml, from its bytes to definitions, or all its problems at once. The only file that knows the YAML library.
//   Whatever the bytes are, the answer is a LoadResult. The user's file is read and never written.
//   What a hostile file can cost has a bound before the library's recursion begins: bytes, tokens, depth, unfolded values.

import { dirname, join } from 'node:path'
import {
  Composer,
  type CST,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  type YAMLError,
} from 'yaml'
import type { Phase } from '../../machines/phases.ts'
import { judge, type LoadResult, type Parsed } from './judge.ts'
import { decode, ENV_BYTES_MAX, FILE_BYTES_MAX, readSource } from './source.ts'
import { HARMLESS, SYNTAX } from './syntax.ts'
import { entriesOf, type Finding, isOpen, nodeAt, type Path, type Span, type Tree, type TreeEntry } from './tree.ts'
import { type Environment, type Lookup, lookupIn, maskVariables, substitute } from './variables.ts'

export type { Loaded, LoadResult, Settings } from './judge.ts'

export type SourceText = {
  /** As the user gave it: problems begin with it, and `data` is relative to its folder. */
  readonly file: string
  readonly environment: Environment
  /** What stands in the `.env` beside the file. */
  readonly envFileText?: string
  /** Told of each phase when it is over. */
  readonly passed?: ((phase: Phase) => void) | undefined
} & ({ readonly text: string } | { readonly bytes: Uint8Array })

/** Reads and judges a file; never rejects, and leaves the file as it is. */
export async function loadFile(
  path: string,
  environment: Environment,
  passed?: (phase: Phase) => void,
): Promise<LoadResult> {
  const source = await readSource(path, FILE_BYTES_MAX)
  if (!source.ok) return unreadable(path, source.message)
  const envPath = join(dirname(path), '.env')
  const envFile = await readSource(envPath, ENV_BYTES_MAX)
  // A folder of this name is a Python environment, not ours.
  if (!envFile.ok && !['ENOENT', 'EISDIR'].includes(envFile.code)) return unreadable(envPath, envFile.message)
  const envFileText = envFile.ok ? new TextDecoder().decode(envFile.bytes) : ''
  return loadText({ file: path, bytes: source.bytes, environment, envFileText, passed })
}

/** The same for content that is there already. */
export function loadText(source: SourceText): LoadResult {
  const decoded = decode('text' in source ? source.text : source.bytes)
  if ('mistake' in decoded) return unreadable(source.file, decoded.mistake)
  const lookup = lookupIn(source.environment, source.envFileText ?? '')
  const parsed = parse(source.file, decoded.text, lookup)
  source.passed?.('parse')
  return judge(parsed, lookup, source.passed)
}

/** A file of 200,000 short lines has this many; none that a person wrote comes near. */
const TOKENS_MAX = 1_000_000

/** The deepest key of a gateway.yaml is at 5; the library overflows its stack, beyond catching, at some thousands. */
const DEPTH_MAX = 50

/** A file that unfolds to more has aliases that multiply. */
const VALUES_MAX = 100_000

function unreadable(file: string, message: string): LoadResult {
  const problem = { file, line: 1, column: 1, path: '(file)', message, phase: 'parse' } as const
  return { ok: false, problems: [problem], settings: null }
}

// --- from text to YAML nodes ------------------------------------------------------------------------------------------

function parse(file: string, text: string, lookup: Lookup): Parsed {
  const lines = new LineCounter()
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return line < 1 ? { line: 1, column: 1 } : { line, column: col }
  }
  const { masked, unmask } = maskVariables(text)
  const tokens = tokensOf(masked, lines)
  if (!Array.isArray(tokens)) {
    return {
      file,
      root: null,
      findings: [{ span: tokens.span, path: [], message: tokens.message }],
      trustedUntil: 0,
      place,
    }
  }
  const composer = new Composer({ prettyErrors: false, uniqueKeys: false, intAsBigInt: true, ...STRICT_CORE })
  const [document, another] = [...composer.compose(tokens, true, masked.length)]
  const soil: Soil = { anchors: new Map(), growing: new Set(), values: 0, findings: [], lookup, unmask }
  const root = plant(soil, document?.contents ?? null, { path: [], span: { start: 0, end: 0 }, depth: 0, alias: false })
  const errors = [...(document?.errors ?? []), ...(document?.warnings ?? [])]
  const syntax = errors.map((error) => syntaxFinding(root, error))
  if (another !== undefined) syntax.push({ span: spanOf(another, 0), path: [], message: SEVERAL })
  const broken = syntax.filter((_, index) => !HARMLESS.has(errors[index]?.code ?? '')).map(({ span }) => span.start)
  const trustedUntil = Math.min(Number.POSITIVE_INFINITY, ...broken)
  const planted = soil.findings.filter(({ span }) => span.start < trustedUntil)
  return { file, root, findings: [...syntax, ...planted], trustedUntil, place }
}

function syntaxFinding(root: Tree, { code, pos, message }: YAMLError): Finding {
  const [start, end] = pos
  const path = pathTo(root, start)
  const node = nodeAt(root, path)
  // The library notices a quote that is never closed at the end of everything it swallowed; the mistake is at its begin.
  if (message.startsWith('Missing closing') && node?.kind === 'scalar' && node.start < start) {
    return { span: { start: node.start, end }, path, message: 'a quote begins here and is never closed' }
  }
  return { span: { start, end }, path, message: SYNTAX[code] ?? 'this is not valid YAML' }
}

/** YAML 1.2 as it is, also when a file's first line asks for another version. */
const STRICT_CORE = { version: '1.2', schema: 'core', merge: false, resolveKnownTags: false } as const

const SEVERAL = 'a second document begins here: expected one'

/** The tokens of a text; or why it is none that a person wrote. */
function tokensOf(text: string, lines: LineCounter): CST.Token[] | { span: Span; message: string } {
  const parser = new Parser(lines.addNewLine)
  lines.addNewLine(0)
  const tokens: CST.Token[] = []
  let count = 0
  for (const lexeme of new Lexer().lex(text)) {
    count += 1
    if (count > TOKENS_MAX) return { span: NOWHERE, message: `the file has more than ${TOKENS_MAX} words and signs` }
    tokens.push(...parser.next(lexeme))
  }
  tokens.push(...parser.end())
  const deep = tooDeep(tokens)
  return deep === null ? tokens : { span: { start: deep, end: deep }, message: NESTED }
}

const NOWHERE: Span = { start: 0, end: 0 }
const NESTED = `nested deeper than ${DEPTH_MAX} levels`

/** Where the nesting passes its bound. Without recursion: that is what it protects from. */
function tooDeep(tokens: readonly CST.Token[]): number | null {
  const open: [unknown, number][] = tokens.map((token) => [token, 0])
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [token, depth] = next
    if (typeof token !== 'object' || token === null) continue
    if (depth > DEPTH_MAX) return 'offset' in token && typeof token.offset === 'number' ? token.offset : 0
    if ('value' in token) open.push([token.value, depth])
    if ('items' in token && Array.isArray(token.items)) {
      for (const item of token.items) open.push([item?.key, depth + 1], [item?.value, depth + 1])
    }
  }
  return null
}

// --- from YAML nodes to the tree ----------------------------------------------------------------------------------------

/** What planting remembers of one file. */
interface Soil {
  readonly anchors: Map<string, Node>
  /** Nodes above the one that is planted: an alias to one of them would never end. */
  readonly growing: Set<Node>
  values: number
  readonly findings: Finding[]
  readonly lookup: Lookup
  readonly unmask: (text: string) => string
}

interface Spot {
  readonly path: Path
  /** Where an empty value would stand. */
  readonly span: Span
  readonly depth: number
  /** Inside what an alias repeats: anchors there keep their first meaning. */
  readonly alias: boolean
}

function plant(soil: Soil, node: Node | null, spot: Spot): Tree {
  soil.values += 1
  if (node === null) return scalar(spot.span, null)
  const span = spanOf(node, spot.span.start)
  if (soil.values > VALUES_MAX || spot.depth > DEPTH_MAX) return tooMuch(soil, span, spot)
  if (isAlias(node)) return plantAlias(soil, node.source, { ...spot, span })
  if (!spot.alias && 'anchor' in node && typeof node.anchor === 'string') soil.anchors.set(node.anchor, node)
  if (isScalar(node)) return plantScalar(soil, node, { ...spot, span })
  soil.growing.add(node)
  const tree = isMap<Node | null, Node | null>(node)
    ? plantMap(soil, node.items, { ...spot, span })
    : plantList(soil, isSeq<Node | null>(node) ? node.items : [], { ...spot, span })
  soil.growing.delete(node)
  return tree
}

function tooMuch(soil: Soil, span: Span, { path, depth }: Spot): Tree {
  const message =
    depth > DEPTH_MAX ? NESTED : `the file unfolds to more than ${VALUES_MAX} values: its aliases multiply`
  if (!soil.findings.some((finding) => finding.message === message)) soil.findings.push({ span, path, message })
  return { ...scalar(span, null), broken: true }
}

function plantAlias(soil: Soil, name: string, spot: Spot): Tree {
  const target = soil.anchors.get(name)
  if (target === undefined || soil.growing.has(target)) {
    const message = target === undefined ? 'no anchor of this name stands above it' : 'this alias contains itself'
    soil.findings.push({ span: spot.span, path: spot.path, message })
    return { ...scalar(spot.span, null), broken: true }
  }
  return plant(soil, target, { ...spot, depth: spot.depth + 1, alias: true })
}

function plantMap(soil: Soil, pairs: readonly Pair<Node | null, Node | null>[], spot: Spot): Tree {
  const entries = new Map<string, TreeEntry>()
  const merged: TreeEntry[] = []
  for (const pair of pairs) {
    const key = spanOf(pair.key, spot.span.start)
    if (!isScalar(pair.key) || typeof pair.key.source !== 'string' || pair.key.source === '') {
      soil.findings.push({ span: key, path: spot.path, message: 'expected a key: plain text before the colon' })
      continue
    }
    const name = soil.unmask(pair.key.source)
    const path = [...spot.path, name]
    const after = { start: key.end, end: key.end }
    const value = plant(soil, pair.value, { ...spot, path, span: after, depth: spot.depth + 1 })
    const first = entries.get(name)
    if (name === '<<' && pair.key.type === 'PLAIN') merged.push({ key, value })
    else if (first === undefined) entries.set(name, { key, value })
    else soil.findings.push({ span: key, path, message: SYNTAX['DUPLICATE_KEY'] ?? '' })
  }
  for (const [name, entry] of merged.flatMap((entry) => entriesToMerge(soil, entry, [...spot.path, '<<']))) {
    if (!entries.has(name)) entries.set(name, entry)
  }
  return { kind: 'map', ...spot.span, entries }
}

/** `<<`: keys of other mappings, where the mapping has none of its own; of several the first wins. */
function entriesToMerge(soil: Soil, { key, value }: TreeEntry, path: Path): (readonly [string, TreeEntry])[] {
  const sources = value.kind === 'list' ? value.items : [value]
  return sources.flatMap((source) => {
    if (source.kind !== 'map' && !isOpen(source)) {
      soil.findings.push({ span: key, path, message: '<< takes a mapping, or a list of mappings' })
    }
    return entriesOf(source)
  })
}

function plantList(soil: Soil, items: readonly (Node | null)[], spot: Spot): Tree {
  const grown = items.map((item, index) =>
    plant(soil, item, { ...spot, path: [...spot.path, index], depth: spot.depth + 1 }),
  )
  return { kind: 'list', ...spot.span, items: grown }
}

function plantScalar(soil: Soil, { value, source }: { value: unknown; source?: string }, { path, span }: Spot): Tree {
  const written = soil.unmask(typeof value === 'string' ? value : (source ?? String(value)))
  if (typeof value === 'string') {
    const { text, variables, unset, mistake } = substitute(written, soil.lookup)
    if (mistake !== null) soil.findings.push({ span, path, message: mistake })
    return { kind: 'scalar', ...span, value: text, written, variables, unset, broken: mistake !== null }
  }
  if (value === null || typeof value === 'boolean') return { ...scalar(span, value), written }
  const number = Number(value)
  const whole = typeof value === 'bigint'
  if (whole ? Number.isSafeInteger(number) : Number.isFinite(number)) return { ...scalar(span, number), written }
  const message = whole
    ? 'this number has too many digits to be kept exactly: put it in quotes'
    : 'expected a number that can be written in digits'
  soil.findings.push({ span, path, message })
  return { ...scalar(span, null), written, broken: true }
}

function scalar(span: Span, value: string | number | boolean | null) {
  return { kind: 'scalar', ...span, value, written: '', variables: [], unset: [], broken: false } as const
}

function spanOf(node: { range?: readonly number[] | null | undefined } | null, otherwise: number): Span {
  const [start = otherwise, end = start] = node?.range ?? []
  return { start, end }
}

/** The path of the key that an offset belongs to. */
function pathTo(tree: Tree, offset: number): Path {
  if (tree.kind === 'scalar') return []
  const children: [string | number, number, Tree][] =
    tree.kind === 'map'
      ? [...tree.entries].map(([name, entry]) => [name, entry.key.start, entry.value])
      : tree.items.map((item, index) => [index, item.start, item])
  const last = children.filter(([, start]) => start <= offset).at(-1)
  return last === undefined ? [] : [last[0], ...pathTo(last[2], offset)]
}
