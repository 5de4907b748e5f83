// Watcher: one actor, live: its chart, what it holds, and what it did, transition by transition. Owns the stream of the actor that is watched,
// and which of its transitions is looked at: the newest, or an earlier one.

import { Chart } from './chart.js'
import { beforePaint, el, setAttribute, setText } from './dom.js'
import { machine, openActor } from './gateway.js'
import { hrefTo, report } from './shell.js'
import { Transitions } from './transitions.js'
import { follow } from './stream.js'
import { Tree } from './value.js'
import { innermost } from './words.js'

const drawings = new Map()

/** A chart never changes while the gateway runs. */
function drawingOf(name) {
  if (!drawings.has(name)) {
    const asked = machine(name)
    drawings.set(name, asked)
    asked.catch(() => drawings.delete(name))
  }
  return drawings.get(name)
}

export class Watcher {
  #place = null
  #stopFollowing = () => {}
  #now = null
  /** Oldest first. */
  #transitions = []
  /** The number of the transition that is looked at; null: the newest, as it comes. */
  #looked = null
  #parts
  #chart
  #show = beforePaint(() => this.#showNow())
  #onNow

  /** `manner`: `chart` alone, or `whole`. `onNow(now)` is told who stands there each time that it is known anew. */
  constructor({ box, manner, onNow = () => {} }) {
    this.#onNow = onNow
    this.#parts = partsOf(manner, {
      onPick: (number) => this.look(number),
      onOlder: () => this.lookBy(-1),
      onNewer: () => this.lookBy(1),
      onLive: () => this.look(null),
      onZoom: (factor) => (factor === null ? this.#chart.fit() : this.#chart.zoomBy(factor)),
    })
    box.replaceChildren(...this.#parts.elements)
    document.addEventListener('visibilitychange', () => this.#follow())
    this.#chart = new Chart(this.#parts.chart, manner === 'chart' ? 'shapes' : 'labels')
  }

  watch(place) {
    if (place === this.#place) return
    this.leave()
    this.#place = place
    this.#follow()
  }

  /** Not while nobody sees the page: a browser has six connections for all its pages of one gateway. */
  #follow() {
    this.#stopFollowing()
    if (this.#place === null || document.visibilityState === 'hidden') return
    this.#stopFollowing = follow({
      open: openActor(this.#place),
      onEvent: (name, data) => this.#onEvent(name, data),
      onOpen: () => setAttribute(this.#parts.status, 'data-lost', null),
      onLost: (problem) => this.#onLost(problem),
    })
  }

  leave() {
    this.#stopFollowing()
    this.#place = null
    this.#now = null
    this.#transitions = []
    this.#looked = null
  }

  /** True: something earlier is looked at, and the page can come back to now. */
  get isPast() {
    return this.#looked !== null
  }

  look(number) {
    this.#looked = number === this.#transitions.at(-1)?.number ? null : number
    this.#show()
  }

  lookBy(by) {
    const at =
      this.#looked === null
        ? this.#transitions.length - 1
        : this.#transitions.findIndex(({ number }) => number === this.#looked)
    const next = this.#transitions[at + by]
    if (next !== undefined) this.look(next.number)
  }

  #onEvent(name, data) {
    if (name === 'now') this.#onNowEvent(data)
    else if (name === 'transition') this.#transitions = [...this.#transitions, data].slice(-TRANSITIONS_MAX)
    else if (name === 'context') {
      const last = this.#transitions.at(-1)
      if (last !== undefined) last.context = data.context
    }
    // A transition that is looked at stays as long as it is kept.
    if (this.#looked !== null && !this.#transitions.some(({ number }) => number === this.#looked)) this.#looked = null
    this.#show()
  }

  #onNowEvent(data) {
    const { past, ...now } = data
    this.#now = now
    this.#transitions = past.slice(-TRANSITIONS_MAX)
    this.#onNow(now)
    const drawn = now.machine === null ? Promise.resolve(null) : drawingOf(now.machine)
    drawn.then((drawing) => this.#chart.show(drawing)).catch(report)
  }

  #onLost(problem) {
    setAttribute(this.#parts.status, 'data-lost', 'true')
    setText(this.#parts.status, 'The connection was lost; trying again.')
    if (problem?.status === 401) report(problem)
  }

  #showNow() {
    if (this.#now === null) return
    const at =
      this.#looked === null
        ? this.#transitions.length - 1
        : this.#transitions.findIndex(({ number }) => number === this.#looked)
    const transition = this.#transitions[at]
    const before = this.#transitions[at - 1]
    const tense = this.#looked === null ? 'now' : 'past'
    const here = standing(this.#now, transition, tense)
    this.#chart.light({
      value: here.state,
      transition: transition && { ...transition, before: before?.state ?? null },
      tense,
    })
    this.#parts.show({ ...here, transition, before, tense, transitions: this.#transitions, place: this.#place })
  }
}

/** As many as the gateway keeps. */
const TRANSITIONS_MAX = 200

/** How the actor stands after a transition; without one as it was found. */
function standing(now, transition, tense) {
  if (transition === undefined) return now
  const { state, status = now.status } = transition
  // Of the transitions from before somebody watched only the names are known.
  const context = transition.context ?? (tense === 'now' ? now.context : undefined)
  const gone = status === 'stopped' || (now.status === 'absent' && transition.status === undefined)
  return { machine: now.machine, status, state: gone && tense === 'now' ? null : state, context }
}

function partsOf(manner, { onPick, onOlder, onNewer, onLive, onZoom }) {
  const status = el('p', { class: 'standing', role: 'status' })
  const chart = el('div', { class: 'chart-box', 'aria-label': 'Statechart' })
  if (manner === 'chart') {
    const link = el('a', {
      class: 'quiet',
      text: 'Transitions',
      title: 'What this session did, transition by transition',
    })
    const show = ({ place, ...seen }) => {
      setText(status, standingWords(seen))
      setAttribute(link, 'href', hrefTo('actors', place))
    }
    const head = el('header', { class: 'side-head' }, status, link)
    return { elements: [head, el('div', { class: 'chart-stage' }, chart)], status, chart, show }
  }
  const stage = el('div', { class: 'chart-stage' }, chart, zoomOf(onZoom))
  const transitions = new Transitions({ onPick, onOlder, onNewer, onLive })
  const context = new Tree(el('div', { class: 'context' }))
  const aside = el(
    'aside',
    { class: 'inspector', 'aria-label': 'Context and transitions' },
    transitions.element,
    el('section', { class: 'held', 'aria-label': 'Context' }, el('h3', { text: 'Context' }), context.element),
  )
  const show = (seen) => {
    setText(status, standingWords(seen))
    transitions.show(seen)
    context.show(seen.context, seen.before?.context)
  }
  return { elements: [status, el('div', { class: 'watched' }, stage, aside)], status, chart, show }
}

function zoomOf(onZoom) {
  const button = (text, title, factor) =>
    el('button', { class: 'tool', type: 'button', title, text, on: { click: () => onZoom(factor) } })
  return el(
    'div',
    { class: 'zoom', role: 'group', 'aria-label': 'Size of the chart' },
    button('−', 'Smaller (−)', 1 / 1.2),
    button('Fit', 'As large as fits (0)', null),
    button('+', 'Larger (+)', 1.2),
  )
}

function standingWords({ machine, state, status, tense }) {
  const states = innermost(state).join(' + ')
  if (status === 'absent' && states === '') return ABSENT[machine] ?? 'Not here now.'
  if (status === 'stopped' && tense !== 'past') return `${ABSENT[machine] ?? 'Not here now.'} It was stopped.`
  const before = tense === 'past' ? 'then in ' : ''
  return states === '' ? status : `${machine}: ${before}${states}${status === 'active' ? '' : `, ${status}`}`
}

const ABSENT = {
  session: 'Not in memory: its next message brings it back.',
  run: 'No run at work.',
  delivery: 'Nothing is owed.',
}
