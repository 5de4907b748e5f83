// Actors: the supervision tree on the left, and whoever is picked from it, live: chart, context, transitions.

import { Branches } from './branches.js'
import { byId, el, setAttribute, setText } from './dom.js'
import { Rows } from './rows.js'
import { go, hrefTo, keepLooking, report } from './shell.js'
import { Watcher } from './watcher.js'
import { count, encodedId, sessionParts } from './words.js'

const ROW_HEIGHT = 30
const SEARCH_MS = 200

export class ActorsView {
  #visible = false
  #place = null
  #lines = []
  #range = [0, 0]
  #branches = new Branches(() => this.#change())
  #rows
  #watcher
  #title = el('h2', { class: 'mono' })
  #crumbs = el('nav', { class: 'crumbs', 'aria-label': 'Place in the tree' })
  #links = el('div', { class: 'actions' })
  #look

  constructor() {
    this.#rows = new Rows({
      box: byId('actors-tree'),
      height: ROW_HEIGHT,
      draw: (index, element) => drawRow(element, this.#lines[index], this.#place),
      onPick: (index, event) => this.#pick(index, event),
      onRange: (first, last) => {
        this.#range = [first, last]
        this.#branches.complete(this.#lines.slice(first, last + 1))
      },
      onKey: (event, index) => this.#onKey(event, index),
    })
    const watched = el('div', { class: 'watcher' })
    this.#watcher = new Watcher({ box: watched, manner: 'whole', onNow: (now) => this.#showHead(now) })
    const back = el('a', { class: 'back quiet', href: hrefTo('actors'), text: 'Tree', 'data-back': true })
    const head = el(
      'header',
      { class: 'detail-head' },
      back,
      el('div', { class: 'title' }, this.#crumbs, this.#title),
      this.#links,
    )
    byId('actor-detail').append(head, watched)
    watched.addEventListener('keydown', (event) => this.#onTransitionKey(event))
    this.#listenToSearch()
    this.#look = keepLooking(() => this.#branches.refresh(this.#onScreen()), { wanted: () => this.#visible })
  }

  show([place = null]) {
    this.#visible = true
    void this.#look()
    const wanted = place ?? 'gateway'
    byId('actor-detail').hidden = false
    if (wanted !== this.#place) {
      this.#place = wanted
      this.#branches.reveal(wanted).catch(report)
      this.#showHead({ place: wanted, machine: null })
    }
    this.#watcher.watch(wanted)
    this.#change()
  }

  hide() {
    this.#visible = false
    this.#watcher.leave()
  }

  back() {
    if (this.#visible) void this.#look()
  }

  /** True: it came back from an earlier transition to now. */
  escape() {
    if (!this.#watcher.isPast) return false
    this.#watcher.look(null)
    return true
  }

  #change() {
    this.#lines = this.#branches.list()
    this.#rows.setCount(this.#lines.length)
    const search = byId('actors-search').value
    setText(byId('actors-count'), search === '' ? '' : `${this.#lines.length} found`)
  }

  #onScreen() {
    return this.#lines.slice(this.#range[0], this.#range[1] + 1)
  }

  #pick(index, event) {
    const line = this.#lines[index]
    if (line?.row === undefined) return
    if (event.target?.closest?.('.twist') !== null && event.type === 'click') this.#toggle(line)
    else go('actors', line.row.place)
  }

  #toggle({ row, isOpen }) {
    if (isOpen) this.#branches.close(row.place)
    else if (row.children > 0) this.#branches.open(row.place).catch(report)
  }

  /** As in any tree: right opens and goes in, left closes and goes out. */
  #onKey(event, index) {
    const line = this.#lines[index]
    if (line?.row === undefined || (event.key !== 'ArrowRight' && event.key !== 'ArrowLeft')) return false
    if (event.key === 'ArrowRight') {
      if (!line.isOpen) this.#toggle(line)
      else this.#rows.setActive(index + 1)
    } else if (line.isOpen) this.#toggle(line)
    else {
      const above = this.#lines.findLastIndex((other, at) => at < index && other.level < line.level)
      if (above >= 0) this.#rows.setActive(above)
    }
    return true
  }

  #onTransitionKey(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    this.#watcher.lookBy(by)
  }

  #listenToSearch() {
    let timer = null
    byId('actors-search').addEventListener('input', () => {
      clearTimeout(timer)
      timer = setTimeout(() => {
        this.#rows.toTop()
        this.#branches.search(byId('actors-search').value.trim()).catch(report)
      }, SEARCH_MS)
    })
    byId('actors-search').addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown') byId('actors-tree').focus()
    })
  }

  #showHead({ place, machine, children = [] }) {
    const ids = place.split('/').map((id) => id.replace(/%25|%2F/g, decodeURIComponent))
    setText(this.#title, ids.at(-1))
    const above = ids.slice(0, -1).map((id, index) =>
      el('a', {
        href: hrefTo(
          'actors',
          ids
            .slice(0, index + 1)
            .map(encodedId)
            .join('/'),
        ),
        text: id,
      }),
    )
    const top = ids[0] === 'gateway' ? [] : [el('a', { href: hrefTo('actors', 'gateway'), text: 'gateway' })]
    this.#crumbs.replaceChildren(...[...top, ...above].flatMap((link) => [link, ' › ']))
    const links = linksOf(ids, machine)
    const below =
      children.length === 0 ? [] : [el('span', { class: 'soft', text: count(children.length, 'child', 'children') })]
    this.#links.replaceChildren(...below, ...links)
  }
}

function linksOf(ids, machine) {
  const session = ids.find((id) => id.startsWith('session:'))
  const channel = ids.find((id) => id.startsWith('channel:'))
  const link = (text, ...parts) => el('a', { class: 'quiet', href: hrefTo(...parts), text })
  if (session !== undefined) return [link('Record', 'sessions', session.slice('session:'.length))]
  if (channel !== undefined && machine === 'channel')
    return [link('Channel', 'channels', channel.slice('channel:'.length))]
  return []
}

function drawRow(element, line, picked) {
  if (line === undefined) return
  const { row, level, index, size, isOpen } = line
  setAttribute(element, 'role', 'treeitem')
  setAttribute(element, 'aria-level', level)
  setAttribute(element, 'aria-posinset', index + 1)
  setAttribute(element, 'aria-setsize', size)
  setAttribute(element, 'aria-expanded', row !== undefined && row.children > 0 ? String(isOpen) : null)
  setAttribute(element, 'aria-selected', String(row?.place === picked))
  setAttribute(element, 'data-place', row?.place ?? null)
  setAttribute(element, 'data-machine', row?.machine ?? null)
  setAttribute(element, 'data-state', row?.state?.split('.')[0] ?? null)
  // What is drawn already is left alone: most rows are the same as a moment ago.
  const drawn = JSON.stringify([row, level, isOpen])
  if (element.drawn === drawn) return
  element.drawn = drawn
  element.replaceChildren(...partsOf(row, { level, isOpen }))
}

function partsOf(row, { level, isOpen }) {
  const indent = el('span', { class: 'indent' })
  indent.style.width = `${(level - 1) * 14}px`
  if (row === undefined) return [indent, el('span', { class: 'soft', text: '…' })]
  const [kind, ...name] = row.id.split(':')
  const words = kind === 'session' ? sessionParts(name.join(':')).slice(1).join(' / ') : name.join(':')
  return [
    indent,
    el('span', { class: row.children > 0 ? 'twist' : 'twist none', text: isOpen ? '▾' : '▸', 'aria-hidden': 'true' }),
    el(
      'span',
      { class: 'who' },
      el('span', { class: 'kind', text: kind }),
      words === '' ? null : el('span', { text: ` ${words}` }),
    ),
    el('span', { class: 'state', text: row.state ?? (row.machine === null ? 'effect' : row.status) }),
  ]
}
