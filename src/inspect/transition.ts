// Transition: one thing that an actor did, as a line of JSON: what it was told, by whom, the state that it was in afterwards, and what
// it held. Charts, states and addresses as they are; all else in the shapes of vocabulary.ts.
//   A3. A secret's value leaves through no inspector.

import { type Actor, childrenOf, machineOf, nameOf, parentOf } from './actor.ts'
import { contextShown, eventShown } from './messages.ts'
import { machineAt } from './place.ts'

/** People who may read transcripts may read the texts here, too; secrets and the words of errors are never shown. */
const SHOWING = { texts: true }

/** A transition by its names alone: what is remembered of actors that nobody watches. */
export interface Remembered {
  readonly number: number
  readonly atMs: number
  readonly event: string
  readonly state: unknown
}

/** A transition while somebody watches. */
export interface Taken extends Remembered {
  readonly ids: Ids
  readonly actor: Actor
  readonly message: { readonly type: string }
  readonly from: Actor | undefined
  readonly snapshot: object
}

/** An actor's own id and those above it, lowest first; as many as a place needs. */
export type Ids = readonly [own: string, parent: string | undefined, above: string | undefined]

export function idsAbove(actor: Actor): Ids {
  const parent = parentOf(actor)
  const above = parent === undefined ? undefined : parentOf(parent)
  return [nameOf(actor), parent && nameOf(parent), above && nameOf(above)]
}

/** A place names as many ids as it needs, from the top; the root's and a known one's stand alone. */
export function stoodAt([own, parent, above]: Ids, place: readonly string[]): boolean {
  const [last, before, first] = place.toReversed()
  return own === last && (before === undefined || before === parent) && (first === undefined || first === above)
}

export function rememberedLine({ number, atMs, event, state }: Remembered): string {
  return JSON.stringify({ number, at: atMs, event, state })
}

/** `context` is left out of a transition that follows too closely on another one. */
export function transitionLine(taken: Taken, context: 'with context' | 'without context'): string {
  const { number, atMs, event, state, actor, message, from, snapshot } = taken
  return JSON.stringify({
    number,
    at: atMs,
    event,
    state,
    status: statusOf(snapshot),
    from: from === undefined ? null : nameOf(from),
    message: eventShown(actor, message, SHOWING),
    ...(context === 'with context' ? { context: contextShown(actor, snapshot, SHOWING) } : {}),
  })
}

export function contextLine({ actor, number, snapshot }: Taken): string {
  return JSON.stringify({ number, context: contextShown(actor, snapshot, SHOWING) })
}

/** Who stands at a place and how; `past` are lines of transitions, oldest first. */
export function nowLine(place: string, actor: Actor | undefined, past: readonly string[]): string {
  const now = JSON.stringify({ place, ...(actor === undefined ? nobodyAt(place) : standing(actor)) })
  return `${now.slice(0, -1)},"past":[${past.join(',')}]}`
}

function standing(actor: Actor) {
  const snapshot = actor.getSnapshot()
  const machine = machineOf(actor) ?? null
  if (typeof snapshot !== 'object' || snapshot === null)
    return { machine, status: 'active', state: null, context: null }
  return {
    machine,
    status: statusOf(snapshot),
    state: 'value' in snapshot ? snapshot.value : null,
    context: contextShown(actor, snapshot, SHOWING),
    children: childrenOf(actor).map(nameOf).slice(0, CHILDREN_SHOWN),
  }
}

function nobodyAt(place: string) {
  return { machine: machineAt(place), status: 'absent', state: null, context: null, children: [] }
}

/** The tree shows them all; here they are a hint. */
const CHILDREN_SHOWN = 64

/** XState's own word for it: active, done, error, stopped. */
export function statusOf(snapshot: unknown): string {
  const known = typeof snapshot === 'object' && snapshot !== null && 'status' in snapshot
  return known ? String(snapshot.status) : 'active'
}
