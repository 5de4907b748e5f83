// Judge: a parsed file becomes a load result: everything that is wrong with it, in the order of the file, or its definitions.
//   After a syntax error only what stands before it, and needs no other part of the file, is trusted.
//   A3. Every sentence that leaves is searched for secrets' values first.

import { dirname } from 'node:path'
import type { GatewayDefinition, GatewaySettings } from '../../machines/definitions.ts'
import type { Phase } from '../../machines/phases.ts'
import { foldersFindings } from './agent-folders.ts'
import { roomFindings } from './agent-models.ts'
import { placesOf, toolsFindings } from './agent-tools.ts'
import { type Pieces, readPieces } from './check.ts'
import { define, gatewayDefinition, readSecrets } from './define.ts'
import { isOfFallback } from './define-models.ts'
import { readInstructions } from './instructions.ts'
import { moduleFindings } from './platform-module.ts'
import { type Problem, PROBLEMS_MAX } from './problems.ts'
import { crossCheck, warningsOf } from './references.ts'
import { paddedSecrets, wrongSecrets } from './secret-forms.ts'
import { Secrets } from './secrets.ts'
import { type Finding, nodeAt, pathText, type Tree } from './tree.ts'
import type { Lookup } from './variables.ts'

export type LoadResult = { readonly ok: true; readonly loaded: Loaded } | Refused

export interface Refused {
  readonly ok: false
  readonly problems: readonly Problem[]
  /** What leads to the gateway that goes on by the earlier file; null: nothing of it can be relied on. */
  readonly settings: Settings | null
}

export interface Settings {
  readonly gateway: GatewaySettings
  readonly secrets: Secrets
}

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
  /** Credentials that cannot be right: each concerns its owner only. */
  readonly wrong: readonly OwnedProblem[]
  readonly warnings: readonly Problem[]
}

export interface MissingVariable extends OwnedProblem {
  readonly variable: string
}

/** What spoils the start of one channel or schedule, or of the channels of one agent. */
export interface OwnedProblem extends Problem {
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

export function judge(parsed: Parsed, lookup: Lookup, passed: (phase: Phase) => void = () => {}): LoadResult {
  const { root } = parsed
  const unread = inPhase('parse', parsed.findings)
  if (root === null) return refused(parsed, unread, { secrets: new Secrets([]), settings: null })
  const pieces = readPieces(root)
  const { entries, unset: all } = readSecrets(root, pieces, lookup)
  const [unset, spare] = [all.filter((one) => !isOfFallback(one)), all.filter(isOfFallback)]
  const secrets = new Secrets(entries)
  const folder = dirname(parsed.file)
  const places = placesOf(root, folder)
  const instructions = readInstructions(root, folder)
  const crossed = [
    ...crossCheck(root, entries),
    ...moduleFindings(root, folder),
    ...places.flatMap(toolsFindings),
    ...foldersFindings(places),
    ...instructions.findings,
  ]
  const isTrusted = (finding: Finding): boolean => trusted(finding, parsed.trustedUntil)
  const found = inPhase('validate', [...pieces.findings, ...crossed].filter(isTrusted))
  passed('validate')
  const everybodys = unset.filter((one) => ownerOf(one) === null && isTrusted(one))
  const findings = [...unread, ...found, ...inPhase('secrets', everybodys)]
  if (findings.length > 0) {
    const missing = unset.filter((one) => ownerOf(one) !== null && isTrusted(one))
    const settings = settingsOf(parsed, { findings, gateway: pieces.gateway, folder, secrets })
    return refused(parsed, [...findings, ...inPhase('secrets', missing)], { secrets, settings })
  }
  const wrong = wrongSecrets(root, pieces, entries)
  const context = { unset: all, wrong, folder, places, instructions: instructions.texts }
  const definition = define(root, pieces, context)
  const unused = [...spare, ...wrong.filter(isOfFallback)].map((one) => {
    return { ...one, message: `${one.message}; until then this fallback is not asked` }
  })
  const warnings = [
    ...inPhase('validate', [...warningsOf(root), ...roomFindings(root, definition)]),
    ...inPhase('secrets', [...unused, ...paddedSecrets(root, entries)]),
  ]
  passed('secrets')
  const loaded = {
    file: parsed.file,
    alsoRead: instructions.files,
    definition,
    secrets,
    missing: owned(unset).map((one) => ({
      ...problemOf(parsed, one, secrets),
      variable: one.variable,
      owner: one.owner,
    })),
    wrong: owned(wrong.filter((one) => !isOfFallback(one))).map((one) => {
      return { ...problemOf(parsed, one, secrets), owner: one.owner }
    }),
    warnings: warnings.map((finding) => problemOf(parsed, finding, secrets)),
  }
  return { ok: true, loaded }
}

// --- helpers ----------------------------------------------------------------------------------------------------------

interface Phased extends Finding {
  readonly phase: Phase
}

function inPhase<Found extends Finding>(phase: Phase, findings: readonly Found[]): (Found & Phased)[] {
  return findings.map((finding) => ({ ...finding, phase }))
}

/** In the order of the file, with who alone is concerned. */
function owned<Found extends Finding>(findings: readonly Found[]): (Found & Phased & Pick<OwnedProblem, 'owner'>)[] {
  const inOrder = inPhase('secrets', findings).toSorted((a, b) => a.span.start - b.span.start)
  return inOrder.flatMap((one) => {
    const owner = ownerOf(one)
    return owner === null ? [] : [{ ...one, owner }]
  })
}

/** Whose start it spoils; null: everybody's. */
function ownerOf({ path }: Finding): OwnedProblem['owner'] | null {
  const [section, id] = path
  if (section === 'schedules' && typeof id === 'number') return { kind: 'schedule', id: `schedules[${id}]` }
  if (typeof id !== 'string') return null
  if (section === 'agents') return { kind: 'agent', id }
  return section === 'channels' ? { kind: 'channel', id } : null
}

function trusted(finding: Finding, until: number): boolean {
  return until === Number.POSITIVE_INFINITY || (finding.span.end < until && finding.wholeFile !== true)
}

/** Of a file that is broken in the middle, the section that is named before the break; an absent one may stand behind it. */
function settingsOf(
  { root, trustedUntil }: Parsed,
  section: Pick<Pieces, 'gateway' | 'findings'> & { readonly folder: string; readonly secrets: Secrets },
): Settings | null {
  const { gateway, findings, folder, secrets } = section
  const end = root === null ? 0 : (nodeAt(root, ['gateway'])?.end ?? Number.MAX_SAFE_INTEGER)
  const isSound = gateway !== null && end < trustedUntil && !findings.some(({ path }) => path[0] === 'gateway')
  return isSound ? { gateway: gatewayDefinition(gateway, folder), secrets } : null
}

function refused(
  parsed: Parsed,
  findings: readonly Phased[],
  { secrets, settings }: { readonly secrets: Secrets; readonly settings: Settings | null },
): Refused {
  const ordered = findings.toSorted((a, b) => a.span.start - b.span.start)
  const once = new Map(
    ordered.map((finding) => [`${finding.span.start} ${pathText(finding.path)} ${finding.message}`, finding]),
  )
  const problems = [...once.values()].slice(0, PROBLEMS_MAX).map((finding) => problemOf(parsed, finding, secrets))
  const last = problems.at(-1)
  const hidden = once.size - problems.length
  if (last !== undefined && hidden > 0)
    problems.push({ ...last, path: '(file)', message: `${hidden} further problems are not shown` })
  return { ok: false, problems, settings }
}

function problemOf(parsed: Parsed, finding: Phased, secrets: Secrets): Problem {
  const { phase } = finding
  const path = secrets.redact(pathText(finding.path))
  return {
    file: parsed.file,
    ...parsed.place(finding.span.start),
    path,
    message: secrets.redact(finding.message),
    phase,
  }
}
