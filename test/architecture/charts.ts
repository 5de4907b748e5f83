// Charts: what every statechart of machines/ owes to its failures. Read from the running definition, not from its source,
// so that a transition that was put together from pieces counts too.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type AnyStateMachine, type AnyStateNode, StateMachine, setup } from 'xstate'
import { makesChart } from './imports.ts'
import { type Chart, codeIn, ROOT, readProject } from './project.ts'
import type { Finding, Rule } from './rule.ts'

/** The statecharts that the files of machines/ export. A file that cannot be imported has none; the import probe says why. */
export async function readCharts(): Promise<readonly Chart[]> {
  const charts: Chart[] = []
  for (const { path } of codeIn(readProject([]), /^machines\//)) {
    const exported = await import(pathToFileURL(join(ROOT, path)).href).catch(() => ({}))
    for (const value of Object.values(exported))
      if (value instanceof StateMachine) charts.push({ path, machine: value })
  }
  return charts
}

export const chartsAreVisible: Rule = {
  sentence: 'machines/ decides: a statechart is made there, and exported, so that it can be drawn, checked and tested',
  instead: 'make the chart in machines/ with setup().createMachine() and export it; src/actors/ provides its effects',
  find(project) {
    const exported = new Set(project.charts.map(({ path }) => path))
    return [...codeIn(project, /^(machines|src)\//)].flatMap(({ path }) => {
      if (!makesChart(project, path)) return []
      if (path.startsWith('src/')) return [{ path, line: 1, what: 'makes a statechart outside machines/' }]
      return exported.has(path) ? [] : [{ path, line: 1, what: 'makes a statechart and exports none' }]
    })
  },
  breaches: {
    'a chart in an actor': { 'src/actors/a.ts': 'const a = setup({}).createMachine({})' },
    'a chart nobody sees': { 'machines/a.ts': 'const a = createMachine({})' },
    'a chart behind a function': { 'machines/a.ts': 'export const a = () => setup({}).createMachine<B>({})' },
  },
}

export const noWildcard: Rule = {
  sentence: 'no `*` transition: it would swallow a child’s crash',
  instead: 'name the messages that the state answers; what it does not know must not be swallowed',
  find: (project) =>
    inStates(project.charts, (state) => ('*' in (state.config.on ?? {}) ? ['swallows everything with `*`'] : [])),
  breaches: {
    'at the top': planted({ on: { '*': {} } }),
    'deep inside': planted({ initial: 'a', states: { a: { initial: 'b', states: { b: { on: { '*': {} } } } } } }),
  },
  fine: { 'a named family': planted({ on: { 'message.*': {} } }) },
}

export const invokesAnswerErrors: Rule = {
  sentence: 'every invoke has onError: nothing is lost in silence',
  instead: 'add onError and say what the failure means in this state',
  find: (project) =>
    inStates(project.charts, (state) =>
      [state.config.invoke ?? []].flat().flatMap((invoke, index) => {
        const answered = typeof invoke === 'object' && 'onError' in invoke && invoke.onError !== undefined
        return answered ? [] : [`invoke ${index + 1} has no onError`]
      }),
    ),
  breaches: {
    'one without': planted({ initial: 'a', states: { a: { invoke: { src: 'work', onDone: {} } } } }),
    'one of two without': planted({ invoke: [{ src: 'work', onError: {} }, { src: 'work' }] }),
  },
  fine: { 'one with': planted({ invoke: { src: 'work', onError: {} } }) },
}

const SUPERVISORS = ['machines/gateway.ts', 'machines/channel.ts', 'machines/partition.ts']
const OWED = ['xstate.error.actor.*', 'xstate.done.actor.*']

export const supervisorsAnswer: Rule = {
  sentence: 'a supervisor handles xstate.error.actor.* and xstate.done.actor.* of its children',
  instead: 'answer both at the top of the chart, with stopChild among the actions',
  find(project) {
    return SUPERVISORS.flatMap((path) => {
      const chart = project.charts.find((each) => each.path === path)
      if (chart === undefined) return [{ path, line: 1, what: 'exports no statechart yet' }]
      const missing = OWED.filter((event) => !answersEverywhere(chart.machine.root, event))
      return missing.map((event) => ({ path, line: 1, what: `has a state that does not answer ${event}` }))
    })
  },
  breaches: {
    'no supervisor at all': { charts: [] },
    'a crash goes unanswered': supervisors({ on: { 'xstate.done.actor.*': {} } }),
    'an end goes unanswered': supervisors({ on: { 'xstate.error.actor.*': {} } }),
    'one state does not answer': supervisors({
      initial: 'a',
      states: { a: { on: { 'xstate.error.actor.*': {}, 'xstate.done.actor.*': {} } }, b: {} },
    }),
  },
  fine: {
    'both at the top': supervisors({ on: { 'xstate.error.actor.*': {}, 'xstate.done.actor.*': {} } }),
    'in each state but the last': supervisors({
      initial: 'a',
      states: { a: { on: { 'xstate.error.actor.*': {}, 'xstate.done.actor.*': {} } }, b: { type: 'final' } },
    }),
  },
}

/** True when the event is answered here or, failing that, in every state below that can still receive one. */
function answersEverywhere(state: AnyStateNode, event: string): boolean {
  if (state.type === 'final' || event in (state.config.on ?? {})) return true
  const below = Object.values(state.states)
  return below.length > 0 && below.every((each) => answersEverywhere(each, event))
}

function inStates(charts: readonly Chart[], objections: (state: AnyStateNode) => readonly string[]): Finding[] {
  return charts.flatMap(({ path, machine }) =>
    statesOf(machine.root).flatMap((state) =>
      objections(state).map((what) => ({ path, line: 1, what: `state "${state.id}" ${what}` })),
    ),
  )
}

function statesOf(state: AnyStateNode): readonly AnyStateNode[] {
  return [state, ...Object.values(state.states).flatMap(statesOf)]
}

/** A planted chart; its type is widened because the rules read any chart. */
function chartOf(config: object): AnyStateMachine {
  return setup({}).createMachine(config)
}

function planted(config: object): { readonly charts: readonly Chart[] } {
  return { charts: [{ path: 'machines/planted.ts', machine: chartOf(config) }] }
}

function supervisors(config: object): { readonly charts: readonly Chart[] } {
  return { charts: SUPERVISORS.map((path) => ({ path, machine: chartOf(config) })) }
}
