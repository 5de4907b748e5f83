// Markdown: the little of it that answers use, as elements. Text gets in by textContent only; there is no HTML in between.

/** A fragment with the text's paragraphs, lists, headings and code. What is not understood stays as it was written. */
export function render(text) {
  const fragment = document.createDocumentFragment()
  const lines = text.replace(/\r\n?/g, '\n').split('\n')
  let at = 0
  while (at < lines.length) {
    const block = blockAt(lines, at)
    if (block.element !== null) fragment.append(block.element)
    at = block.next
  }
  return fragment
}

function blockAt(lines, at) {
  const line = lines[at]
  if (line.trim() === '') return { element: null, next: at + 1 }
  const fence = /^\s*(`{3,}|~{3,})/.exec(line)
  if (fence !== null) return codeBlock(lines, at, fence[1])
  const heading = /^#{1,6}\s+(.+)$/.exec(line)
  if (heading !== null) return { element: withInline('h3', heading[1]), next: at + 1 }
  if (item(line) !== null) return list(lines, at)
  if (/^>\s?/.test(line)) return quote(lines, at)
  return paragraph(lines, at)
}

function codeBlock(lines, at, fence) {
  let end = at + 1
  while (end < lines.length && !lines[end].trim().startsWith(fence)) end++
  const code = document.createElement('code')
  code.textContent = lines.slice(at + 1, end).join('\n')
  const element = document.createElement('pre')
  element.append(code)
  return { element, next: end + 1 }
}

function list(lines, at) {
  const ordered = item(lines[at]).ordered
  const element = document.createElement(ordered ? 'ol' : 'ul')
  if (ordered) element.start = Number.parseInt(lines[at], 10)
  let next = at
  for (
    let found = item(lines[next] ?? '');
    found !== null && found.ordered === ordered;
    found = item(lines[next] ?? '')
  ) {
    element.append(withInline('li', found.text))
    next++
  }
  return { element, next }
}

function item(line) {
  const found = /^\s*(?:([-*+])|(\d{1,9})[.)])\s+(.*)$/.exec(line)
  return found === null ? null : { ordered: found[2] !== undefined, text: found[3] }
}

function quote(lines, at) {
  let next = at
  while (next < lines.length && /^>\s?/.test(lines[next])) next++
  const element = document.createElement('blockquote')
  element.append(
    ...inline(
      lines
        .slice(at, next)
        .map((line) => line.replace(/^>\s?/, ''))
        .join('\n'),
    ),
  )
  return { element, next }
}

function paragraph(lines, at) {
  let next = at + 1
  while (
    next < lines.length &&
    lines[next].trim() !== '' &&
    !/^\s*(`{3,}|~{3,})|^#{1,6}\s|^>/.test(lines[next]) &&
    item(lines[next]) === null
  ) {
    next++
  }
  return { element: withInline('p', lines.slice(at, next).join('\n')), next }
}

function withInline(tag, text) {
  const element = document.createElement(tag)
  element.append(...inline(text))
  return element
}

const INLINE =
  /(`+)([\s\S]+?)\1(?!`)|\*\*(\S(?:[\s\S]*?\S)?)\*\*|\*(\S(?:[^*\n]*?\S)?)\*|\[([^\]\n]+)\]\((https?:\/\/[^\s)]+)\)|(https?:\/\/[^\s<>"')\]]+[^\s<>"')\].,;:!?])/g

/** Nodes for code, bold, italic and links to the web; everything else is text. */
function inline(text) {
  const nodes = []
  let from = 0
  for (const found of text.matchAll(INLINE)) {
    const [whole, , code, bold, italic, label, target, address] = found
    nodes.push(text.slice(from, found.index))
    from = found.index + whole.length
    if (code !== undefined) nodes.push(leaf('code', code))
    else if (bold !== undefined) nodes.push(withInline('strong', bold))
    else if (italic !== undefined) nodes.push(withInline('em', italic))
    else nodes.push(link(label ?? address, target ?? address))
  }
  nodes.push(text.slice(from))
  return nodes
}

function leaf(tag, text) {
  const element = document.createElement(tag)
  element.textContent = text
  return element
}

function link(label, target) {
  const element = leaf('a', label)
  element.href = target
  element.target = '_blank'
  element.rel = 'noopener noreferrer'
  return element
}
