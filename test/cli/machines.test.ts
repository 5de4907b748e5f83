// Machines: the pictures are whole. What a chart holds is counted from its own configuration, not through the exporter.

import { expect, test } from 'vitest'
import { type AnyStateMachine, type AnyStateNode, createMachine } from 'xstate'
import { channelMachine } from '../../machines/channel.ts'
import { deliveryMachine } from '../../machines/delivery.ts'
import { gatewayMachine } from '../../machines/gateway.ts'
import { mcpMachine } from '../../machines/mcp.ts'
import { partitionMachine } from '../../machines/partition.ts'
import { runMachine } from '../../machines/run.ts'
import { scheduleMachine } from '../../machines/schedule.ts'
import { sessionMachine } from '../../machines/session.ts'
import { machinesCommand } from '../../src/cli/machines.ts'
import { configurationOf, machineNames, mermaidOf } from '../../src/start.ts'
import { folderWith, troupe } from './child.ts'

const CHARTS: Readonly<Record<string, AnyStateMachine>> = {
  gateway: gatewayMachine,
  channel: channelMachine,
  partition: partitionMachine,
  session: sessionMachine,
  run: runMachine,
  delivery: deliveryMachine,
  mcp: mcpMachine,
  schedule: scheduleMachine,
}

/** As much of a configuration as this suite reads. */
interface Config {
  readonly id?: string
  readonly initial?: string
  readonly states?: Readonly<Record<string, Config>>
  readonly on?: Readonly<Record<string, unknown>>
  readonly after?: Readonly<Record<string, unknown>>
  readonly always?: unknown
  readonly invoke?: unknown
}

interface Owed {
  /** The state's id in the picture. */
  readonly from: string
  readonly words: string
  readonly stays: boolean
}

test('every machine, in the order of the tree, and as the help of the command lists them', () => {
  expect(machineNames).toEqual(Object.keys(CHARTS))
  expect(machinesCommand.arguments?.[0]?.says).toContain(machineNames.join(', '))
})

test.each(Object.keys(CHARTS))('the picture of %s names every state', (name) => {
  const picture = mermaidOf(name)
  for (const path of statePaths(configOf(name), []))
    expect(picture).toMatch(new RegExp(`^ *state "${path.at(-1)}" as ${path.join('_')}( \\{)?$`, 'm'))
})

test.each(Object.keys(CHARTS))('the picture of %s names every transition', (name) => {
  expect(missing(mermaidOf(name), name)).toEqual([])
})

test('a picture without one of its transitions would be noticed', () => {
  const lines = mermaidOf('session').split('\n')
  const drawn = lines.flatMap((line, index) => (/ : |^ {4,}\S+ \[|^ +[\w.]+ \//.test(line) ? [index] : []))
  const unnoticed = drawn.filter((index) => missing(lines.toSpliced(index, 1).join('\n'), 'session').length === 0)
  expect(drawn.length).toBeGreaterThan(40)
  expect(unnoticed).toEqual([])
})

test('a transition from a state into itself is drawn from each state that it holds in', () => {
  expect(mermaidOf('gateway')).toContain('\n  starting --> draining : drain\n  serving --> draining : drain\n')
})

test.each(Object.keys(CHARTS))('the configuration of %s is data', (name) => {
  expect(configurationOf(name)).toEqual(JSON.parse(JSON.stringify(CHARTS[name]?.config)))
  expect(configurationOf(name)).toHaveProperty('states')
})

test.each(Object.keys(CHARTS))(
  'the definition of %s is complete: XState makes the same chart of its JSON alone',
  (name) => {
    expect(outline(createMachine(definitionOf(name)).root)).toEqual(outline(chartOf(name).root))
  },
)

test('a definition that lost a word, or leads nowhere, would be noticed', () => {
  const whole = outline(chartOf('session').root)
  const text = JSON.stringify(definitionOf('session'))
  for (const word of ['"guard":"isFull",', '"type":"record"', '"description":"Nothing waits and nothing runs.",']) {
    expect(text).toContain(word)
    expect(
      outline(createMachine(JSON.parse(text.replace(word, word.includes('type') ? '"type":"x"' : ''))).root),
    ).not.toEqual(whole)
  }
  expect(() => createMachine(JSON.parse(text.replace('"target":"draining"', '"target":"dry"')))).toThrow('dry')
})

test('troupe machines: one picture, one definition, or all of them', async () => {
  const folder = folderWith()
  expect(await troupe(['machines', 'run'], { folder })).toEqual({ code: 0, out: mermaidOf('run'), err: '' })
  const json = await troupe(['machines', 'run', '--format', 'json'], { folder })
  expect(JSON.parse(json.out)).toMatchObject({ id: 'run', states: { working: {}, done: {}, failed: {} } })
  const all = await troupe(['machines'], { folder })
  expect(all.out.match(/^## \w+$/gm)).toEqual(machineNames.map((name) => `## ${name}`))
  expect(all.out.match(/^```mermaid\nstateDiagram-v2$/gm)).toHaveLength(machineNames.length)
})

/** Transitions of the chart that its picture does not show where they belong. */
function missing(picture: string, name: string): readonly string[] {
  const unseen = new Map<string, number>()
  const lines = linesByState(picture, name)
  for (const { from, words, stays } of owed(configOf(name), [], name)) {
    const place = `${stays ? 'stays' : 'leaves'} ${from} ${words}`
    unseen.set(place, (unseen.get(place) ?? 0) + 1)
  }
  for (const line of lines) unseen.set(line, (unseen.get(line) ?? 0) - 1)
  return [...unseen].filter(([, count]) => count > 0).map(([place]) => place)
}

/** Each label of the picture, as `missing` names it: without guard parameters and actions. */
function linesByState(picture: string, name: string): readonly string[] {
  const found: string[] = []
  let note: string | null = null
  for (const line of picture.split('\n').map((each) => each.trim())) {
    const arrow = /^(\S+) --> (\S+) : (.*)$/.exec(line)
    const inside = /^(\S+) : (.*)$/.exec(line)
    const opened = /^note right of (\S+)$/.exec(line)
    if (opened !== null) note = opened[1] ?? null
    else if (line === 'end note') note = null
    else if (note !== null) found.push(`stays ${note} ${bare(line)}`)
    else if (arrow !== null)
      found.push(`leaves ${parentOrSelf(arrow[1] ?? '', name, bare(arrow[3] ?? ''))} ${bare(arrow[3] ?? '')}`)
    else if (inside !== null) found.push(`stays ${inside[1]} ${bare(inside[2] ?? '')}`)
  }
  return found
}

/** An arrow may be drawn from a state below the one that it belongs to. */
function parentOrSelf(from: string, name: string, words: string): string {
  const own = owed(configOf(name), [], name)
  if (own.some((each) => each.from === from && each.words === words && !each.stays)) return from
  const parent = from.includes('_') ? from.slice(0, from.lastIndexOf('_')) : `machine_${name}`
  return from === parent ? from : parentOrSelf(parent, name, words)
}

function bare(label: string): string {
  return label.replace(/ \/ .*$/, '').replace(/\[(\w+)[^\]]*\]/, '[$1]')
}

function owed(config: Config, path: readonly string[], name: string): readonly Owed[] {
  const from = path.length === 0 ? `machine_${name}` : path.join('_')
  const labelled: [string, unknown][] = [
    ...Object.entries(config.on ?? {}).map(([event, to]): [string, unknown] => [eventWords(event), to]),
    ...Object.entries(config.after ?? {}).map(([delay, to]): [string, unknown] => [`after ${delay}`, to]),
    ...(config.always === undefined ? [] : [['always', config.always] as [string, unknown]]),
    ...[config.invoke ?? []]
      .flat()
      .flatMap((invoke: { id?: string; onDone?: unknown; onError?: unknown }) => [
        ...(invoke.onDone === undefined ? [] : [[`done ${invoke.id}`, invoke.onDone] as [string, unknown]]),
        ...(invoke.onError === undefined ? [] : [[`error ${invoke.id}`, invoke.onError] as [string, unknown]]),
      ]),
  ]
  const here = labelled.flatMap(([event, to]) =>
    ([to].flat() as (string | { target?: unknown; guard?: unknown })[]).map((each): Owed => {
      const { target, guard } = typeof each === 'string' ? { target: each, guard: undefined } : each
      const named = typeof guard === 'object' && guard !== null && 'type' in guard ? guard.type : guard
      const words = typeof named === 'string' ? `${event} [${named}]` : event
      return { from, words, stays: target === undefined }
    }),
  )
  return [...here, ...Object.entries(config.states ?? {}).flatMap(([key, below]) => owed(below, [...path, key], name))]
}

function eventWords(event: string): string {
  return event.replace(/^xstate\.(done|error)\.actor\./, '$1 ')
}

function statePaths(config: Config, path: readonly string[]): readonly (readonly string[])[] {
  const below = Object.entries(config.states ?? {})
  return [...(path.length === 0 ? [] : [path]), ...below.flatMap(([key, each]) => statePaths(each, [...path, key]))]
}

function configOf(name: string): Config {
  return chartOf(name).config as Config // As much of it as is read here.
}

function chartOf(name: string): AnyStateMachine {
  const chart = CHARTS[name]
  if (chart === undefined) throw new Error(`there is no chart ${name}`)
  return chart
}

function definitionOf(name: string): object {
  return configurationOf(name) as object // Every definition is one.
}

/** What of a chart stands in an editor: its states with their words, and where each transition leads. */
function outline(state: AnyStateNode): unknown {
  const transitions = [state.always ?? [], ...state.transitions.values()].flat()
  return {
    state: [state.id, state.type, state.description],
    doors: [state.entry, state.exit].map((actions) => actions.map(typeOf)),
    invoked: state.invoke.map((each) => [each.id, each.src]),
    waits: state.after.map(({ delay }) => delay),
    first: state.initial?.target?.map((each) => each.id),
    transitions: transitions.map((each) => [
      each.eventType,
      each.target?.map((target) => target.id),
      each.guard === undefined ? null : typeOf(each.guard),
      each.actions.map(typeOf),
      each.reenter,
      each.description,
    ]),
    below: Object.values<AnyStateNode>(state.states).map(outline),
  }
}

/** Parameters that are computed are no part of a picture. */
function typeOf(named: unknown): unknown {
  const held = typeof named === 'object' || typeof named === 'function'
  // Functions are XState's own here: they begin and cancel a wait.
  return held && named !== null && 'type' in named ? named.type : named
}
