// Layout: where the states and arrows of a statechart stand. The work is elkjs's, in a worker, so that the page never waits for
// it; each chart is laid out once in each manner.

import { graphOf, linesOf, nodeId } from './graph.js'

/** Directions by depth: for a box that is wide, one that is about square, and one that is high. */
const MANNERS = [
  ['RIGHT', 'DOWN'],
  ['DOWN', 'RIGHT', 'DOWN'],
  ['DOWN', 'DOWN'],
]

const known = new Map()

/**
 * The same chart in each manner, the one that probably fits a box of this `aspect` (width by height) first: promises of
 * `{ width, height, boxes, dots, starts, arrows }`. `detail` as in graph.js.
 */
export function layoutsOf(drawing, detail, aspect) {
  const first = aspect > 1.7 ? 0 : aspect > 0.75 ? 1 : 2
  const order = [first, ...MANNERS.keys().filter((index) => index !== first)]
  return order.map((index) => layoutOf(drawing, { directions: MANNERS[index], detail }))
}

function layoutOf(drawing, manner) {
  const key = `${drawing.name} ${manner.detail} ${manner.directions.join(' ')}`
  const before = known.get(key)
  if (before !== undefined) return before
  const made = make(drawing, manner)
  known.set(key, made)
  // The next who asks tries again.
  made.catch(() => known.delete(key))
  return made
}

async function make(drawing, manner) {
  const { graph, arrows } = graphOf(drawing, manner)
  const placed = await ask({ cmd: 'layout', graph })
  const nodes = new Map([...offspring(placed)].map((node) => [node.id, node]))
  const edges = new Map(placed.edges.map((edge) => [edge.id, edge]))
  return {
    width: placed.width,
    height: placed.height,
    boxes: drawing.states.map((state) => ({
      state,
      lines: linesOf(state, manner.detail),
      ...frame(nodes.get(nodeId(state.id))),
    })),
    dots: [...nodes.values()].filter(({ id }) => id.startsWith('dot ')).map(frame),
    starts: [...edges.values()].filter(({ id }) => id.startsWith('start ')).map(pointsOf),
    arrows: arrows.map((arrow) => ({
      ...arrow,
      points: arrow.ways.flatMap((id) => pointsOf(edges.get(id))),
      label: edges.get(arrow.ways[0]).labels.map(frame)[0] ?? null,
    })),
  }
}

function* offspring(node) {
  for (const child of node.children ?? []) {
    yield child
    yield* offspring(child)
  }
}

function frame({ x, y, width, height }) {
  return { x, y, width, height }
}

function pointsOf({ sections = [] }) {
  return sections.flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint])
}

// --- the worker ---------------------------------------------------------------------------------------------------------

/** A chart takes a tenth of a second; a worker that is silent for so long never answers. */
const LAYOUT_MS_MAX = 30_000

let worker = null
let asked = 0
const waiting = new Map()

/** elkjs's worker answers each message with one of the same id: `{ id, data }` or `{ id, error }`. */
function ask(message) {
  worker ??= startWorker()
  asked += 1
  const id = asked
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => endWorker('The chart could not be laid out in time.'), LAYOUT_MS_MAX)
    const settled = (settle) => (result) => {
      clearTimeout(timer)
      settle(result)
    }
    waiting.set(id, { resolve: settled(resolve), reject: settled(reject) })
    worker.postMessage({ id, ...message })
  })
}

function startWorker() {
  const started = new Worker('/console/elk-worker.js')
  started.onmessage = ({ data: { id, data, error } }) => {
    const asker = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) asker?.resolve(data)
    else asker?.reject(new Error('The chart could not be laid out.'))
  }
  started.onerror = () => endWorker('The layout of charts could not be loaded.')
  started.postMessage({ id: 0, cmd: 'register', algorithms: ['layered'] })
  return started
}

/** The next who asks starts another one. */
function endWorker(words) {
  worker?.terminate()
  worker = null
  for (const { reject } of waiting.values()) reject(new Error(words))
  waiting.clear()
}
