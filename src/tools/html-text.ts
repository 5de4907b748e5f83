// HTML text: what a person would read on a page, roughly: for a model, which pays for every tag. Pure.
//   One pass over the page, whatever it contains; nothing of it is run or loaded.

/** Elements whose content nobody reads. */
const UNREAD = new Set(['script', 'style', 'noscript', 'template', 'svg', 'head', 'iframe'])

/** Elements that begin on a line of their own. */
const BLOCKS = new Set(
  'address article aside blockquote br dd div dl dt figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section table tr ul'.split(
    ' ',
  ),
)

export function htmlText(html: string): string {
  let text = ''
  let at = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    if (open < 0) break
    text += html.slice(at, open)
    const { name, end } = tagAt(html, open)
    // A sign that begins no tag is text.
    if (end === open) text += '<'
    if (BLOCKS.has(name.replace('/', ''))) text += '\n'
    if (name === 'td' || name === 'th') text += ' '
    at = end === open ? open + 1 : UNREAD.has(name) ? afterElement(html, name, end) : end
  }
  return tidy(decode(text + html.slice(at)))
}

/** The tag's name, with `/` in front when it closes, and where it ends; `end` is `open` when there is no tag. */
function tagAt(html: string, open: number): { name: string; end: number } {
  if (!/[a-zA-Z/!?]/.test(html.charAt(open + 1))) return { name: '', end: open }
  if (html.startsWith('<!--', open)) return { name: '', end: after(html, '-->', open + 4) }
  const name = /^<(\/?[a-zA-Z][a-zA-Z0-9]*|[!?])/.exec(html.slice(open, open + NAME_UNITS_MAX))?.[1]
  if (name === undefined) return { name: '', end: open }
  return { name: name.toLowerCase(), end: after(html, '>', open) }
}

const NAME_UNITS_MAX = 32

function afterElement(html: string, name: string, from: number): number {
  const close = new RegExp(`</${name}[\\s>]`, 'gi')
  close.lastIndex = from
  const found = close.exec(html)
  return found === null ? html.length : after(html, '>', found.index)
}

function after(html: string, what: string, from: number): number {
  const found = html.indexOf(what, from)
  return found < 0 ? html.length : found + what.length
}

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  ndash: '–',
  mdash: '—',
  hellip: '…',
}

function decode(text: string): string {
  return text.replace(/&(#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,6});/gi, (whole, entity: string) => {
    const hex = /^#x(.*)/i.exec(entity)?.[1]
    const number = hex !== undefined ? Number.parseInt(hex, 16) : Number(entity.slice(1))
    if (!entity.startsWith('#')) return NAMED[entity.toLowerCase()] ?? whole
    return number > 0 && number <= 0x10ffff ? String.fromCodePoint(number) : whole
  })
}

/** Spaces in a row become one, empty lines in a row one. */
function tidy(text: string): string {
  const lines = text.split('\n').map((line) => line.replace(/\s+/g, ' ').trim())
  return lines
    .filter((line, index) => line !== '' || lines[index - 1] !== '')
    .join('\n')
    .trim()
}
