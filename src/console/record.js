// Record: one session in time order: what people wrote, what was answered, what was delivered, what could not be. Owns the page's
// copy of the entries; the gateway brings them a page at a time, the newest first.

import { el, setAttribute, setText } from './dom.js'
import { drawEntry } from './entries.js'
import { record, stopRun } from './gateway.js'
import { hrefTo, keepLooking, report } from './shell.js'
import { toolsIn } from './step-entries.js'
import { age, day, placeOfSession, sessionParts } from './words.js'

export class SessionRecord {
  #box
  #key = null
  #entries = new Map()
  /** Where the next older page begins; null: there is none. */
  #older = null
  #session = null
  #elements = new Map()
  #list = el('ol', { class: 'entries' })
  #scroll = el('div', { class: 'record', tabindex: '0', 'aria-label': 'Record' }, this.#list)
  #title = el('h2')
  #facts = el('p', { class: 'soft' })
  #state = el('span', { class: 'pill', role: 'status' })
  #stop = el('button', { class: 'quiet', type: 'button', text: 'Stop run', on: { click: () => this.#stopRun() } })
  #links = el('div', { class: 'actions' })
  #more = el('button', { class: 'quiet older', type: 'button', text: 'Older', on: { click: () => this.#loadOlder() } })
  #look

  constructor(box) {
    this.#box = box
    this.#list.before(this.#more)
    this.#look = keepLooking(() => this.#refresh(), { wanted: () => this.#key !== null })
    this.#showNothing()
  }

  show(key) {
    if (key === this.#key) return
    this.#key = key
    this.#entries.clear()
    this.#elements.clear()
    this.#list.replaceChildren()
    this.#older = null
    this.#session = null
    if (key === null) return this.#showNothing()
    const [channel, ...conversation] = sessionParts(key)
    setText(this.#title, conversation.join(' / '))
    setText(this.#facts, channel)
    this.#more.hidden = true
    const back = el('a', { class: 'back quiet', href: hrefTo('sessions'), text: 'Sessions', 'data-back': true })
    const title = el('div', { class: 'title' }, this.#title, this.#facts)
    this.#box.replaceChildren(
      el('header', { class: 'detail-head' }, back, title, this.#state, this.#links),
      this.#scroll,
    )
    this.#showHead()
    void this.#look()
  }

  leave() {
    this.#key = null
    this.#showNothing()
  }

  #showNothing(words = 'Pick a session to see what happened in it.') {
    this.#box.replaceChildren(el('p', { class: 'empty', text: words }))
  }

  async #refresh() {
    const key = this.#key
    const page = await record(key, null).catch((problem) => {
      if (problem.code !== 'unknown_session') throw problem
      return null
    })
    if (key !== this.#key) return
    if (page === null) return this.#showNothing(`There is no session ${key}.`)
    this.#session = page.session
    // An older page that was loaded before keeps its own end.
    if (this.#entries.size === 0) this.#older = page.older
    this.#forgetRetried(page.entries)
    this.#take(page.entries)
    this.#showHead()
  }

  async #loadOlder() {
    const key = this.#key
    this.#more.disabled = true
    try {
      const page = await record(key, this.#older)
      if (key !== this.#key) return
      this.#older = page.older
      const height = this.#scroll.scrollHeight
      this.#take(page.entries)
      // What was being read stays where it is.
      this.#scroll.scrollTop += this.#scroll.scrollHeight - height
    } catch (problem) {
      report(problem)
    } finally {
      this.#more.disabled = false
    }
  }

  #take(entries) {
    const atEnd = this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight < 60
    for (const entry of entries) this.#entries.set(idOf(entry), entry)
    this.#draw()
    if (atEnd) this.#scroll.scrollTop = this.#scroll.scrollHeight
  }

  /** A dead letter that was retried is none any more: the newest page would name it if it were. */
  #forgetRetried(newest) {
    const named = new Set(newest.map(idOf))
    const oldest = newest[0]?.at ?? ''
    for (const [id, entry] of this.#entries) {
      if (entry.kind === 'dead_letter' && entry.at >= oldest && !named.has(id)) this.#entries.delete(id)
    }
  }

  #draw() {
    const all = [...this.#entries.values()].sort((left, right) => left.at.localeCompare(right.at))
    const context = {
      said: new Set(all.filter(({ kind }) => kind === 'message').map(({ text }) => text)),
      answered: new Set(all.filter(({ kind }) => kind === 'transcript').map(({ text }) => text)),
      tools: toolsIn(all),
      onRetried: () => void this.#look(),
    }
    const wanted = []
    let lastDay = null
    for (const entry of all) {
      const element = this.#elementOf(entry, context)
      if (element === null) continue
      const today = day(entry.at)
      if (today !== lastDay) wanted.push(this.#dayOf(today))
      lastDay = today
      wanted.push(element)
    }
    this.#list.replaceChildren(...wanted)
    this.#more.hidden = this.#older === null
  }

  /** The same element as long as the entry says the same. */
  #elementOf(entry, context) {
    const id = idOf(entry)
    const said = JSON.stringify([entry, context.said.has(entry.text), context.answered.has(entry.text)])
    const known = this.#elements.get(id)
    if (known?.said === said) return known.element
    const element = drawEntry(entry, context)
    this.#elements.set(id, { said, element })
    return element
  }

  #dayOf(words) {
    const known = this.#elements.get(words) ?? { element: el('li', { class: 'day', text: words }) }
    this.#elements.set(words, known)
    return known.element
  }

  #showHead() {
    const [channel, ...conversation] = sessionParts(this.#key)
    const { state = '', agent = '', updated_at: at = null, waiting = 0 } = this.#session ?? {}
    setText(this.#state, state === '' ? '…' : state)
    setAttribute(this.#state, 'data-state', state)
    const queue = waiting > 0 ? ` · ${waiting} waiting` : ''
    setText(this.#facts, at === null ? channel : `${agent} on ${channel} · ${age(at)} ago${queue}`)
    this.#stop.hidden = state !== 'running' && state !== 'pending'
    const link = (text, ...parts) => el('a', { class: 'quiet', href: hrefTo(...parts), text })
    if (this.#links.childElementCount > 0 && this.#links.dataset.key === this.#key) return
    this.#links.dataset.key = this.#key
    this.#links.replaceChildren(this.#stop, link('Statechart', 'actors', placeOfSession(this.#key)))
    this.#links.title = conversation.join(' / ')
  }

  async #stopRun() {
    this.#stop.disabled = true
    try {
      await stopRun(this.#key)
    } catch (problem) {
      report(problem)
    } finally {
      this.#stop.disabled = false
      void this.#look()
    }
  }
}

function idOf({ kind, id }) {
  return `${kind} ${id}`
}
