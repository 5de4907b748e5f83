// Actor: what the inspector reads of XState's actors, and of what XState says about them. Types and looks; no library here,
// so that whatever looks like these can be inspected.

/** A running actor. */
export interface Actor {
  /** XState's own number for it, `x:12`; new at each activation. */
  readonly sessionId: string
  getSnapshot(): unknown
}

/** The top of a tree, and the hook into it; XState's `createActor` makes one. */
export interface RootActor extends Actor {
  readonly system: { inspect(observer: (happened: Happened) => void): { unsubscribe(): void } }
}

/** What XState tells an inspector. */
export interface Happened {
  readonly type: string
  readonly rootId: string
  readonly actorRef: Actor
  readonly sourceRef?: Actor | undefined
  readonly event?: { readonly type: string } | undefined
  readonly snapshot?: unknown
}

/** The parts of an actor that XState has and does not name in what it tells an inspector. */
interface Inside {
  readonly id: string
  readonly _parent?: Actor | undefined
  readonly logic?: { readonly config?: object | undefined } | undefined
}

/** Its address where machines/addresses.ts gives it one; the machine's own id for the root. */
export function nameOf(actor: Actor): string {
  const { id } = inside(actor)
  return id === actor.sessionId ? (machineOf(actor) ?? id) : id
}

export function parentOf(actor: Actor): Actor | undefined {
  return inside(actor)._parent
}

/** The chart as it was written; undefined for a promise or a callback. */
export function chartOf(actor: Actor): object | undefined {
  const config = inside(actor).logic?.config
  return typeof config === 'object' ? config : undefined
}

/** The id of its machine; undefined for a promise or a callback. */
export function machineOf(actor: Actor): string | undefined {
  const chart = chartOf(actor)
  return chart !== undefined && 'id' in chart && typeof chart.id === 'string' ? chart.id : undefined
}

export function childrenOf(actor: Actor): readonly Actor[] {
  return Object.values(childrenById(actor))
}

export function childrenById(actor: Actor): Readonly<Record<string, Actor>> {
  const snapshot = actor.getSnapshot()
  if (typeof snapshot !== 'object' || snapshot === null || !('children' in snapshot)) return {}
  // A machine's snapshot holds its children as actors, under their ids.
  return snapshot.children as Readonly<Record<string, Actor>>
}

function inside(actor: Actor): Inside {
  return actor as Actor & Inside // XState makes no actor without them.
}
