// Drawing: a statechart as flat lists of states and arrows, each target resolved, for whoever lays it out and draws it. Pure.
//   Every state and every transition of a chart stands in its drawing: those that lead nowhere else in `stays`.

import {
  chartOf,
  type ChartState,
  type ChartTransition,
  eventOf,
  machineNames,
  transitionsOf,
  wordOf,
} from './machines.ts'

export interface Drawing {
  readonly name: string
  readonly description: string
  /** A parent stands before its children; the first one is the machine itself, with the id "". */
  readonly states: readonly DrawnState[]
  readonly arrows: readonly DrawnArrow[]
}

export interface DrawnState {
  /** `running.working`: the way to it in a state value. */
  readonly id: string
  /** null: it is the machine. */
  readonly parent: string | null
  readonly key: string
  readonly type: string
  readonly description: string
  readonly initial: string | null
  readonly invokes: readonly string[]
  readonly entry: readonly string[]
  /** What it answers and stays. */
  readonly stays: readonly Answer[]
}

export interface Answer {
  /** As it is sent, to find it again among the steps. */
  readonly type: string
  /** In the words of the chart. */
  readonly event: string
  readonly guard: string | null
  readonly actions: readonly string[]
}

export interface DrawnArrow extends Answer {
  readonly from: string
  readonly to: string
}

/** null: there is no such machine. */
export function drawingOf(name: string): Drawing | null {
  if (!machineNames.includes(name)) return null
  const { root, config } = chartOf(name)
  const states = [...offspring(root)]
  return {
    name,
    description: config.description ?? '',
    states: states.map(stateOf),
    arrows: states.flatMap(arrowsOf),
  }
}

function* offspring(state: ChartState): Generator<ChartState> {
  yield state
  for (const below of Object.values(state.states)) yield* offspring(below)
}

function stateOf(state: ChartState): DrawnState {
  const [first] = state.initial.target
  return {
    id: idOf(state),
    parent: state.path.length === 0 ? null : state.path.slice(0, -1).join('.'),
    key: state.key,
    type: state.type,
    description: state.config.description ?? '',
    initial: state.type === 'compound' && first !== undefined ? idOf(first) : null,
    invokes: state.invoke.map(({ id }) => id),
    // XState's own bookkeeping of delays has no name, and is told by the arrows that it leads to.
    entry: state.entry.map(wordOf).filter((word) => word !== 'unnamed'),
    stays: transitionsOf(state)
      .filter(({ target }) => target === undefined)
      .map((transition) => answerOf(state, transition)),
  }
}

function arrowsOf(state: ChartState): DrawnArrow[] {
  return transitionsOf(state).flatMap((transition) =>
    (transition.target ?? []).map((target) => ({
      from: idOf(state),
      to: idOf(target),
      ...answerOf(state, transition),
    })),
  )
}

function answerOf(state: ChartState, { eventType, guard, actions }: ChartTransition): Answer {
  return {
    type: eventType,
    event: eventOf(state, eventType),
    guard: guard === undefined ? null : wordOf(guard),
    actions: actions.map(wordOf),
  }
}

function idOf({ path }: ChartState): string {
  return path.join('.')
}
