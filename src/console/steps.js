// Steps: what an actor did, newest first, with a hand to step back through it.

import { el, setAttribute, setChildren, setText } from './dom.js'
import { Tree } from './value.js'
import { eventWords, fineClock, innermost } from './words.js'

export class Steps {
  element
  #list = el('ol', { class: 'steps', tabindex: '0', 'aria-label': 'Steps, newest first' })
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
      { class: 'did', 'aria-label': 'Steps' },
      el('header', {}, el('h3', { text: 'Steps' }), hand),
      this.#list,
      this.#told,
    )
    this.#list.addEventListener('click', (event) => {
      const row = event.target.closest('[data-number]')
      if (row !== null) onPick(Number(row.dataset.number))
    })
  }

  show({ steps, step, tense }) {
    const shown = steps.map((each, index) => this.#rowOf(each, steps[index - 1])).reverse()
    setChildren(this.#list, shown)
    const kept = new Set(steps.map(({ number }) => number))
    for (const number of this.#rows.keys()) if (!kept.has(number)) this.#rows.delete(number)
    for (const [number, row] of this.#rows) setAttribute(row, 'aria-current', number === step?.number ? tense : null)
    if (tense === 'past') this.#rows.get(step?.number)?.scrollIntoView({ block: 'nearest' })
    this.#older.disabled = step === undefined || step === steps[0]
    this.#newer.disabled = tense === 'now'
    setAttribute(this.#live, 'aria-pressed', String(tense === 'now'))
    this.#showMessage(step)
  }

  #showMessage(step) {
    this.#told.hidden = step?.message === undefined
    if (this.#told.hidden) return
    setText(
      this.#heading,
      step.from === null || step.from === undefined
        ? eventWords(step.event)
        : `${eventWords(step.event)}, from ${step.from}`,
    )
    const { type: _, ...rest } = step.message
    this.#message.show(rest)
  }

  #rowOf(step, before) {
    const known = this.#rows.get(step.number)
    if (known !== undefined) return known
    const state = innermost(step.state).join(' + ')
    const moved = before === undefined || innermost(before.state).join(' + ') !== state
    const row = el(
      'li',
      { 'data-number': step.number },
      el('time', { text: fineClock(step.at) }),
      el('span', { class: 'event', text: eventWords(step.event), title: step.event }),
      el('span', { class: moved ? 'to moved' : 'to', text: moved ? `→ ${state}` : '' }),
    )
    this.#rows.set(step.number, row)
    return row
  }
}
