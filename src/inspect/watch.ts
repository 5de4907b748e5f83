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

/** Walks up from the actor: a tree has five levels, and remembering the answer for each actor costs more than asking again. */
export function createWatched(watch: Watch): (actor: Actor) => boolean {
  if (watch === 'everything') return () => true
  const { address } = watch
  return (actor) => {
    for (let each: Actor | undefined = actor; each !== undefined; each = parentOf(each))
      if (nameOf(each) === address) return true
    return false
  }
}
