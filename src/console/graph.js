// Graph: a statechart as elkjs wants it. Pure but for the width of words, which a canvas knows.
//   Each state with states inside it is laid out by itself, in a direction of its own: that keeps a deep chart compact. An arrow
//   from one of them to another goes through a port in each border on its way; arrows from inside the same state to the same
//   target leave it through one port and share the way from there.

const FONT = 'system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif'
export const TITLE = { size: 13, line: 18 }
export const SMALL = { size: 11, line: 15 }
const LINE_UNITS_MAX = 34
const LABEL_LINES_MAX = 5
const DOT = 9

const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.portConstraints': 'FIXED_SIDE',
  'elk.nodeSize.constraints': 'MINIMUM_SIZE PORTS',
  'elk.spacing.nodeNode': '18',
  'elk.spacing.edgeNode': '10',
  'elk.spacing.edgeEdge': '9',
  'elk.spacing.edgeLabel': '2',
  'elk.spacing.portPort': '10',
  'elk.layered.spacing.nodeNodeBetweenLayers': '18',
  'elk.layered.spacing.edgeNodeBetweenLayers': '10',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '8',
  // In the order in which the chart says its states: who reads it finds the beginning first.
  'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
}

const SIDES = { RIGHT: { out: 'EAST', in: 'WEST' }, DOWN: { out: 'SOUTH', in: 'NORTH' } }

/**
 * `{ graph, arrows }`; each arrow has its `words` and the `ways` (ids of edges) that it goes. `directions` by depth; `detail` is
 * `labels`, or `shapes` where there is no room for words.
 */
export function graphOf(drawing, { directions, detail }) {
  const borders = new Borders(drawing)
  const edges = new Map()
  const arrows = merged(drawing.arrows).map((arrow) => {
    const stops = borders.stopsOf(arrow)
    const ways = stops.slice(1).map((stop, index) => {
      // The first part of the way is an arrow's own: its label stands there.
      const id = index === 0 ? `${arrow.id} #` : `${stops[index]} → ${stop}`
      const labels = index === 0 && detail === 'labels' ? [labelOf(arrow)] : []
      if (!edges.has(id)) edges.set(id, { id, sources: [stops[index]], targets: [stop], labels })
      return id
    })
    return { ...arrow, ways }
  })
  for (const { id, initial } of drawing.states) {
    if (initial === null) continue
    const edge = { id: `start ${id}`, sources: [`dot ${id}`], targets: [borders.end(initial, 'in', initial)] }
    edges.set(edge.id, edge)
  }
  const root = nodeOf(drawing.states[0], { drawing, directions, detail, borders, depth: 0 })
  const layoutOptions = { ...OPTIONS, 'elk.padding': '[top=6,left=6,bottom=6,right=6]' }
  return { graph: { id: 'chart', layoutOptions, children: [root], edges: [...edges.values()] }, arrows }
}

export function nodeId(id) {
  return `state ${id}`
}

/** Under a state's name: what it does, and what it answers without leaving. */
export function linesOf(state, detail) {
  if (detail === 'shapes') return []
  const stays = [...new Set(state.stays.map(({ event }) => event))].map((event) => `⟲ ${event}`)
  return short([...state.invokes.map((name) => `do / ${name}`), ...stays], 3).map(clipped)
}

/** The ports in the borders of states that have states inside. */
class Borders {
  #parents
  #compound
  #ports = new Map()

  constructor({ states }) {
    this.#parents = new Map(states.map(({ id, parent }) => [id, parent]))
    this.#compound = new Set(states.map(({ parent }) => parent))
  }

  portsOf(state) {
    return [...this.#ports.values()].filter((port) => port.state === state)
  }

  /** Where an arrow begins or ends: at a state, or at a port of one that has a border. */
  end(state, kind, to) {
    return this.#compound.has(state) ? this.#port(state, kind, `${to} itself`) : nodeId(state)
  }

  /** Every place that an arrow passes, its ends included. */
  stopsOf({ from, to }) {
    const out = this.#lineage(from)
    const into = this.#lineage(to)
    if (from === to) return [this.end(from, 'out', to), this.end(to, 'in', to)]
    const down = (above) =>
      into
        .slice(1, into.indexOf(above))
        .reverse()
        .map((state) => this.#port(state, 'in', to))
    // From a state into itself it begins at the inside of the border; the other way round it ends there.
    if (into.includes(from)) return [this.#port(from, 'inside', to), ...down(from), this.end(to, 'in', to)]
    const up = (above) => out.slice(1, out.indexOf(above)).map((state) => this.#port(state, 'out', to))
    if (out.includes(to)) return [this.end(from, 'out', to), ...up(to), this.#port(to, 'inside', to)]
    const common = out.find((state) => into.includes(state))
    return [this.end(from, 'out', to), ...up(common), ...down(common), this.end(to, 'in', to)]
  }

  #port(state, kind, to) {
    const id = `port ${state} ${kind} ${to}`
    this.#ports.set(id, { id, state, kind })
    return id
  }

  /** A state and those around it, innermost first. */
  #lineage(id) {
    const line = []
    for (let state = id; state !== null && state !== undefined; state = this.#parents.get(state)) line.push(state)
    return line
  }
}

function nodeOf(state, inside) {
  const { drawing, directions, detail, borders, depth } = inside
  const below = drawing.states.filter((each) => each.parent === state.id)
  const { width, height } = sizeOf(state, detail)
  if (below.length === 0) return { id: nodeId(state.id), width, height }
  const outer = SIDES[directions[Math.max(0, depth - 1)]]
  const ports = borders.portsOf(state.id).map(({ id, kind }) => {
    return { id, width: 0, height: 0, layoutOptions: { 'elk.port.side': outer[kind] ?? 'WEST' } }
  })
  const dot = { id: `dot ${state.id}`, width: DOT, height: DOT }
  return {
    id: nodeId(state.id),
    ports,
    layoutOptions: {
      ...OPTIONS,
      'elk.direction': directions[Math.min(depth, directions.length - 1)],
      'elk.padding': `[top=${height + 4},left=14,bottom=14,right=14]`,
      'elk.nodeSize.minimum': `(${width}, ${height})`,
    },
    children: [
      ...(state.initial === null ? [] : [dot]),
      ...below.map((each) => nodeOf(each, { ...inside, depth: depth + 1 })),
    ],
  }
}

function sizeOf(state, detail) {
  const lines = linesOf(state, detail)
  const width = Math.max(measure(state.key, TITLE.size, 600), ...lines.map((line) => measure(line, SMALL.size)))
  return { width: Math.ceil(width) + 28, height: TITLE.line + lines.length * SMALL.line + 14 }
}

// --- arrows -------------------------------------------------------------------------------------------------------------

/** Arrows between the same two states are drawn as one. */
function merged(arrows) {
  const found = new Map()
  for (const arrow of arrows) {
    const id = `${arrow.from} → ${arrow.to}`
    const one = found.get(id) ?? { id, from: arrow.from, to: arrow.to, all: [] }
    found.set(id, { ...one, all: [...one.all, arrow] })
  }
  return [...found.values()].map((arrow) => ({ ...arrow, words: wordsOf(arrow.all) }))
}

/** Each event, and under it the guards that it needs. */
function wordsOf(arrows) {
  const guards = new Map()
  for (const { event, guard } of arrows) {
    guards.set(event, [...(guards.get(event) ?? []), ...(guard === null ? [] : [`[${guard}]`])])
  }
  return short(
    [...guards].flatMap(([event, all]) => [event, ...all]),
    LABEL_LINES_MAX,
  ).map(clipped)
}

function labelOf({ id, words }) {
  const width = Math.max(...words.map((line) => measure(line, SMALL.size))) + 8
  const inline = { 'elk.edgeLabels.inline': 'true' }
  return {
    id: `label ${id}`,
    text: words.join('\n'),
    width,
    height: words.length * SMALL.line + 2,
    layoutOptions: inline,
  }
}

function short(lines, max) {
  return lines.length <= max ? lines : [...lines.slice(0, max - 1), `+ ${lines.length - max + 1} more`]
}

function clipped(line) {
  return line.length <= LINE_UNITS_MAX ? line : `${line.slice(0, LINE_UNITS_MAX - 1)}…`
}

const pen = document.createElement('canvas').getContext('2d')

function measure(text, size, weight = 400) {
  pen.font = `${weight} ${size}px ${FONT}`
  return pen.measureText(text).width
}
