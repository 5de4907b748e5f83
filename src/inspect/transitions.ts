// Transitions: what every actor does, for whoever wants to look at one of them. Owns the transitions that are remembered and the followers.
//   I1. Nothing that nobody watches is made into a message: of it only names are remembered, in one ring for the whole tree.
//   I2. Looking harms nothing: what is told is made after the transition that it is about, and no error of it reaches an actor.
//   I4. Bounded: what is remembered, what is kept of a watched actor, and what waits for one that reads slowly.

import type { Log } from '../log.ts'
import type { World } from '../world.ts'
import type { Actor } from './actor.ts'
import { actorAt, idsOf, type Tree } from './place.ts'
import { createMemory } from './memory.ts'
import { noticeAll } from './reports.ts'
import { type Ids, idsAbove, rememberedLine, stoodAt, type Taken } from './transition.ts'
import { createWatch, type Emit, type TransitionsWatch } from './transitions-watch.ts'

export interface TransitionsOptions {
  /** Made; started or not. */
  readonly root: Tree
  readonly world: World
  readonly log: Log
}

export interface Transitions {
  /** Where the actor at a place stands and what it did last, then each transition that it takes; resolves when `signal` aborts. */
  follow(place: string, emit: Emit, signal: AbortSignal): Promise<void>
}

export function createTransitions({ root, world, log }: TransitionsOptions): Transitions {
  const memory = createMemory(world)
  const watches = new Watches()
  /** Who sent a message, for those that somebody watches. */
  const senders = new WeakMap<object, Actor>()
  let untold: Taken[] = []

  noticeAll(root, ({ type, actorRef, sourceRef, event, snapshot }) => {
    if (event === undefined) return
    if (type === '@xstate.snapshot') note(actorRef, event, snapshot)
    else if (type === '@xstate.event' && watches.any && sourceRef !== undefined) senders.set(event, sourceRef)
  })

  function note(actor: Actor, message: { readonly type: string }, snapshot: unknown): void {
    if (typeof snapshot !== 'object' || snapshot === null || !('value' in snapshot)) return
    const number = memory.add(actor, message.type, snapshot.value)
    if (!watches.any) return
    const ids = idsAbove(actor)
    if (watches.of(ids).length === 0) return
    const names = { number, atMs: world.nowMs(), event: message.type, state: snapshot.value }
    untold.push({ ...names, ids, actor, message, from: senders.get(message), snapshot })
    if (untold.length === 1) queueMicrotask(tellAll)
  }

  function tellAll(): void {
    const told = untold
    untold = []
    for (const transition of told) {
      for (const watch of watches.of(transition.ids)) attempt(log, () => watch.tell(transition))
    }
  }

  function begin(place: string): TransitionsWatch {
    const ids = idsOf(place)
    const remember = (): string[] => memory.of(ids).map(rememberedLine)
    const onUnwatched = (): void => watches.remove(place)
    const watch = createWatch({ place, ids, world, actor: () => actorAt(root, place), remember, onUnwatched })
    watches.add(place, watch)
    return watch
  }

  return {
    follow: (place, emit, signal) => (watches.at(place) ?? begin(place)).follow(emit, signal),
  }
}

/** Watches by their places, and by the last id of each: one look for each transition of anybody. */
class Watches {
  readonly #byPlace = new Map<string, TransitionsWatch>()
  #byId = new Map<string, TransitionsWatch[]>()

  get any(): boolean {
    return this.#byPlace.size > 0
  }

  at(place: string): TransitionsWatch | undefined {
    return this.#byPlace.get(place)
  }

  of(ids: Ids): readonly TransitionsWatch[] {
    return (this.#byId.get(ids[0]) ?? []).filter((watch) => stoodAt(ids, watch.ids))
  }

  add(place: string, watch: TransitionsWatch): void {
    this.#byPlace.set(place, watch)
    this.#sort()
  }

  remove(place: string): void {
    this.#byPlace.delete(place)
    this.#sort()
  }

  #sort(): void {
    this.#byId = Map.groupBy(this.#byPlace.values(), ({ ids }) => ids.at(-1) ?? '')
  }
}

function attempt(log: Log, work: () => void): void {
  try {
    work()
  } catch (error) {
    log.error({ err: error }, 'a transition could not be told')
  }
}
