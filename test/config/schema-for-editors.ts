// Schema for editors: what completes and checks a gateway.yaml. Made from the schema; src/config/gateway.schema.json is its committed copy.

import { plainJsonSchema } from '../../src/config/schema.ts'

/** The JSON Schema of gateway.yaml, draft 7: what YAML editors understand. */
export function jsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = plainJsonSchema()
  return { $schema, title: 'gateway.yaml of Troupe', ...withVariablesIn(rest) }
}

/** A value that is not free text may also be a variable, which an editor must not mark as wrong. */
function withVariables(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withVariables)
  if (typeof node !== 'object' || node === null) return node
  if (!('enum' in node || 'pattern' in node || ('type' in node && (node.type === 'integer' || node.type === 'number'))))
    return withVariablesIn(node)
  const entries = Object.entries(node)
  const about = entries.filter(([key]) => key === 'description' || key === 'default')
  const rules = entries.filter(([key]) => key !== 'description' && key !== 'default')
  return { ...Object.fromEntries(about), anyOf: [Object.fromEntries(rules), { type: 'string', pattern: '\\$\\{' }] }
}

function withVariablesIn(node: object): Record<string, unknown> {
  // Ids are keys, and variables stand in values only.
  const entries = Object.entries(node).map(([key, value]) => [
    key,
    key === 'propertyNames' ? value : withVariables(value),
  ])
  return Object.fromEntries(entries)
}
