// Sessions: every session there ever was, newest first, searched and filtered by the gateway; and the record of the one that is
// picked. Only the pages that are on screen are asked for.

import { byId, el, setAttribute, setText } from './dom.js'
import { sessions } from './gateway.js'
import { SessionRecord } from './record.js'
import { Rows } from './rows.js'
import { go, keepLooking, report } from './shell.js'
import { age, count, sessionParts } from './words.js'

const ROW_HEIGHT = 58
const PAGE = 50
const SEARCH_MS = 200

export class SessionsView {
  #visible = false
  #key = null
  #pages = new Map()
  /** How many there are as far as is known. */
  #known = 0
  #total = 0
  #range = [0, 0]
  #asked = new Set()
  #rows
  #record
  #look

  constructor() {
    this.#rows = new Rows({
      box: byId('sessions-list'),
      height: ROW_HEIGHT,
      draw: (index, element) => drawRow(element, this.#at(index), this.#key),
      onPick: (index) => {
        const session = this.#at(index)
        if (session !== undefined) go('sessions', session.key)
      },
      onRange: (first, last) => {
        this.#range = [first, last]
        this.#complete()
      },
    })
    this.#record = new SessionRecord(byId('session-detail'))
    this.#look = keepLooking(() => this.#refresh(), { wanted: () => this.#visible })
    this.#listen()
  }

  show([key = null]) {
    this.#visible = true
    this.#key = key
    this.#record.show(key)
    this.#rows.refresh()
    void this.#look()
  }

  hide() {
    this.#visible = false
    this.#record.leave()
  }

  back() {
    if (this.#visible) void this.#look()
  }

  report({ sessions: counts }) {
    this.#total = counts.idle + counts.pending + counts.running + counts.passivated
    if (!this.#isFiltered) this.#setKnown(this.#total)
    this.#tell()
  }

  get #filter() {
    return { search: byId('sessions-search').value.trim(), state: byId('sessions-state').value }
  }

  get #isFiltered() {
    const { search, state } = this.#filter
    return search !== '' || state !== ''
  }

  #at(index) {
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE]
  }

  /** The pages on screen, asked for anew. */
  async #refresh() {
    const [first, last] = this.#range.map((index) => Math.floor(index / PAGE))
    for (let page = first; page <= last; page++) await this.#load(page)
  }

  /** The pages that came on screen and were never asked for. */
  #complete() {
    const [first, last] = this.#range.map((index) => Math.floor(index / PAGE))
    for (let page = first; page <= last; page++) {
      if (this.#pages.has(page) || this.#asked.has(page)) continue
      this.#asked.add(page)
      this.#load(page)
        .catch(report)
        .finally(() => this.#asked.delete(page))
    }
  }

  async #load(page) {
    const filter = this.#filter
    const { sessions: rows, more } = await sessions({ ...filter, offset: page * PAGE, limit: PAGE })
    const now = this.#filter
    if (now.search !== filter.search || now.state !== filter.state) return
    this.#pages.set(page, rows)
    const upTo = page * PAGE + rows.length
    if (this.#isFiltered) this.#setKnown(more ? Math.max(this.#known, upTo + 1) : upTo)
    else this.#setKnown(Math.max(this.#total, upTo))
    this.#tell()
  }

  #setKnown(known) {
    this.#known = known
    this.#rows.setCount(known)
  }

  #tell() {
    const { search } = this.#filter
    const more = this.#isFiltered && this.#pages.size > 0 && this.#known % PAGE === 1 && this.#known > 1
    setText(byId('sessions-count'), more ? `${this.#known - 1}+` : String(this.#known))
    byId('sessions-none').hidden = this.#known > 0
    const found =
      search === '' ? 'No session is in this state.' : `No session has “${search}” in its key, conversation or agent.`
    setText(byId('sessions-none'), this.#isFiltered ? found : 'Nobody has written yet.')
  }

  #listen() {
    let timer = null
    const anew = () => {
      this.#pages.clear()
      this.#asked.clear()
      this.#rows.toTop()
      void this.#load(0).catch(report)
    }
    byId('sessions-search').addEventListener('input', () => {
      clearTimeout(timer)
      timer = setTimeout(anew, SEARCH_MS)
    })
    byId('sessions-state').addEventListener('change', anew)
    byId('sessions-search').addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown') byId('sessions-list').focus()
    })
  }
}

function drawRow(element, session, picked) {
  setAttribute(element, 'role', 'option')
  setAttribute(element, 'aria-selected', String(session !== undefined && session.key === picked))
  setAttribute(element, 'data-state', session?.state ?? null)
  setAttribute(element, 'data-key', session?.key ?? null)
  const ago = session === undefined ? '' : age(session.updated_at)
  // What is drawn already is left alone: most rows are the same as a moment ago.
  const drawn = JSON.stringify([session, ago])
  if (element.drawn === drawn) return
  element.drawn = drawn
  if (session === undefined) return element.replaceChildren(el('span', { class: 'soft', text: '…' }))
  const [channel, ...conversation] = sessionParts(session.key)
  const waiting = session.waiting > 0 ? ` · ${session.waiting} waiting` : ''
  element.replaceChildren(
    el('span', { class: 'mark', 'aria-hidden': 'true' }),
    el('span', { class: 'name', text: conversation.join(' / ') }),
    el('span', { class: 'state', text: session.state }),
    el('span', { class: 'detail', text: `${session.agent} · ${channel} · ${count(session.turns, 'turn')}${waiting}` }),
    el('time', { class: 'age', text: ago, datetime: session.updated_at }),
  )
}
