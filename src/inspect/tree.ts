// Tree: one page of the supervision tree at a time, for whoever looks at it. Nothing is kept: each page is read from the living
// actors at the moment of asking.

import { type Actor, childrenOf, machineOf, nameOf } from './actor.ts'
import { actorAt, placeOf, type Tree } from './place.ts'
import { statusOf } from './transition.ts'

export interface ActorRow {
  readonly place: string
  readonly id: string
  /** null: an effect, which has no chart. */
  readonly machine: string | null
  /** `running.working`; null without a chart. */
  readonly state: string | null
  readonly status: string
  readonly children: number
}

export interface ActorsQuery {
  /** A place; whose children, or among whose offspring. */
  readonly under: string
  /** Part of an id, in any case; empty: the children as they are. */
  readonly search: string
  readonly offset: number
  readonly limit: number
}

export interface ActorsPage {
  readonly actor: ActorRow
  readonly rows: readonly ActorRow[]
  /** All that there are; null for a search, which ends when it has enough. */
  readonly total: number | null
}

/** null: nobody stands there. */
export function actorsPage(root: Tree, { under, search, offset, limit }: ActorsQuery): ActorsPage | null {
  const actor = actorAt(root, under)
  if (actor === undefined) return null
  const from = { actor: rowOf(actor) }
  if (search === '') {
    const children = childrenOf(actor)
    return { ...from, rows: children.slice(offset, offset + limit).map(rowOf), total: children.length }
  }
  return {
    ...from,
    rows: found(actor, search.toLowerCase(), offset + limit)
      .slice(offset)
      .map(rowOf),
    total: null,
  }
}

function found(top: Actor, search: string, limit: number): Actor[] {
  const all: Actor[] = []
  // Level by level: supervisors come before what they supervise.
  for (let level = childrenOf(top); level.length > 0; level = level.flatMap(childrenOf)) {
    for (const actor of level) {
      if (nameOf(actor).toLowerCase().includes(search)) all.push(actor)
      if (all.length === limit) return all
    }
  }
  return all
}

function rowOf(actor: Actor): ActorRow {
  const snapshot = actor.getSnapshot()
  return {
    place: placeOf(actor),
    id: nameOf(actor),
    machine: machineOf(actor) ?? null,
    state: stateOf(part(snapshot, 'value')),
    status: statusOf(snapshot),
    children: childrenOf(actor).length,
  }
}

/** `running.working` of `{ running: 'working' }`. None of our charts has parallel states; of one the regions would be joined. */
function stateOf(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return null
  const regions = Object.entries(value).map(([key, below]) => {
    const rest = stateOf(below)
    return rest === null || rest === '' ? key : `${key}.${rest}`
  })
  return regions.join(' + ')
}

function part(snapshot: unknown, name: string): unknown {
  return typeof snapshot === 'object' && snapshot !== null && name in snapshot ? Reflect.get(snapshot, name) : undefined
}
