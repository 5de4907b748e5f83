// Place: where an actor stands in the supervision tree, as one text, and the way back from the text to whoever stands there.
//   `channel:cfo/partition:0`, `session:KEY/run`: ids from a known one downwards. A session is known by its key alone, because
//   it may come back in another partition. A place outlives the actor that stands there.

import { isSession } from '../../machines/addresses.ts'
import { type Actor, childrenById, nameOf, parentOf, type RootActor } from './actor.ts'

/** A tree in which channels and sessions are known by their addresses. */
export interface Tree extends RootActor {
  readonly system: RootActor['system'] & { get(address: string): Actor | undefined }
}

export function placeOf(actor: Actor): string {
  const ids = [nameOf(actor)]
  for (let above = parentOf(actor); above !== undefined && !isKnown(ids[0] ?? ''); above = parentOf(above)) {
    if (parentOf(above) !== undefined) ids.unshift(nameOf(above))
  }
  return ids.map(encoded).join('/')
}

/** Who stands there now. */
export function actorAt(root: Tree, place: string): Actor | undefined {
  const [first = '', ...below] = idsOf(place)
  const known = first === nameOf(root) ? root : isKnown(first) ? root.system.get(first) : childrenById(root)[first]
  return below.reduce<Actor | undefined>((actor, id) => (actor === undefined ? actor : childrenById(actor)[id]), known)
}

/** The ids of a place, from the top. */
export function idsOf(place: string): readonly string[] {
  return place.split('/').map(decoded)
}

/** Which machine stands at a place, also when nobody does; null: none that has a chart. */
export function machineAt(place: string): string | null {
  const kind = /^(gateway|channel|partition|session|delivery|run|schedule)(?=:|$)/.exec(idsOf(place).at(-1) ?? '')
  return kind?.[0] ?? null
}

/** Known in the whole tree, so that nothing above it needs to be named. */
function isKnown(id: string): boolean {
  return isSession(id) || id.startsWith('channel:')
}

/** Only what would be mistaken: addresses stay readable. */
function encoded(id: string): string {
  return id.replace(/[%/]/g, encodeURIComponent)
}

function decoded(text: string): string {
  return text.replace(/%25|%2F/g, decodeURIComponent)
}
