// MCP result: what a server answered to a call, as text for a model. Pictures, sounds and files are said in words.
//   What is not text is never passed on, and all of it together is bounded.

import { RESULT_UNITS_MAX } from '../../machines/limits.ts'
import type { McpTold } from './tool.ts'

export function toldBy(result: Readonly<Record<string, unknown>>, redact: (text: string) => string): McpTold {
  const { content, structuredContent, isError, toolResult } = result
  const parts = Array.isArray(content) ? content.map(partText) : []
  const said = parts.length > 0 ? parts.join('\n') : jsonText(structuredContent ?? toolResult)
  return { text: bounded(said, redact), failed: isError === true }
}

function partText(part: unknown): string {
  if (typeof part !== 'object' || part === null) return ''
  const { type, text, mimeType, data, resource, uri, name } = part as Readonly<Record<string, unknown>> // as: any of these
  switch (type) {
    case 'text':
      return typeof text === 'string' ? text : ''
    case 'image':
    case 'audio':
      return `[${type === 'image' ? 'a picture' : 'a sound'}, ${kindOf(mimeType)}, ${sizeOf(data)}: not shown]`
    case 'resource':
      return resourceText(resource)
    case 'resource_link':
      return `[a file: ${short(name)} ${short(uri)}]`
    default:
      return `[something of the kind ${short(type)}: not shown]`
  }
}

function resourceText(resource: unknown): string {
  const { uri, text, blob, mimeType } = (typeof resource === 'object' && resource !== null ? resource : {}) as Readonly<
    Record<string, unknown>
  > // as: any of these
  if (typeof text === 'string') return `[${short(uri)}]\n${text}`
  return `[the file ${short(uri)}, ${kindOf(mimeType)}, ${sizeOf(blob)}: not shown]`
}

function jsonText(value: unknown): string {
  return value === undefined || value === null ? '(nothing)' : JSON.stringify(value)
}

function kindOf(mimeType: unknown): string {
  return typeof mimeType === 'string' ? short(mimeType) : 'of no known kind'
}

/** Of what stands there in base64. */
function sizeOf(data: unknown): string {
  return `${typeof data === 'string' ? Math.floor((data.length * 3) / 4) : 0} bytes`
}

const SHORT_UNITS_MAX = 200

function short(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, SHORT_UNITS_MAX).toWellFormed() : ''
}

/** A secret at the cut is looked for whole. */
const MARGIN_UNITS = 8 * 1024

/** It goes through actors from here on, and on disk. */
export function bounded(text: string, redact: (text: string) => string): string {
  const clean = redact(text.slice(0, RESULT_UNITS_MAX + MARGIN_UNITS))
  if (clean.length <= RESULT_UNITS_MAX) return clean
  const note = `\n[${text.length} characters in all; the rest is left out]`
  return clean.slice(0, RESULT_UNITS_MAX - note.length).toWellFormed() + note
}
