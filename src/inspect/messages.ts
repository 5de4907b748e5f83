// Messages: what goes over the wire, in the shapes that the Stately inspector reads (@statelyai/inspect 0.7).
//   A3. A secret's value leaves through no inspector: everything but charts, states and addresses goes through a shape.
//   Charts are code: they hold names, descriptions and bounds, and are sent as they are.

import { type Actor, chartOf, machineOf, nameOf, parentOf } from './actor.ts'
import { type Shape, type Showing, shown } from './shape.ts'
import { CONTEXTS, EVENTS, RESULTS } from './vocabulary.ts'

/** One message, ready to be sent. */
export interface Line {
  readonly kind: 'actor' | 'event' | 'snapshot'
  /** The actor that it is about. */
  readonly sessionId: string
  readonly bytes: Buffer
}

/** What every message says beside its own. */
export interface Setting extends Showing {
  readonly rootId: string
  readonly atMs: number
  readonly watched: (actor: Actor) => boolean
}

/** The version of the wire, not of Troupe. */
const WIRE_VERSION = '0.7.2'

export function actorLine(actor: Actor, snapshot: unknown, setting: Setting): Line {
  const parent = parentOf(actor)
  return line('actor', actor, {
    name: nameOf(actor),
    type: '@xstate.actor',
    definition: definitionOf(actor),
    ...base(actor, setting),
    parentId: parent !== undefined && setting.watched(parent) ? parent.sessionId : undefined,
    snapshot: snapshot === undefined ? { status: 'active' } : snapshotShown(actor, snapshot, setting),
  })
}

export function eventLine(
  actor: Actor,
  event: { type: string },
  setting: Setting & { source: Actor | undefined },
): Line {
  const { source } = setting
  return line('event', actor, {
    type: '@xstate.event',
    event: eventShown(actor, event, setting),
    // A sender that the reader is not shown is as good as the outside.
    sourceId: source !== undefined && setting.watched(source) ? source.sessionId : undefined,
    ...base(actor, setting),
  })
}

export function snapshotLine(actor: Actor, event: { type: string }, setting: Setting & { snapshot: unknown }): Line {
  return line('snapshot', actor, {
    type: '@xstate.snapshot',
    event: eventShown(actor, event, setting),
    snapshot: snapshotShown(actor, setting.snapshot, setting),
    ...base(actor, setting),
  })
}

function line(kind: Line['kind'], actor: Actor, message: object): Line {
  return { kind, sessionId: actor.sessionId, bytes: Buffer.from(JSON.stringify(message)) }
}

function base(actor: Actor, { rootId, atMs }: Setting) {
  return { sessionId: actor.sessionId, _version: WIRE_VERSION, createdAt: String(atMs), id: null, rootId }
}

// --- charts -------------------------------------------------------------------------------------------------------------

/** A chart is written out once; every session has the same one. */
const written = new WeakMap<object, string>()

function definitionOf(actor: Actor): string {
  const chart = chartOf(actor)
  if (chart === undefined) return JSON.stringify({ id: nameOf(actor) })
  const before = written.get(chart)
  if (before !== undefined) return before
  const now = JSON.stringify(chart, (_, part: unknown) => (typeof part === 'function' ? { type: part.name } : part))
  written.set(chart, now)
  return now
}

// --- snapshots and events -----------------------------------------------------------------------------------------------

function snapshotShown(actor: Actor, snapshot: unknown, setting: Setting): unknown {
  if (typeof snapshot !== 'object' || snapshot === null) return { status: 'active' }
  const of = <Part extends string>(part: Part): unknown => (part in snapshot ? Reflect.get(snapshot, part) : undefined)
  const machine = machineOf(actor)
  const ended = {
    status: of('status'),
    output: shown(of('output'), resultShape(nameOf(actor)), setting),
    error: of('error') === undefined ? undefined : shown(of('error'), 'error', setting),
  }
  if (machine === undefined) return ended
  return {
    ...ended,
    value: of('value'),
    // None of our charts has a history state.
    historyValue: {},
    context: shown(of('context'), contextShape(machine), setting),
    children: Object.fromEntries(childrenIn(snapshot).map((id) => [id, { xstate$$type: 1, id }])),
    tags: Array.from((of('tags') as Iterable<string> | undefined) ?? []), // A machine's snapshot has a set of them.
  }
}

function childrenIn(snapshot: object): string[] {
  return 'children' in snapshot ? Object.keys(snapshot.children as object) : []
}

/** XState's own events carry inputs, results and errors; ours stand in the vocabulary; any other shows its type alone. */
export function eventShown(actor: Actor, event: { readonly type: string }, showing: Showing): unknown {
  const { type } = event
  return { ...(shown(event, { parts: { ...partsOf(actor, type), type: 'hidden' } }, showing) as object), type }
}

function partsOf(actor: Actor, type: string): Readonly<Record<string, Shape>> {
  if (type === 'xstate.init') return { input: contextShape(machineOf(actor)) }
  if (type.startsWith('xstate.done.actor.')) {
    return { output: resultShape(type.slice('xstate.done.actor.'.length)), actorId: 'word' }
  }
  if (type.startsWith('xstate.error.actor.')) return { error: 'error', actorId: 'word' }
  if (type === 'xstate.promise.resolve') return { data: resultShape(nameOf(actor)) }
  if (type === 'xstate.promise.reject') return { data: 'error' }
  return Object.hasOwn(EVENTS, type) ? EVENTS[type as keyof typeof EVENTS] : {}
}

/** What a snapshot's context may show; null when its actor has no chart. */
export function contextShown(actor: Actor, snapshot: object, showing: Showing): unknown {
  const machine = machineOf(actor)
  if (machine === undefined || !('context' in snapshot)) return null
  return shown(snapshot.context, contextShape(machine), showing)
}

function contextShape(machine: string | undefined): Shape {
  return (machine === undefined ? undefined : CONTEXTS[machine]) ?? 'hidden'
}

/** `recovery:KEY` is a recovery. */
function resultShape(id: string): Shape {
  const kind = id.split(':', 1)[0] ?? ''
  return (Object.hasOwn(RESULTS, kind) ? RESULTS[kind] : undefined) ?? 'hidden'
}
