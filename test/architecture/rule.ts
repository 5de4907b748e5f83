// Rule: one sentence of the design, the check that holds the code to it, and the breaches that prove the check can fail.
//   Every rule has at least one planted breach: a check that nothing can fail proves nothing.

import { type Chart, type Project, projectOf } from './project.ts'

export interface Rule {
  /** The sentence of the design that a finding breaks. */
  readonly sentence: string
  /** What to do instead. */
  readonly instead: string
  readonly find: (project: Project) => readonly Finding[]
  /** Small projects that break the sentence, by what is wrong with them. */
  readonly breaches: Readonly<Record<string, Planted>>
  /** Small projects that come close and are right. */
  readonly fine?: Readonly<Record<string, Planted>>
}

export interface Finding {
  readonly path: string
  readonly line: number
  readonly what: string
}

/** Paths with their text, or statecharts where the rule reads those. */
export type Planted = Readonly<Record<string, string>> | { readonly charts: readonly Chart[] }

export function plant(planted: Planted): Project {
  const { charts } = planted
  return typeof charts === 'object' ? projectOf({}, charts) : projectOf(planted as Readonly<Record<string, string>>)
}

/** Null when the sentence holds; else the sentence, each place that breaks it, and the way out. */
export function verdict(rule: Rule, project: Project): string | null {
  const findings = rule.find(project)
  if (findings.length === 0) return null
  const places = findings.map(({ path, line, what }) => `  ${path}:${line} ${what}`)
  return [`Broken: ${rule.sentence}`, ...places, `Instead: ${rule.instead}`].join('\n')
}
