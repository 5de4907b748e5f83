// Input: what a model gives to a tool, held against the tool's JSON Schema. The one file that knows the validator, which
// reads a schema and never makes code of it: a schema may come from somebody else's server.

import { Validator } from '@cfworker/json-schema'
import type { ToolInput } from './tool.ts'

/** What is wrong with an input, in words for the model; null: nothing. */
export type Judge = (input: ToolInput) => string | null

export function judgeOf(parameters: Readonly<Record<string, unknown>>): Judge {
  const validator = new Validator(parameters, '2020-12', false)
  return (input) => {
    const { valid, errors } = validator.validate(input)
    if (valid) return null
    // The last ones are the closest to the cause; the first says only that something below is wrong.
    const said = errors
      .slice(-MISTAKES_MAX)
      .map(({ instanceLocation, error }) => `${placeOf(instanceLocation)}: ${error}`)
    return said.join(' ').slice(0, UNITS_MAX)
  }
}

/** What is wrong with a schema; null: it is one of an object, and can be used. */
export function schemaMistake(parameters: unknown): string | null {
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) return 'it is no object'
  if (!('type' in parameters) || parameters.type !== 'object') return 'its type is not "object"'
  try {
    judgeOf({ ...parameters })({})
    return null
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : 'it cannot be read'
  }
}

const MISTAKES_MAX = 3
const UNITS_MAX = 600

/** `#/path/0` as `path.0`; the input itself has no place. */
function placeOf(location: string): string {
  const place = location.replace(/^#\/?/, '').replaceAll('/', '.')
  return place === '' ? 'input' : place
}
