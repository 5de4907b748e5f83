// Inspector: looks at a running tree and tells what happens in it, in the words and the order of @statelyai/inspect.
//   I1. Nothing that nobody watches is made into a message; when nobody listens the tree is not even looked at.
//   I2. Looking harms nothing: what is told is made after the transition that it is about, and no error of it reaches an actor.
//   I3. Nothing is told of an actor before the actor is introduced.
// XState says things in order and synchronously: they are noted as they are, and told when the code that ran is done.

import type { Log } from '../log.ts'
import type { World } from '../world.ts'
import { type Actor, childrenOf, type Happened, parentOf, type RootActor } from './actor.ts'
import { LIVING_BYTES_MAX, LIVING_MAX, UNTOLD_MAX } from './limits.ts'
import { actorLine, eventLine, type Line, type Setting, snapshotLine } from './messages.ts'
import { listenTo } from './reports.ts'
import { createWatched, type Watch } from './watch.ts'

export interface InspectorOptions {
  /** Made; started or not. */
  readonly root: RootActor
  readonly watch: Watch
  /** Message texts, names and instructions leave too. Secrets and the words of errors never do. */
  readonly texts: boolean
  readonly world: World
  readonly log: Log
}

export interface Inspector {
  /** Tells each message from now on, shortly after it happened; the function that it returns ends it. */
  listen(tell: Tell): () => void
  /** Everyone who is alive and watched, as a message each, parents first; bounded in number and bytes. */
  living(): Iterable<Line>
}

/** `introductions` are the messages that name its actor and those above it, for a listener who does not know them yet. */
export type Tell = (line: Line, introductions: () => Line[]) => void

interface Noted {
  readonly happened: Happened
  readonly atMs: number
  /** Of a new actor: filled in when it starts, because until then it has none. */
  snapshot: unknown
}

export function createInspector({ root, watch, texts, world, log }: InspectorOptions): Inspector {
  const watched = createWatched(watch)
  const setting = (atMs: number): Setting => ({ rootId: root.sessionId, atMs, texts, watched })
  const introduce = (actor: Actor, atMs: number) => actorLine(actor, actor.getSnapshot(), setting(atMs))

  function lineOf({ happened, atMs, snapshot }: Noted): Line {
    const { actorRef, event, sourceRef } = happened
    if (event === undefined) return actorLine(actorRef, snapshot ?? actorRef.getSnapshot(), setting(atMs))
    if (happened.type === '@xstate.event') return eventLine(actorRef, event, { ...setting(atMs), source: sourceRef })
    return snapshotLine(actorRef, event, { ...setting(atMs), snapshot: happened.snapshot })
  }

  return {
    listen(tell) {
      const notes = createNotes((noted) => {
        const { actorRef } = noted.happened
        tell(lineOf(noted), () => lineage(actorRef, watched).map((actor) => introduce(actor, noted.atMs)))
      }, log)
      const wanted = ({ type, actorRef }: Happened): boolean => KINDS.has(type) && watched(actorRef)
      const stop = listenTo(root, wanted, (happened) => notes.add(happened, world.nowMs()))
      return () => {
        stop()
        notes.drop()
      }
    },
    *living() {
      let [count, bytes] = [0, 0]
      for (const actor of fromTheTop(root)) {
        if (!watched(actor)) continue
        const line = introduce(actor, world.nowMs())
        count += 1
        bytes += line.bytes.length
        if (count > LIVING_MAX || bytes > LIVING_BYTES_MAX) return
        yield line
      }
    },
  }
}

/** Microsteps and actions are on nobody's wire. */
const KINDS: ReadonlySet<string> = new Set(['@xstate.actor', '@xstate.event', '@xstate.snapshot'])

/** Notes what happened until the code that runs now is done. `add` and `drop` never throw. */
function createNotes(tell: (noted: Noted) => void, log: Log) {
  let untold: Noted[] = []
  const unborn = new Map<Actor, Noted>()

  function tellAll(): void {
    const noted = untold
    untold = []
    unborn.clear()
    for (const each of noted) {
      try {
        tell(each)
      } catch (error) {
        log.error({ err: error, happened: each.happened.type }, 'the inspector could not tell what happened')
      }
    }
  }

  return {
    add(happened: Happened, atMs: number): void {
      const { actorRef } = happened
      const noted: Noted = { happened, atMs, snapshot: undefined }
      if (happened.type === '@xstate.actor') unborn.set(actorRef, noted)
      else if (happened.type === '@xstate.event') {
        // Its first event is its start: the snapshot that it has now is the one that it began with.
        const born = unborn.get(actorRef)
        if (born !== undefined) born.snapshot = actorRef.getSnapshot()
        unborn.delete(actorRef)
      }
      untold.push(noted)
      if (untold.length === 1) queueMicrotask(tellAll)
      if (untold.length >= UNTOLD_MAX) tellAll()
    },
    drop(): void {
      untold = []
    },
  }
}

/** From the topmost that is watched down to the actor itself. */
function lineage(actor: Actor, watched: (actor: Actor) => boolean): Actor[] {
  const line: Actor[] = []
  for (let each: Actor | undefined = actor; each !== undefined && watched(each); each = parentOf(each))
    line.unshift(each)
  return line
}

/** Level by level: when there are more than can be shown, the supervisors are among those that are. */
function* fromTheTop(root: Actor): Generator<Actor> {
  for (let level: readonly Actor[] = [root]; level.length > 0; level = level.flatMap(childrenOf)) yield* level
}
