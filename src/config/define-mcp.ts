// Define MCP: an agent's MCP servers as definitions, and which of their values are hidden in texts.
//   A3. Address, headers, environment and arguments are references: any of them may hold a secret.

import type { McpDefinition } from '../../machines/definitions.ts'
import { executableOf } from './agent-tools.ts'
import type { McpKeys } from './mcp-schema.ts'
import type { PlacedSecret } from './secret-forms.ts'
import { isPerhapsSecret } from './secret-places.ts'
import { type Path, pathText, type TreeScalar } from './tree.ts'
import type { Lookup } from './variables.ts'

export function mcpDefinitions(
  servers: Readonly<Record<string, McpKeys>>,
  folder: string,
): Record<string, McpDefinition> {
  const all = Object.entries(servers).flatMap(([name, keys]) => {
    const definition = mcpDefinition(keys, folder)
    return definition === null ? [] : [[name, definition] as const]
  })
  return Object.fromEntries(all)
}

/** null: its address hangs on a variable that is not set; `missing` then keeps the agent from being used. */
function mcpDefinition(keys: McpKeys, folder: string): McpDefinition | null {
  const { command, args = [], env = {}, url, headers = {}, timeout: timeoutMs } = keys
  if (url !== undefined) return { transport: 'http', url: { secret: url }, headers: references(headers), timeoutMs }
  if (command === undefined) return null
  return {
    transport: 'stdio',
    command: executableOf(command, folder),
    args: args.map((secret) => ({ secret: String(secret) })),
    env: references(env),
    folder,
    timeoutMs,
  }
}

/** What was read in a secret's place is its reference. */
function references(values: Readonly<Record<string, string | number | boolean>>) {
  return Object.fromEntries(Object.entries(values).map(([key, secret]) => [key, { secret: String(secret) }]))
}

/** A value of an MCP server. Text or not: an environment and a command line have nothing else. */
export function mcpEntry(path: Path, scalar: TreeScalar, lookup: Lookup): PlacedSecret {
  const text = scalar.value === null ? '' : String(scalar.value)
  const isRequired = path[4] === 'url' || path[4] === 'headers'
  const value = scalar.unset.length > 0 || (isRequired && text.trim() === '') ? null : text
  return {
    secret: pathText(path),
    value,
    variable: scalar.unset[0]?.variable ?? scalar.variables[0] ?? null,
    path,
    isPadded: false,
    redacted: value === null ? [] : hiddenOf(path, scalar, { text: value, lookup }),
  }
}

/** Variables that are no secrets wherever they are. */
const ORDINARY = /^(HOME|PATH|PWD|USER|LOGNAME|SHELL|LANG|TZ|TMPDIR|HOSTNAME|PORT|HOST|NODE_ENV|XDG_\w+|LC_\w+)$/

/** Keys of an environment whose value is a secret also when it stands in the file. */
const TELLING = /key|token|secret|passw|credential|auth/i

export function isOrdinary(variable: string): boolean {
  return ORDINARY.test(variable)
}

/** `debug` and `server.js` are not taken out of every log line: a value is hidden when it comes from a variable, or looks like one. */
function hiddenOf(path: Path, scalar: TreeScalar, { text, lookup }: { text: string; lookup: Lookup }): string[] {
  const values = scalar.variables.filter((name) => !isOrdinary(name)).flatMap((name) => lookup(name) ?? [])
  const isTelling = path[4] === 'env' && TELLING.test(String(path.at(-1)))
  if (isPerhapsSecret(path) && values.length === 0 && !isTelling) return []
  // Of "Bearer abc" also what stands behind the scheme.
  const word = path[4] === 'headers' ? (/\s(\S+)$/.exec(text.trim())?.[1] ?? []) : []
  const parts = [...values, word].flat()
  return parts.length > 0 ? parts : [text]
}
