// Chart: a statechart drawn from its layout, with the states that are active now and the arrow that was taken last.
// Owns the drawing inside its box, how large it is shown, and which of its states are lit.

import { beforePaint, el, setAttribute, svg } from './dom.js'
import { SMALL, TITLE } from './graph.js'
import { layoutsOf } from './layout.js'
import { innermost } from './words.js'

const SCALE_MAX = 1.25
/** Smaller than this nobody reads it: the chart is scrolled instead. */
const SCALE_MIN = 0.6
/** On a phone the words of all arrows would leave no room for the states; the transitions are listed below. */
const LABELS_WIDTH_MIN = 480
/** Around the chart, both sides together: the padding of its box. */
const MARGIN = 28

export class Chart {
  #box
  #detail
  #frame = null
  #layouts = []
  #layout = null
  #drawing = null
  #states = new Map()
  #arrows = []
  #zoom = null
  /** The state that was brought into view last: a person may scroll away from it. */
  #inView = null
  #lit = { value: null }
  #paint = beforePaint(() => this.#paintNow())
  #wanted = 0

  /** `detail` is `labels`, or `shapes` where there is no room for words. */
  constructor(box, detail) {
    this.#box = box
    this.#detail = detail
    box.classList.add('chart')
    box.tabIndex = 0
    new ResizeObserver(beforePaint(() => this.#resize())).observe(box)
    box.addEventListener('keydown', (event) => this.#onKey(event))
  }

  /** Draws a chart; null: there is none. What was lit before stays to be lit. */
  async show(drawing) {
    if (drawing !== null && drawing.name === this.#drawing?.name) return
    this.#wanted += 1
    const wanted = this.#wanted
    this.#drawing = drawing
    this.#frame = null
    this.#layout = null
    this.#inView = null
    this.#box.replaceChildren()
    if (drawing === null) return
    this.#layouts = []
    const aspect = this.#box.clientWidth / Math.max(1, this.#box.clientHeight)
    const detail = this.#box.clientWidth < LABELS_WIDTH_MIN ? 'shapes' : this.#detail
    const layouts = layoutsOf(drawing, detail, aspect)
    await Promise.all(layouts.map((layout) => layout.then((made) => wanted === this.#wanted && this.#add(made)))).catch(
      (problem) => {
        if (wanted === this.#wanted && this.#layout === null) {
          this.#box.replaceChildren(el('p', { class: 'empty', text: problem.message }))
        }
      },
    )
  }

  /**
   * Lights the states of a snapshot's value. `transition` led there: its arrow is marked; `at` and `number` are the transition's own.
   * `tense` is `now` or `past`.
   */
  light({ value, transition = null, tense = 'now' }) {
    this.#lit = { value, transition, tense }
    this.#paint()
  }

  zoomBy(factor) {
    this.#zoom = Math.min(3, Math.max(0.3, (this.#zoom ?? this.#fitting()) * factor))
    this.#scale()
  }

  fit() {
    this.#zoom = null
    this.#scale()
  }

  #add(layout) {
    this.#layouts.push(layout)
    this.#redrawIfBetter()
  }

  /** Another manner of drawing it is worth the change only when it can be shown clearly better. */
  #redrawIfBetter() {
    const best = this.#layouts.reduce((better, each) => (this.#merit(each) > this.#merit(better) ? each : better))
    const now = this.#layout === null ? 0 : this.#merit(this.#layout)
    if (this.#merit(best) > now * 1.05) this.#redraw(best)
    else this.#scale()
  }

  /** Above 1: all of it can be read at once, the larger the better. Otherwise how much of its width can. */
  #merit(layout) {
    const fitting = this.#scaleOf(layout)
    return fitting >= SCALE_MIN ? 1 + fitting : Math.min(1, this.#box.clientWidth / layout.width / SCALE_MIN)
  }

  #redraw(layout) {
    this.#layout = layout
    const { width, height } = layout
    this.#states = new Map(layout.boxes.map((box) => [box.state.id, stateOf(box)]))
    this.#arrows = layout.arrows.map((arrow) => ({ arrow, element: arrowOf(arrow) }))
    this.#frame = svg(
      'svg',
      { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `Statechart of ${this.#drawing.name}` },
      arrowheads(),
      ...this.#states.values(),
      ...layout.starts.map((points) => svg('path', { class: 'start', d: routed(points), 'marker-end': 'url(#head)' })),
      ...layout.dots.map((dot) =>
        svg('circle', { class: 'dot', cx: dot.x + dot.width / 2, cy: dot.y + dot.height / 2, r: 4 }),
      ),
      ...this.#arrows.map(({ element }) => element),
    )
    this.#box.replaceChildren(this.#frame)
    this.#scale()
    this.#paintNow()
  }

  #paintNow() {
    if (this.#frame === null) return
    const { value, transition, tense } = this.#lit
    const leaves = innermost(value)
    const lit = new Set(leaves.flatMap(lineage))
    for (const [id, element] of this.#states) {
      setAttribute(element, 'data-lit', lit.has(id) ? (leaves.includes(id) ? 'innermost' : 'around') : null)
    }
    for (const { arrow, element } of this.#arrows) {
      const taken = transition !== null && wasTaken(arrow, transition, lit)
      setAttribute(element, 'data-taken', taken ? 'true' : null)
      // Over the others, which share a part of its way.
      if (taken) this.#frame.append(element)
    }
    setAttribute(this.#frame, 'data-tense', tense)
    setAttribute(this.#frame, 'data-number', transition?.number ?? null)
    setAttribute(this.#frame, 'data-at', transition?.at ?? null)
    this.#bringIntoView(leaves[0])
  }

  /** Where the chart is larger than its box, what is active is what a reader wants to see. */
  #bringIntoView(id) {
    const state = this.#layout.boxes.find((box) => box.state.id === id)
    if (state === undefined || id === this.#inView) return
    this.#inView = id
    const scale = this.#frame.clientWidth / this.#layout.width
    const [x, y] = [(state.x + state.width / 2) * scale, (state.y + state.height / 2) * scale]
    const { scrollLeft: left, scrollTop: top, clientWidth: across, clientHeight: down } = this.#box
    if (x > left && x < left + across && y > top && y < top + down) return
    this.#box.scrollTo({ left: x - across / 2, top: y - down / 2 })
  }

  // --- how large it is shown ---

  #resize() {
    if (this.#frame !== null) this.#redrawIfBetter()
  }

  #scale() {
    if (this.#frame === null) return
    const scale = this.#zoom ?? this.#fitting()
    setAttribute(this.#frame, 'width', Math.round(this.#layout.width * scale))
    setAttribute(this.#frame, 'height', Math.round(this.#layout.height * scale))
  }

  #fitting() {
    return Math.max(SCALE_MIN, this.#scaleOf(this.#layout))
  }

  #scaleOf({ width, height }) {
    const across = (this.#box.clientWidth - MARGIN) / width
    const down = (this.#box.clientHeight - MARGIN) / height
    return Math.min(SCALE_MAX, across, down)
  }

  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === '+' || event.key === '=') this.zoomBy(1.2)
    else if (event.key === '-') this.zoomBy(1 / 1.2)
    else if (event.key === '0') this.fit()
  }
}

/** A state and those around it, the machine itself included. */
function lineage(id) {
  const keys = id.split('.')
  return ['', ...keys.map((_, index) => keys.slice(0, index + 1).join('.'))]
}

/** The event fits, it came from where the actor was, and it leads to where the actor is. */
function wasTaken(arrow, { event, before }, lit) {
  const from = new Set(innermost(before).flatMap(lineage))
  return arrow.all.some(({ type }) => type === event) && from.has(arrow.from) && lit.has(arrow.to)
}

// --- elements -----------------------------------------------------------------------------------------------------------

function stateOf({ state, lines, x, y, width, height }) {
  const middle = x + width / 2
  const leaf = state.type !== 'compound' && state.type !== 'parallel'
  const place = leaf ? { x: middle, 'text-anchor': 'middle' } : { x: x + 14 }
  const top = leaf ? y + (height - TITLE.line - lines.length * SMALL.line) / 2 : y + 7
  return svg(
    'g',
    { class: `state ${leaf ? 'leaf' : 'compound'}`, 'data-state': state.id },
    svg('title', { text: [state.id === '' ? state.key : state.id, state.description].filter(Boolean).join(': ') }),
    svg('rect', { x, y, width, height, rx: leaf ? 8 : 12 }),
    state.type === 'final'
      ? svg('rect', { class: 'final', x: x + 3, y: y + 3, width: width - 6, height: height - 6, rx: 6 })
      : null,
    svg('text', { class: 'name', ...place, y: top + TITLE.size, text: state.key }),
    ...lines.map((line, index) =>
      svg('text', { class: 'line', ...place, y: top + TITLE.line + SMALL.size + index * SMALL.line, text: line }),
    ),
  )
}

function arrowOf({ all, words, points, label }) {
  return svg(
    'g',
    { class: 'arrow' },
    svg('title', { text: all.map(toldWhole).join('\n') }),
    svg('path', { d: routed(points), 'marker-end': 'url(#head)' }),
    label === null
      ? null
      : svg('rect', { class: 'behind', x: label.x, y: label.y, width: label.width, height: label.height, rx: 4 }),
    ...(label === null ? [] : words).map((line, index) =>
      svg('text', {
        x: label.x + label.width / 2,
        y: label.y + SMALL.size + index * SMALL.line + 1,
        'text-anchor': 'middle',
        text: line,
      }),
    ),
  )
}

function toldWhole({ event, guard, actions }) {
  return `${event}${guard === null ? '' : ` [${guard}]`}${actions.length === 0 ? '' : ` / ${actions.join(', ')}`}`
}

function arrowheads() {
  const head = { viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: 'auto' }
  return svg(
    'defs',
    {},
    svg('marker', { id: 'head', ...head }, svg('path', { class: 'head', d: 'M0,0.6 L7.6,4 L0,7.4 z' })),
  )
}

const BEND = 7

/** A way through points, with rounded bends. */
function routed(points) {
  const [first, ...rest] = points.filter((point, index) => !isSame(point, points[index - 1]))
  if (first === undefined) return ''
  let d = `M${first.x},${first.y}`
  let last = first
  rest.forEach((point, index) => {
    const next = rest[index + 1]
    if (next === undefined) d += ` L${point.x},${point.y}`
    else {
      const before = towards(point, last)
      const after = towards(point, next)
      d += ` L${before.x},${before.y} Q${point.x},${point.y} ${after.x},${after.y}`
    }
    last = point
  })
  return d
}

function isSame(point, other) {
  return other !== undefined && Math.abs(point.x - other.x) < 0.5 && Math.abs(point.y - other.y) < 0.5
}

/** From a bend a little way towards another point; not further than half of it. */
function towards(bend, other) {
  const length = Math.hypot(other.x - bend.x, other.y - bend.y) || 1
  const share = Math.min(BEND, length / 2) / length
  return { x: bend.x + (other.x - bend.x) * share, y: bend.y + (other.y - bend.y) * share }
}
