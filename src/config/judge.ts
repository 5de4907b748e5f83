// Judge: a parsed file becomes a load result: everything that is wrong with it, in the order of the file, or its definitions.
//   After a syntax error only what stands before it, and needs no other part of the file, is trusted.
//   A3. Every sentence that leaves is searched for secrets' values first.

import { dirname } from 'node:path'
import type { GatewayDefinition } from '../../machines/definitions.ts'
import { foldersFindings } from './agent-folders.ts'
import { placesOf, toolsFindings } from './agent-tools.ts'
import { readPieces } from './check.ts'
import { define, readSecrets, type Unset } from './define.ts'
import { isOfFallback } from './define-models.ts'
import { readInstructions } from './instructions.ts'
import { type Problem, PROBLEMS_MAX } from './problems.ts'
import { crossCheck, warningsOf } from './references.ts'
import { Secrets } from './secrets.ts'
import { type Finding, pathText, type Tree } from './tree.ts'
import type { Lookup } from './variables.ts'

export type LoadResult =
  | { readonly ok: true; readonly loaded: Loaded }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/** A file that can be started, perhaps without some of its channels. */
export interface Loaded {
  /** As the user gave it. */
  readonly file: string
  /** Absolute paths of the files that it names and whose text is part of the definition. */
  readonly alsoRead: readonly string[]
  /** Frozen, and equal to itself after a JSON round trip (A1). */
  readonly definition: GatewayDefinition
  readonly secrets: Secrets
  /** Variables that are not set: each concerns its owner only. */
  readonly missing: readonly MissingVariable[]
  readonly warnings: readonly Problem[]
}

export interface MissingVariable extends Problem {
  readonly variable: string
  readonly owner: { readonly kind: 'agent' | 'channel' | 'schedule'; readonly id: string }
}

/** A file after YAML, before its meaning. */
export interface Parsed {
  readonly file: string
  /** null: nothing of it can be used. */
  readonly root: Tree | null
  readonly findings: readonly Finding[]
  /** Offset from which the tree cannot be trusted; infinite for a file without syntax errors. */
  readonly trustedUntil: number
  readonly place: (offset: number) => { readonly line: number; readonly column: number }
}

export function judge(parsed: Parsed, lookup: Lookup): LoadResult {
  const { root } = parsed
  if (root === null) return refused(parsed, parsed.findings, new Secrets([]))
  const pieces = readPieces(root)
  const { entries, unset: all } = readSecrets(root, pieces, lookup)
  const [unset, spare] = [all.filter((one) => !isOfFallback(one)), all.filter(isOfFallback)]
  const secrets = new Secrets(entries)
  const folder = dirname(parsed.file)
  const places = placesOf(root, folder)
  const instructions = readInstructions(root, folder)
  const crossed = [
    ...crossCheck(root, entries),
    ...places.flatMap(toolsFindings),
    ...foldersFindings(places),
    ...instructions.findings,
  ]
  const found = [...pieces.findings, ...crossed, ...unset.filter((one) => ownerOf(one) === null)]
  const findings = [...parsed.findings, ...found.filter((finding) => trusted(finding, parsed.trustedUntil))]
  if (findings.length > 0) {
    const missing = unset.filter((one) => ownerOf(one) !== null && trusted(one, parsed.trustedUntil))
    return refused(parsed, [...findings, ...missing], secrets)
  }
  const inOrder = unset.toSorted((a, b) => a.span.start - b.span.start)
  const missing = inOrder.flatMap((one): MissingVariable[] => {
    const owner = ownerOf(one)
    return owner === null ? [] : [{ ...problemOf(parsed, one, secrets), variable: one.variable, owner }]
  })
  const definition = define(root, pieces, { unset: all, folder, places, instructions: instructions.texts })
  const unused = spare.map((one) => ({ ...one, message: `${one.message}; until then this fallback is not asked` }))
  const warnings = [...warningsOf(root), ...unused].map((finding) => problemOf(parsed, finding, secrets))
  const { files: alsoRead } = instructions
  return { ok: true, loaded: { file: parsed.file, alsoRead, definition, secrets, missing, warnings } }
}

// --- helpers ----------------------------------------------------------------------------------------------------------

/** Whose start the variable spoils; null: everybody's. */
function ownerOf({ path }: Unset): MissingVariable['owner'] | null {
  const [section, id] = path
  if (section === 'schedules' && typeof id === 'number') return { kind: 'schedule', id: `schedules[${id}]` }
  if (typeof id !== 'string') return null
  if (section === 'agents') return { kind: 'agent', id }
  return section === 'channels' ? { kind: 'channel', id } : null
}

function trusted(finding: Finding, until: number): boolean {
  return until === Number.POSITIVE_INFINITY || (finding.span.end < until && finding.wholeFile !== true)
}

function refused(parsed: Parsed, findings: readonly Finding[], secrets: Secrets): LoadResult {
  const ordered = findings.toSorted((a, b) => a.span.start - b.span.start)
  const once = new Map(
    ordered.map((finding) => [`${finding.span.start} ${pathText(finding.path)} ${finding.message}`, finding]),
  )
  const problems = [...once.values()].slice(0, PROBLEMS_MAX).map((finding) => problemOf(parsed, finding, secrets))
  const last = problems.at(-1)
  const hidden = once.size - problems.length
  if (last !== undefined && hidden > 0)
    problems.push({ ...last, path: '(file)', message: `${hidden} further problems are not shown` })
  return { ok: false, problems }
}

function problemOf(parsed: Parsed, finding: Finding, secrets: Secrets): Problem {
  const path = secrets.redact(pathText(finding.path))
  return { file: parsed.file, ...parsed.place(finding.span.start), path, message: secrets.redact(finding.message) }
}
