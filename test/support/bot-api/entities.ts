// Entities: what Telegram finds in a text by itself (commands, mentions, links, hashtags, addresses) and the checks on entities
// that a bot names itself. Offsets and lengths count UTF-16 units.
// Simplified: link detection knows explicit schemes and a few top-level domains; no phone numbers, cashtags or bank cards.

import { isObject, requiredInteger, requiredString } from './parameters.ts'
import { badRequest } from './refusal.ts'
import type { MessageEntity } from './wire.ts'

export interface FormattedText {
  readonly text: string
  readonly entities: MessageEntity[]
}

/** Adds the found entities to the given ones; never inside code, links or each other. */
export function withFoundEntities(formatted: FormattedText): FormattedText {
  const closed = formatted.entities.filter((entity) => CLOSED.has(entity.type))
  const entities = [...formatted.entities]
  for (const { type, pattern } of FINDERS) {
    for (const match of formatted.text.matchAll(pattern)) {
      const found = { type, offset: match.index, length: match[0].length }
      if (closed.some((entity) => overlaps(entity, found))) continue
      closed.push(found)
      entities.push(found)
    }
  }
  return { text: formatted.text, entities: sorted(entities) }
}

/** Cuts white space at both ends and moves the entities along. */
export function trimmed(formatted: FormattedText): FormattedText {
  const clean = formatted.text.replace(CONTROL_CHARACTERS, ' ')
  const cut = clean.length - clean.trimStart().length
  const text = clean.trim()
  const entities = formatted.entities
    .map((entity) => {
      const start = Math.max(entity.offset - cut, 0)
      const end = Math.min(entity.offset + entity.length - cut, text.length)
      return { ...entity, offset: start, length: end - start }
    })
    .filter((entity) => entity.length > 0)
  return { text, entities: sorted(entities) }
}

/** Checks the `entities` of a request against its text. Unknown types are left out, as Telegram does. */
export function readEntities(value: unknown, text: string): MessageEntity[] {
  if (!Array.isArray(value)) return []
  const entities: MessageEntity[] = []
  for (const item of value) {
    if (!isObject(item)) throw badRequest("Can't parse MessageEntity: expected an Object")
    const offset = requiredInteger(item, 'offset')
    const length = requiredInteger(item, 'length')
    const type = requiredString(item, 'type')
    if (offset < 0) throw badRequest(`Receive an entity with incorrect offset ${offset}`)
    if (length < 0) throw badRequest(`Receive an entity with incorrect length ${length}`)
    if (offset + length > text.length) {
      throw badRequest(
        `Entity beginning at UTF-16 offset ${offset} ends after the end of the text at UTF-16 offset ${offset + length}`,
      )
    }
    if (length === 0 || !ACCEPTED.has(type)) continue
    const url = typeof item['url'] === 'string' ? { url: item['url'] } : {}
    const language = typeof item['language'] === 'string' ? { language: item['language'] } : {}
    entities.push({ type, offset, length, ...url, ...language })
  }
  return sorted(entities)
}

function sorted(entities: readonly MessageEntity[]): MessageEntity[] {
  return entities.toSorted((a, b) => a.offset - b.offset || b.length - a.length)
}

function overlaps(a: MessageEntity, b: MessageEntity): boolean {
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about.
const CONTROL_CHARACTERS = /[\u0000-\u0009\u000b-\u001f]/g

/** Nothing is found inside these. */
const CLOSED = new Set([
  'code',
  'pre',
  'text_link',
  'text_mention',
  'mention',
  'url',
  'email',
  'bot_command',
  'hashtag',
])

const ACCEPTED = new Set([
  ...['bold', 'italic', 'underline', 'strikethrough', 'spoiler', 'blockquote', 'expandable_blockquote'],
  ...['code', 'pre', 'text_link', 'custom_emoji'],
])

const FINDERS: readonly { readonly type: string; readonly pattern: RegExp }[] = [
  {
    type: 'url',
    pattern:
      /(?<![\w@.])(?:https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}']|(?:[\w-]+\.)+(?:com|org|net|io|dev|me|example)(?:\/[^\s<>"]*[\w/])?)(?![\w@])/gi,
  },
  { type: 'email', pattern: /(?<![\w.+-])[\w.+-]+@(?:[\w-]+\.)+[a-z]{2,}/gi },
  {
    type: 'bot_command',
    pattern: /(?<![\p{L}\p{N}_/<>])\/[a-zA-Z0-9_]{1,64}(?:@[a-zA-Z0-9_]{3,32})?(?![\p{L}\p{N}_/<>@])/gu,
  },
  { type: 'mention', pattern: /(?<![\p{L}\p{N}_])@[a-zA-Z][a-zA-Z0-9_]{2,31}(?![\p{L}\p{N}_])/gu },
  { type: 'hashtag', pattern: /(?<![\p{L}\p{N}_])#(?=[\p{N}_]*\p{L})[\p{L}\p{N}_]{1,256}/gu },
]
