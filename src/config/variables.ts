// Variables: `${NAME}`, `${NAME:-default}`, `${NAME:?message}` in one text. Pure.
//   A value is never read again, neither as YAML nor for further variables. `$${` stands for the characters `${`.

import { parseEnv } from 'node:util'
import type { UnsetVariable } from './tree.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The value of a variable; undefined when it is not set. */
export type Lookup = (name: string) => string | undefined

export interface Substituted {
  readonly text: string
  readonly variables: readonly string[]
  readonly unset: readonly UnsetVariable[]
  /** What is wrong with the writing; null when it can be read. */
  readonly mistake: string | null
}

/** The process environment wins over the `.env` beside the file. */
export function lookupIn(environment: Environment, envFileText: string): Lookup {
  const fromFile = new Map(Object.entries(parseEnv(envFileText.replace(/^\uFEFF/, ''))))
  return (name) => (Object.hasOwn(environment, name) ? environment[name] : undefined) ?? fromFile.get(name)
}

const FORM = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::([-?])([^}]*))?\})?/g

export function substitute(text: string, lookup: Lookup): Substituted {
  const variables: string[] = []
  const unset: UnsetVariable[] = []
  let mistake: string | null = null
  const replaced = text.replace(FORM, (...match: string[]) => {
    const [form = '', name, kind, rest = ''] = match
    if (form === '$${') return '${'
    if (name === undefined || rest.includes('${')) {
      mistake ??= name === undefined ? MALFORMED : 'one variable cannot stand inside another'
      return form
    }
    variables.push(name)
    const value = lookup(name)
    // As in a shell: with `:-` and `:?` an empty variable counts as one that is not set.
    if (value !== undefined && (value !== '' || kind === undefined)) return value
    if (kind === '-') return rest
    unset.push({ variable: name, note: kind === '?' && rest.trim() !== '' ? rest.trim() : null })
    return form
  })
  return { text: replaced, variables, unset, mistake }
}

const MALFORMED =
  'this variable cannot be read: write ${NAME}, ${NAME:-default} or ${NAME:?message}, and $${ for the characters ${'

// --- braces inside [ ] and { } ---------------------------------------------------------------------------------------

const MASKABLE = ['{', '}', '[', ']', ','] as const

export interface Mask {
  readonly masked: string
  unmask(text: string): string
}

/**
 * YAML ends a plain text inside `{ … }` at a brace or comma, so `{ api_key: ${KEY} }` would not be one. The braces of
 * variables are therefore exchanged for characters that YAML leaves alone, one for one: no place in the file moves.
 */
export function maskVariables(text: string): Mask {
  const base = unusedBlock(text)
  if (base === null) return { masked: text, unmask: (same) => same }
  const stand = (character: string) => String.fromCharCode(base + MASKABLE.findIndex((one) => one === character))
  const masked = text.replace(/\$\{[A-Za-z_][A-Za-z0-9_]*(?::[-?][^}"'\r\n]*)?\}/g, (form) =>
    form.replace(/[{}[\],]/g, stand),
  )
  const own = new RegExp(`[${String.fromCharCode(base)}-${String.fromCharCode(base + MASKABLE.length - 1)}]`, 'g')
  return {
    masked,
    unmask: (marked) => marked.replace(own, (character) => MASKABLE[character.charCodeAt(0) - base] ?? character),
  }
}

/** Private-use characters that the text does not contain. */
function unusedBlock(text: string): number | null {
  for (let base = 0xe000; base < 0xe400; base += MASKABLE.length) {
    const characters = MASKABLE.map((_, index) => String.fromCharCode(base + index))
    if (!characters.some((character) => text.includes(character))) return base
  }
  return null
}
