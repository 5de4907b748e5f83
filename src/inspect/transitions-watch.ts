// Transitions watch: one watched place: its followers, and the transitions that are kept whole as long as there is one.
//   I4. Bounded by count and bytes; a follower that is too far behind is shown anew where the actor stands.

import type { World } from '../world.ts'
import type { Actor } from './actor.ts'
import {
  CONTEXT_EVERY_MS,
  TRANSITIONS_KEPT_BYTES_MAX,
  TRANSITIONS_KEPT_MAX,
  TRANSITIONS_WAITING_MAX,
} from './limits.ts'
import { contextLine, nowLine, transitionLine, type Taken } from './transition.ts'

/** `now` is where an actor stands with its past, `transition` one more transition, `context` what it holds after a burst of transitions. */
export interface TransitionEvent {
  readonly name: 'now' | 'transition' | 'context'
  /** JSON. */
  readonly data: string
}

export type Emit = (event: TransitionEvent) => void | Promise<void>

export interface TransitionsWatch {
  readonly ids: readonly string[]
  tell(transition: Taken): void
  follow(emit: Emit, signal: AbortSignal): Promise<void>
}

export interface WatchParts {
  readonly place: string
  readonly ids: readonly string[]
  readonly world: World
  readonly actor: () => Actor | undefined
  /** Lines of the transitions that were taken before anybody watched, oldest first. */
  readonly remember: () => readonly string[]
  /** The last follower has left. */
  readonly onUnwatched: () => void
}

export function createWatch({ place, ids, world, actor, remember, onUnwatched }: WatchParts): TransitionsWatch {
  const followers = new Set<Follower>()
  const kept = createKept(remember())
  let contextAtMs = Number.NEGATIVE_INFINITY
  let late: unknown = null
  const now = (): TransitionEvent => ({ name: 'now', data: nowLine(place, actor(), kept.lines()) })

  function push(event: TransitionEvent): void {
    for (const follower of followers) follower.push(event)
  }

  function tellContext(transition: Taken): void {
    late = null
    contextAtMs = world.nowMs()
    push({ name: 'context', data: contextLine(transition) })
  }

  return {
    ids,
    tell(transition) {
      world.clock.clearTimeout(late)
      late = null
      const waitMs = contextAtMs + CONTEXT_EVERY_MS - world.nowMs()
      const line = transitionLine(transition, waitMs <= 0 ? 'with context' : 'without context')
      if (waitMs <= 0) contextAtMs = world.nowMs()
      else late = world.clock.setTimeout(() => tellContext(transition), waitMs)
      kept.add(line)
      push({ name: 'transition', data: line })
    },
    async follow(emit, signal) {
      const follower = createFollower(now)
      followers.add(follower)
      signal.addEventListener('abort', follower.end)
      try {
        if (!signal.aborted) await pump(follower, emit)
      } finally {
        signal.removeEventListener('abort', follower.end)
        followers.delete(follower)
        if (followers.size === 0) {
          world.clock.clearTimeout(late)
          onUnwatched()
        }
      }
    },
  }
}

interface Follower {
  push(event: TransitionEvent): void
  /** null: it has ended. */
  next(): Promise<TransitionEvent | null>
  readonly end: () => void
}

async function pump(follower: Follower, emit: Emit): Promise<void> {
  for (let event = await follower.next(); event !== null; event = await follower.next()) await emit(event)
}

function createFollower(now: () => TransitionEvent): Follower {
  let waiting: TransitionEvent[] = []
  /** What waits is obsolete: where the actor stands is made at the moment of telling. */
  let anew = true
  let ended = false
  let wake = (): void => {}

  return {
    push(event) {
      if (anew) return
      waiting.push(event)
      if (waiting.length > TRANSITIONS_WAITING_MAX) {
        waiting = []
        anew = true
      }
      wake()
    },
    async next() {
      while (!ended && !anew && waiting.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      if (ended) return null
      if (!anew) return waiting.shift() ?? null
      anew = false
      return now()
    },
    end() {
      ended = true
      wake()
    },
  }
}

function createKept(first: readonly string[]) {
  const lines = first.slice(-TRANSITIONS_KEPT_MAX)
  let units = lines.reduce((sum, line) => sum + line.length, 0)
  return {
    add(line: string): void {
      lines.push(line)
      units += line.length
      while (lines.length > TRANSITIONS_KEPT_MAX || units > TRANSITIONS_KEPT_BYTES_MAX)
        units -= lines.shift()?.length ?? units
    },
    lines: (): readonly string[] => lines,
  }
}
