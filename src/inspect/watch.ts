// Watch: which actors are inspected at all. What nobody watches is dropped before anything is made of it.

import { channelAddress, isSession } from '../../machines/addresses.ts'
import { FailureError } from '../../machines/failure.ts'
import { type Actor, nameOf, parentOf } from './actor.ts'

/** Everything, or the actor at this address with all that is below it. */
export type Watch = 'everything' | { readonly address: string }

/** What `--inspect=TEXT` asks for: a channel of the file by its id, `session:KEY`, or `everything`, which is also no text. */
export function watchOf(text: string, channels: readonly string[]): Watch {
  const channel = channels.find((id) => id === text || channelAddress(id) === text)
  if (channel !== undefined) return { address: channelAddress(channel) }
  if (text === '' || text === 'everything') return 'everything'
  if (isSession(text)) return { address: text }
  throw new FailureError({
    kind: 'permanent',
    reason: 'notFound',
    message: `There is no channel "${text}" to inspect.`,
    remedy: `Name one of these: ${channels.join(', ')}. Or one session, as session:KEY (\`troupe sessions list\` prints the keys), or everything.`,
  })
}

export function createWatched(watch: Watch): (actor: Actor) => boolean {
  if (watch === 'everything') return () => true
  const known = new WeakMap<Actor, boolean>()
  const watched = (actor: Actor): boolean => {
    const before = known.get(actor)
    if (before !== undefined) return before
    const parent = parentOf(actor)
    const now = nameOf(actor) === watch.address || (parent !== undefined && watched(parent))
    known.set(actor, now)
    return now
  }
  return watched
}
