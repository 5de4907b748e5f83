// Paths: every test that walks through a model goes through here, so that a change of the package is a change of one file.
// A model is a small machine of what can be observed; a subject is the real thing, played and compared after each event.
//   What a model holds is where it is, but for `said` in its context: that is what the last event led to. It is compared as well,
//   and two states that differ in nothing else are one.
//   Shortest paths are those of @xstate/test. What it lacks is made of xstate/graph: tours that take every enabled pair of a
//   state and an event and try every other one, simple paths through a coarser look, and random walks with a seed.

import {
  type AnyStateMachine,
  type EventFromLogic,
  type EventObject,
  initialTransition,
  type MachineContext,
  setup,
  type SnapshotFrom,
} from 'xstate'
import {
  type AdjacencyValue,
  createTestModel as createGraphModel,
  getAdjacencyMap,
  getSimplePaths,
  type TestParam,
} from 'xstate/graph'

export interface Model<T extends AnyStateMachine> {
  readonly machine: T
  /** Everything that may happen, each with what it carries. */
  readonly events: readonly EventFromLogic<T>[]
  /** What the world can do in a state; what it cannot is never played. Left out: everything, always. */
  readonly possible?: (state: SnapshotFrom<T>, event: EventFromLogic<T>) => boolean
}

export interface Subject<T extends AnyStateMachine> {
  /** Does to the real thing what the event says. */
  play(event: EventFromLogic<T>): Promise<void>
  /** Throws when the real thing does not look as the model says. */
  compare(state: SnapshotFrom<T>): void | Promise<void>
  /** Lets go of what it holds. */
  close?(): Promise<void>
}

export interface Path<T extends AnyStateMachine> {
  readonly description: string
  /** Events on it. */
  readonly length: number
  /** Plays it on a fresh subject, compares at the beginning and after each event, and closes the subject. */
  on(subject: Subject<T>): Promise<void>
}

export interface Tours<T extends AnyStateMachine> {
  readonly paths: readonly Path<T>[]
  /** Different states of the model. */
  readonly states: number
  /** Pairs of a state and an event that lead somewhere or make it say something; each is taken at least once. */
  readonly enabled: number
  /** Pairs that must change nothing; each is tried at least once. */
  readonly ignored: number
}

/** A model that is easier said as a function than as a chart: what is seen after an event, from what was seen before it. */
export function reducerModel<C extends MachineContext, E extends EventObject>(
  beginning: C,
  next: (seen: C, event: E) => C,
) {
  const words = setup({ types: { context: {} as C, events: {} as E } })
  return words.createMachine({
    context: beginning,
    on: { '*': { actions: words.assign(({ context, event }) => next(context, event)) } },
  })
}

/** A package that need not be there: everything but shortest paths is made without it. */
const shortest = await import('@xstate/test').catch((error: NodeJS.ErrnoException) => {
  if (error.code === 'ERR_MODULE_NOT_FOUND') return null
  throw error
})

/**
 * One path to each state, by the shortest way; a path that is the beginning of another is not played by itself.
 * Throws when @xstate/test is not installed.
 */
export function shortestPaths<T extends AnyStateMachine>(model: Model<T>): Path<T>[] {
  if (shortest === null)
    throw new Error(
      'Shortest paths are those of @xstate/test: npm install --save-dev --save-exact @xstate/test@1.0.0-beta.5',
    )
  const graph = graphOf(model)
  // Without the first the package takes a state that is reached by two transitions for two.
  const found = shortest.createTestModel(model.machine as never, { serializeTransition: () => '' })
  const paths = found.getShortestPaths({ events: eventsIn(model), serializeState: keyOf } as never)
  return paths.map((path) => {
    // The package remembers one state of each key: these are the ones that the path leads through.
    const trail = [beginningOf(model.machine), ...trailOf(graph, path.steps)]
    path.steps.splice(0, path.steps.length, ...(trail as never[]))
    return pathOf<T>(path)
  })
}

/** Every enabled pair of a state and an event at least once, and in each state everything that it must ignore. */
export function tours<T extends AnyStateMachine>(model: Model<T>): Tours<T> {
  const graph = graphOf(model)
  const open = new Map([...graph].map(([key, { moves }]) => [key, new Set(moves.keys())]))
  const unlooked = new Set(graph.keys())
  const trails: Step[][] = []
  for (let trail = tour({ graph, open, unlooked }); trail !== null; trail = tour({ graph, open, unlooked }))
    trails.push(trail)
  const nodes = [...graph.values()]
  return {
    paths: playable(model, trails),
    states: graph.size,
    enabled: sum(nodes.map(({ moves }) => moves.size)),
    ignored: sum(nodes.map(({ ignored }) => ignored.length)),
  }
}

/**
 * A few paths that take at least one pair of each kind, where `kind` says what a pair is taken for. For subjects that are slow: what
 * is left out is of a kind with something that is walked.
 */
export function oneOfEachKind<T extends AnyStateMachine>(
  model: Model<T>,
  kind: (before: SnapshotFrom<T>, event: EventFromLogic<T>, after: SnapshotFrom<T>) => unknown,
): Path<T>[] {
  const graph = graphOf(model)
  const known = new Set<string>()
  const states = new Map(
    [...graph.values()].flatMap(({ moves }) => [...moves.values()].map(({ to, state }) => [to, state])),
  )
  const [beginning = ''] = graph.keys()
  states.set(beginning, beginningOf(model.machine).state)
  const open = new Map<string, Set<string>>()
  // From the beginning outwards, so that the first of a kind is a near one.
  for (const [key, { moves }] of graph) {
    const names = [...moves].flatMap(([name, { event, state }]) => {
      const pair = JSON.stringify(kind(states.get(key) as never, event as never, state as never)) // States and events of the model.
      if (known.has(pair)) return []
      known.add(pair)
      return [name]
    })
    open.set(key, new Set(names))
  }
  const trails: Step[][] = []
  const left = { graph, open, unlooked: new Set<string>() }
  for (let trail = tour(left); trail !== null; trail = tour(left)) trails.push(trail)
  return playable(model, trails)
}

/**
 * Every path that meets no look twice, where `look` says what of a state is looked at. (All simple paths of a model are too
 * many to walk: they grow with the factorial of its states.) With a sample: that many of them, chosen by the seed.
 * States that look alike may answer differently: a path ends where its next event is not the state's own.
 */
export function simplePaths<T extends AnyStateMachine>(
  model: Model<T>,
  look: (state: SnapshotFrom<T>) => unknown,
  sample?: Sample,
): Path<T>[] {
  const found = getSimplePaths(model.machine, {
    events: eventsIn(model),
    serializeState: (state: SnapshotFrom<T>) => JSON.stringify(look(state)),
  } as never)
  const graph = graphOf(model)
  const trails = found.map(({ steps }) => trailOf(graph, steps as Step[]))
  const different = [
    ...new Map(trails.map((trail) => [JSON.stringify(trail.map(({ event }) => event)), trail])).values(),
  ]
  return playable(model, sample === undefined ? different : chosen(different, sample))
}

export interface Sample {
  readonly seed: number
  readonly count: number
}

/** Walks that ask the dice at each step; one in five steps is something that must be ignored. */
export function randomWalks<T extends AnyStateMachine>(model: Model<T>, sample: Sample & { readonly steps: number }) {
  const graph = graphOf(model)
  const roll = dice(sample.seed)
  const trails = Array.from({ length: sample.count }, () => {
    let node = first(graph)
    const trail: Step[] = []
    for (let step = 0; step < sample.steps; step += 1) {
      const moves = [...node.moves.values()]
      const aside = moves.length === 0 || (node.ignored.length > 0 && roll(5) === 0)
      if (aside && node.ignored.length === 0) break
      const move = pick(aside ? node.ignored : moves, roll)
      node = nodeAt(graph, move.to)
      trail.push(move)
    }
    return trail
  })
  return playable(model, trails)
}

/** What the first path that fails says; null when the subject passes all: then whatever is wrong with it was not caught. */
export async function caughtBy<T extends AnyStateMachine>(
  paths: Iterable<Path<T>>,
  subject: () => Subject<T> | Promise<Subject<T>>,
): Promise<string | null> {
  for (const path of paths) {
    try {
      await path.on(await subject())
    } catch (error) {
      return String(error)
    }
  }
  return null
}

// --- the graph of a model ---

interface Step {
  readonly event: { readonly type: string }
  /** What the event leads to. */
  readonly state: unknown
}

interface Move extends Step {
  readonly to: string
}

interface Node {
  /** By the name of the event. */
  readonly moves: ReadonlyMap<string, Move>
  readonly ignored: readonly Move[]
}

interface Graph extends ReadonlyMap<string, Node> {}

function graphOf<T extends AnyStateMachine>(model: Model<T>): Graph {
  const options = { events: eventsIn(model), serializeState: keyOf, limit: MOVES_MAX }
  const adjacency = getAdjacencyMap(model.machine, options as never)
  const graph = new Map<string, Node>()
  // The package gives its keys a type of their own, and so hides what stands behind them.
  const nodes = Object.entries(adjacency) as [string, AdjacencyValue<unknown, Step['event']>][]
  for (const [key, { transitions }] of nodes) {
    const all = Object.entries(transitions).map(
      ([name, { event, state }]) => [name, { event, state, to: keyOf(state) }] as const,
    )
    const ignored = all.filter(([, { state, to }]) => to === key && saysNothing(state))
    const moves = new Map(all.filter((move) => !ignored.includes(move)))
    graph.set(key, { moves, ignored: ignored.map(([, move]) => move) })
  }
  return graph
}

/** A model with more than this is not one that anybody walks: something in its context grows for ever. */
const MOVES_MAX = 50_000

function eventsIn<T extends AnyStateMachine>({ events, possible = () => true }: Model<T>) {
  return (state: SnapshotFrom<T>) => events.filter((event) => possible(state, event))
}

function keyOf(state: unknown): string {
  const { value, context } = state as { value: unknown; context: Record<string, unknown> } // A machine's snapshot.
  return JSON.stringify({ value, context: { ...context, said: undefined } })
}

function saysNothing(state: unknown): boolean {
  const { context } = state as { context: { said?: readonly unknown[] } } // A machine's snapshot.
  return context.said === undefined || context.said.length === 0
}

/** The states that events really lead to, from where the model begins. */
function trailOf(graph: Graph, steps: readonly Step[]): Step[] {
  const trail: Step[] = []
  let node = first(graph)
  for (const { event } of steps.slice(1)) {
    const name = JSON.stringify(event)
    const move = node.moves.get(name)
    if (move === undefined) break
    node = nodeAt(graph, move.to)
    trail.push(move)
  }
  return trail
}

function nodeAt(graph: Graph, key: string): Node {
  const node = graph.get(key)
  if (node === undefined) throw new Error('a move leads to a state of the model')
  return node
}

/** The first that a map holds is where the model begins. */
function first(graph: Graph): Node {
  const [node] = graph.values()
  if (node === undefined) throw new Error('a model has at least one state')
  return node
}

// --- tours ---

/** A failing tour is read by a person: it is not longer than this, but for the way to its first open pair. */
const TOUR_STEPS_MAX = 60

interface Left {
  readonly graph: Graph
  /** Names of the moves that no tour took yet, by state. */
  readonly open: ReadonlyMap<string, Set<string>>
  /** States whose ignored events were not tried yet. */
  readonly unlooked: Set<string>
}

/** One tour from the beginning through what is left; null when nothing is. */
function tour({ graph, open, unlooked }: Left): Step[] | null {
  const trail: Step[] = []
  let [at = ''] = graph.keys()
  let useful = false
  for (;;) {
    const node = nodeAt(graph, at)
    if (unlooked.delete(at)) {
      useful = true
      trail.push(...node.ignored)
    }
    const way = trail.length >= TOUR_STEPS_MAX && useful ? null : wayToOpen(graph, open, at)
    if (way === null) return useful ? trail : null
    for (const name of way) {
      const move = nodeAt(graph, at).moves.get(name)
      if (move === undefined) throw new Error('a way is made of moves')
      if (open.get(at)?.delete(name) === true) useful = true
      at = move.to
      trail.push(move)
    }
  }
}

/** The shortest way from a state to a move that is open, with that move; null when none can be reached. */
function wayToOpen(graph: Graph, open: Left['open'], from: string): string[] | null {
  const ways = new Map<string, string[]>([[from, []]])
  for (const [at, way] of ways) {
    const [name] = open.get(at) ?? []
    if (name !== undefined) return [...way, name]
    for (const [move, { to }] of graph.get(at)?.moves ?? []) if (!ways.has(to)) ways.set(to, [...way, move])
  }
  return null
}

// --- from trails to paths ---

/** Trails as test paths of the package: it plays, compares, and says in a failure how far it came. */
function playable<T extends AnyStateMachine>(model: Model<T>, trails: readonly (readonly Step[])[]): Path<T>[] {
  const whole = trails.map((steps): Step[] => [beginningOf(model.machine), ...steps])
  const paths = whole.map((steps) => ({ steps, state: steps.at(-1)?.state, weight: steps.length }))
  const found = createGraphModel(model.machine)
  return found.getPaths(() => paths as never, { allowDuplicatePaths: true }).map(pathOf<T>)
}

function beginningOf(machine: AnyStateMachine): Step {
  // A model takes no input.
  const [state] = initialTransition(machine, ...([undefined] as [never]))
  return { event: { type: 'xstate.init' }, state }
}

/** The packages type a path for one machine and one version; these are alike where they are used. */
function pathOf<T extends AnyStateMachine>(path: unknown): Path<T> {
  const { steps, test } = path as { steps: readonly Step[]; test(params: TestParam<never, never>): Promise<unknown> }
  const events = steps.slice(1).map(({ event }) => event)
  return {
    description: events.map(nameOf).join(' → ') || 'the beginning',
    length: events.length,
    async on(subject) {
      const play = (step: Step) => subject.play(step.event as EventFromLogic<T>) // An event of the model.
      const states = { '*': (state: unknown) => subject.compare(state as SnapshotFrom<T>) }
      const plays = Object.fromEntries(events.map(({ type }) => [type, play]))
      try {
        await test({ states, events: plays })
      } finally {
        await subject.close?.()
      }
    },
  }
}

function nameOf({ type, ...carried }: Step['event']): string {
  const values = Object.values(carried)
  return values.length === 0 ? type : `${type}(${values.join(', ')})`
}

// --- dice ---

type Dice = (sides: number) => number

function dice(seed: number): Dice {
  let state = seed % 2_147_483_647 || 1
  return (sides) => {
    state = (state * 48_271) % 2_147_483_647
    return state % sides
  }
}

function pick<V>(values: readonly V[], roll: Dice): V {
  const value = values[roll(values.length)]
  if (value === undefined) throw new Error('dice choose from something')
  return value
}

function chosen<V>(values: readonly V[], { seed, count }: Sample): V[] {
  const roll = dice(seed)
  const left = [...values]
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(roll(left.length), 1)).flat()
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
