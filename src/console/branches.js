// Branches: the supervision tree as far as it is open, as rows. Of a branch only those pages are asked for that are on screen,
// and asked for again while they are; what is closed costs nothing.

import { actors } from './gateway.js'

const PAGE = 64
/** Found by a search; who looks for one among more writes another letter. */
const FOUND_MAX = 200

export class Branches {
  #root = null
  /** Open branches by place: `{ total, rows: [], asked: Set }`. */
  #open = new Map()
  #search = ''
  #found = []
  #onChange

  constructor(onChange) {
    this.#onChange = onChange
  }

  /** Every row that is open, from the top: `{ row, level, index, size, isOpen }`; `row` is undefined until its page has come. */
  list() {
    if (this.#search !== '')
      return this.#found.map((row, index) => ({ row, level: 1, index, size: this.#found.length, isOpen: false }))
    if (this.#root === null) return []
    const lines = []
    const add = (row, line) => {
      const branch = row === undefined ? undefined : this.#open.get(row.place)
      lines.push({ row, ...line, isOpen: branch !== undefined })
      if (branch === undefined) return
      for (let index = 0; index < branch.total; index++) {
        add(branch.rows[index], { level: line.level + 1, index, size: branch.total, above: row.place })
      }
    }
    add(this.#root, { level: 1, index: 0, size: 1, above: null })
    return lines
  }

  isOpen(place) {
    return this.#open.has(place)
  }

  async open(place) {
    if (this.#open.has(place)) return
    this.#open.set(place, { total: 0, rows: [], asked: new Set() })
    await this.#load(place, 0)
  }

  close(place) {
    this.#open.delete(place)
    this.#onChange()
  }

  /** Empty: the tree itself. */
  async search(text) {
    this.#search = text
    if (text === '') return this.#onChange()
    const { rows } = await actors({ under: 'gateway', search: text, limit: FOUND_MAX })
    if (this.#search !== text) return
    this.#found = rows
    this.#onChange()
  }

  /** The rows on screen, asked for anew; those that are not there are left as they were. */
  async refresh(lines) {
    if (this.#search !== '') return this.search(this.#search)
    if (this.#root === null) await this.#begin()
    const wanted = new Map()
    for (const { above, index } of lines) {
      if (above === null || above === undefined) continue
      const page = Math.floor(index / PAGE)
      wanted.set(`${page} ${above}`, { above, page })
    }
    if (lines.some(({ level }) => level === 1)) wanted.set('root', { above: 'gateway', page: 0 })
    await Promise.all([...wanted.values()].map(({ above, page }) => this.#load(above, page)))
  }

  /** Rows that came on screen and were never asked for. */
  complete(lines) {
    for (const { row, above, index } of lines) {
      const branch = this.#open.get(above)
      const page = Math.floor(index / PAGE)
      if (row === undefined && branch !== undefined && !branch.asked.has(page)) {
        branch.asked.add(page)
        this.#load(above, page).catch(() => branch.asked.delete(page))
      }
    }
  }

  /** The places from the top down to this one, opened one after the other. */
  async reveal(place) {
    const ids = place.split('/')
    if (this.#root === null) await this.#begin()
    if (!ids[0].startsWith('channel:')) return
    for (let depth = 1; depth < ids.length; depth++) await this.open(ids.slice(0, depth).join('/'))
  }

  async #begin() {
    const { actor } = await actors({ under: 'gateway', limit: 1 })
    this.#root = actor
    await this.open('gateway')
  }

  async #load(place, page) {
    const branch = this.#open.get(place)
    const answer = await actors({ under: place, offset: page * PAGE, limit: PAGE }).catch((problem) => {
      // Whoever stood there is gone, and the branch with it.
      if (problem.code !== 'unknown_actor') throw problem
      return null
    })
    if (place === 'gateway' && answer !== null) this.#root = answer.actor
    if (branch === undefined || this.#open.get(place) !== branch) return
    if (answer === null) this.#open.delete(place)
    else {
      branch.total = answer.total
      branch.rows.length = Math.min(branch.rows.length, answer.total)
      answer.rows.forEach((row, index) => {
        branch.rows[page * PAGE + index] = row
      })
    }
    this.#onChange()
  }
}
