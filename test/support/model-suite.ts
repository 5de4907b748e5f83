// Model suite: what every model owes. Every state by its shortest way, every pair of a state and an event, simple paths, random
// walks; subjects that are broken on purpose and must be caught; every transition of the charts taken; and its line in
// test/README.md.
//   `npm test` takes a sample of the simple paths and walks; `npm run paths` takes many more, with a seed that it prints.

import { describe, expect, test } from 'vitest'
import type { AnyStateMachine, SnapshotFrom } from 'xstate'
import { keepFigures, lineIn, renewing, writeLine } from './model-figures.ts'
import {
  caughtBy,
  type Model,
  type Path,
  randomWalks,
  shortestPaths,
  simplePaths,
  type Subject,
  tours,
} from './paths.ts'
import { statesOf, Taken, transitionsOf } from './transitions.ts'

export interface ModelPart<T extends AnyStateMachine> {
  readonly model: Model<T>
  /** The real thing, watched. */
  readonly subject: (taken: Taken) => Subject<T> | Promise<Subject<T>>
  /** What of a state the simple paths look at; default: its value. */
  readonly look?: (state: SnapshotFrom<T>) => unknown
  /** By what is wrong with them. */
  readonly broken: Readonly<Record<string, () => Subject<T> | Promise<Subject<T>>>>
}

/** One part, whatever its model is: a record of parts has one model each. */
export type AnyPart = ModelPart<never>

export interface ModelSuite {
  /** Its line in the table. */
  readonly name: string
  /** Charts of which every transition must be taken; none where several actors are looked at together. */
  readonly charts: readonly AnyStateMachine[]
  readonly parts: Readonly<Record<string, AnyPart>>
}

/** All that a script may take instead of a sample. */
const ALL = process.env['TROUPE_PATHS'] === 'all'
const SEED = Number(process.env['TROUPE_SEED'] ?? 1)
const SIMPLE = { seed: SEED, count: ALL ? 5_000 : 25 }
const WALKS = { seed: SEED, count: ALL ? 500 : 5, steps: ALL ? 60 : 40 }

export function part<T extends AnyStateMachine>(given: ModelPart<T>): AnyPart {
  return given as unknown as AnyPart // Its model, its subject and its states are of one machine; nobody mixes parts.
}

export function modelSuite({ name, charts, parts }: ModelSuite): void {
  const taken = new Taken()
  const figures = Object.entries(parts).map(([title, each]) => describePart(title, each, taken))
  const began = performance.now()

  test.each(charts)(`every transition of $id was taken`, (chart) => {
    expect(taken.missing(chart), 'no test takes these transitions: give the model what leads to them').toEqual([])
  })

  test(`the line of ${name} in test/README.md`, () => {
    const count = (of: (figure: Figures) => number) => figures.reduce((total, figure) => total + of(figure), 0)
    const transitions = charts.flatMap(transitionsOf).length
    const cells = [
      charts.flatMap(statesOf).length,
      transitions,
      transitions - charts.flatMap((chart) => taken.missing(chart)).length,
      count(({ states }) => states),
      count(({ shortest }) => shortest),
      count(({ enabled }) => enabled),
      count(({ ignored }) => ignored),
      count(({ simple }) => simple),
      count(({ walks }) => walks),
      count(({ broken }) => broken),
    ]
    keepFigures(name, cells, performance.now() - began)
    if (ALL) return
    if (renewing()) writeLine(name, cells)
    expect(lineIn(name), 'run "npm run paths:table" to renew the table').toEqual(cells.map(String))
  })
}

interface Figures {
  readonly states: number
  readonly shortest: number
  readonly enabled: number
  readonly ignored: number
  readonly simple: number
  readonly walks: number
  readonly broken: number
}

function describePart(title: string, { model, subject, look, broken }: AnyPart, taken: Taken): Figures {
  const shortest = shortestPaths(model)
  const touring = tours(model)
  const simple = simplePaths(model, look ?? (({ value }: { value: unknown }) => value), SIMPLE)
  const walks = randomWalks(model, WALKS)
  const play = async (path: Path<never>): Promise<void> => path.on(await subject(taken))

  describe(title, () => {
    describe('every state by its shortest way', () => {
      test.each(shortest)('$description', (path) => play(path))
    })
    test.each(touring.paths)('every enabled pair taken, every other one tried: $description', (path) => play(path))
    test.each(simple)('a path that meets nothing twice: $description', (path) => play(path))
    test.each(walks)(`a walk of seed ${SEED}: $description`, (path) => play(path))
    test.each(Object.entries(broken))('is caught when %s', async (_, wrong) => {
      // By a comparison: a rig that breaks down itself catches nothing.
      expect(await caughtBy(allOf(shortest, touring.paths), wrong)).toMatch(/^AssertionError/)
    })
  })
  const { states, enabled, ignored } = touring
  return {
    states,
    shortest: shortest.length,
    enabled,
    ignored,
    simple: simple.length,
    walks: walks.length,
    broken: Object.keys(broken).length,
  }
}

function* allOf<V>(...lists: readonly (readonly V[])[]): Generator<V> {
  for (const list of lists) yield* list
}
