// Markup: from what a bot sends (text, parse mode, entities) to what a person's client shows (text with entities).

import { type FormattedText, readEntities, trimmed, withFoundEntities } from './entities.ts'
import { parseHtml } from './markup-html.ts'
import { parseMarkdown } from './markup-markdown.ts'
import { parseMarkdownV2 } from './markup-markdown-v2.ts'
import type { Parameters } from './parameters.ts'
import { badRequest } from './refusal.ts'

/** Longest text of a message, counted in UTF-16 units after the markup is gone. */
export const TEXT_UNITS_MAX = 4096
/** Longest caption. */
const CAPTION_UNITS_MAX = 1024
/** Beyond this many bytes Telegram does not even parse. */
const SOURCE_BYTES_MAX = 2 ** 15

/** The text of a message: not empty, not too long, its markup sound. */
export function readMessageText(parameters: Parameters): FormattedText {
  if (parameters.text('text') === '') throw badRequest('Message text is empty')
  const formatted = readFormatted(parameters, { text: 'text', entities: 'entities' })
  if (formatted.text === '') throw badRequest('Text must be non-empty')
  if (formatted.text.length > TEXT_UNITS_MAX) throw badRequest('Message is too long')
  return formatted
}

/** A draft's text may be empty: the client shows a placeholder then. */
export function readDraftText(parameters: Parameters): FormattedText {
  const formatted = readFormatted(parameters, { text: 'text', entities: 'entities' })
  if (formatted.text.length > TEXT_UNITS_MAX) throw badRequest('Message is too long')
  return formatted
}

export function readCaption(parameters: Parameters): FormattedText {
  const formatted = readFormatted(parameters, { text: 'caption', entities: 'caption_entities' })
  if (formatted.text.length > CAPTION_UNITS_MAX) throw badRequest('Message caption is too long')
  return formatted
}

function readFormatted(parameters: Parameters, names: { text: string; entities: string }): FormattedText {
  const source = parameters.text(names.text)
  if (Buffer.byteLength(source, 'utf8') > SOURCE_BYTES_MAX) throw badRequest('Text is too long')
  const mode = parameters.text('parse_mode').toLowerCase()
  if (mode === '' || mode === 'none' || source === '') {
    const entities = readEntities(parameters.json(names.entities, names.entities), source)
    return withFoundEntities(trimmed({ text: source, entities }))
  }
  const parse = PARSERS.get(mode)
  if (parse === undefined) throw badRequest('Unsupported parse_mode')
  return withFoundEntities(trimmed(parse(source)))
}

const PARSERS: ReadonlyMap<string, (source: string) => FormattedText> = new Map([
  ['html', parseHtml],
  ['markdown', parseMarkdown],
  ['markdownv2', parseMarkdownV2],
])
