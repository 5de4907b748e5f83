// Watcher: one actor, live: its chart, what it holds, and what it did, step by step. Owns the stream of the actor that is watched,
// and which of its steps is looked at: the newest, or an earlier one.

import { Chart } from './chart.js'
import { beforePaint, el, setAttribute, setText } from './dom.js'
import { machine, openActor } from './gateway.js'
import { hrefTo, report } from './shell.js'
import { Steps } from './steps.js'
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
  #steps = []
  /** The number of the step that is looked at; null: the newest, as it comes. */
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
    this.#chart = new Chart(this.#parts.chart, manner === 'chart' ? 'shapes' : 'labels')
  }

  watch(place) {
    if (place === this.#place) return
    this.leave()
    this.#place = place
    this.#stopFollowing = follow({
      open: openActor(place),
      onEvent: (name, data) => this.#onEvent(name, data),
      onOpen: () => setAttribute(this.#parts.status, 'data-lost', null),
      onLost: (problem) => this.#onLost(problem),
    })
  }

  leave() {
    this.#stopFollowing()
    this.#place = null
    this.#now = null
    this.#steps = []
    this.#looked = null
  }

  /** True: something earlier is looked at, and the page can come back to now. */
  get isPast() {
    return this.#looked !== null
  }

  look(number) {
    this.#looked = number === this.#steps.at(-1)?.number ? null : number
    this.#show()
  }

  lookBy(by) {
    const at =
      this.#looked === null ? this.#steps.length - 1 : this.#steps.findIndex(({ number }) => number === this.#looked)
    const next = this.#steps[at + by]
    if (next !== undefined) this.look(next.number)
  }

  #onEvent(name, data) {
    if (name === 'now') this.#onNowEvent(data)
    else if (name === 'step') this.#steps = [...this.#steps, data].slice(-STEPS_MAX)
    else if (name === 'context') {
      const last = this.#steps.at(-1)
      if (last !== undefined) last.context = data.context
    }
    // A step that is looked at stays as long as it is kept.
    if (this.#looked !== null && !this.#steps.some(({ number }) => number === this.#looked)) this.#looked = null
    this.#show()
  }

  #onNowEvent(data) {
    const { past, ...now } = data
    this.#now = now
    this.#steps = past.slice(-STEPS_MAX)
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
      this.#looked === null ? this.#steps.length - 1 : this.#steps.findIndex(({ number }) => number === this.#looked)
    const step = this.#steps[at]
    const before = this.#steps[at - 1]
    const tense = this.#looked === null ? 'now' : 'past'
    const here = standing(this.#now, step, tense)
    this.#chart.light({ value: here.state, step: step && { ...step, before: before?.state ?? null }, tense })
    this.#parts.show({ ...here, step, before, tense, steps: this.#steps, place: this.#place })
  }
}

/** As many as the gateway keeps. */
const STEPS_MAX = 200

/** How the actor stands after a step; without one as it was found. */
function standing(now, step, tense) {
  if (step === undefined) return now
  const { state, status = now.status } = step
  // Of the steps from before somebody watched only the names are known.
  const context = step.context ?? (tense === 'now' ? now.context : undefined)
  const gone = status === 'stopped' || (now.status === 'absent' && step.status === undefined)
  return { machine: now.machine, status, state: gone && tense === 'now' ? null : state, context }
}

function partsOf(manner, { onPick, onOlder, onNewer, onLive, onZoom }) {
  const status = el('p', { class: 'standing', role: 'status' })
  const chart = el('div', { class: 'chart-box', 'aria-label': 'Statechart' })
  if (manner === 'chart') {
    const link = el('a', { class: 'quiet', text: 'Steps', title: 'What this session did, step by step' })
    const show = ({ place, ...seen }) => {
      setText(status, standingWords(seen))
      setAttribute(link, 'href', hrefTo('actors', place))
    }
    const head = el('header', { class: 'side-head' }, status, link)
    return { elements: [head, el('div', { class: 'chart-stage' }, chart)], status, chart, show }
  }
  const stage = el('div', { class: 'chart-stage' }, chart, zoomOf(onZoom))
  const steps = new Steps({ onPick, onOlder, onNewer, onLive })
  const context = new Tree(el('div', { class: 'context' }))
  const aside = el(
    'aside',
    { class: 'inspector', 'aria-label': 'Context and steps' },
    steps.element,
    el('section', { class: 'held', 'aria-label': 'Context' }, el('h3', { text: 'Context' }), context.element),
  )
  const show = (seen) => {
    setText(status, standingWords(seen))
    steps.show(seen)
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
