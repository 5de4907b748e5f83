// Transitions: what an actor did, newest first, with a hand to step back through it.

import { el, setAttribute, setChildren, setText } from './dom.js'
import { Tree } from './value.js'
import { eventWords, fineClock, innermost } from './words.js'

export class Transitions {
  element
  #list = el('ol', { class: 'transitions', tabindex: '0', 'aria-label': 'Transitions, newest first' })
  #older
  #newer
  #live
  #message = new Tree(el('div', { class: 'message-sent' }))
  #told = el('section', { class: 'told', 'aria-label': 'The message' })
  #heading = el('h3')
  #rows = new Map()

  constructor({ onPick, onOlder, onNewer, onLive }) {
    const button = (text, title, work) =>
      el('button', { class: 'tool', type: 'button', text, title, on: { click: work } })
    this.#older = button('◀', 'Step back (←)', onOlder)
    this.#newer = button('▶', 'Step forth (→)', onNewer)
    this.#live = button('Live', 'Back to now (Esc)', onLive)
    const hand = el(
      'div',
      { class: 'hand', role: 'group', 'aria-label': 'Step back and forth' },
      this.#older,
      this.#newer,
      this.#live,
    )
    this.#told.append(this.#heading, this.#message.element)
    this.element = el(
      'section',
      { class: 'did', 'aria-label': 'Transitions' },
      el('header', {}, el('h3', { text: 'Transitions' }), hand),
      this.#list,
      this.#told,
    )
    this.#list.addEventListener('click', (event) => {
      const row = event.target.closest('[data-number]')
      if (row !== null) onPick(Number(row.dataset.number))
    })
  }

  show({ transitions, transition, tense }) {
    const shown = transitions.map((each, index) => this.#rowOf(each, transitions[index - 1])).reverse()
    setChildren(this.#list, shown)
    const kept = new Set(transitions.map(({ number }) => number))
    for (const number of this.#rows.keys()) if (!kept.has(number)) this.#rows.delete(number)
    for (const [number, row] of this.#rows)
      setAttribute(row, 'aria-current', number === transition?.number ? tense : null)
    if (tense === 'past') this.#rows.get(transition?.number)?.scrollIntoView({ block: 'nearest' })
    this.#older.disabled = transition === undefined || transition === transitions[0]
    this.#newer.disabled = tense === 'now'
    setAttribute(this.#live, 'aria-pressed', String(tense === 'now'))
    this.#showMessage(transition)
  }

  #showMessage(transition) {
    this.#told.hidden = transition?.message === undefined
    if (this.#told.hidden) return
    setText(
      this.#heading,
      transition.from === null || transition.from === undefined
        ? eventWords(transition.event)
        : `${eventWords(transition.event)}, from ${transition.from}`,
    )
    const { type: _, ...rest } = transition.message
    this.#message.show(rest)
  }

  #rowOf(transition, before) {
    const known = this.#rows.get(transition.number)
    if (known !== undefined) return known
    const state = innermost(transition.state).join(' + ')
    const moved = before === undefined || innermost(before.state).join(' + ') !== state
    const row = el(
      'li',
      { 'data-number': transition.number },
      el('time', { text: fineClock(transition.at) }),
      el('span', { class: 'event', text: eventWords(transition.event), title: transition.event }),
      el('span', { class: moved ? 'to moved' : 'to', text: moved ? `→ ${state}` : '' }),
    )
    this.#rows.set(transition.number, row)
    return row
  }
}
