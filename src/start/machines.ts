// Machines: the statecharts as text, for `troupe machines` and whatever draws them. Pure.
//   Read from the charts that run, not from a copy: a picture cannot lag behind.
//   Every state and every transition of a chart stands in its picture.

import { channelMachine } from '../../machines/channel.ts'
import { deliveryMachine } from '../../machines/delivery.ts'
import { gatewayMachine } from '../../machines/gateway.ts'
import { mcpMachine } from '../../machines/mcp.ts'
import { partitionMachine } from '../../machines/partition.ts'
import { runMachine } from '../../machines/run.ts'
import { scheduleMachine } from '../../machines/schedule.ts'
import { sessionMachine } from '../../machines/session.ts'

/** As much of an XState machine as is drawn. */
export interface Chart {
  readonly root: ChartState
  readonly config: { readonly description?: string }
}

export interface ChartState {
  readonly key: string
  readonly path: readonly string[]
  readonly type: string
  readonly states: Readonly<Record<string, ChartState>>
  readonly initial: { readonly target: readonly ChartState[] }
  readonly transitions: ReadonlyMap<string, readonly ChartTransition[]>
  readonly always?: readonly ChartTransition[] | undefined
  readonly after: readonly { readonly eventType: string; readonly delay: unknown }[]
  readonly config: { readonly description?: string }
  readonly invoke: readonly { readonly id: string }[]
  readonly entry: readonly unknown[]
}

export interface ChartTransition {
  readonly eventType: string
  readonly target: readonly ChartState[] | undefined
  readonly guard?: unknown
  readonly actions: readonly unknown[]
}

const CHARTS: readonly Chart[] = [
  gatewayMachine,
  channelMachine,
  partitionMachine,
  sessionMachine,
  runMachine,
  deliveryMachine,
  mcpMachine,
  scheduleMachine,
]

/** In the order of the supervision tree. */
export const machineNames: readonly string[] = CHARTS.map(({ root }) => root.key)

/** A mermaid `stateDiagram-v2`; the name must be one of `machineNames`. */
export function mermaidOf(name: string): string {
  const { root } = chartOf(name)
  return ['stateDiagram-v2', ...blockOf(root, '  '), ...arrowsOf(root), ''].join('\n')
}

/** The chart's own configuration; effects, guards and delays stand in it by their names. */
export function configurationOf(name: string): unknown {
  return JSON.parse(JSON.stringify(chartOf(name).config))
}

export function describeMachine(name: string): string {
  return chartOf(name).config.description ?? ''
}

// --- states -----------------------------------------------------------------------------------------------------------

/** A state with everything that stands inside it. */
function blockOf(state: ChartState, indent: string): string[] {
  const id = idOf(state)
  const staying = transitionsOf(state).filter(({ target }) => target === undefined)
  const below = Object.values(state.states)
  const head = `${indent}state "${state.key}" as ${id}`
  // A state without states below it has room for what it answers and stays; a compound one needs a note for that.
  if (below.length === 0) return [head, ...staying.map((each) => `${indent}${id} : ${labelOf(state, each)}`)]
  return [
    `${head} {`,
    ...state.initial.target.map((first) => `${indent}  [*] --> ${idOf(first)}`),
    ...below.flatMap((each) => blockOf(each, `${indent}  `)),
    ...below.filter(({ type }) => type === 'final').map((each) => `${indent}  ${idOf(each)} --> [*]`),
    `${indent}}`,
    ...noteOf(state, staying, indent),
  ]
}

function noteOf(state: ChartState, staying: readonly ChartTransition[], indent: string): string[] {
  if (staying.length === 0) return []
  const lines = staying.map((each) => `${indent}  ${labelOf(state, each)}`)
  return [`${indent}note right of ${idOf(state)}`, ...lines, `${indent}end note`]
}

// --- transitions ------------------------------------------------------------------------------------------------------

/** Outside of all states: an arrow written inside a state would draw its other end in there too. */
function arrowsOf(state: ChartState): string[] {
  const own = transitionsOf(state).flatMap((transition) =>
    (transition.target ?? []).flatMap((target) =>
      sourcesOf(state, target, transition).map(
        (source) => `  ${idOf(source)} --> ${idOf(target)} : ${labelOf(state, transition)}`,
      ),
    ),
  )
  return [...own, ...Object.values(state.states).flatMap(arrowsOf)]
}

/**
 * Mermaid cannot draw an arrow from a state into itself. Such a transition holds in each state below, except where that
 * one answers the same event in its own way.
 */
function sourcesOf(state: ChartState, target: ChartState, { eventType }: ChartTransition): readonly ChartState[] {
  const inside = target !== state && state.path.every((key, index) => target.path[index] === key)
  if (!inside) return [state]
  return Object.values(state.states).filter(({ type, transitions }) => type !== 'final' && !transitions.has(eventType))
}

export function transitionsOf(state: ChartState): readonly ChartTransition[] {
  return [...(state.always ?? []), ...[...state.transitions.values()].flat()]
}

/** `event [guard] / action, action`, in the words of the chart. */
function labelOf(state: ChartState, transition: ChartTransition): string {
  const guard = transition.guard === undefined ? '' : ` [${wordOf(transition.guard)}]`
  const actions = transition.actions.map(wordOf).join(', ')
  return `${eventOf(state, transition.eventType)}${guard}${actions === '' ? '' : ` / ${actions}`}`
}

export function eventOf(state: ChartState, eventType: string): string {
  if (eventType === '') return 'always'
  const delayed = state.after.find((each) => each.eventType === eventType)
  return delayed === undefined
    ? eventType.replace(/^xstate\.(done|error)\.actor\./, '$1 ')
    : `after ${String(delayed.delay)}`
}

/** The name of a guard or an action, with its parameters when they are data. */
export function wordOf(named: unknown): string {
  if (typeof named === 'string') return named
  if (typeof named !== 'object' || named === null || !('type' in named)) return 'unnamed'
  const params = 'params' in named && typeof named.params === 'object' && named.params !== null ? named.params : {}
  const values = Object.values(params).filter((value) => typeof value === 'string')
  return `${String(named.type)}${values.length === 0 ? '' : ` ${values.join(' ')}`}`
}

function idOf({ path, key }: ChartState): string {
  return path.length === 0 ? `machine_${key}` : path.join('_')
}

export function chartOf(name: string): Chart {
  const chart = CHARTS.find(({ root }) => root.key === name)
  if (chart === undefined) throw new Error(`there is no machine ${name}`)
  return chart
}
