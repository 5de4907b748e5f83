// Memory: what every machine of the tree did last, by names alone, in case somebody looks. One ring for all of them.
//   I1. Nothing is made of a transition that nobody watches: its names are put down, in places that are there already.
//   I4. TRANSITIONS_REMEMBERED_MAX of them, a hundred bytes each. No actor, message or context is held by it.

import type { World } from '../world.ts'
import { type Actor, nameOf, parentOf } from './actor.ts'
import { TRANSITIONS_REMEMBERED_MAX } from './limits.ts'
import { type Remembered, stoodAt } from './transition.ts'

export interface Memory {
  /** Returns the transition's number: the next one, over the whole tree. */
  add(actor: Actor, event: string, state: unknown): number
  /** What was done at a place, oldest first. */
  of(place: readonly string[]): readonly Remembered[]
}

/** Changed in place: a new object for each transition of 100,000 sessions would cost more than the transition's noting. */
interface Slot {
  number: number
  atMs: number
  event: string
  state: unknown
  own: string
  parent: string | undefined
  above: string | undefined
}

export function createMemory(world: World): Memory {
  const ring: Slot[] = []
  let number = 0

  function slot(): Slot {
    const index = number % TRANSITIONS_REMEMBERED_MAX
    const free = ring[index] ?? {
      number: 0,
      atMs: 0,
      event: '',
      state: null,
      own: '',
      parent: undefined,
      above: undefined,
    }
    ring[index] = free
    return free
  }

  return {
    add(actor, event, state) {
      const parent = parentOf(actor)
      const above = parent === undefined ? undefined : parentOf(parent)
      const free = slot()
      number += 1
      free.number = number
      free.atMs = world.nowMs()
      free.event = event
      free.state = state
      free.own = nameOf(actor)
      free.parent = parent === undefined ? undefined : nameOf(parent)
      free.above = above === undefined ? undefined : nameOf(above)
      return number
    },
    of: (place) =>
      ring
        .filter(({ own, parent, above }) => stoodAt([own, parent, above], place))
        .sort((left, right) => left.number - right.number)
        .map(({ number: of, atMs, event, state }) => ({ number: of, atMs, event, state })),
  }
}
