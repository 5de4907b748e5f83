// Steps: what every actor does, for whoever wants to look at one of them. Owns the steps that are remembered and the followers.
//   I1. Nothing that nobody watches is made into a message: of it only names are remembered, in one ring for the whole tree.
//   I2. Looking harms nothing: what is told is made after the transition that it is about, and no error of it reaches an actor.
//   I4. Bounded: what is remembered, what is kept of a watched actor, and what waits for one that reads slowly.

import type { Log } from '../log.ts'
import type { World } from '../world.ts'
import type { Actor, Happened, RootActor } from './actor.ts'
import { STEPS_REMEMBERED_MAX } from './limits.ts'
import { actorAt, idsOf } from './place.ts'
import { type Remembered, remembered, rememberedLine, type Taken } from './step.ts'
import { createWatch, type Emit, type StepsWatch } from './steps-watch.ts'

export interface StepsOptions {
  /** Made; started or not. */
  readonly root: RootActor
  readonly world: World
  readonly log: Log
}

export interface Steps {
  /** Where the actor at a place stands and what it did last, then each step that it takes; resolves when `signal` aborts. */
  follow(place: string, emit: Emit, signal: AbortSignal): Promise<void>
}

export function createSteps({ root, world, log }: StepsOptions): Steps {
  const memory = createMemory()
  const watches = new Map<string, StepsWatch>()
  /** The same watches by the last id of their place: one look for each step of anybody. */
  const watchesById = new Map<string, StepsWatch[]>()
  /** Who sent a message, for those that somebody watches. */
  const senders = new WeakMap<object, Actor>()
  let untold: Taken[] = []
  let number = 0

  root.system.inspect((happened) => {
    if (happened.type === '@xstate.snapshot') note(happened)
    else if (watches.size > 0 && happened.type === '@xstate.event') noteSender(happened)
  })

  function note({ actorRef, event, snapshot }: Happened): void {
    if (event === undefined || typeof snapshot !== 'object' || snapshot === null || !('value' in snapshot)) return
    number += 1
    const step = remembered(actorRef, event.type, { number, atMs: world.nowMs(), state: snapshot.value })
    memory.add(step)
    const watched = watchesById.get(step.ids[0])?.some((watch) => stoodAt(step, watch.ids)) ?? false
    if (!watched) return
    untold.push({ ...step, actor: actorRef, message: event, from: senders.get(event), snapshot })
    if (untold.length === 1) queueMicrotask(tellAll)
  }

  function noteSender({ event, sourceRef }: Happened): void {
    if (event !== undefined && sourceRef !== undefined) senders.set(event, sourceRef)
  }

  function tellAll(): void {
    const told = untold
    untold = []
    for (const step of told) {
      for (const watch of watchesById.get(step.ids[0]) ?? []) {
        if (stoodAt(step, watch.ids)) attempt(log, () => watch.tell(step))
      }
    }
  }

  function begin(place: string): StepsWatch {
    const ids = idsOf(place)
    const id = ids.at(-1) ?? ''
    const remember = () => memory.of(ids).map(rememberedLine)
    const watch = createWatch({ place, ids, world, actor: () => actorAt(root, place), remember, onUnwatched })
    function onUnwatched(): void {
      watches.delete(place)
      const left = (watchesById.get(id) ?? []).filter((other) => other !== watch)
      if (left.length > 0) watchesById.set(id, left)
      else watchesById.delete(id)
    }
    watches.set(place, watch)
    watchesById.set(id, [...(watchesById.get(id) ?? []), watch])
    return watch
  }

  return {
    follow: (place, emit, signal) => (watches.get(place) ?? begin(place)).follow(emit, signal),
  }
}

/** A place names as many ids as it needs, from the top; the root's and a known one's stand alone. */
function stoodAt({ ids: [own, parent, above] }: Remembered, place: readonly string[]): boolean {
  const [last, before, first] = place.toReversed()
  return own === last && (before === undefined || before === parent) && (first === undefined || first === above)
}

function createMemory() {
  const ring: Remembered[] = []
  let next = 0
  return {
    add(step: Remembered): void {
      ring[next] = step
      next = (next + 1) % STEPS_REMEMBERED_MAX
    },
    /** Oldest first. */
    of: (place: readonly string[]): Remembered[] =>
      [...ring.slice(next), ...ring.slice(0, next)].filter((step) => stoodAt(step, place)),
  }
}

function attempt(log: Log, work: () => void): void {
  try {
    work()
  } catch (error) {
    log.error({ err: error }, 'a step could not be told')
  }
}
