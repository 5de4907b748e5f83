// Value: any plain data as a tree that can be opened, drawn only as far as it is open. What changed since another value is marked.

import { el } from './dom.js'

const WORDS_UNITS_MAX = 400

export class Tree {
  element
  #shown = null
  /** Paths that a person opened or closed, so that a new value keeps them. */
  #open = new Map()

  constructor(element) {
    this.element = element
  }

  show(value, before) {
    const text = JSON.stringify([value, before])
    if (text === this.#shown) return
    this.#shown = text
    if (value === undefined || value === null || Object.keys(value).length === 0) {
      const words = value === undefined ? 'Not kept: nobody watched then.' : 'Nothing.'
      this.element.replaceChildren(el('p', { class: 'soft', text: words }))
      return
    }
    this.element.replaceChildren(this.#entries(value, before, ''))
  }

  #entries(value, before, path) {
    const rows = Object.entries(value).map(([key, part]) => {
      const old = before === undefined || before === null ? part : before[key]
      const changed = JSON.stringify(old) !== JSON.stringify(part)
      return el(
        'div',
        { class: changed ? 'changed' : '' },
        el('dt', { text: key }),
        this.#part(part, old, `${path}/${key}`),
      )
    })
    return el('dl', { class: 'value' }, ...rows)
  }

  #part(part, before, path) {
    if (part === null || typeof part !== 'object')
      return el('dd', { class: `leaf ${typeof part}`, text: leafWords(part) })
    const size = Object.keys(part).length
    if (size === 0) return el('dd', { class: 'leaf', text: Array.isArray(part) ? 'none' : '{ }' })
    const summary = el('summary', {
      text: Array.isArray(part) ? `${size} ${size === 1 ? 'item' : 'items'}` : summaryOf(part),
    })
    const details = el('details', {}, summary)
    const fill = () => {
      if (details.open && details.childElementCount === 1) details.append(this.#entries(part, before, path))
    }
    details.open = this.#open.get(path) ?? false
    details.addEventListener('toggle', () => {
      this.#open.set(path, details.open)
      fill()
    })
    fill()
    return el('dd', {}, details)
  }
}

function leafWords(part) {
  if (part === null) return 'none'
  const text = String(part)
  return text.length <= WORDS_UNITS_MAX ? text : `${text.slice(0, WORDS_UNITS_MAX)}…`
}

/** The first few words inside, so that a closed part says something. */
function summaryOf(part) {
  const words = Object.entries(part)
    .filter(([, value]) => value !== null && typeof value !== 'object' && String(value).length <= 24)
    .slice(0, 3)
    .map(([key, value]) => `${key} ${value}`)
  return words.length > 0 ? words.join(', ') : Object.keys(part).slice(0, 4).join(', ')
}
