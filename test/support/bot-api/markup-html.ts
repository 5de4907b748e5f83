// Markup, HTML: turns the Bot API's HTML into text and entities, or refuses it where and how Telegram does.
// Offsets in refusals count bytes of the UTF-8 text, offsets of entities UTF-16 units of the result.

import type { FormattedText } from './entities.ts'
import { linkEntity } from './links.ts'
import { parseFailure } from './refusal.ts'
import type { MessageEntity } from './wire.ts'

interface OpenTag {
  readonly name: string
  readonly argument: string
  /** Where its content begins in the result. */
  readonly offset: number
}

export function parseHtml(source: string): FormattedText {
  const open: OpenTag[] = []
  const entities: MessageEntity[] = []
  let text = ''
  let position = 0
  while (position < source.length) {
    if (source[position] !== '<') {
      const [character, next] = characterAt(source, position)
      text += character
      position = next
    } else if (source[position + 1] === '/') {
      position = closeTag(source, position, { open, entities, text })
    } else {
      const tag = readStartTag(source, position)
      open.push({ name: tag.name, argument: tag.argument, offset: text.length })
      position = tag.end
    }
  }
  const unclosed = open.at(-1)
  if (unclosed !== undefined) {
    throw parseFailure(`Can't find end tag corresponding to start tag "${unclosed.name}"`)
  }
  return { text, entities }
}

interface StartTag {
  readonly name: string
  readonly argument: string
  readonly end: number
}

function readStartTag(source: string, begin: number): StartTag {
  const at = `at byte offset ${byteOffset(source, begin)}`
  const rawName = /^[^\s>]*/.exec(source.slice(begin + 1))?.[0] ?? ''
  let position = begin + 1 + rawName.length
  if (position >= source.length) throw parseFailure(`Unclosed start tag ${at}`)
  const name = rawName.toLowerCase()
  if (!TAGS.has(name)) throw parseFailure(`Unsupported start tag "${name}" ${at}`)
  let argument = ''
  for (;;) {
    position = skipSpace(source, position)
    if (source[position] === '>') break
    const attribute = readAttribute(source, position, { begin, tag: name })
    position = attribute.end
    argument = argumentOf(name, attribute) ?? argument
  }
  if (name === 'span' && argument !== 'spoiler') {
    throw parseFailure(`Tag "span" must have class "tg-spoiler" ${at}`)
  }
  return { name, argument, end: position + 1 }
}

interface Attribute {
  readonly name: string
  readonly value: string
  readonly end: number
}

function readAttribute(source: string, begin: number, inside: { begin: number; tag: string }): Attribute {
  const at = `at byte offset ${byteOffset(source, inside.begin)}`
  const name = /^[^\s=>/"']*/.exec(source.slice(begin))?.[0] ?? ''
  if (begin >= source.length) throw parseFailure(`Unclosed start tag ${at}`)
  if (name === '') throw parseFailure(`Empty attribute name in the tag "${inside.tag}" ${at}`)
  const afterName = skipSpace(source, begin + name.length)
  if (afterName >= source.length) throw parseFailure(`Unclosed start tag "${inside.tag}" ${at}`)
  if (source[afterName] !== '=') return { name, value: '', end: afterName }
  const start = skipSpace(source, afterName + 1)
  const quote = source[start]
  if (quote === undefined) throw parseFailure(`Unclosed start tag "${inside.tag}" ${at}`)
  if (quote !== '"' && quote !== "'") {
    const token = /^[a-zA-Z0-9.-]*/.exec(source.slice(start))?.[0] ?? ''
    const end = start + token.length
    if (end >= source.length || !/[\s>]/.test(source[end] ?? '')) {
      throw parseFailure(`Unexpected end of name token at byte offset ${byteOffset(source, start)}`)
    }
    return { name, value: token.toLowerCase(), end }
  }
  const end = source.indexOf(quote, start + 1)
  if (end < 0 || end + 1 >= source.length) throw parseFailure(`Unclosed start tag ${at}`)
  return { name, value: decoded(source.slice(start + 1, end)), end: end + 1 }
}

/** What of an attribute matters to its tag. */
function argumentOf(tag: string, attribute: Attribute): string | undefined {
  const { name, value } = attribute
  if (tag === 'a' && name === 'href') return value
  if (tag === 'code' && name === 'class' && value.startsWith('language-')) return value.slice('language-'.length)
  if (tag === 'span' && name === 'class' && value.startsWith('tg-')) return value.slice('tg-'.length)
  if (tag === 'tg-emoji' && name === 'emoji-id') return value
  if (tag === 'blockquote' && name === 'expandable') return '1'
  return undefined
}

function closeTag(
  source: string,
  begin: number,
  state: { open: OpenTag[]; entities: MessageEntity[]; text: string },
): number {
  const at = `at byte offset ${byteOffset(source, begin)}`
  const tag = state.open.at(-1)
  if (tag === undefined) throw parseFailure(`Unexpected end tag ${at}`)
  const name = (/^[^\s>]*/.exec(source.slice(begin + 2))?.[0] ?? '').toLowerCase()
  const end = skipSpace(source, begin + 2 + name.length)
  if (source[end] !== '>') throw parseFailure(`Unclosed end tag ${at}`)
  if (name !== '' && name !== tag.name) {
    throw parseFailure(`Unmatched end tag ${at}, expected "</${tag.name}>", found "</${name}>"`)
  }
  state.open.pop()
  const length = state.text.length - tag.offset
  if (length > 0) addEntity(state.entities, tag, state.text.slice(tag.offset))
  return end + 1
}

function addEntity(entities: MessageEntity[], tag: OpenTag, content: string): void {
  const span = { offset: tag.offset, length: content.length }
  const last = entities.at(-1)
  const covered = last !== undefined && last.offset === span.offset && last.length === span.length ? last : undefined
  if (tag.name === 'a') {
    const link = linkEntity(tag.argument === '' ? content : tag.argument, span)
    if (link !== undefined) entities.push(link)
  } else if (tag.name === 'tg-emoji') {
    if (!/^[1-9]\d*$/.test(tag.argument)) throw parseFailure('Invalid custom emoji identifier specified')
    entities.push({ type: 'custom_emoji', ...span, custom_emoji_id: tag.argument })
  } else if (tag.name === 'pre' && covered?.type === 'code') {
    covered.type = 'pre'
  } else if (tag.name === 'code' && covered?.type === 'pre' && tag.argument !== '') {
    covered.language = tag.argument
  } else if (tag.name === 'code') {
    // The language counts only when a `pre` turns out to surround it.
    entities.push({ type: 'code', ...span, ...(tag.argument === '' ? {} : { language: tag.argument }) })
    return
  } else {
    entities.push({
      type: tag.name === 'blockquote' && tag.argument !== '' ? 'expandable_blockquote' : typeOf(tag),
      ...span,
    })
  }
  for (const entity of entities) if (entity.type === 'code') delete entity.language
}

function typeOf(tag: OpenTag): string {
  return TAGS.get(tag.name) ?? tag.name
}

function characterAt(source: string, position: number): [character: string, next: number] {
  if (source[position] !== '&') return [source.charAt(position), position + 1]
  const match = /^&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(lt|gt|amp|quot)(?![a-zA-Z]));?/i.exec(source.slice(position))
  if (match === null) return ['&', position + 1]
  const named = match[3] === undefined ? undefined : NAMED_CHARACTERS[match[3]]
  if (named !== undefined) return [named, position + match[0].length]
  const code = match[1] === undefined ? Number(match[2] ?? 0) : Number.parseInt(match[1], 16)
  if (code === 0 || Number.isNaN(code) || code >= 0x10ffff) return ['&', position + 1]
  if (code >= 0xd800 && code <= 0xdfff) throw parseFailure(LONE_SURROGATE)
  return [String.fromCodePoint(code), position + match[0].length]
}

function decoded(value: string): string {
  let result = ''
  for (let position = 0; position < value.length; ) {
    const [character, next] = characterAt(value, position)
    result += character
    position = next
  }
  return result
}

function skipSpace(source: string, position: number): number {
  let next = position
  while (next < source.length && /\s/.test(source.charAt(next))) next += 1
  return next
}

function byteOffset(source: string, position: number): number {
  return Buffer.byteLength(source.slice(0, position), 'utf8')
}

const LONE_SURROGATE =
  'Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units'

const NAMED_CHARACTERS: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"' }

const TAGS: ReadonlyMap<string, string> = new Map([
  ...(['b', 'strong'] as const).map((tag) => [tag, 'bold'] as const),
  ...(['i', 'em'] as const).map((tag) => [tag, 'italic'] as const),
  ...(['u', 'ins'] as const).map((tag) => [tag, 'underline'] as const),
  ...(['s', 'strike', 'del'] as const).map((tag) => [tag, 'strikethrough'] as const),
  ...(['tg-spoiler', 'span'] as const).map((tag) => [tag, 'spoiler'] as const),
  ...(['a', 'pre', 'code', 'blockquote', 'tg-emoji', 'tg-time'] as const).map((tag) => [tag, tag] as const),
])
