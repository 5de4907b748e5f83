// Markup, MarkdownV2: marks nest, and every reserved character that is no mark must be escaped.
// Simplified: `tg://time` links count as custom emoji do, without looking at their format.

import type { FormattedText } from './entities.ts'
import { linkEntity } from './links.ts'
import { parseFailure } from './refusal.ts'
import type { MessageEntity } from './wire.ts'

type Mark =
  | 'Bold'
  | 'Italic'
  | 'Underline'
  | 'Strikethrough'
  | 'Spoiler'
  | 'Code'
  | 'Pre'
  | 'PreCode'
  | Linked
  | 'BlockQuote'
type Linked = 'TextUrl' | 'CustomEmoji'

interface Open {
  readonly mark: Mark
  readonly language: string
  /** Where its content begins in the result. */
  readonly offset: number
  /** Where its mark begins in the source. */
  readonly begin: number
}

export function parseMarkdownV2(source: string): FormattedText {
  return new MarkdownV2(source).parse()
}

class MarkdownV2 {
  readonly #source: string
  readonly #open: Open[] = []
  readonly #entities: MessageEntity[] = []
  #text = ''
  #position = 0
  /** Only the first character of a line can begin a quotation. */
  #lineBegins = true

  constructor(source: string) {
    this.#source = source
  }

  parse(): FormattedText {
    while (this.#position < this.#source.length) this.#step()
    this.#endQuotation()
    const unclosed = this.#open.at(-1)
    if (unclosed !== undefined) throw this.#unfinished(unclosed)
    return { text: this.#text, entities: this.#entities }
  }

  #step(): void {
    const character = this.#source.charAt(this.#position)
    const next = this.#source.charAt(this.#position + 1)
    if (character === '\\' && next !== '' && next.charCodeAt(0) <= 126) {
      this.#write(next, 2)
      return
    }
    const inner = this.#open.at(-1)
    const verbatim = inner !== undefined && ['Code', 'Pre', 'PreCode'].includes(inner.mark)
    if (!(verbatim ? '`' : RESERVED).includes(character)) this.#write(character, 1)
    else if (character === '\n') this.#newLine()
    else if (inner !== undefined && this.#at(CLOSING[inner.mark]) && !this.#isUnderline(inner)) this.#close(inner)
    else this.#begin(character)
  }

  /** `__` inside italics begins or ends an underline before a single `_` ends the italics. */
  #isUnderline(inner: Open): boolean {
    return inner.mark === 'Italic' && this.#at('__')
  }

  #newLine(): void {
    const quoted = this.#open.some((open) => open.mark === 'BlockQuote')
    if (quoted && this.#source[this.#position + 1] !== '>') this.#endQuotation()
    this.#write('\n', 1)
  }

  #endQuotation(): void {
    const position = this.#open.findIndex((open) => open.mark === 'BlockQuote')
    const quotation = this.#open[position]
    if (quotation === undefined) return
    const inner = this.#open.at(-1)
    // `||` right at the end of a quotation makes it an expandable one.
    const expandable = inner?.mark === 'Spoiler' && inner.begin === this.#position - 2
    if (expandable) this.#open.pop()
    const left = this.#open.at(-1)
    if (left !== undefined && left !== quotation) throw this.#unfinished(left)
    this.#open.pop()
    this.#add(expandable ? 'expandable_blockquote' : 'blockquote', quotation)
  }

  #begin(character: string): void {
    if (character === '>' && this.#lineBegins) {
      if (!this.#open.some((open) => open.mark === 'BlockQuote')) this.#push('BlockQuote', 1)
      else this.#position += 1
      return
    }
    if (this.#at('```')) return this.#beginBlock()
    const opening = OPENINGS.find(([mark]) => this.#at(mark))
    if (opening === undefined) {
      throw parseFailure(`Character '${character}' is reserved and must be escaped with the preceding '\\'`)
    }
    this.#push(opening[1], opening[0].length)
  }

  #beginBlock(): void {
    const rest = this.#source.slice(this.#position)
    const opening = /^```(?:([^\s`]+)(?=\s))?(?:\r\n|\n\r|\n|\r)?/.exec(rest)
    const language = opening?.[1] ?? ''
    this.#push(language === '' ? 'Pre' : 'PreCode', opening?.[0].length ?? 3, language)
  }

  #push(mark: Mark, length: number, language = ''): void {
    this.#open.push({ mark, language, offset: this.#text.length, begin: this.#position })
    this.#position += length
    this.#lineBegins = false
  }

  #close(open: Open): void {
    this.#open.pop()
    this.#position += CLOSING[open.mark].length
    if (open.mark === 'TextUrl' || open.mark === 'CustomEmoji') return this.#closeLink(open, open.mark)
    this.#add(TYPES[open.mark], open)
  }

  #closeLink(open: Open, mark: Linked): void {
    const span = { offset: open.offset, length: this.#text.length - open.offset }
    const hasAddress = this.#at('(')
    if (mark === 'CustomEmoji') {
      if (!hasAddress) throw parseFailure('The entity must contain a tg://emoji or tg://time URL')
      const id = /^tg:\/\/(?:emoji\?id=([1-9]\d*)|time\?)/.exec(this.#readAddress())
      if (id === null) throw parseFailure('Invalid tg://emoji or tg://time URL specified')
      if (id[1] !== undefined) this.#entities.push({ type: 'custom_emoji', ...span, custom_emoji_id: id[1] })
      return
    }
    const link = linkEntity(hasAddress ? this.#readAddress() : this.#text.slice(open.offset), span)
    if (link !== undefined && span.length > 0) this.#entities.push(link)
  }

  #readAddress(): string {
    const begin = this.#position + 1
    let address = ''
    for (let position = begin; position < this.#source.length; position += 1) {
      const character = this.#source.charAt(position)
      if (character === ')') {
        this.#position = position + 1
        return address
      }
      if (character === '\\' && position + 1 < this.#source.length) position += 1
      address += this.#source.charAt(position)
    }
    throw parseFailure(`Can't find end of a URL at byte offset ${this.#bytes(begin)}`)
  }

  #add(type: string, open: Open): void {
    const length = this.#text.length - open.offset
    if (length === 0) return
    const language = open.language === '' ? {} : { language: open.language }
    this.#entities.push({ type, offset: open.offset, length, ...language })
  }

  #write(character: string, consumed: number): void {
    this.#text += character
    this.#position += consumed
    this.#lineBegins = character === '\n' || (character === '\r' && this.#lineBegins)
  }

  #at(mark: string): boolean {
    return mark !== '' && this.#source.startsWith(mark, this.#position)
  }

  #unfinished(open: Open): Error {
    return parseFailure(`Can't find end of ${open.mark} entity at byte offset ${this.#bytes(open.begin)}`)
  }

  #bytes(position: number): number {
    return Buffer.byteLength(this.#source.slice(0, position), 'utf8')
  }
}

const RESERVED = '_*[]()~`>#+-=|{}.!\n'

/** Longer marks first. */
const OPENINGS: readonly (readonly [string, Mark])[] = [
  ['__', 'Underline'],
  ['_', 'Italic'],
  ['*', 'Bold'],
  ['~', 'Strikethrough'],
  ['||', 'Spoiler'],
  ['![', 'CustomEmoji'],
  ['[', 'TextUrl'],
  ['`', 'Code'],
]

const CLOSING: Readonly<Record<Mark, string>> = {
  Bold: '*',
  Italic: '_',
  Underline: '__',
  Strikethrough: '~',
  Spoiler: '||',
  Code: '`',
  Pre: '```',
  PreCode: '```',
  TextUrl: ']',
  CustomEmoji: ']',
  BlockQuote: '',
}

const TYPES: Readonly<Record<Exclude<Mark, Linked>, string>> = {
  Bold: 'bold',
  Italic: 'italic',
  Underline: 'underline',
  Strikethrough: 'strikethrough',
  Spoiler: 'spoiler',
  Code: 'code',
  Pre: 'pre',
  PreCode: 'pre',
  BlockQuote: 'blockquote',
}
