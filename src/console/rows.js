// Rows: a list of any length of which only what is on screen exists. Every row is equally high; one of them is active, and the
// keyboard moves it. The owner knows what is in a row; this knows which rows are there.

import { beforePaint, setAttribute } from './dom.js'

/** Rows beyond the edges, so that a slow scroll never shows an empty one. */
const BEYOND = 6

export class Rows {
  #box
  #height
  #draw
  #onPick
  #onRange
  #onKey
  #space = document.createElement('div')
  #rows = new Map()
  #count = 0
  #active = -1
  /** A press has begun here and not ended: what is under it is left as it is, or no click would come of it. */
  #isPressed = false
  #render = beforePaint(() => this.#renderNow())

  /**
   * `draw(index, element)` fills a row's element; `onRange(first, last)` is told what is on screen; `onKey(event, index)` sees
   * a key first and answers true when it was its own.
   */
  constructor({ box, height, draw, onPick, onRange = () => {}, onKey = () => false }) {
    this.#box = box
    this.#height = height
    this.#draw = draw
    this.#onPick = onPick
    this.#onRange = onRange
    this.#onKey = onKey
    this.#space.className = 'rows-space'
    this.#space.setAttribute('role', 'presentation')
    box.classList.add('rows')
    box.tabIndex = 0
    box.append(this.#space)
    box.addEventListener('scroll', this.#render, { passive: true })
    box.addEventListener('keydown', (event) => this.#onKeyDown(event))
    box.addEventListener('click', (event) => this.#onClick(event))
    box.addEventListener('pointerdown', () => {
      this.#isPressed = true
    })
    for (const end of ['pointerup', 'pointercancel']) addEventListener(end, () => this.#release())
    box.addEventListener('focus', () => {
      if (this.#active < 0 && this.#count > 0) this.setActive(0)
    })
    new ResizeObserver(this.#render).observe(box)
  }

  get count() {
    return this.#count
  }

  get active() {
    return this.#active
  }

  setCount(count) {
    this.#count = count
    this.#space.style.height = `${count * this.#height}px`
    if (this.#active >= count) this.#active = count - 1
    this.#render()
  }

  /** What the rows hold has changed. */
  refresh() {
    this.#render()
  }

  setActive(index) {
    this.#active = Math.max(0, Math.min(index, this.#count - 1))
    const top = this.#active * this.#height
    if (top < this.#box.scrollTop) this.#box.scrollTop = top
    const bottom = top + this.#height - this.#box.clientHeight
    if (bottom > this.#box.scrollTop) this.#box.scrollTop = bottom
    this.#render()
  }

  toTop() {
    this.#box.scrollTop = 0
    this.#active = -1
    this.#render()
  }

  /** The click comes after this event, and before the next picture. */
  #release() {
    if (!this.#isPressed) return
    this.#isPressed = false
    this.#render()
  }

  #renderNow() {
    if (this.#isPressed) return
    const first = Math.max(0, Math.floor(this.#box.scrollTop / this.#height) - BEYOND)
    const shown = Math.ceil(this.#box.clientHeight / this.#height)
    const last = Math.min(this.#count - 1, first + shown + 2 * BEYOND)
    for (const [index, row] of this.#rows) {
      if (index >= first && index <= last) continue
      row.remove()
      this.#rows.delete(index)
    }
    for (let index = first; index <= last; index++) this.#renderRow(index)
    const active = this.#rows.get(this.#active)
    setAttribute(this.#box, 'aria-activedescendant', active === undefined ? null : active.id)
    if (last >= first) this.#onRange(first, last)
  }

  #renderRow(index) {
    let row = this.#rows.get(index)
    if (row === undefined) {
      row = document.createElement('div')
      row.className = 'row'
      row.id = `${this.#box.id}-${index}`
      row.dataset.index = index
      row.style.transform = `translateY(${index * this.#height}px)`
      row.style.height = `${this.#height}px`
      this.#rows.set(index, row)
      this.#space.append(row)
    }
    row.classList.toggle('active', index === this.#active)
    setAttribute(row, 'aria-posinset', index + 1)
    setAttribute(row, 'aria-setsize', this.#count)
    this.#draw(index, row)
  }

  #onClick(event) {
    const row = event.target.closest('.row')
    if (row === null || !this.#box.contains(row)) return
    this.setActive(Number(row.dataset.index))
    this.#onPick(this.#active, event)
  }

  #onKeyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (this.#active >= 0 && this.#onKey(event, this.#active)) return event.preventDefault()
    const page = Math.max(1, Math.floor(this.#box.clientHeight / this.#height) - 1)
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.#count, End: this.#count }
    if (event.key in steps) {
      event.preventDefault()
      this.setActive(Math.max(0, this.#active) + (this.#active < 0 ? 0 : steps[event.key]))
    } else if (event.key === 'Enter' && this.#active >= 0) {
      event.preventDefault()
      this.#onPick(this.#active, event)
    }
  }
}
