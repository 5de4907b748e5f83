// Kinds: the kinds of values that stand in a file, and how a value is held against a schema. The only file that imports zod; what
// the schemas need of it they take from here.

import { z } from 'zod'
import { DURATION, LONGEST, milliseconds } from './durations.ts'
import type { Issue, Reading } from './reading.ts'

export { z }

export function text(expected: string) {
  return z.string({ error: expected }).min(1, { error: expected })
}

/** Digits in text count too: that is what a variable gives. */
export function wholeNumber(min: number, max: number) {
  const error = `expected a whole number from ${min} to ${max}`
  const toNumber = (value: unknown) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value)
  return z.preprocess(toNumber, z.int({ error }).min(min, { error }).max(max, { error }))
}

export function decimal(min: number, max: number) {
  const error = `expected a number from ${min} to ${max}`
  const toNumber = (value: unknown) =>
    typeof value === 'string' && /^\d{1,9}(\.\d{1,9})?$/.test(value) ? Number(value) : value
  return z.preprocess(toNumber, z.number({ error }).min(min, { error }).max(max, { error }))
}

/** `timer`: as long as a timer can take; a longer one would fire at once. `age`: it is compared with the clock at a start. */
export function duration(minMs: number, example: string, kind: keyof typeof LONGEST = 'timer') {
  const { ms: maxMs, days } = LONGEST[kind]
  const error = `expected a duration such as ${example} (units ms, s, m, h, d)`
  const bounds = `expected a duration from ${minMs}ms to ${days}d`
  return z
    .string({ error })
    .regex(DURATION, { error })
    .transform(milliseconds)
    .refine((ms) => ms >= minMs && ms <= maxMs, { error: bounds })
}

export function choice<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.enum(values)
}

export const secret = (what: string) => text(`expected ${what} in quotes, or a variable such as \${NAME}`)
export const AGENT_ID = 'expected the id of an agent'
export const agentId = text(AGENT_ID)
export const url = text('expected an address that begins with http:// or https://')

const PERSON = 'expected a person\'s id (a whole number) or "@handle" in quotes'
const allowedUser = z.union([z.int(), text(PERSON)], { error: PERSON })

export const people = z.array(allowedUser, { error: 'expected a list such as [12345, "@anna"]' }).prefault([])

/** The schemas of a table, for a union of them. */
export function options<Schemas extends Record<string, z.core.$ZodTypeDiscriminable>>(schemas: Schemas) {
  return Object.values(schemas) as [Schemas[keyof Schemas], ...Schemas[keyof Schemas][]] // as: the tables are not empty
}

// --- reading ------------------------------------------------------------------------------------------------------

/** Holds a plain value against a schema; all issues at once. */
export function read<T>(schema: z.ZodType<T>, value: unknown): Reading<T> {
  const result = schema.safeParse(value)
  if (result.success) return { ok: true, value: result.data }
  return { ok: false, issues: result.error.issues.flatMap(issuesOf) }
}

/** The keys that a mapping schema knows. */
export function keysOf(schema: z.ZodObject): string[] {
  return Object.keys(schema.shape)
}

function issuesOf(issue: z.core.$ZodIssue): Issue[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ kind: 'unknownKey', path: [...path, key], key }))
  if (issue.code === 'invalid_value') return [{ kind: 'choice', path, values: issue.values.map(String) }]
  const mapping = issue.code === 'invalid_type' && (issue.expected === 'object' || issue.expected === 'record')
  return [{ kind: 'wrong', path, expected: mapping ? 'expected a mapping' : issue.message }]
}
