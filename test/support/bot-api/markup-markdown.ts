// Markup, legacy Markdown: four marks, no nesting; an unfinished mark is the only thing that it refuses.

import type { FormattedText } from './entities.ts'
import { linkEntity } from './links.ts'
import { parseFailure } from './refusal.ts'
import type { MessageEntity } from './wire.ts'

export function parseMarkdown(source: string): FormattedText {
  const entities: MessageEntity[] = []
  let text = ''
  let position = 0
  while (position < source.length) {
    const character = source.charAt(position)
    const next = source.charAt(position + 1)
    if (character === '\\' && next !== '' && '_*`['.includes(next)) {
      text += next
      position += 2
    } else if ('_*`['.includes(character)) {
      const marked = readMarked(source, position)
      const span = { offset: text.length, length: marked.content.length }
      const entity = span.length === 0 ? undefined : entityOf(marked, span)
      if (entity !== undefined) entities.push(entity)
      text += marked.content
      position = marked.end
    } else {
      text += character
      position += 1
    }
  }
  return { text, entities }
}

interface Marked {
  readonly mark: '_' | '*' | '`' | '```' | '['
  readonly content: string
  /** A link's address, a code block's language. */
  readonly argument: string
  readonly end: number
}

function readMarked(source: string, begin: number): Marked {
  if (source.startsWith('```', begin)) return readBlock(source, begin)
  const mark = source.charAt(begin)
  const end = source.indexOf(mark === '[' ? ']' : mark, begin + 1)
  if (end < 0) throw unfinished(source, begin)
  const content = source.slice(begin + 1, end)
  if (mark !== '[') return { mark: mark === '*' || mark === '`' ? mark : '_', content, argument: '', end: end + 1 }
  if (source[end + 1] !== '(') return { mark, content, argument: content, end: end + 1 }
  const close = source.indexOf(')', end + 2)
  const addressEnd = close < 0 ? source.length : close
  return { mark, content, argument: source.slice(end + 2, addressEnd), end: addressEnd + 1 }
}

function readBlock(source: string, begin: number): Marked {
  const opening = /^```(?:([^\s`]+)(?=\s))?(?:\r\n|\n\r|\n|\r)?/.exec(source.slice(begin))
  const start = begin + (opening?.[0].length ?? 3)
  const end = source.indexOf('```', start)
  if (end < 0) throw unfinished(source, begin)
  return { mark: '```', content: source.slice(start, end), argument: opening?.[1] ?? '', end: end + 3 }
}

function entityOf(marked: Marked, span: { offset: number; length: number }): MessageEntity | undefined {
  switch (marked.mark) {
    case '_':
      return { type: 'italic', ...span }
    case '*':
      return { type: 'bold', ...span }
    case '`':
      return { type: 'code', ...span }
    case '```':
      return { type: 'pre', ...span, ...(marked.argument === '' ? {} : { language: marked.argument }) }
    case '[':
      return linkEntity(marked.argument, span)
  }
}

function unfinished(source: string, begin: number): Error {
  const bytes = Buffer.byteLength(source.slice(0, begin), 'utf8')
  return parseFailure(`Can't find end of the entity starting at byte offset ${bytes}`)
}
