// Telegram split: a reply's markdown → parts that each fit into one message. Pure and deterministic: a retry after a crash
// counts on the same parts.
//   Every part has at most PART_UNITS_MAX UTF-16 units both as written and as Telegram shows it, so that it can also be sent
//   without markup. Cuts fall between paragraphs, else lines, else words, else characters as people see them.
//   A code block that is cut is closed, and opened again in the next part with its language.

import { renderedText, renderMarkdown } from './telegram-markup.ts'

/** Telegram's limit for the text of one message. */
export const PART_UNITS_MAX = 4_096

/** Telegram does not parse more bytes of markup than this. */
const MARKUP_BYTES_MAX = 32_768

/** Shown in place of a text in which there is nothing to see: Telegram refuses it, and silence would look like a loss. */
export const EMPTY_TEXT = '(empty answer)'

interface Fence {
  readonly indent: number
  readonly marker: string
  readonly language: string
}

interface Cut {
  readonly head: string
  readonly tail: string
}

/** Longer opening lines are not opened again: every part must bring more of the text than it repeats. */
const FENCE_UNITS_MAX = 64

/** Below this a part is too small to spend units on fences. */
const FENCED_UNITS_MIN = 512

/** At least one part; none is empty. */
export function splitMarkdown(text: string): string[] {
  const parts: string[] = []
  let rest = normalise(text)
  while (!fits(rest)) {
    const { head, tail } = cut(rest)
    if (isVisible(head)) parts.push(head)
    rest = tail
  }
  if (isVisible(rest)) parts.push(rest)
  return parts.length === 0 ? [EMPTY_TEXT] : parts
}

function normalise(text: string): string {
  // Telegram refuses a lone half of a surrogate pair, and drops control characters.
  return text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/(?![\n\t])\p{Cc}/gu, '')
}

function fits(markdown: string): boolean {
  if (markdown.length > PART_UNITS_MAX) return false
  const html = renderMarkdown(markdown)
  return renderedText(html).length <= PART_UNITS_MAX && Buffer.byteLength(html) <= MARKUP_BYTES_MAX
}

function isVisible(text: string): boolean {
  return /[^\p{Cc}\p{Cf}\p{Z}\s]/u.test(text)
}

/** The longest head that fits; a text that grows when it is rendered (a table) gets a shorter one. */
function cut(rest: string): Cut {
  for (let limit = Math.min(PART_UNITS_MAX, rest.length); limit > 1; limit = Math.floor(limit * 0.8)) {
    const candidate = limit < FENCED_UNITS_MIN ? plainCut(rest, limit) : fencedCut(rest, limit)
    if (fits(candidate.head)) return candidate
  }
  return plainCut(rest, 2)
}

function fencedCut(rest: string, limit: number): Cut {
  const at = boundary(rest, limit - FENCE_UNITS_MAX)
  const fence = openFence(rest.slice(0, at))
  if (fence === null) return plainCut(rest, limit)
  const line = rest.lastIndexOf('\n', at)
  const end = line > at / 2 ? line : at
  const closing = `${' '.repeat(fence.indent)}${fence.marker}`
  const opening = `${fence.marker}${fence.language}`
  const after = rest.slice(end).replace(/^\n/, '')
  const head = `${rest.slice(0, end)}\n${closing}`
  const [next = ''] = after.split('\n', 1)
  if (closes(next, fence)) return { head, tail: after.slice(next.length).replace(/^\n+/, '') }
  return { head, tail: `${opening}\n${outdent(after, fence)}` }
}

function plainCut(rest: string, limit: number): Cut {
  const at = boundary(rest, limit)
  return { head: rest.slice(0, at).trimEnd(), tail: rest.slice(at).replace(/^\s+/, '') }
}

/** Where to cut, at most `limit`: the last paragraph's end if the part is half full by then, else line, word, character. */
function boundary(text: string, limit: number): number {
  for (const separator of ['\n\n', '\n', ' ']) {
    const at = text.lastIndexOf(separator, limit)
    if (at >= limit / 2) return at
  }
  const tail = text.slice(0, limit + 64)
  const segment = new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(tail).containing(limit)
  if (segment !== undefined && segment.index >= limit / 2) return segment.index
  // One single character longer than half a message: cut it, but never a surrogate pair.
  return isLowSurrogate(text, limit) ? limit - 1 : limit
}

function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  return unit >= 0xdc00 && unit <= 0xdfff
}

/** The code block that is still open at the end of the text. */
function openFence(text: string): Fence | null {
  let fence: Fence | null = null
  for (const line of text.split('\n')) {
    if (fence === null) fence = opens(line)
    else if (closes(line, fence)) fence = null
  }
  return fence
}

function opens(line: string): Fence | null {
  const match = /^( *)(`{3,}(?=[^`]*$)|~{3,})(.*)$/.exec(line)
  if (match === null) return null
  const [, indent = '', marker = '', info = ''] = match
  const language = /^\s*([\w+#.-]{1,40})\s*$/.exec(info)?.[1] ?? ''
  const units = indent.length + marker.length + language.length + 2
  return units > FENCE_UNITS_MAX ? null : { indent: indent.length, marker, language }
}

function closes(line: string, fence: Fence): boolean {
  const match = /^ *(`{3,}|~{3,})\s*$/.exec(line)
  const marker = match?.[1] ?? ''
  return marker.length >= fence.marker.length && marker[0] === fence.marker[0]
}

/** A block within a list is opened again at the margin: what is left of it moves there as well. */
function outdent(text: string, fence: Fence): string {
  if (fence.indent === 0) return text
  const lines = text.split('\n')
  const end = lines.findIndex((line) => closes(line, fence))
  const inside = end === -1 ? lines.length : end + 1
  const indent = new RegExp(`^ {1,${fence.indent}}`)
  return lines.map((line, index) => (index < inside ? line.replace(indent, '') : line)).join('\n')
}
