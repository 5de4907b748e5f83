// Telegram markup: an agent's markdown → the HTML that Telegram takes. Pure; the only importer of marked.
//   Nothing of the text is lost: what Telegram cannot show (tables, rules, images, unsafe links, raw HTML) becomes plain words,
//   and a text that cannot be read as markdown is shown as it was written.

import { Lexer, type Token, type Tokens } from 'marked'

/** What surrounds a token: Telegram takes no link in a link, no quote in a quote, and no bold twice. */
interface Surroundings {
  readonly link: boolean
  readonly quote: boolean
  readonly bold: boolean
}

const NOTHING: Surroundings = { link: false, quote: false, bold: false }

const LINK = /^(?:https?:\/\/|tg:\/\/|mailto:)[^\s]+$/i

/** Wider cells are not aligned: a phone shows about this many characters in a line. */
const CELL_UNITS_ALIGNED_MAX = 32

export function renderMarkdown(markdown: string): string {
  try {
    return blocks(Lexer.lex(markdown, { gfm: true }), NOTHING)
  } catch {
    // marked recurses: a few thousand nested quotes exhaust the stack.
    return escapeHtml(markdown)
  }
}

/** What a person reads of the HTML: Telegram counts this text's length. */
export function renderedText(html: string): string {
  return html
    .replace(/<[^>]*>/g, '')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')
}

function blocks(tokens: readonly Token[], around: Surroundings): string {
  return tokens
    .filter((token) => token.type !== 'space' && token.type !== 'checkbox')
    .map((token) => block(token as Tokens.Generic, around))
    .filter((html) => html !== '')
    .join('\n\n')
}

// marked's own Token is a union whose last member fits everything, so that no switch narrows it; hence the casts to the
// type that marked documents for each name.
function block(token: Tokens.Generic, around: Surroundings): string {
  switch (token.type) {
    case 'heading': {
      const html = inline(token.tokens, { ...around, bold: true })
      return around.bold ? html : tag('b', html)
    }
    case 'paragraph':
      return inline(token.tokens, around)
    case 'text':
      return token.tokens === undefined ? escapeHtml(decode(token.text)) : inline(token.tokens, around)
    case 'code':
      return code(token as Tokens.Code)
    case 'blockquote': {
      const html = blocks(token.tokens ?? [], { ...around, quote: true })
      return around.quote ? html : tag('blockquote', html)
    }
    case 'list':
      return list(token as Tokens.List, around)
    case 'table':
      return tag('pre', escapeHtml(table(token as Tokens.Table)))
    case 'hr':
      return '———'
    default:
      // Raw HTML, link definitions and whatever a later marked invents.
      return escapeHtml(token.raw.trim())
  }
}

function code({ text, lang, raw }: Tokens.Code): string {
  if (text.trim() === '') return escapeHtml(raw.trim())
  const language = /^[\w+#.-]{1,40}$/.exec(lang ?? '')?.[0]
  if (language !== undefined) return `<pre><code class="language-${language}">${escapeHtml(text)}</code></pre>`
  // Words after an opening fence are not always a language; some models write their text there.
  return tag('pre', escapeHtml(lang ? `${lang}\n${text}` : text))
}

function list({ items, ordered, start }: Tokens.List, around: Surroundings): string {
  return items
    .map((item, index) => {
      const bullet = item.task ? (item.checked ? '☑' : '☐') : ordered ? `${Number(start) + index}.` : '•'
      const body = item.tokens
        .filter((token) => token.type !== 'space' && token.type !== 'checkbox')
        .map((token) => block(token as Tokens.Generic, around))
        .filter((html) => html !== '')
        .join('\n')
      return `${bullet} ${indentText(body)}`
    })
    .join('\n')
}

/** Lines of code keep their own indentation. */
function indentText(html: string): string {
  return html
    .split(/(<pre>[\s\S]*?<\/pre>)/)
    .map((piece) => (piece.startsWith('<pre>') ? piece : piece.replace(/\n(?=.)/g, '\n  ')))
    .join('')
}

function table({ header, rows, raw }: Tokens.Table): string {
  const written = raw.split('\n')
  const lines = [header, ...rows].map((cells) =>
    cells.map((cell) => renderedText(inline(cell.tokens, { ...NOTHING, link: true })).replaceAll('\n', ' ')),
  )
  const widths = header.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)))
  return lines
    .map((cells, index) => {
      // The line of dashes stands between the header and the first row. Cells beyond the header's last are dropped by GFM.
      const line = written[index === 0 ? 0 : index + 1] ?? ''
      return carries(cells.join(' '), line) ? alignCells(cells, widths) : line
    })
    .join('\n')
}

function alignCells(cells: readonly string[], widths: readonly number[]): string {
  const aligned = cells.map((cell, column) => cell.padEnd(Math.min(widths[column] ?? 0, CELL_UNITS_ALIGNED_MAX)))
  return aligned.join(' | ').trimEnd()
}

function carries(text: string, written: string): boolean {
  const words = written.match(/[\p{L}\p{N}]+/gu) ?? []
  return words.every((word) => text.includes(word))
}

function inline(tokens: readonly Token[] | undefined, around: Surroundings): string {
  return (tokens ?? []).map((token) => span(token as Tokens.Generic, around)).join('')
}

function span(token: Tokens.Generic, around: Surroundings): string {
  switch (token.type) {
    case 'text':
      return token.tokens === undefined ? escapeHtml(decode(token.text)) : inline(token.tokens, around)
    case 'escape':
      return escapeHtml(token.text)
    case 'strong': {
      const html = inline(token.tokens, { ...around, bold: true })
      return around.bold ? html : tag('b', html)
    }
    case 'em':
      return tag('i', inline(token.tokens, around))
    case 'del':
      return tag('s', inline(token.tokens, around))
    case 'codespan':
      return tag('code', escapeHtml(token.text))
    case 'br':
      return '\n'
    case 'link':
    case 'image':
      return link(token as Tokens.Link | Tokens.Image, around)
    default:
      return /^<br\s*\/?>$/i.test(token.raw) ? '\n' : escapeHtml(token.raw)
  }
}

function link({ type, href, title, text, tokens }: Tokens.Link | Tokens.Image, around: Surroundings): string {
  const label = type === 'image' ? escapeHtml(text) : inline(tokens, { ...around, link: true })
  const more = title ? ` (${escapeHtml(title)})` : ''
  const shown = renderedText(label).trim() === '' ? escapeHtml(href) : label
  if (!around.link && LINK.test(href))
    return `<a href="${escapeHtml(href).replaceAll('"', '&quot;')}">${shown}</a>${more}`
  return `${shown}${shown === escapeHtml(href) ? '' : ` (${escapeHtml(href)})`}${more}`
}

/** An entity around nothing is refused by some servers. */
function tag(name: 'b' | 'i' | 's' | 'code' | 'pre' | 'blockquote', html: string): string {
  return renderedText(html).trim() === '' ? html : `<${name}>${html}</${name}>`
}

function decode(text: string): string {
  const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', nbsp: ' ', '#39': "'" }
  return text.replace(/&(lt|gt|amp|quot|nbsp|#39);/g, (_, name: string) => entities[name] ?? '')
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
