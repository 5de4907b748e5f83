// Definitions: a statechart is a picture that somebody else can open: Stately's editor, its extension, its inspector. They read
// the definition as JSON or as it is written, and have nothing of our code. Read from the JSON that leaves.

import { type AnyStateMachine, assign, setup } from 'xstate'
import { makesChart } from './imports.ts'
import { codeIn, type Chart, lineAt, type Node, nameOf, walk } from './project.ts'
import type { Finding, Rule } from './rule.ts'

/** A chart's configuration, or a part of it, as JSON or as it is in memory. */
type Config = Readonly<Record<string, unknown>>

/** What computes data for a name that stands beside it. An editor shows the name, and needs no more. */
const COMPUTED = new Set(['context', 'input', 'output', 'params'])

export const chartsAreWritten: Rule = {
  sentence: 'a chart is written out in one literal: an editor reads the file and does not run it',
  instead: 'write names, and give whatever is computed a name in setup()',
  find: (project) =>
    [...codeIn(project, /^machines\//)].flatMap(({ path, text, code }) => {
      const findings: Finding[] = []
      walk(code.program, (call) => {
        if (call.type !== 'CallExpression' || nameOf((call['callee'] as Node)['property']) !== 'createMachine') return
        for (const node of unwritten((call['arguments'] as readonly Node[])[0]))
          findings.push({ path, line: lineAt(text, node.start), what: `has a ${node.type} in its chart` })
      })
      return makesChart(project, path) ? findings : []
    }),
  breaches: {
    'an inline action': { 'machines/a.ts': 'setup({}).createMachine({ entry: () => {} })' },
    'an action that a call makes': { 'machines/a.ts': 'words.createMachine({ entry: assign({}) })' },
    'a part from elsewhere': { 'machines/a.ts': 'words.createMachine({ on: { a: { actions: [...OVER] } } })' },
    'a state from elsewhere': { 'machines/a.ts': 'words.createMachine({ states: { idle } })' },
    'a name that is put together': { 'machines/a.ts': 'words.createMachine({ on: { [`a.${b}`]: "c" } })' },
    'a whole chart from elsewhere': { 'machines/a.ts': 'words.createMachine(config)' },
  },
  fine: {
    'data that is computed beside a name': {
      'machines/a.ts': `words.createMachine({ context: ({ input }) => input, invoke: { src: 'a', input: f },
        entry: [{ type: 'b', params: g(1) }] })`,
    },
  },
}

/** The nodes of a chart that are not written out. */
function unwritten(node: Node | undefined): readonly Node[] {
  if (node === undefined) return []
  switch (node.type) {
    case 'Literal':
      return []
    case 'ObjectExpression':
      return (node['properties'] as readonly Node[]).flatMap(unwritten)
    case 'ArrayExpression':
      return (node['elements'] as readonly Node[]).flatMap(unwritten)
    case 'Property':
      if (node['computed'] === true) return [node]
      return COMPUTED.has(nameOf(node['key']) ?? '') ? [] : unwritten(node['value'] as Node)
    default:
      return [node]
  }
}

export const chartsAreData: Rule = {
  sentence: 'a chart’s definition is data: as JSON it is whole',
  instead:
    'name actions, guards, actors and delays in setup(); nothing but context, input, output and params may be computed',
  find: (project) =>
    inCharts(project.charts, ({ config }) => {
      const lost: string[] = []
      const look = (value: unknown, place: string): void => {
        if (value === null || ['string', 'boolean', 'undefined'].includes(typeof value) || Number.isFinite(value))
          return
        if (typeof value !== 'object') lost.push(place)
        else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
          for (const [key, part] of Object.entries(value))
            if (!COMPUTED.has(key) || typeof part !== 'function') look(part, `${place}.${key}`)
        } else lost.push(place)
      }
      look(config, 'chart')
      return lost.map((place) => `loses ${place}`)
    }),
  breaches: {
    'an inline action': planted({ entry: () => {} }),
    'an action of XState’s own': planted({ on: { a: { actions: [assign({})] } } }),
    'an inline guard': planted({ on: { a: { guard: () => true } } }),
    'an inline actor': planted({ invoke: { src: setup({}).createMachine({}) } }),
    'a date': planted({ meta: { since: new Date(0) } }),
  },
  fine: { 'computed data': planted({ context: () => ({}), entry: { type: 'a', params: () => ({}) } }) },
}

export const chartsName: Rule = {
  sentence:
    'what a chart names is there: every action, guard, actor and delay in its setup(), every target among its states',
  instead: 'add the word to setup(), or correct the name',
  find: (project) =>
    inCharts(project.charts, ({ config, machine }) => {
      const { actions, guards, actors, delays } = machine.implementations
      const among = (words: object, kind: string) => (name: string) =>
        Object.hasOwn(words, name) ? [] : [`names the ${kind} ${name}, which its setup() has not`]
      return [
        ...wordsIn(config, ['actions', 'entry', 'exit']).flatMap(among(actions, 'action')),
        ...wordsIn(config, ['guard']).flatMap(among(guards, 'guard')),
        ...wordsIn(config, ['src']).flatMap(among(actors, 'actor')),
        ...delaysIn(config).flatMap(among(delays, 'delay')),
      ]
    }),
  breaches: {
    'an action': planted({ on: { a: { actions: ['b'] } } }),
    'an action at the door': planted({ initial: 'a', states: { a: { exit: { type: 'b' } } } }),
    'a guard': planted({ always: { guard: { type: 'b' } } }),
    'an actor': planted({ invoke: { src: 'b', onError: {} } }),
    'a delay': planted({ after: { b: {} } }),
  },
  fine: {
    'all that is there': {
      charts: [
        {
          path: 'machines/planted.ts',
          machine: setup({ actions: { b: () => {} }, delays: { c: 1 } }).createMachine({
            entry: 'b',
            after: { c: { actions: { type: 'b' } }, 5: {} },
          }) as AnyStateMachine, // Any chart, as every other.
        },
      ],
    },
  },
}

export const chartsDescribe: Rule = {
  sentence: 'a chart explains itself: every state has a description, and every message one where it is answered',
  instead: 'say in a sentence what is so in the state, or what the message does there',
  find: (project) =>
    inCharts(project.charts, ({ config }) => {
      const states = statesIn(config, []).filter(({ state }) => !described(state))
      const answers = statesIn(config, []).flatMap(({ state }) => Object.entries((state['on'] ?? {}) as Config))
      const explained = new Set(answers.filter(([, answer]) => [answer].flat().some(described)).map(([event]) => event))
      const bare = new Set(answers.map(([event]) => event).filter((event) => !explained.has(event)))
      return [
        ...states.map(({ path }) => `does not describe its state ${path.join('.') || 'at the top'}`),
        ...[...bare].map((event) => `describes ${event} nowhere`),
      ]
    }),
  breaches: {
    'a chart without a word': { charts: [{ path: 'machines/planted.ts', machine: setup({}).createMachine({}) }] },
    'a state': planted({ initial: 'a', states: { a: {} } }),
    'a state with an empty word': planted({ initial: 'a', states: { a: { description: ' ' } } }),
    'a message': planted({ on: { a: {} } }),
    'a message by its target alone': planted({ initial: 'a', states: { a: { description: 'A.', on: { b: 'a' } } } }),
  },
  fine: { 'one of two answers': planted({ on: { a: [{ description: 'Does.', guard: 'b' }, {}] } }) },
}

// --- reading a definition -----------------------------------------------------------------------------------------------

interface Definition {
  readonly config: Config
  readonly machine: AnyStateMachine
}

function inCharts(charts: readonly Chart[], objections: (definition: Definition) => readonly string[]): Finding[] {
  return charts.flatMap(
    ({ path, machine }) =>
      objections({ config: machine.config as Config, machine }).map((what) => ({ path, line: 1, what })), // Any chart's.
  )
}

interface Place {
  readonly state: Config
  readonly path: readonly string[]
}

function statesIn(state: Config, path: readonly string[]): readonly Place[] {
  const below = Object.entries((state['states'] ?? {}) as Readonly<Record<string, Config>>)
  return [{ state, path }, ...below.flatMap(([key, each]) => statesIn(each, [...path, key]))]
}

/** The names that stand under these keys, anywhere in a definition. */
function wordsIn(value: unknown, keys: readonly string[]): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, part]) =>
    keys.includes(key) ? [part].flat().flatMap(wordOf) : COMPUTED.has(key) ? [] : wordsIn(part, keys),
  )
}

function wordOf(named: unknown): readonly string[] {
  if (typeof named === 'string') return [named]
  const type: unknown = typeof named === 'object' && named !== null && 'type' in named ? named.type : undefined
  return typeof type === 'string' ? [type] : []
}

function delaysIn(config: Config): readonly string[] {
  const waits = statesIn(config, []).flatMap(({ state }) => Object.keys(state['after'] ?? {}))
  return waits.filter((delay) => !/^\d+$/.test(delay))
}

function described(part: unknown): boolean {
  const text: unknown = typeof part === 'object' && part !== null && 'description' in part ? part.description : ''
  return typeof text === 'string' && text.trim() !== ''
}

function planted(config: Config): { readonly charts: readonly Chart[] } {
  const machine: AnyStateMachine = setup({}).createMachine({ id: 'planted', description: 'Planted.', ...config })
  return { charts: [{ path: 'machines/planted.ts', machine }] }
}
