// MCP listing: what a server says it has, as tools that an agent may be given. A server is a stranger: names are made such that
// providers take them and none is anybody else's, texts are bounded, and a schema is looked at before anybody works with it.
//   A server's own words on what a tool does (its annotations) are hints: they say who is asked, and never that nobody is.

import { createHash } from 'node:crypto'
import type { McpTool } from '../../machines/mcp-messages.ts'
import type { Log } from '../log.ts'

/** As a server gives it, after the client library looked at its form. */
export interface RawTool {
  readonly name: string
  readonly description?: string | undefined
  readonly inputSchema: Readonly<Record<string, unknown>>
  readonly annotations?:
    | { readonly readOnlyHint?: boolean | undefined; readonly idempotentHint?: boolean | undefined }
    | undefined
}

/** More would leave a model no room for anything else. */
export const TOOLS_MAX = 128

const DESCRIPTION_UNITS_MAX = 2_000
const SCHEMA_UNITS_MAX = 32 * 1024
const SCHEMA_DEPTH_MAX = 32

/** With the dot, which becomes two characters on its way to a provider. */
const NAME_UNITS_MAX = 63

interface Listing {
  readonly server: string
  /** Takes secrets' values out of a text. */
  readonly redact: (text: string) => string
  readonly log: Log
}

export function toolsIn(raw: readonly RawTool[], listing: Listing): readonly McpTool[] {
  const { server, log } = listing
  const known = new Map<string, McpTool>()
  for (const each of raw.slice(0, TOOLS_MAX)) {
    const tool = toolOf(each, listing)
    if (typeof tool === 'string') log.warn({ tool: each.name.slice(0, NAME_UNITS_MAX) }, `a tool is left out: ${tool}`)
    else if (!known.has(tool.name)) known.set(tool.name, tool)
  }
  if (raw.length > TOOLS_MAX)
    log.warn({ tools: raw.length }, `${server} has more than ${TOOLS_MAX} tools; the rest is left out`)
  return [...known.values()]
}

/** The tool, or what is wrong with it. */
function toolOf({ name, description = '', inputSchema, annotations = {} }: RawTool, { server, redact }: Listing) {
  const schema = schemaOf(inputSchema, redact)
  if (typeof schema === 'string') return schema
  const readOnly = annotations.readOnlyHint === true
  return {
    name: toolName(server, name),
    tool: name,
    description: plain(redact(description)) || `${name} of ${server}`,
    parameters: schema,
    changes: !readOnly,
    idempotent: readOnly || annotations.idempotentHint === true,
  } satisfies McpTool
}

/** `SERVER.TOOL`. A name that had to be changed ends in a mark of the whole, so that two of them stay two. */
export function toolName(server: string, tool: string): string {
  const room = NAME_UNITS_MAX - server.length - 1
  if (/^[A-Za-z0-9_-]+$/.test(tool) && tool.length <= room) return `${server}.${tool}`
  const mark = createHash('sha256').update(tool).digest('hex').slice(0, 6)
  const written = tool.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, room - mark.length - 1)
  return `${server}.${written}_${mark}`
}

/** On a few lines, without what a terminal or a parser would take for an order. */
function plain(text: string): string {
  const clean = text.replace(/[^\P{C}\n]/gu, ' ').trim()
  return clean.length <= DESCRIPTION_UNITS_MAX ? clean : `${clean.slice(0, DESCRIPTION_UNITS_MAX).toWellFormed()}…`
}

function schemaOf(
  given: RawTool['inputSchema'],
  redact: Listing['redact'],
): Readonly<Record<string, unknown>> | string {
  const { type = 'object', ...rest } = given
  if (type !== 'object') return 'its input is no object'
  if (isDeep(rest, SCHEMA_DEPTH_MAX)) return `its schema is deeper than ${SCHEMA_DEPTH_MAX}`
  const text = JSON.stringify({ type, ...rest })
  if (text.length > SCHEMA_UNITS_MAX) return `its schema is longer than ${SCHEMA_UNITS_MAX} characters`
  try {
    const schema: unknown = JSON.parse(redact(text))
    return schema as Readonly<Record<string, unknown>> // as: an object, and secrets are taken out of strings
  } catch {
    return 'its schema holds a secret'
  }
}

function isDeep(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return left === 0 || Object.values(value).some((part) => isDeep(part, left - 1))
}

/**
 * What an input is held against here: the keys that must be there. The rest is the server's to judge: a pattern or a reference of
 * a stranger's schema can keep whoever follows it busy for ever.
 */
export function judgedBy({ required }: McpTool['parameters']): Readonly<Record<string, unknown>> {
  const names = Array.isArray(required) ? required.filter((name) => typeof name === 'string') : []
  return { type: 'object', required: names }
}
